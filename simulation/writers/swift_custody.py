"""MT535, what an account holds, and MT536, what moved in it, as lines of their text blocks, page by page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from simulation.firm import Account
from simulation.market import PRICE_UNITS
from simulation.scene import Scene
from simulation.securities import Security
from simulation.transactions import QUANTITY_UNITS, Transaction, cents, principal
from simulation.writers.swift_text import instrument, money, number, paged, price, quantity

HOLDINGS_A_PAGE = 8
SECURITIES_A_PAGE = 4
RATE_UNITS = 1_000_000
"""Exchange rates are written with six decimals."""


def holdings_statement(scene: Scene, account: Account, day: date) -> list[list[str]]:
    """The pages of the account's complete statement of holdings by trade date, each with its control totals."""
    held = sorted(scene.holdings(account, day).items())
    blocks = [_holding(scene, account, day, security, size) for security, size in held]
    worth = [_worth(scene, account, day, security, size) for security, size in held]
    statement = []
    for place, (page, lines) in enumerate(paged(blocks, HOLDINGS_A_PAGE)):
        head = _head(account, day, "H", page, "NEWM", is_active=bool(held), place=place)
        on_page = sum(worth[place * HOLDINGS_A_PAGE : (place + 1) * HOLDINGS_A_PAGE])
        totals = [
            ":16R:ADDINFO", f":19A::HOLP//{money(account.base_currency, on_page)}",
            f":19A::HOLS//{money(account.base_currency, sum(worth))}", ":16S:ADDINFO",
        ]  # fmt: skip
        body = [":16R:SUBSAFE", *lines, ":16S:SUBSAFE"] if lines else []
        statement.append([*head, *body, *totals])
    return statement


def transactions_statement(scene: Scene, account: Account, day: date) -> list[list[str]]:
    """The pages of the account's statement of securities movements, then what the day cancels in messages of its own.

    A booking with an even number is cancelled by a message (function CANC), one with an odd number by a reversal
    among the movements.
    """
    rows = [(b, is_cancel) for b, is_cancel in scene.rows([account], day) if b.security is not None and b.quantity]
    by_message = [b for b, is_cancel in rows if is_cancel and b.number % 2 == 0]
    moved: dict[int, list[list[str]]] = defaultdict(list)
    for booking, is_cancel in rows:
        if not is_cancel or booking.number % 2:
            moved[booking.security or 0].append(_movement(scene, account, booking, is_reversal=is_cancel))
    blocks = [_moved(scene.market.securities[security], moves) for security, moves in sorted(moved.items())]
    statement = []
    for place, (page, lines) in enumerate(paged(blocks, SECURITIES_A_PAGE)):
        head = _head(account, day, "T", page, "NEWM", is_active=bool(blocks), place=place)
        statement.append([*head, *([":16R:SUBSAFE", *lines, ":16S:SUBSAFE"] if lines else [])])
    for place, booking in enumerate(by_message):
        listed = scene.market.securities[booking.security or 0]
        lines = _moved(listed, [_movement(scene, account, booking, is_reversal=False)])
        head = _head(account, day, "C", "1/ONLY", "CANC", is_active=True, place=place)
        link = [":16R:LINK", f":20C::PREV//{_reference(account, booking.reported_date, 'T', 0)}", ":16S:LINK"]
        statement.append([*head[:-1], *link, head[-1], ":16R:SUBSAFE", *lines, ":16S:SUBSAFE"])
    return statement


def _reference(account: Account, day: date, letter: str, place: int) -> str:
    """The sender's reference of a page: sixteen characters at most."""
    return f"{letter}{day:%y%m%d}{account.account_number[-5:]}{place:02d}"


def _head(
    account: Account, day: date, letter: str, page: str, function: str, *, is_active: bool, place: int
) -> list[str]:
    complete = [":22F::CODE//COMP"] if letter == "H" else []
    return [
        ":16R:GENL", f":28E:{page}", f":13A::STAT//{day.timetuple().tm_yday:03d}",
        f":20C::SEME//{_reference(account, day, letter, place)}", f":23G:{function}",
        f":98C::PREP//{day:%Y%m%d}223000", f":98A::STAT//{day:%Y%m%d}", ":22F::SFRE//DAIL", *complete,
        ":22F::STTY//CUST", ":22F::STBA//TRAD", f":97A::SAFE//{account.account_number}",
        f":17B::ACTI//{'Y' if is_active else 'N'}", ":17B::CONS//N", ":16S:GENL",
    ]  # fmt: skip


def _holding(scene: Scene, account: Account, day: date, security: int, size: int) -> list[str]:
    market, place = scene.market, scene.market.place(day)
    listed, figure = market.securities[security], int(market.prices[place, security])
    priced_on = market.days[int(market.price_places[place, security])]
    own = cents(Fraction(size * figure, QUANTITY_UNITS * PRICE_UNITS) * Fraction(listed.price_factor))
    worth = [f":19A::HOLD//{money(listed.currency, own)}"]
    if listed.currency != account.base_currency:
        rate = round(market.euro.rate(day, listed.currency, account.base_currency) * RATE_UNITS)
        worth += [
            f":19A::HOLD//{money(account.base_currency, _worth(scene, account, day, security, size))}",
            f":92B::EXCH//{listed.currency}/{account.base_currency}/{number(rate, RATE_UNITS)}",
        ]
    return [
        ":16R:FIN", *instrument(listed), price("MRKT", listed, figure), f":98A::PRIC//{priced_on:%Y%m%d}",
        f":93B::AGGR//{quantity(listed, size)}", *worth, ":16S:FIN",
    ]  # fmt: skip


def _worth(scene: Scene, account: Account, day: date, security: int, size: int) -> int:
    """Value of a holding in the account's currency, in 0.0001, whole cents."""
    figure = int(scene.market.prices[scene.market.place(day), security])
    return principal(scene.market, account, security, day, size, figure)


def _moved(listed: Security, moves: Sequence[Sequence[str]]) -> list[str]:
    return [":16R:FIN", *instrument(listed), *(line for move in moves for line in move), ":16S:FIN"]


def _movement(scene: Scene, account: Account, booking: Transaction, *, is_reversal: bool) -> list[str]:
    """One movement; a reversal names the movement that it takes back and states it as it was."""
    listed = scene.market.securities[booking.security or 0]
    own = f"R{booking.provider_id}" if is_reversal else booking.provider_id
    links = [":16R:LINK", f":20C::RELA//{own}", ":16S:LINK"]
    if is_reversal:
        links += [":16R:LINK", f":20C::PREV//{booking.provider_id}", ":16S:LINK"]
    is_paid = booking.type in ("BUY", "SELL")
    currency = account.base_currency
    paid = []
    if is_paid:
        paid = [f":19A::PSTA//{money(currency, abs(booking.amount))}"]
        if booking.accrued_interest:
            paid.append(f":19A::ACRU//{money(currency, booking.accrued_interest)}")
        if booking.commission:
            paid.append(f":19A::EXEC//{money(currency, booking.commission)}")
        paid.append(price("DEAL", listed, booking.price))
    return [
        ":16R:TRAN", *links, ":16R:TRANSDET", f":36B::PSTA//{quantity(listed, abs(booking.quantity))}", *paid,
        ":22F::TRAN//SETT", f":22H::REDE//{'RECE' if booking.quantity > 0 else 'DELI'}",
        f":22H::PAYM//{'APMT' if is_paid else 'FREE'}", f":98A::TRAD//{booking.trade_date:%Y%m%d}",
        f":98A::ESET//{booking.settle_date:%Y%m%d}", *([":25D::MOVE//REVE"] if is_reversal else []),
        ":16S:TRANSDET", ":16S:TRAN",
    ]  # fmt: skip
