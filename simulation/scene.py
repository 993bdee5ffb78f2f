"""What the writer of a custodian's files may know of the simulated world: its accounts, as the custodian sees them.

A writer offers ``files(scene, tenant, accounts, day)``, which yields name, kind and content of every file of one
business day. It sees the custodian's own view: a booking stands in the file of its reported day, a cancel in that of
the cancelled day, and holdings are those of bookings that were reported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Protocol

from simulation.firm import Account, Firm, Style
from simulation.lots import Gain, Lot, account_bookings, known_on, lots_and_gains, opening_lots
from simulation.market import Market
from simulation.trading import Trading
from simulation.transactions import Transaction
from simulation.truth import Holdings

Key = tuple[str, str, str]


class CustodianWriter(Protocol):
    """Writes one custodian's files."""

    def __call__(
        self, scene: Scene, tenant: str, accounts: Sequence[Account], day: date
    ) -> Iterator[tuple[str, str, bytes]]:
        """Name, kind and content of each file of a business day for the accounts."""


@dataclass(frozen=True)
class Scene:
    """The custodians' view of a simulated world.

    Attributes:
        seed: of the world.
        market: days, prices and rates.
        firm: who holds accounts.
        booked: openings and transactions.
        reported: holdings and cash as the custodians know them; arrays are accounts × days (× securities).
    """

    seed: int
    market: Market
    firm: Firm
    booked: Trading
    reported: Holdings

    @cached_property
    def places(self) -> Mapping[Key, int]:
        """Account key to its index in the arrays of ``reported``."""
        return {account.key: place for place, account in enumerate(self.firm.accounts)}

    @cached_property
    def bookings(self) -> Mapping[Key, list[Transaction]]:
        """All bookings of each account."""
        return account_bookings(self.booked.transactions)

    @cached_property
    def _by_day(self) -> Mapping[tuple[Key, date], list[tuple[Transaction, bool]]]:
        found: dict[tuple[Key, date], list[tuple[Transaction, bool]]] = defaultdict(list)
        for booking in self.booked.transactions:
            found[booking.account.key, booking.reported_date].append((booking, False))
            if booking.cancelled_date is not None:
                found[booking.account.key, booking.cancelled_date].append((booking, True))
        return found

    @cached_property
    def _opened(self) -> Mapping[Key, list[Lot]]:
        return {o.account.key: opening_lots(self.seed, self.market, o) for o in self.booked.openings}

    def held_at(self, tenant: str, style: Style, day: date) -> list[Account]:
        """The tenant's accounts of a style that are open on a day, in the firm's order."""
        place = self.market.place(day)
        return [a for a in self.firm.accounts if a.tenant == tenant and a.style == style and a.opened_place <= place]

    def rows(self, accounts: Sequence[Account], day: date) -> list[tuple[Transaction, bool]]:
        """What a transactions file of the day states: bookings, and with True those that it cancels."""
        return [row for account in accounts for row in self._by_day.get((account.key, day), ())]

    def holdings(self, account: Account, day: date) -> dict[int, int]:
        """Security to quantity in 0.00001 at the close, by trade date; nothing that is zero."""
        held = self.reported.quantities[self.places[account.key], self.market.place(day)]
        return {int(security): int(held[security]) for security in held.nonzero()[0]}

    def settled_quantity(self, account: Account, security: int, day: date) -> int:
        """Quantity in 0.00001 by settlement date."""
        return int(self.reported.settled_quantities[self.places[account.key], self.market.place(day), security])

    def cash(self, account: Account, day: date) -> int:
        """Cash by trade date, in 0.0001 of the base currency."""
        return int(self.reported.cash[self.places[account.key], self.market.place(day)])

    def settled_cash(self, account: Account, day: date) -> int:
        """Cash by settlement date, in 0.0001 of the base currency."""
        return int(self.reported.settled_cash[self.places[account.key], self.market.place(day)])

    def lots(self, account: Account, day: date) -> list[Lot]:
        """The account's open lots at the close of a day, as its custodian knows them."""
        return self._kept(account, day)[0]

    def gains(self, account: Account, day: date) -> list[Gain]:
        """What the account's sales have realised up to a day, as its custodian knows them."""
        return self._kept(account, day)[1]

    def _kept(self, account: Account, day: date) -> tuple[list[Lot], list[Gain]]:
        return lots_and_gains(self._opened[account.key], known_on(self.bookings.get(account.key, ()), day))
