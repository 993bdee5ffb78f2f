"""Positions (GCUS): securities as holdings, cash of other currencies than the dollar as balances.

A security held in parts of an account (cash, margin, short, income) stays in parts. What lies in account types that we
have no part for is one part, ``other``, and added up. The dollar balance of an account stands in GMON too and is taken
from there alone: a changed balance is all that an UPDATED GCUS states, and one model of cash must not count twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.pershing.details import Seen
from connectors.custodians.pershing.envelope import Header
from connectors.custodians.pershing.forms import FORMS
from connectors.custodians.pershing.identifiers import (
    CURRENCY,
    cusip_columns,
    is_currency,
    isin_column,
    option_symbol,
)
from connectors.custodians.pershing.logical import read_parts, with_all_lines
from connectors.custodians.pershing.tables import ACCOUNT_TYPES, meaning
from connectors.formats.flat import Day, Number, Text
from connectors.formats.lines import TextBlock, texts_of
from connectors.formats.rejects import Check, no_rejects, ordered, rejected, separated
from connectors.formats.taken import Taken, conformed, no_rows, repeated

POSITION: Final = "canonical.custodian_position"
BALANCE: Final = "canonical.custodian_balance"
DOLLAR: Final = "USD"

_FORM: Final = FORMS["GCUS"]
_QUANTITY, _MONEY = pl.Decimal(20, 8), pl.Decimal(20, 4)
_A: Final = (
    Text("account_number", 64, required=True), Text("account_type", 1, required=True),
    Text("cusip_number", 9, required=True), Text("currency_security_indicator", 1, required=True),
    Text("issue_currency", 3), Text("position_currency", 3), Text("security_symbol", 9),
    Number("trade_date_quantity", 8, required=True), Number("settlement_date_quantity", 8),
    Number("pending_split_quantity_memo", 8), Number("trade_date_liquidating_value", 4),
    Text("alternate_security_id_type", 1), Text("alternate_security_id", 12),
)  # fmt: skip
_SPLIT_VALUE: Final = "pending_split_quantity_liquidating_value"
_ACCRUED: Final = "accrued_interest_value_from_last_payable_date"
_B: Final = (
    Number(_SPLIT_VALUE, 4), Number(_ACCRUED, 4), Text("option_root_id", 6), Day("expiration_date"),
    Text("call_put_indicator", 1), Number("strike_price", 3),
)  # fmt: skip
_KEY: Final = ("account_number", "provider_security_id", "position_side", "sub_account")


@dataclass(frozen=True)
class ReadBlock:
    """What a block of whole records holds.

    Attributes:
        held: holdings, but for those in ``other``.
        others: holdings in ``other``, to be added up over the file.
        cash: cash of other currencies than the dollar, to be added up.
        rejects: records held back.
        seen: what the block says of its file.
    """

    held: pl.DataFrame
    others: pl.DataFrame
    cash: pl.DataFrame
    rejects: pl.DataFrame
    seen: Seen


class PositionReader:
    """Reads the blocks of one file, several at once: what does not depend on a block is made once."""

    def __init__(self, header: Header, connection: Connection) -> None:
        part = no_rows(POSITION).schema["sub_account"]
        self._meanings = [
            meaning(ACCOUNT_TYPES, connection, pl.col("account_type"), "sub_account", part),
            is_currency("cusip_number").alias("is_currency"),
        ]
        self._checks, self._cash_checks = _checks(), _cash_checks()
        self._row, self._cash_row = _row(header, connection), _cash_row(header)

    def __call__(self, block: TextBlock) -> ReadBlock:
        """The holdings and cash of a block of whole records.

        Raises:
            FeedFault: as ``connectors.formats.lines.cut_lines``.
        """
        parts = read_parts(block, _FORM, POSITION, _A, _B)
        read = parts.read.with_columns(*self._meanings, *_totals(parts.read), _ticker(parts.read))
        has_cash = bool((read["currency_security_indicator"] == "C").any())
        checks = [*parts.checks, *self._checks, *(self._cash_checks if has_cash else ())]
        good, rejects = separated(read, checks, POSITION)
        cash = good.clear()
        if has_cash:
            is_cash = pl.col("currency_security_indicator") == "C"
            cash = good.filter(is_cash & (pl.col("cusip_number").str.slice(0, 3) != DOLLAR))
            good = good.filter(~is_cash)
        rows = good.select(self._row)
        is_other = rows["sub_account"] == "other"
        has_others = bool(is_other.any())
        held = rows.filter(~is_other) if has_others else rows
        return ReadBlock(
            conformed(POSITION, held.drop("account_type")),
            rows.filter(is_other) if has_others else rows.clear(),
            cash.select(self._cash_row),
            ordered([parts.unsound, with_all_lines(rejects, parts.lines)]),
            parts.seen,
        )


def summed(others: Sequence[pl.DataFrame], cash: Sequence[pl.DataFrame], path: Path) -> Taken:
    """Holdings in ``other`` and cash, each added up over the lines of the file at ``path`` that state it."""
    frames: dict[str, pl.DataFrame] = {}
    rejects: list[pl.DataFrame] = []
    for name, parts, key, sums in (
        (POSITION, others, _KEY, {"quantity": _QUANTITY, "market_value": _MONEY, "accrued_interest": _MONEY}),
        (BALANCE, cash, ("account_number", "currency"), {"trade": _MONEY, "settled": _MONEY}),
    ):
        rows = pl.concat(parts) if parts else pl.DataFrame()
        if not rows.height:
            continue
        twice = repeated(name, rows, ("account_number", "account_type", *key[1:2]), path)
        rows = rows.filter(~pl.col("source_line").is_in(twice["source_line"].implode()))
        total, beyond = _summed(name, rows, key, sums, path)
        frames[name] = conformed(name, total if name == POSITION else _both_bases(total))
        rejects += [twice, beyond]
    return Taken(frames, rejects)


def _totals(read: pl.DataFrame) -> list[pl.Expr]:
    """Quantity and value with what a pending split will add."""
    found = []
    for total, name, split, dtype in (
        ("quantity", "trade_date_quantity", "pending_split_quantity_memo", _QUANTITY),
        ("market_value", "trade_date_liquidating_value", _SPLIT_VALUE, _MONEY),
    ):
        whole = pl.col(name)
        if read.select((pl.col(split) != 0).any()).item():
            whole = (whole + pl.col(split).fill_null(0)).cast(dtype, strict=False)
        found.append(whole.alias(total))
    return found


def _checks() -> list[Check]:
    indicator, named = pl.col("currency_security_indicator"), pl.col("is_currency")
    beyond = "a number with what a pending split adds does not fit. Compare the record with the layout."
    return [
        Check(
            "account_type", "unknown_code", pl.col("account_type").is_not_null() & pl.col("sub_account").is_null(),
            pl.format("account type {} is not known. If it is right, add it to account_types.csv.", "account_type"),
        ),
        Check(
            "currency_security_indicator", "unknown_code", (indicator != "C") & (indicator != "S"),
            pl.format("the indicator {} is neither C nor S. Ask what it is.", indicator),
        ),
        Check(
            "cusip_number", "contract_violation", (indicator == "S") & named,
            "a security's number is a currency's. Compare the record with the layout.",
        ),
        *(
            Check(name, "contract_violation", ~pl.col(name).str.contains("^[A-Z]{3}$"), f"{name} is not a currency.")
            for name in ("issue_currency", "position_currency")
        ),
        Check(
            "pending_split_quantity_memo", "number_out_of_range",
            pl.col("quantity").is_null() & pl.col("trade_date_quantity").is_not_null(), beyond,
        ),
        Check(
            _SPLIT_VALUE, "number_out_of_range",
            pl.col("market_value").is_null() & pl.col("trade_date_liquidating_value").is_not_null(), beyond,
        ),
    ]  # fmt: skip


def _cash_checks() -> list[Check]:
    is_cash, named = pl.col("currency_security_indicator") == "C", pl.col("is_currency")
    other = pl.col("issue_currency").is_not_null() & (
        pl.col("issue_currency") != pl.col("cusip_number").str.slice(0, 3)
    )
    inexact = pl.any_horizontal(
        pl.col(name).cast(_MONEY, strict=False).cast(_QUANTITY).ne_missing(pl.col(name))
        for name in ("trade_date_quantity", "settlement_date_quantity")
    )
    return [
        Check(
            "cusip_number", "contract_violation", is_cash & ~named,
            f"a cash position's number is not a currency's ({CURRENCY}). Compare the record with the layout.",
        ),
        Check("issue_currency", "contract_violation", is_cash & named & other, "two currencies in one cash position."),
        Check("trade_date_quantity", "number_out_of_range", is_cash & inexact, "cash has more than four decimals."),
    ]  # fmt: skip


def _ticker(read: pl.DataFrame) -> pl.Expr:
    """An option's OSI symbol, else the symbol where it is not the CUSIP."""
    symbol: pl.Expr = pl.when(pl.col("security_symbol") != pl.col("cusip_number")).then(pl.col("security_symbol"))
    if read["option_root_id"].null_count() < read.height:
        osi = option_symbol("option_root_id", "expiration_date", "call_put_indicator", "strike_price")
        symbol = pl.coalesce(osi, symbol)
    return symbol.alias("ticker")


def _row(header: Header, connection: Connection) -> list[pl.Expr]:
    side = no_rows(POSITION).schema["position_side"]
    short, long = (pl.lit(name, dtype=side) for name in ("short", "long"))
    is_short = (pl.col("sub_account") == "short") | (pl.col("quantity") < 0)
    return [
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        pl.col("account_type"),
        pl.lit(header.business_date).alias("as_of_date"),
        pl.when(is_short).then(short).otherwise(long).alias("position_side"),
        pl.col("sub_account"),
        pl.col("quantity"),
        pl.col("market_value"),
        pl.col(_ACCRUED).alias("accrued_interest"),
        pl.coalesce("position_currency", "issue_currency", pl.lit(connection.base_currency)).alias("currency"),
        pl.lit(header.is_delta).alias("is_delta"),
        *cusip_columns("cusip_number", connection),
        isin_column("alternate_security_id_type", "alternate_security_id"),
        pl.col("ticker"),
    ]


def _cash_row(header: Header) -> list[pl.Expr]:
    return [
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        pl.col("account_type"),
        pl.lit(header.business_date).alias("as_of_date"),
        pl.col("cusip_number").str.slice(0, 3).alias("currency"),
        pl.col("trade_date_quantity").cast(_MONEY).alias("trade"),
        pl.col("settlement_date_quantity").cast(_MONEY).alias("settled"),
    ]


def _summed(
    name: str, rows: pl.DataFrame, key: Sequence[str], sums: Mapping[str, pl.Decimal], path: Path
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per key, numbers added up; lines whose sum does not fit are held back.

    A sum is null where a part of it is, since the part is not known.
    """
    kept = [column for column in rows.columns if column not in (*key, *sums, "source_line", "account_type")]
    total = rows.group_by(key, maintain_order=True).agg(
        pl.col("source_line").min(),
        pl.col("source_line").alias("lines"),
        *(pl.col(column).first() for column in kept),
        *(
            pl.when(pl.col(c).is_not_null().all()).then(pl.col(c).sum().cast(dtype, strict=False)).alias(c)
            for c, dtype in sums.items()
        ),
        beyond=pl.any_horizontal(
            pl.col(c).is_not_null().all() & pl.col(c).sum().cast(dtype, strict=False).is_null()
            for c, dtype in sums.items()
        ),
    )
    lines = total.filter("beyond")["lines"].explode()
    beyond = no_rejects()
    if len(lines):
        check = Check(
            next(iter(sums)), "number_out_of_range", pl.lit(True), "the parts of the position together do not fit."
        )
        beyond = rejected(texts_of(path, lines.to_list()), check, name)
    return total.filter(~pl.col("beyond")), beyond


def _both_bases(total: pl.DataFrame) -> pl.DataFrame:
    """A balance by trade date and one by settlement date, where stated."""
    stated = [
        total.with_columns(pl.lit(kind).alias("balance_type"), pl.col(column).alias("balance"))
        for kind, column in (("cash_trade_date", "trade"), ("cash_settled", "settled"))
    ]
    return pl.concat(stated).filter(pl.col("balance").is_not_null())
