"""What market-data vendors know of the simulated market beside closes: dividends, an index, currencies, reference.

Every vendor's writer draws on this, so that one truth comes back through all of them. Invented: FIGIs (the prefix ZZG
is given to nobody), the index, maturities, and the days of a dividend around its ex-day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from simulation.decimals import half_even
from simulation.market import PRICE_UNITS, Market
from simulation.securities import Security

RATE_PLACES = 8
_EX_PERIOD_DAYS = 63
_PAY_DAYS = 10
_ANNOUNCED_DAYS = -5
_SECURITY_OFFSET = 7
_COUNTRIES = {"XNAS": "US", "XNYS": "US", "XETR": "DE", "XPAR": "FR", "XMIL": "IT", "XLON": "GB"}
PAIRS = ("USD", "GBP", "CHF", "JPY", "CAD")
"""Currencies whose published euro rate the vendors repeat."""


@dataclass(frozen=True)
class Dividend:
    """A dividend of one security, as it is announced.

    Attributes:
        number: its event number, unique in the market.
        security: index into ``Market.securities``.
        told: the business day in whose files it is announced.
        rate: gross, in the security's currency for one unit, eight decimals.
    """

    number: int
    security: int
    told: date
    announced: date
    ex_date: date
    record_date: date
    pay_date: date
    rate: Decimal


@dataclass(frozen=True)
class Index:
    """The market's index: the mean close of the real stocks, in US dollars."""

    ticker: str = "WNX20"
    name: str = "WEALTHNEXUS 20"
    currency: str = "USD"


INDEX = Index()


def dividends(market: Market) -> tuple[Dividend, ...]:
    """All dividends of the simulated days, by ex-day: a quarter of the yearly rate on the close of the ex-day.

    The days are those on which ``simulation.trading`` books income; a coupon is no dividend.
    """
    found: list[Dividend] = []
    for place in range(1, len(market.days)):
        for number, listed in enumerate(market.securities):
            if listed.is_bond or not listed.annual_rate or (place + _SECURITY_OFFSET * number) % _EX_PERIOD_DAYS:
                continue
            ex_date = market.days[place]
            announced = market.calendar.shift(ex_date, _ANNOUNCED_DAYS)
            share = Fraction(int(market.prices[place, number]), PRICE_UNITS) * Fraction(listed.annual_rate) / 4
            units = half_even(share.numerator * 10**RATE_PLACES, share.denominator)
            found.append(
                Dividend(
                    number=700_000 + len(found), security=number, told=max(announced, market.days[0]),
                    announced=announced, ex_date=ex_date, record_date=market.calendar.shift(ex_date, 1),
                    pay_date=market.calendar.shift(ex_date, _PAY_DAYS), rate=Decimal(units).scaleb(-RATE_PLACES),
                )
            )  # fmt: skip
    return tuple(found)


def index_level(market: Market, place: int) -> int:
    """The index at the close of a day, in 0.00001."""
    real = [number for number, listed in enumerate(market.securities) if listed.is_real]
    return half_even(sum(int(market.prices[place, number]) for number in real), len(real))


def euro_quotes(market: Market, day: date) -> Mapping[str, str]:
    """Currency to what one euro was published to be on the day; empty on a day without fixing."""
    quotes = market.euro.quotes.get(day, {})
    return {code: quotes[code] for code in PAIRS if code in quotes}


def country(listed: Security) -> str:
    """ISO 3166 code of the issuer's country."""
    return _COUNTRIES[listed.exchange]


def coupon_percent(listed: Security) -> Decimal | None:
    """Yearly coupon of a bond in percent."""
    return listed.annual_rate * 100 if listed.is_bond else None


def maturity(listed: Security) -> date | None:
    """The middle of the year that a bond's name ends with."""
    year = re.search(r"(\d{4})$", listed.name)
    return date(int(year[1]), 6, 15) if listed.is_bond and year else None


def figi(place: int) -> str:
    """An invented FIGI for the security (or index, one place further) at ``place``."""
    stem = f"ZZGWNX{place:05d}"
    total = 0
    for position, char in enumerate(stem):
        value = int(char) if char.isdigit() else ord(char) - ord("A") + 10
        doubled = value * (2 if position % 2 else 1)
        total += doubled // 10 + doubled % 10
    return f"{stem}{-total % 10}"


def units_text(value: int, places: int, units: int = PRICE_UNITS) -> str:
    """An integer counted in 1/units with exactly ``places`` decimals; it must not need more."""
    scaled, rest = divmod(value * 10**places, units)
    if rest:
        raise ValueError("the number needs more decimals")
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}" if places else f"{scaled}"
