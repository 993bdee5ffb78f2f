"""Daily and linked return against published examples and by law."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.returns import with_daily_return, with_linked_return

MONEY = ("begin_value", "end_value", "inflow_base", "outflow_base")


def periods(*rows: tuple[Any, Any, Any, Any], before: float | None = 0.0, first: bool = False) -> pl.DataFrame:
    """Consecutive sub-periods of one account: (begin, inflow, end, outflow)."""
    frame = pl.DataFrame(
        [dict(zip(("begin_value", "inflow_base", "end_value", "outflow_base"), row, strict=True)) for row in rows],
        schema={c: pl.Decimal(20, 4) for c in ("begin_value", "inflow_base", "end_value", "outflow_base")},
    ).with_columns(
        account_key=pl.lit(1),
        linked_before=pl.lit(before, dtype=pl.Float64),
        is_first_day=(pl.int_range(pl.len()) == 0) & first,
    )
    return with_linked_return(with_daily_return(frame), "account_key")


# www.mathcelebrity.com/intweighttimeinst.htm: 100 000 grows to 112 000, 30 000 come in; at 125 000 42 000 go out; ends
# at 100 000: 18.78 %.
MATHCELEBRITY = [(100_000, 0, 112_000, 0), (112_000, 30_000, 83_000, 42_000), (83_000, 0, 100_000, 0)]
# solutioninn.com, question 18132740 (five answers, of which 3.55 % is right): 10 000 to 10 100, 400 in; to 10 605,
# 605 out; to 10 050, 50 in; to 10 201.
EXAM = [(10_000, 0, 10_100, 0), (10_100, 400, 10_000, 605), (10_000, 0, 10_050, 0), (10_050, 50, 10_201, 0)]
# docs/methodology.md section 11, case 5: 10 000 to 9 000, 50 000 in, 63 000 at the end: 0.9 × 63/59 − 1.
CASE_5 = [(10_000, 0, 9_000, 0), (9_000, 50_000, 63_000, 0)]


@pytest.mark.parametrize(
    ("rows", "percent"), [(MATHCELEBRITY, 18.78), (EXAM, 3.55), (CASE_5, -3.90)], ids=["site", "exam", "case 5"]
)
def test_published_examples(rows: list[tuple[int, int, int, int]], percent: float) -> None:
    linked = periods(*rows).get_column("linked_return")[-1]
    assert round(100 * linked, 2) == percent


def test_a_gain_in_money_with_a_negative_return_is_right() -> None:
    days = periods(*CASE_5)
    assert days.get_column("gain_base").sum() == 3_000
    assert days.get_column("linked_return")[-1] < 0


def reason(row: tuple[Any, Any, Any, Any], **kw: Any) -> tuple[Any, Any, Any]:
    return periods(row, **kw).select("daily_return", "linked_return", "return_reason").row(0)


def test_every_null_return_has_its_reason() -> None:
    assert reason((100, 0, None, 0)) == (None, None, "missing_valuation")
    assert reason((None, 0, 100, 0)) == (None, None, "missing_previous_valuation")
    assert reason((100, None, 100, 0)) == (None, None, "missing_flow_value")
    assert reason((100, 0, 100, None)) == (None, None, "missing_flow_value")
    assert reason((-100, 0, -90, 0)) == (None, None, "non_positive_denominator")
    assert reason((0, 100, 100, 0), first=True, before=None) == (None, 0.0, "first_day")
    assert reason((0, None, None, 0), first=True, before=None) == (None, None, "missing_valuation")
    assert reason((100, 0, 110, 0), before=None) == (0.1, None, "gap_in_history")


def test_days_without_capital_are_neutral() -> None:
    assert reason((0, 0, 0, 0), before=0.25) == (None, 0.25, "no_capital")
    assert reason((0, 0, 20, 0), before=0.25) == (None, 0.25, "unfunded_income")


def test_a_gap_is_never_bridged() -> None:
    days = periods((100, 0, 110, 0), (110, 0, None, 0), (None, 0, 120, 0), (120, 0, 126, 0))
    assert days.get_column("daily_return").to_list() == [0.1, None, None, 0.05]
    assert days.get_column("linked_return").to_list() == [0.1, None, None, None]
    assert days.get_column("return_reason").to_list() == [
        None, "missing_valuation", "missing_previous_valuation", "gap_in_history",
    ]  # fmt: skip


def test_accounts_are_linked_apart() -> None:
    days = pl.concat([periods((100, 0, 110, 0)), periods((100, 0, 150, 0)).with_columns(account_key=pl.lit(2))])
    days = with_linked_return(days.with_columns(linked_before=pl.Series([0.0, None])), "account_key")
    assert days.get_column("linked_return").to_list() == [0.1, None]


amount = st.integers(1, 10**9).map(lambda n: Decimal(n).scaleb(-2))
histories = st.lists(st.tuples(amount, st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=12)

moderate = st.lists(
    st.tuples(st.integers(500, 2000).map(Decimal), st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=12
)
"""Values and flows of one order of magnitude: after a loss of all but a millionth a Float64 has few digits left."""


def chain(history: list[tuple[Decimal, int, int]], scale: Decimal = Decimal(1)) -> list[tuple[Any, Any, Any, Any]]:
    rows, begin = [], Decimal(1000) * scale
    for end, inflow, outflow in history:
        rows.append((begin, inflow * scale, end * scale, outflow * scale))
        begin = end * scale
    return rows


@given(histories, st.integers(0, 12))
def test_linked_sub_periods_equal_the_whole_to_the_last_bit(history: list[tuple[Decimal, int, int]], cut: int) -> None:
    rows = chain(history)
    whole = periods(*rows).get_column("linked_return")
    cut = min(cut, len(rows))
    first = periods(*rows[:cut]).get_column("linked_return") if cut else pl.Series([0.0])
    if cut == len(rows):
        assert first[-1] == whole[-1]
        return
    assert periods(*rows[cut:], before=first[-1]).get_column("linked_return")[-1] == whole[-1]


@given(moderate)
def test_the_linked_return_is_the_product_of_the_days(history: list[tuple[Decimal, int, int]]) -> None:
    days = periods(*chain(history))
    product = math.prod(1 + r for r in days.get_column("daily_return"))
    assert math.isclose(1 + days.get_column("linked_return")[-1], product, rel_tol=1e-9, abs_tol=1e-12)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=5))
def test_no_flow_and_constant_value_give_exactly_zero(values: list[int]) -> None:
    days = periods(*[(values[0], 0, values[0], 0)] * len(values))
    assert set(days.get_column("daily_return")) == {0.0}
    assert days.get_column("linked_return")[-1] == 0.0


@given(moderate)
def test_returns_do_not_depend_on_the_unit_of_money(history: list[tuple[Decimal, int, int]]) -> None:
    one = periods(*chain(history)).get_column("linked_return")[-1]
    hundredfold = periods(*chain(history, Decimal(100))).get_column("linked_return")[-1]
    assert math.isclose(one, hundredfold, rel_tol=1e-12, abs_tol=1e-12)


@given(amount, amount)
def test_a_flow_alone_is_no_return(begin: Decimal, flow: Decimal) -> None:
    assert periods((begin, flow, begin + flow, 0)).get_column("daily_return")[0] == 0.0
    assert periods((begin + flow, 0, begin, flow)).get_column("daily_return")[0] == 0.0
