"""NFS (Fidelity) style transmissions of one client, byte for byte, one zip each.

A transmission ``STEM`` of a day is ``<client>_WNX_<STEM>_CCYYMMDD.DAT.ZIP``. Lines have a fixed length, end in CR LF
and are encoded in Windows-1252; the trailer counts every line. Tax lots come as changes since the business day before,
on Fridays as a full set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from simulation.firm import Account
from simulation.lots import Gain, Lot
from simulation.scene import Scene
from simulation.writers import fidelity_records as records
from simulation.writers.archive import zipped
from simulation.writers.fidelity_layouts import header, trailer

LINE_END: Final = "\r\n"
STEMS: Final = {
    "NABASE": "NABASE", "POSIT": "POSITFULL", "BOOKKEEP": "ACTVYD", "ACCTBAL": "ACCTBALD", "SECMAST": "SECMAST",
    "TLACLOSED": "TLACLOSEDDELTA",
}  # fmt: skip
"""Kind to the stem of its file's name; that of open lots depends on the day."""
_FRIDAY: Final = 4


def client_of(account: Account) -> str:
    """The client id under which an account is delivered: the last three digits of its master account."""
    return (account.master_account or "000")[-3:]


def files(scene: Scene, tenant: str, accounts: Sequence[Account], day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of each transmission of a business day. No accounts, no files."""
    del tenant
    if not accounts:
        return
    client = client_of(accounts[0])
    for kind, lines, logical in _transmissions(scene, accounts, day):
        stem = STEMS.get(kind) or ("TLAOPENFULL" if day.weekday() == _FRIDAY else "TLAOPENDELTA")
        member = f"{client}_WNX_{stem}_{day:%Y%m%d}.DAT"
        content = document(kind, client, day, lines, logical)
        yield f"{member}.ZIP", kind, zipped(member, content, day)


def document(kind: str, client: str, day: date, lines: Sequence[str], logical: int) -> bytes:
    """A whole transmission from its detail lines and the number of logical records among them."""
    rows = [header(kind, client, day), *lines, trailer(kind, len(lines) + 2, logical)]
    return "".join(f"{row}{LINE_END}" for row in rows).encode("cp1252")


def changed_lots(before: Sequence[Lot], after: Sequence[Lot]) -> list[tuple[str, Lot]]:
    """Lots that differ: A for a new one, C for one that changed, D and no quantity for one that is gone."""
    old = {lot.lot_id: lot for lot in before}
    new = {lot.lot_id: lot for lot in after}
    changes = [("C" if lot.lot_id in old else "A", lot) for lot in after if old.get(lot.lot_id) != lot]
    gone = [lot for lot in before if lot.lot_id not in new]
    nothing = [Lot(lot.lot_id, lot.security, lot.acquired_date, 0, None if lot.cost is None else 0) for lot in gone]
    return [*changes, *(("D", lot) for lot in nothing)]


def new_gains(before: Sequence[Gain], after: Sequence[Gain]) -> list[Gain]:
    """Gains that were not there on the day before; two alike count as two."""
    known = Counter(before)
    fresh: list[Gain] = []
    for gain in after:
        if known[gain] > 0:
            known[gain] -= 1
        else:
            fresh.append(gain)
    return fresh


def _transmissions(scene: Scene, accounts: Sequence[Account], day: date) -> Iterator[tuple[str, list[str], int]]:
    market = scene.market
    names = [text for account in accounts for text in records.name_lines(account)]
    yield "NABASE", names, len(accounts)
    held = {account.key: scene.holdings(account, day) for account in accounts}
    positions = [
        records.position_line(scene, account, security, quantity, day)
        for account in accounts
        for security, quantity in held[account.key].items()
    ]
    yield "POSIT", positions, len(positions)
    booked = [
        records.bookkeeping_line(market, booking, day, is_cancel=is_cancel)
        for booking, is_cancel in scene.rows(accounts, day)
    ]
    yield "BOOKKEEP", booked, len(booked)
    yield "ACCTBAL", [records.balance_line(scene, account, day) for account in accounts], len(accounts)
    dollars = [place for place, listed in enumerate(market.securities) if listed.currency == "USD"]
    securities = [text for security in dollars for text in records.security_lines(market, security, day)]
    yield "SECMAST", securities, len(dollars)
    lots = [text for account in accounts for text in _lot_lines(scene, account, day)]
    yield "TLAOPEN", lots, len(lots)
    gains = [
        records.closed_lot_line(market, account, gain)
        for account in accounts
        for gain in new_gains(_gains_before(scene, account, day), scene.gains(account, day))
    ]
    yield "TLACLOSED", gains, len(gains)


def _lot_lines(scene: Scene, account: Account, day: date) -> Iterator[str]:
    lots = scene.lots(account, day)
    if day.weekday() == _FRIDAY:
        changes = [(" ", lot) for lot in lots]
    else:
        before = _day_before(scene, account, day)
        changes = changed_lots([] if before is None else scene.lots(account, before), lots)
    for indicator, lot in changes:
        yield records.open_lot_line(scene, account, lot, day, indicator)


def _gains_before(scene: Scene, account: Account, day: date) -> list[Gain]:
    before = _day_before(scene, account, day)
    return [] if before is None else scene.gains(account, before)


def _day_before(scene: Scene, account: Account, day: date) -> date | None:
    """The business day before, None on the day on which the account opens."""
    place = scene.market.place(day)
    return scene.market.days[place - 1] if place > account.opened_place else None
