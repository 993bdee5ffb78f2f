"""Which delivery of a fact counts, and since when: the known clock of docs/methodology.md section 2.

A correction replaces, a repetition adds nothing: of the deliveries of one fact the last known counts, and it counts
since the first of the unbroken row of deliveries that say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import polars as pl

from contracts.table import Table

_ORDER = ("known_at", "source_file_id", "source_line")
"""Deliveries by arrival; ties by file and line, so that the order of input rows never matters."""


def replacements(files: pl.DataFrame) -> pl.DataFrame:
    """Files that a later delivery of the same name replaces: ``source_file_id, next_file_id, replaced_at``.

    Args:
        files: rows of landing.file_parse. A blocked file replaces nothing, and is replaced by nothing.
    """
    name = ["connection_id", "logical_name"]
    return (
        files.filter(pl.col("parse_status").cast(pl.String) == "parsed")
        .sort("known_at", "source_file_id")
        .unique("source_file_id", keep="first", maintain_order=True)
        .select(
            "source_file_id",
            next_file_id=pl.col("source_file_id").shift(-1).over(name),
            replaced_at=pl.col("known_at").shift(-1).over(name),
        )
        .filter(pl.col("next_file_id").is_not_null())
    )


def standing(frame: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    """The rows whose file no later delivery replaces; a file that ``files`` does not list stands."""
    return frame.join(replacements(files), on="source_file_id", how="anti")


def in_order(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The rows sorted by key and arrival, with ``is_new_key`` true on the first row of each key."""
    return frame.sort(*key, *(c for c in _ORDER if c in frame.columns)).with_columns(is_new_key=_differs(key))


def last_runs(ordered: pl.DataFrame, values: Sequence[str]) -> pl.DataFrame:
    """One row per key of a frame from ``in_order``: the first row of the last unbroken run of equal values.

    With a column ``ended_at`` (the instant from which a row no longer stood), a run breaks where a row had ended before
    the next one arrived, and the result's ``ended_at`` is that of the run's last row.
    """
    starts = pl.col("is_new_key") | _differs(values)
    if "ended_at" in ordered.columns:
        starts = starts | (pl.col("ended_at").shift(1) < pl.col("known_at")).fill_null(value=False)
    marked = ordered.with_columns(starts_run=starts)
    runs = marked.filter("starts_run")
    if "ended_at" in ordered.columns:
        last = marked.filter(pl.col("starts_run").shift(-1, fill_value=True))
        runs = runs.with_columns(last.get_column("ended_at"))
    return runs.filter(pl.col("is_new_key").shift(-1, fill_value=True)).drop("starts_run", "is_new_key")


def last_versions(frame: pl.DataFrame, key: Sequence[str], values: Sequence[str]) -> pl.DataFrame:
    """One row per key: the last known values, with the lineage and ``known_at`` of the first delivery of them in a row.

    >>> from datetime import UTC, datetime
    >>> rows = pl.DataFrame({
    ...     "security_key": [1, 1, 1],
    ...     "price": [10, 11, 11],
    ...     "known_at": [datetime(2022, 1, day, tzinfo=UTC) for day in (3, 4, 5)],
    ... })
    >>> last_versions(rows, ["security_key"], ["price"]).select("price", pl.col("known_at").dt.day()).rows()
    [(11, 4)]
    """
    return last_runs(in_order(frame, key), values)


def contract_rows(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The frame with exactly the columns of ``table``, in order and cast. The lake validates; this does not."""
    return frame.select(pl.col(name).cast(dtype) for name, dtype in table.polars_schema.items())


def _differs(columns: Sequence[str]) -> pl.Expr:
    changed = [pl.col(c).ne_missing(pl.col(c).shift(1)) for c in columns]
    return (pl.int_range(pl.len()) == 0) | reduce(or_, changed, pl.lit(value=False))
