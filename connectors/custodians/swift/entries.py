"""Entries of an MT940: field 61 and the narrative that follows it (86), as ledger entries in our signs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.swift.accounts import TABLE as ACCOUNT
from connectors.custodians.swift.accounts import account_rows
from connectors.custodians.swift.cash import TABLE as BALANCE
from connectors.custodians.swift.cash import balances, cash_heads, chain_faults, full_day
from connectors.custodians.swift.faults import Messages, Part, merged
from connectors.custodians.swift.figures import MONEY, UNITS, money_field, typed_fields
from connectors.formats.codes import CodeTable
from connectors.formats.identifiers import is_isin
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import typed, zero
from contracts.vocabularies import TRANSACTION_TYPES

TABLE: Final = "canonical.transaction"
CASH_TYPES: Final = CodeTable(
    "cash_types", Path(__file__).with_name("cash_types.csv"), ("code", "sign"), ("booked_by", "transaction_type"),
    {"booked_by": ("MT940", "MT536"), "transaction_type": TRANSACTION_TYPES},
)  # fmt: skip
_ENTRY: Final = (
    r"^(?P<value>[0-9]{6})(?P<entry>[0-9]{4})?(?P<mark>RC|RD|C|D)(?P<funds>[A-Z])?(?P<amount>[0-9]+(?:,[0-9]*)?)"
    r"(?P<kind>[NFS])(?P<code>[A-Z0-9]{3})(?P<reference>[^\n]*)"
)
_PARTS: Final = ("value", "entry", "mark", "amount", "kind", "code", "reference")
_NO_REFERENCE: Final = ("", "NONREF")
_ISIN: Final = r"\bISIN[ :/]*([A-Z]{2}[A-Z0-9]{9}[0-9])"


def read_cash(own: Messages, connection: Connection) -> Part:
    """What the MT940 of a file give: entries, closing balances and accounts."""
    heads, found = cash_heads(own, connection)
    entries, checks = entries_of(own.fields, connection)
    faults = merged([found, chain_faults(heads, sums_of(entries, heads))])
    heads = heads.join(faults, on="message", how="anti").sort("message")
    texts = own.records.select("line", "text")
    entries = entries.join(heads.select("message", "account", currency="closing_currency"), on="message")
    good, rejects = separated(entries.join(texts, on="line", how="left").sort("line"), checks, TABLE)
    owners = heads.select("line", "account", currency="closing_currency", business_date="closing_date")
    frames = {
        TABLE: transactions(good.filter(~pl.col("is_leg"))), BALANCE: balances(heads),
        ACCOUNT: account_rows(owners, connection),
    }  # fmt: skip
    legs = good.filter("is_leg").height
    return Part(faults, Taken(frames, [rejects]), tuple(heads["closing_date"].unique()), legs)


def entries_of(fields: pl.DataFrame, connection: Connection) -> tuple[pl.DataFrame, list[Check]]:
    """Every entry of the file's MT940, typed, and the checks of it.

    Returns:
        ``message, line`` and ``moved`` (signed effect on the balance; null where not readable), ``is_leg`` (the cash of
        a trade, which MT536 books), and what ``transactions`` reads.
    """
    narratives = (
        fields.filter(pl.col("tag") == "86").group_by(line="record_line").agg(narrative=pl.col("value").str.join("\n"))
    )
    rows = fields.filter(pl.col("tag") == "61").select("message", "line", entry_text="value")
    rows = rows.join(narratives, on="line", how="left", maintain_order="left")
    groups = pl.col("entry_text").str.extract_groups(_ENTRY)
    rows = rows.with_columns(groups.struct.field(name).alias(name) for name in _PARTS)
    rows = rows.with_columns(
        number=pl.col("amount").str.replace(",", ".", literal=True), value_date=full_day(pl.col("value"))
    ).with_columns(entry_date=_entry_date())
    field = money_field("number", required=True)
    rows = typed_fields(rows, [field])
    # RC takes a credit back, RD a debit: the row states what is taken back.
    is_credit = pl.col("mark").is_in(["C", "RC"])
    is_reversal = pl.col("mark").is_in(["RC", "RD"])
    amount = pl.when(is_credit).then(typed("number")).otherwise(-typed("number"))
    code = pl.format("{}/{}", "code", pl.when(is_credit).then(pl.lit("+")).otherwise(pl.lit("-")))
    table = CASH_TYPES.rows(connection.codes.get(CASH_TYPES.name))
    for name in ("booked_by", "transaction_type"):
        meaning = {key: row[name] for key, row in table.items()}
        rows = rows.with_columns(code.replace_strict(meaning, default=None, return_dtype=pl.String).alias(name))
    rows = rows.with_columns(
        row_amount=amount, is_reversal=is_reversal, moved=pl.when(is_reversal).then(-amount).otherwise(amount),
        is_leg=(pl.col("booked_by") == "MT536").fill_null(False),
    )  # fmt: skip
    return _with_security(_with_references(rows)), [*field.checks, *_own_checks()]


def sums_of(entries: pl.DataFrame, heads: pl.DataFrame) -> pl.DataFrame:
    """``message, moved``: signed sum of the entries of each statement; null where one of them is not readable."""
    sums = entries.group_by("message").agg(
        moved=pl.col("moved").cast(pl.Decimal(38, MONEY)).sum(), is_bad=pl.col("moved").is_null().any()
    )
    rows = heads.select("message").join(sums, on="message", how="left")
    moved = pl.when(~pl.col("is_bad").fill_null(False)).then(pl.col("moved").fill_null(0))
    return rows.select("message", moved=moved)


def transactions(good: pl.DataFrame) -> pl.DataFrame:
    """Feed rows of ``canonical.transaction``.

    Args:
        good: sound entries that are no legs, with ``account`` and ``currency`` of their statement.
    """
    rows = good.select(
        "isin", "transaction_type",
        source_line="line", account_number="account", trade_date=pl.coalesce("entry_date", "value_date"),
        settle_date="value_date", quantity=zero(UNITS), amount="row_amount", currency="currency",
        commission=zero(MONEY), fees=zero(MONEY), accrued_interest=zero(MONEY), tax_withheld=zero(MONEY),
        is_cancel="is_reversal", provider_transaction_id=pl.coalesce("bank_reference", "own_reference"),
        reverses=pl.when("is_reversal").then("own_reference"),
        provider_code=pl.format("{}{}", "kind", "code"),
    )  # fmt: skip
    return conformed(TABLE, rows)


def _entry_date() -> pl.Expr:
    """The entry's day, MMDD, in the year that brings it nearest to the value date; null for a day that is none."""
    year = pl.col("value_date").dt.year()
    options = [(pl.format("{}{}", year + step, "entry")).str.to_date("%Y%m%d", strict=False) for step in (0, -1, 1)]
    distances = [(option - pl.col("value_date")).dt.total_days().abs() for option in options]
    nearest = pl.min_horizontal(distances)
    found = pl.coalesce(
        pl.when(distance == nearest).then(option) for option, distance in zip(options, distances, strict=True)
    )
    return pl.when(pl.col("entry").is_not_null() & (pl.col("entry") != "")).then(found)


def _with_references(rows: pl.DataFrame) -> pl.DataFrame:
    own = pl.col("reference").str.extract("^((?:[^/]|/[^/])*)").str.strip_chars()
    bank = pl.col("reference").str.extract("//(.*)$").str.strip_chars()
    return rows.with_columns(
        own_reference=pl.when(~own.is_in(_NO_REFERENCE)).then(own),
        bank_reference=pl.when(~bank.is_in(_NO_REFERENCE)).then(bank),
    )


def _with_security(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with ``isin``: what the narrative says after the word, lines and subfields put together again."""
    text = pl.col("narrative").str.replace_all("\n", "", literal=True).str.replace_all(r"\?[0-9]{2}", "")
    rows = rows.with_columns(stated_isin=text.str.extract(_ISIN))
    true = [isin for isin in rows["stated_isin"].drop_nulls().unique() if is_isin(isin)]
    return rows.with_columns(isin=pl.when(pl.col("stated_isin").is_in(true)).then("stated_isin"))


def _own_checks() -> list[Check]:
    lacks_form = pl.col("mark").is_null()
    known = pl.col("booked_by").is_not_null() & (pl.col("is_leg") | (pl.col("transaction_type").fill_null("") != ""))
    return [
        Check("61", "contract_violation", lacks_form, "the entry (61) has not its form. Ask for the statement again."),
        Check(
            "61", "impossible_date",
            ~lacks_form & (pl.col("value_date").is_null() | (pl.col("entry").str.len_bytes() > 0)
                           & pl.col("entry_date").is_null()),
            "the value date or the entry date is no day of the calendar.",
        ),
        Check(
            "61", "unknown_code", ~lacks_form & ~known,
            pl.format("{}{} is not known. If it is right, add it to cash_types.csv.", "code",
                      pl.when(pl.col("row_amount") >= 0).then(pl.lit(" credited")).otherwise(pl.lit(" debited"))),
        ),
        Check(
            "86", "contract_violation", pl.col("stated_isin").is_not_null() & pl.col("isin").is_null(),
            "the narrative names an ISIN that does not end in its check digit.",
        ),
    ]  # fmt: skip
