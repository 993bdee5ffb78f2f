"""The truth of the simulated world: positions, cash, values and returns, in its own exact bookkeeping.

Everything is a sum of integers or a ratio of them, written without regard to how the platform computes the same. Two
views of the bookings exist: the final one (every booking in effect on its trade date, cancelled ones never) and the
custodian's own (a booking counts once it was reported, until it was cancelled), which its daily files state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from simulation.decimals import half_even
from simulation.firm import Account, Firm
from simulation.market import PRICE_UNITS, Ints, Market
from simulation.trading import Trading
from simulation.transactions import INFLOW_TYPES, MONEY_UNITS, OUTFLOW_TYPES, QUANTITY_UNITS, Transaction

_EXACT = Context(prec=50)


@dataclass(frozen=True)
class Holdings:
    """What every account holds at the close of every day.

    Attributes:
        quantities: int64, accounts × days × securities, in 0.00001, by trade date.
        cash: int64, accounts × days, in 0.0001 of the base currency, by trade date.
        settled_cash: the same by settlement date.
        settled_quantities: the same as quantities by settlement date.
    """

    quantities: Ints
    cash: Ints
    settled_cash: Ints
    settled_quantities: Ints


@dataclass(frozen=True)
class Valuation:
    """One account on one day, money in 0.0001 of its base currency.

    Attributes:
        daily_return: (value + outflow) / (previous value + inflow) - 1, None on the first day or without capital.
        linked_return: product of the daily factors since the first day, less one; 0 on the first day.
        return_reason: why daily_return is None.
    """

    account_place: int
    day_place: int
    securities_value: int
    cash_value: int
    inflow: int
    outflow: int
    daily_return: Decimal | None
    linked_return: Decimal | None
    return_reason: str | None

    @property
    def total_value(self) -> int:
        """Securities and cash."""
        return self.securities_value + self.cash_value


def holdings(market: Market, firm: Firm, booked: Trading, *, is_as_reported: bool) -> Holdings:
    """Add up openings and bookings, day by day, in one of the two views."""
    shape = (len(firm.accounts), len(market.days), len(market.securities))
    quantities, settled_quantities = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    cash, settled = np.zeros(shape[:2], dtype=np.int64), np.zeros(shape[:2], dtype=np.int64)
    places = {account.key: place for place, account in enumerate(firm.accounts)}
    for opening in booked.openings:
        place = places[opening.account.key]
        for security, quantity in opening.holdings.items():
            quantities[place, 0, security] += quantity
            settled_quantities[place, 0, security] += quantity
        cash[place, 0] += opening.cash
        settled[place, 0] += opening.cash
    for booking in booked.transactions:
        for day, settle_day, sign in _effects(market, booking, is_as_reported=is_as_reported):
            place = places[booking.account.key]
            if day < shape[1]:
                cash[place, day] += sign * booking.amount
                if booking.security is not None:
                    quantities[place, day, booking.security] += sign * booking.quantity
            if settle_day < shape[1]:
                settled[place, settle_day] += sign * booking.amount
                if booking.security is not None:
                    settled_quantities[place, settle_day, booking.security] += sign * booking.quantity
    return Holdings(
        np.cumsum(quantities, axis=1), np.cumsum(cash, axis=1), np.cumsum(settled, axis=1),
        np.cumsum(settled_quantities, axis=1),
    )  # fmt: skip


def _effects(market: Market, booking: Transaction, *, is_as_reported: bool) -> list[tuple[int, int, int]]:
    """Day and settlement day on which the booking counts, with its sign; a cancelled one has two effects or none."""
    if not is_as_reported:
        if booking.cancelled_date is not None:
            return []
        return [(market.place(booking.trade_date), market.place(booking.settle_date), 1)]
    day = market.place(max(booking.trade_date, booking.reported_date))
    settles = market.place(max(booking.settle_date, booking.reported_date))
    effects = [(day, settles, 1)]
    if booking.cancelled_date is not None:
        cancelled = market.place(booking.cancelled_date)
        effects.append((max(day, cancelled), max(settles, cancelled), -1))
    return effects


class Pricing:
    """Value of one unit of each security, on each day, in each base currency, as an exact ratio.

    A value is quantity × price × price factor × cross rate, rounded half-even to 0.0001 once.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._ratios: dict[tuple[int, int, str], tuple[int, int]] = {}

    def value(self, security: int, day: int, currency: str, quantity: int) -> int:
        """Value in 0.0001 of ``currency`` of a quantity in 0.00001 at the close of a day."""
        ratio = self._ratios.get((security, day, currency))
        if ratio is None:
            ratio = self._ratios[security, day, currency] = self._ratio(security, day, currency)
        return half_even(quantity * ratio[0], ratio[1])

    def _ratio(self, security: int, day: int, currency: str) -> tuple[int, int]:
        market, listed = self._market, self._market.securities[security]
        rate = market.euro.rate(market.days[day], listed.currency, currency)
        price = Fraction(int(market.prices[day, security]), PRICE_UNITS) * Fraction(listed.price_factor)
        unit = price * rate * Fraction(MONEY_UNITS, QUANTITY_UNITS)
        return unit.numerator, unit.denominator


def position_values(pricing: Pricing, firm: Firm, held: Holdings) -> Ints:
    """Value of every holding in its account's base currency: int64, accounts × days × securities, in 0.0001."""
    values = np.zeros(held.quantities.shape, dtype=np.int64)
    for place, account in enumerate(firm.accounts):
        days, listed = np.nonzero(held.quantities[place])
        quantities = held.quantities[place, days, listed]
        values[place, days, listed] = [
            pricing.value(security, day, account.base_currency, quantity)
            for day, security, quantity in zip(days.tolist(), listed.tolist(), quantities.tolist(), strict=True)
        ]
    return values


def flows(market: Market, firm: Firm, booked: Sequence[Transaction], pricing: Pricing) -> tuple[Ints, Ints]:
    """External inflow and outflow per account and day, both positive: int64, accounts × days, in 0.0001.

    A flow on a day without business counts on the next business day; in kind it counts at market value.
    """
    shape = (len(firm.accounts), len(market.days))
    inflow, outflow = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    places = {account.key: place for place, account in enumerate(firm.accounts)}
    for booking in booked:
        day = market.place(booking.trade_date)
        if booking.cancelled_date is not None or day >= shape[1]:
            continue
        if booking.type not in INFLOW_TYPES | OUTFLOW_TYPES:
            continue
        value = booking.amount
        if booking.security is not None:
            value += pricing.value(booking.security, day, booking.account.base_currency, booking.quantity)
        place = places[booking.account.key]
        if value >= 0:
            inflow[place, day] += value
        else:
            outflow[place, day] -= value
    return inflow, outflow


def valuations(firm: Firm, held: Holdings, values: Ints, moved: tuple[Ints, Ints]) -> list[Valuation]:
    """Every account on every day from its first, with its returns."""
    securities_value: npt.NDArray[np.int64] = values.sum(axis=2)
    rows: list[Valuation] = []
    for place, account in enumerate(firm.accounts):
        rows.extend(
            _history(
                account, place, securities_value[place].tolist(), held.cash[place].tolist(),
                moved[0][place].tolist(), moved[1][place].tolist(),
            )
        )  # fmt: skip
    return rows


def _history(
    account: Account, place: int, worth: list[int], cash: list[int], inflow: list[int], outflow: list[int]
) -> list[Valuation]:
    first = account.opened_place
    opening = worth[first] + cash[first]
    rows = [Valuation(place, first, worth[first], cash[first], opening, 0, None, Decimal(0), "first_day")]
    factor: Decimal | None = Decimal(1)
    for day in range(first + 1, len(worth)):
        begin, end = rows[-1].total_value, worth[day] + cash[day]
        daily: Decimal | None = None
        reason: str | None = None
        if begin + inflow[day] > 0:
            growth = _EXACT.divide(Decimal(end + outflow[day]), Decimal(begin + inflow[day]))
            daily = _EXACT.subtract(growth, Decimal(1))
            factor = None if factor is None else _EXACT.multiply(factor, growth)
        else:
            reason = "no_capital" if begin + inflow[day] == 0 else "non_positive_denominator"
            factor = None
        linked = None if factor is None else _EXACT.subtract(factor, Decimal(1))
        rows.append(
            Valuation(place, day, worth[day], cash[day], inflow[day], outflow[day], daily, linked, reason)
        )  # fmt: skip
    return rows
