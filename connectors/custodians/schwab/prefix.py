"""What every Core record begins with, and the identifiers that most of them carry."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.schwab.envelope import Header
from connectors.formats import values
from connectors.formats.rejects import Check
from connectors.formats.values import Field, typed

PREFIX_FIELDS: Final = ("master_account_number", "business_date")
IDENTIFIER_FIELDS: Final = ("cusip", "isin", "sedol", "ticker", "schwab_security_number", "item_issue_id")
_ACCOUNT_DIGITS: Final = 8


def prefix_fields() -> list[Field]:
    """The typed fields of the common prefix."""
    return [
        values.text("master_account_number", max_length=64, required=True),
        values.date("business_date", required=True),
    ]


def identifier_fields() -> list[Field]:
    """The typed fields of a security's identifiers, none of them required."""
    lengths = {"cusip": 9, "isin": 12, "sedol": 7, "ticker": 64, "schwab_security_number": 20, "item_issue_id": 20}
    return [values.text(name, max_length=lengths[name]) for name in IDENTIFIER_FIELDS]


def prefix_checks(header: Header, connection: Connection) -> list[Check]:
    """A record must be of the header's day and of a master account that the connection names (leading zeros apart)."""
    other_day = typed("business_date") != header.business_date
    detail = "the record is of another business day than the header."
    return [Check("business_date", "impossible_date", other_day, detail), *master_checks(connection)]


def master_checks(connection: Connection) -> list[Check]:
    """A record must be of a master account that the connection names; one that names none takes every one."""
    if not connection.master_accounts:
        return []
    own = [number.strip().lstrip("0") for number in connection.master_accounts]
    foreign = ~pl.col("master_account_number").str.strip_chars_start("0").is_in(own)
    detail = "the record's master account is not the tenant's. Ask why it was delivered, or add it to the connection."
    return [Check("master_account_number", "foreign_account", foreign, detail)]


def account_number() -> pl.Expr:
    """The right 8 of the account field, which is 10 wide; a shorter number stays as it is."""
    return pl.col("account_number").str.tail(_ACCOUNT_DIGITS)


def account_field() -> Field:
    """The account number, required."""
    return values.text("account_number", max_length=64, required=True)


def identifiers() -> list[pl.Expr]:
    """The identifier columns of a feed frame; the custodian's number and issue id together are its stable id."""
    number, issue = pl.col("schwab_security_number"), pl.col("item_issue_id")
    joined = pl.concat_str([number.fill_null(""), issue.fill_null("")], separator="|")
    return [
        *(pl.col(name) for name in ("cusip", "isin", "sedol", "ticker")),
        pl.when(number.is_not_null() | issue.is_not_null()).then(joined).alias("provider_security_id"),
    ]


def money(expression: pl.Expr) -> pl.Expr:
    """The expression as money, null where it does not fit."""
    return expression.cast(pl.Decimal(values.PRECISION, 4), strict=False)
