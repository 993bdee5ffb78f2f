"""What the records of all transmissions have in common: reading fields, days of two forms, identifiers, ownership."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.flat import FlatLayout, Text, Wanted, read_records
from connectors.formats.rejects import Check

_FORMS: Final = ("%Y%m%d", "%m%d%Y")
_NO_DAYS: Final = ("00000000", "99991231", "12319999")
_YEARS: Final = (1900, 2199)
_CURRENCY: Final = r"^[A-Z]{3}$"
IDENTIFIERS: Final = {"cusip": 9, "isin": 12, "sedol": 7}
"""Identifier fields and the longest text that each may hold."""


@dataclass(frozen=True)
class Header:
    """What the header of a transmission says.

    Attributes:
        created: business day of the data.
        title: literal that names the transmission.
        client: id of the client to whom it is sent; blocks of a vendor's file have ids of their own.
        is_segmented: whether logical records are made of segments of 101 bytes.
        is_older: whether the trailer counts logical records one place further right.
    """

    created: date
    title: str
    client: str
    is_segmented: bool = False
    is_older: bool = False


def read(lines: pl.DataFrame, layout: FlatLayout, wanted: Sequence[Wanted]) -> tuple[pl.DataFrame, list[Check]]:
    """The wanted fields of fixed-width lines, typed, with their checks.

    A line may have lost its trailing blanks; one that ends inside a number of implied decimals has lost more, and its
    digits would count for a thousandth or a millionth of what they were.
    """
    records, checks = read_records(lines, layout, wanted)
    numbers = [field for field in (layout.field(want.name) for want in wanted) if field.kind == "N"]
    length = pl.col("text").str.len_chars()
    inside = [length.is_between(field.start, field.end - 1) for field in numbers]
    if inside:
        detail = "the line ends in the middle of a number. Ask the provider for the record again."
        checks.append(Check("record", "wrong_field_count", pl.any_horizontal(inside), detail))
    return records, checks


def identifier_fields(names: Iterable[str] = tuple(IDENTIFIERS)) -> list[Text]:
    """The texts of a security's identifiers."""
    return [Text(name, IDENTIFIERS[name]) for name in names]


def cusip() -> pl.Expr:
    """The CUSIP; zeros mean none."""
    return pl.when(pl.col("cusip").str.strip_chars("0") != "").then(pl.col("cusip")).alias("cusip")


def day(name: str) -> pl.Expr:
    """The text of eight digits as a day, CCYYMMDD or MMDDCCYY; null for none and for what is neither.

    Never both: no month is a century of the years that are allowed.
    """
    text = pl.when(pl.col(name).str.contains(r"^[0-9]{8}$")).then(pl.col(name))
    found = [text.str.to_date(form, strict=False) for form in _FORMS]
    return pl.coalesce(pl.when(one.dt.year().is_between(*_YEARS)).then(one) for one in found)


def with_days(records: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The records with each text of ``names`` as a day under ``<name>:day``."""
    return records.with_columns(day(name).alias(f"{name}:day") for name in names)


def day_checks(names: Sequence[str], required: Sequence[str] = ()) -> list[Check]:
    """Texts that are no day, and days that must be there."""
    checks: list[Check] = []
    for name in names:
        is_none = pl.col(name).is_null() | pl.col(name).is_in(_NO_DAYS)
        detail = f"{name} is a day neither as CCYYMMDD nor as MMDDCCYY, from {_YEARS[0]} to {_YEARS[1]}."
        checks.append(Check(name, "impossible_date", ~is_none & pl.col(f"{name}:day").is_null(), detail))
        if name in required:
            checks.append(Check(name, "missing_value", is_none, f"{name} is required and holds no day."))
    return checks


def unknown(name: str, meaning: str, where: str) -> Check:
    """A code in ``name`` that has no meaning in column ``meaning``; a blank one passes."""
    detail = pl.format(f"{name} {{}} is not known. If it is right, add it to {where}.", pl.col(name).str.slice(0, 12))
    return Check(name, "unknown_code", pl.col(name).is_not_null() & pl.col(meaning).is_null(), detail)


def foreign(connection: Connection) -> list[Check]:
    """Records of a client that the connection does not name; one that names none takes all."""
    if not connection.master_accounts:
        return []
    own = [number.strip().lstrip("0") for number in connection.master_accounts]
    detail = "the record is of another client than the tenant's. Ask why it came, or add the client to the connection."
    is_foreign = ~pl.col("client").str.strip_chars_start("0").is_in(own)
    return [Check("client", "foreign_account", is_foreign, detail)]


def nameless(names: Sequence[str]) -> Check:
    """A record that must name a security and has none of the identifiers ``names``."""
    blank = pl.all_horizontal(pl.col(name).is_null() for name in names)
    return Check(names[0], "missing_value", blank, "the record identifies no security.")


def currency(connection: Connection) -> pl.Expr:
    """The record's currency, else the connection's."""
    return pl.col("currency").fill_null(connection.base_currency).alias("currency")


def currency_check() -> Check:
    """A currency that is not three capitals."""
    detail = "the currency is not three capital letters. Ask the provider for the record again."
    return Check("currency", "contract_violation", ~pl.col("currency").str.contains(_CURRENCY), detail)


def account_check() -> Check:
    """An account number that is not a branch of three characters and six digits, blanks apart."""
    detail = "the account is not a branch of three and a number of six. Compare the record with the layout."
    return Check(
        "account_number", "contract_violation", ~pl.col("account_number").str.contains(r"^[0-9A-Z]{9}$"), detail
    )


def as_scale(value: pl.Expr, scale: int) -> pl.Expr:
    """A Decimal rounded half to even, once, to the scale of our contract."""
    return value.round(scale, mode="half_to_even").cast(pl.Decimal(20, scale))
