"""A night may be killed at any write: the next one ends where an undisturbed one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

import pytest

from pipelines.environment import REPOSITORY
from tests.e2e.figures import lake_counts, mart_hashes
from tests.e2e.house import LAST_DAY, TENANTS, House, Houses

pytestmark = pytest.mark.xdist_group("e2e")

LOAD_KEY = ("load_key",)
"""A number drawn from a sequence, which a load that was rolled back leaves unused."""

JOBS = ("market_data", *TENANTS, "marts")
IN_THE_NIGHTLY = (
    "RawStore.take:3:after",  # bytes that no ledger names yet
    "Lake.replace_files:4:before",  # some tables of a batch of files written, others not
    "Lake.append_changed:2:after",  # ledger and positions ahead of the values
    "append_files:3:after",  # canonical rows in the warehouse, parse results not
)
IN_THE_MARTS = (
    "dbt:1:after",  # dbt goes on without its parent
    "publish:1:after",  # one firm published, the other one not
)


def run_driver(house: House, point: str, jobs: Sequence[str] = JOBS) -> subprocess.CompletedProcess[str]:
    """Jobs of the last night in a process of its own, killed at the point."""
    night = LAST_DAY.isoformat()
    command = [sys.executable, "-m", "tests.e2e.kill_driver", str(house.home), house.url, point, night, *jobs]
    environment = {k: v for k, v in os.environ.items() if k not in ("NEXUS_LAKE", "DAGSTER_HOME")}
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


def assert_killed(house: House, point: str, jobs: Sequence[str] = JOBS) -> None:
    done = run_driver(house, point, jobs)
    assert done.returncode == -signal.SIGKILL, f"{point}: {done.returncode}\n{done.stderr[-3000:]}"


def assert_recovers(house: House, finished: House) -> None:
    """A plain run ends with the marts and the lake of an undisturbed one."""
    house.night(LAST_DAY)
    house.marts()
    assert mart_hashes(house, LOAD_KEY) == mart_hashes(finished, LOAD_KEY)
    assert lake_counts(house) == lake_counts(finished)
    publications = house.rows("SELECT count(*) FROM ops.publication")
    assert publications.rows() == finished.rows("SELECT count(*) FROM ops.publication").rows()


def test_a_night_killed_six_times_in_a_row_ends_like_an_undisturbed_one(
    houses: Houses, eve: House, finished: House
) -> None:
    house = houses.build(eve)
    house.night(LAST_DAY, tenants=())  # market data first, as every night: what comes late is known from later on
    for point in IN_THE_NIGHTLY:
        assert_killed(house, point, ["alder"])
    house.night(LAST_DAY)
    for point in IN_THE_MARTS:
        assert_killed(house, point, ["marts"])
    assert_recovers(house, finished)


@pytest.mark.full
@pytest.mark.timeout(4 * 3600)
def test_a_night_killed_at_any_write_or_asset_ends_like_an_undisturbed_one(
    houses: Houses, eve: House, finished: House
) -> None:
    whole = run_driver(houses.build(eve), "none")
    assert whole.returncode == 0, whole.stderr[-3000:]
    passed = [line for line in whole.stdout.splitlines() if line.endswith((":before", ":after"))]
    # What is on disk after a write is what is there before the next one; only dbt goes on by itself.
    points = [point for point in passed if point.endswith(":before") or point == "dbt:1:after"]
    labels = {point.split(":")[0] for point in points}
    assert len(TENANTS) * 20 < len(points)
    assert {"RawStore.take", "Lake.replace_files", "Lake.append_changed", "load_dates", "dbt", "publish"} <= labels
    for point in points:
        house = houses.build(eve)
        assert_killed(house, point)
        assert_recovers(house, finished)
        houses.drop(house)
