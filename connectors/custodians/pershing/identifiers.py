"""How records name a security: a CUSIP, a number of Pershing's own in its place, or a currency.

Numbers that Pershing made up pass the check digit of a CUSIP, so they are told by their beginning alone. The nine
characters are the provider's id of a security whatever they are.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.pershing.tables import INTERNAL_CUSIPS

CURRENCY: Final = r"^[A-Z]{3}99999[0-9]$"
"""The number under which cash of a currency is held, such as USD999997."""
_CALLS: Final = ("C", "B", "L")
_PUTS: Final = ("P", "D", "M")
"""B and D are pledged to a bank, L and M backed by a letter of credit; of an escrow receipt (E) it is not said."""


def is_currency(name: str) -> pl.Expr:
    """Whether the field names cash."""
    return pl.col(name).str.contains(CURRENCY).fill_null(False)


def cusip_columns(name: str, connection: Connection) -> list[pl.Expr]:
    """``cusip`` and ``provider_security_id`` of the nine characters in ``name``; both null for cash."""
    number = pl.when(~is_currency(name)).then(pl.col(name))
    prefixes = list(INTERNAL_CUSIPS.rows(connection.codes.get(INTERNAL_CUSIPS.name)))
    is_internal = pl.any_horizontal(pl.lit(False), *(number.str.starts_with(prefix) for prefix in prefixes))
    return [pl.when(~is_internal).then(number).alias("cusip"), number.alias("provider_security_id")]


def isin_column(kind: str, name: str) -> pl.Expr:
    """``isin``: the alternate id, where its kind says that it is one."""
    return pl.when(pl.col(kind) == "I").then(pl.col(name)).alias("isin")


def option_symbol(root: str, expires: str, side: str, strike: str) -> pl.Expr:
    """The 21 characters of an option's OSI symbol; null unless all its parts are stated.

    ``expires`` is a Date column and ``strike`` a Decimal of scale 3.
    """
    letter = pl.when(pl.col(side).is_in(_CALLS)).then(pl.lit("C")).when(pl.col(side).is_in(_PUTS)).then(pl.lit("P"))
    thousandths = (pl.col(strike) * 1000).cast(pl.Int64).cast(pl.String).str.zfill(8)
    return pl.concat_str(pl.col(root).str.pad_end(6), pl.col(expires).dt.strftime("%y%m%d"), letter, thousandths)
