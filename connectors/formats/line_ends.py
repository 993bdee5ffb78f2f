"""The last line of a file that has no trailer: without a line end it may be cut, and a cut number is a smaller one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.lines import MAX_LINE_BYTES
from connectors.formats.rejects import Check

DETAIL: Final = (
    "the last line has no line end and may be cut. Ask for the file again; if this provider never writes one, "
    "set last_line: open on the connection."
)
_CHUNK_BYTES: Final = 4 * 1024**2


def open_end(path: Path) -> int | None:
    """The number of the last line if it has no line end and is not blank; None otherwise.

    A carriage return or DOS's end of file (0x1A) behind the line is an end. The file is read only where there is none.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - MAX_LINE_BYTES))
        tail = stream.read()
        bare = tail.rstrip(b"\x1a")
        if len(bare) < len(tail) or not bare[max(bare.rfind(b"\n"), bare.rfind(b"\r")) + 1 :].strip(b" "):
            return None
        stream.seek(0)
        return 1 + sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""))


def held_line(path: Path, connection: Connection) -> int | None:
    """The number of the line that is held back because it may be cut; None where the connection takes it."""
    return None if connection.last_line == "open" else open_end(path)


def cut_line(line: int) -> Check:
    """The finding for a line that may be cut."""
    return Check("record", "truncated_file", pl.col("line") == line, DETAIL)


def end_checks(path: Path, connection: Connection) -> list[Check]:
    """The finding for the last line of a file without a trailer, of records with their ``line``; none where it ends."""
    line = held_line(path, connection)
    return [] if line is None else [cut_line(line)]
