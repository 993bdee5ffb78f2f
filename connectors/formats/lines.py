"""A text file as numbered lines, read in blocks so that memory stays bounded whatever the file's size.

Belongs here: bytes to lines (decoding, line ends, what makes a file unreadable). What a line means does not: see
``fixed_width`` and ``delimited``. A line's number is its place in the file as received, 1 for the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from connectors.errors import FeedFault

BLOCK_BYTES: Final = 16 * 1024**2
"""Bytes taken at a time: enough lines for columns to pay, and buffers that the allocator uses again."""
MAX_LINE_BYTES: Final = 64 * 1024
SCHEMA: Final = pl.Schema({"line": pl.Int64, "text": pl.String})

_UTF8_BOM: Final = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
# Control bytes that a text file may hold: tab, line feed, form feed, carriage return, and DOS end of file.
_TEXT_CONTROLS: Final = tuple(b"\t\n\f\r\x1a")
_DELETE: Final = 127
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
    first_line = 1
    is_blank = True
    for number, block in enumerate(_whole_line_blocks(path, max_line_bytes, block_bytes)):
        if number == 0:
            if block.startswith(_WIDE_BOMS):
                raise FeedFault("wrong_encoding", "the file is UTF-16. Ask for a single-byte encoding.", line=1)
            if block.startswith(_UTF8_BOM):
                block, encoding = block[len(_UTF8_BOM) :], "utf-8"
        _refuse_binary(block, first_line)
        frame = _frame(_as_utf8(block, encoding, first_line), first_line, max_line_bytes)
        is_blank = is_blank and not block.strip(b" \t\r\n\x1a")
        first_line += frame.height
        if frame.height:
            yield frame
    if is_blank:
        raise FeedFault("empty_file", "the file holds no text. Ask the provider to send it again.")


def texts_of(path: Path, lines: Collection[int], *, encoding: str = "cp1252") -> pl.DataFrame:
    """The given lines of a file, read again: for naming in quarantine what only the whole file shows to be wrong."""
    wanted = pl.Series("line", sorted(set(lines)), dtype=pl.Int64).implode()
    return pl.concat([block.filter(pl.col("line").is_in(wanted)) for block in iterate_lines(path, encoding=encoding)])


def _whole_line_blocks(path: Path, max_line_bytes: int, block_bytes: int) -> Iterator[bytes]:
    """Blocks that end with a line feed, but for the last."""
    lines_before = 0
    with path.open("rb") as stream:
        while block := stream.read(block_bytes):
            if not block.endswith(b"\n"):
                last = stream.readline(max_line_bytes + block_bytes)
                block += last
                if len(last) == max_line_bytes + block_bytes and not last.endswith(b"\n"):
                    _refuse_binary(block, lines_before + 1)
                    raise _too_long(lines_before + 1 + block.count(b"\n"), max_line_bytes)
            yield block
            lines_before += block.count(b"\n")


def _too_long(line: int, max_line_bytes: int) -> FeedFault:
    return FeedFault("too_large", f"a line is longer than {max_line_bytes} bytes: not a file of this kind.", line=line)


def _refuse_binary(block: bytes, first_line: int) -> None:
    nul = block.find(b"\0")
    if nul >= 0:
        line = first_line + block.count(b"\n", 0, nul)
        if looks_wide(block):
            raise FeedFault(
                "wrong_encoding", "the file looks like UTF-16 text. Ask for a single-byte encoding.", line=line
            )
        raise FeedFault("binary_content", "the file holds NUL bytes: it is not text. Ask for it again.", line=line)
    if _controls(block) > max(_FORGIVEN_CONTROLS, _MAX_CONTROL_SHARE * len(block)):
        raise FeedFault(
            "binary_content", "the file holds control bytes: it is not text. Ask for it again.", line=first_line
        )


def _controls(block: bytes) -> int:
    """Number of control bytes that text does not hold, in a block without a NUL."""
    values = np.frombuffer(block, dtype=np.uint8)
    low = values[values < ord(" ")]
    return int(np.isin(low, _TEXT_CONTROLS, invert=True).sum()) + block.count(_DELETE)


def looks_wide(block: bytes) -> bool:
    """Whether NULs stand at every other byte, as in Latin text of two bytes a character."""
    at = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == 0)
    odd = int((at % 2).sum())
    return len(at) > 0.3 * len(block) and min(odd, len(at) - odd) < 0.05 * len(at)


def _as_utf8(block: bytes, encoding: str, first_line: int) -> bytes:
    if block.isascii():
        return block
    try:
        return block.decode(encoding).encode()
    except UnicodeDecodeError as error:
        line = first_line + block.count(b"\n", 0, error.start)
        raise FeedFault(
            "wrong_encoding", f"a byte is not {encoding}. Ask for the agreed encoding.", line=line
        ) from None


def _frame(block: bytes, first_line: int, max_line_bytes: int) -> pl.DataFrame:
    """Lines of one UTF-8 block, by offsets over its own bytes: no copy per line."""
    ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == 10) + 1
    if block[block.rfind(b"\n") + 1 :].strip(b"\x1a"):
        ends = np.append(ends, len(block))
    offsets = np.concatenate((np.zeros(1, dtype=np.int64), ends.astype(np.int64)))
    widths = np.diff(offsets)
    if widths.size and int(widths.max()) > max_line_bytes:
        raise _too_long(first_line + int(widths.argmax()), max_line_bytes)
    texts = pa.LargeStringArray.from_buffers(widths.size, pa.py_buffer(offsets), pa.py_buffer(block))
    return pl.DataFrame(
        {
            "line": pl.Series(range(0), dtype=pl.Int64)
            if not widths.size
            else pl.int_range(first_line, first_line + widths.size, dtype=pl.Int64, eager=True),
            "text": pl.Series(texts, dtype=pl.String).str.strip_chars_end("\r\n\x1a"),
        }
    )
