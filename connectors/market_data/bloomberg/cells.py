"""Rows of values: columns cut at the delimiter, tokens that mean "no value", and bulk cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.rejects import Check
from connectors.market_data.bloomberg.tables import RETCODES, is_listed, meaning

MISSING: Final[Mapping[str, str]] = {
    "N.A.": "not available",
    "N.S.": "not subscribed",
    "N.D.": "not downloadable",
    "N.N.": "not named",
    "FLD UNKNOWN": "the field is not known",
}
"""Tokens that stand for no value, and what they say. A blank is one too."""

_HEAD: Final = 3


def with_cells(records: pl.DataFrame, delimiter: str) -> pl.DataFrame:
    """The rows with ``cells`` (the values as a list), ``id``, ``retcode`` and ``stated`` (number of fields)."""
    return records.with_columns(pl.col("text").str.split(delimiter).alias("cells")).with_columns(
        cell(0).alias("id"), cell(1).alias("retcode"), cell(2).alias("stated")
    )


def cell(place: int) -> pl.Expr:
    """The cell at ``place``, stripped; null where it is blank or not there."""
    text = pl.col("cells").list.get(place, null_on_oob=True).str.strip_chars(" \t")
    return pl.when(text != "").then(text)


def value(text: pl.Expr) -> pl.Expr:
    """The text, null where it is a token that means no value."""
    return pl.when(~text.is_in(list(MISSING))).then(text)


def column(fields: Sequence[str], names: Sequence[str], shift: int) -> pl.Expr:
    """The first of the fields ``names`` that has a value; ``shift`` cells stand before the first field."""
    found = [value(cell(_HEAD + shift + fields.index(name))) for name in names if name in fields]
    return pl.coalesce(found) if found else pl.lit(None, dtype=pl.String)


def shape_checks(fields: Sequence[str], shift: int) -> list[Check]:
    """A row must have the values of the declared fields, or more if it says so itself."""
    values = pl.col("cells").list.len().cast(pl.Int64) - _HEAD - shift - (cell_is_last_blank())
    is_exact = values == len(fields)
    is_later = (values > len(fields)) & (values.cast(pl.String) == pl.col("stated"))
    detail = "the row has another number of values than the file has fields. Ask for the file again."
    return [Check("record", "wrong_field_count", ~(is_exact | is_later), detail)]


def cell_is_last_blank() -> pl.Expr:
    """1 where the row ends with a delimiter, as it should."""
    return (pl.col("cells").list.last() == "").cast(pl.Int64)


def retcode_check(program: str, connection: Connection) -> tuple[pl.Expr, list[Check]]:
    """Whether a row's return code says that it holds data, and the findings for one that says something else.

    The codes and their meanings are in retcodes.csv; one that is not listed there is ``unknown_code``.
    """
    code = pl.format(f"{program}/{{}}", pl.col("retcode").fill_null(""))
    reason = meaning(RETCODES, "reason", connection, code)
    listed = is_listed(RETCODES, connection, code)
    told = pl.format("return code {}: {}.", pl.col("retcode"), meaning(RETCODES, "meaning", connection, code))
    reasons = sorted({row["reason"] for row in RETCODES.rows(connection.codes.get(RETCODES.name)).values()} - {""})
    unknown = pl.format("return code {} is not known. If it is right, add it to retcodes.csv.", pl.col("retcode"))
    checks = [
        Check("RETCODE", "unknown_code", ~listed, pl.coalesce(unknown, pl.lit("the row has no return code."))),
        *(Check("RETCODE", name, reason == name, told) for name in reasons),
    ]
    return listed & reason.is_null(), checks


def bulk(records: pl.DataFrame, name: str) -> tuple[pl.DataFrame, pl.Expr]:
    """Bulk cells as rows: ``line`` and ``cell`` (list of texts), and whether a cell of ``name`` cannot be read.

    A cell is ;dimensions;rows;columns;type;value;type;value;...; with two dimensions.
    """
    parts = pl.col(name).str.split(";")
    rows, columns = (parts.list.get(n, null_on_oob=True).cast(pl.Int64, strict=False) for n in (2, 3))
    is_sound = (
        (parts.list.get(1, null_on_oob=True) == "2")
        & rows.is_between(0, 100_000)
        & columns.is_between(1, 100)
        & (parts.list.len().cast(pl.Int64) == 2 * rows * columns + 5)
    )
    is_broken = pl.col(name).is_not_null() & ~is_sound.fill_null(False)
    empty = pl.DataFrame(schema={"line": pl.Int64, "cell": pl.List(pl.String)})
    sound = records.filter(pl.col(name).is_not_null() & is_sound & (rows > 0))
    if not sound.height:
        return empty, is_broken
    values = parts.list.slice(5).list.gather_every(2).list.head(rows * columns)
    long = sound.select("line", values.alias("value"), columns.alias("columns")).explode("value", empty_as_null=True)
    place = pl.int_range(pl.len()).over("line")
    return (
        long.with_columns((place // pl.col("columns")).alias("row"))
        .group_by("line", "row", maintain_order=True)
        .agg(pl.col("value").str.strip_chars(" ").alias("cell"))
        .select("line", "cell"),
        is_broken,
    )
