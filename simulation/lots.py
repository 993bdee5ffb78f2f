"""Tax lots of the simulated accounts as their custodians keep them: first in, first out, in whole cents.

Every custodian of the simulated firm keeps lots alike, from the bookings that it knows of on the day. Opening holdings
are one or two lots bought before the simulation began, some of unknown cost; what is transferred in is of unknown cost
until its basis arrives, which the simulation leaves out. Accrued interest that a buyer paid is no part of the cost.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from simulation.firm import Account
from simulation.market import Market
from simulation.transactions import CENT, MONEY_UNITS, QUANTITY_UNITS, Opening, Transaction, cents, principal

Term = Literal["short", "long", "unknown"]


@dataclass(frozen=True, slots=True)
class Lot:
    """An open lot.

    Attributes:
        lot_id: unique within its account: O and a count for opening lots, T and the booking's number for others.
        security: index into the market's securities.
        acquired_date: when it was bought; None when the custodian does not know.
        quantity: in 0.00001.
        cost: in 0.0001 of the account's base currency, whole cents; None when unknown.
    """

    lot_id: str
    security: int
    acquired_date: date | None
    quantity: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Gain:
    """A closed part of a lot.

    Attributes:
        lot_id, security, acquired_date, cost: as of the lot, the closed part's.
        number: of the sale's booking.
        sold_date: trade date of the sale.
        reported_date: in whose file it stands first.
        quantity: closed, positive, in 0.00001.
        proceeds: net of commission, in 0.0001, whole cents.
        term: over a year is long.
    """

    lot_id: str
    security: int
    acquired_date: date | None
    number: int
    sold_date: date
    reported_date: date
    quantity: int
    proceeds: int
    cost: int | None
    term: Term


def term(acquired: date | None, until: date) -> Term:
    """Long when held for more than a year: sold on a later day than the anniversary of the purchase."""
    if acquired is None:
        return "unknown"
    try:
        anniversary = acquired.replace(year=acquired.year + 1)
    except ValueError:
        anniversary = date(acquired.year + 1, 2, 28)
    return "long" if until > anniversary else "short"


def opening_lots(seed: int, market: Market, opening: Opening) -> list[Lot]:
    """The lots that an account's opening holdings consist of."""
    lots: list[Lot] = []
    for security, quantity in sorted(opening.holdings.items()):
        draw = random.Random(f"{seed}/lots/{'/'.join(opening.account.key)}/{security}")
        parts = [quantity]
        unit = QUANTITY_UNITS * (1000 if market.securities[security].is_bond else 1)
        if quantity >= 4 * unit and draw.random() < 0.5:
            first = quantity // (2 * unit) * unit
            parts = [first, quantity - first]
        days = sorted(draw.sample(range(30, 2_000), k=len(parts)), reverse=True)
        for part, before in zip(parts, days, strict=True):
            bought = market.days[0] - timedelta(days=before)
            worth = principal(market, opening.account, security, market.days[0], part, int(market.prices[0, security]))
            share = Fraction(draw.randint(40, 115), 100)
            cost = None if draw.random() < 0.1 else max(CENT, cents(Fraction(worth, MONEY_UNITS) * share))
            lots.append(Lot(f"O{len(lots) + 1:05d}", security, bought if cost is not None else None, part, cost))
    return lots


def lots_and_gains(opened: Sequence[Lot], bookings: Iterable[Transaction]) -> tuple[list[Lot], list[Gain]]:
    """The lots that are open after the bookings, and what their sales realised.

    Args:
        opened: lots at the beginning.
        bookings: of one account, those that count; in any order.
    """
    held: dict[int, list[Lot]] = {}
    for lot in opened:
        held.setdefault(lot.security, []).append(lot)
    gains: list[Gain] = []
    for booking in sorted(bookings, key=lambda b: (b.trade_date, b.quantity < 0, b.number)):
        if booking.security is None or not booking.quantity:
            continue
        if booking.quantity > 0:
            is_bought = booking.type != "TRANSFER_IN"
            cost = -booking.amount - booking.accrued_interest if is_bought else None
            acquired = booking.trade_date if is_bought else None
            lot = Lot(f"T{booking.number:05d}", booking.security, acquired, booking.quantity, cost)
            held.setdefault(booking.security, []).append(lot)
        else:
            gains.extend(_relieved(held, booking))
    return [lot for lots in held.values() for lot in lots], gains


def _relieved(held: dict[int, list[Lot]], booking: Transaction) -> list[Gain]:
    """Take the booking's quantity out of the oldest lots; cents that do not divide go to the last part."""
    lots = held[booking.security or 0]
    wanted, left, proceeds = -booking.quantity, -booking.quantity, booking.amount
    gains: list[Gain] = []
    while left:
        lot = lots[0]
        closed = min(left, lot.quantity)
        cost = lot.cost
        if cost is not None and closed < lot.quantity:
            cost = Fraction(cost * closed, lot.quantity * CENT).__floor__() * CENT
        share = proceeds if closed == left else booking.amount * closed // (wanted * CENT) * CENT
        left, proceeds = left - closed, proceeds - share
        if booking.type == "SELL":
            gains.append(
                Gain(
                    lot.lot_id, lot.security, lot.acquired_date, booking.number, booking.trade_date,
                    booking.reported_date, closed, share, cost, term(lot.acquired_date, booking.trade_date),
                )
            )  # fmt: skip
        if closed == lot.quantity:
            lots.pop(0)
        else:
            rest = None if lot.cost is None or cost is None else lot.cost - cost
            lots[0] = replace(lot, quantity=lot.quantity - closed, cost=rest)
    return gains


def known_on(bookings: Iterable[Transaction], day: date) -> list[Transaction]:
    """The bookings that a custodian knows of at the close of a day and has not cancelled by then."""
    return [b for b in bookings if b.reported_date <= day and (b.cancelled_date is None or b.cancelled_date > day)]


def account_bookings(transactions: Iterable[Transaction]) -> dict[tuple[str, str, str], list[Transaction]]:
    """Bookings by account key."""
    found: dict[tuple[str, str, str], list[Transaction]] = {}
    for booking in transactions:
        found.setdefault(booking.account.key, []).append(booking)
    return found


def is_covered(account: Account, acquired: date | None) -> bool:
    """Whether the custodian reports the cost to the tax authority: in taxable accounts, what was bought since 2011."""
    return account.tax_status == "taxable" and acquired is not None and acquired >= date(2011, 1, 1)
