"""Doing it again changes nothing: the same runs, the same bytes under other names, the same files with new times."""

from __future__ import annotations

import os
import shutil

import polars as pl
import pytest

from simulation.world import World
from tests.e2e.figures import lake_counts, lake_versions, mart_hashes, warehouse_counts
from tests.e2e.house import FIRST_DAY, LAST_DAY, TENANTS, House, Houses

pytestmark = pytest.mark.xdist_group("e2e")


@pytest.fixture(scope="module")
def again(houses: Houses, finished: House) -> House:
    """A copy, for the tests below in their order."""
    return houses.build(finished)


def state(house: House) -> tuple[dict[str, int], dict[str, int], dict[str, str]]:
    """Rows of the lake, rows of the warehouse, hashes of the marts: nothing left out, no column and no clock."""
    return lake_counts(house), warehouse_counts(house), mart_hashes(house)


def test_the_same_runs_again_change_nothing(again: House, finished: House, world: World) -> None:
    before, versions = state(again), lake_versions(again)
    again.night(FIRST_DAY, world.market.days[-2])
    again.night(LAST_DAY)
    again.marts()
    assert lake_versions(again) == versions  # not even an empty commit
    assert state(again) == before
    assert before[2] == mart_hashes(finished)


def test_a_file_delivered_twice_adds_nothing_but_its_arrival(again: House, world: World) -> None:
    folder = again.provider / "alder" / "schwab_main"
    stem = world.market.days[-1].strftime("CRS%Y%m%d")
    copies = folder / "resent"
    copies.mkdir()
    for kind in ("TRN", "RPS", "SEC", "ACC"):
        original = folder / f"{stem}.{kind}"
        shutil.copy2(original, copies / original.name)  # other name, same bytes
        touched = original.stat().st_mtime_ns + 7_200 * 10**9
        os.utime(original, ns=(touched, touched))  # same name and bytes, uploaded again
    statement = next((again.provider / "alder" / "ofx_direct").glob(f"*_{LAST_DAY:%Y%m%d}.ofx"))
    shutil.copy2(statement, statement.with_name(f"again_{statement.name}"))

    lake, warehouse, marts = state(again)
    again.night(LAST_DAY, tenants=("alder",))
    lake_after, warehouse_after, marts_after = state(again)

    assert _grown(lake, lake_after) == {"alder/landing.file_arrival": 9}
    assert _grown(warehouse, warehouse_after) == {"landing.file_arrival": 9}
    # The marts are views: nothing is loaded that dbt and publication would have to show.
    assert {name for name in marts if marts_after[name] != marts[name]} == {"fct_feed_arrival"}
    assert again.rows("SELECT * FROM ops.unpublished_load").is_empty()
    arrivals = again.rows("SELECT arrival_status FROM marts.fct_feed_arrival")
    assert arrivals.filter(pl.col("arrival_status") == "duplicate").height == 9


def _grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Tables whose number of rows changed, and by how many."""
    return {
        name: after.get(name, 0) - before.get(name, 0) for name in before | after if after.get(name) != before.get(name)
    }


def test_publications_are_as_many_as_the_days_of_each_tenant(finished: House, world: World) -> None:
    rows = finished.rows("SELECT tenant_key, as_of_date FROM ops.publication")
    assert rows.height == rows.unique().height == len(world.market.days) * len(TENANTS)
