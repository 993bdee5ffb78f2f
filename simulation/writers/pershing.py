"""Pershing-style standard files of one business day, byte for byte: GCUS, GACT, GMON, ACCT and ISCA.

Trades stand in GACT twice, as T when they are reported and as S when they settle; everything else once, with a blank
type. Money that leaves the account is written ``+``, money that comes in ``-``. A cancel repeats its row with the
signs turned, cancel code 1 and a reference of its own; after settlement with correction code 5 too. What the codes of
transactions, securities and registrations are is not public: they are invented, and listed in the room's README.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from simulation.firm import Account
from simulation.market import Market
from simulation.scene import Scene
from simulation.transactions import Transaction
from simulation.writers.pershing_layouts import ACTIVITY, ACTIVITY_B, GACT, document, line, signed
from simulation.writers.pershing_masters import accounts_file, securities_file
from simulation.writers.pershing_positions import KINDS, REPRESENTATIVE, Refresh, balances, positions

CODES = {
    "BUY": ("BY", "TRD", 100), "SELL": ("SL", "TRD", 200), "DIVIDEND": ("DV", "DIV", 310),
    "INTEREST": ("IN", "INT", 320), "DEPOSIT": ("CR", "CSH", 410), "WITHDRAWAL": ("CD", "CSH", 420),
    "ADVISORY_FEE": ("FE", "ADV", 510), "OTHER_FEE": ("FE", "OTH", 520), "TAX_WITHHELD": ("TX", "WTH", 530),
    "TRANSFER_IN": ("TI", "ACT", 610), "TRANSFER_OUT": ("TO", "ACT", 620), "JOURNAL": ("JN", "JRL", 700),
}  # fmt: skip
"""Type to par key, source and maxx key; the values are invented."""
_TRADES = {"BUY": "B", "SELL": "S"}
_DESCRIPTION_LINE, _DESCRIPTION_LINES = 20, 12


def files(
    scene: Scene, tenant: str, accounts: Sequence[Account], day: date, refresh: Refresh = "daily"
) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of each file of a business day for the accounts.

    ``refresh``: whether GCUS states all positions every day, or on the first business day of a week and, on the days
    between, only what changed.
    """
    remote = remote_id(tenant, accounts)
    contents = {
        "GCUS": positions(scene, accounts, day, remote, refresh),
        "GACT": activity(scene, accounts, day, remote),
        "GMON": balances(scene, accounts, day, remote),
        "ACCT": accounts_file(accounts, day, remote),
        "ISCA": securities_file(scene.market, day, remote),
    }
    for kind, content in contents.items():
        yield f"{day:%Y%m%d}.{kind}", kind, content


def remote_id(tenant: str, accounts: Sequence[Account]) -> str:
    """The four characters that name the tenant's connection: the last of its master account."""
    masters = {account.master_account or "" for account in accounts}
    return max(masters, default="")[-4:] or tenant[:4].upper()


def activity(scene: Scene, accounts: Sequence[Account], day: date, remote: str) -> bytes:
    """The GACT file: what was reported or cancelled on the day, and trades that settle on it."""
    return document(GACT, day, remote, _entries(scene, accounts, day))


def _entries(scene: Scene, accounts: Sequence[Account], day: date) -> Iterator[str]:
    number = 0
    for booking, is_cancel in scene.rows(accounts, day):
        number += 1
        kind = "T" if booking.type in _TRADES else ""
        yield from _entry(scene.market, booking, day, number, kind, is_cancel=is_cancel)
    for account in accounts:
        for booking in scene.bookings.get(account.key, ()):
            if booking.type in _TRADES and _settlement_day(booking) == day:
                number += 1
                yield from _entry(scene.market, booking, day, number, "S", is_cancel=False)


def _settlement_day(booking: Transaction) -> date | None:
    """The day whose file states the trade by settlement date; None when it was cancelled before."""
    day = max(booking.settle_date, booking.reported_date)
    return day if booking.cancelled_date is None or booking.cancelled_date > day else None


def _entry(
    market: Market, booking: Transaction, day: date, number: int, kind: str, *, is_cancel: bool
) -> Iterator[str]:
    par, source, maxx = CODES[booking.type]
    turn = -1 if is_cancel else 1
    listed = None if booking.security is None else market.securities[booking.security]
    keys = {"sequence": f"{number:08d}", "account": booking.account.account_number, "account_type": "1"}
    money = _money(booking)
    values = keys | {
        "code": "GAA", "cusip": (listed.cusip or "") if listed else "USD999997", "representative": REPRESENTATIVE,
        "symbol": "" if listed is None else listed.ticker, "transaction_type": kind,
        "buy_sell": _TRADES.get(booking.type, ""), "codes": f"{par:<2}{source:<3}{maxx:04d}",
        "process_date": f"{day:%Y%m%d}", "trade_date": f"{booking.trade_date:%Y%m%d}",
        "settlement_date": f"{booking.settle_date:%Y%m%d}", "reference": f"{number + 500 * is_cancel:06d}",
        "contra_account": booking.counterparty or "", "cancel": "1" if is_cancel else "",
        "correction": "5" if is_cancel and day > booking.settle_date else "",
        "quantity": signed(turn * booking.quantity, 18), "price_currency": "USD" if booking.price else "",
        "net": _debit(turn * booking.amount // 10), "principal": _debit(turn * money["principal"] // 10),
        "interest": _debit(turn * money["interest"] // 100), "commission": _debit(turn * money["commission"] // 100),
    } | {name: signed(0, 18) for name in ("tax", "transaction_fee", "misc_fee", "other_fee", "tefra")}  # fmt: skip
    if booking.price:
        values |= {"price": f"{booking.price * 10**4:018d}", "price_sign": "+"}
    if listed is not None:
        values |= dict(zip(("type", "modifier", "calculation", "minor"), KINDS[listed.kind], strict=True))
    yield line(GACT, ACTIVITY, values)
    described = f"{booking.type.replace('_', ' ')} {listed.name if listed else ''}".strip()
    pieces = [described[n : n + _DESCRIPTION_LINE] for n in range(0, len(described), _DESCRIPTION_LINE)]
    yield line(GACT, ACTIVITY_B, keys | {
        "code": "GAB", "currencies": "USDUSDUSD", "rate": f"{10**9:018d}M",
        "net": _debit(turn * booking.amount // 100), "principal": _debit(turn * money["principal"] // 100),
        "interest": values["interest"], "commission": values["commission"],
        "line_count": f"{len(pieces):02d}",
        "description": "".join(f"{piece:<20}" for piece in pieces[:_DESCRIPTION_LINES]),
        "indicator": "S" if listed else "C", "id_type": "I" if listed else "", "id": listed.isin if listed else "",
    })  # fmt: skip


def _money(booking: Transaction) -> dict[str, int]:
    """The parts that together are the net amount, in 0.0001, in the ledger's sign."""
    commission, interest = -booking.commission, -booking.accrued_interest
    return {"commission": commission, "interest": interest, "principal": booking.amount - commission - interest}


def _debit(amount: int) -> str:
    """Money of 18 digits: ``+`` where it leaves the account, ``-`` where it comes in."""
    return signed(amount, 18, plus=amount <= 0)
