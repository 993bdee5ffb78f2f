"""Running sums of the ledger."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from analytics.positions import daily_positions, settled_cash
from tests.analytics.rows import CURRENCY_KEYS, USD, at, day, entries


def held(booked: pl.DataFrame, *days: int) -> list[tuple[int, int, Decimal]]:
    dates = pl.Series([day(n) for n in days], dtype=pl.Date)
    rows = daily_positions(booked, dates, currency_keys=CURRENCY_KEYS)
    return [((d - day(0)).days, key, q) for key, d, q in rows.select("security_key", "as_of_date", "quantity").rows()]


def test_a_trade_moves_the_holding_and_the_cash() -> None:
    booked = entries({"security_key": 1, "quantity": 10, "amount": -1000})
    assert held(booked, 0, 1, 2) == [(1, 1, 10), (2, 1, 10), (1, USD, -1000), (2, USD, -1000)]


def test_each_movement_holds_until_the_next() -> None:
    booked = entries(
        {"security_key": 1, "quantity": 10, "effective_date": day(0)},
        {"security_key": 1, "quantity": 5, "effective_date": day(2)},
        {"security_key": 1, "quantity": -15, "effective_date": day(3)},
        {"security_key": 1, "quantity": 1, "effective_date": day(5)},
    )
    assert held(booked, *range(7)) == [(0, 1, 10), (1, 1, 10), (2, 1, 15), (5, 1, 1), (6, 1, 1)]


def test_movements_of_days_left_out_count_from_the_next_day_stated() -> None:
    booked = entries(
        {"security_key": 1, "quantity": 10, "effective_date": day(-9)},
        {"security_key": 1, "quantity": 5, "effective_date": day(2)},
        {"security_key": 1, "quantity": 7, "effective_date": day(9)},
    )
    assert held(booked, 3, 1) == [(1, 1, 10), (3, 1, 15)]


def test_only_booked_entries_count_but_all_of_them_are_known() -> None:
    booked = entries(
        {"security_key": 1, "quantity": 10},
        {"security_key": 1, "quantity": 3, "entry_status": "cancelled", "known_from": at(4)},
        {"security_key": 2, "quantity": 3, "entry_status": "retracted", "known_from": at(4)},
    )
    rows = daily_positions(booked, pl.Series([day(1)]), currency_keys=CURRENCY_KEYS)
    assert rows.select("security_key", "quantity", "known_from").rows() == [(1, 10, at(4))]


def test_known_from_is_the_latest_up_to_the_day_and_no_later() -> None:
    booked = entries(
        {"security_key": 1, "quantity": 10, "effective_date": day(0), "known_from": at(5)},
        {"security_key": 1, "quantity": 10, "effective_date": day(1), "known_from": at(2)},
        {"security_key": 1, "quantity": 10, "effective_date": day(2), "known_from": at(9)},
    )
    rows = daily_positions(booked, pl.Series([day(n) for n in range(3)]), currency_keys=CURRENCY_KEYS)
    assert rows["known_from"].to_list() == [at(5), at(5), at(9)]


def test_settled_cash_counts_by_settle_date_and_else_by_effective_date() -> None:
    booked = entries(
        {"amount": 100, "effective_date": day(0)},
        {"amount": -30, "effective_date": day(1), "settle_date": day(3), "security_key": 1, "quantity": 1},
    )
    rows = settled_cash(booked, pl.Series([day(2), day(3)]), currency_keys=CURRENCY_KEYS)
    assert rows.select("security_key", "quantity").rows() == [(USD, 100), (USD, 70)]


def test_a_currency_without_a_key_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="CHF"):
        held(entries({"amount": 1, "currency": "CHF"}), 1)


def test_a_quantity_that_does_not_fit_is_an_error_and_never_wraps() -> None:
    booked = entries(*[{"amount": Decimal(9) * 10**11} for _ in range(2)])
    with pytest.raises(OverflowError, match="12 digits"):
        held(booked, 1)


def test_no_entries_give_no_positions() -> None:
    assert held(entries(), 1, 2) == []
