"""MT940, what moved on an account's cash account by the day that it was booked there, as lines, page by page.

A trade's cash is booked on its settlement day; everything else on its own. So the closing balance is settled cash.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from simulation.firm import Account
from simulation.scene import Scene
from simulation.transactions import MONEY_UNITS, Transaction
from simulation.writers.swift_text import cut, number

ENTRIES_A_PAGE = 6
NARRATIVE_WIDTH = 65
SUBFIELD_WIDTH = 27

_CODES = {
    "BUY": ("PCH", "PURCHASE"), "SELL": ("SLE", "SALE"), "DIVIDEND": ("DIV", "DIVIDEND"),
    "INTEREST": ("INT", "INTEREST"),
    "DEPOSIT": ("TRF", "TRANSFER FROM CLIENT"), "WITHDRAWAL": ("TRF", "TRANSFER TO CLIENT"),
    "ADVISORY_FEE": ("MGT", "ADVISORY FEE"), "OTHER_FEE": ("CHG", "CHARGES"), "TAX_WITHHELD": ("TAX", "TAX WITHHELD"),
}  # fmt: skip
_COUPON = ("CPN", "COUPON")
_WITH_FUNDS_CODE = ("EUR", "GBP")
"""Statements in these currencies carry the third letter of the currency behind the mark of debit or credit."""


def cash_statement(scene: Scene, account: Account, day: date) -> list[list[str]]:
    """The pages of the day's statement of the account, from opening to closing balance."""
    entries = list(_entries(scene, account, day))
    closing = scene.settled_cash(account, day)
    balance = closing - sum(amount for amount, _ in entries)
    place = scene.market.place(day)
    if place > account.opened_place:
        balance = scene.settled_cash(account, scene.market.days[place - 1])
    pages = [entries[start : start + ENTRIES_A_PAGE] for start in range(0, len(entries), ENTRIES_A_PAGE)] or [[]]
    statement = []
    for at, page in enumerate(pages, start=1):
        opened, balance = balance, balance + sum(amount for amount, _ in page)
        statement.append([
            f":20:C{day:%y%m%d}{account.account_number[-5:]}{at:02d}", f":25:{account.account_number}",
            f":28C:{day.timetuple().tm_yday:05d}/{at:03d}",
            f":60{'F' if at == 1 else 'M'}:{_balance(account, day, opened)}",
            *(line for _, lines in page for line in lines),
            f":62{'F' if at == len(pages) else 'M'}:{_balance(account, day, balance)}",
            *([f":64:{_balance(account, day, balance)}"] if at == len(pages) else []),
        ])  # fmt: skip
    return statement


def _balance(account: Account, day: date, value: int) -> str:
    return f"{'D' if value < 0 else 'C'}{day:%y%m%d}{account.base_currency}{number(value, MONEY_UNITS)}"


def _entries(scene: Scene, account: Account, day: date) -> Iterator[tuple[int, list[str]]]:
    """Signed amount and lines of every entry of the day: what settles on it, and what is taken back.

    A trade that is cancelled before it settles never reaches the cash account.
    """
    place = scene.market.place(day)
    for booking in scene.bookings.get(account.key, ()):
        if not booking.amount:
            continue
        booked = scene.market.place(max(booking.settle_date, booking.reported_date))
        taken_back = None
        if booking.cancelled_date is not None:
            taken_back = max(booked, scene.market.place(booking.cancelled_date))
        if taken_back == booked:
            continue
        if booked == place:
            yield booking.amount, _entry(scene, account, booking, day, is_reversal=False)
        if taken_back == place:
            yield -booking.amount, _entry(scene, account, booking, day, is_reversal=True)


def _entry(scene: Scene, account: Account, booking: Transaction, day: date, *, is_reversal: bool) -> list[str]:
    is_trade = booking.type in ("BUY", "SELL")
    is_coupon = booking.type == "INTEREST" and booking.security is not None
    code, wording = _COUPON if is_coupon else _CODES[booking.type]
    mark = ("R" if is_reversal else "") + ("C" if booking.amount > 0 else "D")
    funds = account.base_currency[2] if account.base_currency in _WITH_FUNDS_CODE else ""
    entered = day if is_trade else booking.trade_date
    reference = booking.provider_id if is_reversal else "NONREF"
    own = f"R{booking.provider_id}" if is_reversal else booking.provider_id
    line = (
        f":61:{booking.settle_date:%y%m%d}{entered:%m%d}{mark}{funds}{number(booking.amount, MONEY_UNITS)}"
        f"N{code}{reference}//{own}"
    )
    return [line, *_narrative(f"{wording}{_security(scene, booking)}")]


def _security(scene: Scene, booking: Transaction) -> str:
    if booking.security is None:
        return ""
    listed = scene.market.securities[booking.security]
    return f" ISIN {listed.isin} {listed.name}"


def _narrative(text: str) -> list[str]:
    """Field 86: subfields from ?20 on, cut without regard to words, then the whole cut to the width of a line."""
    parts = [f"?{20 + place}{part}" for place, part in enumerate(cut(text, SUBFIELD_WIDTH))]
    return cut(f":86:999?00{text.split(' ISIN')[0]}{''.join(parts)}", NARRATIVE_WIDTH)
