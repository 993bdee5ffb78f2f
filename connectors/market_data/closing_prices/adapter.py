"""A price vendor's closing prices: one CSV file a day, with a header line and a counting trailer."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.formats import delimited, values
from connectors.formats.days import require_day
from connectors.formats.layouts import by_order
from connectors.formats.lines import read_lines
from connectors.formats.rejects import Check, ordered, rejected, separated
from connectors.formats.taken import conformed
from connectors.formats.values import Field, checks_of, typed, with_values

PRICE: Final = "canonical.price"
SECURITY: Final = "canonical.security"
COLUMNS: Final = ("price_date", "isin", "ticker", "exchange", "currency", "close", "record_type")
RECORD_TYPES: Final = ("CLOSE",)
_SHAPE: Final = delimited.Shape(is_closed=False)
_TRAILER: Final = re.compile(r"#TRAILER,([0-9]{1,10}),?", re.ASCII)

KINDS: Final = (
    FileKind("PRICES", re.compile(r"prices_(?P<date>\d{8})(?:\.csv)?"), is_refresh=False, is_expected=True),
)


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The prices of one file, and the securities that it names.

    The vendor says nothing of a security's type, so it is ``other`` with factor 1; a source that knows it comes first.

    Raises:
        FeedFault: truncated_file, trailer_mismatch, malformed_document, wrong_business_date (no row is of the
            name's day), and those of ``connectors.formats.lines``.
    """
    del connection
    lines = read_lines(file.path).filter(pl.col("text").str.strip_chars(" ") != "")
    records = _body(lines)
    shaped = delimited.cut(records, by_order(COLUMNS), COLUMNS, separator=",", shape=_SHAPE)
    misfits = rejected(shaped.misfits, Check("record", "wrong_field_count", pl.lit(True), _MISFIT), PRICE)
    known = pl.col("record_type").is_in(list(RECORD_TYPES)).fill_null(False)
    strangers = rejected(shaped.records.filter(~known), _stranger(), PRICE)
    fields = _fields()
    checks = [*checks_of(fields), *_checks(file.business_date)]
    read = with_values(shaped.records.filter(known), fields)
    require_day(read.select(typed("price_date")).to_series(), file.business_date, records.height)
    good, rejects = separated(read, checks, PRICE)
    held = ordered([misfits, strangers, rejects])
    day = file.business_date if file.business_date is not None else good.select(typed("price_date").max()).item()
    return ParsedFile(
        frames={PRICE: _prices(good), SECURITY: _securities(good)},
        rejects=held,
        record_count=records.height,
        quarantined_count=held["source_line"].n_unique(),
        business_date=day,
    )


_MISFIT: Final = "the line has another number of fields than the header. Ask for the file again."


def _stranger() -> Check:
    detail = pl.format("record type {} is not known; CLOSE is.", pl.col("record_type").fill_null(""))
    return Check("record_type", "unknown_record_type", pl.lit(True), detail)


def _body(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines between header and trailer."""
    count = max(lines.height - 1, 0)
    if [cell.strip(" ") for cell in str(lines["text"][0]).split(",")] != list(COLUMNS):
        detail = f"the first line is no header of {', '.join(COLUMNS)}."
        raise FeedFault("malformed_document", detail, line=int(lines["line"][0]), record_count=count)
    trailers = lines.filter(pl.col("text").str.starts_with("#TRAILER"))
    if not trailers.height:
        detail = "the file ends without a trailer: part of it is missing. Ask for it again."
        raise FeedFault("truncated_file", detail, line=int(lines["line"][-1]), record_count=count)
    line = int(trailers["line"][0])
    count = lines.filter(pl.col("line") < line).height - 1
    if line != lines["line"][-1]:
        raise FeedFault("trailer_mismatch", "lines follow the trailer.", line=line + 1, record_count=count)
    stated = _TRAILER.fullmatch(str(trailers["text"][0]).replace(" ", ""))
    if stated is None:
        detail = "the trailer's count is not a number: the trailer is cut. Ask for the file again."
        raise FeedFault("truncated_file", detail, line=line, record_count=count)
    if int(stated[1]) != count:
        detail = f"the trailer counts {int(stated[1])} records, the file holds {count}. Ask for it again."
        raise FeedFault("trailer_mismatch", detail, line=line, record_count=count)
    return lines.slice(1, count)


def _fields() -> list[Field]:
    return [
        values.date("price_date", required=True, format="%Y-%m-%d", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        values.text("isin", max_length=12),
        values.text("ticker", max_length=64),
        values.text("currency", max_length=3, required=True),
        values.decimal("close", scale=8, required=True),
    ]


def _checks(file_date: date | None) -> list[Check]:
    currency = pl.col("currency")
    nameless = pl.col("isin").is_null() & pl.col("ticker").is_null()
    not_positive = "the price is not positive. A vendor without a price leaves the line out; ask which it is."
    checks = [
        Check("close", "number_out_of_range", typed("close") <= 0, not_positive),
        Check("currency", "unknown_code", ~currency.str.contains(r"^[A-Z]{3}$"), "the currency is no ISO 4217 code."),
        Check("isin", "missing_value", nameless, "the line names no security."),
    ]
    if file_date is not None:
        later = typed("price_date") > file_date
        checks.append(Check("price_date", "impossible_date", later, "the price is of a day after the file's."))
    return checks


def _identifiers() -> list[pl.Expr]:
    none = pl.lit(None, dtype=pl.String)
    return [
        pl.col("line").alias("source_line"),
        pl.col("isin"),
        pl.col("ticker"),
        pl.col("currency"),
        none.alias("cusip"),
        none.alias("sedol"),
        none.alias("provider_security_id"),
    ]


def _prices(good: pl.DataFrame) -> pl.DataFrame:
    return conformed(
        PRICE, good.select(*_identifiers(), typed("price_date").alias("price_date"), typed("close").alias("price"))
    )


def _securities(good: pl.DataFrame) -> pl.DataFrame:
    return conformed(
        SECURITY,
        good.select(
            *_identifiers(),
            pl.coalesce("ticker", "isin").alias("security_name"),
            pl.lit("other").alias("security_type"),
            pl.lit("other").alias("asset_class"),
            pl.lit(1).cast(pl.Decimal(20, 8)).alias("price_factor"),
            pl.lit(1).cast(pl.Decimal(20, 8)).alias("multiplier"),
            typed("price_date").alias("business_date"),
        ),
    )


ADAPTER: Final = Adapter(
    slug="closing_prices",
    market="market_data",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="Closing prices as CSV",
    confidence="contract invented",
    cut_off="06:00 America/New_York",
)
