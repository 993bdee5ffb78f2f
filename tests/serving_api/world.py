"""A small firm, run once from its files to its publication: what the API is asked about."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from simulation.firm import TenantPlan
from simulation.world import SimulationConfig, simulate, write_world
from tests.serving_api.client import Api
from warehouse.postgres.api_keys import issue_api_key
from warehouse.postgres.sessions import api_url, connect, with_database

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST_DAY, LAST_DAY = date(2022, 11, 17), date(2022, 11, 29)
"""Eight business days; Thanksgiving and a weekend lie between them."""

MASTERS = {"alder": "08123456", "birch": "08765432"}
SHARED_NUMBER = "48120001"
"""Both firms have an account of this number."""

PLANS = {
    "alder": TenantPlan(accounts=4, master_account=MASTERS["alder"], ofx_share=0.25),
    "birch": TenantPlan(accounts=2, master_account=MASTERS["birch"]),
}
FEEDS = {
    "_shared": {"ecb": "ecb", "closing_prices": "closing_prices"},
    "alder": {"schwab_main": "schwab", "ofx_direct": "ofx"},
    "birch": {"schwab_main": "schwab"},
}

Row = tuple[Any, ...]


@dataclass(frozen=True)
class World:
    """The firm's installation.

    Attributes:
        home: NEXUS_HOME; its ``provider`` folder holds the files as delivered.
        url: the warehouse, under the owner's login.
        keys: an API key of each tenant.
        tenant_keys: slug to surrogate key.
        api: the application over it.
    """

    home: Path
    url: str
    keys: dict[str, str]
    tenant_keys: dict[str, int]
    api: Api

    @property
    def lake_root(self) -> str:
        return str(self.home / "lake")

    def rows(self, query: str, *values: object) -> list[Row]:
        """Rows as the owner sees them: row-level security does not hold here."""
        with connect(self.url) as connection:
            return connection.execute(query, values or None).fetchall()  # type: ignore[arg-type]

    def accounts(self, tenant: str) -> dict[str, tuple[str, int]]:
        """Account number to public id and key."""
        found = self.rows(
            "SELECT account_number, account_id, account_key FROM marts.dim_account WHERE tenant_key = %s",
            self.tenant_keys[tenant],
        )
        return {number: (public, key) for number, public, key in found}


def run(home: Path, url: str) -> None:
    """Files on disk, one nightly per firm over all days, dbt, publication: in a process of its own."""
    simulated = simulate(SimulationConfig(seed=7, tenants=PLANS, first_date=FIRST_DAY, last_date=LAST_DAY))
    write_world(simulated, home / "provider")
    write_settings(home)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NEXUS_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.serving_api.night", *PLANS, FIRST_DAY.isoformat(), LAST_DAY.isoformat()],
        env={**environment, "NEXUS_HOME": str(home), "DATABASE_URL": url},
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)


def write_settings(home: Path) -> None:
    """Each firm's feeds are folders of this machine."""
    (home / "tenants").mkdir(parents=True, exist_ok=True)
    for tenant, feeds in FEEDS.items():
        connections = [
            {
                "connection_id": name, "adapter": adapter, "received_at": "remote_mtime",
                "transport": {"kind": "local", "path": str(home / "provider" / "sftp" / tenant / name)},
                "master_accounts": [MASTERS[tenant]] if adapter == "schwab" else [],
            }
            for name, adapter in feeds.items()
        ]  # fmt: skip
        settings = {"tenant": tenant, "name": tenant.strip("_").title(), "connections": connections}
        (home / "tenants" / f"{tenant}.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))


def opened(home: Path, url: str) -> World:
    """The world over a database that ``run`` has filled, or a copy of it; the caller closes its ``api``."""
    with connect(url) as connection:
        found = connection.execute("SELECT slug, tenant_key FROM core.tenants WHERE slug <> '_shared'").fetchall()
    tenant_keys: dict[str, int] = dict(found)
    keys = {slug: issue_api_key(url, key, "test") for slug, key in tenant_keys.items()}
    return World(home, url, keys, tenant_keys, Api(api_url(url), str(home / "lake")).open())


def copied(url: str, name: str) -> str:
    """A copy of a database that nobody is connected to."""
    template = str(conninfo_to_dict(url)["dbname"])
    with connect(with_database(url, "postgres"), role=None, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return with_database(url, name)
