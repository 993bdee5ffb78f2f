"""One firm on one server for all tests of the API, which therefore share a worker."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving_api import world as worlds
from tests.serving_api.client import Api
from tests.serving_api.world import World
from warehouse.postgres.server import temporary_server
from warehouse.postgres.sessions import connect


@pytest.fixture(scope="session")
def filled() -> Iterator[tuple[Path, str, str]]:
    """Home of the installation, its database, and a copy of it to be changed."""
    # not pytest's folder: another pytest of this user closes that to the server's own system user
    with tempfile.TemporaryDirectory(prefix="nexus-api-") as folder, temporary_server(Path(folder)) as url:
        home = Path(folder)
        with connect(url, role=None, autocommit=True) as connection:  # a test's data need not outlive the machine
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        worlds.run(home, url)
        yield home, url, worlds.copied(url, "changing")


@pytest.fixture(scope="session")
def world(filled: tuple[Path, str, str]) -> Iterator[World]:
    """The published firm; tests only look at it."""
    home, url, _ = filled
    found = worlds.opened(home, url)
    yield found
    found.api.close()


@pytest.fixture(scope="session")
def api(world: World) -> Api:
    """The API over the published firm."""
    return world.api


@pytest.fixture(scope="session")
def changing(filled: tuple[Path, str, str]) -> Iterator[World]:
    """The same firm in a database of its own, for tests that add to it."""
    home, _, url = filled
    found = worlds.opened(home, url)
    yield found
    found.api.close()
