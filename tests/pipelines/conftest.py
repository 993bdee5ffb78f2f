"""One person's installation for all tests that need one; they share a worker by the mark ``pipelines_ingest``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.person import Person
from warehouse.postgres.server import temporary_server
from warehouse.postgres.sessions import connect


@pytest.fixture(scope="session")
def person() -> Iterator[Person]:
    # Not pytest's folder: that one is closed to other users, and PostgreSQL runs as one where we are root.
    with tempfile.TemporaryDirectory(prefix="nexus-ingest-") as folder, temporary_server(Path(folder)) as url:
        with connect(url, role=None, autocommit=True) as connection:  # a test's data need not outlive the machine
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield Person(Path(folder) / "home", url)
