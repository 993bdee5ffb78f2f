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

ARRIVALS = ("landing.file_arrival", "marts.fct_feed_arrival")
"""The ledger of arrivals: it records each delivery, whether or not it brings anything."""


def test_the_same_runs_again_change_nothing(houses: Houses, finished: House, world: World) -> None:
    house = houses.build(finished)
    before = (lake_counts(house), lake_versions(house), warehouse_counts(house), mart_hashes(house))
    house.night(FIRST_DAY, world.market.days[-2])
    house.night(LAST_DAY)
    house.marts()
    after = (lake_counts(house), lake_versions(house), warehouse_counts(house), mart_hashes(house))
    for told_before, told_after in zip(before, after, strict=True):
        assert told_after == told_before
    assert before[3] == mart_hashes(finished)


def test_a_file_delivered_twice_adds_nothing_but_its_arrival(houses: Houses, finished: House, world: World) -> None:
    house = houses.build(finished)
    folder = house.provider / "alder" / "schwab_main"
    stem = world.market.days[-1].strftime("CRS%Y%m%d")
    copies = folder / "resent"
    copies.mkdir()
    for kind in ("TRN", "RPS", "SEC", "ACC"):
        original = folder / f"{stem}.{kind}"
        shutil.copy2(original, copies / original.name)  # other name, same bytes
        touched = original.stat().st_mtime_ns + 7_200 * 10**9
        os.utime(original, ns=(touched, touched))  # same name and bytes, uploaded again
    statement = next((house.provider / "alder" / "ofx_direct").glob(f"*_{LAST_DAY:%Y%m%d}.ofx"))
    shutil.copy2(statement, statement.with_name(f"again_{statement.name}"))

    before = (lake_counts(house), warehouse_counts(house), mart_hashes(house))
    house.night(LAST_DAY)
    house.marts()
    after = (lake_counts(house), warehouse_counts(house), mart_hashes(house))

    new = {name: after[0][name] - count for name, count in before[0].items() if after[0][name] != count}
    assert new == {"alder/landing.file_arrival": 9}
    new = {name: after[1][name] - count for name, count in before[1].items() if after[1].get(name) != count}
    assert new == {"landing.file_arrival": 9}
    assert {n for n in after[2] if after[2][n] != before[2][n]} == {"fct_feed_arrival"}
    arrivals = house.rows("SELECT arrival_status FROM marts.fct_feed_arrival")
    assert arrivals.filter(pl.col("arrival_status") == "duplicate").height == 9


def test_publications_are_as_many_as_the_days_of_each_tenant(finished: House, world: World) -> None:
    rows = finished.rows("SELECT tenant_key, as_of_date FROM ops.publication")
    assert rows.height == rows.unique().height == len(world.market.days) * len(TENANTS)
