"""Daily and linked time-weighted return: the one definition, for every level (docs/methodology.md section 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt
import polars as pl

NEUTRAL_REASONS: Final = ("first_day", "no_capital", "unfunded_income")
"""Days without a return that leave the linked return as it was; every other missing return breaks it."""


def with_daily_return(days: pl.DataFrame) -> pl.DataFrame:
    """Days with ``gain_base, daily_return, return_reason``, inflows at the start of the day and outflows at its end.

    gain = V_end + OUT − V_begin − IN, exact; r = gain ÷ (V_begin + IN), which is (V_end + OUT) ÷ (V_begin + IN) − 1
    without the loss of digits, as Float64.

    10 000 falls to 9 000; 50 000 come in at the start of the next day and the account ends it at 63 000; on the third
    day everything is withdrawn at the end; a dividend of 20 follows on the fourth:

    >>> from decimal import Decimal
    >>> money = pl.Decimal(20, 4)
    >>> days = pl.DataFrame(
    ...     {
    ...         "begin_value": [10_000, 9_000, 63_000, 0],
    ...         "end_value": [9_000, 63_000, 0, 20],
    ...         "inflow_base": [0, 50_000, 0, 0],
    ...         "outflow_base": [0, 0, 63_000, 0],
    ...         "is_first_day": [False] * 4,
    ...     },
    ...     schema_overrides={c: money for c in ("begin_value", "end_value", "inflow_base", "outflow_base")},
    ... )
    >>> for gain, rate, reason in with_daily_return(days).select("gain_base", "daily_return", "return_reason").rows():
    ...     print(gain, None if rate is None else round(rate, 6), reason)
    -1000.0000 -0.1 None
    4000.0000 0.067797 None
    0.0000 0.0 None
    20.0000 None unfunded_income

    A null return has a reason, the first that applies: ``missing_valuation`` (no value at the end), ``first_day``
    (value enters as inflow, so there is nothing to measure), ``missing_previous_valuation``, ``missing_flow_value``,
    ``no_capital`` (V_begin + IN = 0 and no gain: not a return day), ``unfunded_income`` (a gain on no capital, stated
    in money), ``non_positive_denominator``.

    Args:
        days: ``begin_value, end_value, inflow_base, outflow_base`` Decimal and nullable, flows >= 0; ``is_first_day``.
    """
    capital = pl.col("begin_value") + pl.col("inflow_base")
    gain = pl.col("end_value") + pl.col("outflow_base") - capital
    days = days.with_columns(
        gain_base=gain.cast(pl.Decimal(20, 4)),
        capital=capital,
    )
    no_flow_value = pl.col("inflow_base").is_null() | pl.col("outflow_base").is_null()
    reason = (
        pl.when(pl.col("end_value").is_null())
        .then(pl.lit("missing_valuation"))
        .when("is_first_day")
        .then(pl.lit("first_day"))
        .when(pl.col("begin_value").is_null())
        .then(pl.lit("missing_previous_valuation"))
        .when(no_flow_value)
        .then(pl.lit("missing_flow_value"))
        .when((pl.col("capital") == 0) & (pl.col("gain_base") == 0))
        .then(pl.lit("no_capital"))
        .when(pl.col("capital") == 0)
        .then(pl.lit("unfunded_income"))
        .when(pl.col("capital") < 0)
        .then(pl.lit("non_positive_denominator"))
    )
    days = days.with_columns(return_reason=reason)
    ratio = pl.col("gain_base").cast(pl.Float64) / pl.col("capital").cast(pl.Float64)
    measured = pl.col("return_reason").is_null()
    return days.with_columns(daily_return=pl.when(measured).then(ratio)).drop("capital")


def with_linked_return(days: pl.DataFrame, key: str) -> pl.DataFrame:
    """Days with ``linked_return``: Π(1 + r) − 1 since the first day, 0 on that day, null from the first gap on.

    A day without a return leaves it unchanged if its reason is one of ``NEUTRAL_REASONS``; any other breaks it for
    good, and later days that have a return say ``gap_in_history``. A gap is never bridged. Each day is computed from
    the day before as L + r + L·r, so that a range of days gives the same bits as its days one by one.

    >>> days = pl.DataFrame({
    ...     "account_key": [1, 1, 1, 1],
    ...     "linked_before": [None, None, None, None],
    ...     "daily_return": [None, 0.10, -0.05, 0.20],
    ...     "return_reason": ["first_day", None, None, None],
    ... }, schema_overrides={"linked_before": pl.Float64})
    >>> [round(x, 6) for x in with_linked_return(days, "account_key").get_column("linked_return")]
    [0.0, 0.1, 0.045, 0.254]

    Args:
        days: sorted by ``key`` and day: ``daily_return, return_reason``, and ``linked_before``, of which the value on
            each key's first row counts: the linked return of the day before the range.
        key: column of the level's key.
    """
    reason = pl.col("return_reason")
    inputs = days.select(
        begins=pl.col(key).ne_missing(pl.col(key).shift(1)),
        before=pl.col("linked_before").fill_null(np.nan),
        rate=pl.when(reason.is_in(NEUTRAL_REASONS)).then(pl.lit(0.0)).otherwise("daily_return").fill_null(np.nan),
        restarts=(reason == "first_day").fill_null(value=False),
    )
    linked = np.empty(days.height, np.float64)
    _link(*(inputs.get_column(c).to_numpy() for c in ("begins", "before", "rate", "restarts")), linked)
    value = pl.Series("linked_return", linked).fill_nan(None)
    gap = pl.col("return_reason").is_null() & pl.col("linked_return").is_null()
    return days.with_columns(value).with_columns(
        return_reason=pl.when(gap).then(pl.lit("gap_in_history")).otherwise("return_reason")
    )


def _link_body(
    begins: npt.NDArray[np.bool_],
    before: npt.NDArray[np.float64],
    rate: npt.NDArray[np.float64],
    restarts: npt.NDArray[np.bool_],
    linked: npt.NDArray[np.float64],
) -> None:
    current = np.nan
    for i in range(begins.size):
        if begins[i]:
            current = before[i]
        current = 0.0 if restarts[i] else current + rate[i] + current * rate[i]
        linked[i] = current


_link: Callable[..., Any] = numba.njit(cache=True, nogil=True)(_link_body)
