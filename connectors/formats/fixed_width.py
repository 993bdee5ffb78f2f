"""Fixed-width records: fields cut by position, with the separator at every gap as a cross-check.

Only the fields that are asked for are cut. Positions count characters, which are bytes in a single-byte encoding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from connectors.formats.layouts import Layout

_ROWS_AT_ONCE: Final = 8192
"""Lines whose separators are looked up together: their positions stay in the processor's cache."""


@dataclass(frozen=True)
class Cut:
    """Lines as fields.

    Attributes:
        records: ``line``, ``text`` and the fields asked for: stripped of blanks, null when nothing is left.
        misfits: ``line`` and ``text`` of the lines that do not have the layout's shape.
    """

    records: pl.DataFrame
    misfits: pl.DataFrame


def cut(lines: pl.DataFrame, layout: Layout, names: Sequence[str], *, separator: str = "|") -> Cut:
    """The fields ``names`` of each line, by position.

    A line fits when the separator stands at every gap and the line ends at or beyond the last field, or at the end of
    an older version of the layout (in that version's last field, whose trailing blanks may be lost). What is missing
    is blank; what stands beyond the last field belongs to a later layout and is left alone.

    Args:
        lines: frame of ``line`` and ``text``.
        layout: positions of the fields.
        names: fields to cut.
        separator: the character at every gap.
    """
    fits = fit(lines["text"], layout.gaps, separator) & _ends_well(lines["text"], layout)
    spans = {name: (layout.column(name).start - 1, layout.column(name).end) for name in names}
    if fits.all():
        return Cut(with_pieces(lines, spans), lines.clear())
    return Cut(with_pieces(lines.filter(fits), spans), lines.filter(~fits))


def with_pieces(lines: pl.DataFrame, spans: Mapping[str, tuple[int, int | None]]) -> pl.DataFrame:
    """The lines with the text between two 0-based positions of each (the second not included), stripped, by name."""
    text = pl.col("text")
    lengths = {name: None if end is None else end - start for name, (start, end) in spans.items()}
    if is_ascii(lines["text"]):  # cut bytes: cutting characters walks the whole line for every piece
        pieces = [
            stripped(text.cast(pl.Binary).bin.slice(start, lengths[name]).cast(pl.String)).alias(name)
            for name, (start, _) in spans.items()
        ]
    else:
        pieces = [stripped(text.str.slice(start, lengths[name])).alias(name) for name, (start, _) in spans.items()]
    return lines.with_columns(pieces)


def is_ascii(texts: pl.Series) -> bool:
    """Whether every character of every text is one byte."""
    return bool((texts.str.len_chars() == texts.str.len_bytes()).all())


def stripped(field: pl.Expr) -> pl.Expr:
    """The text without the blanks around it; null when nothing is left."""
    bare = field.str.strip_chars(" ")
    return pl.when(bare != "").then(bare)


def fit(texts: pl.Series, gaps: Sequence[int], separator: str) -> pl.Series:
    """Whether each text has ``separator`` at every 0-based position in ``gaps`` that lies within its length."""
    if not len(texts) or not gaps:
        return pl.Series([True] * len(texts), dtype=pl.Boolean)
    if not is_ascii(texts):
        texts = texts.str.replace_all(r"[^\x00-\x7f]", "?")
    flat = texts.to_arrow().cast(pa.large_string())
    offsets = np.frombuffer(flat.buffers()[1], dtype=np.int64)[flat.offset : flat.offset + len(texts) + 1]
    content = np.frombuffer(flat.buffers()[2] or b"\0", dtype=np.uint8)
    places = np.asarray(gaps, dtype=np.int64)
    there = np.empty(len(texts), dtype=np.bool_)
    for first in range(0, len(texts), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        at = offsets[:-1][rows, None] + places
        is_beyond = at >= offsets[1:][rows, None]
        found = content[np.minimum(at, len(content) - 1)] == ord(separator)
        there[rows] = (found | is_beyond).all(axis=1)
    return pl.Series(there)


def _ends_well(texts: pl.Series, layout: Layout) -> pl.Series:
    lengths = texts.str.len_chars().cast(pl.Int64)
    well = lengths >= layout.length
    for count in layout.version_ends:
        last = layout.columns[count - 1]
        well = well | lengths.is_between(last.start - 1, last.end + 1)
    return well
