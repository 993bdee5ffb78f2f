"""Accounts per day: totals, flows, returns, readiness."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from contracts.tables.accounting import ACCOUNT_VALUATION
from tests.analytics.market import account_rows
from tests.analytics.rows import accounts, at, day, entries, fx, prices

# Tuesday 1 March to Tuesday 8 March 2022 without the weekend
DAYS = [day(n) for n in (0, 1, 2, 3, 6, 7)]
OPENED = {"entry_type": "OPENING", "effective_date": day(0), "amount": 10_000}


def table(rows: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return rows.select(columns).rows()


def test_the_frame_satisfies_its_contract() -> None:
    rows = account_rows(entries(OPENED), DAYS)
    assert ACCOUNT_VALUATION.conform(rows).equals(rows)


def test_the_first_day_takes_the_whole_value_in_and_measures_nothing() -> None:
    first = account_rows(entries(OPENED), DAYS).row(0, named=True)
    assert (first["total_value_base"], first["inflow_base"], first["gain_base"]) == (10_000, 10_000, 0)
    assert (first["daily_return"], first["linked_return"], first["return_reason"]) == (None, 0.0, "first_day")


def test_an_account_has_rows_from_its_first_day_on_also_when_it_is_empty() -> None:
    booked = entries(
        {"entry_type": "DEPOSIT", "effective_date": day(1), "amount": 10},
        {"entry_type": "WITHDRAWAL", "effective_date": day(2), "amount": -10},
    )
    rows = account_rows(booked, DAYS[:4])
    assert table(rows, "as_of_date", "total_value_base", "position_count", "return_reason") == [
        (day(1), 10, 1, "first_day"), (day(2), 0, 0, None), (day(3), 0, 0, "no_capital"),
    ]  # fmt: skip


def test_a_deposit_is_no_return() -> None:
    booked = entries(OPENED, {"entry_type": "DEPOSIT", "effective_date": day(1), "amount": 500})
    rows = account_rows(booked, DAYS[:2])
    assert table(rows, "inflow_base", "outflow_base", "daily_return")[1] == (500, 0, 0.0)


def test_a_fee_is_a_loss_and_no_flow() -> None:
    booked = entries(OPENED, {"entry_type": "ADVISORY_FEE", "effective_date": day(1), "amount": -100})
    assert table(account_rows(booked, DAYS[:2]), "outflow_base", "gain_base", "daily_return")[1] == (0, -100, -0.01)


def test_a_flow_of_the_weekend_counts_on_monday() -> None:
    booked = entries(OPENED, {"entry_type": "DEPOSIT", "effective_date": day(4), "amount": 500})
    flows = dict(table(account_rows(booked, DAYS), "as_of_date", "inflow_base"))
    assert (flows[day(3)], flows[day(6)]) == (0, 500)


def test_a_transfer_in_kind_counts_at_market_value_of_its_own_day() -> None:
    booked = entries(
        OPENED, {"entry_type": "TRANSFER_IN", "effective_date": day(1), "security_key": 1, "quantity": 10},
        {"entry_type": "TRANSFER_OUT", "effective_date": day(4), "security_key": 1, "quantity": -4},
    )  # fmt: skip
    quotes = prices({"price": 50, "price_date": day(1)}, {"price": 60, "price_date": day(6)})
    rows = account_rows(booked, DAYS, prices=quotes)
    got = {d: flows for d, *flows in table(rows, "as_of_date", "inflow_base", "outflow_base", "gain_base")}
    assert got[day(1)] == [500, 0, 0]
    # Saturday's transfer out at Friday's price, though Monday's is known; the other six gain 10 each
    assert got[day(6)] == [0, 200, 10_000 + 6 * 60 + 200 - 10_500]


def test_a_transfer_that_cannot_be_valued_is_missing_flow_value() -> None:
    booked = entries(
        OPENED, {"entry_type": "TRANSFER_IN", "effective_date": day(1), "security_key": 1, "quantity": 10},
    )  # fmt: skip
    quotes = prices({"price": 60, "price_date": day(2)})
    rows = account_rows(booked, DAYS[:3], prices=quotes)
    assert table(rows, "inflow_base", "return_reason")[1:] == [
        (None, "missing_valuation"), (0, "missing_previous_valuation"),
    ]  # fmt: skip
    out_again = pl.concat(
        [
            booked,
            entries({"natural_key": "o", "entry_type": "TRANSFER_OUT", "security_key": 1, "quantity": -10}),
        ]
    )
    rows = account_rows(out_again, DAYS[:3], prices=quotes)
    assert table(rows, "total_value_base", "inflow_base", "outflow_base", "return_reason")[1] == (
        10_000, None, None, "missing_flow_value",
    )  # fmt: skip


def test_journals_and_adjustments_flow_by_sign_and_are_not_netted() -> None:
    booked = entries(
        OPENED,
        {"entry_type": "JOURNAL", "effective_date": day(1), "amount": 300},
        {"entry_type": "JOURNAL", "effective_date": day(1), "amount": -100},
        {"entry_type": "ADJUSTMENT", "effective_date": day(1), "amount": -50},
    )
    assert table(account_rows(booked, DAYS[:2]), "inflow_base", "outflow_base", "gain_base")[1] == (300, 150, 0)


def test_a_same_day_switch_between_securities_is_no_flow() -> None:
    booked = entries(
        OPENED,
        {"entry_type": "BUY", "effective_date": day(1), "security_key": 1, "quantity": 10, "amount": -500},
        {"entry_type": "SELL", "effective_date": day(2), "security_key": 1, "quantity": -10, "amount": 500},
        {"entry_type": "BUY", "effective_date": day(2), "security_key": 2, "quantity": 5, "amount": -500},
    )
    quotes = prices({"price": 50}, {"price": 100, "security_key": 2})
    rows = account_rows(booked, DAYS[:3], prices=quotes)
    assert table(rows, "inflow_base", "outflow_base", "daily_return")[1:] == [(0, 0, 0.0)] * 2


def test_adding_an_account_with_a_gain_does_not_lower_the_households_return() -> None:
    booked = pl.concat(
        [
            entries({**OPENED, "amount": 1_000}, {"security_key": 1, "quantity": 10, "amount": -1_000}),
            entries(
                {**OPENED, "account_key": 2, "effective_date": day(2), "security_key": 1, "quantity": 90, "amount": 0}
            ),
        ]
    )
    quotes = prices(*[{"price": price, "price_date": day(n)} for n, price in ((1, 100), (2, 101), (3, 102))])
    rows = account_rows(booked, DAYS[:4], base=accounts({}, {"account_key": 2}), prices=quotes)
    sums = rows.group_by("as_of_date").agg(pl.col("total_value_base", "inflow_base", "outflow_base").sum())
    value = {d: (total, inflow) for d, total, inflow, _ in sums.rows()}
    # day 2: the newcomer's 9 090 enter as a flow; the household earns the first account's 1 %
    assert (value[day(2)][0] / (value[day(1)][0] + value[day(2)][1])).quantize(Decimal("0.001")) == Decimal("1.001")
    assert table(rows.filter(pl.col("account_key") == 1), "daily_return")[2] == (0.01,)


def test_a_dividend_after_the_last_sale_is_unfunded_income_and_no_total_loss() -> None:
    booked = entries(
        {"entry_type": "OPENING", "effective_date": day(0), "security_key": 1, "quantity": 10},
        {"entry_type": "SELL", "effective_date": day(1), "security_key": 1, "quantity": -10, "amount": 500},
        {"entry_type": "WITHDRAWAL", "effective_date": day(1), "amount": -500},
        {"entry_type": "DIVIDEND", "effective_date": day(3), "amount": 20},
    )
    rows = account_rows(booked, DAYS[:5], prices=prices({"price": 50}))
    assert table(rows, "gain_base", "daily_return", "linked_return", "return_reason") == [
        (0, None, 0.0, "first_day"),
        (0, 0.0, 0.0, None),
        (0, None, 0.0, "no_capital"),
        (20, None, 0.0, "unfunded_income"),
        (0, 0.0, 0.0, None),
    ]


def test_a_total_with_a_part_unknown_is_null_and_says_so() -> None:
    booked = entries(OPENED, {"entry_type": "BUY", "security_key": 1, "quantity": 10, "amount": -500})
    got = account_rows(booked, DAYS[:2]).row(1, named=True)
    assert (got["total_value_base"], got["cash_value_base"], got["unvalued_count"]) == (None, 9_500, 1)
    assert (got["readiness"], got["readiness_reasons"]) == ("provisional", "unvalued_positions")


def test_readiness_is_complete_or_provisional_with_sorted_reasons() -> None:
    assert account_rows(entries(OPENED), DAYS)["readiness_reasons"].to_list() == [None] * 6
    booked = entries(
        {"entry_type": "BUY", "effective_date": day(0), "security_key": 1, "quantity": 10},
        {"entry_type": "BUY", "effective_date": day(0), "security_key": 2, "quantity": 10},
    )
    old = prices({"price": 5, "price_date": date(2022, 2, 7)})
    got = account_rows(booked, DAYS[:1], prices=old).row(0, named=True)
    assert got["readiness_reasons"] == "no_opening_snapshot;stale_prices;unvalued_positions"
    assert got["stale_count"] == 1


def test_days_computed_one_by_one_equal_the_range() -> None:
    quotes = prices(*[{"price": 50 + n * 3, "price_date": d} for n, d in enumerate(DAYS)])
    booked = entries(
        OPENED, {"entry_type": "BUY", "security_key": 1, "quantity": 33, "amount": -1_777},
        {"entry_type": "DEPOSIT", "effective_date": day(4), "amount": 123, "known_from": at(9)},
    )  # fmt: skip
    whole = account_rows(booked, DAYS, prices=quotes)
    previous = None
    for d in DAYS:
        previous = account_rows(booked, [d], prices=quotes, previous=previous)
        assert previous.equals(whole.filter(pl.col("as_of_date") == d))


def test_an_account_with_history_but_no_previous_row_has_a_gap() -> None:
    rows = account_rows(entries(OPENED), DAYS[1:3])
    assert table(rows, "daily_return", "linked_return", "return_reason") == [
        (None, None, "missing_previous_valuation"), (0.0, None, "gap_in_history"),
    ]  # fmt: skip


def test_an_account_without_a_description_is_valued_in_no_currency() -> None:
    got = account_rows(entries(OPENED), DAYS[:1], base=accounts()).row(0, named=True)
    assert (got["base_currency"], got["total_value_base"]) == ("XXX", None)


def test_known_from_carries_forward_through_the_linked_return() -> None:
    late = entries({**OPENED, "known_from": at(0)}, {"entry_type": "DEPOSIT", "amount": 1, "known_from": at(9)})
    assert account_rows(late, DAYS[:4])["known_from"].to_list() == [at(0), at(9), at(9), at(9)]
    late_price = prices({"price": 5, "known_at": at(8)}, {"price": 6, "price_date": day(1), "known_at": at(1)})
    held = entries({"entry_type": "OPENING", "effective_date": day(0), "security_key": 1, "quantity": 1})
    assert account_rows(held, DAYS[:2], prices=late_price)["known_from"].to_list() == [at(8), at(8)]


def test_base_totals_equal_the_sum_of_the_parts_in_every_currency() -> None:
    booked = entries(
        {**OPENED, "amount": Decimal("0.03")}, {**OPENED, "amount": Decimal("33.33"), "currency": "EUR"},
        {**OPENED, "amount": 0, "security_key": 1, "quantity": Decimal("3.33333333")},
    )  # fmt: skip
    rates = fx({"rate": Decimal("1.1162")})
    got = account_rows(booked, DAYS[:1], prices=prices({"price": Decimal("7.77")}), fx_rates=rates).row(0, named=True)
    # 33.33 × 1.1162 = 37.202946 → 37.2029; 3.33333333 × 7.77 = 25.8999999741 → 25.9000
    assert got["total_value_base"] == Decimal("0.03") + Decimal("37.2029") + Decimal("25.9000")


def test_dates_that_skip_a_business_day_are_refused() -> None:
    with pytest.raises(ValueError, match="consecutive"):
        account_rows(entries(OPENED), [day(0), day(2)])


def test_no_accounts_and_no_dates_give_no_rows() -> None:
    assert account_rows(entries(), DAYS).is_empty()
    assert account_rows(entries(OPENED), []).is_empty()
