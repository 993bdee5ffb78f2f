"""Positions: what accounts hold, whole (POSITION EXTRACT) or as changes (POSITION DELTA), with prices."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.fidelity import records as common
from connectors.custodians.fidelity.records import Header
from connectors.custodians.fidelity.tables import ACCOUNT_TYPES, DELTAS, layout, meant
from connectors.formats import field_kernels as kernel
from connectors.formats import values
from connectors.formats.flat import Number, Text, Wanted
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken

POSITION: Final = "canonical.custodian_position"
PRICE: Final = "canonical.price"
KEY: Final = ("account_number", "sub_account", "cusip", "isin", "sedol", "ticker", "position_side")
"""What a file may state once only."""

_DAYS: Final = ("price_date",)
_WANTED: Final[tuple[Wanted, ...]] = (
    Text("delta_indicator", 1), Text("account_number", 9, required=True), Text("account_type", 1),
    *common.identifier_fields(), Text("symbol", 9), Text("option_symbol", 30), Text("currency", 3),
    Text("price_date", 8), Number("market_price", 8), Number("trade_date_quantity", 8), Number("market_value", 4),
    Number("factor", 8), Number("unfactored_price", 8), Number("accrued_interest", 9),
)  # fmt: skip
_PRICE_COLUMNS: Final = ("cusip", "isin", "sedol", "ticker", "price_date", "price", "currency")


def is_delta(header: Header) -> bool:
    """Whether the title says that the file states changes alone."""
    return header.title.startswith("POSITION D")


def taken_positions(lines: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Positions and prices of the data lines."""
    read, checks = common.read(lines, layout("POSIT", "D"), _WANTED)
    read = common.with_days(read, _DAYS).with_columns(
        meant(pl.col("account_type"), ACCOUNT_TYPES, "sub_account", connection).alias("sub_account"),
        meant(pl.col("delta_indicator"), DELTAS, "state", connection).alias("state"),
        pl.coalesce("option_symbol", "symbol").alias("ticker"),
        common.cusip(),
    )
    is_gone = (pl.col("state") == "gone").fill_null(False)
    checks += [
        *common.day_checks(_DAYS),
        *common.foreign(connection),
        common.account_check(),
        common.currency_check(),
        common.nameless(("cusip", "isin", "sedol", "ticker")),
        common.unknown("account_type", "sub_account", ACCOUNT_TYPES.path.name),
        common.unknown("delta_indicator", "state", DELTAS.path.name),
        Check(
            "trade_date_quantity", "missing_value", (pl.col("trade_date_quantity:fault") == kernel.BLANK) & ~is_gone,
            "trade_date_quantity is required and blank. Ask the provider for the record again.",
        ),
    ]  # fmt: skip
    good, rejects = separated(read, checks, POSITION)
    quantity = pl.when(is_gone).then(values.zero(8)).otherwise(pl.col("trade_date_quantity"))
    price = quoted_price()
    rows = good.select(
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        *(pl.col(name) for name in ("cusip", "isin", "sedol", "ticker")),
        pl.lit(header.created).alias("as_of_date"),
        pl.when(quantity < 0).then(pl.lit("short")).otherwise(pl.lit("long")).alias("position_side"),
        pl.col("sub_account"),
        quantity.alias("quantity"),
        price.alias("price"),
        pl.when(price.is_not_null()).then(pl.col("price_date:day")).alias("price_date"),
        pl.when(is_gone).then(values.zero(4)).otherwise(pl.col("market_value")).alias("market_value"),
        common.as_scale(pl.col("accrued_interest"), 4).alias("accrued_interest"),
        common.currency(connection),
        pl.lit(is_delta(header)).alias("is_delta"),
    )
    return Taken({POSITION: rows, PRICE: prices(rows)}, (rejects,))


def quoted_price() -> pl.Expr:
    """The price as it is quoted: before the factor where the security has one. A price of zero is no price."""
    has_factor = (pl.col("factor") > 0) & (pl.col("unfactored_price") > 0)
    price = pl.when(has_factor).then(pl.col("unfactored_price")).otherwise(pl.col("market_price"))
    return pl.when(price > 0).then(price)


def prices(rows: pl.DataFrame) -> pl.DataFrame:
    """The prices among the rows, each once: a security's price stands on every holding of it."""
    stated = rows.filter(pl.col("price").is_not_null() & pl.col("price_date").is_not_null())
    return stated.select("source_line", *_PRICE_COLUMNS).unique(_PRICE_COLUMNS, keep="first", maintain_order=True)
