"""The history that a retail client downloads as CSV: sentences for actions, blank lines above, a disclaimer below.

The file names no account; its name does. It restates the days from its first to its last, so an overlapping download
adds nothing; not so where a row is held back, whose day is not certain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.fidelity.tables import ACTIONS, HISTORY_COLUMNS, layout, meanings
from connectors.errors import FeedFault
from connectors.formats import field_kernels as kernel
from connectors.formats import values
from connectors.formats.flat import Day, FlatField, FlatLayout, Number, Text, Wanted, read_records
from connectors.formats.line_ends import end_checks
from connectors.formats.lines import read_lines
from connectors.formats.rejects import Check, ordered, separated
from connectors.formats.taken import conformed

TRANSACTION: Final = "canonical.transaction"
WINDOW: Final = "canonical.statement_window"
NAME: Final = re.compile(r"History_for_Account_(?P<account>[0-9A-Z]{9})(?:[ _-].*)?\.csv", re.IGNORECASE)
_ROW: Final = r'^\s*"?\d{1,2}/\d{1,2}/\d{4}"?,'
_OPTION: Final = r"^-([A-Z]{1,6})(\d{6})([CP])(\d{1,5})(?:\.(\d{1,3}))?$"
_LEAST_SEPARATORS: Final = 8
_CUSIP: Final = r"^[0-9A-Z]{8}[0-9]$"
_NUMBERS: Final = ("commission", "fees", "accrued_interest", "amount")
_WANTED: Final[tuple[Wanted, ...]] = (
    Day("run_date", required=True), Text("action", 2000, required=True), Text("symbol", 64),
    Number("quantity", 8), Number("price", 8), *(Number(name, 4) for name in _NUMBERS), Day("settlement_date"),
)  # fmt: skip


def parsed_history(file: RawFile, connection: Connection) -> ParsedFile:
    """The transactions of a download.

    Raises:
        FeedFault: unrecognised_file when the name holds no account or the columns are others, and those of
            ``read_lines``.
    """
    named = NAME.fullmatch(file.name)
    if named is None:
        raise FeedFault("unrecognised_file", "the file's name holds no account. Rename it as it was downloaded.")
    lines, columns = _rows(file, connection)
    read, checks = read_records(lines, columns, _WANTED, separator=",", quote='"')
    read = read.with_columns(_meanings(connection)).with_columns(_signed()).with_columns(_identifiers())
    good, rejects = separated(read, [*checks, *_checks(), *end_checks(file.path, connection)], TRANSACTION)
    rows = conformed(TRANSACTION, good.select(_row(named["account"].upper(), connection)))
    held = ordered([rejects])
    days = rows["trade_date"]
    # A row that is held back may be of any day: a window without it would take back what stands there.
    window = rows.head(0 if held.height else 1).select(
        "source_line",
        "account_number",
        pl.lit(days.min(), dtype=pl.Date).alias("valid_from"),
        pl.lit(days.max(), dtype=pl.Date).alias("valid_to"),
    )
    return ParsedFile(
        frames={TRANSACTION: rows, WINDOW: conformed(WINDOW, window)},
        rejects=held,
        record_count=lines.height,
        quarantined_count=held["source_line"].n_unique(),
        business_date=None,
    )


def is_history(text: str) -> bool:
    """Whether the first line that is not blank names a history's first two columns."""
    known = _titles(None)
    found = [known.get(title.casefold()) for title in _cells(next(iter(text.lstrip().splitlines()), ""))]
    return found[:2] == ["run_date", "action"]


def _titles(connection: Connection | None) -> Mapping[str, str]:
    own = connection.codes.get(HISTORY_COLUMNS.name) if connection else None
    return {title.casefold(): field for title, field in HISTORY_COLUMNS.meaning("field", own).items() if field}


def _cells(text: str) -> list[str]:
    return [name.strip(' "') for name in text.split(",")]


def _columns(text: str, line: int, connection: Connection) -> FlatLayout:
    """The layout of the rows, by the names of the columns; a column without a meaning is left alone.

    Raises:
        FeedFault: unrecognised_file (the day is not the first, a column that is needed is not there, or stands twice).
    """
    known = _titles(connection)
    found = [known.get(title.casefold()) for title in _cells(text)]
    named = [field for field in found if field]
    lacking = [wanted.name for wanted in _WANTED if wanted.name not in named]
    if lacking or found[0] != "run_date" or len(set(named)) < len(named):
        detail = (
            f"the first line that is not blank does not have the columns of a history, the day first and each once "
            f"(missing: {', '.join(lacking) or 'none'}). Add their titles to a table of your own under codes: "
            f"{HISTORY_COLUMNS.name}."
        )
        raise FeedFault("unrecognised_file", detail, line=line)
    ours = layout("RETAIL", "D")
    return FlatLayout(
        tuple(
            replace(ours.field(field), number=place) if field else FlatField(f"#{place}", place, 0, 0)
            for place, field in enumerate(found, 1)
        )
    )


def _rows(file: RawFile, connection: Connection) -> tuple[pl.DataFrame, FlatLayout]:
    """Rows and their layout.

    Rows are lines from the first behind the header that begin with a day; other text below them is the disclaimer.
    """
    lines = read_lines(file.path, encoding="cp1252").with_columns(pl.col("text").str.strip_chars(" "))
    found = lines.filter(pl.col("text") != "")
    columns = _columns(str(found["text"][0]), int(found["line"][0]), connection)
    body = found.slice(1)
    is_row = body["text"].str.contains(_ROW)
    last = int(is_row.arg_true()[-1]) + 1 if is_row.any() else 0
    below = body.slice(last)
    is_told = below["text"].str.count_matches(",", literal=True) < _LEAST_SEPARATORS
    # A line among the rows, or one below them with many separators, is a broken record and not a disclaimer.
    return pl.concat([body.head(last), below.filter(~is_told)]), columns


def _meanings(connection: Connection) -> list[pl.Expr]:
    """What the sentence means, by the longest prefix that it begins with."""
    action = pl.col("action").str.to_uppercase()
    columns = {column: meanings(ACTIONS, column, connection) for column in ACTIONS.meanings}
    found: dict[str, pl.Expr] = {name: pl.lit(None, dtype=pl.String) for name in (*columns, "prefix")}
    for prefix in sorted(columns["transaction_type"], key=len):  # the longest is asked last and wins
        begins = action.str.starts_with(prefix.upper())
        for column, table in columns.items():
            found[column] = pl.when(begins).then(pl.lit(table.get(prefix), dtype=pl.String)).otherwise(found[column])
        found["prefix"] = pl.when(begins).then(pl.lit(prefix)).otherwise(found["prefix"])
    return [expression.alias(name) for name, expression in found.items()]


def _signed() -> list[pl.Expr]:
    quantity = pl.col("quantity").fill_null(values.zero(8))
    amount = pl.col("amount").fill_null(values.zero(4))
    return [
        pl.when(pl.col("quantity_sign") == "zero").then(values.zero(8)).otherwise(quantity).alias("own_quantity"),
        pl.when(pl.col("amount_sign") == "zero").then(values.zero(4)).otherwise(amount).alias("own_amount"),
    ]


def _identifiers() -> list[pl.Expr]:
    """Symbols: of options in the industry's form of 21 characters, CUSIPs of bonds, and tickers."""
    symbol = pl.col("symbol")
    root, day, side, whole, part = (symbol.str.extract(_OPTION, place) for place in range(1, 6))
    osi = pl.concat_str([root.str.pad_end(6), day, side, whole.str.zfill(5), part.fill_null("").str.pad_end(3, "0")])
    is_cusip = symbol.str.contains(_CUSIP) & symbol.str.contains("[0-9]{3}")
    return [
        pl.when(is_cusip).then(symbol).alias("cusip"),
        pl.when(~is_cusip).then(pl.coalesce(osi, symbol)).alias("ticker"),
    ]


def _checks() -> list[Check]:
    quantity, sign = pl.col("own_quantity"), pl.col("quantity_sign")
    needs = sign.is_in(["plus", "minus"]) & (pl.col("quantity:fault") == kernel.BLANK)
    is_against = ((sign == "plus") & (quantity < 0)) | ((sign == "minus") & (quantity > 0))
    is_odd = pl.col("symbol").str.starts_with("-") & pl.col("ticker").str.starts_with("-")
    return [
        Check(
            "action", "unknown_code", pl.col("action").is_not_null() & pl.col("transaction_type").is_null(),
            "the action begins with no sentence of actions.csv. If it is right, add its first words.",
        ),
        Check("quantity", "missing_value", needs, "the action needs a quantity."),
        Check("quantity", "contract_violation", is_against, "the sign of the quantity is not that of the action."),
        Check(
            "amount", "missing_value", (pl.col("amount_sign") == "any") & (pl.col("amount:fault") == kernel.BLANK),
            "the action needs an amount.",
        ),
        Check("symbol", "missing_value", (quantity != 0) & pl.col("symbol").is_null(), "a quantity of no security."),
        Check("symbol", "contract_violation", is_odd, "the option's symbol is not root, day, side and strike."),
    ]  # fmt: skip


def _row(account: str, connection: Connection) -> list[pl.Expr]:
    none = pl.lit(None, dtype=pl.String)
    return [
        pl.col("line").alias("source_line"),
        pl.lit(account).alias("account_number"),
        pl.col("cusip"),
        pl.col("ticker"),
        pl.col("transaction_type"),
        pl.col("run_date").alias("trade_date"),
        pl.col("settlement_date").alias("settle_date"),
        pl.col("own_quantity").alias("quantity"),
        pl.when(pl.col("price") > 0).then(pl.col("price")).alias("price"),
        pl.col("own_amount").alias("amount"),
        pl.lit(connection.base_currency).alias("currency"),  # downloads state none
        *(pl.col(name).abs().fill_null(values.zero(4)) for name in ("commission", "fees", "accrued_interest")),
        values.zero(4).alias("tax_withheld"),
        pl.lit(False).alias("is_cancel"),
        none.alias("provider_transaction_id"),
        none.alias("reverses"),
        pl.col("prefix").str.slice(0, 64).alias("provider_code"),
    ]
