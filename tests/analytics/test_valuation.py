"""Which price and rate count, and what a position is worth."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from analytics.prices import business_days_between
from contracts.tables.accounting import POSITION
from tests.analytics.market import WEEKDAYS, value
from tests.analytics.rows import EUR, USD, accounts, at, day, entries, fx, prices, securities

# day(0) is Tuesday 1 March 2022; day(4) and day(5) are a weekend.
HELD = entries({"security_key": 1, "quantity": 10, "effective_date": day(0)})


def only(rows: pl.DataFrame) -> dict[str, Any]:
    assert rows.height == 1
    return rows.row(0, named=True)


def test_value_is_quantity_times_price_times_factor_times_multiplier() -> None:
    terms = securities({"price_factor": Decimal("0.01"), "multiplier": Decimal(100)})
    got = only(value(HELD, [day(0)], prices=prices({"price": Decimal("99.125")}), securities=terms))
    assert got["market_value_local"] == got["market_value_base"] == Decimal("991.2500")
    assert (got["price_age_days"], got["is_price_stale"], got["value_reason"]) == (0, False, None)


def test_the_frame_satisfies_its_contract() -> None:
    rows = value(HELD, [day(0)], prices=prices({"price": Decimal(5)}))
    assert POSITION.conform(rows).equals(rows)


def test_the_newest_price_date_wins_over_a_better_source() -> None:
    quotes = prices(
        {"price": Decimal(5), "price_date": day(0)},
        {"price": Decimal(6), "price_date": day(1), "price_source": "other"},
    )
    got = only(value(HELD, [day(1)], prices=quotes))
    assert (got["price"], got["price_source"]) == (6, "other")


def test_of_one_day_the_better_source_wins_and_unlisted_ones_come_last() -> None:
    quotes = prices(
        {"price": Decimal(7), "price_source": "aaa"},
        {"price": Decimal(6), "price_source": "other"},
        {"price": Decimal(5), "price_source": "vendor"},
    )
    assert only(value(HELD, [day(0)], prices=quotes))["price"] == 5
    assert only(value(HELD, [day(0)], prices=quotes.filter(pl.col("price_source") != "vendor")))["price"] == 6


def test_a_custodians_own_price_comes_first_for_what_it_holds_only() -> None:
    quotes = prices({"price": Decimal(5)}, {"price": Decimal(4), "price_source": "schwab"})
    two = accounts({}, {"account_key": 2, "custodian": "ofx"})
    booked = pl.concat([HELD, HELD.with_columns(account_key=pl.lit(2, pl.Int64))])
    rows = value(booked, [day(0)], base=two, prices=quotes)
    assert dict(rows.select("account_key", "price").rows()) == {1: 4, 2: 5}


def test_a_corrected_price_counts_from_its_arrival_and_a_repeated_one_from_its_first() -> None:
    first = {"price": Decimal(5)}
    fixed = {"price": Decimal(6), "source_file_id": 61, "known_at": at(2)}
    again = {"price": Decimal(6), "source_file_id": 62, "known_at": at(3)}
    got = only(value(HELD, [day(0)], prices=prices(again, first, fixed)))
    assert (got["price"], got["known_from"]) == (6, at(2))


def test_a_price_is_stale_after_five_business_days() -> None:
    quote = prices({"price": Decimal(5)})
    rows = value(HELD, [day(7), day(8)], prices=quote)
    assert rows.select("price_age_days", "is_price_stale").rows() == [(5, False), (6, True)]


def test_a_price_of_the_future_is_never_used() -> None:
    got = only(value(HELD, [day(0)], prices=prices({"price": Decimal(5), "price_date": day(1)})))
    assert (got["price"], got["market_value_base"], got["value_reason"]) == (None, None, "missing_price")


def test_a_position_without_a_price_or_a_description_is_null_and_never_zero() -> None:
    assert only(value(HELD, [day(0)]))["value_reason"] == "missing_price"
    undescribed = only(value(HELD, [day(0)], prices=prices({"price": Decimal(5)}), securities=securities()))
    assert (undescribed["market_value_local"], undescribed["value_reason"]) == (None, "missing_price")


def test_cash_is_worth_one_in_its_currency() -> None:
    got = only(value(entries({"amount": Decimal("12.34"), "effective_date": day(0)}), [day(0)]))
    assert (got["security_key"], got["price"], got["market_value_base"]) == (USD, 1, Decimal("12.3400"))


def test_a_cross_goes_through_published_quotes_and_is_rounded_once() -> None:
    # ECB reference rates of 1 March 2022: EUR 1 = USD 1.1162 = GBP 0.83548 (published), GBP cash in USD:
    # 1 000 000.00 / 0.83548 * 1.1162 = 1 335 998.4679...
    rates = fx({"rate": Decimal("1.1162")}, {"rate": Decimal("0.83548"), "quote_code": "GBP"})
    keys = pl.DataFrame({"currency": ["GBP", "USD"], "security_key": [902, USD]})
    booked = entries({"security_key": 1, "quantity": 1_000_000, "effective_date": day(0)})
    got = only(
        value(
            booked,
            [day(0)],
            prices=prices({"price": Decimal(1), "currency": "GBP"}),
            fx_rates=rates,
            currency_keys=keys,
        )
    )
    exact = Decimal(1_000_000) * Decimal("1.1162") / Decimal("0.83548")
    assert got["market_value_base"] == exact.quantize(Decimal("0.0001"))
    assert (got["currency"], got["market_value_local"], got["rate_date"]) == ("GBP", 1_000_000, day(0))


def test_euro_cash_converts_with_one_quote_in_both_directions() -> None:
    rates = fx({"rate": Decimal("1.1162")})
    euros = entries({"amount": 100, "currency": "EUR", "effective_date": day(0)})
    assert only(value(euros, [day(0)], fx_rates=rates))["market_value_base"] == Decimal("111.6200")
    dollars = entries({"amount": Decimal("111.62"), "effective_date": day(0)})
    in_euro = value(dollars, [day(0)], fx_rates=rates, base=accounts({"base_currency": "EUR"}))
    assert only(in_euro)["market_value_base"] == 100


def test_both_legs_of_a_cross_are_of_one_fixing() -> None:
    rates = fx(
        {"rate": Decimal("1.10")}, {"rate": Decimal("0.80"), "quote_code": "GBP"},
        {"rate": Decimal("1.20"), "rate_date": day(1)},
    )  # fmt: skip
    keys = pl.DataFrame({"currency": ["GBP", "USD"], "security_key": [902, USD]})
    got = only(
        value(
            HELD, [day(1)], prices=prices({"price": Decimal(1), "currency": "GBP"}), fx_rates=rates, currency_keys=keys
        )
    )
    assert (got["rate_date"], got["market_value_base"]) == (day(0), Decimal("13.75"))


def test_without_a_rate_the_local_value_stands_and_the_base_value_is_null() -> None:
    got = only(value(entries({"amount": 5, "currency": "EUR", "effective_date": day(0)}), [day(0)]))
    assert (got["security_key"], got["market_value_local"], got["market_value_base"]) == (EUR, 5, None)
    assert got["value_reason"] == "missing_fx"


def test_a_rate_that_stopped_being_published_makes_the_figure_stale() -> None:
    rates = fx({"rate": Decimal("1.1"), "rate_date": day(0)})
    rows = value(entries({"amount": 5, "currency": "EUR", "effective_date": day(0)}), [day(7), day(8)], fx_rates=rates)
    assert rows["is_price_stale"].to_list() == [False, True]


def test_a_value_that_does_not_fit_is_null_with_overflow() -> None:
    booked = entries({"security_key": 1, "quantity": Decimal(9) * 10**11, "effective_date": day(0)})
    got = only(value(booked, [day(0)], prices=prices({"price": Decimal(9) * 10**11})))
    assert (got["market_value_base"], got["value_reason"]) == (None, "overflow")


def test_an_account_that_nobody_describes_has_no_base_value() -> None:
    got = only(value(HELD, [day(0)], prices=prices({"price": Decimal(5)}), base=accounts()))
    assert (got["market_value_local"], got["market_value_base"], got["value_reason"]) == (50, None, "missing_fx")


def test_known_from_is_the_latest_of_all_inputs() -> None:
    for late in (
        {"prices": prices({"price": Decimal(5), "known_at": at(9)})},
        {"prices": prices({"price": Decimal(5)}), "securities": securities({"known_at": at(9)})},
        {"prices": prices({"price": Decimal(5)}), "base": accounts({"known_at": at(9)})},
    ):
        assert only(value(HELD, [day(0)], **late))["known_from"] == at(9)


def test_a_daily_security_file_that_repeats_itself_makes_nothing_newer() -> None:
    daily = securities(*[{"source_file_id": 80 + n, "known_at": at(n)} for n in range(20)])
    assert only(value(HELD, [day(0)], prices=prices({"price": Decimal(5)}), securities=daily))["known_from"] == at(0)


def test_holdings_before_a_reverse_split_are_valued_as_traded() -> None:
    # 1:50 reverse split on day 2: 1000 at 2.00 before, 20 at 100.00 after; back-adjusted prices say 50 times more.
    booked = entries(
        {"security_key": 1, "quantity": 1000, "effective_date": day(0)},
        {"security_key": 1, "quantity": -980, "entry_type": "SPLIT", "effective_date": day(2)},
    )
    quotes = prices({"price": Decimal(2)}, {"price": Decimal(100), "price_date": day(2)})
    assert value(booked, [day(0), day(1), day(2)], prices=quotes)["market_value_base"].to_list() == [2000] * 3


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (date(2022, 3, 1), date(2022, 3, 1), 0),
        (date(2022, 3, 4), date(2022, 3, 7), 1),  # Friday to Monday
        (date(2022, 3, 5), date(2022, 3, 7), 1),  # Saturday to Monday
        (date(2022, 1, 31), date(2022, 2, 1), 1),  # Monday before the calendar begins
        (date(2022, 1, 28), date(2022, 2, 2), 3),  # Friday before, to Wednesday
        (date(2022, 1, 29), date(2022, 2, 1), 2),  # Saturday before: Monday and Tuesday
    ],
)
def test_business_days_between(first: date, last: date, expected: int) -> None:
    got = pl.DataFrame({"a": [first], "b": [last]}).select(business_days_between("a", "b", WEEKDAYS)).item()
    assert got == expected
