"""The lines between header and trailer: which logical record each belongs to, and lines as most are, told at once.

Most of a bulk file are records of a line A, or of a line A and a line B behind it, each of its form's length with its
code and its end mark. Such lines are told from all others by a compiled look at their bytes, and need no frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.custodians.pershing.forms import Form
from connectors.formats.fixed_width import with_pieces
from connectors.formats.line_kernels import jit
from connectors.formats.lines import Bytes, CutLines, TextBlock

_END: Final = ord("X")
_FIRST: Final = ord("A")
_SECOND: Final = ord("B")
_MOST_BEHIND: Final = 100
"""Lines behind the plain ones that are still worth a look."""


@dataclass(frozen=True)
class Seen:
    """What lines say of their file as a whole; a line's number is 0 where there is none.

    Attributes:
        first_line, last_line: of those that are not blank.
        detail_count: detail lines.
        record_count: logical records.
        header_line, trailer_line: the first of each.
        trailer: its text.
    """

    first_line: int = 0
    last_line: int = 0
    detail_count: int = 0
    record_count: int = 0
    header_line: int = 0
    trailer_line: int = 0
    trailer: str = ""


def written(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines that are not blank."""
    return lines.filter(pl.col("text").str.strip_chars(" ") != "")


def framed(lines: pl.DataFrame) -> tuple[pl.DataFrame, Seen]:
    """The detail lines among lines that are not blank, and what the others say; records are not counted yet."""
    if not lines.height:
        return lines, Seen()
    found = [lines.filter(pl.col("text").str.contains(rf"^{word}\s+PERSHING")) for word in ("BOF", "EOF")]
    header_line, trailer_line = (int(part["line"][0]) if part.height else 0 for part in found)
    first, last = int(lines["line"][0]), int(lines["line"][-1])
    details = lines.head(-1) if trailer_line and trailer_line == last else lines
    trailer = str(found[1]["text"][0]) if trailer_line else ""
    return details, Seen(first, last, details.height, 0, header_line, trailer_line, trailer)


def cut(lines: pl.DataFrame, form: Form) -> pl.DataFrame:
    """The lines with ``letter``, ``sequence`` and ``owner``."""
    letter, sequence, owner = form.start
    spans = {"letter": letter, "sequence": sequence, "owner": owner}
    return with_pieces(lines, {name: (start - 1, end) for name, (start, end) in spans.items()})


def marked(lines: pl.DataFrame, form: Form) -> pl.DataFrame:
    """The lines with ``record``, the line on which the logical record begins."""
    if not form.records:
        return lines.with_columns(pl.col("line").alias("record"))
    key = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("sequence", "owner")]
    begins = (pl.col("letter") == "A").fill_null(False) | key[0] | key[1]
    return lines.with_columns(
        pl.when(begins | (pl.int_range(pl.len()) == 0)).then(pl.col("line")).forward_fill().alias("record")
    )


@dataclass(frozen=True)
class PlainRecords:
    """Records of a line A, or A and B, all sound.

    Attributes:
        first: the lines A.
        second: the lines B.
        owners: int64, for each line B the place of its line A among ``first``.
        seen: what the block says of its file.
    """

    first: CutLines
    second: CutLines
    owners: npt.NDArray[np.int64]
    seen: Seen


def plain_records(lines: CutLines, form: Form) -> PlainRecords | None:
    """A block's records, provided that all of them are plain; the trailer and blank lines may follow them."""
    letters = np.empty(len(lines.starts), dtype=np.uint8)
    codes = np.array([list(code.encode()) for code in form.codes], dtype=np.uint8).reshape(-1, 2)
    (letter, _), (key, _), (_, key_end) = form.start
    count = int(
        _plain(
            lines.buffer,
            lines.starts,
            lines.ends,
            lines.is_ascii,
            form.length,
            codes,
            letter - 1,
            key - 1,
            key_end,
            letters,
        )
    )
    body = replace(lines, starts=lines.starts[:count], ends=lines.ends[:count])
    first_behind = lines.first_line + count
    rest = replace(lines, starts=lines.starts[count:], ends=lines.ends[count:], first_line=first_behind)
    if len(rest.starts) > _MOST_BEHIND:
        return None
    details, seen = framed(written(rest.frame))
    if details.height or seen.header_line:
        return None
    is_first = letters[:count] == _FIRST
    records = int(is_first.sum())
    if count:
        last = seen.last_line or first_behind - 1
        seen = replace(seen, first_line=lines.first_line, last_line=last, detail_count=count, record_count=records)
    owners = np.cumsum(is_first)[~is_first] - 1
    return PlainRecords(body if records == count else body.only(is_first), body.only(~is_first), owners, seen)


def whole_records(buffer: Bytes, size: int, form: Form) -> int:
    """Bytes before the last line A among the first ``size``, which are whole lines: with it a logical record begins."""
    return int(_last_first(buffer, size, form.start[0][0] - 1))


def behind(block: TextBlock, lines: CutLines, row: int) -> TextBlock | None:
    """The block behind one of its lines; None when nothing is."""
    if row + 1 >= len(lines.starts):
        return None
    at = int(lines.starts[row + 1])
    feeds, first_line = block.feeds - row - 1, block.first_line + row + 1
    return TextBlock(lines.buffer[at:], lines.size - at, feeds, first_line, "utf-8", block.max_line_bytes)


@jit
def _plain(buffer, starts, ends, is_ascii, length, codes, letter_at, key_at, key_end, letters):  # type: ignore[no-untyped-def]
    """How many lines from the first on are plain, their keys in ASCII; their letters."""
    for row in range(len(starts)):
        first, stop = np.int64(starts[row]), np.int64(ends[row])
        characters = stop - first
        if not is_ascii:
            for at in range(first, stop):
                characters -= buffer[at] & 0xC0 == 0x80
        if characters != length or buffer[stop - 1] != _END:
            return row
        if not is_ascii:
            for at in range(first, first + key_end):
                if buffer[at] >= 128:
                    return row
        is_known = len(codes) == 0
        for code in range(len(codes)):
            is_known |= buffer[first] == codes[code, 0] and buffer[first + 1] == codes[code, 1]
        letter = buffer[first + letter_at]
        if not is_known or (letter != _FIRST and letter != _SECOND):
            return row
        if letter == _SECOND:
            if row == 0 or letters[row - 1] != _FIRST:
                return row
            before = np.int64(starts[row - 1])
            for at in range(key_at, key_end):
                if buffer[first + at] != buffer[before + at]:
                    return row
        letters[row] = letter
    return len(starts)


@jit
def _last_first(buffer, size, letter_at):  # type: ignore[no-untyped-def]
    """Where the last line with the letter A begins; 0 when there is none."""
    stop = size
    while stop > 0:
        first = stop - 1
        while first > 0 and buffer[first - 1] != 10:
            first -= 1
        if first + letter_at < stop and buffer[first + letter_at] == _FIRST:
            return first
        stop = first
    return 0
