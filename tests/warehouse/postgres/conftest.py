"""One embedded server per test process, one migrated database per test."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from warehouse.postgres.migrate import migrate
from warehouse.postgres.server import temporary_server
from warehouse.postgres.sessions import connect, with_database

TEMPLATE = "migrated_template"


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Connection string of an administrator on a server of this process alone."""
    with tempfile.TemporaryDirectory(prefix="nexus-pg-") as folder, temporary_server(Path(folder)) as url:
        with connect(url, role=None, autocommit=True) as connection:
            # nothing here outlives the process, so nothing needs to reach the disk
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Name of a migrated database that nobody is connected to, to be copied."""
    _create(server_url, TEMPLATE)
    migrate(with_database(server_url, TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def shared_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database for tests that only look."""
    yield from _database(server_url, template)


@pytest.fixture(scope="module")
def module_url(server_url: str, template: str) -> Iterator[str]:
    """A migrated database for the tests of one module, which leave what they find as it was."""
    yield from _database(server_url, template)


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """A fresh database that was never migrated."""
    yield from _database(server_url, "template1")


@pytest.fixture
def url(server_url: str, template: str) -> Iterator[str]:
    """A fresh migrated database."""
    yield from _database(server_url, template)


def _database(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    _create(server_url, name, template)
    yield with_database(server_url, name)
    with connect(server_url, role=None, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _create(server_url: str, name: str, template: str = "template1") -> None:
    with connect(server_url, role=None, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        # privileges of a database are not copied with it
        if template == TEMPLATE:
            connection.execute(
                sql.SQL("GRANT CREATE, TEMPORARY ON DATABASE {} TO nexus_loader").format(sql.Identifier(name))
            )
            connection.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
