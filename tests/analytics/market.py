"""Run positions, values and returns of ledger entries over a small market."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from analytics.account_values import account_values
from analytics.positions import daily_positions
from analytics.valuation import valued_positions
from contracts.tables.accounting import ACCOUNT_VALUATION
from tests.analytics.rows import CURRENCY_KEYS, accounts, fx, prices, securities

WEEKDAYS = pl.Series(
    "business_dates",
    [d for d in (date(2022, 2, 1) + timedelta(days=n) for n in range(90)) if d.weekday() < 5],
    dtype=pl.Date,
)


def market(**kw: Any) -> dict[str, Any]:
    """Keyword arguments of the valuation: one stock without a price unless said otherwise."""
    return {
        "prices": prices(),
        "fx_rates": fx(),
        "securities": securities({}, {"security_key": 2}, {"security_key": 3}),
        "currency_keys": CURRENCY_KEYS,
        "business_dates": WEEKDAYS,
        "source_rank": ["vendor", "other"],
        **kw,
    }


def value(booked: pl.DataFrame, dates: list[date], *, base: pl.DataFrame | None = None, **kw: Any) -> pl.DataFrame:
    """Valued positions of ledger entries."""
    days = pl.Series("dates", dates, dtype=pl.Date)
    held = daily_positions(booked, days, currency_keys=CURRENCY_KEYS)
    return valued_positions(held, accounts=accounts({}) if base is None else base, **market(**kw))


def account_rows(
    booked: pl.DataFrame,
    dates: list[date],
    *,
    base: pl.DataFrame | None = None,
    previous: pl.DataFrame | None = None,
    **kw: Any,
) -> pl.DataFrame:
    """Account valuations of ledger entries."""
    described = accounts({}) if base is None else base
    return account_values(
        value(booked, dates, base=described, **kw),
        booked,
        ACCOUNT_VALUATION.empty() if previous is None else previous,
        described,
        pl.Series("dates", dates, dtype=pl.Date),
        **market(**kw),
    )


def money(text: str | int) -> Decimal:
    return Decimal(text)
