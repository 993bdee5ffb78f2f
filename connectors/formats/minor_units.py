"""Currencies as market-data vendors write them: ISO codes, and hundredths of one such as pence (GBp).

A vendor's table says which codes are hundredths of which currency; the letter's case matters (GBp is not GBP). A price
in hundredths is brought into the currency exactly: it must not need more decimals than a price has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from connectors.formats.rejects import Check
from connectors.formats.values import typed

_ISO: Final = r"^[A-Z]{3}$"
_HUNDREDTH: Final = pl.lit("0.01").cast(pl.Decimal(38, 8))
_TOO_FINE: Final = r"\.[0-9]{6}[0-9]*[1-9]"


def currency_of(name: str, hundredths: Mapping[str, str]) -> pl.Expr:
    """The ISO 4217 code of the text column ``name``; null where it is blank or no code that is known.

    ``hundredths``: code to the currency that it is a hundredth of.
    """
    code = pl.col(name)
    listed = code.replace_strict(
        pl.Series(list(hundredths), dtype=pl.String),
        pl.Series(list(hundredths.values()), dtype=pl.String),
        default=None,
        return_dtype=pl.String,
    )
    return pl.coalesce(listed, pl.when(code.str.contains(_ISO)).then(code))


def in_currency(price: str, name: str, hundredths: Mapping[str, str]) -> pl.Expr:
    """The value of field ``price`` (Decimal(20, 8), after ``with_values``) in whole units of its currency."""
    value = typed(price)
    is_minor = pl.col(name).is_in(list(hundredths)).fill_null(False)
    small = (value.cast(pl.Decimal(38, 8)) * _HUNDREDTH).cast(pl.Decimal(20, 8))
    return pl.when(is_minor).then(small).otherwise(value)


def currency_checks(name: str, prices: Sequence[str], hundredths: Mapping[str, str], where: str) -> list[Check]:
    """A code that is neither ISO nor in the table, and prices in hundredths that do not fit.

    ``where``: the file in which a new code is to be entered.
    """
    unknown = pl.format(f"currency {{}} is no ISO 4217 code. If it is right, add it to {where}.", pl.col(name))
    is_minor = pl.col(name).is_in(list(hundredths)).fill_null(False)
    return [
        Check(name, "unknown_code", pl.col(name).is_not_null() & currency_of(name, hundredths).is_null(), unknown),
        *(
            Check(
                price,
                "number_out_of_range",
                is_minor & pl.col(price).str.contains(_TOO_FINE),
                f"{price} in hundredths has more than six decimals: it would not be exact.",
            )
            for price in prices
        ),
    ]
