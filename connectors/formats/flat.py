"""Flat records, fixed width or delimited, from lines to typed columns in one compiled pass.

Layouts are tables beside the connector: which field stands where, how its number or date is written, and where its sign
is. Only the fields that are asked for are read. Numbers go from digits to Decimal without a float; a text whose digits
do not fit is a fault, never rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from connectors.formats import field_kernels as kernel
from connectors.formats.flat_columns import Bytes, Plan, columns_of, plan_of, room_for
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
        ``<name>:fault``; and checks of those, for ``connectors.formats.rejects.separated``.
    """
    plan = plan_of(layout, wanted, quote)
    parts = [(lines.frame, lines)] if isinstance(lines, CutLines) else _flattened(lines)
    read = [_read(frame, part, layout, wanted, plan, separator) for frame, part in parts]
    return read[0] if len(read) == 1 else pl.concat(read), _checks(wanted, is_delimited=separator is not None)


def _read(
    frame: pl.DataFrame,
    lines: CutLines,
    layout: FlatLayout,
    wanted: Sequence[Wanted],
    plan: Plan,
    separator: str | None,
) -> pl.DataFrame:
    found = room_for(plan, frame.height)
    outputs = (plan.rows, *found.arrays)
    doubled: Bytes = np.zeros((len(wanted), 0), dtype=np.uint8)
    misfits: pl.Series | pl.Expr | None = None
    if separator is None:
        read_fixed(lines.buffer, lines.starts, lines.ends, lines.is_ascii, *outputs)
    else:
        mark = -1
        if plan.quote and count(lines.buffer, lines.size, ord(plan.quote)):
            mark, doubled = ord(plan.quote), np.zeros((len(wanted), frame.height), dtype=np.uint8)
        odd = np.empty(frame.height, dtype=np.uint8)
        known = np.array(layout.counts, dtype=np.int64)
        odd_count = read_delimited(
            lines.buffer, lines.starts, lines.ends, ord(separator), mark, known, *outputs, odd, doubled
        )
        name = "record:fault"
        misfits = pl.Series(name, odd) if odd_count else pl.lit(0, dtype=pl.UInt8).alias(name)
    by_name = columns_of(lines.buffer, plan, found, doubled)
    columns = [column for want in wanted for column in by_name[want.name]]
    return frame.with_columns(columns if misfits is None else [*columns, misfits])


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


def _checks(wanted: Sequence[Wanted], *, is_delimited: bool) -> list[Check]:
    checks: list[Check] = []
    if is_delimited:
        detail = "the line has more or fewer fields than the layout, or a quote that does not close."
        checks.append(Check("record", "wrong_field_count", pl.col("record:fault") > 0, detail))
    for want in wanted:
        name, fault = want.name, pl.col(f"{want.name}:fault")
        is_whole = pl.col("record:fault") == 0 if is_delimited else pl.lit(True)
        if want.required:
            detail = f"{name} is required and blank. Ask the provider for the record again."
            checks.append(Check(name, "missing_value", (fault == kernel.BLANK) & is_whole, detail))
        if isinstance(want, Text):
            detail = f"{name} is longer than {want.max_length} bytes. Compare the record with the layout."
            checks.append(Check(name, "contract_violation", fault == kernel.OUT_OF_RANGE, detail))
        elif isinstance(want, Day):
            detail = f"{name} is not a day of the calendar from 1900 to 2199. Ask the provider for the record again."
            checks.append(Check(name, "impossible_date", fault == kernel.IMPOSSIBLE, detail))
        else:
            detail = f"{name} is not a number as the layout has it. Ask the provider for the record again."
            checks.append(Check(name, "unparsable_number", fault == kernel.UNPARSABLE, detail))
            detail = f"{name} does not fit {PRECISION - want.scale} digits before and {want.scale} after the point."
            checks.append(Check(name, "number_out_of_range", fault == kernel.OUT_OF_RANGE, detail))
    return checks
