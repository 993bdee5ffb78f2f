"""Flex attributes as typed values: dates of both settings, numbers with or without grouping, lists of codes, ids.

A blank is null throughout: in Flex an empty number means none, not nought. Money is read at ten decimals and rounded
half-even once, when it becomes a column of the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from connectors.formats.rejects import Check
from connectors.formats.values import Field, typed

_MOMENT: Final = (
    r"^([0-9]{4})(?:-([0-9]{2})-|([0-9]{2}))([0-9]{2})(?:[;, T]+[0-9]{2}:?[0-9]{2}(?::?[0-9]{2})?(?: ?[A-Z]{2,5})?)?$"
)
_NUMBER: Final = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$"
_GROUPED: Final = r"^[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?$"
_MAX_DIGITS: Final = 40
EXACT: Final = pl.Decimal(38, 10)
"""Money between reading and its only rounding."""
MONEY: Final = pl.Decimal(20, 4)
UNITS: Final = pl.Decimal(20, 8)
SHAPES: Final[Mapping[str, str]] = {
    "cusip": r"^[0-9A-Z*@#]{8}[0-9]$",
    "isin": r"^[A-Z]{2}[0-9A-Z]{9}[0-9]$",
    "sedol": r"^[0-9B-DF-HJ-NP-TV-Z]{6}[0-9]$",
    "figi": r"^[B-DF-HJ-NP-TV-Z]{2}G[0-9B-DF-HJ-NP-TV-Z]{8}[0-9]$",
}
IDENTIFIERS: Final = (*SHAPES, "ticker", "provider_security_id")


def day(name: str) -> Field:
    """The date of an attribute in the form yyyyMMdd or yyyy-MM-dd, with or without a time, which moves no date."""
    source = pl.col(name)
    parts = [source.str.extract(_MOMENT, group).fill_null("") for group in (1, 2, 3, 4)]
    value = pl.concat_str(parts).str.to_date("%Y%m%d", strict=False)
    value = pl.when(value.dt.year().is_between(1900, 2199)).then(value)
    detail = f"{name} is not a day in the form yyyyMMdd or yyyy-MM-dd. Set the query's date format to one of them."
    return Field(name, value, (Check(name, "impossible_date", source.is_not_null() & typed(name).is_null(), detail),))


def number(name: str, dtype: pl.DataType = EXACT) -> Field:
    """The exact number, rounded half-even to the dtype's scale where it has more decimals."""
    source = pl.col(name)
    plain = pl.when(source.str.contains(_GROUPED)).then(source.str.replace_all(",", "", literal=True)).otherwise(source)
    is_number = plain.str.contains(_NUMBER) & (plain.str.len_bytes() <= _MAX_DIGITS)
    value = pl.when(is_number).then(plain).cast(dtype, strict=False)
    return Field(
        name,
        value,
        (
            Check(name, "unparsable_number", source.is_not_null() & ~is_number, f"{name} is not a plain number."),
            Check(name, "number_out_of_range", is_number & typed(name).is_null(), f"{name} has too many digits."),
        ),
    )


def fitting(name: str, value: pl.Expr, dtype: pl.DataType) -> Field:
    """A computed value as ``dtype``, rounded half-even once; fails where it does not fit."""
    cast = value.cast(dtype, strict=False)
    detail = f"{name} has more digits before the point than fit."
    failed = pl.col(f"{name}:exact").is_not_null() & typed(name).is_null()
    return Field(name, cast, (Check(name, "number_out_of_range", failed, detail),))


def or_zero(name: str) -> pl.Expr:
    """The number of an attribute, nought where it is absent."""
    return typed(name).fill_null(0).cast(EXACT)


def has_code(name: str, code: str) -> pl.Expr:
    """Whether the semicolon list of an attribute holds a code."""
    return pl.concat_str(pl.lit(";"), pl.col(name).str.replace_all(" ", "", literal=True), pl.lit(";")).str.contains(
        f";{code};", literal=True
    ).fill_null(False)  # fmt: skip


def mapped(source: pl.Expr, meanings: Mapping[str, str]) -> pl.Expr:
    """The meaning of a code, null where there is none."""
    return source.replace_strict(
        pl.Series(list(meanings), dtype=pl.String),
        pl.Series(list(meanings.values()), dtype=pl.String),
        default=None,
        return_dtype=pl.String,
    )


def unknown(field_name: str, source: pl.Expr, value: pl.Expr, table: str) -> Check:
    """A code that no table holds."""
    detail = f"{field_name} {{}} is not known, or not dealt with. If it is, add it to {table}.csv."
    failed = source.is_not_null() & value.is_null()
    return Check(field_name, "unknown_code", failed, pl.format(detail, source.str.slice(0, 24)))


def identifiers() -> list[pl.Expr]:
    """The identifier columns of a feed row; all null for a pair of currencies.

    conid is the provider's own id. An identifier that has not the shape of its scheme is left out: conid names the
    security anyway.
    """
    given = pl.col("securityID").str.to_uppercase()
    scheme = pl.col("securityIDType").str.to_uppercase()
    found = []
    for name, shape in SHAPES.items():
        stated = pl.col(name).str.to_uppercase()
        other = pl.when((scheme == name.upper()) & given.str.contains(shape)).then(given)
        found.append(pl.coalesce(pl.when(stated.str.contains(shape)).then(stated), other).alias(name))
    found.append(pl.col("symbol").str.slice(0, 64).alias("ticker"))
    found.append(pl.col("conid").alias("provider_security_id"))
    is_cash = (pl.col("assetCategory") == "CASH").fill_null(False)
    return [pl.when(~is_cash).then(expression).alias(expression.meta.output_name()) for expression in found]


def unidentified() -> Check:
    """A record of a security that it does not name."""
    missing = pl.all_horizontal(pl.col(name).is_null() for name in (*SHAPES, "conid"))
    detail = "neither conid nor another identifier is given. Tick conid in the Flex query."
    return Check("conid", "missing_value", missing & (pl.col("assetCategory") != "CASH").fill_null(True), detail)


def conid_fits() -> Check:
    """The provider's id must leave room for the slug in front of it."""
    return Check(
        "conid", "contract_violation", pl.col("conid").str.len_bytes() > 56, "conid is longer than an id may be."
    )
