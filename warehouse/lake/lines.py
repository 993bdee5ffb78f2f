"""Single lines of raw files, read without loading the file: what the trace shows beside a number.

Where an index lies beside the file (``texts``), a line is sought; otherwise the file is read through, a zip or gzip
archive to its only member. Lines are counted by line feeds from 1, as connectors count.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from warehouse.lake.raw import RawStore
from warehouse.lake.texts import LineIndex, UnreadableIndexError, line_index, text_from

MAX_LINE_BYTES: Final = 4000
"""A longer line is cut: the trace is for people, and a document may be one line as a whole."""

_CHUNK_BYTES: Final = 1 << 20


def stored_lines(raw: RawStore, tenant: str, sha256: str, numbers: Collection[int]) -> dict[int, str]:
    """Text of those lines of a raw file, as ``lines_of``; of an archive or OpenPGP message, of what it held.

    Raises:
        FileNotFoundError: the store has no such file.
        ValueError: nothing in the file is a line, and no text of it is kept.
        OSError, EOFError, zipfile.BadZipFile, zlib.error: the file or archive cannot be read.
    """
    with contextlib.suppress(UnreadableIndexError, FileNotFoundError):
        if index := line_index(raw, tenant, sha256):
            return _sought(raw, tenant, sha256, index, numbers)
    return lines_of(raw.local_path(tenant, sha256), numbers)


def lines_of(path: Path, numbers: Collection[int]) -> dict[int, str]:
    """Text of the lines with those 1-based numbers; numbers beyond the end, and 0, are absent.

    Bytes that are not UTF-8 are read as cp1252, and where that has no character, as Latin-1.

    Raises:
        ValueError: a zip archive with no member or several, or an OpenPGP message.
        OSError, EOFError, zipfile.BadZipFile: the file or archive cannot be read.
    """
    wanted = sorted({number for number in numbers if number > 0})
    with _content(path) as stream:
        return {number: _text(line) for number, line in _found(stream, wanted)}


def _sought(raw: RawStore, tenant: str, sha256: str, index: LineIndex, numbers: Collection[int]) -> dict[int, str]:
    """The lines out of the blocks in which they begin, each block opened once."""
    found: dict[int, str] = {}
    wanted = sorted({number for number in numbers if number > 0})
    for block, group in itertools.groupby(wanted, index.block_of):
        with text_from(raw, tenant, sha256, index, block) as stream:
            first = int(index.feeds_before[block]) + 1
            found |= {number: _text(line) for number, line in _found(stream, list(group), first)}
    return found


@contextmanager
def _content(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as plain:
        head = plain.read(64)
        magic = head[:4]
        if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"-----BEGIN PGP ") or _is_binary(head):
            raise ValueError("an OpenPGP message has no line of its own")
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


def _found(stream: BinaryIO, wanted: list[int], first: int = 1) -> Iterator[tuple[int, bytes]]:
    """Lines by number, where the stream begins in line ``first``. Chunks without a wanted line are counted through."""
    number, kept, targets = first, b"", iter(wanted)
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


def _is_binary(head: bytes) -> bool:
    """Whether a file begins as a binary OpenPGP message does: with the high bit, and with bytes that no text has."""
    return bool(head) and head[0] >= 0x80 and not head.startswith((b"\xff\xfe", b"\xfe\xff")) and min(head) < 0x09


def _text(line: bytes) -> str:
    line = line.rstrip(b"\r")
    for encoding in ("utf-8", "cp1252"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")
