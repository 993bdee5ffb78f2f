"""The head of one OFX statement: whose it is, in which currency, as of which day, and which days it covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from connectors.connection import Connection
from connectors.custodians.ofx.records import ABSENT_DATE, Fault, Record, is_currency
from connectors.formats.ofx import Document
from connectors.formats.ofx_elements import Element

MAX_ACCOUNT_CHARACTERS: Final = 64

STATEMENT_TAGS: Final[Mapping[str, str]] = {
    "INVSTMTRS": "INVACCTFROM",
    "STMTRS": "BANKACCTFROM",
    "CCSTMTRS": "CCACCTFROM",
}
"""Statement response to the aggregate inside it that names the account."""

LIST_TAGS: Final[Mapping[str, str]] = {"INVSTMTRS": "INVTRANLIST", "STMTRS": "BANKTRANLIST", "CCSTMTRS": "BANKTRANLIST"}
_ACCOUNT_TYPES: Final[Mapping[str, str]] = {"INVSTMTRS": "investment", "CCSTMTRS": "credit_card"}


@dataclass(frozen=True, slots=True)
class Statement:
    """What every record of a statement needs to know of it.

    Attributes:
        element: the statement response.
        account_number: ACCTID.
        account_type: investment, credit_card, or the bank's ACCTTYPE in lower case.
        currency: CURDEF, else the connection's base currency.
        as_of_date: local day of DTASOF.
        scope: the broker's id, which scopes its own security codes.
        faults: why the statement as a whole is refused; empty for a good one.
    """

    element: Element
    account_number: str
    account_type: str
    currency: str
    as_of_date: date
    scope: str
    faults: tuple[Fault, ...]


def open_statement(document: Document, element: Element, connection: Connection, scope: str) -> Statement:
    """The statement's head, with the faults that refuse all of it."""
    head = Record(document, element, "canonical.account")
    account = head.part(element, STATEMENT_TAGS[element.tag])
    number = head.text(account, "ACCTID", is_required=True, longest=MAX_ACCOUNT_CHARACTERS)
    if number and connection.master_accounts and number not in connection.master_accounts:
        head.refuse("foreign_account", "ACCTID", "not an account of this connection; see its master_accounts")
    currency = head.text(element, "CURDEF").upper() or connection.base_currency
    if not is_currency(currency):
        head.refuse("unknown_code", "CURDEF", "not an ISO 4217 currency code")
    kind = _ACCOUNT_TYPES.get(element.tag) or head.text(account, "ACCTTYPE", longest=50).lower() or "bank"
    return Statement(element, number, kind, currency, _as_of(head, element), scope, tuple(head.faults))


def _as_of(head: Record, element: Element) -> date:
    """Local day of DTASOF; of the ledger balance for a bank; else the last day that the transactions cover."""
    holder = element if element.tag == "INVSTMTRS" else element.child("LEDGERBAL")
    if holder is not None and "DTASOF" in holder.fields:
        return head.day(holder, "DTASOF")
    listed = element.child(LIST_TAGS[element.tag])
    if listed is not None and (found := head.optional_day(listed, "DTEND")) is not None:
        return found
    head.refuse("missing_value", "DTASOF", "the statement names no day")
    return ABSENT_DATE


def covered_window(record: Record, listed: Element) -> tuple[date, date] | None:
    """First and last day that the transaction list covers, or None when it does not say or no day is covered whole.

    A list that starts in the middle of a day (a statement cut in the evening) does not hold that day's earlier entries:
    its absence of them retracts nothing, so the window starts on the day after.
    """
    start, end = record.moment(listed, "DTSTART"), record.moment(listed, "DTEND")
    if start is None or end is None:
        return None
    if start > end:
        record.refuse("impossible_date", "DTSTART", "later than DTEND")
        return None
    is_midnight = start.hour == start.minute == start.second == 0
    first = start.date() if is_midnight else start.date() + timedelta(days=1)
    return (first, end.date()) if first <= end.date() else None
