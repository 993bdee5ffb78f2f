"""One server, one database and one project build for all tests of the models, which therefore share a worker."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.dbt.firm import founded
from warehouse.postgres.migrate import migrate
from warehouse.postgres.server import temporary_server
from warehouse.postgres.sessions import connect

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"


@dataclass(frozen=True)
class Project:
    """dbt over one database. ``run`` returns the exit code and everything it printed."""

    url: str
    target: Path

    def run(self, *arguments: str, project: Path = PROJECT) -> tuple[int, str]:
        address = conninfo_to_dict(self.url)
        environment = os.environ | {
            "NEXUS_DBT_HOST": str(address["host"]),
            "NEXUS_DBT_PORT": str(address["port"]),
            "NEXUS_DBT_USER": str(address["user"]),
            "NEXUS_DBT_DBNAME": str(address["dbname"]),
            "DBT_TARGET_PATH": str(self.target),
            "DBT_LOG_PATH": str(self.target / "logs"),
        }
        done = subprocess.run(
            [
                sys.executable, "-m", "dbt.cli.main", *arguments,
                "--project-dir", str(project), "--profiles-dir", str(project),
            ],
            env=environment, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Rows as the owner sees them."""
        with connect(self.url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def unbuilt() -> Iterator[Project]:
    """A founded warehouse before dbt has run."""
    with tempfile.TemporaryDirectory(prefix="nexus-dbt-") as folder, temporary_server(Path(folder)) as url:
        migrate(url)
        founded(url)
        yield Project(url, Path(folder) / "target")


@pytest.fixture(scope="session")
def built(unbuilt: Project) -> Project:
    """The same after one whole ``dbt build``, unit tests included."""
    code, output = unbuilt.run("build")
    if code != 0:
        pytest.fail(output)
    return unbuilt


@pytest.fixture
def as_tenant(built: Project) -> Callable[[int | None, str], list[tuple[object, ...]]]:
    """Rows of a query as the API sees them for one tenant, or with no tenant set."""
    from warehouse.postgres.sessions import SET_TENANT_PSYCOPG, api_url

    def rows(tenant: int | None, query: str) -> list[tuple[object, ...]]:
        with connect(api_url(built.url), role=None) as connection:
            if tenant is not None:
                connection.execute(SET_TENANT_PSYCOPG, [str(tenant)])
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    return rows
