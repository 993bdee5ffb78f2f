"""Texts of raw files, beside them: what an archive held, and where the lines of a large file are.

Beside ``<sha256>`` lie, when they are needed:

- ``<sha256>.text``: the decoded text of a file that cannot be read line by line as it came (an archive, OpenPGP,
  UTF-16): gzip members of ``BLOCK_BYTES`` of text each, so that ``zcat`` prints it and any block opens by itself;
- ``<sha256>.lines``: the index, written last: a header, and for every block how many line feeds come before it and
  where it begins, in the text's file or, without one, in the raw file itself.

Both say nothing that the raw file does not: they can be deleted, and are written again when the file is next read.
They lie in the tenant's folder and go with it.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt

from warehouse.lake.raw import RawStore

BLOCK_BYTES: Final = 256 * 1024
LARGE_BYTES: Final = 16 * 1024**2
"""A plain file from this size on gets an index; a smaller one is read through at once."""

TEXT: Final = ".text"
LINES: Final = ".lines"

_MAGIC: Final = b"WNLINES1"
_HEADER: Final = struct.Struct("<8sB7xQ")
_OWN_TEXT: Final = 1
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableIndexError(ValueError):
    """An index that is none: damaged, or of another version."""


@dataclass(frozen=True)
class LineIndex:
    """Where the blocks of a text are.

    Attributes:
        has_own_text: whether the offsets are in ``<sha256>.text``; otherwise in the raw file.
        feeds_before: Int64 per block: line feeds in the text before it.
        offsets: Int64 per block: where it begins.
    """

    has_own_text: bool
    feeds_before: npt.NDArray[np.int64]
    offsets: npt.NDArray[np.int64]

    def block_of(self, line: int) -> int:
        """The block in which, or at whose beginning, a 1-based line begins.

        A line begins behind the feed that ends the one before; the first one at the beginning.
        """
        return max(0, int(np.searchsorted(self.feeds_before, line - 1, side="left")) - 1) if line > 1 else 0


def keep_text(raw: RawStore, tenant: str, sha256: str, content: Path, *, is_decoded: bool) -> bool:
    """Keep what trace needs to reach a line of a raw file by seeking; whether anything had to be written.

    Memory does not grow with the file. A killed call leaves no index, and the next one begins anew.

    Args:
        raw: the store that holds the file.
        tenant: whose.
        sha256: of the file as received.
        content: the file as it was read: what an archive held, or the raw file itself.
        is_decoded: whether ``content`` differs from the raw file.
    """
    with content.open("rb") as stream:
        is_wide = stream.read(2) in _WIDE_MARKS
    has_own_text = is_decoded or is_wide
    if not has_own_text and content.stat().st_size < LARGE_BYTES:
        return False
    if raw.has_beside(tenant, sha256, LINES) and (not has_own_text or raw.has_beside(tenant, sha256, TEXT)):
        return False
    with tempfile.TemporaryDirectory() as folder, content.open("rb") as stream:
        blocks = _blocks(stream, is_wide=is_wide)
        text, lines = Path(folder) / "text", Path(folder) / "lines"
        if has_own_text:
            with text.open("wb") as target:
                index = _written(blocks, target)
            raw.put_beside(tenant, sha256, TEXT, text)
        else:
            index = _measured(blocks)
        lines.write_bytes(_packed(has_own_text, index))
        raw.put_beside(tenant, sha256, LINES, lines)
    return True


def line_index(raw: RawStore, tenant: str, sha256: str) -> LineIndex | None:
    """The index of a raw file's text, None where there is none.

    Raises:
        UnreadableIndexError: it is damaged.
    """
    try:
        with raw.open_beside(tenant, sha256, LINES) as stream:
            content = stream.read()
    except FileNotFoundError:
        return None
    if len(content) < _HEADER.size:
        raise UnreadableIndexError("the index is cut short")
    magic, flags, count = _HEADER.unpack_from(content)
    if magic != _MAGIC or len(content) != _HEADER.size + 16 * count or not count:
        raise UnreadableIndexError("not an index of this version")
    pairs = np.frombuffer(content, "<i8", offset=_HEADER.size).reshape(count, 2)
    return LineIndex(bool(flags & _OWN_TEXT), pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64))


@contextlib.contextmanager
def text_from(raw: RawStore, tenant: str, sha256: str, index: LineIndex, block: int) -> Iterator[BinaryIO]:
    """The text from the beginning of a block on."""
    suffix = TEXT if index.has_own_text else ""
    with raw.open_beside(tenant, sha256, suffix) as stream:
        stream.seek(int(index.offsets[block]))
        if not index.has_own_text:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as members:
            yield cast(BinaryIO, members)


def copy_text(raw: RawStore, tenant: str, sha256: str, destination: Path) -> bool:
    """Write the whole decoded text that is kept of a raw file to ``destination``; false where none is."""
    index = line_index(raw, tenant, sha256)
    if index is None or not index.has_own_text:
        return False
    with text_from(raw, tenant, sha256, index, 0) as text, destination.open("wb") as target:
        while chunk := text.read(1 << 20):
            target.write(chunk)
    return True


def _blocks(stream: BinaryIO, *, is_wide: bool) -> Iterator[bytes]:
    """The text in blocks of ``BLOCK_BYTES``, the last one smaller; UTF-16 as UTF-8. No text is one empty block."""
    decoder = codecs.getincrementaldecoder("utf-16")("replace") if is_wide else None
    held, is_empty = b"", True
    while chunk := stream.read(BLOCK_BYTES):
        held += chunk if decoder is None else decoder.decode(chunk).encode()
        while len(held) >= BLOCK_BYTES:
            yield held[:BLOCK_BYTES]
            held, is_empty = held[BLOCK_BYTES:], False
    held += b"" if decoder is None else decoder.decode(b"", final=True).encode()
    if held or is_empty:
        yield held


def _written(blocks: Iterator[bytes], target: BinaryIO) -> list[tuple[int, int]]:
    index, feeds = [], 0
    for block in blocks:
        index.append((feeds, target.tell()))
        feeds += block.count(b"\n")
        packer = zlib.compressobj(3, zlib.DEFLATED, 31)  # 31: with the gzip header and trailer
        target.write(packer.compress(block) + packer.flush())
    return index


def _measured(blocks: Iterator[bytes]) -> list[tuple[int, int]]:
    index, feeds, at = [], 0, 0
    for block in blocks:
        index.append((feeds, at))
        feeds, at = feeds + block.count(b"\n"), at + len(block)
    return index


def _packed(has_own_text: bool, index: list[tuple[int, int]]) -> bytes:
    flags = _OWN_TEXT if has_own_text else 0
    return _HEADER.pack(_MAGIC, flags, len(index)) + np.asarray(index, dtype="<i8").tobytes()
