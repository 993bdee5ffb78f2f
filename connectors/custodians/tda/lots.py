"""The lot file (CBL): open tax lots with their cost, at the close of a day."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.tda import tables
from connectors.custodians.tda.content import QUOTE, SEPARATOR, Named, day_fields, with_days
from connectors.custodians.tda.identifiers import is_cash, with_identifiers
from connectors.formats.flat import Number, Text, Wanted, read_records
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import checks_of, typed, with_values

LOT: Final = "canonical.custodian_lot"
KEY: Final = ("account_number", "ticker", "lot_id", "position_side", "sub_account")
"""What a file may state once only."""

_DAYS: Final = ("business_date", "original_purchase_date")
_FLAGS: Final = ("cost_basis_fully_known", "covered")
_WANTED: Final[tuple[Wanted, ...]] = (
    Text("account_number", max_length=64, required=True),
    Text("account_type", max_length=12),
    Text("symbol", max_length=64, required=True),
    Text("id", max_length=60),
    *(Text(name, max_length=10) for name in _DAYS),
    *(Text(name, max_length=12) for name in _FLAGS),
    Number("current_quantity", scale=8, required=True),
    *(Number(name, scale=4) for name in ("cost_basis", "unrealized_gain_loss", "disallowed_amount")),
)


def taken_lots(lines: pl.DataFrame, named: Named, connection: Connection) -> Taken:
    """Open lots. A cost that is not fully known is none, whatever number stands there.

    A lot without an id is named by its place among the lots of its holding.
    """
    read, checks = read_records(lines, tables.layout("CBL"), _WANTED, separator=SEPARATOR, quote=QUOTE)
    read, form = with_days(read, _DAYS)
    days = day_fields(form, _DAYS)
    flags = tables.meanings(tables.FLAGS, "is_set", connection)
    parts = tables.meanings(tables.ACCOUNT_TYPES, "sub_account", connection)
    part = pl.col("account_type").str.to_uppercase()
    read = with_values(read, days).with_columns(
        pl.when(part.is_null()).then(pl.lit("cash")).otherwise(tables.mapped(part, parts)).alias("sub_account"),
        *(tables.mapped(pl.col(name).str.to_uppercase(), flags).alias(f"{name}_said") for name in _FLAGS),
    )
    good, rejects = separated(read, [*checks, *checks_of(days), *_checks(named)], LOT)
    holding = ["account_number", "symbol", "sub_account"]
    place = pl.format("#{}", pl.int_range(1, pl.len() + 1).over(holding))
    quantity = pl.col("current_quantity")
    in_short = pl.col("sub_account") == "short"
    is_known = (pl.col("cost_basis_fully_known_said") == "true").fill_null(value=False) & pl.col(
        "cost_basis"
    ).is_not_null()
    rows = with_identifiers(good.with_columns(pl.coalesce("id", place).alias("lot_id")), connection).select(
        "cusip",
        "ticker",
        pl.col("line").alias("source_line"),
        "account_number",
        pl.coalesce(typed("business_date"), pl.lit(named.day)).alias("as_of_date"),
        "lot_id",
        pl.when(in_short | (quantity < 0)).then(pl.lit("short")).otherwise(pl.lit("long")).alias("position_side"),
        "sub_account",
        typed("original_purchase_date").alias("acquired_date"),
        pl.when(in_short & (quantity > 0)).then(-quantity).otherwise(quantity).alias("quantity"),
        pl.when(is_known).then(pl.col("cost_basis")).alias("cost_basis"),
        is_known.alias("is_cost_known"),
        (pl.col("covered_said") == "true").alias("is_covered"),
        pl.when(is_known).then(pl.col("unrealized_gain_loss")).alias("unrealized_gain"),
        pl.col("disallowed_amount").alias("disallowed_loss"),
        pl.lit("unknown").alias("holding_term"),
        pl.lit(connection.base_currency).alias("currency"),
    )
    return Taken({LOT: conformed(LOT, rows)}, (rejects,))


def _checks(named: Named) -> list[Check]:
    part = pl.col("account_type")
    unknown = "{} is not known. If it is right, add it to {}."
    checks = [
        Check("business_date", "impossible_date", typed("business_date") != named.day,
              "the line is of another day than the file's name."),
        Check("symbol", "missing_value", pl.col("symbol").is_not_null() & is_cash(), "cash has no lots."),
        Check("account_type", "unknown_code", part.is_not_null() & pl.col("sub_account").is_null(),
              pl.format(unknown, pl.format("account type {}", part), pl.lit("account_types.csv"))),
        Check("disallowed_amount", "number_out_of_range", pl.col("disallowed_amount") < 0,
              "disallowed_amount is negative. Ask what it means."),
    ]  # fmt: skip
    for name in _FLAGS:
        failed = pl.col(name).is_not_null() & pl.col(f"{name}_said").is_null()
        detail = pl.format(unknown, pl.format(f"{name} {{}}", pl.col(name)), pl.lit("flags.csv"))
        checks.append(Check(name, "unknown_code", failed, detail))
    return checks
