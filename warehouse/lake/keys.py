"""Surrogate keys: issued once, dense from 1, never reused; every issue is an immutable record.

An issue lands like any other arrival: a JSON-lines file in the raw store, a row in ``landing.file_arrival``
(connection ``nexus_keys``) and its rows in ``landing.issued_key``. The arrival row is the moment of issue: a file
without one was never issued from, and an arrival whose rows are missing is completed before the next key is issued.
So a run may be killed between any two steps, and ``rebuild_issued_keys`` gives the same keys from files alone.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import polars as pl

from contracts.table import SHARED_TENANT, SHARED_TENANT_KEY
from contracts.tables.landing import FILE_ARRIVAL, ISSUED_KEY
from warehouse.lake.locks import Lock
from warehouse.lake.raw import RawStore, StoredFile
from warehouse.lake.store import Lake
from warehouse.lake.tenants import tenant_folder

KEYS_CONNECTION: Final = "nexus_keys"
"""Connection under which issues arrive; no provider may use the name."""
KEYS_ADAPTER: Final = "nexus"
_NAMESPACE: Final = uuid.UUID("5b1fd9a1-33ad-4cf5-9a2c-0f2f3bb2f7c5")
_RECORD: Final = pl.Schema(
    {
        "key_kind": pl.String,
        "tenant": pl.String,
        "issued_for": pl.String,
        "surrogate_key": pl.Int64,
        "public_id": pl.String,
        "issued_at": pl.String,
    }
)
_INSTANT: Final = "%Y-%m-%dT%H:%M:%S%.6f%:z"

Kind = Literal["account", "security"]


def public_id(kind: str, tenant: str, key: int) -> str:
    """UUID that stands for a key outside: reproducible, and it tells nothing of what the key was issued for."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{tenant}/{key}"))


class KeyIssuer:
    """Issues keys for tenants, accounts and securities, or finds those that were issued.

    Args:
        lake: where issues are recorded.
        raw: where the files of issues are kept; the same root as the lake's.
        lock: held while keys are issued, so that two runs never give one key to two things.
    """

    def __init__(self, lake: Lake, raw: RawStore, lock: Lock) -> None:
        self.lake = lake
        self.raw = raw
        self.lock = lock

    def tenant_key(self, slug: str, at: datetime) -> int:
        """Key of the tenant, issued on first use; 0 for what is shared.

        Raises:
            ValueError: not a tenant's name, or ``at`` has no time zone.
        """
        if tenant_folder(slug) == SHARED_TENANT:
            return SHARED_TENANT_KEY
        return int(self._issue("tenant", SHARED_TENANT, pl.Series([slug], dtype=pl.String), at)["surrogate_key"][0])

    def issue(
        self, kind: Kind, tenant: str, issued_for: pl.Series, at: datetime, *, same: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """The keys of ``issued_for``, issued where there are none yet.

        What is the same thing as something that has a key gets that key, by a record of its own. Two keys that were
        issued stay two, whatever is said of them later; what is said to be the same as both gets a third.

        Args:
            kind: account keys are counted per tenant, security keys under ``_shared``.
            tenant: whose keys.
            issued_for: what they are for (``custodian|account number``, ``scheme|identifier``), repetition allowed.
            at: known_at of keys that are issued now.
            same: [issued_for, same_as]: pairs of names of one thing, directly or over others.

        Returns:
            Frame [issued_for String, surrogate_key Int64, public_id String], one row per distinct value, sorted by it.

        Raises:
            ValueError: a null or empty value, security keys outside of ``_shared``, or ``at`` has no time zone.
        """
        if (kind == "security") != (tenant == SHARED_TENANT):
            raise ValueError(f"{kind} keys are not issued under {tenant!r}")
        return self._issue(kind, tenant, issued_for, at, same)

    def _issue(
        self, kind: str, tenant: str, issued_for: pl.Series, at: datetime, same: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        if at.tzinfo is None:
            raise ValueError("the instant of issue needs a time zone")
        wanted = issued_for.cast(pl.String).unique().sort().alias("issued_for")
        if wanted.null_count() or (wanted == "").any():
            raise ValueError("a key is not issued for nothing")
        found = self._issued(kind, tenant, wanted)
        if len(found) == len(wanted):
            return found
        with self.lock(f"keys_{tenant}"):
            rebuild_issued_keys(self.lake, self.raw, tenant)
            found = self._issued(kind, tenant, wanted)
            absent = wanted.filter(~wanted.is_in(found["issued_for"].implode()))
            if len(absent):
                self._record(kind, tenant, absent, at, same)
        return self._issued(kind, tenant, wanted)

    def _issued(self, kind: str, tenant: str, wanted: pl.Series) -> pl.DataFrame:
        rows = self.lake.scan(ISSUED_KEY, tenant).filter(pl.col("key_kind") == kind)
        return (
            rows.select("issued_for", "surrogate_key", "public_id")
            .join(wanted.to_frame().lazy(), on="issued_for", how="semi")
            .sort("issued_for")
            .collect()
        )

    def _record(self, kind: str, tenant: str, absent: pl.Series, at: datetime, same: pl.DataFrame | None) -> None:
        issued = self.lake.scan(ISSUED_KEY, tenant).filter(pl.col("key_kind") == kind)
        last = issued.select(pl.col("surrogate_key").max()).collect().item() or 0
        keys = [last + n for n in range(1, len(absent) + 1)]
        if same is not None and len(same):
            keys = self._shared(kind, tenant, absent.to_list(), last, same)
        tenant_key = SHARED_TENANT_KEY if tenant == SHARED_TENANT else self.tenant_key(tenant, at)
        records = pl.DataFrame(
            {
                "key_kind": kind,
                "tenant": tenant,
                "issued_for": absent,
                "surrogate_key": pl.Series(keys, dtype=pl.Int64),
                "public_id": [public_id(kind, tenant, key) for key in keys],
                "issued_at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            },
            schema=_RECORD,
        )
        name = f"{kind}_{keys[0]:012d}_{keys[-1]:012d}.jsonl"
        if min(keys) <= last or len(set(keys)) < len(keys):  # a name that keys alone would not tell apart
            said = hashlib.sha256("\n".join(records["issued_for"]).encode()).hexdigest()
            name = f"{kind}_same_{said[:16]}.jsonl"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            records.write_ndjson(path)
            stored = self.raw.put(tenant, path)
        self.lake.append(FILE_ARRIVAL, tenant, _arrival(stored, tenant_key, kind, name, at))
        self.lake.append(ISSUED_KEY, tenant, _rows(records, stored.source_file_id))

    def _shared(self, kind: str, tenant: str, absent: list[str], last: int, same: pl.DataFrame) -> list[int]:
        """The key of each absent name: that of the thing it is a name of, else the next one."""
        groups = _groups(same)
        names = pl.Series("issued_for", list(groups), dtype=pl.String)
        held: dict[str, set[int]] = {}
        for name, key, _ in self._issued(kind, tenant, names).iter_rows():
            held.setdefault(groups[name], set()).add(key)
        keys: list[int] = []
        for name in absent:
            group = groups.get(name, name)
            known = held.setdefault(group, set())
            if len(known) == 1:
                keys.append(min(known))
                continue
            last += 1
            keys.append(last)
            if not known:
                known.add(last)
        return keys


def rebuild_issued_keys(lake: Lake, raw: RawStore, tenant: str) -> int:
    """Complete ``landing.issued_key`` from the files of issue that the arrival ledger names; returns the rows added.

    Called with an emptied table it rebuilds all of it; called with a whole one it changes nothing.
    """
    issues = lake.scan(FILE_ARRIVAL, tenant).filter(pl.col("connection_id") == KEYS_CONNECTION)
    files = issues.select("source_file_id", "sha256").unique().sort("source_file_id").collect()
    there = lake.scan(ISSUED_KEY, tenant).select("source_file_id").unique().collect()
    missing = files.join(there, on="source_file_id", how="anti")
    if missing.is_empty():
        return 0
    rows = [
        _rows(pl.read_ndjson(raw.local_path(tenant, sha256), schema=_RECORD), file_id)
        for file_id, sha256 in missing.iter_rows()
    ]
    return lake.append(ISSUED_KEY, tenant, pl.concat(rows))


def _groups(same: pl.DataFrame) -> dict[str, str]:
    """Every name to the smallest of the names of its thing."""
    leader: dict[str, str] = {}

    def found(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for left, right in same.select("issued_for", "same_as").iter_rows():
        low, high = sorted((found(left), found(right)))
        leader[high] = low
    return {name: found(name) for name in list(leader)}


def _rows(records: pl.DataFrame, source_file_id: int) -> pl.DataFrame:
    """Rows of ``landing.issued_key`` of one file of issue, a line each."""
    return records.with_row_index("source_line", offset=1).with_columns(
        pl.col("source_line").cast(pl.Int64),
        pl.lit(source_file_id, dtype=pl.Int64).alias("source_file_id"),
        pl.col("issued_at").str.to_datetime(_INSTANT, time_unit="us", time_zone="UTC").alias("known_at"),
    )


def _arrival(stored: StoredFile, tenant_key: int, kind: str, name: str, at: datetime) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "tenant_key": [tenant_key],
            "connection_id": [KEYS_CONNECTION],
            "remote_path": [f"{kind}/{name}"],
            "adapter": [KEYS_ADAPTER],
            "file_kind": [kind],
            "logical_name": [name],
            "source_file_id": [stored.source_file_id],
            "sha256": [stored.sha256],
            "size_bytes": [stored.size_bytes],
            "arrival_status": ["landed"],
        }
    ).with_columns(pl.lit(at.astimezone(UTC)).alias("received_at"))
