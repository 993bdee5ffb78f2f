"""Text columns as dates, exact decimals and codes, each with the ways in which it can fail.

A ``Field`` reads a column of stripped text (blank is null) and offers its value under ``typed(name)`` once
``with_values`` has been called. Numbers never pass through a float: the text is cast to Decimal, and a text whose
digits the Decimal cannot hold is refused instead of rounded (the cast alone would round half to even).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from connectors.formats.rejects import Check

_NUMBER: Final = r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$"
_NO_DATES: Final = ("00000000", "99991231")
"""Dates that mean "none"."""
_YEARS: Final = (1900, 2199)
PRECISION: Final = 20


@dataclass(frozen=True)
class Field:
    """A typed field of a record.

    Attributes:
        name: the text column that it reads.
        value: its value; null where the text is blank or fails a check.
        checks: the ways in which it can fail; they may read ``typed(name)``.
    """

    name: str
    value: pl.Expr
    checks: tuple[Check, ...]


def typed(name: str) -> pl.Expr:
    """The value of field ``name``, after ``with_values``."""
    return pl.col(f"{name}:value")


def zero(scale: int) -> pl.Expr:
    """Nought as Decimal(20, scale)."""
    return pl.lit(0).cast(pl.Decimal(PRECISION, scale))


def with_values(records: pl.DataFrame, fields: Iterable[Field]) -> pl.DataFrame:
    """The records with the value of every field beside its text."""
    return records.with_columns(field.value.alias(f"{field.name}:value") for field in fields)


def checks_of(fields: Iterable[Field]) -> list[Check]:
    """The checks of all fields."""
    return [check for field in fields for check in field.checks]


def text(name: str, *, max_length: int, required: bool = False) -> Field:
    """A text of at most ``max_length`` bytes of UTF-8. Fails as contract_violation, or missing_value when required."""
    too_long = pl.col(name).str.len_bytes() > max_length
    detail = f"{name} is longer than {max_length} bytes. Compare the record with the layout."
    return Field(name, pl.col(name), (*_presence(name, required), Check(name, "contract_violation", too_long, detail)))


def date(name: str, *, required: bool = False, format: str = "%Y%m%d", pattern: str = r"^[0-9]{8}$") -> Field:
    """A day. Zeros and 99991231 mean none.

    Args:
        name: the text column.
        required: whether a blank, or a date that means none, fails as missing_value.
        format: strftime format of the text.
        pattern: what the text must match first, since the parser of dates forgives missing digits.
    """
    source = pl.col(name)
    day = pl.when(source.str.contains(pattern)).then(source).str.to_date(format, strict=False)
    is_none = source.is_null() | source.is_in(_NO_DATES)
    value = pl.when(~is_none & day.dt.year().is_between(*_YEARS)).then(day)
    impossible = Check(
        name,
        "impossible_date",
        ~is_none & typed(name).is_null(),
        f"{name} is not a day of the calendar from {_YEARS[0]} to {_YEARS[1]}. Ask the provider for the record again.",
    )
    missing = (
        (
            Check(
                name, "missing_value", is_none, f"{name} is required and blank. Ask the provider for the record again."
            ),
        )
        if required
        else ()
    )
    return Field(name, value, (*missing, impossible))


def decimal(name: str, *, scale: int, required: bool = False, unsigned: bool = False) -> Field:
    """An exact Decimal(20, scale).

    Fails as unparsable_number when the text is not plain digits with an optional sign and point, and as
    number_out_of_range when it has more integer digits than fit, more decimals than ``scale`` that are not zero, or a
    minus where the feed states direction apart (``unsigned``).
    """
    source = pl.col(name)
    is_number = source.str.contains(_NUMBER)
    value = pl.when(is_number).then(source).cast(pl.Decimal(PRECISION, scale), strict=False)
    beyond = typed(name).is_null() | source.str.contains(rf"\.[0-9]{{{scale}}}[0-9]*[1-9]")
    checks = [
        *_presence(name, required),
        Check(
            name,
            "unparsable_number",
            source.is_not_null() & ~is_number,
            f"{name} is not a plain decimal number. Ask the provider for the record again.",
        ),
        Check(
            name,
            "number_out_of_range",
            is_number & beyond,
            f"{name} does not fit {PRECISION - scale} digits before and {scale} after the point. Check the layout.",
        ),
    ]
    if unsigned:
        detail = f"{name} carries a minus, but this feed states direction in a field of its own. Check the layout."
        checks.append(Check(name, "number_out_of_range", typed(name) < 0, detail))
    return Field(name, value, tuple(checks))


def code(name: str, meanings: Mapping[str, str], *, required: bool = False, where: str) -> Field:
    """A code of a closed list, as its meaning. A code that is not listed fails as unknown_code and is named.

    Args:
        name: the text column.
        meanings: code to meaning; texts are compared as they stand.
        required: whether a blank fails.
        where: the file in which a new code is to be entered, for the detail.
    """
    source = pl.col(name)
    value = source.replace_strict(
        pl.Series(list(meanings), dtype=pl.String),
        pl.Series(list(meanings.values()), dtype=pl.String),
        default=None,
        return_dtype=pl.String,
    )
    unknown = Check(
        name,
        "unknown_code",
        source.is_not_null() & typed(name).is_null(),
        pl.format(f"{name} {{}} is not known. If it is right, add it to {where}.", source.str.slice(0, 12)),
    )
    return Field(name, value, (*_presence(name, required), unknown))


def _presence(name: str, required: bool) -> tuple[Check, ...]:
    if not required:
        return ()
    detail = f"{name} is required and blank. Ask the provider for the record again."
    return (Check(name, "missing_value", pl.col(name).is_null(), detail),)
