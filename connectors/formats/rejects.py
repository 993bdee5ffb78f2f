"""Records that fail: how a check is stated, and how a frame is parted into what holds and what is held back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl

from contracts.feed import FeedReject

REJECT_SCHEMA: Final = pl.Schema({name: column.dtype for name, column in FeedReject.columns().items()})
DETAIL_BYTES: Final = 1000
RAW_TEXT_BYTES: Final = 4000
"""The contract counts bytes of UTF-8."""


@dataclass(frozen=True)
class Check:
    """One way in which a record can fail.

    Attributes:
        field_name: the field at fault.
        reason: a code of ``contracts.vocabularies.REJECT_REASONS``.
        failed: true for a record that fails; null counts as not failing.
        detail: what is wrong and what to do, without client data; an expression where a code is to be named.
    """

    field_name: str
    reason: str
    failed: pl.Expr
    detail: str | pl.Expr


def cut_to(text: pl.Expr, size_bytes: int) -> pl.Expr:
    """The text cut to at most ``size_bytes`` bytes of UTF-8 at the end of a character, or less when not ASCII."""
    shares = (1.0, 0.9, 0.75, 0.5, 0.25)  # no character has more than four bytes
    cuts = [text.str.slice(0, int(size_bytes * share)) for share in shares]
    return pl.coalesce(pl.when(part.str.len_bytes() <= size_bytes).then(part) for part in cuts)


@cache
def no_rejects() -> pl.DataFrame:
    """A frame of no rejects."""
    return pl.DataFrame(schema=REJECT_SCHEMA)


def rejected(records: pl.DataFrame, check: Check, table_name: str | None) -> pl.DataFrame:
    """Rejects for all of ``records`` (``line``, ``text`` and what the detail names), whatever ``check.failed`` says."""
    if not records.height:
        return no_rejects()
    records = records.rechunk()  # Polars panics when it formats a column whose first chunk a filter has emptied
    if isinstance(check.detail, str):
        detail = pl.lit(check.detail.encode()[:DETAIL_BYTES].decode(errors="ignore"))
    else:
        detail = cut_to(check.detail, DETAIL_BYTES)
    return records.select(
        source_line=pl.col("line"),
        reason=pl.lit(check.reason),
        field_name=pl.lit(check.field_name),
        table_name=pl.lit(table_name, dtype=pl.String),
        detail=detail,
        raw_text=cut_to(pl.col("text").str.strip_chars_end("\r\n\x1a"), RAW_TEXT_BYTES),
    ).cast(REJECT_SCHEMA)


def separated(records: pl.DataFrame, checks: Sequence[Check], table_name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The records that pass every check, and a reject for every check that a record fails.

    Args:
        records: frame with ``line``, ``text`` and the columns that the checks read.
        checks: what can be wrong.
        table_name: the table that the records were meant for.

    Returns:
        The good records with all their columns, and a frame of ``contracts.feed.FeedReject``.
    """
    if not records.height or not checks:
        return records, no_rejects()
    flags = records.select(check.failed.fill_null(False).alias(str(place)) for place, check in enumerate(checks))
    if not any(flag.any() for flag in flags):
        return records, no_rejects()
    is_bad = flags.select(pl.any_horizontal(pl.all())).to_series()
    found = [
        rejected(records.filter(flags[str(place)]), check, table_name)
        for place, check in enumerate(checks)
        if flags[str(place)].any()
    ]
    return records.filter(~is_bad), pl.concat(found)


def ordered(rejects: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All rejects in file order, one per line, reason and field."""
    found = [part for part in rejects if part.height]
    if not found:
        return no_rejects()
    return (
        pl.concat([no_rejects(), *found])
        .unique(["source_line", "reason", "field_name"], keep="first", maintain_order=True)
        .sort("source_line", maintain_order=True)
    )
