"""Bank entries of OFX (STMTTRN), alone in a bank statement or wrapped as INVBANKTRAN in an investment one.

The sign of TRNAMT says which way the money went, whatever TRNTYPE says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from connectors.custodians.ofx.codes import Codes
from connectors.custodians.ofx.records import MONEY_SCALE, Record
from connectors.custodians.ofx.statements import Statement
from connectors.custodians.ofx.transactions import Entry
from connectors.formats.ofx_elements import Element

_CORRECTIONS: Final = ("DELETE", "REPLACE")
_MAX_ID_CHARACTERS: Final = 240


def bank_entries(record: Record, statement: Statement, codes: Codes) -> list[Entry]:
    """The ledger entries of a STMTTRN or INVBANKTRAN.

    One entry; with CORRECTACTION REPLACE also, with the suffix ``#cancel``, the cancel of the entry that it replaces.
    """
    outer = record.element
    element = record.part(outer, "STMTTRN") if outer.tag == "INVBANKTRAN" else outer
    code = record.text(element, "TRNTYPE", is_required=True, longest=32).upper()
    amount = record.number(element, "TRNAMT", MONEY_SCALE)
    meaning = codes.bank_type(code, "-" if amount < 0 else "+", _wordings(element))
    if meaning is None and code:
        record.refuse("unknown_code", "TRNTYPE", "a type that is not known; add it to codes.csv")
    entry = Entry(
        meaning or "",
        f"{outer.tag}/{code}",
        record.currency(element, statement.currency),
        record.day(element, "DTPOSTED"),
        amount=amount,
        fitid=record.text(element, "FITID", longest=_MAX_ID_CHARACTERS) or None,
    )
    corrected = record.text(element, "CORRECTFITID", longest=_MAX_ID_CHARACTERS)
    if not corrected:
        return [entry]
    action = record.text(element, "CORRECTACTION", is_required=True).upper()
    if action and action not in _CORRECTIONS:
        record.refuse("unknown_code", "CORRECTACTION", "neither DELETE nor REPLACE")
    if action == "DELETE":
        return [replace(entry, reverses=corrected)]
    return [replace(entry, fitid=entry.fitid and entry.fitid + "#cancel", reverses=corrected), entry]


def _wordings(element: Element) -> tuple[str, ...]:
    return element.fields.get("NAME", ""), element.fields.get("MEMO", "")
