"""The reconciliation file (RPS): holdings with their prices (D1) and balances (D2) at the close of a day."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.schwab import prefix
from connectors.custodians.schwab.envelope import Header
from connectors.custodians.schwab.tables import layout
from connectors.formats import delimited, fixed_width, values
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import Taken, misfit
from connectors.formats.values import checks_of, typed, with_values

POSITION: Final = "canonical.custodian_position"
BALANCE: Final = "canonical.custodian_balance"
PRICE: Final = "canonical.price"

_QUANTITY: Final = "quantity_settled_and_unsettled"
_MARKET_VALUE: Final = "market_value_settled_and_unsettled"
_SIDE: Final = "long_short_indicator"
_SIDES: Final = {"L": "long", "S": "short"}
_FACTORS: Final = ("closing_price_unfactored", "factor", "tips_factor")
"""Read to be checked, and kept nowhere: the closing price has the factor in it already."""
_POSITION_NAMES: Final = (
    *prefix.PREFIX_FIELDS, "account_number", *prefix.IDENTIFIER_FIELDS,
    "closing_price", "price_update_date", _QUANTITY, _SIDE, _MARKET_VALUE, *_FACTORS,
)  # fmt: skip
BALANCE_TYPES: Final = {
    "cash_balance_settled": "cash_settled",
    "net_credit_debit": "cash_trade_date",
    "margin_balance": "margin",
    "money_market_funds": "money_market",
    "bank_sweep_interest_bearing_feature": "sweep",
}
"""Field of a D2 record to the kind of balance that it is; which field is the trade-date cash is from memory."""


def taken_positions(records: pl.DataFrame, header: Header, connection: Connection, shape: delimited.Shape) -> Taken:
    """Positions and prices of D1 records. ``shape``: learnt from the file's first records."""
    shaped = delimited.cut(records, layout("CRS.RPS", "D1"), _POSITION_NAMES, shape=shape)
    fields = [
        *prefix.prefix_fields(),
        prefix.account_field(),
        *prefix.identifier_fields(),
        values.decimal("closing_price", scale=8, unsigned=True),
        values.date("price_update_date"),
        values.decimal(_QUANTITY, scale=8, required=True, unsigned=True),
        values.code(_SIDE, _SIDES, required=True, where="positions.py"),
        values.decimal(_MARKET_VALUE, scale=4, unsigned=True),
        *(values.decimal(name, scale=12, unsigned=True) for name in _FACTORS),
    ]
    nameless = pl.all_horizontal(pl.col(name).is_null() for name in prefix.IDENTIFIER_FIELDS)
    checks = [
        *checks_of(fields),
        *prefix.prefix_checks(header, connection),
        Check("schwab_security_number", "missing_value", nameless, "the record identifies no security."),
    ]
    good, rejects = separated(with_values(shaped.records, fields), checks, POSITION)
    rows = good.select(_position_row(header, connection))
    misfits = rejected(shaped.misfits, misfit(), POSITION)
    return Taken({POSITION: rows, PRICE: prices(rows)}, (misfits, rejects))


def taken_balances(records: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Balances of D2 records: one row per balance that the record states; settled cash it must state."""
    names = [*prefix.PREFIX_FIELDS, "account_number", *BALANCE_TYPES]
    shaped = fixed_width.cut(records, layout("CRS.RPS", "D2"), names)
    fields = [
        *prefix.prefix_fields(),
        prefix.account_field(),
        *(values.decimal(name, scale=4, required=name == "cash_balance_settled") for name in BALANCE_TYPES),
    ]
    checks = [*checks_of(fields), *prefix.prefix_checks(header, connection)]
    good, rejects = separated(with_values(shaped.records, fields), checks, BALANCE)
    stated = [
        good.select(
            pl.col("line").alias("source_line"),
            prefix.account_number(),
            pl.lit(header.business_date).alias("as_of_date"),
            pl.lit(connection.base_currency).alias("currency"),
            pl.lit(kind).alias("balance_type"),
            typed(name).alias("balance"),
        )
        for name, kind in BALANCE_TYPES.items()
    ]
    misfits = rejected(shaped.misfits, misfit(), BALANCE)
    return Taken({BALANCE: pl.concat(stated).filter(pl.col("balance").is_not_null())}, (misfits, rejects))


def prices(positions: pl.DataFrame) -> pl.DataFrame:
    """The prices among the rows, each once: a custodian repeats a security's price on every holding of it."""
    columns = ["cusip", "isin", "sedol", "ticker", "provider_security_id", "price_date", "price", "currency"]
    stated = positions.filter(pl.col("price").is_not_null() & pl.col("price_date").is_not_null())
    return stated.select("source_line", *columns).unique(columns, keep="first", maintain_order=True)


def _position_row(header: Header, connection: Connection) -> list[pl.Expr]:
    is_short = typed(_SIDE) == "short"
    price = pl.when(typed("closing_price") > 0).then(typed("closing_price"))
    return [
        *prefix.identifiers(),
        pl.col("line").alias("source_line"),
        prefix.account_number(),
        pl.lit(header.business_date).alias("as_of_date"),
        typed(_SIDE).alias("position_side"),
        pl.when(is_short).then(-typed(_QUANTITY)).otherwise(typed(_QUANTITY)).alias("quantity"),
        price.alias("price"),
        pl.when(price.is_not_null()).then(typed("price_update_date")).alias("price_date"),
        pl.when(is_short).then(-typed(_MARKET_VALUE)).otherwise(typed(_MARKET_VALUE)).alias("market_value"),
        pl.lit(connection.base_currency).alias("currency"),
    ]
