"""Rows of a statement as feed frames (``contracts.feed``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import dataframely as dy
import polars as pl

from connectors.custodians.ofx.records import Row
from contracts.feed import FEEDS, FeedReject

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


def feed_frames(rows: Mapping[str, Sequence[Row]]) -> dict[str, pl.DataFrame]:
    """One frame per table of ``TABLES``, of the schema in ``contracts.feed.FEEDS``."""
    return {name: _frame(FEEDS[name], rows.get(name, ())) for name in TABLES}


def reject_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """The frame of ``contracts.feed.FeedReject``."""
    return _frame(FeedReject, rows)


def _frame(schema: type[dy.Schema], rows: Sequence[Row]) -> pl.DataFrame:
    columns = schema.columns()
    return pl.DataFrame(
        [pl.Series(name, [row.get(name) for row in rows], dtype=column.dtype) for name, column in columns.items()]
    )
