"""The position file (POS): holdings, and cash under a blank symbol, at the close of the day that the name says.

It is the bulk file. Blocks of its lines are read one by one; only cash, a row or three an account, is kept to the end,
since an account's cash is the sum of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.tda import tables
from connectors.custodians.tda.content import QUOTE, SEPARATOR
from connectors.custodians.tda.identifiers import is_cash, with_identifiers
from connectors.formats.field_kernels import BLANK
from connectors.formats.flat import Number, Text, Wanted, read_records
from connectors.formats.lines import TextBlock, cut_lines
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import conformed, no_rows
from connectors.formats.values import PRECISION

POSITION: Final = "canonical.custodian_position"
BALANCE: Final = "canonical.custodian_balance"
KEY: Final = ("account_number", "ticker", "position_side", "sub_account")
"""What a file may state once only."""

_WANTED: Final[tuple[Wanted, ...]] = (
    Text("account_number", max_length=64, required=True),
    Text("account_type", max_length=12),
    Text("symbol", max_length=64),
    Number("quantity", scale=8),
    Number("amount", scale=4),
)
_CASH: Final[Mapping[str, pl.DataType]] = {
    "line": pl.Int64(), "text": pl.String(), "account_number": pl.String(), "sub_account": pl.String(),
    "amount": pl.Decimal(PRECISION, 4), "is_good": pl.Boolean(),
}  # fmt: skip


@dataclass(frozen=True)
class ReadBlock:
    """What a block of lines holds.

    Attributes:
        held: holdings.
        cash: its cash lines, for ``cash_frames``.
        rejects: records held back.
        record_count: lines that are not blank.
    """

    held: pl.DataFrame
    cash: pl.DataFrame
    rejects: pl.DataFrame
    record_count: int


def read_block(block: TextBlock, day: date, connection: Connection) -> ReadBlock:
    """The holdings and cash of a block of lines."""
    layout = tables.layout("POS")
    read, checks = read_records(cut_lines(block), layout, _WANTED, separator=SEPARATOR, quote=QUOTE)
    is_odd = read["record:fault"] > 0
    if is_odd.any():  # a blank line is no record
        blank = read.filter(is_odd & (read["text"].str.strip_chars(" \r\n\x1a") == ""))
        read = read.join(blank, on="line", how="anti", maintain_order="left") if blank.height else read
    parts = tables.meanings(tables.ACCOUNT_TYPES, "sub_account", connection)
    code = pl.col("account_type")
    kind = no_rows(POSITION).schema["sub_account"]
    mapped = tables.mapped(code, parts, kind)
    sub_account = pl.when(code.is_null()).then(pl.lit("cash", dtype=kind)).otherwise(mapped)
    read = read.with_columns(sub_account.alias("sub_account"))
    named = "account type {} is not known. If it is right, add it to account_types.csv."
    unknown = Check(
        "account_type", "unknown_code", code.is_not_null() & pl.col("sub_account").is_null(), pl.format(named, code)
    )
    is_whole = pl.col("record:fault") == 0
    cash = read.filter(is_whole & is_cash())
    held = read.filter(~is_whole | ~is_cash()) if cash.height else read
    good_cash, cash_rejects = separated(cash, [*checks, unknown, *_cash_checks()], BALANCE)
    nothing = pl.col("quantity").is_null() & (pl.col("quantity:fault") == BLANK) & is_whole
    missing = Check("quantity", "missing_value", nothing, "the holding has no quantity.")
    good, rejects = separated(held, [*checks, unknown, missing], POSITION)
    return ReadBlock(
        _positions(with_identifiers(good, connection), day, connection),
        _cash_rows(cash, good_cash),
        pl.concat([cash_rejects, rejects]),
        read.height,
    )


def cash_frames(parts: list[pl.DataFrame], day: date, connection: Connection) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Balances, a row an account; rejects; and how many lines were added to that of their account.

    An account's cash stands in its cash, margin and short parts. If one of these rows is held back the others are too:
    a part of the sum is no balance.
    """
    cash = pl.concat(parts) if parts else pl.DataFrame(schema=_CASH)
    repeats = cash.filter("is_good").filter(~pl.struct("account_number", "sub_account").is_first_distinct())
    twice = Check(
        "account_number", "duplicate_key", pl.lit(value=True), "an earlier line of the file states the same. Ask which."
    )
    broken = pl.concat([cash.filter(~pl.col("is_good")), repeats])["account_number"].unique()
    whole = cash.filter("is_good").join(repeats.select("line"), on="line", how="anti")
    kept = whole.filter(~pl.col("account_number").is_in(broken.implode()))
    others = whole.filter(pl.col("account_number").is_in(broken.implode()))
    detail = "another line of the account's cash is held back, so its balance is not known."
    rejects = pl.concat(
        [
            rejected(repeats, twice, BALANCE),
            rejected(others, Check("amount", "missing_value", pl.lit(value=True), detail), BALANCE),
        ]
    )
    sums = kept.group_by("account_number", maintain_order=True).agg(
        pl.col("line").min().alias("source_line"), pl.col("amount").sum().alias("balance")
    )
    balances = sums.sort("source_line").with_columns(
        pl.col("balance").cast(pl.Decimal(PRECISION, 4)),
        as_of_date=pl.lit(day),
        currency=pl.lit(connection.base_currency),
        balance_type=pl.lit("cash_trade_date"),
    )
    return conformed(BALANCE, balances), rejects, kept.height - sums.height


def _cash_checks() -> list[Check]:
    stated = pl.coalesce("amount", "quantity").is_not_null()
    blank = (pl.col("amount:fault") == BLANK) & (pl.col("quantity:fault") == BLANK)
    beyond = pl.col("amount").is_null() & (pl.col("quantity").cast(pl.Decimal(PRECISION, 4)) != pl.col("quantity"))
    return [
        Check("amount", "missing_value", ~stated & blank, "the cash row has no amount."),
        Check("quantity", "number_out_of_range", beyond, "the cash row's amount has more than four decimals."),
    ]


def _cash_rows(cash: pl.DataFrame, good: pl.DataFrame) -> pl.DataFrame:
    amount = pl.coalesce(pl.col("amount"), pl.col("quantity").cast(pl.Decimal(PRECISION, 4), strict=False))
    marked = cash.with_columns(
        pl.col("sub_account").cast(pl.String),
        amount.alias("amount"),
        pl.col("line").is_in(good["line"].implode()).alias("is_good"),
    )
    return marked.select(list(_CASH))


def _positions(good: pl.DataFrame, day: date, connection: Connection) -> pl.DataFrame:
    """What stands in the short part is short, whether or not its quantity carries a minus."""
    quantity, worth = pl.col("quantity"), pl.col("amount")
    in_short = pl.col("sub_account") == "short"
    side = no_rows(POSITION).schema["position_side"]
    short, long = (pl.lit(name, dtype=side) for name in ("short", "long"))
    rows = good.select(
        "cusip",
        "ticker",
        pl.col("line").alias("source_line"),
        "account_number",
        pl.lit(day).alias("as_of_date"),
        pl.when(in_short | (quantity < 0)).then(short).otherwise(long).alias("position_side"),
        "sub_account",
        pl.when(in_short & (quantity > 0)).then(-quantity).otherwise(quantity).alias("quantity"),
        pl.when(in_short & (worth > 0)).then(-worth).otherwise(worth).alias("market_value"),
        pl.lit(connection.base_currency).alias("currency"),
    )
    return conformed(POSITION, rows)
