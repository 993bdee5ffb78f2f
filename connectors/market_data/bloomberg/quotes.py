"""Rows of getdata and gethistory: prices, what a security is, rates of currencies, and past dividends."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats import values
from connectors.formats.identifier_shapes import by_shape
from connectors.formats.minor_units import currency_checks, currency_of, in_currency
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import Field, checks_of, typed, with_values
from connectors.market_data.bloomberg import cells, dividends
from connectors.market_data.bloomberg.cells import MISSING
from connectors.market_data.bloomberg.envelope import Envelope, Section
from connectors.market_data.bloomberg.tables import EXCHANGES, MINOR_UNITS, PAIRS, TYPES, is_listed, meaning, mnemonics

PRICE: Final = "canonical.price"
SECURITY: Final = "canonical.security"
FX_RATE: Final = "canonical.fx_rate"
IDENTIFIERS: Final = ("cusip", "isin", "sedol", "figi", "provider_security_id", "ticker")

_YELLOW: Final = r"(Comdty|Equity|Muni|Pfd|M-Mkt|Govt|Corp|Index|Curncy|Mtge)$"
_PAIR: Final = r"^([A-Z]{3})([A-Z]{3})(?: [A-Z0-9]{2,4})? Curncy$"
_BONDS: Final = ("Corp", "Govt", "Muni", "Mtge")
_SIGNLESS: Final = ("Index", "Comdty")
"""Levels and prices that may be nought or less."""
_NUMBERS: Final = ("coupon", "factor", "contract_size")


def taken_quotes(section: Section, envelope: Envelope, connection: Connection, run: date) -> Taken:
    """Prices, securities, rates and dividends of a section; a row gives what it has.

    A row of gethistory has its day behind the number of fields; a row of getdata is of PX_CLOSE_DT, else of ``run``,
    the day of the run.
    """
    is_history = envelope.program == "gethistory"
    rows = cells.with_cells(section.records, envelope.delimiter)
    has_data, code_checks = cells.retcode_check(envelope.program, connection)
    refused = separated(rows.filter(~has_data), code_checks, PRICE)[1]
    shaped, misfits = separated(rows.filter(has_data), cells.shape_checks(section.fields, int(is_history)), PRICE)
    read = _read(shaped, section, connection, is_history=is_history)
    fields = _fields(envelope, is_history=is_history)
    typed_rows = with_values(read, fields).with_columns(_derived(connection, run))
    bulk, is_broken = cells.bulk(typed_rows, "dividends")
    paid = dividends.read(bulk, envelope, connection)
    checks = [
        *checks_of(fields),
        *_checks(connection, run),
        Check("DVD_HIST_ALL", "contract_violation", is_broken, _BROKEN_BULK),
        _repeated(is_history=is_history),
        *dividends.checks(paid),
    ]
    good, held = separated(typed_rows, checks, PRICE)
    frames = {
        PRICE: _prices(good, connection),
        SECURITY: _securities(good),
        FX_RATE: _rates(good),
        dividends.TABLE: dividends.rows(good, paid, connection),
    }
    return Taken(frames, (refused, misfits, held))


_BROKEN_BULK: Final = "a bulk cell does not hold the rows and columns that it states. Ask for the file again."


def _read(rows: pl.DataFrame, section: Section, connection: Connection, *, is_history: bool) -> pl.DataFrame:
    """Text columns under our names; ``key`` with its blanks made single, and what follows from it."""
    known = mnemonics("security")
    shift = int(is_history)
    told = {name: cells.column(section.fields, wanted, shift).alias(name) for name, wanted in known.items()}
    token = [cells.cell(3 + shift + section.fields.index(n)) for n in known["price"] if n in section.fields]
    if is_history:
        told["price_date"] = cells.cell(3).alias("price_date")
    read = rows.with_columns(
        *told.values(),
        (pl.coalesce(token) if token else pl.lit(None, dtype=pl.String)).alias("token"),
        pl.col("id").str.replace_all(r"\s+", " ").alias("asked"),
    ).with_columns(pl.col("key").str.replace_all(r"\s+", " "))
    yellow = pl.coalesce(pl.col("asked").str.extract(_YELLOW), pl.col("key").str.extract(_YELLOW))
    is_named = pl.col("asked").str.contains(_YELLOW) & ~pl.col("asked").str.contains(r"^BBG[0-9A-Z]{9} ")
    name = pl.when(is_named).then(pl.col("asked")).otherwise(pl.col("key"))
    read = read.with_columns(yellow.alias("yellow"), name.alias("ticker"))
    exchange = meaning(EXCHANGES, "currency", connection, pl.col("ticker").str.extract(r" ([A-Z]{2}) Equity$"))
    return read.with_columns(
        pl.coalesce("currency", exchange).alias("currency"), *_pair(connection), *_identifiers()
    ).with_columns(
        pl.when(pl.col("yellow") == "Curncy").then(pl.col("price")).alias("rate"),
        pl.when(pl.col("yellow").ne_missing("Curncy")).then(pl.col("price")).alias("price"),
    )


def _pair(connection: Connection) -> list[pl.Expr]:
    """Base and quote of a pair: EURUSD Curncy, or JPY Curncy, whose direction is in currency_pairs.csv."""
    ticker = pl.col("ticker")
    single = ticker.str.extract(r"^([A-Z]{3})(?: [A-Z0-9]{2,4})? Curncy$")
    return [
        pl.coalesce(ticker.str.extract(_PAIR, group), meaning(PAIRS, name, connection, single)).alias(name)
        for group, name in ((1, "base_code"), (2, "quote_code"))
    ]


def _identifiers() -> list[pl.Expr]:
    """Identifiers that a field states, else those that the row's own id is by its shape."""
    asked = pl.col("asked").str.replace(rf" {_YELLOW}", "")
    return [pl.coalesce(pl.col(name), by_shape(name, asked)).alias(name) for name in ("figi", "cusip", "isin", "sedol")]


def _fields(envelope: Envelope, *, is_history: bool) -> list[Field]:
    format_, pattern = envelope.date_format
    return [
        values.decimal("price", scale=8),
        values.decimal("rate", scale=10),
        *(values.decimal(name, scale=8) for name in _NUMBERS),
        values.date("price_date", required=is_history, format=format_, pattern=pattern),
        values.date("maturity", format=format_, pattern=pattern),
        values.text("cusip", max_length=9),
        values.text("isin", max_length=12),
        values.text("sedol", max_length=7),
        values.text("figi", max_length=12),
        values.text("provider_security_id", max_length=64),
        values.text("ticker", max_length=64),
        values.text("name", max_length=255),
        values.text("long_name", max_length=255),
        values.text("short_name", max_length=255),
    ]


def _derived(connection: Connection, run: date) -> list[pl.Expr]:
    kind = pl.coalesce("type", "yellow")
    in_order = pl.when(pl.col("yellow").is_in(_BONDS)).then(pl.coalesce("short_name", "long_name"))
    multiplier = meaning(TYPES, "multiplier", connection, kind).cast(pl.Decimal(20, 8), strict=False)
    return [
        meaning(TYPES, "security_type", connection, kind).alias("security_type"),
        meaning(TYPES, "asset_class", connection, kind).alias("asset_class"),
        meaning(TYPES, "price_factor", connection, kind).cast(pl.Decimal(20, 8), strict=False).alias("price_factor"),
        pl.coalesce(multiplier, typed("contract_size")).alias("multiplier"),
        pl.coalesce("name", in_order, "long_name", "short_name").alias("security_name"),
        currency_of("currency", MINOR_UNITS.meaning("currency", connection.codes.get("minor_units"))).alias("iso"),
        pl.coalesce(typed("price_date"), pl.lit(run)).alias("day"),
        pl.lit(run).alias("run_day"),
    ]


def _is_described() -> pl.Expr:
    wanted = ("security_name", "security_type", "asset_class", "price_factor", "multiplier", "iso")
    return pl.all_horizontal(pl.col(name).is_not_null() for name in wanted)


def _checks(connection: Connection, run: date) -> list[Check]:
    hundredths = MINOR_UNITS.meaning("currency", connection.codes.get("minor_units"))
    is_price = typed("price").is_not_null()
    is_fx = pl.col("yellow").eq_missing("Curncy")
    nameless = ~pl.any_horizontal(pl.col(name).is_not_null() for name in IDENTIFIERS)
    empty = ~is_price & typed("rate").is_null() & ~_is_described() & pl.col("dividends").is_null() & ~is_fx
    said = pl.col("token").replace_strict(
        list(MISSING), list(MISSING.values()), default="blank", return_dtype=pl.String
    )
    nothing = pl.format(
        "the row has no price (PX_LAST {}) and not enough of a security. Ask for it again.",
        said.fill_null("not asked for"),
    )
    kind = pl.col("type")
    new_type = pl.format("security type {} is not known. If it is right, add it to security_types.csv.", kind)
    missing_rate = is_fx & typed("rate").is_null()
    later = typed("price_date") > run + timedelta(days=1)  # in Asia it may be tomorrow
    return [
        Check("PX_LAST", "missing_value", empty, nothing),
        Check("PX_LAST", "missing_value", missing_rate, "the currency has no rate. Ask for the file again."),
        Check("ID", "unknown_code", is_fx & pl.col("quote_code").is_null(), _NO_PAIR),
        Check("ID", "missing_value", nameless & ~is_fx, "the row names no security by an identifier that is known."),
        Check("CRNCY", "missing_value", is_price & pl.col("currency").is_null(), _NO_CURRENCY),
        Check("SECURITY_TYP2", "unknown_code", kind.is_not_null() & ~is_listed(TYPES, connection, kind), new_type),
        Check("PX_LAST", "number_out_of_range", (typed("price") <= 0) & _is_signed(), _NOT_POSITIVE),
        Check("PX_LAST", "number_out_of_range", typed("rate") <= 0, _NOT_POSITIVE),
        Check("country", "contract_violation", ~pl.col("country").str.contains(r"^[A-Z]{2}$"), "no ISO country code."),
        Check("PX_CLOSE_DT", "impossible_date", later, "the price is of a day after the run."),
        *currency_checks("currency", ["price"], hundredths, "minor_units.csv"),
    ]


_NO_PAIR: Final = "no pair of currencies and none of currency_pairs.csv. If it is a spot rate, add it there."
_NO_CURRENCY: Final = "a price without currency. Ask for CRNCY, or add the exchange to exchanges.csv."
_NOT_POSITIVE: Final = "it is not positive. Ask for the file again."


def _is_signed() -> pl.Expr:
    return ~pl.col("yellow").is_in(_SIGNLESS).fill_null(False)


def _repeated(*, is_history: bool) -> Check:
    key = ["asked", "price_date"] if is_history else ["asked"]
    detail = "an earlier row of the section is of the same security and day. Ask which of them is right."
    return Check("ID", "duplicate_key", pl.col("asked").is_not_null() & ~pl.struct(key).is_first_distinct(), detail)


def _prices(good: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    hundredths = MINOR_UNITS.meaning("currency", connection.codes.get("minor_units"))
    return conformed(
        PRICE,
        good.filter(typed("price").is_not_null()).select(
            pl.col("line").alias("source_line"),
            *IDENTIFIERS,
            pl.col("day").alias("price_date"),
            in_currency("price", "currency", hundredths).alias("price"),
            pl.col("iso").alias("currency"),
        ),
    )


def _securities(good: pl.DataFrame) -> pl.DataFrame:
    return conformed(
        SECURITY,
        good.filter(_is_described()).select(
            pl.col("line").alias("source_line"),
            *IDENTIFIERS,
            "security_name",
            "security_type",
            "asset_class",
            pl.col("iso").alias("currency"),
            "price_factor",
            "multiplier",
            typed("maturity").alias("maturity_date"),
            typed("coupon").alias("coupon_percent"),
            # A factor of nought means that the security is not factored.
            pl.when(typed("factor") > 0).then(typed("factor")).alias("pool_factor"),
            pl.col("country").alias("issue_country"),
            pl.col("run_day").alias("business_date"),
        ),
    )


def _rates(good: pl.DataFrame) -> pl.DataFrame:
    return conformed(
        FX_RATE,
        good.filter(typed("rate").is_not_null()).select(
            pl.col("line").alias("source_line"),
            "base_code",
            "quote_code",
            pl.col("day").alias("rate_date"),
            typed("rate").alias("rate"),
        ),
    )
