from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from simulation.market import Market, market


def _place(scene: Market, ticker: str) -> int:
    return [security.ticker for security in scene.securities].index(ticker)


def test_real_closes_are_those_of_the_published_data_set(scene: Market) -> None:
    # The last lines of the data set for these days: AAPL and RRC.
    late = market(1, date(2022, 12, 27), date(2022, 12, 28))
    assert late.prices[:, _place(late, "AAPL")].tolist() == [12965200, 12567400]
    assert late.prices[1, _place(late, "RRC")] == 2449700
    assert scene.days[0] == date(2022, 1, 3)


def test_days_are_those_on_which_new_york_trades(scene: Market) -> None:
    assert date(2022, 1, 17) not in scene.days  # Martin Luther King Jr. Day
    assert date(2022, 4, 15) not in scene.days  # Good Friday
    assert scene.calendar.shift(date(2022, 4, 14), 1) == date(2022, 4, 18)
    assert scene.calendar.shift(date(2022, 4, 16), 0) == date(2022, 4, 18)


def test_euro_rates_keep_their_published_decimals(scene: Market) -> None:
    quotes = scene.euro.quotes[date(2022, 12, 28)]
    assert (quotes["USD"], quotes["GBP"], quotes["JPY"]) == ("1.064", "0.88058", "142.21")
    assert "CYP" not in quotes


def test_a_day_without_fixing_uses_the_one_before(scene: Market) -> None:
    assert scene.euro.fixing(date(2022, 12, 26)) == date(2022, 12, 23)
    with pytest.raises(ValueError, match="no euro reference rate"):
        scene.euro.fixing(date(1998, 12, 31))


def test_a_cross_rate_is_the_exact_ratio_of_two_quotes(scene: Market) -> None:
    day = date(2022, 12, 28)
    assert scene.euro.rate(day, "USD", "GBP") == Fraction(88058, 106400)
    assert scene.euro.rate(day, "EUR", "USD") == Fraction(1064, 1000)
    assert scene.euro.rate(day, "USD", "EUR") * scene.euro.rate(day, "EUR", "USD") == 1


def test_a_missing_quote_is_answered_by_the_last_close_with_its_day(scene: Market) -> None:
    bond = _place(scene, "WNXB31")
    gaps = [place for place in range(len(scene.days)) if not scene.quoted[place, bond]]
    assert gaps
    for place in gaps:
        assert scene.price_places[place, bond] < place
        assert scene.prices[place, bond] == scene.prices[place - 1, bond]


def test_days_beyond_the_real_history_are_refused() -> None:
    with pytest.raises(ValueError, match="no close"):
        market(7, date(2022, 12, 28), date(2023, 1, 6))
    with pytest.raises(ValueError, match="no business day"):
        market(7, date(2022, 1, 1), date(2022, 1, 2))
