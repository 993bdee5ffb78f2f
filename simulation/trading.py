"""Life in the simulated accounts: who trades what, when, from the seed.

Day by day and account by account, with integer arithmetic. Nothing trades on an account's first day, so that its
opening snapshot is exact. Buys and sells settle two business days later, everything else on its own day.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from simulation.firm import US_STYLES, Account, Firm
from simulation.market import PRICE_UNITS, Market
from simulation.transactions import CENT, MONEY_UNITS, QUANTITY_UNITS, Opening, Transaction, cents, principal

SETTLEMENT_DAYS = 2
_EX_DAYS = 10
_QUARTER_DAYS = 63
_COMMISSION = 495 * CENT
_ADVISORY_BPS_A_QUARTER = 25


@dataclass
class _Book:
    """The running state of one account while it is simulated."""

    account: Account
    draw: random.Random
    menu: list[int]
    holdings: dict[int, int] = field(default_factory=dict)
    cash: int = 0
    unsettled: list[tuple[date, int]] = field(default_factory=list)
    income: list[tuple[int, int, int]] = field(default_factory=list)  # pay day's place, security, amount
    booked: list[Transaction] = field(default_factory=list)

    def free_cash(self, day: date) -> int:
        """Cash that could leave today: without proceeds that have not settled."""
        self.unsettled = [(settles, amount) for settles, amount in self.unsettled if settles > day]
        return self.cash - sum(amount for _, amount in self.unsettled)


@dataclass(frozen=True)
class Trading:
    """All bookings of a simulated world.

    Attributes:
        openings: one per account, in the firm's order.
        transactions: in the order in which they were made.
    """

    openings: tuple[Opening, ...]
    transactions: tuple[Transaction, ...]


def trading(seed: int, market: Market, firm: Firm) -> Trading:
    """Simulate every account over the market's days."""
    books = [_opened(seed, market, account) for account in firm.accounts]
    openings = tuple(Opening(book.account, dict(book.holdings), book.cash) for book in books)
    households: dict[tuple[str, str, str], list[_Book]] = defaultdict(list)
    for book in books:
        if book.account.style in US_STYLES:
            households[book.account.tenant, book.account.household, book.account.style].append(book)
    couples = [group for group in households.values() if len(group) > 1]
    journal_draw = random.Random(f"{seed}/journal")
    for place in range(len(market.days)):
        for book in books:
            if place == book.account.opened_place > 0:
                _book(book, market, place, "DEPOSIT", amount=book.draw.randint(30_000, 400_000) * MONEY_UNITS)
            elif place > book.account.opened_place:
                _live(book, market, place)
        _journals(couples, journal_draw, market, place)
    return Trading(openings, tuple(booked for book in books for booked in book.booked))


def _opened(seed: int, market: Market, account: Account) -> _Book:
    draw = random.Random(f"{seed}/trading/{'/'.join(account.key)}")
    if account.style == "ofx_bank":
        return _Book(account, draw, [], cash=draw.randint(2_000_00, 90_000_00) * CENT)
    wanted = {"USD"} if account.style in US_STYLES else {"USD", "EUR", "GBP"}
    menu = [place for place, listed in enumerate(market.securities) if listed.currency in wanted]
    book = _Book(account, draw, menu)
    if account.opened_place == 0:
        for security in sorted(draw.sample(menu, k=min(len(menu), draw.randint(9, 17)))):
            book.holdings[security] = _size(market, draw, security, 0, draw.randint(4_000, 60_000))
        book.cash = draw.randint(8_000_00, 60_000_00) * CENT
    return book


def _size(market: Market, draw: random.Random, security: int, place: int, money: int) -> int:
    """A quantity worth about ``money`` units of the security's currency: whole units, for some a fraction."""
    listed = market.securities[security]
    if listed.is_bond:
        return max(1, money // 1000) * 1000 * QUANTITY_UNITS
    whole = max(1, money * PRICE_UNITS // int(market.prices[place, security]))
    fraction = draw.randint(1, 9999) * (QUANTITY_UNITS // 10_000) if draw.random() < 0.2 else 0
    return whole * QUANTITY_UNITS + fraction


def _live(book: _Book, market: Market, place: int) -> None:
    """One day of one account."""
    if book.account.style == "ofx_bank":
        _bank_day(book, market, place)
        return
    _income(book, market, place)
    _periodic(book, market, place)
    draw, luck = book.draw, book.draw.random()
    if luck < 0.060:
        _buy(book, market, place)
    elif luck < 0.100:
        _sell(book, market, place, is_whole=draw.random() < 0.2)
    elif luck < 0.112:
        _book(book, market, place, "DEPOSIT", amount=draw.randint(500_00, 40_000_00) * CENT)
    elif luck < 0.120:
        _withdraw(book, market, place)
    elif luck < 0.123:
        _book(book, market, place, "OTHER_FEE", amount=-draw.choice((15_00, 25_00, 49_95)) * CENT)
    elif luck < 0.126:
        _identical_fills(book, market, place)
    elif luck < 0.1285:
        security = draw.choice(book.menu)
        quantity = _size(market, draw, security, place, draw.randint(2_000, 30_000))
        _book(book, market, place, "TRANSFER_IN", security=security, quantity=quantity)
    elif luck < 0.131 and book.holdings:
        security = draw.choice(sorted(book.holdings))
        _book(book, market, place, "TRANSFER_OUT", security=security, quantity=-book.holdings[security])


def _buy(book: _Book, market: Market, place: int, fills: int = 1) -> None:
    draw, day = book.draw, market.days[place]
    budget = book.free_cash(day) // fills // MONEY_UNITS
    if budget < 2_000:
        return
    security = draw.choice(book.menu)
    quantity = _size(market, draw, security, place, draw.randint(1_000, max(1_000, budget // 2)))
    price = int(market.prices[place, security])
    cost = principal(market, book.account, security, day, quantity, price)
    commission = _COMMISSION if draw.random() < 0.3 else 0
    accrued = 0
    if market.securities[security].is_bond:
        coupon_days = Fraction(draw.randint(1, 179), 360)
        listed = market.securities[security]
        rate = market.euro.rate(day, listed.currency, book.account.base_currency)
        accrued = cents(Fraction(quantity, QUANTITY_UNITS) * Fraction(listed.annual_rate) * coupon_days * rate)
    if (cost + commission + accrued) * fills > book.free_cash(day):
        return
    for _ in range(fills):
        _book(
            book, market, place, "BUY", security=security, quantity=quantity, price=price,
            amount=-(cost + commission + accrued), commission=commission, accrued_interest=accrued,
        )  # fmt: skip


def _identical_fills(book: _Book, market: Market, place: int) -> None:
    """Three fills that agree in every field."""
    _buy(book, market, place, fills=3)


def _sell(book: _Book, market: Market, place: int, *, is_whole: bool) -> None:
    if not book.holdings:
        return
    draw, day = book.draw, market.days[place]
    security = draw.choice(sorted(book.holdings))
    held = book.holdings[security]
    unit = QUANTITY_UNITS * (1000 if market.securities[security].is_bond else 1)
    quantity = held if is_whole or held < 2 * unit else draw.randint(1, held // unit - 1) * unit
    price = int(market.prices[place, security])
    commission = _COMMISSION if draw.random() < 0.3 else 0
    proceeds = principal(market, book.account, security, day, quantity, price)
    if proceeds <= commission:
        return
    _book(
        book, market, place, "SELL", security=security, quantity=-quantity, price=price,
        amount=proceeds - commission, commission=commission,
    )  # fmt: skip


def _withdraw(book: _Book, market: Market, place: int) -> None:
    free = book.free_cash(market.days[place]) // CENT
    if free > 1_000_00:
        _book(book, market, place, "WITHDRAWAL", amount=-book.draw.randint(200_00, free // 2) * CENT)


def _income(book: _Book, market: Market, place: int) -> None:
    """Pay what is due today, and note who holds what on the ex-day of a dividend or coupon ten days before it is paid.

    A holding sold between ex-day and pay day still receives its dividend.
    """
    for _, security, amount in [due for due in book.income if due[0] == place]:
        kind = "INTEREST" if market.securities[security].is_bond else "DIVIDEND"
        _book(book, market, place, kind, security=security, amount=amount)
    book.income = [due for due in book.income if due[0] > place]
    for security, quantity in sorted(book.holdings.items()):
        listed = market.securities[security]
        period = _QUARTER_DAYS * (2 if listed.is_bond else 1)
        if listed.annual_rate == 0 or (place + 7 * security) % period != 0:
            continue
        per_unit = Fraction(1) if listed.is_bond else Fraction(int(market.prices[place, security]), PRICE_UNITS)
        rate = market.euro.rate(market.days[place], listed.currency, book.account.base_currency)
        share = Fraction(listed.annual_rate) * period / (4 * _QUARTER_DAYS)
        amount = cents(Fraction(quantity, QUANTITY_UNITS) * per_unit * share * rate)
        if amount > 0:
            book.income.append((place + _EX_DAYS, security, amount))


def _periodic(book: _Book, market: Market, place: int) -> None:
    """Interest on cash on the last business day of a month, the advisory fee on that of a quarter."""
    day, following = market.days[place], market.calendar.shift(market.days[place], 1)
    if following.month == day.month:
        return
    interest = cents(Fraction(max(book.cash, 0), MONEY_UNITS) * Fraction(2, 10_000))
    if interest > 0:
        _book(book, market, place, "INTEREST", amount=interest)
        if book.account.style in US_STYLES and book.draw.random() < 0.05:
            _book(
                book, market, place, "TAX_WITHHELD", amount=-cents(Fraction(interest, MONEY_UNITS) * Fraction(24, 100))
            )
    if day.month % 3:
        return
    worth = book.cash + sum(
        principal(market, book.account, security, day, quantity, int(market.prices[place, security]))
        for security, quantity in book.holdings.items()
    )
    fee = cents(Fraction(worth, MONEY_UNITS) * Fraction(_ADVISORY_BPS_A_QUARTER, 10_000))
    if 0 < fee < book.cash:
        _book(book, market, place, "ADVISORY_FEE", amount=-fee)


def _bank_day(book: _Book, market: Market, place: int) -> None:
    draw, day = book.draw, market.days[place]
    luck = draw.random()
    if luck < 0.06:
        _book(book, market, place, "DEPOSIT", amount=draw.randint(100_00, 9_000_00) * CENT)
    elif luck < 0.16 and book.cash > 2_000_00 * CENT:
        _book(book, market, place, "WITHDRAWAL", amount=-draw.randint(10_00, book.cash // CENT // 4) * CENT)
    elif luck > 0.85 and day.weekday() == 0 and market.days[place - 1] < day - timedelta(days=2):
        saturday = day - timedelta(days=2)
        _book(book, market, place, "DEPOSIT", amount=draw.randint(20_00, 800_00) * CENT, trade_date=saturday)
    elif luck < 0.165:
        _book(book, market, place, "OTHER_FEE", amount=-5_00 * CENT)
    if market.calendar.shift(day, 1).month != day.month:
        interest = cents(Fraction(book.cash, MONEY_UNITS) * Fraction(5, 10_000))
        if interest > 0:
            _book(book, market, place, "INTEREST", amount=interest)


def _journals(couples: Iterable[list[_Book]], draw: random.Random, market: Market, place: int) -> None:
    """Now and then cash moves between two accounts of one household: two legs on one day."""
    for group in couples:
        if draw.random() >= 0.006:
            continue
        payer, payee = draw.sample(group, k=2)
        free = payer.free_cash(market.days[place]) // CENT
        is_open = place > max(payer.account.opened_place, payee.account.opened_place)
        if not is_open or free < 2_000_00:
            continue
        amount = draw.randint(100_00, free // 2) * CENT
        _book(payer, market, place, "JOURNAL", amount=-amount, counterparty=payee.account.account_number)
        _book(payee, market, place, "JOURNAL", amount=amount, counterparty=payer.account.account_number)


def _book(
    book: _Book,
    market: Market,
    place: int,
    kind: str,
    *,
    security: int | None = None,
    quantity: int = 0,
    price: int = 0,
    amount: int = 0,
    commission: int = 0,
    accrued_interest: int = 0,
    counterparty: str | None = None,
    trade_date: date | None = None,
) -> None:
    day = market.days[place]
    is_trade = kind in {"BUY", "SELL"}
    settles = market.calendar.shift(day, SETTLEMENT_DAYS) if is_trade else trade_date or day
    book.booked.append(
        Transaction(
            account=book.account, number=len(book.booked) + 1, type=kind, security=security,
            trade_date=trade_date or day, settle_date=settles, reported_date=day, quantity=quantity, price=price,
            amount=amount, commission=commission, accrued_interest=accrued_interest, counterparty=counterparty,
        )
    )  # fmt: skip
    book.cash += amount
    if is_trade and amount > 0:
        book.unsettled.append((settles, amount))
    if security is not None and quantity:
        held = book.holdings.get(security, 0) + quantity
        if held:
            book.holdings[security] = held
        else:
            book.holdings.pop(security, None)
