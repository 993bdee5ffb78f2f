"""An installation made ready: folders, warehouse started and migrated, the orchestrator told where it lives.

Belongs here: what must be there before anything runs. Does not belong here: what runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from connectors.settings import load_tenants
from contracts.table import SHARED_TENANT
from pipelines.dbt import connection_environment
from pipelines.environment import REPOSITORY, Environment
from pipelines.event_log import BATCH_EVENTS
from warehouse.postgres.migrate import migrate
from warehouse.postgres.server import database_url


@dataclass(frozen=True)
class Installation:
    """A ready installation."""

    environment: Environment
    warehouse_url: str

    def instance(self) -> dg.DagsterInstance:
        """The orchestrator's own storage, with every configured tenant as a partition."""
        instance = dg.DagsterInstance.get()
        tenants = [t for t in load_tenants(self.environment.home / "tenants") if t != SHARED_TENANT]
        if tenants:
            instance.add_dynamic_partitions("tenant", tenants)
        return instance


def prepared() -> Installation:
    """The installation of the environment, ready. Safe to call from many processes at once."""
    environment = Environment()
    for folder in ("tenants", "secrets", "locks"):
        (environment.home / folder).mkdir(parents=True, exist_ok=True)
    (environment.home / "secrets").chmod(0o700)
    if environment.deployment == "production" and not environment.database_url:
        raise RuntimeError("NEXUS_DEPLOYMENT=production needs DATABASE_URL: the embedded server is for one machine")
    url = database_url(environment.home)
    migrate(url)
    point_orchestrator(environment)
    os.environ.update(connection_environment(url))
    return Installation(environment, url)


def point_orchestrator(environment: Environment) -> None:
    """Tell the orchestrator's libraries, which read the environment, where its files are."""
    environment.dagster_home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DAGSTER_HOME", str(REPOSITORY))
    os.environ["NEXUS_DAGSTER_STORAGE"] = str(environment.dagster_home)
    os.environ["NEXUS_HOME"] = str(environment.home)
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(BATCH_EVENTS))
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def repository_file(name: str) -> Path:
    """A file at the top of the repository."""
    return REPOSITORY / name
