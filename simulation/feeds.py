"""What the providers of a simulated world deliver on each day, before any fault disturbs it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from simulation.decimals import checked_product, decimal_series, half_even_array
from simulation.delivery import Delivery, custodian_arrival, euro_rates_arrival, prices_arrival
from simulation.firm import CONNECTIONS, Account, Firm, Style
from simulation.market import Ints, Market
from simulation.providers import CUSTODIANS, custodian_writer, vendor_writer
from simulation.scene import Scene
from simulation.trading import Trading
from simulation.transactions import Transaction
from simulation.truth import Holdings
from simulation.writers import closing_prices, ecb, ofx, schwab

SHARED = "_shared"
_HISTORY_DAYS = 366


class Feeds:
    """The undisturbed files of every day, made on demand.

    Args:
        seed: of the arrival times.
        market: days, prices and rates.
        firm: who holds accounts.
        booked: transactions, with the days on which they were reported or cancelled.
        reported: holdings as the custodians know them on each day.
        vendors: market-data vendors that deliver beside the closing prices and the euro rates.
    """

    def __init__(
        self, seed: int, market: Market, firm: Firm, booked: Trading, reported: Holdings, vendors: Sequence[str] = ()
    ) -> None:
        self._scene = Scene(seed, market, firm, booked, reported)
        self._vendors = {vendor: vendor_writer(vendor) for vendor in vendors}
        self._seed, self._market, self._firm, self._held = seed, market, firm, reported
        self._rows: dict[tuple[str, date], list[tuple[Transaction, bool]]] = defaultdict(list)
        self._by_account: dict[tuple[str, str, str], list[Transaction]] = defaultdict(list)
        for booking in booked.transactions:
            account = booking.account
            if account.style == "schwab":
                self._rows[account.tenant, booking.reported_date].append((booking, False))
                if booking.cancelled_date is not None:
                    self._rows[account.tenant, booking.cancelled_date].append((booking, True))
            elif account.style not in CUSTODIANS:
                self._by_account[account.key].append(booking)
        self._places = {account.key: place for place, account in enumerate(firm.accounts)}
        self._parts = pl.Series([schwab.security_part(listed) for listed in market.securities])
        self._dates = pl.Series(market.days, dtype=pl.Date)

    def deliveries(self, day: date) -> Iterator[Delivery]:
        """All files of one business day, market data first."""
        yield from self._market_data(day)
        for tenant, plan in sorted(self._firm.plans.items()):
            held_at_schwab = self._firm.of(tenant, "schwab_main")
            if held_at_schwab:
                master = schwab.Master(plan.master_account, f"{tenant.upper()} WEALTH PARTNERS"[:30])
                yield from self._core_files(tenant, held_at_schwab, master, day)
            for account in self._firm.of(tenant, "ofx_direct"):
                yield from self._statements(account, day)
            yield from self._other_custodians(tenant, plan.styles, day)

    def _other_custodians(self, tenant: str, styles: Sequence[Style], day: date) -> Iterator[Delivery]:
        for style in CUSTODIANS:
            if style not in styles:
                continue
            accounts = self._scene.held_at(tenant, style, day)
            for name, kind, content in custodian_writer(style)(self._scene, tenant, accounts, day):
                yield self._custodian(tenant, CONNECTIONS[style], name, kind, day, content)

    def _market_data(self, day: date) -> Iterator[Delivery]:
        market, place = self._market, self._market.place(day)
        before = market.days[place - 1] if place else day - timedelta(days=1)
        if place == 0:
            history = ecb.history_document(market.euro, before - timedelta(days=_HISTORY_DAYS), before)
            yield self._shared("ecb", ecb.HISTORY_NAME, "HIST", day, euro_rates_arrival(before), history)
        for fixing in (before + timedelta(days=n) for n in range(1, (day - before).days + 1)):
            if fixing in market.euro.quotes:
                content = ecb.daily_document(market.euro, fixing)
                yield self._shared(
                    "ecb", ecb.daily_name(fixing), "DAILY", fixing, euro_rates_arrival(fixing), content, day
                )
        prices = closing_prices.document(market, place)
        yield self._shared("closing_prices", closing_prices.file_name(day), "PRICES", day, prices_arrival(day), prices)
        for vendor, write in self._vendors.items():
            for name, kind, content in write(market, day):
                yield self._shared(vendor, name, kind, day, prices_arrival(day), content)

    def _shared(
        self, connection: str, name: str, kind: str, day: date, arrived_at: datetime, content: bytes,
        night: date | None = None,
    ) -> Delivery:  # fmt: skip
        return Delivery(SHARED, connection, name, kind, day, night or day, arrived_at, content)

    def _custodian(self, tenant: str, connection: str, name: str, kind: str, day: date, content: bytes) -> Delivery:
        arrived_at = custodian_arrival(self._seed, self._market.calendar, day, f"{tenant}/{connection}/{name}")
        return Delivery(tenant, connection, name, kind, day, day, arrived_at, content)

    # --- Schwab -------------------------------------------------------------------------------------------------------

    def _core_files(self, tenant: str, accounts: list[Account], master: schwab.Master, day: date) -> Iterator[Delivery]:
        place = self._market.place(day)
        open_accounts = [account for account in accounts if account.opened_place <= place]
        usable = [number for number, listed in enumerate(self._market.securities) if listed.currency == "USD"]
        blocks = {
            "ACC": [schwab.text_block(schwab.account_line(master, account, day) for account in open_accounts)],
            "SEC": [schwab.text_block(schwab.security_line(self._market, master, s, place) for s in usable)],
            "TRN": [
                schwab.text_block(
                    schwab.transaction_line(self._market, master, booking, day, is_cancel=is_cancel)
                    for booking, is_cancel in self._rows[tenant, day]
                )
            ],
            "RPS": self._reconciliation(open_accounts, master, place),
        }
        for kind, parts in blocks.items():
            content = schwab.document(master, day, kind, parts)
            yield self._custodian(tenant, "schwab_main", schwab.file_name(day, kind), kind, day, content)

    def _reconciliation(self, accounts: list[Account], master: schwab.Master, place: int) -> list[tuple[bytes, int]]:
        held, market, day = self._held, self._market, self._market.days[place]
        places = np.array([self._places[account.key] for account in accounts], dtype=np.int64)
        quantities = held.quantities[places, place]
        rows, listed = np.nonzero(quantities)
        quantity = quantities[rows, listed]
        worth = schwab_values(market, place, listed, quantity)
        numbers = pl.Series([account.account_number for account in accounts])
        positions = pl.DataFrame(
            {
                "account_number": numbers[rows],
                "security_part": self._parts[listed],
                "price_date": self._dates[market.price_places[place, listed]],
                "closing_price": decimal_series("p", market.prices[place, listed], 5),
                "quantity": decimal_series("q", quantity, 5),
                "quantity_settled": decimal_series("s", held.settled_quantities[places, place][rows, listed], 5),
                "market_value": decimal_series("v", worth, 5),
            }
        )
        totals = np.zeros(len(accounts), dtype=np.int64)
        np.add.at(totals, rows, worth)
        balances = pl.DataFrame(
            {
                "account_number": numbers,
                "title": [account.title for account in accounts],
                "registration": [account.registration for account in accounts],
                "cash": decimal_series("c", held.cash[places, place] * 10, 5),
                "cash_settled": decimal_series("s", held.settled_cash[places, place] * 10, 5),
                "market_value": decimal_series("v", totals, 5),
            }
        )
        return [
            schwab.column_block(schwab.position_lines(positions, master, day)),
            schwab.column_block(schwab.balance_lines(balances, master, day)),
        ]

    # --- OFX ----------------------------------------------------------------------------------------------------------

    def _statements(self, account: Account, day: date) -> Iterator[Delivery]:
        market, place = self._market, self._market.place(day)
        due = [p for p in statement_places(market, is_weekly=account.is_weekly) if p > account.opened_place]
        due.insert(0, account.opened_place)
        if place not in due:
            return
        index = due.index(place)
        # A weekly statement repeats the week before; a monthly one begins where the last one ended.
        start = index - (2 if account.is_weekly else 1)
        first = market.days[due[start]] + timedelta(days=1) if start >= 0 else market.days[account.opened_place]
        held = self._held.quantities[self._places[account.key], place]
        stated = ofx.Statement(
            account=account,
            first_date=first,
            last_date=day,
            transactions=tuple(t for t in self._by_account[account.key] if first <= t.trade_date <= day),
            holdings={int(number): int(held[number]) for number in np.nonzero(held)[0]},
            cash=int(self._held.settled_cash[self._places[account.key], place]),
        )
        name = ofx.file_name(account.account_number, day)
        yield self._custodian(account.tenant, account.connection, name, "OFX", day, ofx.document(market, stated))


def schwab_values(market: Market, place: int, listed: npt.NDArray[np.intp], quantity: Ints) -> Ints:
    """Market values in dollars, rounded half-even to the cent and counted in 0.00001, as the files write them."""
    product = checked_product(quantity, market.prices[place, listed])
    is_bond = np.array([security.is_bond for security in market.securities])[listed]
    cents = np.where(is_bond, half_even_array(product, 10**10), half_even_array(product, 10**8))
    return cents.astype(np.int64) * 1000


def statement_places(market: Market, *, is_weekly: bool) -> list[int]:
    """Indices of the days on which statements are due: each week's or month's last business day, and the last day."""
    days = market.days

    def period(day: date) -> tuple[int, int]:
        return day.isocalendar()[:2] if is_weekly else (day.year, day.month)

    return [n for n, day in enumerate(days) if n == len(days) - 1 or period(days[n + 1]) != period(day)]
