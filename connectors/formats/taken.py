"""What reading a part of a file gave: rows by table, and records held back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from connectors.formats.lines import texts_of
from connectors.formats.rejects import Check, no_rejects, rejected
from contracts.feed import FEEDS


@dataclass(frozen=True)
class Taken:
    """Rows and rejects of one block of records.

    Attributes:
        frames: canonical table to rows, with at least the columns of ``contracts.feed.FEEDS``.
        rejects: frames of ``contracts.feed.FeedReject``.
    """

    frames: Mapping[str, pl.DataFrame]
    rejects: Sequence[pl.DataFrame]


def conformed(table_name: str, part: pl.DataFrame) -> pl.DataFrame:
    """The rows as exactly the table's feed columns and dtypes; absent columns that may be null are null.

    Raises:
        KeyError: a column that may not be null is missing, which is a bug of the connector.
    """
    schema = no_rows(table_name).schema
    nullable = {name for name, column in FEEDS[table_name].columns().items() if column.nullable}
    absent = [pl.lit(None, dtype=schema[name]).alias(name) for name in schema if name not in part.columns]
    if not {name for name in schema if name not in part.columns} <= nullable:
        raise KeyError(f"{table_name}: columns that may not be null are missing from the frame")
    chosen = (part.with_columns(absent) if absent else part)[list(schema)]
    return chosen if chosen.schema == schema else chosen.cast(schema)


@cache
def no_rows(table_name: str) -> pl.DataFrame:
    """A frame of no rows with the table's feed columns."""
    return pl.DataFrame(schema={name: column.dtype for name, column in FEEDS[table_name].columns().items()})


def misfit() -> Check:
    """The finding for a line that does not have the shape of its record type."""
    detail = "the separators do not stand where the layout has them. Ask for the record again, or extend layouts.csv."
    return Check("record_type", "wrong_field_count", pl.lit(True), detail)


def repeated(table_name: str, frame: pl.DataFrame, key: Sequence[str], path: Path) -> pl.DataFrame:
    """Rejects for the rows whose key an earlier line of the file has; their text is read again from the file."""
    if not frame.height or frame.select(pl.struct(key).is_first_distinct().all()).item():
        return no_rejects()
    lines = frame.filter(~pl.struct(key).is_first_distinct())["source_line"].unique()
    detail = "an earlier line of the file states the same. Ask which of them is right."
    return rejected(texts_of(path, lines.to_list()), Check(key[0], "duplicate_key", pl.lit(True), detail), table_name)
