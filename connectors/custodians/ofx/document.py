"""One OFX document from its root to rows: statements with their records, then the security list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from connectors.adapter import RawFile
from connectors.connection import Connection
from connectors.custodians.ofx.bank import bank_entries
from connectors.custodians.ofx.codes import load_codes
from connectors.custodians.ofx.holdings import (
    POSITION_TAGS,
    balance_parts,
    investment_balance,
    ledger_balance,
    position_row,
)
from connectors.custodians.ofx.records import Intake, Record, Row
from connectors.custodians.ofx.securities import Identity, identity, security_row
from connectors.custodians.ofx.snapshots import SnapshotRows
from connectors.custodians.ofx.statements import LIST_TAGS, STATEMENT_TAGS, Statement, covered_window, open_statement
from connectors.custodians.ofx.transactions import investment_entries
from connectors.errors import FeedFault
from connectors.formats.ofx import Document
from connectors.formats.ofx_elements import LISTS, Element, walk
from connectors.formats.ofx_values import local_moment

_BANK_TAGS: Final = frozenset({"STMTTRN", "INVBANKTRAN"})
_SECURITY_TAGS: Final = frozenset({"STOCKINFO", "MFINFO", "DEBTINFO", "OPTINFO", "OTHERINFO"})
_OTHER_RECORD_TAGS: Final = frozenset({
    "STMTTRN", "BUYDEBT", "BUYMF", "BUYOPT", "BUYOTHER", "BUYSTOCK", "SELLDEBT", "SELLMF", "SELLOPT", "SELLOTHER",
    "SELLSTOCK", "INCOME", "INVEXPENSE", "JRNLFUND", "JRNLSEC", "MARGININTEREST", "REINVEST", "RETOFCAP", "SPLIT",
    "TRANSFER", "CLOSUREOPT", "AVAILCASH", "MARGINBALANCE", "LEDGERBAL",
})  # fmt: skip
RECORD_TAGS: Final = POSITION_TAGS | _SECURITY_TAGS | _OTHER_RECORD_TAGS
"""Start tags that stand for one record each, for counting a document that cannot be read."""


class DocumentReader:
    """Reads one document once.

    Attributes:
        intake: the rows, rejects and counts, after ``read``.
        business_date: the latest day of its statements, after ``read``.
    """

    def __init__(self, document: Document, connection: Connection) -> None:
        self.document = document
        self.connection = connection
        self.codes = load_codes()
        self.intake = Intake()
        self.business_date: date | None = None
        self._snapshots = SnapshotRows()
        self._currencies: dict[Identity, str] = {}

    def read(self, raw: RawFile) -> None:
        """Reads every statement and the security list.

        Raises:
            FeedFault: the provider reports an error instead of a statement, or there is nothing to read.
        """
        elements = list(walk(self.document.root, LISTS))
        self._refuse_errors(elements)
        scope = _scope(elements)
        statements = [
            open_statement(self.document, element, self.connection, scope)
            for element in elements
            if element.tag in STATEMENT_TAGS
        ]
        good = [statement for statement in statements if not statement.faults]
        self.business_date = max(
            (statement.as_of_date for statement in good), default=_server_date(elements) or raw.business_date
        )
        for statement in statements:
            self._read_statement(statement)
        for table_name, rows in self._snapshots.tables():
            for row in rows:
                self.intake.add(table_name, row)
        self._read_securities(elements, scope, good)

    def _refuse_errors(self, elements: list[Element]) -> None:
        """A provider's STATUS of severity ERROR: a record of its own, or a fault where no statement came at all."""
        is_empty = not any(element.tag in STATEMENT_TAGS or element.tag == "SECLIST" for element in elements)
        for message_set in self.document.root.children:
            for element in walk(message_set, LISTS):
                status = element.child("STATUS")
                if status is None or status.fields.get("SEVERITY", "").upper() != "ERROR":
                    continue
                code = status.fields.get("CODE", "")
                said = f"the provider answered status {code if code.isdigit() else '?'} in {message_set.tag}"
                if is_empty or element.tag == "SONRS":
                    raise FeedFault("malformed_document", f"{said}: no statement", line=status.line)
                record = Record(self.document, element, "canonical.account")
                record.refuse("missing_value", "STATUS", f"{said} instead of a statement; ask for it again")
                self.intake.settle(record, ())
        if is_empty:
            raise FeedFault("malformed_document", "neither a statement nor a security list", line=1)

    def _read_statement(self, statement: Statement) -> None:
        before = self.intake.record_count
        element = statement.element
        for listed in element.children:
            if listed.tag == LIST_TAGS[element.tag]:
                self._read_transactions(listed, statement)
            elif listed.tag == "INVPOSLIST" and element.tag == "INVSTMTRS":
                self._read_positions(listed, statement)
        for holder, name in balance_parts(statement):
            record = Record(self.document, holder, "canonical.custodian_balance")
            row = investment_balance(record, statement, name) if name else ledger_balance(record, statement)
            self._settle_snapshot(record, statement, [("canonical.custodian_balance", row)])
        if not statement.faults:
            self._snapshots.add_account(statement)
        elif self.intake.record_count == before:
            record = Record(self.document, element, "canonical.account")
            record.faults.extend(statement.faults)
            self.intake.report(record)

    def _read_transactions(self, listed: Element, statement: Statement) -> None:
        head = Record(self.document, listed, "canonical.statement_window")
        window = covered_window(head, listed)
        if not statement.faults:
            self.intake.report(head)
            if window is not None:
                self._snapshots.add_window(listed.line, statement.account_number, *window)
        for element in (child.opened() for child in listed.children):
            record = Record(self.document, element, "canonical.transaction")
            read = bank_entries if element.tag in _BANK_TAGS else investment_entries
            entries = read(record, statement, self.codes)
            record.faults.extend(statement.faults)
            rows = [entry.row(record.line, statement.account_number) for entry in entries]
            if self.intake.settle(record, (("canonical.transaction", row) for row in rows)):
                self._learn_currencies(rows)

    def _read_positions(self, listed: Element, statement: Statement) -> None:
        for element in (child.opened() for child in listed.children):
            record = Record(self.document, element, "canonical.custodian_position")
            row = position_row(record, statement)
            self._settle_snapshot(record, statement, [("canonical.custodian_position", row)])
            if not record.faults:
                self._learn_currencies([row])

    def _settle_snapshot(self, record: Record, statement: Statement, rows: list[tuple[str, Row]]) -> None:
        record.faults.extend(statement.faults)
        if not record.faults and not all(self._snapshots.take(name, row, statement) for name, row in rows):
            record.refuse("duplicate_key", record.element.tag, "an earlier statement of the file says otherwise")
        self.intake.settle(record, ())

    def _learn_currencies(self, rows: list[Row]) -> None:
        for row in rows:
            self._currencies.setdefault(identity(row), str(row["currency"]))

    def _read_securities(self, elements: list[Element], scope: str, statements: list[Statement]) -> None:
        listed = [element for element in elements if element.tag == "SECLIST"]
        if not any(element.children for element in listed):
            return
        if self.business_date is None:
            raise FeedFault("malformed_document", "the document names no day", line=self.document.root.line)
        default = statements[0].currency if statements else self.connection.base_currency
        seen: set[Identity] = set()
        for element in (child.opened() for parent in listed for child in parent.children):
            record = Record(self.document, element, "canonical.security")
            row = security_row(
                record,
                self.codes,
                scope,
                currencies=self._currencies,
                default_currency=default,
                business_date=self.business_date,
            )
            is_new = not record.faults and identity(row) not in seen
            self.intake.settle(record, [("canonical.security", row)] if is_new else [])
            if is_new:
                seen.add(identity(row))


def _scope(elements: list[Element]) -> str:
    """The broker's id of the document: BROKERID of its first account, else ORG of its sender, else ""."""
    for tag, name in (("INVACCTFROM", "BROKERID"), ("FI", "ORG")):
        for element in elements:
            if element.tag == tag and element.fields.get(name):
                return element.fields[name]
    return ""


def _server_date(elements: Iterable[Element]) -> date | None:
    """Local day of DTSERVER, or None when it is absent or no date."""
    for element in elements:
        if element.tag == "SONRS" and element.fields.get("DTSERVER"):
            try:
                found = local_moment(element.fields["DTSERVER"])
            except ValueError:
                return None
            return None if found is None else found.date()
    return None
