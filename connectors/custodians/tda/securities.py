"""The security file (SEC) and the price file (PRI)."""

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

SECURITY: Final = "canonical.security"
PRICE: Final = "canonical.price"
_SECURITY: Final[tuple[Wanted, ...]] = (
    Text("symbol", max_length=64, required=True),
    Text("security_type", max_length=12, required=True),
    Text("description", max_length=255),
    Text("expiration_date", max_length=10),
    Number("interest_rate", scale=8),
    Number("share_per_contract", scale=8),
)
_PRICE: Final[tuple[Wanted, ...]] = (
    Text("symbol", max_length=64, required=True),
    Text("security_type", max_length=12),
    Text("date", max_length=10),
    Number("price", scale=8),
    Number("factor", scale=8),
)


def taken_securities(lines: pl.DataFrame, named: Named, connection: Connection) -> Taken:
    """Securities. One whose type is not known is held back rather than guessed: a factor of a hundred hangs on it.

    An option's own shares per contract, where stated, are its multiplier.
    """
    read, checks = read_records(lines, tables.layout("SEC"), _SECURITY, separator=SEPARATOR, quote=QUOTE)
    read, form = with_days(read, ["expiration_date"])
    days = day_fields(form, ["expiration_date"])
    code = pl.col("security_type")
    meanings = {
        name: tables.mapped(code.str.to_uppercase(), tables.meanings(tables.SECURITY_TYPE_CODES, name, connection))
        for name in tables.SECURITY_TYPE_CODES.meanings
    }
    read = with_values(read, days).with_columns(meaning.alias(f"{name}_said") for name, meaning in meanings.items())
    named_code = pl.format("security type {} is not known. If it is right, add it to security_types.csv.", code)
    unknown = Check("security_type", "unknown_code", code.is_not_null() & pl.col("asset_class_said").is_null(),
                    named_code)  # fmt: skip
    no_shares = Check("share_per_contract", "number_out_of_range", pl.col("share_per_contract") < 0,
                      "share_per_contract is negative. Ask what it means.")  # fmt: skip
    good, rejects = separated(read, [*checks, *checks_of(days), unknown, no_shares], SECURITY)
    is_option = pl.col("security_type_said") == "option"
    is_bond = pl.col("security_type_said") == "bond"
    shares = pl.when(is_option & (pl.col("share_per_contract") > 0)).then(pl.col("share_per_contract"))
    rows = with_identifiers(good, connection).select(
        "cusip",
        "ticker",
        pl.col("line").alias("source_line"),
        pl.coalesce("description", "symbol").alias("security_name"),
        pl.col("security_type_said").alias("security_type"),
        pl.col("asset_class_said").alias("asset_class"),
        pl.lit(connection.base_currency).alias("currency"),
        pl.col("price_factor_said").cast(pl.Decimal(20, 8)).alias("price_factor"),
        pl.coalesce(shares, pl.col("multiplier_said").cast(pl.Decimal(20, 8))).alias("multiplier"),
        typed("expiration_date").alias("maturity_date"),
        pl.when(is_bond).then(pl.col("interest_rate")).alias("coupon_percent"),
        pl.lit(named.day).alias("business_date"),
    )
    return Taken({SECURITY: conformed(SECURITY, rows)}, (rejects,))


def taken_prices(lines: pl.DataFrame, named: Named, connection: Connection) -> Taken:
    """Prices as quoted. The factor must be a number; it is kept nowhere, for prices are quoted per unit of face.

    A blank date is the day of the file.
    """
    read, checks = read_records(lines, tables.layout("PRI"), _PRICE, separator=SEPARATOR, quote=QUOTE)
    read, form = with_days(read, ["date"])
    days = day_fields(form, ["date"])
    read = with_values(read, days)
    whole = pl.col("record:fault") == 0
    later = typed("date") > named.day
    own = [
        Check("symbol", "missing_value", pl.col("symbol").is_not_null() & is_cash(), "cash has no price."),
        Check("price", "missing_value", whole & pl.col("price").is_null() & (pl.col("price:fault") <= 1),
              "the row has no price."),
        Check("price", "number_out_of_range", pl.col("price") <= 0, "a price of zero or less is none."),
        Check("date", "impossible_date", later, "the price is of a later day than the file."),
    ]  # fmt: skip
    good, rejects = separated(read, [*checks, *checks_of(days), *own], PRICE)
    rows = with_identifiers(good, connection).select(
        "cusip",
        "ticker",
        pl.col("line").alias("source_line"),
        typed("date").fill_null(pl.lit(named.day)).alias("price_date"),
        "price",
        pl.lit(connection.base_currency).alias("currency"),
    )
    return Taken({PRICE: conformed(PRICE, rows)}, (rejects,))
