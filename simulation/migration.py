"""Accounts that move from TD Ameritrade to Schwab on one day, as the two custodians tell of it.

Up to the last business day before the move TD Ameritrade delivers its files; on the day it delivers its last bookings,
by which everything leaves. From that day on Schwab's files hold the accounts under new numbers: what was received, the
account map, and the history of the weeks before, restated as backdated transactions. Nothing happens to the accounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Final

from simulation.delivery import Delivery, custodian_arrival
from simulation.feeds import Feeds
from simulation.firm import CONNECTIONS, Account, Firm
from simulation.scene import Scene
from simulation.trading import Trading
from simulation.transactions import Transaction
from simulation.world import World
from simulation.writers import schwab, schwab_lots, tda

FROM: Final = CONNECTIONS["tda"]
TO: Final = CONNECTIONS["schwab"]
_FIRST_NUMBER: Final = 90_000
"""Numbers of the bookings of the move, beyond any that an account has."""


@dataclass(frozen=True)
class Migration:
    """A world whose accounts at TD Ameritrade move to Schwab.

    Attributes:
        world: as simulated: it knows of no move, for nothing happens to the accounts.
        tenant: whose accounts move.
        day: the business day from which Schwab holds them.
        left_on: the day, business day or not, on which TD Ameritrade books that they leave.
        tda_says_it: whether TD Ameritrade books that they leave.
        schwab_says_it: whether Schwab books that they were received.
    """

    world: World
    tenant: str
    day: date
    left_on: date
    tda_says_it: bool = True
    schwab_says_it: bool = True

    @cached_property
    def numbers(self) -> Mapping[str, str]:
        """Number at TD Ameritrade to number at Schwab."""
        own = self.world.firm.of(self.tenant, FROM)
        return {account.account_number: f"7{account.account_number[-7:]}" for account in own}

    def deliveries(self, day: date) -> Iterator[Delivery]:
        """The files of a business day: market data, and both custodians'."""
        world, market = self.world, self.world.market
        is_after = day >= self.day
        feeds = self._moved_feeds if is_after else world.feeds
        yield from (delivery for delivery in feeds.deliveries(day) if delivery.connection != FROM)
        scene = self._scene
        accounts = scene.held_at(self.tenant, "tda", min(day, market.calendar.shift(self.day, -1)))
        if not is_after:
            for name, kind, content in tda.files(scene, self.tenant, accounts, day):
                yield self._delivery(FROM, name, kind, day, content)
        if day == self.day:
            yield from self._files_of_the_move(accounts)

    def _files_of_the_move(self, accounts: list[Account]) -> Iterator[Delivery]:
        market, rep = self.world.market, self.world.firm.plans[self.tenant].master_account
        master = schwab.Master(rep, f"{self.tenant.upper()} WEALTH PARTNERS"[:30])
        if self.tda_says_it:
            rows = [tda.transaction_row(market, rep, leg, self.day, False) for leg in self._legs(-1)]
            content = tda.lines(_cash_as_delivery(row) for row in rows)
            yield self._delivery(FROM, tda.file_name(rep, self.day, "TRN"), "TRN", self.day, content)
        moves = [(rep, old, new) for old, new in sorted(self.numbers.items())]
        mapped = schwab_lots.map_document(master, self.day, moves)
        yield self._delivery(TO, schwab.file_name(self.day, "MXR"), "MXR", self.day, mapped)
        history = [
            schwab.transaction_line(market, master, replace(booking, account=self._moved(booking.account)), self.day)
            for account in accounts
            for booking in self._scene.bookings.get(account.key, ())
            if booking.reported_date < self.day
        ]
        restated = schwab.document(master, self.day, "BAK", [schwab.text_block(history)])
        yield self._delivery(TO, schwab.file_name(self.day, "BAK"), "BAK", self.day, restated)

    def _delivery(self, connection: str, name: str, kind: str, day: date, content: bytes) -> Delivery:
        calendar, seed = self.world.market.calendar, self.world.config.seed
        arrived_at = custodian_arrival(seed, calendar, day, f"{self.tenant}/{connection}/{name}")
        return Delivery(self.tenant, connection, name, kind, day, day, arrived_at, content)

    @cached_property
    def _scene(self) -> Scene:
        world = self.world
        return Scene(world.config.seed, world.market, world.firm, world.booked, world.reported)

    @cached_property
    def _moved_feeds(self) -> Feeds:
        """The files of the world in which the accounts have been at Schwab all along, and were received on the day."""
        world = self.world
        firm = Firm(world.firm.plans, tuple(self._moved(account) for account in world.firm.accounts))
        received = self._legs(1) if self.schwab_says_it else []
        booked = Trading(
            tuple(replace(opening, account=self._moved(opening.account)) for opening in world.booked.openings),
            tuple(
                replace(booking, account=self._moved(booking.account))
                for booking in (*world.booked.transactions, *received)
            ),
        )
        return Feeds(world.config.seed, world.market, firm, booked, world.reported)

    def _moved(self, account: Account) -> Account:
        if account.tenant != self.tenant or account.connection != FROM:
            return account
        number = self.numbers[account.account_number]
        return replace(account, style="schwab", connection=TO, account_number=number)

    def _legs(self, sign: int) -> list[Transaction]:
        """Bookings by which everything leaves (-1) or is received (1): the holdings, and the cash."""
        market = self.world.market
        last = market.calendar.shift(self.day, -1)
        when = self.day if sign > 0 else self.left_on
        legs: list[Transaction] = []
        for account in self._scene.held_at(self.tenant, "tda", last):
            moved: list[tuple[str, int | None, int, int]] = [
                ("TRANSFER_IN" if sign > 0 else "TRANSFER_OUT", security, sign * quantity, 0)
                for security, quantity in self._scene.holdings(account, last).items()
            ]
            cash = self._scene.cash(account, last)
            if cash:
                moved.append(("DEPOSIT" if sign > 0 else "WITHDRAWAL", None, 0, sign * cash))
            for n, (kind, security, quantity, amount) in enumerate(moved):
                legs.append(
                    Transaction(
                        account=account, number=_FIRST_NUMBER + n, type=kind, security=security, trade_date=when,
                        settle_date=when, reported_date=self.day, quantity=quantity, price=0, amount=amount,
                    )
                )  # fmt: skip
        return legs


def _cash_as_delivery(row: list[str]) -> list[str]:
    """Cash leaves by the code of securities that are delivered, without a symbol."""
    return [*row[:3], "DEL", *row[4:]] if row[3] == "WTH" else row


def weekend_before(day: date) -> date:
    """The Saturday before a day."""
    return day - timedelta(days=(day.weekday() + 2) % 7 or 7)
