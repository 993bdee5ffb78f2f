"""Reading: from a landed file to feed frames, one file at a time, so that a broken one harms no other.

Belongs here: which files are still to be read, opening them safely, turning a fault into quarantine rows. Does not
belong here: keys and clocks (``conform``), layouts (``connectors``).
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

import polars as pl

from assets.workspace import Workspace
from connectors.adapter import ParsedFile, RawFile
from connectors.archive import Expanded, expand, stem_of
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.pgp import PgpKeys, load_keys
from connectors.registry import adapter, adapters
from contracts.feed import FeedReject
from contracts.tables.landing import FILE_ARRIVAL, FILE_PARSE
from contracts.vocabularies import PARSER_CRASHED
from warehouse.lake.texts import copy_text, keep_text

PARSER_BUGS: Final = (
    ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, ImportError, LookupError, NameError,
    RuntimeError, StopIteration, TypeError, ValueError,
    pl.exceptions.PolarsError, pl.exceptions.PanicException,
)  # fmt: skip
"""What a bug in a connector raises. The machine's own faults (OSError, MemoryError) are not among them: they say
nothing of the file, so they end the run, and the next one reads the file again."""

KEY_REASONS: Final = ("pgp_wrong_key", "pgp_bad_signature")
"""Faults that other keys may cure: a file that has one is read again when its connection's keys change."""

ParseStatus = Literal["parsed", "blocked", "crashed"]


@dataclass(frozen=True)
class Arrival:
    """One landed file that is to be read, as the ledger describes it."""

    source_file_id: int
    sha256: str
    size_bytes: int
    connection_id: str
    adapter: str
    file_kind: str | None
    remote_path: str
    logical_name: str
    business_date: date | None
    known_at: datetime


@dataclass(frozen=True)
class ReadFile:
    """A file that was read: what it holds, or why nothing of it was taken.

    Attributes:
        arrival: the file as landed.
        parsed: its rows and rejects; of a blocked or crashed file one reject that says why.
        parse_status: see ``contracts.vocabularies.PARSE_STATUSES``.
        version: what it was read by, recorded as its parser_version; see ``_versions``.
        is_refresh: whether the file restates its whole window.
        has_shared_lines: whether several of its records may stand on one line.
    """

    arrival: Arrival
    parsed: ParsedFile
    parse_status: ParseStatus
    version: str
    is_refresh: bool
    has_shared_lines: bool


def pending_files(ws: Workspace, tenant: str) -> list[Arrival]:
    """Landed files that this version of their connector has not read yet, oldest first."""
    of_adapters = pl.DataFrame(
        [(slug, found.parser_version) for slug, found in adapters().items()],
        schema={"adapter": pl.String, "plain_version": pl.String},
        orient="row",
    )
    of_connections = pl.DataFrame(
        [(c.connection_id, *_versions(c, load_keys(c.pgp, ws.secrets_dir))) for c in ws.connections(tenant)],
        schema={"connection_id": pl.String, "parser_version": pl.String, "keyless_version": pl.String},
        orient="row",
    )
    read = ws.lake.read(FILE_PARSE, tenant).select("source_file_id", "parser_version")
    arrivals = (
        ws.lake.read(FILE_ARRIVAL, tenant)
        .filter(pl.col("arrival_status") == "landed")
        .join(of_adapters, on="adapter")
        # Files of a connection that was taken out wait until it is back.
        .join(of_connections, on="connection_id", how="left")
        .with_columns(pl.coalesce("parser_version", "plain_version").alias("parser_version"))
        .sort("received_at", "remote_path")
        .unique("source_file_id", keep="first", maintain_order=True)
        .join(read, on=["source_file_id", "parser_version"], how="anti")
        .join(
            read,
            left_on=["source_file_id", "keyless_version"],
            right_on=["source_file_id", "parser_version"],
            how="anti",
        )
    )
    return [_arrival(row) for row in arrivals.iter_rows(named=True)]


def _versions(connection: Connection, keys: PgpKeys | None) -> tuple[str, str]:
    """What a connection's files are read by, and what those are that its OpenPGP keys do not open.

    The second changes with the keys, so that only those files are read again when the right key is there: the others
    must not, for a key that was replaced would not open them any more.
    """
    version = adapter(connection.adapter).version_for(connection)
    return version, f"{version}~{keys.mark if keys else 'none'}"


def _arrival(row: Mapping[str, Any]) -> Arrival:
    kept = {name: row[name] for name in Arrival.__dataclass_fields__ if name != "known_at"}
    return Arrival(**kept, known_at=row["received_at"])


def read_files(ws: Workspace, tenant: str, arrivals: list[Arrival]) -> Iterator[ReadFile]:
    """Each file in turn, parsed, blocked or crashed. What an archive expanded to is gone when its file is handed on."""
    connections = {c.connection_id: (c, load_keys(c.pgp, ws.secrets_dir)) for c in ws.connections(tenant)}
    for arrival in arrivals:
        connection, keys = connections.get(arrival.connection_id, (None, None))
        if connection is None:
            # The connection was taken out of the settings; its files wait until it is back.
            continue
        with tempfile.TemporaryDirectory() as folder:
            read = _read(ws, tenant, arrival, connection, keys, Path(folder))
        yield read


def _read(
    ws: Workspace, tenant: str, arrival: Arrival, connection: Connection, keys: PgpKeys | None, folder: Path
) -> ReadFile:
    source = adapter(arrival.adapter)
    kinds = {kind.name: kind for kind in source.kinds}
    kind = kinds.get(arrival.file_kind or "")
    is_refresh = bool(kind and kind.is_refresh)
    version, keyless = _versions(connection, keys)
    try:
        if kind is None:
            raise FeedFault("unrecognised_file", f"no kind of file of {source.slug} has this name; see its README")
        if arrival.size_bytes > connection.max_file_bytes:
            raise FeedFault(
                "too_large", f"{arrival.size_bytes} bytes; the connection allows {connection.max_file_bytes}"
            )
        content = _opened(ws, tenant, arrival, connection, keys, folder)
        raw = RawFile(content.path, content.name, kind, arrival.business_date, arrival.known_at)
        parsed = source.parse(raw, connection)
        is_refresh = is_refresh if parsed.is_refresh is None else parsed.is_refresh
        if is_refresh and parsed.record_count and parsed.quarantined_count == parsed.record_count:
            return ReadFile(arrival, _wholly_held(parsed), "blocked", version, is_refresh, source.has_shared_lines)
        return ReadFile(arrival, parsed, "parsed", version, is_refresh, source.has_shared_lines)
    except FeedFault as fault:
        by = keyless if fault.reason in KEY_REASONS else version
        return ReadFile(arrival, _nothing_of(fault), "blocked", by, is_refresh, source.has_shared_lines)
    except PARSER_BUGS as bug:
        crash = FeedFault(PARSER_CRASHED, _place_of(bug, source.slug))
        return ReadFile(arrival, _nothing_of(crash), "crashed", version, is_refresh, source.has_shared_lines)


def _opened(
    ws: Workspace, tenant: str, arrival: Arrival, connection: Connection, keys: PgpKeys | None, folder: Path
) -> Expanded:
    """The file to parse. What trace needs to reach its lines is kept beside the raw file.

    A message that was once opened stays readable when its key has been replaced: by the text that was kept then.
    """
    path = ws.raw.local_path(tenant, arrival.sha256)
    name = PurePosixPath(arrival.remote_path).name
    try:
        content = expand(path, name, folder, connection.max_file_bytes, keys)
    except FeedFault as fault:
        kept = folder / stem_of(name)
        if fault.reason == "pgp_wrong_key" and copy_text(ws.raw, tenant, arrival.sha256, kept):
            return Expanded(kept, kept.name, is_archive=True)
        raise
    keep_text(ws.raw, tenant, arrival.sha256, content.path, is_decoded=content.is_archive)
    return content


def _place_of(bug: BaseException, slug: str) -> str:
    """Kind and place of an error in a connector. Its message may quote a line of the file, so it stays out."""
    frames = traceback.extract_tb(bug.__traceback__)
    own = [frame for frame in frames if "connectors" in Path(frame.filename).parts] or list(frames)
    place = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "an unknown place"
    return (
        f"the {slug} connector ended with {type(bug).__name__} at {place}. The file may be sound: mend the connector "
        "and raise its parser_version, then the file is read again."
    )


def _wholly_held(parsed: ParsedFile) -> ParsedFile:
    """A restatement of which no record could be read: were it taken, it would take away all that it restates."""
    detail = f"none of its {parsed.record_count} records could be read, so it restates nothing. Ask for the right file."
    whole = _nothing_of(FeedFault("malformed_document", detail, record_count=parsed.record_count))
    return replace(whole, rejects=pl.concat([whole.rejects, parsed.rejects]), business_date=parsed.business_date)


def _nothing_of(fault: FeedFault) -> ParsedFile:
    """A file of which nothing is taken: every record counts as held back."""
    row = {
        "source_line": fault.line,
        "reason": fault.reason,
        "field_name": "file",
        "table_name": None,
        "detail": fault.detail[:1000],
        "raw_text": None,
    }
    schema = {name: column.dtype for name, column in FeedReject.columns().items()}
    return ParsedFile({}, pl.DataFrame([row], schema=schema), fault.record_count, fault.record_count, None)
