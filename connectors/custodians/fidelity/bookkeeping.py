"""Bookkeeping: the entries of the customers' ledger, with cancels, corrections and as-of entries."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.fidelity import records as common
from connectors.custodians.fidelity.records import Header
from connectors.custodians.fidelity.tables import AMOUNTS, BOOKKEEPING, layout, meanings, meant
from connectors.formats import field_kernels as kernel
from connectors.formats import values
from connectors.formats.codes import code_of
from connectors.formats.flat import Number, Text, Wanted
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken

TRANSACTION: Final = "canonical.transaction"

_DAYS: Final = ("trade_date", "entry_date")
_FEES: Final = (
    "state_tax", "ticket_charge", "options_regulatory_fee", "sec_fee", "miscellaneous_fee",
    *(f"additional_fee_{place}" for place in range(1, 7)),
)  # fmt: skip
_CHARGES: Final = ("commission_expanded", "accrued_interest_expanded", *_FEES)
_SHORT: Final = ("quantity", "amount")
_CODE: Final = ("key_code", "mnemonic")
_MARKS: Final = {"cancel_code": ("1", "2"), "correction_code": ("1", "2"), "buy_sell": ("B", "S")}
"""Code fields whose values are known; 2 is a cancel or correction of the same day."""
_WANTED: Final[tuple[Wanted, ...]] = (
    Text("account_number", 9, required=True), *common.identifier_fields(), Text("option_symbol", 30),
    Text("key_code", 2), Text("mnemonic", 3), *(Text(name, 1) for name in _MARKS), Text("currency", 3),
    *(Text(name, 8) for name in _DAYS), Number("price", 8),
    Number("quantity", 8), Number("quantity_expanded", 8), Number("amount", 4), Number("amount_expanded", 4),
    *(Number(name, 4) for name in _CHARGES),
)  # fmt: skip


def taken_entries(lines: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """The canonical transactions of the data lines, and the records held back."""
    del header
    read, checks = common.read(lines, layout("BOOKKEEP", "D"), _WANTED)
    read = common.with_days(read, _DAYS).with_columns(
        code_of(_CODE).alias("code"),
        common.cusip(),
        pl.coalesce("trade_date:day", "entry_date:day").alias("effective_date"),
        *(pl.coalesce(f"{name}_expanded", name).alias(f"{name}:stated") for name in _SHORT),
    )
    read = read.with_columns(
        meant(pl.col("code"), BOOKKEEPING, column, connection).alias(column)
        for column in ("transaction_type", "quantity_sign", "amount_sign")
    ).with_columns(_signed(connection))
    read = read.with_columns(*_turned())
    good, rejects = separated(read, [*_kept(checks), *_checks(connection)], TRANSACTION)
    return Taken({TRANSACTION: good.select(_row(connection))}, (rejects,))


def _signed(connection: Connection) -> list[pl.Expr]:
    """Quantity and amount as the type uses them, in our signs, and whether the row cancels another."""
    is_debit = meanings(AMOUNTS, "plus_means", connection).get("bookkeeping_amount") == "debit"
    amount = -pl.col("amount:stated") if is_debit else pl.col("amount:stated")
    no_quantity = pl.col("quantity_sign") == "zero"
    no_amount = pl.col("amount_sign") == "zero"
    return [
        pl.when(no_quantity).then(values.zero(8)).otherwise(pl.col("quantity:stated").fill_null(values.zero(8)))
        .alias("own_quantity"),
        pl.when(no_amount).then(values.zero(4)).otherwise(amount.fill_null(values.zero(4))).alias("own_amount"),
        pl.col("cancel_code").is_not_null().alias("is_cancel"),
        pl.sum_horizontal(pl.col(name).abs() for name in _FEES).cast(pl.Decimal(20, 4), strict=False).alias("fees"),
    ]  # fmt: skip


def _turned() -> list[pl.Expr]:
    """A cancel that states the reversal of its entry made the entry itself, where the type tells the two apart."""
    sign, quantity = pl.col("quantity_sign"), pl.col("own_quantity")
    is_against = ((sign == "plus") & (quantity < 0)) | ((sign == "minus") & (quantity > 0))
    is_reversal = (is_against & pl.col("is_cancel")).fill_null(False)
    return [
        pl.when(is_reversal).then(-quantity).otherwise(quantity).alias("own_quantity"),
        pl.when(is_reversal).then(-pl.col("own_amount")).otherwise(pl.col("own_amount")).alias("own_amount"),
        (is_against & ~pl.col("is_cancel")).alias("is_against"),
    ]


def _kept(checks: list[Check]) -> list[Check]:
    """The checks but for those of the short fields, which only matter where the expanded copy is blank."""
    kept = [check for check in checks if check.field_name not in _SHORT]
    for name in _SHORT:
        fault = pl.col(f"{name}:fault")
        is_used = pl.col(f"{name}_expanded:fault") == kernel.BLANK
        detail = f"{name} overflows or is no number, and its expanded copy is blank. Ask for the record again."
        is_bad = is_used & (fault != kernel.FINE) & (fault != kernel.BLANK)
        kept.append(Check(name, "unparsable_number", is_bad, detail))
    return kept


def _checks(connection: Connection) -> list[Check]:
    code = pl.col("code")
    needs_quantity = pl.col("quantity_sign").is_in(["plus", "minus"]) & _is_blank("quantity")
    needs_amount = (pl.col("amount_sign") == "any") & _is_blank("amount")
    named = "key code and mnemonic {} are not known. If they are right, add them to bookkeeping.csv."
    marks = [
        Check(
            name, "unknown_code", pl.col(name).is_not_null() & ~pl.col(name).is_in(known),
            pl.format(f"{name} {{}} is not known; {', '.join(known)} and blank are.", pl.col(name)),
        )
        for name, known in _MARKS.items()
    ]  # fmt: skip
    has_quantity = pl.col("quantity_sign") != "zero"
    is_nameless = has_quantity & (pl.col("own_quantity") != 0) & pl.all_horizontal(
        pl.col(name).is_null() for name in ("cusip", "isin", "sedol", "option_symbol")
    )  # fmt: skip
    return [
        *common.day_checks(_DAYS),
        *common.foreign(connection),
        common.account_check(),
        common.currency_check(),
        *marks,
        Check("key_code", "missing_value", code == "/", "the record has no key code and no mnemonic."),
        Check(
            "key_code", "unknown_code", (code != "/") & pl.col("transaction_type").is_null(), pl.format(named, code)
        ),
        Check("trade_date", "missing_value", pl.col("effective_date").is_null(), "neither trade nor entry date."),
        Check("quantity", "missing_value", needs_quantity, "the type needs a quantity."),
        Check("amount", "missing_value", needs_amount, "the type needs an amount."),
        Check("cusip", "missing_value", is_nameless, "a quantity of no security."),
        Check(
            "quantity", "contract_violation", pl.col("is_against"),
            "the sign of the quantity is not that of the type. Compare code and signs with the licensed layout.",
        ),
        Check("sec_fee", "number_out_of_range", pl.col("fees").is_null(), "the fees together do not fit."),
    ]  # fmt: skip


def _is_blank(name: str) -> pl.Expr:
    return (pl.col(f"{name}:fault") == kernel.BLANK) & (pl.col(f"{name}_expanded:fault") == kernel.BLANK)


def _row(connection: Connection) -> list[pl.Expr]:
    none = pl.lit(None, dtype=pl.String)
    charges = {"commission": "commission_expanded", "accrued_interest": "accrued_interest_expanded"}
    return [
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        *(pl.col(name) for name in ("cusip", "isin", "sedol")),
        pl.col("option_symbol").alias("ticker"),
        pl.col("transaction_type"),
        pl.col("effective_date").alias("trade_date"),
        pl.col("entry_date:day").alias("settle_date"),
        pl.col("own_quantity").alias("quantity"),
        pl.when(pl.col("price") > 0).then(pl.col("price")).alias("price"),
        pl.col("own_amount").alias("amount"),
        common.currency(connection),
        *(pl.col(stated).abs().fill_null(values.zero(4)).alias(name) for name, stated in charges.items()),
        pl.col("fees"),
        values.zero(4).alias("tax_withheld"),
        pl.col("is_cancel"),
        none.alias("provider_transaction_id"),
        none.alias("reverses"),
        pl.col("code").alias("provider_code"),
    ]
