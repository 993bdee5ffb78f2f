"""Prices and corporate actions: records of named members into canonical rows. Every member may be null."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats import values
from connectors.formats.days import require_day
from connectors.formats.identifier_shapes import by_shape, is_known_shape
from connectors.formats.minor_units import currency_checks, currency_of, in_currency
from connectors.formats.named_columns import iso_day
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import Field, checks_of, typed, with_values
from connectors.market_data.factset.tables import UNIVERSE, event_type, hundredths

PRICE: Final = "canonical.price"
SECURITY: Final = "canonical.security"
ACTION: Final = "canonical.corporate_action"
IDENTIFIERS: Final = ("cusip", "isin", "sedol", "figi", "provider_security_id", "ticker")
_DAYS: Final = ("announced", "effective", "record_date", "pay_date")
_CANCELLED: Final = {"true": True, "false": False, "0": False, "1": True}


def with_identifiers(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with our identifiers: fsymId is FactSet's own and lasts, requestId is what the firm asked with."""
    asked = pl.col("asked")
    return rows.with_columns(
        *(by_shape(name, asked).alias(name) for name in ("cusip", "isin", "sedol", "figi")),
        pl.when(~is_known_shape(asked)).then(asked).alias("ticker"),
    )


def taken_prices(rows: pl.DataFrame, checks: Sequence[Check], connection: Connection, day: date | None) -> Taken:
    """Prices as traded. A record without fsymId and price is of an identifier that FactSet does not know."""
    read = with_identifiers(rows).with_columns(iso_day("price_date"))
    minor = hundredths(connection)
    fields = [*_identifier_fields(), _day("price_date", required=True), values.decimal("price", scale=8)]
    read = with_values(read, fields).with_columns(currency_of("currency", minor).alias("iso"))
    price, has_symbol = pl.col("price"), pl.col("provider_security_id").is_not_null()
    strange = Check("requestId", "unknown_security", price.is_null() & ~has_symbol, "FactSet does not know it.")
    known, unknown = separated(read, [*checks, strange], PRICE)
    ours = [
        _nameless(),
        Check("price", "missing_value", price.is_null(), "the record has no price."),
        Check("currency", "missing_value", pl.col("currency").is_null(), "a price without currency."),
        Check("price", "number_out_of_range", typed("price") <= 0, "the price is not positive."),
        Check("requestId", "duplicate_key", ~pl.struct(*IDENTIFIERS, "price_date").is_first_distinct(), _TWICE),
        *currency_checks("currency", ["price"], minor, "minor_units.csv"),
    ]
    require_day(read.select(typed("price_date")).to_series(), day, rows.height)
    if day is not None:
        ours.append(Check("date", "impossible_date", typed("price_date") > day, "it is of a day after the file's."))
    good, held = separated(known, [*checks_of(fields), *ours], PRICE)
    frame = good.select(
        pl.col("line").alias("source_line"),
        *IDENTIFIERS,
        typed("price_date").alias("price_date"),
        in_currency("price", "currency", minor).alias("price"),
        pl.col("iso").alias("currency"),
    )
    return Taken({PRICE: conformed(PRICE, frame), SECURITY: _indices(good, connection)}, (unknown, held))


def _indices(good: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    """What the firm's universe says to be an index; of other securities nothing is said."""
    rows = UNIVERSE.rows(connection.codes.get(UNIVERSE.name))
    indices = [name for name, row in rows.items() if row["asset_class"] == "index"]
    one = pl.lit(1).cast(pl.Decimal(20, 8))
    return conformed(
        SECURITY,
        good.filter(pl.col("asked").is_in(indices)).select(
            pl.col("line").alias("source_line"),
            *IDENTIFIERS,
            pl.col("asked").alias("security_name"),
            pl.lit("index").alias("security_type"),
            pl.lit("other").alias("asset_class"),
            pl.col("iso").alias("currency"),
            one.alias("price_factor"),
            one.alias("multiplier"),
            typed("price_date").alias("business_date"),
        ),
    )


_TWICE: Final = "an earlier record is of the same security and day. Ask which of them is right."


def taken_actions(rows: pl.DataFrame, checks: Sequence[Check], connection: Connection) -> Taken:
    """Corporate actions; the effective day of a distribution is its ex-day."""
    minor, code = hundredths(connection), pl.col("code")
    read = with_identifiers(rows).with_columns(iso_day(name) for name in _DAYS)
    fields = [
        *_identifier_fields(),
        *(_day(name) for name in _DAYS),
        *(values.decimal(name, scale=8) for name in ("rate", "new_units", "old_units")),
        values.text("event_id", max_length=120, required=True),
        values.text("code", max_length=64, required=True),
    ]
    flag = pl.col("cancelled").fill_null("false").str.to_lowercase()
    read = with_values(read, fields).with_columns(
        event_type(connection, code).alias("action_type"),
        flag.replace_strict(_CANCELLED, default=None, return_dtype=pl.Boolean).alias("is_cancelled"),
        currency_of("currency", minor).alias("iso"),
    )
    unknown = pl.format("event {} is not known. If it is right, add it to events.csv.", code.str.slice(0, 24))
    unpaid = (pl.col("action_type") == "CASH_DIVIDEND") & pl.col("rate").is_null()
    ours = [
        _nameless(),
        Check("eventTypeCode", "unknown_code", code.is_not_null() & pl.col("action_type").is_null(), unknown),
        Check("effectiveDate", "missing_value", pl.col("effective").is_null(), "the event has no day."),
        Check("cancelledDividend", "unknown_code", pl.col("is_cancelled").is_null(), "it is neither true nor false."),
        Check("amtGrossTradingUnadj", "missing_value", unpaid, "a dividend without its amount."),
        Check("amtGrossTradingUnadj", "number_out_of_range", typed("rate") < 0, "it is less than nothing."),
        Check("currency", "missing_value", pl.col("rate").is_not_null() & pl.col("currency").is_null(), "none stated."),
        *currency_checks("currency", ["rate"], minor, "minor_units.csv"),
    ]
    good, held = separated(read, [*checks, *checks_of(fields), *ours], ACTION)
    frame = good.select(
        pl.col("line").alias("source_line"),
        *IDENTIFIERS,
        pl.col("event_id").alias("provider_event_id"),
        "action_type",
        typed("effective").alias("effective_on"),
        typed("announced").alias("announced_date"),
        typed("effective").alias("ex_date"),
        *(typed(name).alias(name) for name in ("record_date", "pay_date", "new_units", "old_units")),
        in_currency("rate", "currency", minor).alias("cash_rate"),
        pl.col("iso").alias("currency"),
        "is_cancelled",
        pl.col("code").alias("provider_code"),
    )
    return Taken({ACTION: conformed(ACTION, frame)}, (held,))


def _day(name: str, *, required: bool = False) -> Field:
    return values.date(name, required=required, format="%Y-%m-%d", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


def _identifier_fields() -> list[Field]:
    return [values.text("provider_security_id", max_length=64), values.text("ticker", max_length=64)]


def _nameless() -> Check:
    none = ~pl.any_horizontal(pl.col(name).is_not_null() for name in IDENTIFIERS)
    return Check("requestId", "missing_value", none, "the record names no security.")
