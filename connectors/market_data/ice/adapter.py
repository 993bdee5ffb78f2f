"""ICE evaluated prices of a day, and those re-evaluated by the next morning. The layout is invented."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.formats import values
from connectors.formats.codes import CodeTable, meaning_of
from connectors.formats.days import require_day
from connectors.formats.line_ends import end_checks
from connectors.formats.lines import read_lines
from connectors.formats.named_columns import csv_rows, iso_day, read_names
from connectors.formats.rejects import Check, ordered, separated
from connectors.formats.taken import conformed
from connectors.formats.values import Field, checks_of, typed, with_values, zero

PRICE: Final = "canonical.price"
SECURITY: Final = "canonical.security"
FOLDER: Final = Path(__file__).parent
LAYOUTS: Final = FOLDER / "layouts.csv"
PRICE_TYPES: Final = CodeTable(
    "price_types", FOLDER / "price_types.csv", ("code",), ("pays_interest",), {"pays_interest": ("yes", "no")}
)
CHANGE_FLAGS: Final = CodeTable("change_flags", FOLDER / "change_flags.csv", ("code",), ("meaning",))
SNAPS: Final = ("15:00", "16:00", "17:00")

_NAMES: Final = read_names(LAYOUTS)["price"]
_REQUIRED: Final = ("as_of_date", "currency", "mid", "clean_dirty", "price_type")
_NUMBERS: Final = ("bid", "mid", "ask", "accrued", "factor")


def _kind(name: str, stem: str, title: str) -> FileKind:
    pattern = re.compile(rf"{stem}_(?P<date>\d{{8}})(?:_\d{{4}})?\.csv")
    return FileKind(
        name, pattern, is_refresh=False, is_expected=False, title=title, records=("price",), is_replaceable=True
    )


# Bond holidays are not the exchange's, and there is no calendar of them: no business day is certain to have a file.
KINDS: Final = (
    _kind("EOD", "ice_eod", "evaluated prices of a day"),
    _kind("REVAL", "ice_reval", "prices of a day that were re-evaluated after a challenge"),
)


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """Clean mids, per 100 of current face, and pool factors where a bond is factored.

    Raises:
        FeedFault: malformed_document (no header), wrong_business_date (EOD: no row is of the name's day), and
            those of ``connectors.formats.lines``.
    """
    lines = read_lines(file.path).filter(pl.col("text").str.strip_chars(" ") != "")
    rows, width_checks = csv_rows(lines, _NAMES, _REQUIRED)
    fields = _fields()
    types = PRICE_TYPES.meaning("pays_interest", connection.codes.get(PRICE_TYPES.name))
    flags = list(CHANGE_FLAGS.rows(connection.codes.get(CHANGE_FLAGS.name)))
    read = with_values(rows.with_columns(iso_day("as_of_date"), iso_day("mid_date")), fields).with_columns(
        meaning_of(pl.col("price_type"), types).alias("pays_interest")
    )
    read = read.with_columns(_clean())
    if file.kind.name == "EOD":  # what is evaluated again is of the day before
        require_day(read.select(typed("as_of_date")).to_series(), file.business_date, rows.height)
    # A row of another width is nowhere read by place: that is told once.
    shaped, misfits = separated(read, [*width_checks, *end_checks(file.path, connection)], PRICE)
    good, held = separated(shaped, [*checks_of(fields), *_checks(file, flags)], PRICE)
    rejects = ordered([misfits, held])
    return ParsedFile(
        frames={PRICE: _prices(good), SECURITY: _securities(good)},
        rejects=rejects,
        record_count=rows.height,
        quarantined_count=rejects["source_line"].n_unique(),
        business_date=file.business_date or good.select(typed("as_of_date").max()).item(),
    )


def _fields() -> list[Field]:
    format_, pattern = "%Y-%m-%d", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
    return [
        values.date("as_of_date", required=True, format=format_, pattern=pattern),
        values.date("mid_date", format=format_, pattern=pattern),
        *(values.decimal(name, scale=8) for name in _NUMBERS),
        values.text("cusip", max_length=9),
        values.text("isin", max_length=12),
        values.text("currency", max_length=3, required=True),
        values.text("price_type", max_length=64, required=True),
        values.text("clean_dirty", max_length=1, required=True),
    ]


def _clean() -> pl.Expr:
    """The mid without accrued interest; a bond in default has none in its price."""
    accrued = pl.when(pl.col("pays_interest") == "no").then(zero(8)).otherwise(typed("accrued"))
    mid = typed("mid")
    return (
        pl.when(pl.col("clean_dirty") == "D")
        .then((mid - accrued).cast(pl.Decimal(20, 8)))
        .otherwise(mid)
        .alias("clean")
    )


def _checks(file: RawFile, flags: list[str]) -> list[Check]:
    is_dirty = pl.col("clean_dirty") == "D"
    kind = pl.col("price_type")
    new_type = pl.format(
        "price type {} is not known. If it is right, add it to price_types.csv.", kind.str.slice(0, 12)
    )
    flag = pl.col("change_flag").fill_null("")
    new_flag = pl.format(
        "change flag {} is not known. If it is right, add it to change_flags.csv.", flag.str.slice(0, 12)
    )
    nameless = pl.col("cusip").is_null() & pl.col("isin").is_null()
    flat = (pl.col("pays_interest") == "no") & (typed("accrued") != 0)
    checks = [
        Check("isin", "missing_value", nameless, "the row names no bond."),
        Check("mid", "missing_value", pl.col("mid").is_null(), "the row has no mid: it is not priced at one side."),
        Check("clean_dirty_flag", "unknown_code", ~pl.col("clean_dirty").is_in(["C", "D"]), "it is neither C nor D."),
        Check("price_type", "unknown_code", kind.is_not_null() & pl.col("pays_interest").is_null(), new_type),
        Check("change_flag", "unknown_code", ~flag.is_in(flags), new_flag),
        Check("snap_time_et", "unknown_code", ~pl.col("snap_time").is_in(list(SNAPS)), "no time of evaluation."),
        Check("currency", "unknown_code", ~pl.col("currency").str.contains(r"^[A-Z]{3}$"), "no ISO 4217 code."),
        Check("accrued", "missing_value", is_dirty & pl.col("clean").is_null() & pl.col("mid").is_not_null(), _DIRTY),
        Check("accrued", "contract_violation", flat, "a bond in default is quoted flat, and accrued is not nought."),
        Check("mid", "number_out_of_range", pl.col("clean") <= 0, "the clean price is not positive."),
        Check("factor", "number_out_of_range", ~typed("factor").is_between(0, 1), "it is not from nought to one."),
        Check("isin", "duplicate_key", ~pl.struct("cusip", "isin", "as_of_date").is_first_distinct(), _TWICE),
    ]
    if file.business_date is not None:
        later = typed("as_of_date") > file.business_date
        checks.append(Check("as_of_date", "impossible_date", later, "the price is of a day after the file's."))
    return checks


_DIRTY: Final = "a dirty price without its accrued interest cannot be made clean. Ask for accrued."
_TWICE: Final = "an earlier row is of the same bond and day. Ask for one time of evaluation a file."


def _prices(good: pl.DataFrame) -> pl.DataFrame:
    day = pl.coalesce(typed("mid_date"), typed("as_of_date"))
    return conformed(
        PRICE,
        good.select(
            pl.col("line").alias("source_line"),
            "cusip",
            "isin",
            day.alias("price_date"),
            pl.col("clean").alias("price"),
            "currency",
        ),
    )


def _securities(good: pl.DataFrame) -> pl.DataFrame:
    """The factored bonds alone: of others the file says nothing but the price."""
    amount = pl.Decimal(20, 8)
    return conformed(
        SECURITY,
        good.filter(typed("factor") > 0).select(
            pl.col("line").alias("source_line"),
            "cusip",
            "isin",
            pl.coalesce("cusip", "isin").alias("security_name"),
            pl.lit("bond").alias("security_type"),
            pl.lit("fixed_income").alias("asset_class"),
            "currency",
            pl.lit("0.01").cast(amount).alias("price_factor"),
            pl.lit(1).cast(amount).alias("multiplier"),
            typed("factor").alias("pool_factor"),
            typed("as_of_date").alias("business_date"),
        ),
    )


def sniff(head: str) -> str | None:
    """EOD for a file whose header is this contract's."""
    return "EOD" if "as_of_date" in head and "clean_dirty_flag" in head else None


ADAPTER: Final = Adapter(
    slug="ice",
    market="market_data",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="ICE evaluated prices",
    confidence="contract invented",
    cut_off="09:00 America/New_York",
    completeness="none: the file ends where it ends",
    codes=(PRICE_TYPES, CHANGE_FLAGS),
    layouts=(LAYOUTS,),
    sniff=sniff,
)
