"""Examining a file without loading it: what it is, what a connector takes from it, and what is wrong line by line.

Belongs here: what the command line and a test ask of a connector and one file. Does not belong here: the lake, keys,
clocks; nothing is written but the text of an archive into a folder of the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.archive import expand, stem_of
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.pgp import PgpKeys

SNIFFED_BYTES = 64 * 1024


@dataclass(frozen=True)
class Examination:
    """What a connector makes of a file.

    Attributes:
        name: base name of the content.
        kind: which of the connector's kinds it is; None when neither its name nor its content tells.
        told_by: name or content.
        business_date: of the content, else of the name.
        taken: rows by canonical table.
        parsed: the result; None when the file is refused as a whole or is of no kind.
        fault: why it is refused as a whole.
    """

    name: str
    kind: FileKind | None
    told_by: str
    business_date: date | None
    taken: Mapping[str, int]
    parsed: ParsedFile | None
    fault: FeedFault | None

    @property
    def is_sound(self) -> bool:
        """Whether a run would take all of it. A run goes by the name alone: another name may be a copy or a draft."""
        return self.parsed is not None and self.parsed.rejects.is_empty() and self.told_by == "name"

    def by_reason(self) -> pl.DataFrame:
        """``reason, field_name, count, first_line`` of what is held back, the most frequent first."""
        rejects = self.parsed.rejects if self.parsed is not None else pl.DataFrame()
        if rejects.is_empty():
            return pl.DataFrame(schema={"reason": pl.String, "field_name": pl.String, "count": pl.UInt32})
        return (
            rejects.group_by(pl.col("reason").cast(pl.String), "field_name")
            .agg(pl.len().alias("count"), pl.col("source_line").min().alias("first_line"))
            .sort("count", "reason", "field_name", descending=[True, False, False])
        )


def kind_of_file(source: Adapter, name: str, path: Path) -> tuple[FileKind | None, date | None, str]:
    """The kind of a file by its name, else by its first bytes, with the date of its name and what told it."""
    if found := source.kind_of(stem_of(name)):
        return *found, "name"
    if source.sniff is not None:
        with path.open("rb") as stream:
            said = source.sniff(stream.read(SNIFFED_BYTES).decode("latin-1"))
        kinds = {kind.name: kind for kind in source.kinds}
        if said in kinds:
            return kinds[said], None, "content"
    return None, None, "nothing"


def examine(
    source: Adapter, path: Path, connection: Connection, folder: Path, *, keys: PgpKeys | None = None
) -> Examination:
    """Read one file as a run would, and one whose name tells nothing by its first bytes, which a run does not.

    Args:
        source: the connector.
        path: the file as delivered, an archive or OpenPGP message perhaps.
        connection: whose master accounts, codes and bounds hold.
        folder: an empty folder for what an archive holds.
        keys: the connection's OpenPGP keys.
    """
    try:
        content = expand(path, path.name, folder, connection.max_file_bytes, keys)
    except FeedFault as fault:
        return Examination(path.name, None, "nothing", None, {}, None, fault)
    kind, day, told_by = kind_of_file(source, content.name, content.path)
    if kind is None:
        return Examination(content.name, None, told_by, None, {}, None, None)
    try:
        parsed = source.parse(RawFile(content.path, content.name, kind, day), connection)
    except FeedFault as fault:
        return Examination(content.name, kind, told_by, day, {}, None, fault)
    taken = {name: frame.height for name, frame in parsed.frames.items()}
    return Examination(content.name, kind, told_by, parsed.business_date or day, taken, parsed, None)
