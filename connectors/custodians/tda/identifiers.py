"""How the files name a security: by symbol, which for bonds is the CUSIP; and what a blank symbol is."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.tda import tables

CASH_SYMBOL: Final = "TDCASH"
_CUSIP: Final = r"^[0-9A-Z]{8}[0-9]$"


def is_cash() -> pl.Expr:
    """Whether a record is of cash: no symbol, or the one that stands for it."""
    return pl.col("symbol").is_null() | (pl.col("symbol") == CASH_SYMBOL)


def with_identifiers(frame: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    """The frame with ``ticker`` and ``cusip``: what the firm's table says, else the symbol where it has a CUSIP's form.

    A text of that form whose check digit is wrong is no CUSIP; whoever resolves securities leaves it out.
    """
    security = ~is_cash()
    own = tables.meanings(tables.SYMBOLS, "cusip", connection)
    cusip: pl.Expr = pl.when(pl.col("symbol").str.contains(_CUSIP)).then(pl.col("symbol"))
    if own:
        cusip = pl.coalesce(tables.mapped(pl.col("symbol"), own), cusip)
    return frame.with_columns(
        pl.when(security).then(pl.col("symbol")).alias("ticker"), pl.when(security).then(cusip).alias("cusip")
    )
