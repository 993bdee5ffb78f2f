"""Reading one record with all its faults, and gathering rows, rejects and counts of a file.

A getter never raises and never stops the record: it notes the fault and returns a stand-in, so that a record with two
faults shows both. A record with a fault gives no row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from connectors.custodians.ofx.frames import Rows
from connectors.formats.ofx import Document
from connectors.formats.ofx_elements import Element
from connectors.formats.ofx_values import local_moment, scaled_number

ZERO: Final = Decimal(0)
QUANTITY_SCALE: Final = 8
MONEY_SCALE: Final = 4
ABSENT_DATE: Final = date(1900, 1, 1)
"""Stands in for a date at fault; never reaches a row."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a record: a reason of the vocabulary, the field and a sentence without client data."""

    reason: str
    field_name: str
    detail: str


class Record:
    """One data record: an aggregate of the document that becomes rows, or is held back with every fault that it has."""

    def __init__(self, document: Document, element: Element, table_name: str) -> None:
        self.document = document
        self.element = element
        self.table_name = table_name
        self.faults: list[Fault] = []
        self._stand_ins: list[Element] = []

    @property
    def line(self) -> int:
        """1-based line of the record's start tag."""
        return self.element.line

    def refuse(self, reason: str, field_name: str, detail: str) -> None:
        """Notes a fault, once per reason and field."""
        if any(fault.reason == reason and fault.field_name == field_name for fault in self.faults):
            return
        line = self.document.line_of(self.element, field_name)
        self.faults.append(Fault(reason, field_name, f"{field_name} (line {line}): {detail}"))

    def part(self, parent: Element, tag: str) -> Element:
        """The aggregate ``tag`` inside ``parent``; a fault and an empty stand-in when there is none.

        What a stand-in lacks is not one more fault.
        """
        found = parent.child(tag)
        if found is None:
            self._lack(parent, tag, "the aggregate is missing")
            found = Element(tag, parent.line, parent.start, parent.end)
            self._stand_ins.append(found)
        return found

    def _lack(self, parent: Element, name: str, detail: str) -> None:
        if parent not in self._stand_ins:
            self.refuse("missing_value", name, detail)

    def text(self, parent: Element, name: str, *, is_required: bool = False, longest: int = 255) -> str:
        """The leaf's text, "" when it is absent."""
        found = parent.fields.get(name, "")
        if is_required and not found:
            self._lack(parent, name, "the element is missing or empty")
        if len(found) > longest:
            self.refuse("contract_violation", name, f"longer than {longest} characters")
        return found

    def moment(self, parent: Element, name: str, *, is_required: bool = True) -> datetime | None:
        """The leaf's local date and time; None when it is absent or says none."""
        text = parent.fields.get(name, "")
        try:
            found = local_moment(text) if text else None
        except ValueError:
            self.refuse("impossible_date", name, "not a date that exists in the form YYYYMMDD[HHMMSS]")
            return None
        if found is None and is_required:
            self._lack(parent, name, "the date is missing")
        return found

    def day(self, parent: Element, name: str) -> date:
        """The leaf's local date; a fault when it is absent."""
        found = self.moment(parent, name)
        return ABSENT_DATE if found is None else found.date()

    def optional_day(self, parent: Element, name: str) -> date | None:
        """The leaf's local date, or None when it is absent."""
        found = self.moment(parent, name, is_required=False)
        return None if found is None else found.date()

    def optional_number(self, parent: Element, name: str, scale: int) -> Decimal | None:
        """The leaf's number rounded to ``scale``, or None when it is absent."""
        text = parent.fields.get(name, "")
        if not text:
            return None
        try:
            return scaled_number(text, scale)
        except ValueError:
            self.refuse("unparsable_number", name, "not a number; expected digits with one decimal point")
        except OverflowError:
            self.refuse("number_out_of_range", name, f"more than {20 - scale} digits before the point")
        return None

    def number(self, parent: Element, name: str, scale: int) -> Decimal:
        """The leaf's number rounded to ``scale``; a fault when it is absent."""
        before = len(self.faults)
        found = self.optional_number(parent, name, scale)
        if found is None:
            if len(self.faults) == before:
                self._lack(parent, name, "the number is missing")
            return ZERO
        return found

    def money_or_zero(self, parent: Element, *names: str) -> Decimal:
        """The sum of the leaves' absolute amounts, zero for those that are absent."""
        total = ZERO
        for name in names:
            if parent.fields.get(name) and (value := self.optional_number(parent, name, MONEY_SCALE)) is not None:
                total += abs(value)
        return total

    def currency(self, parent: Element, default: str) -> str:
        """Currency of the amounts in ``parent``.

        With CURRENCY they are in its CURSYM, not converted; with ORIGCURRENCY they have been converted to the
        statement's own currency already.
        """
        stated = parent.child("CURRENCY")
        if stated is None:
            return default
        code = self.text(stated, "CURSYM", is_required=True).upper()
        if code and not is_currency(code):
            self.refuse("unknown_code", "CURSYM", "not an ISO 4217 currency code")
        return code


def is_currency(code: str) -> bool:
    """Whether the text has the form of an ISO 4217 code."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()


@dataclass
class Intake:
    """What a file gives: rows by table, rejects, and the counts of the count law.

    Rejects are one per line, reason and field; faults that agree in all three (a document on one line) are merged, with
    their number in the detail.
    """

    rows: dict[str, Rows] = field(default_factory=dict)
    record_count: int = 0
    quarantined_count: int = 0
    _rejects: dict[tuple[int, str, str], dict[str, object]] = field(default_factory=dict)
    _repeats: dict[tuple[int, str, str], int] = field(default_factory=dict)

    def add(self, table_name: str, row: Row) -> None:
        """Takes a row that is no record of its own, such as the account that a statement names."""
        if table_name not in self.rows:
            self.rows[table_name] = Rows(table_name)
        self.rows[table_name].add(row)

    def settle(self, record: Record, rows: Iterable[tuple[str, Row]]) -> bool:
        """Counts the record and takes its rows, or its faults; whether it was taken."""
        self.record_count += 1
        if record.faults:
            self.quarantined_count += 1
            self.report(record)
            return False
        for table_name, row in rows:
            self.add(table_name, row)
        return True

    def report(self, record: Record) -> None:
        """Writes down the faults of a record."""
        for fault in record.faults:
            key = (record.line, fault.reason, fault.field_name)
            self._repeats[key] = self._repeats.get(key, 0) + 1
            if key not in self._rejects:
                self._rejects[key] = {
                    "source_line": record.line,
                    "reason": fault.reason,
                    "field_name": fault.field_name,
                    "table_name": record.table_name,
                    "detail": fault.detail,
                    "raw_text": record.document.source_of(record.element),
                }

    def rejects(self) -> list[Row]:
        """The rejects, in the order of their lines."""
        found: list[Row] = []
        for key in sorted(self._rejects):
            more = self._repeats[key] - 1
            note = f"; {more} more on this line" if more else ""
            row = self._rejects[key]
            found.append({**row, "detail": f"{row['detail']}{note}"[:1000]})
        return found
