"""Flat records, fixed width or delimited, from lines to typed columns in one compiled pass.

Layouts are tables beside the connector: which field stands where, how its number or date is written, and where its sign
is. Only the fields that are asked for are read. Numbers go from digits to Decimal without a float; a text whose digits
do not fit is a fault, never rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from connectors.formats import field_kernels as kernel
from connectors.formats.flat_columns import Bytes, Column, Columns, Found, Plan, columns_of, plan_of, room_for
from connectors.formats.flat_kernels import read_delimited, read_fixed
from connectors.formats.flat_layouts import Day, FlatField, FlatLayout, Number, Text, Wanted, read_layouts
from connectors.formats.line_kernels import PADDING, count
from connectors.formats.lines import CutLines
from connectors.formats.rejects import Check
from connectors.formats.values import PRECISION

__all__ = [
    "Day", "FlatField", "FlatLayout", "Number", "Text", "Wanted", "read_layouts", "read_records",
]  # fmt: skip

_MOST_BYTES: Final = 1024**3
"""Of a frame's texts at a time: places in them are 32 bits wide."""


def read_records(
    lines: pl.DataFrame | CutLines,
    layout: FlatLayout,
    wanted: Sequence[Wanted],
    *,
    separator: str | None = None,
    quote: str | None = None,
) -> tuple[pl.DataFrame, list[Check]]:
    """The wanted fields of each line, typed, and the ways in which they can fail.

    Args:
        lines: ``line`` Int64 and ``text`` String; or lines as they lie in their block, which spares a copy.
        layout: where the fields are.
        wanted: the fields to read.
        separator: None for fixed width, else one character between the fields.
        quote: the character around fields that hold the separator, doubled inside; None for no quoting.

    Returns:
        The lines with a typed column for each field under its name (null where blank or at fault) and its
        ``<name>:fault``; and checks of the faults that there are, for ``connectors.formats.rejects.separated``.
    """
    plan = plan_of(layout, wanted, quote)
    parts = [(lines.frame, lines)] if isinstance(lines, CutLines) else _flattened(lines)
    read: list[pl.DataFrame] = []
    seen, is_odd = dict.fromkeys((want.name for want in wanted), 0), False
    for frame, part in parts:
        found = room_for(plan, frame.height)
        if separator is None:
            read_fixed(part.buffer, part.starts, part.ends, part.is_ascii, plan.rows, *found.arrays)
            columns = columns_of(part.buffer, plan, found)
        else:
            columns = _between(part, found, layout, plan, separator)
            is_odd |= isinstance(columns["record"][0], pl.Series)
        names = [want.name for want in wanted] + ["record"] * (separator is not None)
        read.append(frame.with_columns(column for name in names for column in columns[name]))
        for want, faults in zip(plan.wanted, found.seen.tolist(), strict=True):
            seen[want.name] |= faults
    return read[0] if len(read) == 1 else pl.concat(read), _checks(wanted, seen, is_odd=is_odd)


def _between(lines: CutLines, found: Found, layout: FlatLayout, plan: Plan, separator: str) -> Columns:
    """The columns of fields between separators; ``record``: which lines have not the layout's shape."""
    height = len(lines.starts)
    is_quoting = bool(plan.quote) and count(lines.buffer, lines.size, ord(plan.quote)) > 0
    doubled: Bytes = np.zeros((len(plan.wanted), height if is_quoting else 0), dtype=np.uint8)
    misfits: Bytes = np.empty(height, dtype=np.uint8)
    marks = (ord(separator), ord(plan.quote) if is_quoting else -1, np.array(layout.counts, dtype=np.int64))
    odd = read_delimited(
        lines.buffer, lines.starts, lines.ends, *marks, plan.rows, *found.arrays, misfits, doubled
    )  # fmt: skip
    fault: Column = pl.Series("record:fault", misfits) if odd else pl.lit(0, dtype=pl.UInt8).alias("record:fault")
    return {**columns_of(lines.buffer, plan, found, doubled), "record": [fault]}


def _flattened(lines: pl.DataFrame) -> list[tuple[pl.DataFrame, CutLines]]:
    """The lines in parts, each with its texts in one buffer."""
    size = int(lines["text"].str.len_bytes().sum())
    if size > _MOST_BYTES and lines.height > 1:
        half = lines.height // 2
        return [*_flattened(lines.head(half)), *_flattened(lines.slice(half))]
    flat: Any = lines["text"].to_arrow(compat_level=pl.CompatLevel.oldest())
    if isinstance(flat, pa.ChunkedArray):
        flat = flat.combine_chunks()
    flat = flat.cast(pa.large_string())
    places = slice(flat.offset, flat.offset + lines.height + 1)
    offsets = np.frombuffer(flat.buffers()[1] or b"\0" * 8, dtype=np.int64)[places]
    buffer: Bytes = np.empty(size + PADDING, dtype=np.uint8)
    first, last = int(offsets[0]), int(offsets[-1])
    buffer[:size] = np.frombuffer(flat.buffers()[2] or b"", dtype=np.uint8)[first:last]
    ends = (offsets - first).astype(np.int32)
    is_ascii = bool((lines["text"].str.len_chars() == lines["text"].str.len_bytes()).all())
    return [(lines, CutLines(buffer, size, ends[:-1].copy(), ends[1:].copy(), 0, is_ascii))]


def _checks(wanted: Sequence[Wanted], seen: Mapping[str, int], *, is_odd: bool) -> list[Check]:
    """Checks of the faults that were seen, by field."""
    checks: list[Check] = []
    if is_odd:
        detail = "the line has more or fewer fields than the layout, or a quote that does not close."
        checks.append(Check("record", "wrong_field_count", pl.col("record:fault") > 0, detail))
    for want in wanted:
        fault = pl.col(f"{want.name}:fault")
        for code, reason, detail in _findings(want):
            if not seen[want.name] & 1 << code:
                continue
            failed = fault == code
            if code == kernel.BLANK and is_odd:
                failed &= pl.col("record:fault") == 0
            checks.append(Check(want.name, reason, failed, detail))
    return checks


def _findings(want: Wanted) -> Iterator[tuple[int, str, str]]:
    """Faults that hold a record back, their reasons and what to do."""
    name = want.name
    if want.required:
        yield kernel.BLANK, "missing_value", f"{name} is required and blank. Ask the provider for the record again."
    if isinstance(want, Text):
        detail = f"{name} is longer than {want.max_length} bytes. Compare the record with the layout."
        yield kernel.OUT_OF_RANGE, "contract_violation", detail
    elif isinstance(want, Day):
        detail = f"{name} is not a day of the calendar from 1900 to 2199. Ask the provider for the record again."
        yield kernel.IMPOSSIBLE, "impossible_date", detail
    else:
        detail = f"{name} is not a number as the layout has it. Ask the provider for the record again."
        yield kernel.UNPARSABLE, "unparsable_number", detail
        detail = f"{name} does not fit {PRECISION - want.scale} digits before and {want.scale} after the point."
        yield kernel.OUT_OF_RANGE, "number_out_of_range", detail
