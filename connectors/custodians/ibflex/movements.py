"""Transactions other than trades: cash, transfers, corporate actions, and what became of options."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.custodians.ibflex.fields import (
    EXACT,
    IDENTIFIERS,
    MONEY,
    UNITS,
    conid_fits,
    day,
    fitting,
    identifiers,
    mapped,
    number,
    or_zero,
    unidentified,
    unknown,
)
from connectors.custodians.ibflex.records import Sections, base_checks, feed_frame, held_apart
from connectors.custodians.ibflex.tables import (
    CASH_TYPES,
    CORPORATE_ACTIONS,
    DIVIDEND_WORDINGS,
    OPTION_EVENTS,
    TRANSFER_TYPES,
    meaning,
)
from connectors.formats.rejects import Check
from connectors.formats.taken import Taken
from connectors.formats.values import Field, typed, with_values

TRANSACTION: Final = "canonical.transaction"
_WORDING: Final = r"\(([^()]*)\)\s*$"
_NOUGHT: Final = pl.lit(0).cast(MONEY)
_DIRECTIONS: Final = ("IN", "OUT")


def cash(sections: Sections) -> Taken:
    """Cash transactions, as signed: a dividend that is taken back and restated is two rows more."""
    records = _detailed(sections.frames["CashTransaction"])
    meanings = meaning(CASH_TYPES, "transaction_type", sections.connection)
    wordings = meaning(DIVIDEND_WORDINGS, "transaction_type", sections.connection)
    fields = [day("dateTime"), day("reportDate"), day("settleDate"), number("amount", MONEY)]
    sign = pl.when(typed("amount") < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    kind = mapped(pl.concat_str("type", sign, separator="/"), meanings)
    said = mapped(pl.col("description").str.extract(_WORDING), wordings)
    told = with_values(records, fields).with_columns(
        pl.when(kind == "DIVIDEND").then(pl.coalesce(said, kind)).otherwise(kind).alias("transaction_type")
    )
    unread = typed("amount").is_null()
    known = pl.when(unread).then(pl.lit("")).otherwise("transaction_type")
    checks = [
        *base_checks("CashTransaction", "CashTransactions", sections.connection),
        *(check for field in fields for check in field.checks),
        unknown("type", pl.col("type"), known, "cash_types"),
        _dated("dateTime", "reportDate"),
        conid_fits(),
    ]
    code = pl.concat_str(pl.lit("CashTransaction"), "type", separator="/")
    return _rows(
        told, [], checks, code, trade_date=pl.coalesce(typed("dateTime"), typed("reportDate")),
        settle_date=typed("settleDate"), amount=typed("amount"),
    )  # fmt: skip


def transfers(sections: Sections) -> Taken:
    """Securities and cash from and to other brokers, or between accounts of this one.

    The direction says which way; a short position that comes in takes units away, and the type follows the units.
    """
    records = sections.frames["Transfer"]
    kinds = meaning(TRANSFER_TYPES, "kind", sections.connection)
    fields = [
        day("date"), day("dateTime"), day("reportDate"), number("quantity", UNITS), number("cashTransfer", MONEY),
    ]  # fmt: skip
    direction = pl.col("direction").str.to_uppercase()
    is_cash = (pl.col("assetCategory") == "CASH").fill_null(pl.col("conid").is_null())
    told = with_values(records, fields).with_columns(
        direction.alias("direction"), mapped(pl.col("type").str.to_uppercase(), kinds).alias("kind"),
        is_cash.alias("is_cash"),
    )  # fmt: skip
    stated = pl.when("is_cash").then(pl.lit(0).cast(UNITS)).otherwise(typed("quantity"))
    units = pl.when(pl.col("direction") == "OUT").then(-stated.abs()).otherwise(stated)
    amount = typed("cashTransfer").fill_null(0).cast(MONEY)
    told = told.with_columns(units.alias("units"))
    by_units = pl.when(pl.col("units") < 0).then(pl.lit("TRANSFER_OUT")).otherwise(pl.lit("TRANSFER_IN"))
    by_cash = pl.when(amount < 0).then(pl.lit("WITHDRAWAL")).otherwise(pl.lit("DEPOSIT"))
    kind = pl.when(pl.col("kind") == "journal").then(pl.lit("JOURNAL")).when("is_cash").then(by_cash)
    checks = [
        *base_checks("Transfer", "Transfers", sections.connection),
        *(check for field in fields for check in field.checks),
        unknown("type", pl.col("type"), pl.col("kind"), "transfer_types"),
        Check("direction", "unknown_code", ~pl.col("direction").is_in(_DIRECTIONS), "neither IN nor OUT."),
        Check(
            "quantity", "missing_value", pl.col("quantity").is_null() & ~pl.col("is_cash"),
            "a transfer of securities without a quantity.",
        ),
        Check(
            "cashTransfer", "missing_value", pl.col("cashTransfer").is_null() & pl.col("is_cash"),
            "a transfer of cash without an amount.",
        ),
        _dated("date", "dateTime", "reportDate"),
        conid_fits(),
    ]  # fmt: skip
    code = pl.concat_str(pl.lit("Transfer"), "type", "direction", separator="/", ignore_nulls=True)
    return _rows(
        told.with_columns(kind.otherwise(by_units).alias("transaction_type")), [], checks, code,
        trade_date=pl.coalesce(typed("date"), typed("dateTime"), typed("reportDate")),
        quantity=pl.col("units"), amount=amount,
    )  # fmt: skip


def corporate_actions(sections: Sections) -> Taken:
    """Each leg as a row: what is given up is negative, what is received positive, cash with either.

    The ratio stands in free text only and is not read.
    """
    records = _detailed(sections.frames["CorporateAction"])
    meanings = meaning(CORPORATE_ACTIONS, "transaction_type", sections.connection)
    fields = [day("dateTime"), day("reportDate"), number("quantity", UNITS), number("proceeds", MONEY)]
    told = with_values(records, fields).with_columns(mapped(pl.col("type"), meanings).alias("transaction_type"))
    checks = [
        *base_checks("CorporateAction", "CorporateActions", sections.connection),
        *(check for field in fields for check in field.checks),
        unknown("type", pl.col("type"), pl.col("transaction_type"), "corporate_actions"),
        _dated("dateTime", "reportDate"),
        unidentified(),
        conid_fits(),
    ]
    code = pl.concat_str(pl.lit("CorporateAction"), "type", separator="/")
    return _rows(
        told, [], checks, code, trade_date=pl.coalesce(typed("dateTime"), typed("reportDate")),
        quantity=typed("quantity"), amount=typed("proceeds").fill_null(0).cast(MONEY),
    )  # fmt: skip


def option_events(sections: Sections) -> Taken:
    """Exercises, assignments and expiries of statements without executions, which hold the same as book trades."""
    records = sections.frames["OptionEAE"].filter(~sections.states_executions())
    meanings = meaning(OPTION_EVENTS, "transaction_type", sections.connection)
    fields = [day("date"), number("quantity", UNITS), number("tradePrice", UNITS), number("proceeds"),
              number("commisionsAndTax")]  # fmt: skip
    told = with_values(records, fields).with_columns(
        mapped(pl.col("transactionType"), meanings).alias("transaction_type"),
        (or_zero("proceeds") + or_zero("commisionsAndTax")).cast(EXACT).alias("paid:exact"),
        (-or_zero("commisionsAndTax")).cast(EXACT).alias("costs:exact"),
    )
    computed = [fitting(name, pl.col(f"{name}:exact"), MONEY) for name in ("paid", "costs")]
    checks = [
        *base_checks("OptionEAE", "OptionEAE", sections.connection),
        *(check for field in fields for check in field.checks),
        unknown("transactionType", pl.col("transactionType"), pl.col("transaction_type"), "option_events"),
        unidentified(),
        conid_fits(),
    ]
    code = pl.concat_str(pl.lit("OptionEAE"), "transactionType", separator="/")
    told = told.rename({"tradeID": "transactionID"})
    return _rows(
        told, computed, checks, code, trade_date=typed("date"), quantity=typed("quantity"), amount=typed("paid"),
        commission=typed("costs"), price=pl.when(typed("tradePrice") != 0).then(typed("tradePrice")),
    )  # fmt: skip


def _detailed(records: pl.DataFrame) -> pl.DataFrame:
    """The records without summaries, where the statement has their details: both together would count twice."""
    level = pl.col("levelOfDetail").str.to_uppercase()
    has_details = (level == "DETAIL").fill_null(False).any().over("scope")
    return records.filter(~((level == "SUMMARY").fill_null(False) & has_details)) if records.height else records


def _dated(*names: str) -> Check:
    missing = pl.all_horizontal(pl.col(name).is_null() for name in names)
    return Check(names[0], "missing_value", missing, "the record has no day.")


def _rows(told: pl.DataFrame, computed: list[Field], checks: list[Check], code: pl.Expr, **columns: pl.Expr) -> Taken:
    """The transactions of records that pass the checks; columns that are not given are nought or null."""
    too_long = pl.col("transactionID").str.len_bytes() > 255
    checks = [*checks, Check("transactionID", "contract_violation", too_long, "transactionID is too long.")]
    good, rejects = held_apart(told, computed, checks, TRANSACTION)
    columns = {
        "quantity": pl.lit(0).cast(UNITS), "commission": _NOUGHT, "fees": _NOUGHT, "accrued_interest": _NOUGHT,
        "tax_withheld": _NOUGHT, "is_cancel": pl.lit(False), "account_number": pl.col("account"),
        "provider_transaction_id": pl.col("transactionID"), "provider_code": _fitting_code(code),
    } | columns  # fmt: skip
    kept = ["line", "currency", "transaction_type", *IDENTIFIERS]
    rows = good.with_columns(identifiers()).select(
        *kept, *(expression.alias(name) for name, expression in columns.items())
    )
    return Taken({TRANSACTION: feed_frame(TRANSACTION, rows)}, [rejects])


def _fitting_code(code: pl.Expr) -> pl.Expr:
    """At most 64 bytes of UTF-8: what is longer is cut, or left out when it is not ASCII."""
    cut = code.str.slice(0, 64)
    return pl.when(cut.str.len_bytes() <= 64).then(cut).otherwise(code.str.split("/").list.first())
