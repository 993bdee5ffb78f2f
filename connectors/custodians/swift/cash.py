"""MT940: whether a cash statement holds together, and its closing balance.

Three sums must hold: opening and entries make the closing balance of every page, a page opens with what the page
before closed with, and a statement opens with what the statement before it in the file closed with.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.swift.accounts import with_account
from connectors.custodians.swift.faults import Messages, failed, merged
from connectors.custodians.swift.figures import MONEY, money_field, typed_fields
from connectors.custodians.swift.layout import gathered
from connectors.formats.rejects import Check
from connectors.formats.taken import conformed
from connectors.formats.values import typed

TABLE: Final = "canonical.custodian_balance"
_BALANCE: Final = r"^([CD])([0-9]{6})([A-Z]{3})([0-9]+(?:,[0-9]*)?)$"
_WIDE: Final = pl.Decimal(38, MONEY)


def full_day(yymmdd: pl.Expr) -> pl.Expr:
    """The date of six digits; years from 80 on are of the last century, as SWIFT has it. Null for no date."""
    century = pl.when(yymmdd.str.slice(0, 2) >= "80").then(pl.lit("19")).otherwise(pl.lit("20"))
    return (century + yymmdd).str.to_date("%Y%m%d", strict=False)


def cash_heads(cash: Messages, connection: Connection) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Heads of all MT940, and the faults that they show by themselves, of grammar among them.

    Returns:
        ``message, line`` (of its account), ``account``, ``opening_kind`` and ``closing_kind`` (F or M), and of both
        balances date, currency and signed money (Decimal(20, 4); null where not readable), ``is_sound`` by now.
    """
    own, fields = cash.heads.select("message", begins="line"), cash.fields
    names = ("account", "opening", "closing")
    accounts = fields.filter(pl.col("field") == "account").group_by("message").agg(account_line=pl.col("line").first())
    tags = fields.filter(pl.col("field").is_in(["opening", "closing"])).group_by("message").agg(
        opening_kind=pl.col("tag").filter(pl.col("field") == "opening").first().str.slice(2, 1),
        closing_kind=pl.col("tag").filter(pl.col("field") == "closing").first().str.slice(2, 1),
        closing_line=pl.col("line").filter(pl.col("field") == "closing").first(),
        balances=pl.len(),
    )  # fmt: skip
    heads = own.join(gathered(fields, "head", ["message"], names).drop("line"), on="message", how="left")
    for part in (accounts, tags):
        heads = heads.join(part, on="message", how="left")
    heads = with_account(heads.sort("message"), connection).with_columns(line=pl.coalesce("account_line", "begins"))
    checks: list[Check] = []
    for name in ("opening", "closing"):
        heads, more = _with_balance(heads, name)
        checks += more
    found = merged([cash.grammar, failed(heads, [*_head_checks(connection), *checks])])
    return heads.with_columns(is_sound=~pl.col("message").is_in(found["message"].implode())), found


def _with_balance(heads: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Check]]:
    source = pl.col(name)
    sign = pl.when(source.str.extract(_BALANCE, 1) == "D").then(pl.lit("-")).otherwise(pl.lit(""))
    number = sign + source.str.extract(_BALANCE, 4).str.replace(",", ".", literal=True)
    field = money_field(f"{name}_number")
    heads = heads.with_columns(
        number.alias(f"{name}_number"),
        full_day(source.str.extract(_BALANCE, 2)).alias(f"{name}_date"),
        source.str.extract(_BALANCE, 3).alias(f"{name}_currency"),
    )
    heads = typed_fields(heads, [field]).with_columns(typed(f"{name}_number").alias(f"{name}_money"))
    tag = "60F" if name == "opening" else "62F"
    is_read = source.str.contains(_BALANCE)
    return heads, [
        Check(tag, "unparsable_number", source.is_not_null() & ~is_read, f"the {name} balance has not its form."),
        Check(
            tag, "impossible_date", is_read & pl.col(f"{name}_date").is_null(), f"the {name} balance has no true date."
        ),
        *field.checks,
    ]


def _head_checks(connection: Connection) -> list[Check]:
    own = list(connection.master_accounts)
    foreign = pl.lit(bool(own)) & ~pl.col("stated_account").is_in(own)
    return [
        Check("25", "missing_value", pl.col("account").is_null(), "the account (25) is missing."),
        Check("25", "contract_violation", pl.col("account").str.len_bytes() > 64, "an account of over 64 characters."),
        Check("25", "foreign_account", foreign, "not an account of this connection; see its master_accounts."),
        Check("62F", "truncated_file", pl.col("closing").is_null(), "the closing balance (62) is missing."),
        Check("60F", "malformed_document", pl.col("opening").is_null(), "the opening balance (60) is missing."),
        Check("60F", "malformed_document", pl.col("balances") > 2, "more than one opening and one closing balance."),
        Check(
            "62F", "malformed_document", pl.col("opening_currency") != pl.col("closing_currency"),
            "opening and closing balance are in different currencies.",
        ),
    ]  # fmt: skip


def chain_faults(heads: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
    """Faults of sound messages whose sums do not hold, or whose statement lacks a page; all pages share the fault.

    A neighbour that is itself refused proves nothing, nor does a statement whose account cannot be told.

    Args:
        heads: from ``cash_heads``.
        sums: ``message, moved`` (signed sum of its entries; null where one is not readable: then nothing is checked).
    """
    owner = ["account", "closing_currency"]
    lost = (~pl.col("is_sound") & pl.col("account").is_null()).cast(pl.Int32).cum_sum()
    rows = heads.join(sums, on="message", how="left").sort("message").with_columns(lost=lost)
    rows = rows.filter(pl.col("account").is_not_null() & pl.col("closing_currency").is_not_null())
    is_off = pl.col("opening_money").cast(_WIDE) + pl.col("moved") != pl.col("closing_money").cast(_WIDE)
    rows = rows.sort(*owner, "closing_date", "message", nulls_last=True).with_columns(is_off=is_off.fill_null(False))
    rows = rows.with_columns(is_proven=pl.col("is_sound") & ~pl.col("is_off"))
    earlier = {
        name: pl.col(name).shift(1).over(owner) for name in ("is_proven", "closing_kind", "closing_money", "lost")
    }
    earlier_day = pl.col("line").shift(1).over(owner)
    later = {name: pl.col(name).shift(-1).over(owner) for name in ("is_sound", "opening_kind")}
    knows_earlier = earlier["is_proven"].fill_null(False) & (earlier["lost"] == pl.col("lost"))
    follows = knows_earlier & (earlier["closing_money"] == pl.col("opening_money"))
    rows = rows.with_columns(
        statement=(pl.col("opening_kind") == "F").fill_null(True).cast(pl.Int64).cum_sum().over(owner),
        lacks_begin=(pl.col("opening_kind") == "M") & ~(follows & (earlier["closing_kind"] == "M")),
        lacks_end=(pl.col("closing_kind") == "M")
        & ~(later["is_sound"].fill_null(False) & (later["opening_kind"] == "M")),
        has_gap=(pl.col("opening_kind") == "F") & knows_earlier & (earlier["closing_kind"] == "F") & ~follows,
        earlier_line=earlier_day,
    )
    found = failed(rows.filter("is_sound"), [
        Check("62F", "trailer_mismatch", pl.col("is_off"), "opening balance and entries do not make the closing one."),
        Check("60F", "truncated_file", pl.col("lacks_begin"), "the page that this page goes on from is missing."),
        Check("62F", "truncated_file", pl.col("lacks_end"), "the statement's next page is missing."),
        Check(
            "60F", "trailer_mismatch", pl.col("has_gap"),
            pl.format("it does not open with what the statement of line {} closed with.", "earlier_line"),
        ),
    ])  # fmt: skip
    group = [*owner, "statement"]
    struck = found.join(rows.select("message", *group), on="message").unique(group, keep="first", maintain_order=True)
    pages = rows.filter("is_sound").select("message", *group)
    return struck.drop("message").join(pages, on=group, nulls_equal=True).select(found.columns)


def balances(heads: pl.DataFrame) -> pl.DataFrame:
    """Feed rows of ``canonical.custodian_balance``: final closing balances (62F), the last of a day.

    They are booked balances: trades stand in them from their settlement on. So they are settled cash.
    """
    final = heads.filter(pl.col("closing_kind") == "F")
    rows = final.select(
        source_line="closing_line", account_number="account", as_of_date="closing_date", currency="closing_currency",
        balance_type=pl.lit("cash_settled"), balance="closing_money",
    ).sort("source_line")  # fmt: skip
    key = ["account_number", "currency", "as_of_date"]
    return conformed(TABLE, rows.unique(key, keep="last", maintain_order=True))
