"""Activity (GACT): trades and bookkeeping entries, from debits and credits into our signs and types.

A trade arrives twice: by trade date (T), which is booked, and by settlement date (S), which is not. In the money of
this form ``+`` is a debit. A cancel repeats its row with the signs turned; here it is turned back, so that a cancel
states what it cancels.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.pershing.activity_checks import activity_checks
from connectors.custodians.pershing.envelope import Header
from connectors.custodians.pershing.forms import FORMS
from connectors.custodians.pershing.identifiers import cusip_columns, isin_column, option_symbol
from connectors.custodians.pershing.logical import joined, numbers, read_part, sound_records, with_all_lines
from connectors.custodians.pershing.tables import TRANSACTIONS, counts_for_us, meaning
from connectors.formats.codes import code_of
from connectors.formats.flat import Day, Number, Text, Wanted
from connectors.formats.rejects import separated
from connectors.formats.taken import Taken
from connectors.formats.values import zero

TRANSACTION: Final = "canonical.transaction"
DOLLAR: Final = "USD"

_FORM: Final = FORMS["GACT"]
_MONEY: Final = pl.Decimal(20, 4)
_PARTS: Final = {
    "net": ("net_amount_of_transaction_in_usd_or_usde", "net_amount_in_settlement_currency"),
    "interest": ("interest_in_usd_or_usde", "interest_in_settlement_currency"),
    "commission": ("commission_in_usd_or_usde", "commission_in_settlement_currency"),
    "tax": ("tax_in_usd_or_usde", "tax_in_settlement_currency"),
    "transaction_fee": ("transaction_fee_in_usd_or_usde", "transaction_fee_in_settlement_currency"),
    "misc_fee": ("misc_fee_in_usd_or_usde", "miscellaneous_fee_in_settlement_currency"),
    "other_fee": ("other_fee_in_usd_or_usde", "other_fee_in_settlement_currency"),
    "settlement_fee": ("settlement_fee_in_usd_or_usde", "settlement_fee_in_settlement_currency"),
    "service_charge": ("service_charge_in_usd_or_usde", "service_charge_in_settlement_currency"),
}
"""Part of a transaction to its field in dollars (record A) and in the settlement currency (record B)."""
_FEES: Final = ("transaction_fee", "misc_fee", "other_fee", "settlement_fee", "service_charge")
_TEFRA: Final = "tefra_withholding_amount_in_usd"
_CODES: Final = ("par_key_code", "source_code", "maxx_key_code")
_A: Final[tuple[Wanted, ...]] = (
    Text("account_number", 64, required=True), Text("cusip_number", 9), Text("security_symbol", 16),
    Text("transaction_type", 1), Text("buy_sell_code", 1),
    Text("par_key_code", 2), Text("source_code", 3), Text("maxx_key_code", 4),
    Day("process_date"), Day("trade_date"), Day("settlement_entry_date"),
    Text("cancel_code", 1), Text("correction_code", 1),
    Number("quantity", 8), Number("price_in_settlement_currency", 8), Text("currency_indicator_for_price", 3),
    *numbers([dollars for dollars, _ in _PARTS.values()], 4), Number(_TEFRA, 4),
    Text("option_root_id", 6), Day("expiration_date"), Text("put_call_code", 1), Number("strike_price", 3),
)  # fmt: skip
_B: Final[tuple[Wanted, ...]] = (
    Text("settlement_currency_code", 3), Number("settlement_usd_currency_fx_rate", 9),
    Text("settlement_usd_multiply_divide_code", 1), *numbers([settled for _, settled in _PARTS.values()], 4),
    Text("alternate_security_id_type_1", 1), Text("alternate_security_id_1", 12),
)  # fmt: skip


def taken_activity(lines: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """The canonical transactions of one block, and the records held back."""
    del header
    whole, unsound = sound_records(lines, _FORM, TRANSACTION)
    first, checks = read_part(whole, _FORM, "A", _A)
    second, more = read_part(whole, _FORM, "B", _B)
    read = joined(first, second).filter((pl.col("transaction_type") != "S").fill_null(True))
    read = read.with_columns(code_of(_CODES).alias("code"), *_currency())
    read = read.with_columns(
        meaning(TRANSACTIONS, connection, pl.col("code"), "transaction_type").alias("transaction_type_meant"),
        *(meaning(TRANSACTIONS, connection, pl.col("code"), column) for column in ("quantity_sign", "amount_sign")),
        *(_part(name) for name in _PARTS),
        _ours("A", _TEFRA).alias("tefra"),
        pl.coalesce("trade_date", "settlement_entry_date", "process_date").alias("effective_date"),
        *cusip_columns("cusip_number", connection),
    ).with_columns(
        _sum(_FEES).alias("own_fees"), _sum(("tax", "tefra")).alias("taxes"), _sum((*_FEES, "tax")).alias("all_fees")
    )
    good, rejects = separated(read, [*checks, *more, *activity_checks()], TRANSACTION)
    return Taken({TRANSACTION: good.select(_row())}, (unsound, with_all_lines(rejects, whole)))


def _currency() -> list[pl.Expr]:
    """The currency of the transaction's amounts, and whether it is the dollar, in which record A states them."""
    own = pl.coalesce("settlement_currency_code", "currency_indicator_for_price", pl.lit(DOLLAR))
    return [own.alias("currency"), (own == DOLLAR).alias("in_dollars")]


def _ours(record: str, field: str) -> pl.Expr:
    """A money field with money in positive, a cancel's signs turned back; nothing stated is nought."""
    counted = pl.col(field).fill_null(zero(4)) * counts_for_us(_FORM.kind, record, field)
    turned = pl.when((pl.col("cancel_code") == "1").fill_null(False)).then(-counted).otherwise(counted)
    return turned.cast(_MONEY)


def _part(name: str) -> pl.Expr:
    dollars, settled = _PARTS[name]
    return pl.when(pl.col("in_dollars")).then(_ours("A", dollars)).otherwise(_ours("B", settled)).alias(name)


def _sum(names: tuple[str, ...]) -> pl.Expr:
    """Costs of several parts, positive where they take money; null where they do not fit."""
    return (-pl.sum_horizontal(pl.col(name) for name in names)).cast(_MONEY, strict=False)


def _row() -> list[pl.Expr]:
    is_cancel = (pl.col("cancel_code") == "1").fill_null(False)
    is_trade = (pl.col("transaction_type") == "T").fill_null(False)
    stated = pl.col("quantity").fill_null(zero(8))
    turned = pl.when(is_cancel).then(-stated).otherwise(stated)
    sign, none = pl.col("quantity_sign"), zero(8)
    size = pl.when(stated < 0).then(-stated).otherwise(stated)
    quantity = (
        pl.when(sign == "plus").then(size).when(sign == "minus").then(-size).when(sign == "stated").then(turned)
    ).otherwise(none)
    price = pl.col("price_in_settlement_currency")
    interest = pl.when(pl.col("interest") < 0).then(-pl.col("interest")).otherwise(pl.col("interest"))
    symbol = pl.when(pl.col("security_symbol") != pl.col("cusip_number")).then(pl.col("security_symbol"))
    osi = option_symbol("option_root_id", "expiration_date", "put_call_code", "strike_price")
    has_security = pl.col("provider_security_id").is_not_null()
    return [
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        pl.col("transaction_type_meant").alias("transaction_type"),
        pl.col("effective_date").alias("trade_date"),
        pl.col("settlement_entry_date").alias("settle_date"),
        quantity.alias("quantity"),
        pl.when(price > 0).then(price).alias("price"),
        pl.when(pl.col("amount_sign") == "stated").then(pl.col("net")).otherwise(zero(4)).alias("amount"),
        pl.col("currency"),
        (-pl.col("commission")).alias("commission"),
        pl.when(is_trade).then(pl.col("all_fees")).otherwise(pl.col("own_fees")).alias("fees"),
        pl.when(is_trade).then(interest).otherwise(zero(4)).alias("accrued_interest"),
        pl.when(is_trade).then(-pl.col("tefra")).otherwise(pl.col("taxes")).alias("tax_withheld"),
        is_cancel.alias("is_cancel"),
        pl.col("code").alias("provider_code"),
        pl.col("cusip"),
        pl.col("provider_security_id"),
        isin_column("alternate_security_id_type_1", "alternate_security_id_1"),
        pl.when(has_security).then(pl.coalesce(osi, symbol)).alias("ticker"),
    ]
