"""Positions and balances of an OFX statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.custodians.ofx.identifiers import security_ids
from connectors.custodians.ofx.records import MONEY_SCALE, QUANTITY_SCALE, Record, Row
from connectors.custodians.ofx.statements import Statement
from connectors.formats.ofx_elements import Element

POSITION_TAGS: Final = frozenset({"POSSTOCK", "POSMF", "POSDEBT", "POSOPT", "POSOTHER"})
INVESTMENT_BALANCES: Final[Mapping[str, str]] = {"AVAILCASH": "cash_settled", "MARGINBALANCE": "margin"}
"""Field of INVBAL to kind of balance. SHORTBALANCE is the value of short sales, which the positions state already;
BUYPOWER and BALLIST are the broker's own figures, not balances of the account."""


def position_row(record: Record, statement: Statement) -> Row:
    """The row of ``contracts.feed.FeedPosition`` of one position aggregate.

    A position is short when POSTYPE says so or when its units are negative (some brokers write LONG on everything);
    quantity and market value of a short one are negative.
    """
    if record.element.tag not in POSITION_TAGS:
        record.refuse("unknown_code", record.element.tag, "not a position aggregate that is known; add its mapping")
        return {}
    body = record.part(record.element, "INVPOS")
    side = record.text(body, "POSTYPE", is_required=True).upper()
    if side and side not in ("LONG", "SHORT"):
        record.refuse("unknown_code", "POSTYPE", "neither LONG nor SHORT")
    units = record.number(body, "UNITS", QUANTITY_SCALE)
    value = record.optional_number(body, "MKTVAL", MONEY_SCALE)
    is_short = side == "SHORT" or units < 0
    return {
        "source_line": record.line,
        "account_number": statement.account_number,
        "as_of_date": statement.as_of_date,
        **security_ids(record, body, statement.scope),
        "position_side": "short" if is_short else "long",
        "quantity": -abs(units) if is_short else units,
        "price": record.optional_number(body, "UNITPRICE", QUANTITY_SCALE),
        "price_date": record.optional_day(body, "DTPRICEASOF"),
        "market_value": -abs(value) if is_short and value is not None else value,
        "currency": record.currency(body, statement.currency),
    }


def investment_balance(record: Record, statement: Statement, name: str) -> Row:
    """The row of ``contracts.feed.FeedBalance`` of one field of INVBAL; money lent by the broker is negative."""
    amount = record.number(record.element, name, MONEY_SCALE)
    return _balance(record, statement, INVESTMENT_BALANCES[name], amount)


def ledger_balance(record: Record, statement: Statement) -> Row:
    """The row of ``contracts.feed.FeedBalance`` of a bank's LEDGERBAL; money owed to the bank is negative."""
    amount = record.number(record.element, "BALAMT", MONEY_SCALE)
    return _balance(record, statement, "cash_settled", amount)


def _balance(record: Record, statement: Statement, kind: str, amount: object) -> Row:
    return {
        "source_line": record.line,
        "account_number": statement.account_number,
        "as_of_date": statement.as_of_date,
        "currency": statement.currency,
        "balance_type": kind,
        "balance": amount,
    }


def balance_parts(statement: Statement) -> list[tuple[Element, str]]:
    """The balances that the statement states: the aggregate and, inside INVBAL, the field."""
    if statement.element.tag != "INVSTMTRS":
        found = statement.element.child("LEDGERBAL")
        return [] if found is None else [(found, "")]
    found = statement.element.child("INVBAL")
    return [] if found is None else [(found, name) for name in INVESTMENT_BALANCES if name in found.fields]
