"""The server: where it is, that it lives on, and what is said when it cannot be reached."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.postgres.bulk import bulk_session
from warehouse.postgres.errors import WarehouseUnreachableError
from warehouse.postgres.migrate import migrate
from warehouse.postgres.server import database_url, embedded_url, stop
from warehouse.postgres.sessions import api_url, connect, with_database

NOBODY = "postgresql://someone:s3cr3t@127.0.0.1:1/warehouse"


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nexus-pg-") as folder:
        yield Path(folder)
        stop(Path(folder))


def test_the_server_outlives_the_process_that_started_it_and_keeps_its_data(home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from warehouse.postgres.server import embedded_url\n"
        "print(embedded_url(Path(sys.argv[1])))"
    )
    started = subprocess.run([sys.executable, "-c", program, str(home)], capture_output=True, text=True, check=True)
    url = started.stdout.strip()
    with connect(url, role=None) as connection:
        connection.execute("CREATE TABLE public.kept AS SELECT 1 AS one")
        settings = connection.execute(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'), "
            "current_setting('listen_addresses')"
        ).fetchone()
    assert settings == ("on", "on", "")
    assert embedded_url(home) == url
    assert stop(home)
    assert not stop(home)
    with pytest.raises(WarehouseUnreachableError), connect(url, role=None):
        pass
    with connect(embedded_url(home), role=None) as connection:
        assert connection.execute("SELECT one FROM public.kept").fetchone() == (1,)


def test_a_pid_file_left_by_a_crash_does_not_stop_the_start(home: Path) -> None:
    embedded_url(home)
    pid_file = home / "postgres" / "postmaster.pid"
    left = pid_file.read_text().split("\n", 1)[1]
    stop(home)
    pid_file.write_text(f"{os.getpid()}\n{left}")  # a live process, but not PostgreSQL
    with connect(embedded_url(home), role=None) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_configured_server_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", NOBODY)
    assert database_url(tmp_path) == NOBODY
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_server_is_named_without_its_password() -> None:
    for attempt in (migrate, lambda url: connect(url).__enter__(), lambda url: bulk_session(url).__enter__()):
        with pytest.raises(WarehouseUnreachableError, match=r"127\.0\.0\.1 port 1 database warehouse") as caught:
            attempt(NOBODY)
        assert "s3cr3t" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_connection_string_that_is_none_is_not_repeated() -> None:
    with pytest.raises(WarehouseUnreachableError) as caught, connect("postgres//someone:s3cr3t@host/db"):
        pass
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "api", "other"),
    [
        (
            "postgresql://me:p%40ss@db.example:5433/wealth?sslmode=require",
            "postgresql://nexus_api@db.example:5433/wealth?sslmode=require",
            "postgresql://me:p%40ss@db.example:5433/other?sslmode=require",
        ),
        (
            "postgresql://postgres@/wealth?host=/tmp/a&port=5432",
            "postgresql://nexus_api@/wealth?host=/tmp/a&port=5432",
            "postgresql://postgres@/other?host=/tmp/a&port=5432",
        ),
    ],
)
def test_another_login_or_database_keeps_the_rest_of_the_address(url: str, api: str, other: str) -> None:
    assert api_url(url) == api
    assert with_database(url, "other") == other
    assert api_url(url, "pa/ss").startswith("postgresql://nexus_api:pa%2Fss@")
