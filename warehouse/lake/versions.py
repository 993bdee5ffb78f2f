"""Versions of computed rows: which one is current, and which new ones say anything new. Frames in, frames out.

A computed row's identity is its contract key less the two clocks (``known_from``, ``methodology_version``); the last
version by those two, in that order, is the current one.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from contracts.table import Table

CLOCKS: Final = ("known_from", "methodology_version")
_PREVIOUS: Final = "_previous_"
_TICK: Final = pl.duration(microseconds=1)


def identity(table: Table) -> list[str]:
    """Key columns of a computed table, clocks apart.

    Raises:
        ValueError: the table is not a computed one.
    """
    if table.kind != "computed":
        raise ValueError(f"{table.full_name} is a {table.kind} table; only computed tables have versions")
    return [c for c in table.key if c not in CLOCKS]


def last_versions(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The rows of ``frame`` that no other row of the same ``keys`` follows in (known_from, methodology_version).

    Most rows have one version; only the others are sorted. The order of the result is not defined.
    """
    if frame.is_empty():
        return frame
    repeated = frame.select(pl.struct(keys).is_duplicated()).to_series()
    if not repeated.any():
        return frame
    several = frame.filter(repeated).sort(CLOCKS).unique(subset=keys, keep="last", maintain_order=True)
    return pl.concat([frame.filter(~repeated), several])


def changed_rows(table: Table, frame: pl.DataFrame, current: pl.DataFrame) -> pl.DataFrame:
    """Rows of ``frame`` whose value columns differ from the row of the same identity in ``current``, or that have none.

    A null equals a null. A changed row whose clocks do not follow those of the row that it replaces would never become
    current: it gets that row's known_from plus one microsecond.

    Args:
        table: a computed table; both frames have its columns.
        frame: at most one row per identity.
        current: at most one row per identity.

    Returns:
        Frame with the columns of ``frame``, in the order of ``frame``.
    """
    if current.is_empty() or frame.is_empty():
        return frame
    keys = identity(table)
    values = list(table.value_columns)
    before = current.select(*keys, pl.col(*CLOCKS, *values).name.prefix(_PREVIOUS))
    paired = frame.join(before, on=keys, how="left", maintain_order="left")
    is_new = pl.col(f"{_PREVIOUS}known_from").is_null()
    differs = pl.any_horizontal(is_new, *(pl.col(c).ne_missing(pl.col(_PREVIOUS + c)) for c in values))
    then, version = pl.col(f"{_PREVIOUS}known_from"), pl.col(f"{_PREVIOUS}methodology_version")
    follows = (pl.col("known_from") > then) | (
        (pl.col("known_from") == then) & (pl.col("methodology_version") > version)
    )
    known_from = pl.when(is_new | follows).then(pl.col("known_from")).otherwise(then + _TICK)
    return paired.filter(differs).with_columns(known_from.alias("known_from")).select(frame.columns)
