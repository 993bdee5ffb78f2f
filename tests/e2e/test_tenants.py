# ruff: noqa: S608 (names of tables cannot be parameters; they are constants)
"""Two firms in one installation, with an account number in common, see nothing of each other."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import polars as pl
import pytest
import uvicorn

from contracts.registry import TABLES
from serving_api.app import create_app
from serving_api.settings import ApiSettings
from simulation.firm import SHARED_ACCOUNT_NUMBER
from simulation.world import World
from tests.e2e import truth
from tests.e2e.figures import MARTS, figures
from tests.e2e.house import TENANTS, House
from warehouse.lake.store import Lake
from warehouse.postgres.api_keys import issue_api_key
from warehouse.postgres.sessions import SET_TENANT_PSYCOPG, api_url, connect

pytestmark = pytest.mark.xdist_group("e2e")


@pytest.fixture(scope="module")
def tenant_keys(finished: House) -> dict[str, int]:
    return {tenant: finished.workspace.tenant_key(tenant) for tenant in TENANTS}


@dataclass(frozen=True)
class Api:
    """The API over HTTP on this machine."""

    address: str

    def get(self, path: str, key: str) -> tuple[int, Any]:
        """Status and parsed body."""
        request = Request(self.address + path, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 (our own server)
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def api(finished: House) -> Iterator[Api]:
    settings = ApiSettings(database_url=api_url(finished.url), lake_root=str(finished.home / "lake"))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, name="api", daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Api(f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(30)


def test_a_tenants_folder_holds_that_tenants_rows_alone(finished: House, tenant_keys: dict[str, int]) -> None:
    lake = Lake(str(finished.home / "lake"))
    for tenant, key in tenant_keys.items():
        tables = [TABLES[name] for name in lake.tables(tenant)]
        assert len(tables) > 12
        for table in (t for t in tables if "tenant_key" in t.polars_schema):  # issued keys lie in the tenant's folder
            assert lake.read(table, tenant)["tenant_key"].unique().to_list() == [key]


def test_the_api_login_sees_the_tenant_that_is_set_and_no_other(finished: House, tenant_keys: dict[str, int]) -> None:
    own = [name for name in MARTS if name not in ("dim_date", "dim_security")]
    with connect(api_url(finished.url), role=None) as connection:
        for key in tenant_keys.values():
            for name in own:
                connection.execute(SET_TENANT_PSYCOPG, [str(key)])
                query = f"SELECT DISTINCT tenant_key FROM marts.{name}"
                seen = {found for (found,) in connection.execute(query).fetchall()}  # type: ignore[call-overload]
                assert seen <= {key, 0}, name
                assert key in seen or name in ("fct_position_break", "fct_reject")
                connection.rollback()
        for name in own:
            count = connection.execute(f"SELECT count(*) FROM marts.{name} WHERE tenant_key <> 0").fetchone()  # type: ignore[call-overload]
            assert count == (0,), name


def test_one_account_number_is_two_accounts_with_their_own_figures(finished: House, world: World) -> None:
    shown = figures(finished, "values").filter(pl.col("account_number") == SHARED_ACCOUNT_NUMBER)
    true = truth.values(world).filter(pl.col("account_number") == SHARED_ACCOUNT_NUMBER)
    for tenant in TENANTS:
        of_tenant = pl.col("tenant_slug") == tenant
        assert shown.filter(of_tenant)["total_value_base"].to_list() == true.filter(of_tenant).sort("as_of_date")[
            "total_value_base"
        ].to_list()  # fmt: skip
    first, second = (shown.filter(pl.col("tenant_slug") == t)["total_value_base"].to_list() for t in TENANTS)
    assert first != second


def test_the_api_answers_each_key_with_its_own_tenant(
    finished: House, api: Api, tenant_keys: dict[str, int], world: World
) -> None:
    ids: dict[str, set[str]] = {}
    for tenant, key in tenant_keys.items():
        token = issue_api_key(finished.url, key, "test")
        status, listed = api.get("/api/v1/accounts", token)
        assert status == 200
        accounts = listed["items"]
        assert sorted(a["account_number"] for a in accounts) == sorted(a.account_number for a in world.firm.of(tenant))
        ids[tenant] = {a["account_id"] for a in accounts}
        for foreign in ids["alder"] - ids[tenant]:
            assert api.get(f"/api/v1/accounts/{foreign}/valuations", token)[0] == 404
            assert api.get(f"/api/v1/accounts/{foreign}/positions", token)[0] == 404
        mine = next(a["account_id"] for a in accounts if a["account_number"] == SHARED_ACCOUNT_NUMBER)
        days = api.get(f"/api/v1/accounts/{mine}/valuations", token)[1]["items"]
        true = truth.values(world).filter(tenant_slug=tenant, account_number=SHARED_ACCOUNT_NUMBER).sort("as_of_date")
        assert [d["total_value_base"] for d in reversed(days)] == [str(v) for v in true["total_value_base"]]
    assert not ids["alder"] & ids["birch"]
    assert api.get("/api/v1/accounts", "nxs_nobody")[0] == 401
