"""Delimited records: fields taken by their place between separators, without quoting.

A separator inside a text shifts every field behind it, so a line with another number of fields than the layout's is
never read by place. Where a file pads its fields, all records have their separators at the same positions; those
positions, learnt from the file itself, then rescue such a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import polars as pl

from connectors.formats.fixed_width import Cut, fit, stripped, with_pieces
from connectors.formats.layouts import Layout

_SAMPLE_LINES: Final = 500
_LEAST_SUPPORT: Final = 3
_LEAST_SHARE: Final = 0.75


@dataclass(frozen=True)
class Shape:
    """How a provider writes its delimited records.

    Attributes:
        gaps: 0-based positions of the separators that all padded records share; empty when the file is not padded.
        is_closed: whether a separator follows the last field too; None when either may be.
    """

    gaps: tuple[int, ...] = ()
    is_closed: bool | None = None


def learnt_shape(texts: pl.Series, layout: Layout, *, separator: str = "|") -> Shape:
    """The shape of a file's records, from the first of them.

    The commonest positions count if three lines in four have them, and three at least: then the file is padded, and a
    stray separator moves the positions of its own line alone. Lines of an unpadded file agree by accident only.
    """
    count = len(layout.columns) - 1
    ends = layout.version_ends
    seen: Counter[tuple[int, ...]] = Counter()
    closings: Counter[bool] = Counter()
    sample = texts.head(_SAMPLE_LINES)
    for text in sample:
        pieces = text.split(separator)
        separators = len(pieces) - 1
        if separators >= count:
            seen[tuple(map(len, pieces[:count]))] += 1
        if separators + 1 in ends:
            closings[False] += 1
        elif separators in ends and not pieces[-1]:
            closings[True] += 1
    is_closed = None if closings[True] == closings[False] else closings[True] > closings[False]
    widths, support = seen.most_common(1)[0] if seen else ((), 0)
    if support < max(_LEAST_SUPPORT, _LEAST_SHARE * len(sample)):
        return Shape((), is_closed)
    return Shape(tuple(end + place for place, end in enumerate(accumulate(widths))), is_closed)


def cut(
    lines: pl.DataFrame, layout: Layout, names: Sequence[str], *, separator: str = "|", shape: Shape | None = None
) -> Cut:
    """The fields ``names`` of each line: by the learnt positions where the line has them, else by place.

    By place, a line must have exactly the fields of the layout, or of one of its older versions.

    Args:
        lines: frame of ``line`` and ``text``.
        layout: names of the fields in order.
        names: fields to take.
        separator: a single character.
        shape: what ``learnt_shape`` gave for the file, or what is known of it.
    """
    shape = shape if shape is not None else Shape()
    gaps = shape.gaps
    if gaps:
        fits = fit(lines["text"], gaps, separator) & (lines["text"].str.len_chars() > max(gaps))
        if fits.all():
            return Cut(_by_position(lines, layout, names, separator, gaps), lines.clear())
        padded, others = lines.filter(fits), lines.filter(~fits)
    else:
        padded, others = lines.clear(), lines
    found = others["text"].str.count_matches(separator, literal=True).cast(pl.Int64)
    closed = others["text"].str.ends_with(separator)
    right = pl.Series([False] * others.height, dtype=pl.Boolean)
    for fields in layout.version_ends:
        if shape.is_closed is not True:
            right = right | (found == fields - 1)
        if shape.is_closed is not False:
            right = right | ((found == fields) & closed)
    records = pl.concat(
        [
            _by_position(padded, layout, names, separator, gaps),
            _by_place(others.filter(right), layout, names, separator),
        ]
    )
    return Cut(records.sort("line") if others.height and padded.height else records, others.filter(~right))


def _by_position(
    lines: pl.DataFrame, layout: Layout, names: Sequence[str], separator: str, gaps: Sequence[int]
) -> pl.DataFrame:
    starts = [0, *(gap + 1 for gap in gaps)]
    ends: list[int | None] = [*gaps, None]
    places = {name: layout.names.index(name) for name in names} if gaps else {}
    read = with_pieces(lines, {name: (starts[place], ends[place]) for name, place in places.items()})
    last = layout.names[-1]
    if last in places:  # what stands behind the last field belongs to a later layout
        read = read.with_columns(stripped(pl.col(last).str.split(separator).list.first()))
    return read if gaps else lines.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in names)


def _by_place(lines: pl.DataFrame, layout: Layout, names: Sequence[str], separator: str) -> pl.DataFrame:
    parts = pl.col("text").str.split_exact(separator, len(layout.columns) - 1)
    split = lines.select(parts.alias("parts")).to_series().struct.rename_fields(list(layout.names)).struct.unnest()
    return lines.with_columns(split.select(stripped(pl.col(name)) for name in names))
