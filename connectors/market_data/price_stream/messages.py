"""Messages of a stream: lines of JSON into good prices and securities, and what is held back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats import values
from connectors.formats.codes import meaning_of
from connectors.formats.json_pages import lines_frame
from connectors.formats.rejects import Check, ordered, rejected, separated
from connectors.formats.values import checks_of, typed, with_values
from connectors.market_data.price_stream.tables import classes, names, readings, zones

PRICE: Final = "canonical.price"
SECURITY: Final = "canonical.security"
CLOCK_AHEAD: Final = timedelta(hours=1)
"""How far the provider's clock may be ahead of ours: a message of a later time than its file's arrival is refused."""

_HOURS: Final = ("regular", "extended")
_NO_CURRENCIES: Final = ("GBX", "ZAC", "ILA")
"""Hundredths that look like ISO 4217 codes; a price in them would be a hundred times too high."""
_NUMBER: Final = r"^[0-9]{1,19}$"
_INSTANT: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?[+-][0-9]{2}:[0-9]{2}$"


@dataclass(frozen=True)
class Messages:
    """What some lines hold.

    Attributes:
        prices: ``line, seq, at, is_close, isin, figi, price_date, price, currency``, a row per message that may become
            a price.
        securities: ``line, seq, at, isin, figi, ticker, security_name, security_type, asset_class, price_factor,
            currency, business_date``.
        rejects: of ``contracts.feed.FeedReject``.
        numbers: ``seq`` of every line, null where a line states none.
    """

    prices: pl.DataFrame
    securities: pl.DataFrame
    rejects: pl.DataFrame
    numbers: pl.Series


def messages_of(lines: pl.DataFrame, connection: Connection, known_at: datetime | None) -> Messages:
    """Read lines, each a message.

    Args:
        lines: ``line`` and ``text``; no blank ones.
        connection: whose tables of codes count.
        known_at: when the file came in, where that is known.
    """
    wanted = names()
    found = lines_frame(lines, sorted({source for sources in wanted.values() for source in sources}))
    found = found.with_columns(
        pl.coalesce(pl.col(source) for source in sources).alias(field) for field, sources in wanted.items()
    )
    found = _with_times(found, connection).with_columns(
        meaning_of(pl.col("type"), readings(connection)).alias("reads"),
        pl.when(pl.col("seq").str.contains(_NUMBER)).then(pl.col("seq")).cast(pl.Int64, strict=False).alias("number"),
    )
    no_object = rejected(found.filter(~pl.col("is_object")), _NO_OBJECT, PRICE)
    objects, strangers = separated(found.filter("is_object"), _type_checks(), PRICE)
    priced = objects.filter(pl.col("reads").is_in(["price", "close"]))
    described = objects.filter(pl.col("reads") == "security")
    prices, bad_prices = _prices(priced, known_at)
    securities, bad_securities = _securities(described, connection, known_at)
    _, bad_others = separated(objects.filter(pl.col("reads") == "nothing"), _number_checks(), PRICE)
    held = ordered([no_object, strangers, bad_prices, bad_securities, bad_others])
    return Messages(prices, securities, held, found["number"])


_NO_OBJECT: Final = Check("message", "contract_violation", pl.lit(True), "the line is no JSON object.")


def _with_times(found: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    """With ``instant`` (UTC) and ``day``, the calendar day of the exchange's time zone at that instant."""
    zone_of = zones(connection)
    text = pl.col("at").str.replace(r"[Zz]$", "+00:00")
    text = pl.when(text.str.contains(_INSTANT)).then(text)
    instant = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
    found = found.with_columns(meaning_of(pl.col("exchange"), zone_of).alias("zone"), instant.alias("instant"))
    is_sensible = pl.col("instant").dt.year().is_between(1900, 2199)
    found = found.with_columns(pl.when(is_sensible).then(pl.col("instant")).alias("instant"))
    days = [
        pl.when(pl.col("zone") == zone).then(pl.col("instant").dt.convert_time_zone(zone).dt.date())
        for zone in found["zone"].unique().drop_nulls().sort()
    ]
    return found.with_columns((pl.coalesce(days) if days else pl.lit(None, dtype=pl.Date)).alias("day"))


def _type_checks() -> list[Check]:
    told = pl.col("type").fill_null("").str.slice(0, 24)
    detail = pl.format("type {} of a message is not known. If it is right, add it to messages.csv.", told)
    return [Check("type", "unknown_record_type", pl.col("reads").is_null(), detail)]


def _number_checks() -> list[Check]:
    lacking = "the message states no number: it cannot be known to have come once."
    bad = pl.col("seq").is_not_null() & pl.col("number").is_null()
    return [
        Check("seq", "missing_value", pl.col("seq").is_null(), lacking),
        Check("seq", "unparsable_number", bad, "seq is not a whole number of at most 19 digits."),
    ]


def _common_checks(known_at: datetime | None) -> list[Check]:
    at, currency, exchange = pl.col("at"), pl.col("currency"), pl.col("exchange")
    no_iso = ~currency.str.contains(r"^[A-Z]{3}$") | currency.is_in(_NO_CURRENCIES)
    strange = pl.format("exchange {} is not known. If it is right, add it to exchanges.csv.", exchange.str.slice(0, 12))
    nameless = pl.col("isin").is_null() & pl.col("figi").is_null()
    checks = [
        *_number_checks(),
        Check("isin", "missing_value", nameless, "the message names no security by ISIN or FIGI; a ticker is a label."),
        Check("at", "missing_value", at.is_null(), "the message states no time."),
        Check(
            "at",
            "impossible_date",
            at.is_not_null() & pl.col("instant").is_null(),
            "the time is no instant of the form 2022-01-05T20:59:58.123Z.",
        ),
        Check("exchange", "missing_value", exchange.is_null(), "without an exchange the time has no day."),
        Check("exchange", "unknown_code", exchange.is_not_null() & pl.col("zone").is_null(), strange),
        Check("currency", "missing_value", currency.is_null(), "the message states no currency."),
        Check("currency", "unknown_code", no_iso, "the currency is no ISO 4217 code of a whole unit."),
    ]
    if known_at is not None:
        late = pl.col("instant") > known_at + CLOCK_AHEAD
        checks.append(Check("at", "impossible_date", late, "the time is after the file came in."))
    return checks


def _prices(rows: pl.DataFrame, known_at: datetime | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    fields = [
        values.text("isin", max_length=12),
        values.text("figi", max_length=12),
        values.decimal("price", scale=8, required=True),
    ]
    hours = pl.col("hours").fill_null("regular")
    checks = [
        *_common_checks(known_at),
        *checks_of(fields),
        Check("price", "number_out_of_range", typed("price") <= 0, "the price is not positive."),
        Check("hours", "unknown_code", ~hours.is_in(_HOURS), "hours are neither regular nor extended."),
    ]
    good, held = separated(with_values(rows, fields), checks, PRICE)
    is_close = pl.col("reads") == "close"
    prices = good.filter(is_close | (hours == "regular")).select(
        "line",
        pl.col("number").alias("seq"),
        pl.col("instant").alias("at"),
        is_close.alias("is_close"),
        "isin",
        "figi",
        pl.col("day").alias("price_date"),
        typed("price").alias("price"),
        "currency",
    )
    return prices, held


def _securities(
    rows: pl.DataFrame, connection: Connection, known_at: datetime | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    fields = [
        values.text("isin", max_length=12),
        values.text("figi", max_length=12),
        values.text("ticker", max_length=64),
        values.text("name", max_length=255, required=True),
    ]
    known = classes(connection)
    meanings: Sequence[str] = ("security_type", "asset_class", "price_factor")
    said: Mapping[str, dict[str, str]] = {m: {code: row[m] for code, row in known.items()} for m in meanings}
    word = pl.col("class")
    strange = pl.format("class {} is not known. If it is right, add it to classes.csv.", word.str.slice(0, 24))
    checks = [
        *_common_checks(known_at),
        *checks_of(fields),
        Check("class", "missing_value", word.is_null(), "the message does not say what the security is."),
        Check("class", "unknown_code", word.is_not_null() & pl.col("security_type").is_null(), strange),
    ]
    with_class = with_values(rows, fields).with_columns(meaning_of(word, said[m]).alias(m) for m in meanings)
    good, held = separated(with_class, checks, SECURITY)
    securities = good.select(
        "line",
        pl.col("number").alias("seq"),
        pl.col("instant").alias("at"),
        "isin",
        "figi",
        "ticker",
        pl.col("name").alias("security_name"),
        "security_type",
        "asset_class",
        pl.col("price_factor").cast(pl.Decimal(20, 8)),
        "currency",
        pl.col("day").alias("business_date"),
    )
    return securities, held
