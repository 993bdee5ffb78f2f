"""Loading: from the lake into PostgreSQL, where nobody sees it until it is published.

Belongs here: what of the lake the warehouse lacks. Does not belong here: how rows get into PostgreSQL
(``warehouse.postgres``).

The lake is append-only, so a day's rows have changed exactly when their number or last known_from has; the warehouse
keeps that fingerprint per table and day, and only days whose fingerprint differs are loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from assets.accounting.inputs import described_securities
from assets.workspace import Workspace
from contracts.registry import TABLES
from contracts.table import SHARED_TENANT, Table
from contracts.tables.landing import FILE_ARRIVAL, FILE_PARSE
from warehouse.postgres import load as pg
from warehouse.postgres.core import TenantDescription, sync_core
from warehouse.postgres.presence import loaded_file_counts, read_versions

KEPT_DAYS = 400
"""Daily rows stand in PostgreSQL for so many calendar days; older ones stay in the lake."""
LOADED = tuple(t for t in TABLES.values() if t.warehouse == "loaded")
PARSED = tuple(
    t for t in TABLES.values() if t.warehouse == "appended" and t.kind == "canonical" and t is not FILE_PARSE
)


@dataclass
class Loaded:
    """Counts of a load."""

    days: list[date] = field(default_factory=list)
    rows: int = 0
    appended: int = 0


def load_facts(ws: Workspace, tenant: str, last: date) -> Loaded:
    """Load the computed facts of every day up to ``last`` that the warehouse lacks or holds otherwise."""
    tenant_key = ws.tenant_key(tenant)
    first = last - timedelta(days=KEPT_DAYS)
    found: dict[tuple[str, date], tuple[int, str]] = {}
    for contract in LOADED:
        found |= _fingerprints(ws, contract, tenant, first)
    changed = sorted(pg.changed_dates(ws.warehouse_url, tenant_key, found))
    done = Loaded(days=changed)
    for month in _months(changed):
        frames = {t.full_name: ws.lake.current(t, tenant, where=pl.col("as_of_date").is_in(month)) for t in LOADED}
        hashes = {key: value for key, value in found.items() if key[1] in set(month)}
        pg.load_dates(ws.warehouse_url, tenant_key, frames, hashes=hashes, dates=month)
        done.rows += sum(frame.height for frame in frames.values())
    return done


def _fingerprints(ws: Workspace, contract: Table, tenant: str, first: date) -> dict[tuple[str, date], tuple[int, str]]:
    days = (
        ws.lake.scan(contract, tenant)
        .filter(pl.col("as_of_date") >= first)
        .group_by("as_of_date")
        .agg(pl.len().alias("versions"), pl.col("known_from").max().dt.epoch("us").alias("latest"))
        .collect()
    )
    return {(contract.full_name, day): (count, _digest(count, latest)) for day, count, latest in days.iter_rows()}


def _digest(count: int, latest: int) -> str:
    return hashlib.sha256(f"{count} versions, the last of {latest}".encode()).hexdigest()


def _months(days: list[date]) -> list[list[date]]:
    months: dict[tuple[int, int], list[date]] = {}
    for day in days:
        months.setdefault((day.year, day.month), []).append(day)
    return list(months.values())


def append_canonical(ws: Workspace, tenant: str) -> int:
    """Bring the canonical rows of files that the warehouse lacks; parse results last, for they say what is there."""
    tenant_key = ws.tenant_key(tenant)
    versions = [{"source_file_id": i, "parser_version": v} for i, v in read_versions(ws.warehouse_url, tenant_key)]
    there = pl.DataFrame(versions, schema={"source_file_id": pl.Int64, "parser_version": pl.String})
    # A file that a new version of its connector has read again is brought again.
    missing = ws.lake.read(FILE_PARSE, tenant).join(there, on=["source_file_id", "parser_version"], how="anti")
    ids = missing["source_file_id"].unique().to_list()
    rows = _append_ledgers(ws, tenant, tenant_key)
    if not ids:
        return rows
    for contract in PARSED:
        if contract.scope == ("tenant" if tenant == SHARED_TENANT else "shared"):
            continue
        frame = ws.lake.read(contract, tenant, where=pl.col("source_file_id").is_in(ids))
        rows += pg.append_files(ws.warehouse_url, contract, frame, ids, tenant_key=tenant_key)
    return rows + pg.append_files(ws.warehouse_url, FILE_PARSE, missing, ids, tenant_key=tenant_key)


def _append_ledgers(ws: Workspace, tenant: str, tenant_key: int) -> int:
    """Ledgers and rejects, which may gain rows for a file that is loaded: compared by rows per file."""
    rows = 0
    ledgers = [FILE_ARRIVAL, TABLES["quality.reject"]]
    if tenant == SHARED_TENANT:
        ledgers.append(TABLES["canonical.security_identifier"])
    for contract in ledgers:
        frame = ws.lake.read(contract, tenant)
        there: Mapping[int, int] = loaded_file_counts(ws.warehouse_url, contract, tenant_key)
        counts = frame.group_by("source_file_id").len()
        ids = [file_id for file_id, count in counts.iter_rows() if there.get(file_id) != count]
        if ids:
            changed = frame.filter(pl.col("source_file_id").is_in(ids))
            rows += pg.append_files(ws.warehouse_url, contract, changed, ids, tenant_key=tenant_key)
    return rows


def sync_dimensions(ws: Workspace, tenant: str) -> None:
    """Bring tenant, accounts and securities of the reference schema up to what the lake knows."""
    settings = ws.tenants[tenant]
    sync_core(
        ws.warehouse_url,
        TenantDescription(tenant, settings.name, settings.base_currency),
        ws.tenant_key(tenant),
        accounts=ws.lake.read(TABLES["canonical.account"], tenant),
        securities=described_securities(ws, tenant),
        identifiers=ws.lake.read(TABLES["canonical.security_identifier"], SHARED_TENANT),
    )
