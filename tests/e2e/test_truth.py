"""What is published is what happened: every figure against the simulator's own bookkeeping."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from simulation.world import World
from tests.e2e import truth
from tests.e2e.figures import figures
from tests.e2e.house import House

pytestmark = pytest.mark.xdist_group("e2e")

RETURN_TOLERANCE = 1e-8


def test_positions_and_cash_are_the_true_ones_on_every_day(finished: House, world: World) -> None:
    expected = truth.positions(world)
    shown = figures(finished, "positions").select(expected.columns)
    assert_frame_equal(shown.cast(dict(expected.schema)), expected)


def test_account_values_and_flows_are_the_true_ones_on_every_day(finished: House, world: World) -> None:
    expected = truth.values(world).drop("daily_return", "linked_return")
    shown = figures(finished, "values").select(expected.columns).sort(expected.columns)
    assert_frame_equal(shown.cast(dict(expected.schema)), expected)


def test_daily_and_linked_returns_are_the_true_ones(finished: House, world: World) -> None:
    key = ["tenant_slug", "custodian", "account_number", "as_of_date"]
    expected = truth.values(world)
    both = expected.join(figures(finished, "values"), on=key, suffix="_shown", nulls_equal=True)
    assert both.height == expected.height
    for name in ("daily_return", "linked_return"):
        true, shown = both[name].cast(pl.Float64), both[f"{name}_shown"].cast(pl.Float64)
        assert (true.is_null() == shown.is_null()).all()
        assert (true - shown).abs().max() < RETURN_TOLERANCE  # type: ignore[operator]
        assert true.drop_nulls().abs().max() > 0.001  # type: ignore[operator]


def test_every_booking_is_there_as_often_as_it_happened(finished: House, world: World) -> None:
    expected = truth.transactions(world)
    # An OFX bank transaction has no settlement date of its own: it settles on the day on which it is posted.
    settles = pl.when(custodian="ofx").then(pl.coalesce("settle_date", "trade_date")).otherwise("settle_date")
    shown = figures(finished, "transactions").with_columns(settles.alias("settle_date")).select(expected.columns)
    assert_frame_equal(shown.sort(expected.columns).cast(dict(expected.schema)), expected)


def test_an_undisturbed_month_is_complete_without_breaks_or_rejects(finished: House) -> None:
    assert figures(finished, "breaks").is_empty()
    assert figures(finished, "readiness")["readiness"].unique().to_list() == ["complete"]
    assert finished.rows("SELECT * FROM marts.fct_reject").is_empty()
    by_custodian = figures(finished, "values").filter(pl.col("custodian") == "schwab")
    assert by_custodian["readiness"].unique().to_list() == ["complete"]
