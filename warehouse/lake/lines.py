"""Single lines of raw files, read without loading the file: what the trace shows beside a number.

A zip or gzip archive is read through to its only member. Lines are counted by line feeds from 1, as connectors count.
"""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

MAX_LINE_BYTES: Final = 4000
"""A longer line is cut: the trace is for people, and a document may be one line as a whole."""

_CHUNK_BYTES: Final = 1 << 20


def lines_of(path: Path, numbers: Collection[int]) -> dict[int, str]:
    """Text of the lines with those 1-based numbers; numbers beyond the end, and 0, are absent.

    Bytes that are not UTF-8 are read as cp1252, and where that has no character, as Latin-1.

    Raises:
        ValueError: a zip archive with no member or several.
        OSError, EOFError, zipfile.BadZipFile: the file or archive cannot be read.
    """
    wanted = sorted({number for number in numbers if number > 0})
    with _content(path) as stream:
        return {number: _text(line) for number, line in _found(stream, wanted)}


@contextmanager
def _content(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as plain:
        magic = plain.read(4)
        if magic[:2] == b"\x1f\x8b":
            with gzip.open(path) as stream:
                yield cast(BinaryIO, stream)
        elif magic == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
                if len(members) != 1:
                    raise ValueError(f"an archive of {len(members)} members has no line of its own")
                with archive.open(members[0]) as stream:
                    yield cast(BinaryIO, stream)
        else:
            plain.seek(0)
            yield plain


def _found(stream: BinaryIO, wanted: list[int]) -> Iterator[tuple[int, bytes]]:
    """Lines by number. Chunks without a wanted line are only counted through."""
    number, kept, targets = 1, b"", iter(wanted)
    target = next(targets, None)
    while target is not None and (chunk := stream.read(_CHUNK_BYTES)):
        start = 0
        if number < target:
            feeds = chunk.count(b"\n")
            if number + feeds < target:
                number += feeds
                continue
        while target is not None:
            end = chunk.find(b"\n", start)
            if end < 0:
                if number == target:
                    kept = (kept + chunk[start : start + MAX_LINE_BYTES])[:MAX_LINE_BYTES]
                break
            if number == target:
                yield number, (kept + chunk[start:end])[:MAX_LINE_BYTES]
                kept, target = b"", next(targets, None)
            number, start = number + 1, end + 1
    if target is not None and number == target and kept:
        yield number, kept


def _text(line: bytes) -> str:
    line = line.rstrip(b"\r")
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")
