"""The small firm, taken in whole by one installation, and the means to build others beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulation.world import World
from tests.e2e.house import LAST_DAY, House, Houses, small_world
from warehouse.postgres.server import temporary_server
from warehouse.postgres.sessions import connect


@pytest.fixture(scope="session")
def houses() -> Iterator[Houses]:
    """Houses on an embedded PostgreSQL of their own."""
    # Not pytest's folder: that one is closed to other users, and PostgreSQL runs as one where we are root.
    with tempfile.TemporaryDirectory(prefix="nexus-e2e-") as name, temporary_server(Path(name)) as url:
        folder = Path(name)
        with connect(url, role=None, autocommit=True) as connection:  # a test's data need not outlive the machine
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        found = Houses(url, folder)
        try:
            yield found
        finally:
            found.close()


@pytest.fixture(scope="session")
def world() -> World:
    """The undisturbed world."""
    return small_world()


@pytest.fixture(scope="session")
def eve(houses: Houses, world: World) -> House:
    """All nights but the last taken in as history, one range per tenant; nothing published yet. Only to be copied."""
    house = houses.build()
    *history, last = world.market.days
    house.deliver(world, history)
    house.night(history[0], history[-1])
    house.deliver(world, [last])
    return house


@pytest.fixture(scope="session")
def finished(houses: Houses, eve: House) -> House:
    """The last day taken in as tonight's run, and all published. Only to be looked at or copied."""
    house = houses.build(eve)
    house.night(LAST_DAY)
    house.marts()
    return house


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests wait for servers and subprocesses: a busy machine must not decide them."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))
