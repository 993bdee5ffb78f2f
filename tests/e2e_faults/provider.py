"""A provider's folders and a workspace that reads them: the way of a file without orchestrator and warehouse."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars as pl
import yaml

from assets.accounting import book
from assets.accounting.inputs import market
from assets.accounting.pending import BOOKS, FACTS, mark_consumed
from assets.accounting.pending import pending_files as unbooked_files
from assets.accounting.scope import segments
from assets.canonical.ingest import Ingested, ingest
from assets.canonical.reading import pending_files
from assets.landing.fetch import Landed, fetch_files
from assets.workspace import Workspace
from contracts.registry import table
from simulation.delivery import Delivery
from simulation.firm import TenantPlan

SHARED = "_shared"
PLANS = {
    "alder": TenantPlan(accounts=16, master_account="08123456", ofx_share=0.125),
}
MAX_FILE_BYTES = 4 * 1024**2
FEEDS = {
    SHARED: {"ecb": ("ecb", ()), "closing_prices": ("closing_prices", ())},
    "alder": {"schwab_main": ("schwab", ("08123456",)), "ofx_direct": ("ofx", ())},
    "birch": {"schwab_main": ("schwab", ("08765432",))},
}
"""Tenant to connection to adapter and master accounts."""


@dataclass(frozen=True)
class Provider:
    """The folders of every feed below ``home/sftp``, and the workspace in ``home`` that fetches from them."""

    home: Path

    @property
    def workspace(self) -> Workspace:
        """Fresh handles, as a run opens them."""
        return Workspace(self.home, str(self.home / "lake"), "")

    def configure(self, tenant: str, feeds: dict[str, tuple[str, tuple[str, ...]]] | None = None) -> None:
        """Write the settings of a tenant: its connections as in ``FEEDS``, or these."""
        connections = []
        for name, (adapter, masters) in (FEEDS[tenant] if feeds is None else feeds).items():
            folder = self.home / "sftp" / tenant / name
            folder.mkdir(parents=True, exist_ok=True)
            transport = {"kind": "local", "path": str(folder)}
            connections.append(
                {
                    "connection_id": name, "adapter": adapter, "transport": transport,
                    "master_accounts": list(masters), "received_at": "remote_mtime",
                    "max_file_bytes": MAX_FILE_BYTES,
                }
            )  # fmt: skip
        settings = {"tenant": tenant, "name": tenant.strip("_").title(), "connections": connections}
        (self.home / "tenants").mkdir(parents=True, exist_ok=True)
        (self.home / "tenants" / f"{tenant}.yaml").write_text(yaml.safe_dump(settings))

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Put files where their provider puts them, with their arrival as modification time."""
        for delivery in deliveries:
            self.put(delivery.path, delivery.content, delivery.arrived_at)

    def put(self, path: str, content: bytes, arrived_at: datetime) -> Path:
        """Put one file, whole and at once."""
        target = self.home / "sftp" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        stamp = int(arrived_at.timestamp()) * 10**9
        os.utime(target, ns=(stamp, stamp))
        return target

    def visit(self, tenant: str) -> tuple[dict[str, Landed], Ingested]:
        """Fetch what is new from every connection of the tenant and read it."""
        ws = self.workspace
        landed = {c.connection_id: fetch_files(ws, tenant, c) for c in ws.connections(tenant)}
        return landed, ingest(ws, tenant, pending_files(ws, tenant))

    def keep_books(self, tenant: str, first: date, last: date) -> None:
        """What the accounting assets do, in their order."""
        ws = self.workspace
        book.post_entries(ws, tenant, unbooked_files(ws, tenant))
        pending = unbooked_files(ws, tenant)
        found, known = segments(ws, tenant, pending, first, last), market(ws, tenant, last)
        for step in (book.value_positions, book.compare_positions):
            for segment in found:
                step(ws, tenant, segment, known)
        for segment in found:
            book.judge_feeds(ws, tenant, segment)
        for segment in found:
            book.value_accounts(ws, tenant, segment, known)
        mark_consumed(ws, tenant, BOOKS, pending.deliveries)
        mark_consumed(ws, tenant, FACTS, pending.deliveries)

    # --- looking ------------------------------------------------------------------------------------------------------

    def read(self, name: str, tenant: str) -> pl.DataFrame:
        """All rows of a table, codes as text."""
        frame = self.workspace.lake.read(table(name), tenant)
        return frame.with_columns(pl.col(c).cast(pl.String) for c, t in frame.schema.items() if t == pl.Enum)

    def current(self, name: str, tenant: str) -> pl.DataFrame:
        """The rows of a computed table as they stand."""
        frame = self.workspace.lake.current(table(name), tenant)
        return frame.with_columns(pl.col(c).cast(pl.String) for c, t in frame.schema.items() if t == pl.Enum)

    def rejects(self, tenant: str, path: str) -> set[tuple[str, int]]:
        """Reason and line of everything held back of the newest delivery under a path below the connection."""
        arrivals = self.read("landing.file_arrival", tenant).filter(pl.col("remote_path") == path).sort("received_at")
        held = self.read("quality.reject", tenant).filter(
            pl.col("source_file_id") == arrivals["source_file_id"].to_list()[-1]
        )
        return set(held.select("reason", "source_line").iter_rows())

    def parse(self, tenant: str, path: str) -> dict[str, object]:
        """How reading the newest delivery under a path ended."""
        arrivals = self.read("landing.file_arrival", tenant).filter(pl.col("remote_path") == path).sort("received_at")
        found = self.read("landing.file_parse", tenant).filter(
            pl.col("source_file_id") == arrivals["source_file_id"].to_list()[-1]
        )
        return found.row(0, named=True)

    def account_numbers(self, tenant: str) -> pl.DataFrame:
        """account_key, connection_id's custodian and account_number."""
        keys = self.read("landing.issued_key", tenant).filter(pl.col("key_kind") == "account")
        parts = pl.col("issued_for").str.split("|").list
        return keys.select(
            pl.col("surrogate_key").alias("account_key"),
            parts.get(0).alias("custodian"),
            parts.get(1).alias("account_number"),
        )


def provider_in(home: Path, tenants: Sequence[str] = tuple(FEEDS)) -> Provider:
    """A provider with empty folders, and settings of the tenants."""
    provider = Provider(home)
    for tenant in tenants:
        provider.configure(tenant)
    return provider
