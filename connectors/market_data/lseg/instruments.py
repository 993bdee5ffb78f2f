"""How a row of DataScope names its instrument, and errors that it carries."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats import values
from connectors.formats.identifier_shapes import by_shape
from connectors.formats.rejects import Check
from connectors.formats.values import Field
from connectors.market_data.lseg.tables import NOTES

IDENTIFIERS: Final = ("cusip", "isin", "sedol", "ticker")
_LENGTHS: Final = {"cusip": 9, "isin": 12, "sedol": 7, "ticker": 64}


def with_identifiers(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with ``cusip``, ``isin``, ``sedol``, and the RIC as ``ticker``: it changes hands, so it is no identity.

    What was asked for stands in where no column states it.
    """
    asked = pl.col("asked")
    is_ric = by_shape("isin", asked).is_null() & by_shape("cusip", asked).is_null() & by_shape("sedol", asked).is_null()
    return rows.with_columns(
        *(pl.coalesce(pl.col(name), by_shape(name, asked)).alias(name) for name in ("cusip", "isin", "sedol")),
        pl.coalesce("ric", pl.when(is_ric).then(asked)).alias("ticker"),
    )


def identifier_fields() -> list[Field]:
    """The identifiers as typed fields."""
    return [values.text(name, max_length=length) for name, length in _LENGTHS.items()]


def nameless() -> Check:
    """A row that names no instrument."""
    none = ~pl.any_horizontal(pl.col(name).is_not_null() for name in IDENTIFIERS)
    return Check("RIC", "missing_value", none, "the row names no instrument.")


def error_checks(connection: Connection) -> list[Check]:
    """Findings for rows that carry an error, by the phrases of notes.csv; any other error is ``missing_value``."""
    text = pl.col("error").str.to_lowercase()
    checks: list[Check] = []
    told = pl.lit(False)
    for phrase, row in NOTES.rows(connection.codes.get(NOTES.name)).items():
        if not phrase or not row["reason"]:
            continue
        says = text.str.contains(phrase.lower(), literal=True) & ~told
        checks.append(Check("Error", row["reason"], says, f"the row's error says: {row['meaning']}."))
        told = told | says
    other = pl.col("error").is_not_null() & ~told
    return [*checks, Check("Error", "missing_value", other, "the row carries an error that notes.csv does not know.")]
