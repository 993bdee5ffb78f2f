"""A text file as numbered lines, read in blocks so that memory stays bounded whatever the file's size.

Belongs here: bytes to lines (decoding, line ends, what makes a file unreadable). What a line means does not: see
``fixed_width`` and ``delimited``. A line's number is its place in the file as received, 1 for the first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from connectors.errors import FeedFault
from connectors.formats.field_kernels import line_views
from connectors.formats.line_kernels import (
    PADDING,
    behind_last_feed,
    count,
    count_high,
    find_lines,
    is_blank,
    recode,
    survey,
)

BLOCK_BYTES: Final = 16 * 1024**2
"""Bytes taken at a time: enough lines for columns to pay, and buffers that the allocator uses again."""
MAX_LINE_BYTES: Final = 64 * 1024
MAX_RECORD_BYTES: Final = 4 * 1024**2
SCHEMA: Final = pl.Schema({"line": pl.Int64, "text": pl.String})

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int32]

_SINGLE_BYTE: Final = ("cp1252", "latin-1")
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_LINE_FEED: Final = 10
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_MAX_CONTROL_SHARE: Final = 0.01
_FORGIVEN_CONTROLS: Final = 8


def read_lines(path: Path, *, encoding: str = "cp1252", max_line_bytes: int = MAX_LINE_BYTES) -> pl.DataFrame:
    """The whole file as a frame of ``line`` (Int64, 1-based) and ``text`` (String), for files of moderate size.

    Raises:
        FeedFault: as ``iterate_lines``.
    """
    blocks = list(iterate_lines(path, encoding=encoding, max_line_bytes=max_line_bytes))
    return pl.concat(blocks) if blocks else pl.DataFrame(schema=SCHEMA)


def iterate_lines(
    path: Path,
    *,
    encoding: str = "cp1252",
    max_line_bytes: int = MAX_LINE_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[pl.DataFrame]:
    """Frames of ``line`` and ``text``, in file order, each of about ``block_bytes``.

    A UTF-8 byte order mark is taken off, and each block that is UTF-8 is read so; where a provider puts the mark
    before text in ``encoding``, that holds. A carriage return and 0x1A at the end of a line are taken off. A last line
    without a line end is a line. Empty lines keep their number.

    Raises:
        FeedFault: empty_file (no byte that is not a mark or a line end), binary_content (a NUL, or more than one
            control byte in a hundred of a block), wrong_encoding (UTF-16, or bytes that the encoding does not have),
            too_large (a line of more than ``max_line_bytes``).
    """
    blocks = iterate_blocks(path, encoding=encoding, max_line_bytes=max_line_bytes, block_bytes=block_bytes)
    return (frame for frame in map(lines_of, blocks) if frame.height)


@dataclass(frozen=True)
class TextBlock:
    """Whole lines of a file as bytes, not looked at yet.

    Attributes:
        buffer: uint8, the bytes and ``line_kernels.PADDING`` more; they end with a line feed, but for the last block.
        size: how many bytes.
        feeds: how many of them are line feeds.
        first_line: number of the first line.
        encoding: of the bytes.
        max_line_bytes: bound on a line.
        is_marked: whether a UTF-8 byte order mark stands before the file, so that the bytes are UTF-8 if they can be.
    """

    buffer: Bytes
    size: int
    feeds: int
    first_line: int
    encoding: str
    max_line_bytes: int
    is_marked: bool = False


BlockEnd = Callable[[Bytes, int], int]
"""Of a buffer whose first bytes, so many, are whole lines: how many of them are whole records; 0 if none is."""


def iterate_blocks(
    path: Path,
    *,
    encoding: str = "cp1252",
    max_line_bytes: int = MAX_LINE_BYTES,
    block_bytes: int = BLOCK_BYTES,
    block_end: BlockEnd | None = None,
) -> Iterator[TextBlock]:
    """The file in blocks for ``lines_of``, which may then work on several at once.

    ``block_end`` says where a block may end, for records of several lines; what it leaves begins the next block. A
    record of more than ``MAX_RECORD_BYTES`` is parted.

    Raises:
        FeedFault: as ``iterate_lines``; what is wrong inside a block, ``lines_of`` raises.
    """
    first_line = 1
    is_void, is_marked = True, False
    for buffer, size, is_whole in _buffers(path, block_bytes, block_end):
        if not is_whole:
            if size > max_line_bytes:
                _refuse_binary(buffer, size, first_line)
                raise _too_long(first_line, max_line_bytes)
            continue
        if first_line == 1:
            head = buffer[: min(size, len(_UTF8_BOM))].tobytes()
            if head.startswith(_WIDE_BOMS):
                raise FeedFault("wrong_encoding", "the file is UTF-16. Ask for a single-byte encoding.", line=1)
            if head == _UTF8_BOM:
                buffer, size, is_marked = buffer[len(_UTF8_BOM) :], size - len(_UTF8_BOM), True
        is_void = is_void and bool(is_blank(buffer, size))
        feeds = int(count(buffer, size, _LINE_FEED))
        yield TextBlock(buffer, size, feeds, first_line, encoding, max_line_bytes, is_marked)
        first_line += feeds
    if is_void:
        raise FeedFault("empty_file", "the file holds no text. Ask the provider to send it again.")


@dataclass(frozen=True)
class CutLines:
    """A block's lines by position in its own bytes: no copy per line.

    Attributes:
        buffer: uint8, UTF-8 and ``line_kernels.PADDING`` bytes more.
        size: bytes of text.
        starts: int32, where each line begins.
        ends: int32, where it ends, its line end not included.
        first_line: number of the first line; the others follow, unless ``numbers`` says otherwise.
        is_ascii: whether every byte is a character.
        numbers: int64, each line's number.
    """

    buffer: Bytes
    size: int
    starts: Places
    ends: Places
    first_line: int
    is_ascii: bool
    numbers: npt.NDArray[np.int64] | None = None

    @property
    def frame(self) -> pl.DataFrame:
        """``line`` and ``text``, line ends not included; the texts lie in the block's own bytes."""
        count = len(self.starts)
        views = np.empty((count, 2), dtype=np.int64)
        line_views(self.buffer, self.starts, self.ends, views)
        line = pl.int_range(self.first_line, self.first_line + count, dtype=pl.Int64, eager=True).alias("line")
        if self.numbers is not None:
            line = pl.Series("line", self.numbers)
        buffers = [None, pa.py_buffer(views), pa.py_buffer(self.buffer)]
        text = pl.Series("text", pa.Array.from_buffers(pa.string_view(), count, buffers))
        return pl.DataFrame([line, text])

    def only(self, chosen: npt.NDArray[np.bool_]) -> CutLines:
        """The lines that are chosen."""
        numbers = self.first_line + np.flatnonzero(chosen) if self.numbers is None else self.numbers[chosen]
        return replace(self, starts=self.starts[chosen], ends=self.ends[chosen], numbers=numbers)


def cut_lines(block: TextBlock) -> CutLines:
    """Where a block's lines lie.

    Raises:
        FeedFault: binary_content, wrong_encoding, too_large.
    """
    buffer, size = block.buffer, block.size
    is_ascii = _refuse_binary(buffer, size, block.first_line)
    if not is_ascii:
        buffer, size = _as_utf8(buffer, size, block)
    starts, ends = np.empty((2, block.feeds + 1), dtype=np.int32)
    longest, at = find_lines(buffer, size, starts, ends)
    if longest > block.max_line_bytes:
        raise _too_long(block.first_line + int(at), block.max_line_bytes)
    if starts[-1] == ends[-1] and not buffer[starts[-1] : size].tobytes().strip(b"\x1a"):
        starts, ends = starts[:-1], ends[:-1]  # behind the last line feed there is nothing, or DOS's end of file
    return CutLines(buffer, size, starts, ends, block.first_line, is_ascii)


def lines_of(block: TextBlock) -> pl.DataFrame:
    """The ``line`` and ``text`` of a block's lines, without their line ends.

    Raises:
        FeedFault: as ``cut_lines``.
    """
    return cut_lines(block).frame


def texts_of(path: Path, lines: Collection[int], *, encoding: str = "cp1252") -> pl.DataFrame:
    """The given lines of a file, read again: for naming in quarantine what only the whole file shows to be wrong."""
    wanted = pl.Series("line", sorted(set(lines)), dtype=pl.Int64).implode()
    return pl.concat([block.filter(pl.col("line").is_in(wanted)) for block in iterate_lines(path, encoding=encoding)])


def _buffers(path: Path, block_bytes: int, block_end: BlockEnd | None) -> Iterator[tuple[Bytes, int, bool]]:
    """Buffers, their bytes of text, and whether these are whole lines; where they are not, no line has ended yet."""
    held: Bytes = np.empty(0, dtype=np.uint8)
    with path.open("rb", buffering=0) as stream:
        while True:
            buffer: Bytes = np.empty(len(held) + block_bytes + PADDING, dtype=np.uint8)
            buffer[: len(held)] = held
            size = _filled(stream, buffer, len(held), len(held) + block_bytes)
            if size == len(held) + block_bytes:
                end = int(behind_last_feed(buffer, size))
                if end and block_end is not None:
                    whole = block_end(buffer, end)
                    end = whole if whole or size <= MAX_RECORD_BYTES else end
                    if not end:
                        held = buffer[:size]
                        continue
                yield buffer, end or size, end > 0
                held = buffer[end:size].copy()
                continue
            if size:
                yield buffer, size, True
            return


def _filled(stream: FileIO, buffer: Bytes, at: int, stop: int) -> int:
    """Read until the buffer is full up to ``stop`` or the file ends; up to where it is full."""
    room = buffer.data
    while at < stop and (found := stream.readinto(room[at:stop])):
        at += found
    return at


def _too_long(line: int, max_line_bytes: int) -> FeedFault:
    return FeedFault("too_large", f"a line is longer than {max_line_bytes} bytes: not a file of this kind.", line=line)


def _refuse_binary(buffer: Bytes, size: int, first_line: int) -> bool:
    """Whether the block is ASCII; a fault when it is not text."""
    controls, nuls, is_ascii = survey(buffer, size)
    if nuls:
        block = buffer[:size].tobytes()
        line = first_line + block.count(b"\n", 0, block.find(b"\0"))
        if looks_wide(block):
            raise FeedFault(
                "wrong_encoding", "the file looks like UTF-16 text. Ask for a single-byte encoding.", line=line
            )
        raise FeedFault("binary_content", "the file holds NUL bytes: it is not text. Ask for it again.", line=line)
    if controls > max(_FORGIVEN_CONTROLS, _MAX_CONTROL_SHARE * size):
        raise FeedFault(
            "binary_content", "the file holds control bytes: it is not text. Ask for it again.", line=first_line
        )
    return bool(is_ascii)


def looks_wide(block: bytes) -> bool:
    """Whether NULs stand at every other byte, as in Latin text of two bytes a character."""
    at = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == 0)
    odd = int((at % 2).sum())
    return len(at) > 0.3 * len(block) and min(odd, len(at) - odd) < 0.05 * len(at)


def _as_utf8(buffer: Bytes, size: int, block: TextBlock) -> tuple[Bytes, int]:
    if block.encoding in _SINGLE_BYTE and not block.is_marked:
        table, lengths = _utf8_of_bytes(block.encoding)
        recoded: Bytes = np.empty(size + 2 * int(count_high(buffer, size)) + PADDING, dtype=np.uint8)
        written = int(recode(buffer, size, table, lengths, recoded))
        if written < 0:
            raise _undecodable(block, buffer[: -1 - written].tobytes())
        return recoded, written
    found = buffer[:size].tobytes()
    try:
        content = _decoded(found, block).encode()
    except UnicodeDecodeError as error:
        raise _undecodable(block, found[: error.start]) from None
    decoded: Bytes = np.empty(len(content) + PADDING, dtype=np.uint8)
    decoded[: len(content)] = np.frombuffer(content, dtype=np.uint8)
    return decoded, len(content)


def _undecodable(block: TextBlock, before: bytes) -> FeedFault:
    line = block.first_line + before.count(b"\n")
    return FeedFault("wrong_encoding", f"a byte is not {block.encoding}. Ask for the agreed encoding.", line=line)


@cache
def _utf8_of_bytes(encoding: str) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Each byte of a single-byte encoding in UTF-8, and how many bytes that takes; none where it has no such byte."""
    table, lengths = np.zeros((256, 3), dtype=np.uint8), np.zeros(256, dtype=np.int64)
    for byte in range(256):
        found = bytes([byte]).decode(encoding, "ignore").encode()
        table[byte, : len(found)] = list(found)
        lengths[byte] = len(found)
    return table, lengths


def _decoded(found: bytes, block: TextBlock) -> str:
    if block.is_marked:
        try:
            return found.decode("utf-8")
        except UnicodeDecodeError:
            pass  # some providers put the mark before text in their own encoding
    return found.decode(block.encoding)
