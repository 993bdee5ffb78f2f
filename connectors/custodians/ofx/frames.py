"""Rows of a statement as feed frames (``contracts.feed``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import dataframely as dy
import polars as pl

from contracts.feed import FEEDS, FeedReject

if TYPE_CHECKING:
    from connectors.custodians.ofx.records import Row

TABLES: Final = (
    "canonical.account",
    "canonical.security",
    "canonical.transaction",
    "canonical.custodian_position",
    "canonical.custodian_balance",
    "canonical.price",
    "canonical.statement_window",
)
"""Tables that this connector feeds; each is in the result, empty or not."""


BLOCK_ROWS: Final = 20_000
"""Rows that wait to become a block of columns, in which they take a tenth of the memory."""


@dataclass
class Rows:
    """The rows of one table: those that wait, and blocks of those before."""

    table_name: str
    waiting: list[Row] = field(default_factory=list)
    blocks: list[pl.DataFrame] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Takes a row."""
        self.waiting.append(row)
        if len(self.waiting) >= BLOCK_ROWS:
            self._settle()

    def frame(self) -> pl.DataFrame:
        """All rows, in the order in which they came."""
        self._settle()
        return pl.concat(self.blocks)

    def _settle(self) -> None:
        self.blocks.append(_frame(FEEDS[self.table_name], self.waiting))
        self.waiting = []


def feed_frames(rows: Mapping[str, Rows]) -> dict[str, pl.DataFrame]:
    """One frame per table of ``TABLES``, of the schema in ``contracts.feed.FEEDS``."""
    return {name: rows.get(name, Rows(name)).frame() for name in TABLES}


def reject_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """The frame of ``contracts.feed.FeedReject``."""
    return _frame(FeedReject, rows)


def _frame(schema: type[dy.Schema], rows: Sequence[Row]) -> pl.DataFrame:
    dtypes = {name: column.dtype for name, column in schema.columns().items()}
    # Rows of one table have the same keys; those of a table of which some leave a column out are gathered by name.
    shared = [name for name in dtypes if rows and name in rows[0]]
    try:
        columns = dict(zip(shared, zip(*map(_picker(shared), rows), strict=True), strict=True)) if rows else {}
    except KeyError:
        columns = {name: tuple(row.get(name) for row in rows) for name in dtypes}
    absent = (None,) * len(rows)
    return pl.DataFrame([pl.Series(name, columns.get(name, absent), dtype=dtype) for name, dtype in dtypes.items()])


def _picker(names: Sequence[str]) -> Callable[[Row], tuple[object, ...]]:
    return itemgetter(*names)
