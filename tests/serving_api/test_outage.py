"""The warehouse goes and comes back; the API stays, says so, and needs no restart."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.serving_api.client import Api
from warehouse.postgres.api_keys import issue_api_key
from warehouse.postgres.migrate import migrate
from warehouse.postgres.server import embedded_url, stop, temporary_server
from warehouse.postgres.sessions import api_url, connect

pytestmark = pytest.mark.xdist_group("serving_api")

ASKED = ("/health/ready", "/api/v1/status", "/api/v1/accounts")


def refused(api: Api, key: str) -> None:
    for path in ASKED:
        answer = api.get(path, key)
        answer.problem(503)
        assert int(answer.headers["retry-after"]) > 0
    assert api.get("/health").status == 200


def test_an_outage_is_told_and_ends_by_itself() -> None:
    with tempfile.TemporaryDirectory(prefix="nexus-outage-") as folder, temporary_server(Path(folder)) as url:
        home = Path(folder)
        migrate(url)
        with connect(url) as connection:
            connection.execute(
                "INSERT INTO core.tenants (tenant_key, slug, name, base_currency) VALUES (1, 'alder', 'Alder', 'USD')"
            )
        key = issue_api_key(url, 1, "test")
        api = Api(api_url(url)).open()
        try:
            assert api.get("/health/ready").status == 200
            # migrated, and dbt has not built the marts yet
            not_built = api.get("/api/v1/status", key)
            assert "marts" in not_built.problem(503)["detail"]
            assert int(not_built.headers["retry-after"]) > 0
            api.get("/api/v1/status", "wrong").problem(401)

            stop(home)
            refused(api, key)
            assert embedded_url(home) == url
            assert api.get("/health/ready").status == 200
            assert "marts" in api.get("/api/v1/status", key).problem(503)["detail"]
        finally:
            api.close()


def test_the_api_starts_while_the_warehouse_is_down(tmp_path: Path) -> None:
    api = Api(f"postgresql://nexus_api@/wealthnexus?host={tmp_path}").open()
    try:
        refused(api, "x")
    finally:
        api.close()
