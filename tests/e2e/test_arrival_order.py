"""The order in which files arrive is no part of the figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from simulation.world import World
from tests.e2e.figures import all_figures
from tests.e2e.house import House, Houses

pytestmark = pytest.mark.xdist_group("e2e")

CLOCK = ("known_from",)
"""A figure computed before an earlier file came is known from that file on, not from the later ones."""


def taken_in(houses: Houses, world: World, batches: Sequence[Sequence[date]]) -> House:
    """A house that was given the nights' files batch by batch, with a run after each."""
    house = houses.build()
    for nights in batches:
        house.deliver(world, nights)
        house.night(min(nights), max(nights))
    house.marts()
    return house


def assert_same_figures(house: House, other: House, without: Sequence[str] = ()) -> None:
    """Every mart row is the same by its natural names; surrogate keys follow the order of first arrival."""
    shown, expected = all_figures(house, without), all_figures(other, without)
    for name, frame in expected.items():
        assert shown[name].columns == frame.columns
        assert_frame_equal(shown[name], frame, check_dtypes=False)


def test_the_end_of_the_month_before_its_beginning_gives_the_same_figures(
    houses: Houses, finished: House, world: World
) -> None:
    days = world.market.days
    assert_same_figures(taken_in(houses, world, [days[9:], days[:9]]), finished, CLOCK)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_the_middle_of_the_month_first_and_its_beginning_last_gives_the_same_figures(
    houses: Houses, finished: House, world: World
) -> None:
    days = world.market.days
    assert_same_figures(taken_in(houses, world, [days[7:14], days[14:], days[:7]]), finished, CLOCK)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_all_files_in_one_run_give_the_same_figures_known_from_the_same_instants(
    houses: Houses, finished: House, world: World
) -> None:
    assert_same_figures(taken_in(houses, world, [world.market.days]), finished)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_night_by_night_gives_the_same_figures(houses: Houses, finished: House, world: World) -> None:
    assert_same_figures(taken_in(houses, world, [[day] for day in world.market.days]), finished)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_the_last_night_first_and_the_first_one_last_gives_the_same_figures(
    houses: Houses, finished: House, world: World
) -> None:
    house = taken_in(houses, world, [[day] for day in reversed(world.market.days)])
    assert_same_figures(house, finished, CLOCK)
    assert all_figures(house)["values"].select(pl.col("known_from").is_not_null().all()).item()
