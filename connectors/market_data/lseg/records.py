"""Prices, terms and conditions, and corporate actions: rows of named text columns into canonical rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats import values
from connectors.formats.minor_units import currency_checks, currency_of, in_currency
from connectors.formats.named_columns import iso_day
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import Field, checks_of, typed, with_values
from connectors.market_data.lseg.instruments import (
    IDENTIFIERS,
    error_checks,
    identifier_fields,
    nameless,
    with_identifiers,
)
from connectors.market_data.lseg.tables import ACTIONS, MINOR_UNITS, PAIRS, STATUSES, TYPES, meaning, told

PRICE: Final = "canonical.price"
SECURITY: Final = "canonical.security"
FX_RATE: Final = "canonical.fx_rate"
ACTION: Final = "canonical.corporate_action"

_PAIR: Final = r"^([A-Z]{3})([A-Z]{3})=R?$"
_SPOT: Final = r"^(?:[A-Z]{3}){1,2}=R?$"
_DAYS: Final = ("announced", "effective", "ex_date", "record_date", "pay_date")


def taken_prices(rows: pl.DataFrame, checks: Sequence[Check], connection: Connection, day: date | None) -> Taken:
    """Closing prices, and rates of spot RICs such as EURGBP=. The universal close counts; for a rate else the mid."""
    hundredths = told(MINOR_UNITS, "currency", connection)
    read = with_identifiers(rows).with_columns(iso_day("price_date"))
    is_fx = pl.col("ticker").str.contains(_SPOT).fill_null(False)
    read = read.with_columns(
        is_fx.alias("is_fx"),
        pl.when(is_fx).then(pl.coalesce("price", "mid")).alias("rate"),
        pl.when(~is_fx).then(pl.col("price")).alias("price"),
        *(
            pl.coalesce(pl.col("ticker").str.extract(_PAIR, group), meaning(PAIRS, name, connection, _single())).alias(
                name
            )
            for group, name in ((1, "base_code"), (2, "quote_code"))
        ),
        currency_of("currency", hundredths).alias("iso"),
    )
    fields = [
        *identifier_fields(),
        _day("price_date", required=True),
        values.decimal("price", scale=8),
        values.decimal("rate", scale=10),
    ]
    read = with_values(read, fields)
    # A row with an error is empty as a rule: that is told once.
    sound, faulty = separated(read, [*checks, *error_checks(connection)], PRICE)
    good, held = separated(sound, [*checks_of(fields), *_price_checks(connection, day)], PRICE)
    prices = good.filter(~pl.col("is_fx")).select(
        pl.col("line").alias("source_line"),
        *IDENTIFIERS,
        typed("price_date").alias("price_date"),
        in_currency("price", "currency", hundredths).alias("price"),
        pl.col("iso").alias("currency"),
    )
    rates = good.filter("is_fx").select(
        pl.col("line").alias("source_line"),
        "base_code",
        "quote_code",
        typed("price_date").alias("rate_date"),
        typed("rate").alias("rate"),
    )
    return Taken({PRICE: conformed(PRICE, prices), FX_RATE: conformed(FX_RATE, rates)}, (faulty, held))


def _single() -> pl.Expr:
    return pl.col("ticker").str.replace(r"=R$", "=")


def _day(name: str, *, required: bool = False) -> Field:
    return values.date(name, required=required, format="%Y-%m-%d", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


def _price_checks(connection: Connection, day: date | None) -> list[Check]:
    hundredths = told(MINOR_UNITS, "currency", connection)
    is_fx = pl.col("is_fx")
    names = [*IDENTIFIERS, "price_date"]
    checks = [
        nameless(),
        Check("Universal Close Price", "missing_value", ~is_fx & pl.col("price").is_null(), "the row has no price."),
        Check("Universal Close Price", "missing_value", is_fx & pl.col("rate").is_null(), "the row has no rate."),
        Check("RIC", "unknown_code", is_fx & pl.col("quote_code").is_null(), "no pair of currency_rics.csv."),
        Check("Currency Code", "missing_value", ~is_fx & pl.col("currency").is_null(), "a price without currency."),
        Check("Universal Close Price", "number_out_of_range", (typed("price") <= 0) & ~_is_index(), "not positive."),
        Check("Universal Close Price", "number_out_of_range", typed("rate") <= 0, "the rate is not positive."),
        Check("RIC", "duplicate_key", ~pl.struct(names).is_first_distinct(), "an earlier row is of the same day."),
        *currency_checks("currency", ["price"], hundredths, "minor_units.csv"),
    ]
    if day is not None:
        later = typed("price_date") > day
        checks.append(Check("Trade Date", "impossible_date", later, "the price is of a day after the file's."))
    return checks


def _is_index() -> pl.Expr:
    return pl.col("ticker").str.starts_with(".").fill_null(False)


def taken_terms(rows: pl.DataFrame, checks: Sequence[Check], connection: Connection, day: date) -> Taken:
    """What securities are. A type that is not in asset_types.csv is held back: its factor would be a guess."""
    hundredths = told(MINOR_UNITS, "currency", connection)
    kind = pl.col("type")
    amount = pl.Decimal(20, 8)
    read = with_identifiers(rows).with_columns(iso_day("maturity"))
    fields = [
        *identifier_fields(),
        _day("maturity"),
        values.text("name", max_length=255, required=True),
        *(values.decimal(name, scale=8) for name in ("coupon", "factor", "contract_size")),
    ]
    read = with_values(read, fields).with_columns(
        meaning(TYPES, "security_type", connection, kind).alias("security_type"),
        meaning(TYPES, "asset_class", connection, kind).alias("asset_class"),
        meaning(TYPES, "price_factor", connection, kind).cast(amount, strict=False).alias("price_factor"),
        pl.coalesce(
            meaning(TYPES, "multiplier", connection, kind).cast(amount, strict=False), typed("contract_size")
        ).alias("multiplier"),
        currency_of("currency", hundredths).alias("iso"),
    )
    unknown = pl.format("asset type {} is not known. If it is right, add it to asset_types.csv.", kind.str.slice(0, 24))
    ours = [
        nameless(),
        Check("Asset Type", "missing_value", kind.is_null(), "the row has no type."),
        Check("Asset Type", "unknown_code", kind.is_not_null() & pl.col("security_type").is_null(), unknown),
        Check("Lot Size", "missing_value", pl.col("security_type").is_not_null() & pl.col("multiplier").is_null(),
              "the units of a contract are not stated."),
        Check("Currency Code", "missing_value", pl.col("currency").is_null(), "the row has no currency."),
        Check("Country of Issuance", "contract_violation", ~pl.col("country").str.contains(r"^[A-Z]{2}$"), "no code."),
        *currency_checks("currency", [], hundredths, "minor_units.csv"),
    ]  # fmt: skip
    sound, faulty = separated(read, [*checks, *error_checks(connection)], SECURITY)
    good, held = separated(sound, [*checks_of(fields), *ours], SECURITY)
    frame = good.select(
        pl.col("line").alias("source_line"),
        *IDENTIFIERS,
        pl.col("name").alias("security_name"),
        "security_type",
        "asset_class",
        pl.col("iso").alias("currency"),
        "price_factor",
        "multiplier",
        typed("maturity").alias("maturity_date"),
        typed("coupon").alias("coupon_percent"),
        pl.when(typed("factor") > 0).then(typed("factor")).alias("pool_factor"),
        pl.col("country").alias("issue_country"),
        pl.lit(day).alias("business_date"),
    )
    return Taken({SECURITY: conformed(SECURITY, frame)}, (faulty, held))


def taken_actions(rows: pl.DataFrame, checks: Sequence[Check], connection: Connection) -> Taken:
    """Corporate actions."""
    hundredths = told(MINOR_UNITS, "currency", connection)
    code = pl.col("code")
    read = with_identifiers(rows).with_columns(iso_day(name) for name in _DAYS)
    fields = [
        *identifier_fields(),
        *(_day(name) for name in _DAYS),
        *(values.decimal(name, scale=8) for name in ("rate", "new_units", "old_units")),
        values.text("event_id", max_length=120, required=True),
        values.text("code", max_length=64, required=True),
    ]
    read = with_values(read, fields).with_columns(
        meaning(ACTIONS, "action_type", connection, code).alias("action_type"),
        meaning(STATUSES, "is_cancelled", connection, pl.col("status").fill_null("")).alias("cancelled"),
        pl.coalesce(typed("ex_date"), typed("effective")).alias("effective_on"),
        currency_of("currency", hundredths).alias("iso"),
    )
    unknown = pl.format("event {} is not known. If it is right, add it to actions.csv.", code.str.slice(0, 24))
    is_paid = pl.col("action_type") == "CASH_DIVIDEND"
    ours = [
        nameless(),
        Check("Corporate Action Type", "unknown_code", code.is_not_null() & pl.col("action_type").is_null(), unknown),
        Check("Corporate Action Status", "unknown_code", pl.col("cancelled").is_null(), "add it to statuses.csv."),
        Check("Effective Date", "missing_value", pl.col("effective_on").is_null(), "the event has no day."),
        Check("Dividend Rate", "missing_value", is_paid & pl.col("rate").is_null(), "a dividend without its amount."),
        Check("Dividend Rate", "number_out_of_range", typed("rate") < 0, "the amount is less than nothing."),
        Check("Dividend Currency", "missing_value", pl.col("rate").is_not_null() & pl.col("currency").is_null(),
              "an amount without currency."),
        *currency_checks("currency", ["rate"], hundredths, "minor_units.csv"),
    ]  # fmt: skip
    sound, faulty = separated(read, [*checks, *error_checks(connection)], ACTION)
    good, held = separated(sound, [*checks_of(fields), *ours], ACTION)
    frame = good.select(
        pl.col("line").alias("source_line"),
        *IDENTIFIERS,
        pl.col("event_id").alias("provider_event_id"),
        "action_type",
        "effective_on",
        typed("announced").alias("announced_date"),
        *(typed(name).alias(name) for name in ("ex_date", "record_date", "pay_date", "new_units", "old_units")),
        in_currency("rate", "currency", hundredths).alias("cash_rate"),
        pl.col("iso").alias("currency"),
        (pl.col("cancelled") == "yes").alias("is_cancelled"),
        pl.col("code").alias("provider_code"),
    )
    return Taken({ACTION: conformed(ACTION, frame)}, (faulty, held))
