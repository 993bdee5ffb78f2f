"""The simulated market as every vendor's rows must give it back: frames made from the simulation, never by a parser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import polars as pl

from simulation.market import Market, market
from simulation.vendor_data import INDEX, country, coupon_percent, dividends, euro_quotes, index_level, maturity

UNITS = Decimal("0.00001")
FIRST, LAST = date(2022, 1, 3), date(2022, 4, 29)

Rows = set[tuple[Any, ...]]


@cache
def scene() -> Market:
    return market(7, FIRST, LAST)


def prices(days: Iterable[date], *, is_bond: bool | None = None, with_index: bool = True) -> Rows:
    """(ISIN or index ticker, day, price, currency) of every quote."""
    world = scene()
    rows: Rows = set()
    for day in days:
        place = world.place(day)
        for number, listed in enumerate(world.securities):
            if world.quoted[place, number] and is_bond in (None, listed.is_bond):
                rows.add((listed.isin, day, int(world.prices[place, number]) * UNITS, listed.currency))
        if with_index:
            rows.add((INDEX.ticker, day, index_level(world, place) * UNITS, INDEX.currency))
    return rows


def actions(days: Iterable[date]) -> Rows:
    """(ISIN, announced, ex, record, pay, rate, currency) of the dividends told on the days."""
    world, wanted = scene(), set(days)
    return {
        (world.securities[d.security].isin, d.announced, d.ex_date, d.record_date, d.pay_date, d.rate,
         world.securities[d.security].currency)
        for d in dividends(world) if d.told in wanted
    }  # fmt: skip


def rates(days: Iterable[date]) -> Rows:
    """(base, quote, day, rate)."""
    return {("EUR", code, day, Decimal(text)) for day in days for code, text in euro_quotes(scene(), day).items()}


def reference() -> Rows:
    """(ISIN, name, type, currency, factor, maturity, coupon, country) of every security."""
    return {
        (s.isin, s.name, "bond" if s.is_bond else "equity", s.currency, s.price_factor, maturity(s), coupon_percent(s),
         country(s))
        for s in scene().securities
    }  # fmt: skip


def told(frames: Sequence[pl.DataFrame], *columns: str) -> Rows:
    """Rows of a connector's frames; an index is named by the first word of its ticker, without a dot."""
    frame = pl.concat(frames)
    if "isin" in columns:
        ticker = pl.col("ticker").str.strip_prefix(".").str.extract(r"^([A-Z0-9]+)")
        frame = frame.with_columns(pl.coalesce("isin", ticker).alias("isin"))
    rows = frame.select(columns).rows()
    assert len(rows) == len(set(rows))
    return set(rows)


PRICE = ("isin", "price_date", "price", "currency")
ACTION = ("isin", "announced_date", "ex_date", "record_date", "pay_date", "cash_rate", "currency")
RATE = ("base_code", "quote_code", "rate_date", "rate")
REFERENCE = (
    "isin", "security_name", "security_type", "currency", "price_factor", "maturity_date", "coupon_percent",
    "issue_country",
)  # fmt: skip
