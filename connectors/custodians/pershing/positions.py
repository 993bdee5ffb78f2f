"""Positions (GCUS): securities as holdings, cash of other currencies than the dollar as balances.

A security held in parts of an account (cash, margin, short, income) stays in parts. What lies in account types that we
have no part for is one part, ``other``, and added up. The dollar balance of an account stands in GMON too and is taken
from there alone: a changed balance is all that an UPDATED GCUS states, and one model of cash must not count twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.pershing.envelope import Header
from connectors.custodians.pershing.forms import FORMS
from connectors.custodians.pershing.identifiers import (
    CURRENCY,
    cusip_columns,
    is_currency,
    isin_column,
    option_symbol,
)
from connectors.custodians.pershing.logical import joined, read_part, sound_records, with_all_lines
from connectors.custodians.pershing.tables import ACCOUNT_TYPES, meaning
from connectors.formats.flat import Day, Number, Text
from connectors.formats.lines import texts_of
from connectors.formats.rejects import Check, no_rejects, rejected, separated
from connectors.formats.taken import Taken, conformed, repeated

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


class PositionReader:
    """Reads the blocks of one GCUS file; what must be added up across lines is kept until ``finish``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._others: list[pl.DataFrame] = []
        self._cash: list[pl.DataFrame] = []

    def __call__(self, lines: pl.DataFrame, header: Header) -> Taken:
        """Holdings of one block, but for those in ``other``, and the records held back."""
        whole, unsound = sound_records(lines, _FORM, POSITION)
        first, checks = read_part(whole, _FORM, "A", _A)
        second, more = read_part(whole, _FORM, "B", _B)
        read = joined(first, second).with_columns(
            meaning(ACCOUNT_TYPES, self._connection, pl.col("account_type"), "sub_account"),
            *cusip_columns("cusip_number", self._connection),
        )
        read = read.with_columns(_totals())
        good, rejects = separated(read, [*checks, *more, *_checks()], POSITION)
        is_cash = good["currency_security_indicator"] == "C"
        if is_cash.any():
            cash = good.filter(is_cash & (pl.col("cusip_number").str.slice(0, 3) != DOLLAR))
            self._cash.append(cash.select(_cash_row(header)))
        rows = good.filter(~is_cash).select(_row(header, self._connection))
        is_other = rows["sub_account"] == "other"
        self._others.append(rows.filter(is_other))
        held = conformed(POSITION, rows.filter(~is_other).drop("account_type"))
        return Taken({POSITION: held}, (unsound, with_all_lines(rejects, whole)))

    def finish(self, path: Path) -> Taken:
        """Holdings in ``other`` and cash, each added up over the lines that state it."""
        frames: dict[str, pl.DataFrame] = {}
        rejects: list[pl.DataFrame] = []
        for name, parts, key, sums in (
            (POSITION, self._others, _KEY, {"quantity": _QUANTITY, "market_value": _MONEY, "accrued_interest": _MONEY}),
            (BALANCE, self._cash, ("account_number", "currency"), {"trade": _MONEY, "settled": _MONEY}),
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


def _totals() -> list[pl.Expr]:
    """Quantity and value with what a pending split will add."""
    quantity = pl.col("trade_date_quantity") + pl.col("pending_split_quantity_memo").fill_null(0)
    value = pl.col("trade_date_liquidating_value") + pl.col(_SPLIT_VALUE).fill_null(0)
    return [
        quantity.cast(_QUANTITY, strict=False).alias("quantity"),
        value.cast(_MONEY, strict=False).alias("market_value"),
    ]


def _checks() -> list[Check]:
    indicator, is_cash = pl.col("currency_security_indicator"), pl.col("currency_security_indicator") == "C"
    number, named = pl.col("cusip_number"), is_currency("cusip_number")
    other = pl.col("issue_currency").is_not_null() & (pl.col("issue_currency") != number.str.slice(0, 3))
    inexact = pl.any_horizontal(
        pl.col(name).cast(_MONEY, strict=False).cast(_QUANTITY).ne_missing(pl.col(name))
        for name in ("trade_date_quantity", "settlement_date_quantity")
    )
    beyond = "a number with what a pending split adds does not fit. Compare the record with the layout."
    return [
        Check(
            "account_type", "unknown_code", pl.col("account_type").is_not_null() & pl.col("sub_account").is_null(),
            pl.format("account type {} is not known. If it is right, add it to account_types.csv.", "account_type"),
        ),
        Check(
            "currency_security_indicator", "unknown_code", ~indicator.is_in(["C", "S"]),
            pl.format("the indicator {} is neither C nor S. Ask what it is.", indicator),
        ),
        Check(
            "cusip_number", "contract_violation", is_cash & ~named,
            f"a cash position's number is not a currency's ({CURRENCY}). Compare the record with the layout.",
        ),
        Check(
            "cusip_number", "contract_violation", (indicator == "S") & named,
            "a security's number is a currency's. Compare the record with the layout.",
        ),
        Check("issue_currency", "contract_violation", is_cash & named & other, "two currencies in one cash position."),
        Check("trade_date_quantity", "number_out_of_range", is_cash & inexact, "cash has more than four decimals."),
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


def _row(header: Header, connection: Connection) -> list[pl.Expr]:
    is_short = (pl.col("sub_account") == "short") | (pl.col("quantity") < 0)
    symbol = pl.when(pl.col("security_symbol") != pl.col("cusip_number")).then(pl.col("security_symbol"))
    osi = option_symbol("option_root_id", "expiration_date", "call_put_indicator", "strike_price")
    return [
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        pl.col("account_type"),
        pl.lit(header.business_date).alias("as_of_date"),
        pl.when(is_short).then(pl.lit("short")).otherwise(pl.lit("long")).alias("position_side"),
        pl.col("sub_account"),
        pl.col("quantity"),
        pl.col("market_value"),
        pl.col(_ACCRUED).alias("accrued_interest"),
        pl.coalesce("position_currency", "issue_currency", pl.lit(connection.base_currency)).alias("currency"),
        pl.lit(header.is_delta).alias("is_delta"),
        pl.col("cusip"),
        pl.col("provider_security_id"),
        isin_column("alternate_security_id_type", "alternate_security_id"),
        pl.coalesce(osi, symbol).alias("ticker"),
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
