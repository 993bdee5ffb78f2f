"""Accounts as messages name them, and as the firm knows them: ``accounts.csv``, which only a firm can fill in.

A cash account (25) is often numbered apart from the safekeeping account (97A) that it belongs to. The firm's table
says which account of ours a stated one is, and its base currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable
from connectors.formats.taken import conformed

TABLE: Final = "canonical.account"
ACCOUNTS: Final = CodeTable(
    "accounts", Path(__file__).with_name("accounts.csv"), ("stated",), ("account_number", "base_currency")
)


def with_account(frame: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    """The frame with ``account`` as we number it, and ``stated_account`` as the message does."""
    first = pl.col("account").str.split("\n").list.first().str.strip_chars()
    ours = _meanings(connection, "account_number")
    return frame.with_columns(stated_account=pl.when(first != "").then(first)).with_columns(
        account=pl.col("stated_account").replace(ours) if ours else pl.col("stated_account")
    )


def account_rows(named: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    """Feed rows of ``canonical.account``, one per account.

    Args:
        named: ``line, account, currency`` (of its total or its only cash statement, null when told by neither),
            ``business_date``; several rows for an account.
        connection: whose base currency an account has when nothing tells its own.
    """
    told = pl.col("currency").drop_nulls().unique()
    rows = named.group_by("account", maintain_order=True).agg(
        source_line=pl.col("line").min(),
        base_currency=pl.when(told.len() == 1).then(told.first()),
        business_date=pl.col("business_date").max(),
    )
    known = _meanings(connection, "base_currency")
    stated = pl.col("account").replace_strict(known, default=None, return_dtype=pl.String) if known else pl.lit(None)
    return conformed(
        TABLE,
        rows.with_columns(
            account_number="account", tax_status=pl.lit("unknown"), account_status=pl.lit("open"),
            base_currency=pl.coalesce(stated, "base_currency", pl.lit(connection.base_currency)),
        ),
    )  # fmt: skip


def _meanings(connection: Connection, column: str) -> Mapping[str, str]:
    rows = ACCOUNTS.rows(connection.codes.get(ACCOUNTS.name)).items()
    key = "account_number" if column == "base_currency" else None
    return {(row[key] or code) if key else code: row[column] for code, row in rows if row[column]}
