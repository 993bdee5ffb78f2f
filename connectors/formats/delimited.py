"""Delimited records: fields taken by their place between separators, without quoting.

A separator inside a text shifts every field behind it, so a line with another number of fields than the layout's is
never read by place. Where a file pads its fields, all records have their separators at the same positions; those
positions, learnt from the file itself, then rescue such a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import polars as pl

from connectors.formats.fixed_width import Cut, fit, stripped
from connectors.formats.layouts import Layout

_SAMPLE_LINES: Final = 500
_LEAST_SUPPORT: Final = 2


def learnt_gaps(texts: pl.Series, layout: Layout, *, separator: str = "|") -> tuple[int, ...]:
    """The 0-based positions of the separators that padded records of one file share; empty when they share none.

    The commonest positions among the first lines count, if two lines at least have them: a stray separator moves the
    positions of its own line alone.
    """
    count = len(layout.columns) - 1
    seen: Counter[tuple[int, ...]] = Counter()
    for text in texts.head(_SAMPLE_LINES):
        at = [place for place, character in enumerate(text) if character == separator]
        if len(at) >= count:
            seen[tuple(at[:count])] += 1
    if not seen:
        return ()
    gaps, support = seen.most_common(1)[0]
    return gaps if support >= _LEAST_SUPPORT else ()


def cut(
    lines: pl.DataFrame,
    layout: Layout,
    names: Sequence[str],
    *,
    separator: str = "|",
    gaps: Sequence[int] = (),
    exact: bool = False,
) -> Cut:
    """The fields ``names`` of each line: by the learnt positions where the line has them, else by place.

    By place, a line must have exactly the fields of the layout, or of one of its older versions, with or without a
    closing separator (``exact``: without).

    Args:
        lines: frame of ``line`` and ``text``.
        layout: names of the fields in order.
        names: fields to take.
        separator: a single character.
        gaps: what ``learnt_gaps`` gave for the file.
        exact: whether a closing separator counts as one more field.
    """
    if gaps:
        fits = fit(lines["text"], gaps, separator) & (lines["text"].str.len_chars() > max(gaps))
        padded, others = lines.filter(fits), lines.filter(~fits)
    else:
        padded, others = lines.clear(), lines
    found = others["text"].str.count_matches(separator, literal=True)
    closed = others["text"].str.ends_with(separator)
    right = pl.Series([False] * others.height, dtype=pl.Boolean)
    for fields in layout.version_ends:
        right = right | (found == fields - 1) | ((found == fields) & closed & (not exact))
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
    fields = []
    for name in names:
        place = layout.names.index(name)
        start = starts[place] if gaps else 0
        field = pl.col("text").str.slice(start, gaps[place] - start if place < len(gaps) else None)
        if place >= len(gaps):  # what stands behind the last field belongs to a later layout
            field = field.str.split(separator).list.first()
        fields.append(stripped(field).alias(name))
    return lines.with_columns(fields)


def _by_place(lines: pl.DataFrame, layout: Layout, names: Sequence[str], separator: str) -> pl.DataFrame:
    parts = pl.col("text").str.split_exact(separator, len(layout.columns) - 1)
    split = lines.select(parts.alias("parts")).to_series().struct.rename_fields(list(layout.names)).struct.unnest()
    return lines.with_columns(split.select(stripped(pl.col(name)) for name in names))
