"""What is booked in a simulated account: transactions and opening holdings, in integers.

Quantities and prices are counted in 0.00001, money in 0.0001; every amount is a whole number of cents. Signs are the
ledger's: a positive quantity adds to the holding, a positive amount adds to cash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from simulation.firm import Account
from simulation.market import PRICE_UNITS, Market

QUANTITY_UNITS = 100_000
MONEY_UNITS = 10_000
CENT = MONEY_UNITS // 100

INFLOW_TYPES = frozenset({"DEPOSIT", "TRANSFER_IN", "JOURNAL"})
OUTFLOW_TYPES = frozenset({"WITHDRAWAL", "TRANSFER_OUT", "JOURNAL"})
"""Types that carry value over the account's border; a JOURNAL does so in the direction of its sign."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One booking, as it should have been known from the start.

    Attributes:
        account: where it is booked.
        number: counts the account's bookings from one; the provider's id follows from it.
        type: a code of the ledger's transaction types.
        security: index into the market's securities, None for cash alone.
        trade_date: when it takes effect.
        settle_date: when cash and securities change hands.
        reported_date: business day in whose file it stands; later than trade_date when it was backdated.
        quantity: in 0.00001, signed.
        price: in 0.00001, in the security's currency and quotation; 0 where there is none.
        amount: in 0.0001 of the account's base currency, signed, all costs included.
        commission: in 0.0001, positive, included in amount.
        accrued_interest: in 0.0001, positive, included in amount.
        counterparty: the other account of a journal.
        cancelled_date: business day in whose file a row cancels it; it then never counts.
    """

    account: Account
    number: int
    type: str
    security: int | None
    trade_date: date
    settle_date: date
    reported_date: date
    quantity: int
    price: int
    amount: int
    commission: int = 0
    accrued_interest: int = 0
    counterparty: str | None = None
    cancelled_date: date | None = None

    @property
    def provider_id(self) -> str:
        """The id that an OFX statement gives it."""
        return f"{self.trade_date:%Y%m%d}{self.number:06d}"


@dataclass(frozen=True)
class Opening:
    """What an account holds at the close of its first simulated day, before any booking of the simulation.

    Attributes:
        holdings: index of the security to quantity in 0.00001.
        cash: in 0.0001 of the base currency, settled.
    """

    account: Account
    holdings: dict[int, int] = field(default_factory=dict)
    cash: int = 0


def principal(market: Market, account: Account, security: int, day: date, quantity: int, price: int) -> int:
    """Money for quantity at price in the account's base currency, in 0.0001, rounded half-even to the cent."""
    listed = market.securities[security]
    rate = market.euro.rate(day, listed.currency, account.base_currency)
    return cents(Fraction(quantity * price, QUANTITY_UNITS * PRICE_UNITS) * Fraction(listed.price_factor) * rate)


def cents(money: Fraction) -> int:
    """Money in whole cents, half-even, counted in 0.0001."""
    return round(money * 100) * CENT
