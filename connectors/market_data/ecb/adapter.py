"""The European Central Bank's euro reference rates: the history and the file of one day."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.formats import delimited, values
from connectors.formats.layouts import by_order
from connectors.formats.line_ends import end_checks
from connectors.formats.lines import read_lines
from connectors.formats.rejects import Check, ordered, rejected, separated
from connectors.formats.values import Field, checks_of, typed, with_values
from contracts.feed import FEEDS

TABLE: Final = "canonical.fx_rate"
BASE_CODE: Final = "EUR"
RATE_SCALE: Final = 10
_SHAPE: Final = delimited.Shape(is_closed=False)  # a closing comma makes a nameless column, in the header too
_ABSENT: Final = "N/A"
_CODE: Final = re.compile(r"[A-Z]{3}")
_DATE: Final = "Date"

# The ECB fixes on TARGET days, which are not the tenants' business days: no day is certain to have a file.
KINDS: Final = (
    FileKind("HIST", re.compile(r"eurofxref-hist(?:-90d)?(?:\.csv)?"), is_refresh=True, is_expected=False),
    FileKind("DAILY", re.compile(r"eurofxref(?:\.csv)?"), is_refresh=False, is_expected=False),
)


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The quotes of one file: one euro in each currency. A record is a line, that is a day.

    A currency that is blank or N/A on a day has no row. A line with one bad quote is held back whole.

    Raises:
        FeedFault: malformed_document (no header of ``Date`` and currency codes), and those of
            ``connectors.formats.lines``.
    """
    lines = read_lines(file.path).filter(pl.col("text").str.strip_chars(" ") != "")
    codes, names = _header(str(lines["text"][0]), int(lines["line"][0]), lines.height - 1)
    records = lines.slice(1)
    shaped = delimited.cut(records, by_order(names), [_DATE, *codes], separator=",", shape=_SHAPE)
    misfits = rejected(shaped.misfits, Check("record", "wrong_field_count", pl.lit(True), _MISFIT), TABLE)
    quotes = shaped.records.with_columns(
        pl.when(pl.col(code) != _ABSENT).then(pl.col(code)).alias(code) for code in codes
    )
    fields = [_date_field(), *(values.decimal(code, scale=RATE_SCALE) for code in codes)]
    checks = [*checks_of(fields), *_checks(codes), *end_checks(file.path, connection)]
    good, rejects = separated(with_values(quotes, fields), checks, TABLE)
    held = ordered([misfits, rejects])
    return ParsedFile(
        frames={TABLE: _rows(good, codes)},
        rejects=held,
        record_count=records.height,
        quarantined_count=held["source_line"].n_unique(),
        business_date=good.select(typed(_DATE).max()).item(),
    )


_NO_QUOTE: Final = "the day has no quote of any currency. Ask for the file again."
_MISFIT: Final = "the line has another number of quotes than the header. Ask for the file again."


def _header(text: str, line: int, record_count: int) -> tuple[list[str], list[str]]:
    """Currency codes, and the names of all columns (a closing comma makes a nameless one)."""
    cells = [cell.strip(" ") for cell in text.split(",")]
    codes = cells[1:-1] if cells[-1] == "" else cells[1:]
    if cells[0] != _DATE or not codes or not all(_CODE.fullmatch(code) for code in codes):
        detail = "the first line is no header of 'Date' and currency codes."
        raise FeedFault("malformed_document", detail, line=line, record_count=max(record_count, 0))
    if len(set(codes)) != len(codes):
        detail = "a currency stands twice in the header."
        raise FeedFault("malformed_document", detail, line=line, record_count=max(record_count, 0))
    return codes, [_DATE, *codes, *("closing" for _ in range(len(cells) - 1 - len(codes)))]


def _date_field() -> Field:
    """``2022-01-03`` in the history, ``03 January 2022`` in the daily file."""
    iso = values.date(_DATE, required=True, format="%Y-%m-%d", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    spelt = values.date(_DATE, format="%d %B %Y", pattern=r"^[0-9]{1,2} [A-Z][a-z]+ [0-9]{4}$")
    return Field(_DATE, pl.coalesce(iso.value, spelt.value), iso.checks)


def _checks(codes: list[str]) -> list[Check]:
    not_positive = "a rate is not positive. Ask for the file again."
    return [
        Check(
            _DATE,
            "duplicate_key",
            typed(_DATE).is_not_null() & ~typed(_DATE).is_first_distinct(),
            "the day stands twice.",
        ),
        Check(codes[0], "missing_value", pl.all_horizontal(pl.col(code).is_null() for code in codes), _NO_QUOTE),
        *(Check(code, "number_out_of_range", typed(code) <= 0, not_positive) for code in codes),
    ]


def _rows(good: pl.DataFrame, codes: list[str]) -> pl.DataFrame:
    schema = pl.Schema({name: column.dtype for name, column in FEEDS[TABLE].columns().items()})
    long = good.select(
        pl.col("line").alias("source_line"),
        typed(_DATE).alias("rate_date"),
        *(typed(code).alias(code) for code in codes),
    ).unpivot(codes, index=["source_line", "rate_date"], variable_name="quote_code", value_name="rate")
    return (
        long.filter(pl.col("rate").is_not_null())
        .with_columns(pl.lit(BASE_CODE).alias("base_code"))
        .select(list(schema))
        .cast(schema)
        .sort("source_line", "quote_code")
    )


ADAPTER: Final = Adapter(
    slug="ecb",
    market="market_data",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="European Central Bank, euro foreign exchange reference rates",
    confidence="history SAMPLE; daily file DOC",
    cut_off="06:00 Europe/Berlin",
)
