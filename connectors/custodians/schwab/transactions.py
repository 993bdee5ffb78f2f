"""Transactions (TRN, and BAK for backdated ones): unsigned numbers and codes into our signs and types."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.schwab import prefix
from connectors.custodians.schwab.envelope import Header
from connectors.custodians.schwab.tables import layout, mapped, transaction_codes
from connectors.formats import values
from connectors.formats.fixed_width import cut
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import Taken, misfit
from connectors.formats.values import Field, checks_of, typed, with_values

TABLE: Final = "canonical.transaction"
_CODES: Final = ("transaction_type_code", "transaction_sub_type_code", "debit_credit_indicator", "cancel_code")
_FEES: Final = (
    "exchange_processing_fee", "broker_service_fee", "prime_broker_fee", "trade_away_fee", "redemption_fee",
    "other_fee",
)  # fmt: skip
_TAXES: Final = (
    "fed_tefra_withholding", "state_tax_withholding", "retirement_federal_tax", "retirement_state_tax",
)  # fmt: skip
_MONEY: Final = ("net_amount", "commission", "accrued_interest", *_FEES, *_TAXES)
_DATES: Final = ("trade_date", "settlement_date", "transaction_date")
_NAMES: Final = (
    *prefix.PREFIX_FIELDS, "account_number", *prefix.IDENTIFIER_FIELDS, *_CODES, *_DATES, "quantity", "price", *_MONEY,
)  # fmt: skip


def taken_transactions(records: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """The canonical transactions of D1 records, and the records held back."""
    shaped = cut(records, layout("CRS.TRN", "D1"), _NAMES)
    misfits = rejected(shaped.misfits, misfit(), TABLE)
    read = with_values(shaped.records.with_columns(_direction_key()), fields := _fields())
    read = read.with_columns(_meanings(connection)).with_columns(_signed())
    good, rejects = separated(read, [*checks_of(fields), *_checks(header, connection)], TABLE)
    return Taken({TABLE: good.select(_row(connection))}, (misfits, rejects))


def _fields() -> list[Field]:
    return [
        *prefix.prefix_fields(),
        prefix.account_field(),
        *prefix.identifier_fields(),
        *(values.date(name) for name in _DATES),
        *(values.decimal(name, scale=8, unsigned=True) for name in ("quantity", "price")),
        *(values.decimal(name, scale=4, unsigned=True) for name in _MONEY),
    ]


def _direction_key() -> pl.Expr:
    parts = [pl.col(name).fill_null("") for name in _CODES[:3]]
    return pl.concat_str(parts, separator="/").alias("code_key")


def _meanings(connection: Connection) -> list[pl.Expr]:
    """What the code, sub-code and direction mean: type, quantity sign and amount sign; null when unknown."""
    codes = transaction_codes(connection)
    said = {"type": codes.types, "quantity_sign": codes.quantity_signs, "amount_sign": codes.amount_signs}
    return [mapped(pl.col("code_key"), meaning).alias(name) for name, meaning in said.items()]


def _signed() -> list[pl.Expr]:
    """Quantity and amount in the ledger's signs, the sums of fees and taxes, and the day that counts."""
    is_debit = pl.col("debit_credit_indicator") == "DEBIT"
    is_credit = pl.col("debit_credit_indicator") == "CREDIT"
    sign = pl.col("quantity_sign")
    no_quantity, no_money = values.zero(8), values.zero(4)
    quantity, amount = typed("quantity").fill_null(no_quantity), typed("net_amount").fill_null(no_money)
    adds = (sign == "plus") | ((sign == "direction") & is_credit) | ((sign == "split") & ~is_debit.fill_null(False))
    takes = (sign == "minus") | (sign.is_in(["direction", "split"]) & is_debit)
    return [
        pl.when(adds).then(quantity).when(takes).then(-quantity).otherwise(no_quantity)
        .alias("signed_quantity"),
        pl.when((pl.col("amount_sign") == "direction") & is_credit).then(amount)
        .when((pl.col("amount_sign") == "direction") & is_debit).then(-amount)
        .otherwise(no_money).alias("signed_amount"),
        prefix.money(pl.sum_horizontal(typed(name) for name in _FEES)).alias("fees"),
        prefix.money(pl.sum_horizontal(typed(name) for name in _TAXES)).alias("taxes"),
        pl.coalesce(typed("trade_date"), typed("transaction_date")).alias("effective_date"),
    ]  # fmt: skip


def _checks(header: Header, connection: Connection) -> list[Check]:
    code, cancel = pl.col("transaction_type_code"), pl.col("cancel_code")
    named = "transaction code {} is not known. If it is right, add it to codes.csv."
    needs_quantity = pl.col("quantity_sign").is_in(["plus", "minus", "split"]) & pl.col("quantity").is_null()
    needs_amount = (pl.col("amount_sign") == "direction") & pl.col("net_amount").is_null()
    return [
        *prefix.prefix_checks(header, connection),
        Check("transaction_type_code", "missing_value", code.is_null(), "the transaction code is blank."),
        Check(
            "transaction_type_code", "unknown_code", code.is_not_null() & pl.col("type").is_null(),
            pl.format(named, pl.col("code_key")),
        ),
        Check(
            "cancel_code", "unknown_code", cancel.is_not_null() & ~cancel.is_in(["Y", "N"]),
            pl.format("cancel code {} is not known; Y and blank are.", cancel),
        ),
        Check(
            "trade_date", "missing_value",
            pl.col("effective_date").is_null() & pl.col("trade_date").is_null(), "the record has no trade date.",
        ),
        Check("quantity", "missing_value", needs_quantity, "the type needs a quantity."),
        Check("net_amount", "missing_value", needs_amount, "the type needs an amount."),
        Check("other_fee", "number_out_of_range", pl.col("fees").is_null(), "the fees together do not fit."),
        Check(
            "fed_tefra_withholding", "number_out_of_range", pl.col("taxes").is_null(),
            "the taxes withheld together do not fit.",
        ),
    ]  # fmt: skip


def _row(connection: Connection) -> list[pl.Expr]:
    code, sub_code = pl.col("transaction_type_code"), pl.col("transaction_sub_type_code")
    none = pl.lit(None, dtype=pl.String)
    zero = values.zero(4)
    return [
        *prefix.identifiers(),
        pl.col("line").alias("source_line"),
        prefix.account_number(),
        pl.col("type").alias("transaction_type"),
        pl.col("effective_date").alias("trade_date"),
        typed("settlement_date").alias("settle_date"),
        pl.col("signed_quantity").alias("quantity"),
        pl.when(typed("price") > 0).then(typed("price")).alias("price"),
        pl.col("signed_amount").alias("amount"),
        pl.lit(connection.base_currency).alias("currency"),
        typed("commission").fill_null(zero).alias("commission"),
        pl.col("fees"),
        typed("accrued_interest").fill_null(zero).alias("accrued_interest"),
        pl.col("taxes").alias("tax_withheld"),
        (pl.col("cancel_code") == "Y").fill_null(False).alias("is_cancel"),
        none.alias("provider_transaction_id"),
        none.alias("reverses"),
        pl.concat_str([code, sub_code], separator="/", ignore_nulls=True).alias("provider_code"),
    ]
