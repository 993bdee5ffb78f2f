"""Fetching: from a provider's server into the raw store and the arrival ledger, before anything reads a byte.

Belongs here: what is new, what was seen before, when it arrived. Does not belong here: what a file says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from assets.workspace import Workspace
from connectors.adapter import Adapter
from connectors.archive import stem_of
from connectors.connection import Connection
from connectors.registry import adapter
from connectors.transport.base import UNKNOWN_SIZE, FileNotTaken, RefusedFile, RemoteFile, Transport
from connectors.transport.opening import open_connection
from contracts.tables.landing import FILE_ARRIVAL
from contracts.tables.quality import REJECT
from warehouse.lake.raw import StoredFile, source_file_id

MAX_NAME_BYTES = 255
BATCH_FILES = 250
"""The ledger is written after so many files, so that a killed run loses little and a commit stays small."""


@dataclass
class Landed:
    """Counts of one visit to a connection; nothing of a client's."""

    listed: int = 0
    new: int = 0
    duplicate: int = 0
    refused: int = 0
    not_taken: int = 0
    bytes: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)


def fetch_files(ws: Workspace, tenant: str, connection: Connection) -> Landed:
    """Land what the connection offers and the ledger does not hold yet.

    A file is known by path, size and modification time; only unknown ones are fetched. What a service is to answer has
    no size yet and is known by the other two. Bytes that were landed before are recorded as a duplicate, unless they
    came under a name that told another kind of file, or none, or in another connector's folder: then they were not read
    as what they are. Names that are unsafe are refused by name and recorded in quarantine. A file that still grows, or
    does not match its checksum, is left for the next visit. Parts of an interrupted fetch are resumed.

    Raises:
        RetryableError, PermanentError: the provider could not be talked to; what was landed until then is kept.
    """
    tenant_key = ws.tenant_key(tenant)
    ledger = ws.lake.read(FILE_ARRIVAL, tenant, where=pl.col("connection_id") == connection.connection_id)
    seen = _seen(ledger)
    known = _readers(ws.lake.read(FILE_ARRIVAL, tenant))
    landed = Landed()
    folder = ws.home / "staging" / tenant / connection.connection_id
    folder.mkdir(parents=True, exist_ok=True)
    with open_connection(connection, ws.secrets_dir) as transport:
        listing = transport.list_files()
        landed.listed = len(listing.files)
        _refuse(ws, tenant, tenant_key, connection, listing.refusals, landed)
        unknown = [f for f in listing.files if _identity(connection, f) not in seen]
        for batch in _batches(sorted(unknown, key=lambda f: (f.modified_at, f.path))):
            try:
                for remote in batch:
                    try:
                        stored = _store(ws, tenant, transport, remote, folder)
                    except FileNotTaken:
                        landed.not_taken += 1
                        continue
                    row = _ledger_row(tenant_key, connection, remote, stored, known)
                    known.setdefault(row["source_file_id"], (row["adapter"], row["file_kind"]))
                    landed.rows.append(row)
                    landed.bytes += stored.size_bytes
            finally:
                # Also when the provider fails in the middle: what a service answered is not asked for twice.
                _record(ws, tenant, landed)
    return landed


def unseen_files(ws: Workspace, tenant: str) -> list[str]:
    """Names, with their connection, that the tenant's servers offer and the ledger does not hold. Fetches nothing."""
    ledger = ws.lake.read(FILE_ARRIVAL, tenant)
    seen = _seen(ledger)
    unseen: list[str] = []
    for connection in ws.connections(tenant):
        with open_connection(connection, ws.secrets_dir) as transport:
            unseen += [
                f"{connection.connection_id}/{f.path}@{f.modified_at.isoformat()}"
                for f in transport.list_files().files
                if _identity(connection, f) not in seen
            ]
    return unseen


_Identity = tuple[str, str, int, datetime]
_Reader = tuple[str, str | None]


def _identity(connection: Connection, remote: RemoteFile) -> _Identity:
    return connection.connection_id, remote.path, remote.size_bytes, remote.modified_at


def _seen(ledger: pl.DataFrame) -> set[_Identity]:
    """What was landed, each file also as it was listed if its size was not known before it came."""
    landed = ledger.select("connection_id", "remote_path", "size_bytes", "remote_modified_at")
    unsized = landed.with_columns(size_bytes=pl.lit(UNKNOWN_SIZE, landed.schema["size_bytes"]))
    return set(landed.iter_rows()) | set(unsized.iter_rows())


def _batches(files: Sequence[RemoteFile]) -> Iterator[Sequence[RemoteFile]]:
    for start in range(0, len(files), BATCH_FILES):
        yield files[start : start + BATCH_FILES]


def _store(ws: Workspace, tenant: str, transport: Transport, remote: RemoteFile, folder: Path) -> StoredFile:
    local = folder / hashlib.sha256(remote.path.encode()).hexdigest()
    transport.fetch(remote, local)
    return ws.raw.take(tenant, local)


def _ledger_row(
    tenant_key: int, connection: Connection, remote: RemoteFile, stored: StoredFile, known: Mapping[int, _Reader]
) -> dict[str, Any]:
    source: Adapter = adapter(connection.adapter)
    kind, stated = source.kind_of(stem_of(PurePosixPath(remote.path).name)) or (None, None)
    is_replay = connection.received_at == "remote_mtime"
    reader: _Reader = (source.slug, kind.name if kind else None)
    file_id = stored.source_file_id
    if source.is_dated_by_name and stated is not None:
        file_id = _id_of(stored, str(stated))
    if known.get(file_id, reader) != reader:
        file_id = _id_of(stored, str(stated) if source.is_dated_by_name else "", *map(str, reader))
    return {
        "tenant_key": tenant_key,
        "connection_id": connection.connection_id,
        "remote_path": remote.path,
        "received_at": remote.modified_at if is_replay else datetime.now(UTC),
        "adapter": source.slug,
        "file_kind": reader[1],
        "logical_name": logical_name(remote.path),
        "business_date": stated,
        "source_file_id": file_id,
        "sha256": stored.sha256,
        "size_bytes": stored.size_bytes,
        "remote_modified_at": remote.modified_at,
        "arrival_status": "duplicate" if file_id in known else "landed",
    }


def _readers(ledger: pl.DataFrame) -> dict[int, _Reader]:
    """Id of every file that was landed, to the connector and kind as which it is read."""
    first = ledger.filter(pl.col("arrival_status").cast(pl.String) == "landed").sort("received_at", descending=True)
    return {
        number: (slug, kind) for number, slug, kind in first.select("source_file_id", "adapter", "file_kind").rows()
    }


def _id_of(stored: StoredFile, *told: str) -> int:
    """The id of a content of which more must be said to tell it apart: its day, or as what it is read."""
    return source_file_id(hashlib.sha256("/".join((stored.sha256, *told)).encode()).hexdigest())


def logical_name(path: str) -> str:
    """The name under which new bytes replace older ones: the path, of one over 255 bytes its hash and its end."""
    if len(path.encode()) <= MAX_NAME_BYTES:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:32]
    end = path.encode()[-(MAX_NAME_BYTES - len(digest) - 1) :].decode("utf-8", "ignore")
    return f"{digest}~{end}"


def _record(ws: Workspace, tenant: str, landed: Landed) -> None:
    rows = pl.DataFrame(landed.rows, schema=FILE_ARRIVAL.polars_schema, strict=False)
    landed.duplicate += rows.filter(pl.col("arrival_status") == "duplicate").height
    landed.new += rows.filter(pl.col("arrival_status") == "landed").height
    ws.lake.append(FILE_ARRIVAL, tenant, rows)
    landed.rows.clear()


def _refuse(
    ws: Workspace, tenant: str, tenant_key: int, connection: Connection, refused: Sequence[RefusedFile], landed: Landed
) -> None:
    """Record entries that must not become files here, each once. Their bytes are left on the server."""
    if not refused:
        return
    known = set(ws.lake.read(REJECT, tenant, where=pl.col("reason") == "unsafe_path")["source_file_id"])
    now = datetime.now(UTC)
    rows = [
        {
            "tenant_key": tenant_key,
            "source_file_id": _id_of_refused(connection, entry),
            "source_line": 0,
            "reason": entry.reason,
            "field_name": "remote_path",
            "disposition": "quarantined",
            "detail": f"{entry.detail}; ask the provider to deliver it as a plain file under another name",
            "raw_text": entry.path,
            "connection_id": connection.connection_id,
            "logical_name": logical_name(entry.path),
            "known_at": now,
        }
        for entry in refused
    ]
    new = [row for row in rows if row["source_file_id"] not in known]
    landed.refused = len(refused)
    if new:
        ws.lake.append(REJECT, tenant, pl.DataFrame(new, schema_overrides=REJECT.polars_schema))


def _id_of_refused(connection: Connection, entry: RefusedFile) -> int:
    """An id for an entry of which no byte was taken: of where it lies and why it is refused."""
    place = f"{connection.connection_id}/{entry.path}: {entry.detail}"
    return source_file_id(hashlib.sha256(place.encode()).hexdigest())
