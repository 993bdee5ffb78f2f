"""Values of SWIFT fields as texts that ``connectors.formats.values`` types: comma decimals, N for negative, dates.

A text that does not have the field's form is handed on as it is, so that typing refuses it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.formats.values import Field, date, decimal

MONEY: Final = 4
UNITS: Final = 8
"""Scales of our money, and of our quantities, prices and ratios."""

_AMOUNT: Final = r"^(N?)([A-Z]{3})([0-9]+(?:,[0-9]*)?)$"
_QUANTITY: Final = r"^(UNIT|FAMT|AMOR)/(N?)([0-9]+(?:,[0-9]*)?)$"
_PENDING: Final = r"^(?:UNIT|FAMT|AMOR)/(?:[A-Z]{4}/)?()(N?)([0-9]+(?:,[0-9]*)?)$"
_PRICE: Final = r"^(PRCT|ACTU)/(N?)(?:[A-Z]{3})?([0-9]+(?:,[0-9]*)?)$"
_RATE: Final = r"^()(N?)([0-9]+(?:,[0-9]*)?)$"
_DAY: Final = r"^([0-9]{8})(?:[0-9]{6}(?:,[0-9]{0,6})?(?:/N?[0-9]{2,4})?)?$"


def _number(source: pl.Expr, pattern: str, sign: int, digits: int) -> pl.Expr:
    """The number as plain decimal text; the source itself where it has not the form."""
    minus = pl.when(source.str.extract(pattern, sign) == "N").then(pl.lit("-")).otherwise(pl.lit(""))
    plain = minus + source.str.extract(pattern, digits).str.replace(",", ".", literal=True)
    return pl.coalesce(plain, source)


def amount(name: str) -> tuple[pl.Expr, pl.Expr]:
    """Number and currency (null when the field has not the form) of ``[N]CCYn,n``."""
    source = pl.col(name)
    return _number(source, _AMOUNT, 1, 3), source.str.extract(_AMOUNT, 2)


def quantity(name: str) -> tuple[pl.Expr, pl.Expr]:
    """Number and type (UNIT, FAMT, AMOR) of ``TYPE/[N]n,n``."""
    source = pl.col(name)
    return _number(source, _QUANTITY, 2, 3), source.str.extract(_QUANTITY, 1)


def pending(name: str) -> pl.Expr:
    """Number of a balance in a breakdown, ``TYPE/[AVAI/][N]n,n``."""
    return _number(pl.col(name), _PENDING, 2, 3)


def price(name: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Number, type (PRCT of par, ACTU money) and currency (null for a percentage) of a price.

    A discount, a premium or a yield (DISC, PREM, YIEL) is not a price, nor is UKWN; they give null.
    """
    source = pl.col(name)
    is_price = source.str.contains("^(?:PRCT|ACTU)/")
    stated = pl.when(is_price).then(source)
    return (
        _number(stated, _PRICE, 2, 3),
        stated.str.extract(_PRICE, 1),
        stated.str.extract("^ACTU/N?([A-Z]{3})[0-9]", 1),
    )


def rate(name: str) -> pl.Expr:
    """Number of ``[N]n,n``."""
    return _number(pl.col(name), _RATE, 2, 3)


def day(name: str) -> pl.Expr:
    """YYYYMMDD of a date, or of a date with a local time whose zone never moves it."""
    source = pl.col(name)
    return pl.coalesce(source.str.extract(_DAY, 1), source)


def typed_fields(frame: pl.DataFrame, fields: list[Field]) -> pl.DataFrame:
    """The frame with the value of every field beside its text."""
    return frame.with_columns(field.value.alias(f"{field.name}:value") for field in fields)


def money_field(name: str, *, required: bool = False) -> Field:
    """An amount of money."""
    return decimal(name, scale=MONEY, required=required)


def units_field(name: str, *, required: bool = False) -> Field:
    """A quantity, a price or a ratio."""
    return decimal(name, scale=UNITS, required=required)


def day_field(name: str, *, required: bool = False) -> Field:
    """A day of eight digits."""
    return date(name, required=required)
