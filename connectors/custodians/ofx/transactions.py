"""Investment transactions of OFX, mapped to ledger entries in our signs (docs/methodology.md section 3).

The direction of a trade follows from its aggregate, so a broker that sends positive units on a sale, or a positive
total on a purchase, ends in the same row as one that keeps to the specification.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from connectors.custodians.ofx.codes import Codes
from connectors.custodians.ofx.identifiers import NO_SECURITY, SecurityIds, security_ids
from connectors.custodians.ofx.records import MONEY_SCALE, QUANTITY_SCALE, ZERO, Record, Row
from connectors.custodians.ofx.statements import Statement
from connectors.formats.ofx_elements import Element

_FEE_FIELDS: Final = ("FEES", "TAXES", "LOAD", "PENALTY")
_WITHHOLDING_FIELDS: Final = ("WITHHOLDING", "STATEWITHHOLDING")
_PERCENT: Final = Decimal("0.01")
_CENT: Final = Decimal("0.01")
_MAX_ID_CHARACTERS: Final = 240
"""Leaves room for the suffix of a paired row in the contract's 255."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger entry before it becomes a feed row; amounts in the currency of the entry, our signs."""

    transaction_type: str
    provider_code: str
    currency: str
    trade_date: date
    settle_date: date | None = None
    security: SecurityIds | None = None
    quantity: Decimal = ZERO
    price: Decimal | None = None
    amount: Decimal = ZERO
    commission: Decimal = ZERO
    fees: Decimal = ZERO
    accrued_interest: Decimal = ZERO
    tax_withheld: Decimal = ZERO
    fitid: str | None = None
    reverses: str | None = None

    def row(self, line: int, account_number: str) -> Row:
        """The row of ``contracts.feed.FeedTransaction``."""
        return {
            "source_line": line,
            "account_number": account_number,
            "transaction_type": self.transaction_type,
            "trade_date": self.trade_date,
            "settle_date": self.settle_date,
            **(self.security or NO_SECURITY),
            "quantity": self.quantity,
            "price": self.price,
            "amount": self.amount,
            "currency": self.currency,
            "commission": self.commission,
            "fees": self.fees,
            "accrued_interest": self.accrued_interest,
            "tax_withheld": self.tax_withheld,
            "is_cancel": self.reverses is not None,
            "provider_transaction_id": self.fitid,
            "reverses": self.reverses,
            "provider_code": self.provider_code,
        }


@dataclass(frozen=True, slots=True)
class _Head:
    fitid: str | None
    reverses: str | None
    trade_date: date
    settle_date: date | None


@dataclass(frozen=True, slots=True)
class _Task:
    """One aggregate to map: the record, where it stands, and the type that its code says."""

    record: Record
    element: Element
    statement: Statement
    meaning: str
    code: str

    def head(self, parent: Element) -> _Head:
        part = self.record.part(parent, "INVTRAN")
        return _Head(
            self.record.text(part, "FITID", longest=_MAX_ID_CHARACTERS) or None,
            self.record.text(part, "REVERSALFITID", longest=_MAX_ID_CHARACTERS) or None,
            self.record.day(part, "DTTRADE"),
            self.record.optional_day(part, "DTSETTLE"),
        )

    def security(self, parent: Element, *, is_required: bool = True) -> SecurityIds:
        return security_ids(self.record, parent, self.statement.scope, is_required=is_required)

    def currency(self, parent: Element) -> str:
        return self.record.currency(parent, self.statement.currency)

    def units(self, parent: Element) -> Decimal:
        return self.record.number(parent, "UNITS", QUANTITY_SCALE)

    def total(self, parent: Element) -> Decimal:
        return self.record.number(parent, "TOTAL", MONEY_SCALE)

    def price(self, parent: Element) -> Decimal | None:
        return self.record.optional_number(parent, "UNITPRICE", QUANTITY_SCALE)

    def entry(
        self,
        parent: Element,
        *,
        security: SecurityIds,
        quantity: Decimal = ZERO,
        amount: Decimal = ZERO,
        price: Decimal | None = None,
        transaction_type: str = "",
        accrued_interest: Decimal = ZERO,
        suffix: str = "",
    ) -> Entry:
        """The entry of ``parent``: head, currency and costs read from it, the rest as given."""
        head = self.head(self.element if self.element.child("INVTRAN") is not None else parent)
        return Entry(
            transaction_type or self.meaning,
            self.code,
            self.currency(parent),
            head.trade_date,
            head.settle_date,
            security,
            quantity,
            price,
            amount,
            self.record.money_or_zero(parent, "COMMISSION"),
            self.record.money_or_zero(parent, *_FEE_FIELDS),
            accrued_interest,
            self.record.money_or_zero(parent, *_WITHHOLDING_FIELDS),
            head.fitid + suffix if head.fitid else None,
            head.reverses + suffix if head.reverses else None,
        )


def _trade(task: _Task) -> list[Entry]:
    """Purchase or sale. ``TOTAL`` is the net cash: on a purchase always out, on a sale in, unless costs ate it up."""
    record, is_purchase = task.record, task.element.tag.startswith("BUY")
    body = record.part(task.element, "INVBUY" if is_purchase else "INVSELL")
    units, total, price = abs(task.units(body)), task.total(body), task.price(body)
    costs = record.money_or_zero(body, "COMMISSION", *_FEE_FIELDS, *_WITHHOLDING_FIELDS)
    accrued = record.money_or_zero(task.element, "ACCRDINT")
    factor = _PERCENT if task.element.tag.endswith("DEBT") else Decimal(1)
    gross = None if price is None else units * abs(price) * factor
    is_loss = not is_purchase and total < 0 and gross is not None and gross <= costs
    amount = total if is_loss else -abs(total) if is_purchase else abs(total)
    if accrued and gross is not None and _lacks(abs(total), gross + costs if is_purchase else gross - costs, accrued):
        amount += -accrued if is_purchase else accrued
    return [
        task.entry(
            body,
            security=task.security(body),
            quantity=units if is_purchase else -units,
            price=price,
            amount=amount,
            accrued_interest=accrued,
        )
    ]


def _lacks(total: Decimal, without: Decimal, accrued: Decimal) -> bool:
    """Whether a total is, to the cent, what it would be without the accrued interest rather than with it."""
    distance = abs(total - without)
    return distance <= _CENT and distance < abs(total - without - accrued)


def _income(task: _Task) -> list[Entry]:
    """Income or return of capital: ``TOTAL`` as signed, so that income taken back lowers cash."""
    return [task.entry(task.element, security=task.security(task.element), amount=task.total(task.element))]


def _charge(task: _Task) -> list[Entry]:
    """Expense or margin interest: money out, whichever sign the broker writes."""
    security = task.security(task.element, is_required=False)
    return [task.entry(task.element, security=security, amount=-abs(task.total(task.element)))]


def _reinvestment(task: _Task) -> list[Entry]:
    """A purchase and, as a second row with the suffix ``#income``, the income that pays for it."""
    element, security = task.element, task.security(task.element)
    total, units = abs(task.total(element)), abs(task.units(element))
    bought = task.entry(
        element,
        security=security,
        quantity=units,
        price=task.price(element),
        amount=-total,
        transaction_type="REINVESTMENT",
    )
    return [
        bought,
        Entry(
            task.meaning,
            task.code,
            bought.currency,
            bought.trade_date,
            bought.settle_date,
            security,
            amount=total,
            fitid=bought.fitid + "#income" if bought.fitid else None,
            reverses=bought.reverses + "#income" if bought.reverses else None,
        ),
    ]


def _split(task: _Task) -> list[Entry]:
    """The change of units, and cash in lieu of a fraction."""
    record, element = task.record, task.element
    old, new = (record.number(element, name, QUANTITY_SCALE) for name in ("OLDUNITS", "NEWUNITS"))
    cash = record.optional_number(element, "FRACCASH", MONEY_SCALE) or ZERO
    return [task.entry(element, security=task.security(element), quantity=new - old, amount=cash)]


def _transfer(task: _Task) -> list[Entry]:
    """Securities in or out, in kind. A short position that comes in takes units away: the type follows the units."""
    units, side = abs(task.units(task.element)), task.element.fields.get("POSTYPE", "LONG").upper()
    if side not in ("LONG", "SHORT"):
        task.record.refuse("unknown_code", "POSTYPE", "neither LONG nor SHORT")
    is_addition = (task.meaning == "TRANSFER_IN") == (side == "LONG")
    return [
        task.entry(
            task.element,
            security=task.security(task.element),
            quantity=units if is_addition else -units,
            price=task.price(task.element),
            transaction_type="TRANSFER_IN" if is_addition else "TRANSFER_OUT",
        )
    ]


def _journal(task: _Task) -> list[Entry]:
    """A move between sub-accounts of the same account, which leaves the account's quantity and cash as they were."""
    if task.element.tag == "JRNLFUND":
        task.total(task.element)
        return [task.entry(task.element, security=NO_SECURITY)]
    task.units(task.element)
    return [task.entry(task.element, security=task.security(task.element))]


def _closure(task: _Task) -> list[Entry]:
    """The end of an option: exercising uses up a long one, assignment a short one, expiry the one that units sign."""
    units = task.units(task.element)
    if task.meaning == "OPTION_EXERCISE":
        units = -abs(units)
    elif task.meaning == "OPTION_ASSIGNMENT":
        units = abs(units)
    return [task.entry(task.element, security=task.security(task.element), quantity=units)]


_TRADES: Final = (
    "BUYDEBT", "BUYMF", "BUYOPT", "BUYOTHER", "BUYSTOCK", "SELLDEBT", "SELLMF", "SELLOPT", "SELLOTHER", "SELLSTOCK",
)  # fmt: skip
_MAPPINGS: Final[Mapping[str, Callable[[_Task], list[Entry]]]] = {
    **dict.fromkeys(_TRADES, _trade),
    "INCOME": _income,
    "RETOFCAP": _income,
    "INVEXPENSE": _charge,
    "MARGININTEREST": _charge,
    "REINVEST": _reinvestment,
    "SPLIT": _split,
    "TRANSFER": _transfer,
    "JRNLSEC": _journal,
    "JRNLFUND": _journal,
    "CLOSUREOPT": _closure,
}


def investment_entries(record: Record, statement: Statement, codes: Codes) -> list[Entry]:
    """The ledger entries of one aggregate of INVTRANLIST; faults, an unknown aggregate among them, are the record's."""
    element = record.element
    mapping = _MAPPINGS.get(element.tag)
    if mapping is None:
        record.refuse("unknown_code", element.tag, "not a transaction aggregate that is known; add its mapping")
        return []
    field = codes.fields[element.tag]
    code = record.text(element, field, is_required=True, longest=32).upper() if field else ""
    meaning = codes.meanings.get((element.tag, code))
    if meaning is None:
        if code:
            record.refuse("unknown_code", field, "a code that is not known; add it to codes.csv")
        meaning = ""
    return mapping(_Task(record, element, statement, meaning, f"{element.tag}/{code}" if code else element.tag))
