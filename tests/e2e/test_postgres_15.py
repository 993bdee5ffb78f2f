"""The oldest PostgreSQL that is supported, with its default settings, takes a week from files to published marts."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.e2e import truth
from tests.e2e.figures import figures, mart_hashes
from tests.e2e.house import Houses, small_world
from warehouse.postgres.sessions import SET_TENANT_PSYCOPG, api_url, connect

pytestmark = [pytest.mark.full, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(1200)]

BIN = Path(os.environ.get("NEXUS_TEST_PG15_BIN", "/usr/lib/postgresql/15/bin"))
"""Where Debian's package postgresql-15 has its programs."""

LAST = date(2022, 11, 8)


def _owner() -> str | None:
    """The user under which the server runs: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A fresh cluster on a Unix socket; address of its first database."""
    if not (BIN / "postgres").exists():
        pytest.skip(f"no PostgreSQL 15 in {BIN}: install postgresql-15, or set NEXUS_TEST_PG15_BIN")
    owner = _owner()
    with tempfile.TemporaryDirectory(prefix="nexus-pg15-") as name:
        folder = Path(name)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if owner:
            shutil.chown(folder, owner)
            shutil.chown(data, owner)

        def run(program: str, *arguments: str) -> None:
            with (folder / f"{program}.out").open("w") as output:  # a pipe would stay open with the server
                done = subprocess.run(
                    [str(BIN / program), "-D", str(data), *arguments],
                    user=owner, cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False, timeout=120,
                )  # fmt: skip
            assert done.returncode == 0, (folder / f"{program}.out").read_text()

        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        run("pg_ctl", "-w", "-o", options, "-l", str(data / "log"), "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")


def test_a_week_is_published_and_true_on_postgresql_15(server: str) -> None:
    world = small_world(last=LAST)
    with connect(server, role=None) as connection:
        assert connection.info.server_version // 10_000 == 15
    with tempfile.TemporaryDirectory(prefix="nexus-e2e-") as name:
        houses = Houses(server, Path(name))
        try:
            house = houses.build()
            *history, last = world.market.days
            house.deliver(world, history)
            house.night(history[0], history[-1])
            house.marts()
            house.deliver(world, [last])
            house.night(last)
            house.marts()
            positions = truth.positions(world)
            shown = figures(house, "positions").select(positions.columns)
            assert_frame_equal(shown.cast(dict(positions.schema)), positions)
            values = truth.values(world).drop("daily_return", "linked_return")
            shown = figures(house, "values").select(values.columns).sort(values.columns)
            assert_frame_equal(shown.cast(dict(values.schema)), values)
            before = mart_hashes(house)
            house.night(last)
            house.marts()
            assert mart_hashes(house) == before
            key = house.workspace.tenant_key("birch")
            with connect(api_url(house.url), role=None) as connection:
                connection.execute(SET_TENANT_PSYCOPG, [str(key)])
                seen = connection.execute("SELECT DISTINCT tenant_key FROM marts.fct_position_daily").fetchall()
            assert seen == [(key,)]
            assert figures(house, "readiness").filter(pl.col("readiness") != "complete").is_empty()
        finally:
            houses.close()
