"""Where a run works: lake, raw store, keys, warehouse and the tenants' settings, opened once per run.

Belongs here: the handles that assets are given. Does not belong here: what they do with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

import dagster as dg
import exchange_calendars
import polars as pl

from connectors.connection import Connection, TenantSettings
from connectors.registry import adapter
from connectors.settings import load_tenants
from contracts.table import SHARED_TENANT, SHARED_TENANT_KEY
from warehouse.lake.keys import KeyIssuer
from warehouse.lake.locks import file_lock
from warehouse.lake.raw import RawStore
from warehouse.lake.securities import SecurityMaster
from warehouse.lake.store import Lake


@dataclass(frozen=True)
class Workspace:
    """The open handles of one run.

    Attributes:
        home: folder of this installation: settings, secrets, locks, and by default the lake and the server.
        lake_root: local path or ``s3://`` address.
        warehouse_url: PostgreSQL; empty where a run has no warehouse.
    """

    home: Path
    lake_root: str
    warehouse_url: str

    @cached_property
    def lake(self) -> Lake:
        """The system of record."""
        return Lake(self.lake_root)

    @cached_property
    def raw(self) -> RawStore:
        """The files as received."""
        return RawStore(self.lake_root)

    @cached_property
    def issuer(self) -> KeyIssuer:
        """The only issuer of surrogate keys."""
        return KeyIssuer(self.lake, self.raw, file_lock(self.home / "locks"))

    @cached_property
    def securities(self) -> SecurityMaster:
        """The security master."""
        return SecurityMaster(self.lake, self.issuer)

    @property
    def secrets_dir(self) -> Path:
        """Folder of ``file:`` secrets."""
        return self.home / "secrets"

    @cached_property
    def tenants(self) -> dict[str, TenantSettings]:
        """Tenant slug to settings, ``_shared`` among them where it is configured."""
        return load_tenants(self.home / "tenants")

    def tenant_key(self, tenant: str) -> int:
        """The tenant's surrogate key, issued on first use."""
        return SHARED_TENANT_KEY if tenant == SHARED_TENANT else self.issuer.tenant_key(tenant, datetime.now(UTC))

    def connections(self, tenant: str, slug: str | None = None) -> tuple[Connection, ...]:
        """The tenant's connections, all or those of one adapter."""
        settings = self.tenants.get(tenant)
        found = settings.connections if settings else ()
        return tuple(c for c in found if slug is None or adapter(c.adapter).slug == slug)

    def business_dates(self, tenant: str, first: date, last: date) -> pl.Series:
        """Valuation dates of the tenant's calendar from ``first`` to ``last``, both included."""
        settings = self.tenants.get(tenant)
        return business_dates(settings.calendar if settings else "XNYS", first, last)

    def tenant_names(self) -> Iterable[str]:
        """Slugs of the real tenants."""
        return [t for t in self.tenants if t != SHARED_TENANT]


def business_dates(calendar: str, first: date, last: date) -> pl.Series:
    """Sessions of an exchange calendar from ``first`` to ``last`` as a Date series."""
    if last < first:
        return pl.Series("as_of_date", [], dtype=pl.Date)
    sessions = exchange_calendars.get_calendar(calendar, start="1990-01-01").sessions_in_range(str(first), str(last))
    return pl.Series("as_of_date", [s.date() for s in sessions], dtype=pl.Date)


class WorkspaceResource(dg.ConfigurableResource[None]):
    """The workspace as the orchestrator's resource. Settings only; handles open when a run asks."""

    home: str
    lake_root: str = ""
    warehouse_url: str = ""

    def open(self) -> Workspace:
        """The handles. Nothing is connected until used."""
        return Workspace(Path(self.home), self.lake_root or str(Path(self.home) / "lake"), self.warehouse_url)
