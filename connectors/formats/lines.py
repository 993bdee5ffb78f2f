"""A text file as numbered lines, read in blocks so that memory stays bounded whatever the file's size.

Belongs here: bytes to lines (decoding, line ends, what makes a file unreadable). What a line means does not: see
``fixed_width`` and ``delimited``. A line's number is its place in the file as received, 1 for the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from connectors.errors import FeedFault
from connectors.formats.flat_kernels import count, line_offsets, survey

BLOCK_BYTES: Final = 16 * 1024**2
"""Bytes taken at a time: enough lines for columns to pay, and buffers that the allocator uses again."""
MAX_LINE_BYTES: Final = 64 * 1024
SCHEMA: Final = pl.Schema({"line": pl.Int64, "text": pl.String})

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

    A UTF-8 byte order mark is taken off (and makes the file UTF-8); so are a carriage return and 0x1A at the end of a
    line. A last line without a line end is a line. Empty lines keep their number.

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
        content: the bytes; they end with a line feed, but for the last block of a file.
        first_line: number of the first line.
        encoding: of the bytes.
        max_line_bytes: bound on a line.
    """

    content: bytes
    first_line: int
    encoding: str
    max_line_bytes: int


def iterate_blocks(
    path: Path,
    *,
    encoding: str = "cp1252",
    max_line_bytes: int = MAX_LINE_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[TextBlock]:
    """The file in blocks for ``lines_of``, which may then work on several at once.

    Raises:
        FeedFault: as ``iterate_lines``; what is wrong inside a block, ``lines_of`` raises.
    """
    first_line = 1
    is_blank = True
    for number, block in enumerate(_whole_line_blocks(path, max_line_bytes, block_bytes)):
        if number == 0:
            if block.startswith(_WIDE_BOMS):
                raise FeedFault("wrong_encoding", "the file is UTF-16. Ask for a single-byte encoding.", line=1)
            if block.startswith(_UTF8_BOM):
                block, encoding = block[len(_UTF8_BOM) :], "utf-8"
        is_blank = is_blank and not block.strip(b" \t\r\n\x1a")
        yield TextBlock(block, first_line, encoding, max_line_bytes)
        first_line += int(count(np.frombuffer(block, dtype=np.uint8), _LINE_FEED))
    if is_blank:
        raise FeedFault("empty_file", "the file holds no text. Ask the provider to send it again.")


@dataclass(frozen=True)
class CutLines:
    """A block's lines by position in its own bytes: no copy per line.

    Attributes:
        content: UTF-8.
        offsets: int64, one more than there are lines; a line's bytes, its line end among them, lie between two.
        first_line: number of the first line.
    """

    content: bytes
    offsets: npt.NDArray[np.int64]
    first_line: int

    @property
    def frame(self) -> pl.DataFrame:
        """``line`` and ``text``, line ends included."""
        count = len(self.offsets) - 1
        texts = pa.LargeStringArray.from_buffers(count, pa.py_buffer(self.offsets), pa.py_buffer(self.content))
        return pl.DataFrame(
            {
                "line": pl.int_range(self.first_line, self.first_line + count, dtype=pl.Int64, eager=True),
                "text": pl.Series(texts, dtype=pl.String),
            }
        )


def cut_lines(block: TextBlock) -> CutLines:
    """Where a block's lines lie.

    Raises:
        FeedFault: binary_content, wrong_encoding, too_large.
    """
    feeds, is_ascii = _refuse_binary(block.content, block.first_line)
    content = block.content if is_ascii else _as_utf8(block.content, block.encoding, block.first_line)
    offsets = line_offsets(np.frombuffer(content, dtype=np.uint8), feeds)
    if not content[content.rfind(b"\n") + 1 :].strip(b"\x1a"):
        offsets = offsets[:-1]
    widths = np.diff(offsets)
    if widths.size and int(widths.max()) > block.max_line_bytes:
        raise _too_long(block.first_line + int(widths.argmax()), block.max_line_bytes)
    return CutLines(content, offsets, block.first_line)


def lines_of(block: TextBlock) -> pl.DataFrame:
    """The ``line`` and ``text`` of a block's lines, without their line ends.

    Raises:
        FeedFault: as ``cut_lines``.
    """
    return cut_lines(block).frame.with_columns(pl.col("text").str.strip_chars_end("\r\n\x1a"))


def texts_of(path: Path, lines: Collection[int], *, encoding: str = "cp1252") -> pl.DataFrame:
    """The given lines of a file, read again: for naming in quarantine what only the whole file shows to be wrong."""
    wanted = pl.Series("line", sorted(set(lines)), dtype=pl.Int64).implode()
    return pl.concat([block.filter(pl.col("line").is_in(wanted)) for block in iterate_lines(path, encoding=encoding)])


def _whole_line_blocks(path: Path, max_line_bytes: int, block_bytes: int) -> Iterator[bytes]:
    """Blocks that end with a line feed, but for the last."""
    with path.open("rb") as stream:
        while block := stream.read(block_bytes):
            if not block.endswith(b"\n"):
                last = stream.readline(max_line_bytes + block_bytes)
                block += last
                if len(last) == max_line_bytes + block_bytes and not last.endswith(b"\n"):
                    lines_before = _count_lines(path, stream.tell() - len(block))
                    _refuse_binary(block, lines_before + 1)
                    raise _too_long(lines_before + 1 + block.count(b"\n"), max_line_bytes)
            yield block


def _count_lines(path: Path, size_bytes: int) -> int:
    """Line ends among the first bytes of a file: for naming a line after a fault."""
    count = 0
    with path.open("rb") as stream:
        while size_bytes > 0 and (block := stream.read(min(BLOCK_BYTES, size_bytes))):
            count += block.count(b"\n")
            size_bytes -= len(block)
    return count


def _too_long(line: int, max_line_bytes: int) -> FeedFault:
    return FeedFault("too_large", f"a line is longer than {max_line_bytes} bytes: not a file of this kind.", line=line)


def _refuse_binary(block: bytes, first_line: int) -> tuple[int, bool]:
    """Number of line feeds, and whether the block is ASCII; a fault when it is not text."""
    controls, nuls, feeds, is_ascii = survey(np.frombuffer(block, dtype=np.uint8))
    if nuls:
        line = first_line + block.count(b"\n", 0, block.find(b"\0"))
        if looks_wide(block):
            raise FeedFault(
                "wrong_encoding", "the file looks like UTF-16 text. Ask for a single-byte encoding.", line=line
            )
        raise FeedFault("binary_content", "the file holds NUL bytes: it is not text. Ask for it again.", line=line)
    if controls > max(_FORGIVEN_CONTROLS, _MAX_CONTROL_SHARE * len(block)):
        raise FeedFault(
            "binary_content", "the file holds control bytes: it is not text. Ask for it again.", line=first_line
        )
    return int(feeds), bool(is_ascii)


def looks_wide(block: bytes) -> bool:
    """Whether NULs stand at every other byte, as in Latin text of two bytes a character."""
    at = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == 0)
    odd = int((at % 2).sum())
    return len(at) > 0.3 * len(block) and min(odd, len(at) - odd) < 0.05 * len(at)


def _as_utf8(block: bytes, encoding: str, first_line: int) -> bytes:
    try:
        return block.decode(encoding).encode()
    except UnicodeDecodeError as error:
        line = first_line + block.count(b"\n", 0, error.start)
        raise FeedFault(
            "wrong_encoding", f"a byte is not {encoding}. Ask for the agreed encoding.", line=line
        ) from None
