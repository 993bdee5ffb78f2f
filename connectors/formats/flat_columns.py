"""Between frames and the compiled readers: what is wanted as a plan of numbers, and what they wrote as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from connectors.formats import field_kernels as kernel
from connectors.formats.flat_kernels import DAY, NUMBER, PLAN, TEXT, as_bytes, compact
from connectors.formats.flat_layouts import NUMBER_KINDS, Day, FlatField, FlatLayout, Number, Text, Wanted
from connectors.formats.values import PRECISION

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Column = pl.Series | pl.Expr
"""An expression where all lines say the same."""
Columns = dict[str, list[Column]]

_STYLES: Final = dict(zip(NUMBER_KINDS, (kernel.EXPLICIT, kernel.IMPLIED, kernel.OVERPUNCH), strict=True))
_FORM: Final = "CCYYMMDD"
_NO_DAY: Final = date(9999, 12, 31)
_ZONED: Final = "{ABCDEFGHI}JKLMNOPQR"


@dataclass(frozen=True)
class Plan:
    """What the compiled readers are to read.

    Attributes:
        wanted: in the plan's order, which is that of the fields in the line.
        fields: of the layout, one for each.
        rows: int64, as ``flat_kernels.PLAN`` says.
        forms: uint8, days × 2 × bytes, to which the rows point: form, and text that means no day (zeros: none).
        quote: the character around fields, for doubled ones; blank for none.
    """

    wanted: tuple[Wanted, ...]
    fields: tuple[FlatField, ...]
    rows: Ints
    forms: Bytes
    quote: str = ""


def plan_of(layout: FlatLayout, wanted: Sequence[Wanted], quote: str | None = None) -> Plan:
    """The plan of the wanted fields.

    Raises:
        KeyError: a field is not in the layout.
    """
    pairs = sorted(((layout.field(want.name), want) for want in wanted), key=lambda pair: pair[0].number)
    forms = _forms([field.format or _FORM for field, want in pairs if isinstance(want, Day)])
    rows, days = np.zeros((len(pairs), len(PLAN)), dtype=np.int64), 0
    for row, (field, want) in zip(rows, pairs, strict=True):
        kind, style, decimals, scale, bound, form, none = TEXT, 0, field.decimals, 0, 0, 0, 0
        if isinstance(want, Text):
            bound = want.max_length
        elif isinstance(want, Number):
            kind, style, scale = NUMBER, _STYLES.get(field.kind, kernel.EXPLICIT), want.scale
        else:
            kind, decimals, bound = DAY, len(field.format or _FORM), want.pivot
            form, none = (int(text.ctypes.data) for text in forms[days])
            days += 1
        place = (field.start - 1, field.end, field.sign - 1, field.number - 1)
        row[:] = (kind, *place, style, decimals, scale, bound, form, none)
    return Plan(tuple(want for _, want in pairs), tuple(field for field, _ in pairs), rows, forms, quote or "")


def _forms(forms: Sequence[str]) -> Bytes:
    found = np.zeros((len(forms), 2, max(map(len, forms), default=0)), dtype=np.uint8)
    for place, form in enumerate(forms):
        found[place, 0, : len(form)] = as_bytes(form)
        if "CCYY" in form:
            none = form.replace("CCYY", f"{_NO_DAY.year}").replace("MM", "12").replace("DD", "31")
            found[place, 1, : len(none)] = as_bytes(none)
    return found


@dataclass(frozen=True)
class Found:
    """Where the compiled readers write: see ``flat_kernels``.

    Attributes:
        pairs: for each field, int64, lines × 2; an array each, lest one column keep the others.
        faults, seen, long_bytes: as there.
    """

    pairs: tuple[Ints, ...]
    faults: Bytes
    seen: Ints
    long_bytes: Ints

    @property
    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """What the readers take: addresses instead of the pairs."""
        outs = np.array([pair.ctypes.data for pair in self.pairs], dtype=np.int64)
        return outs, self.faults, self.seen, self.long_bytes


def room_for(plan: Plan, count: int) -> Found:
    """Room for the fields of ``count`` lines."""
    fields = len(plan.rows)
    return Found(
        tuple(np.empty((count, 2), dtype=np.int64) for _ in range(fields)),
        np.empty((fields, count), dtype=np.uint8),
        np.zeros(fields, dtype=np.int64),
        np.zeros(fields, dtype=np.int64),
    )


def columns_of(buffer: Bytes, plan: Plan, found: Found, doubled: Bytes | None = None) -> Columns:
    """The typed column and the fault column of each field, by its name; ``found.seen`` is made true of large numbers.

    Args:
        buffer: the lines.
        plan: what was read.
        found: what was written.
        doubled: uint8, fields × lines: which hold doubled quotes; None, or no lines, where none can.
    """
    columns: Columns = {}
    for place, want in enumerate(plan.wanted):
        pairs, faults = found.pairs[place], found.faults[place]
        if found.seen[place] & 1 << kernel.LARGE:
            _read_large(buffer, plan.fields[place], want, pairs, faults)
            found.seen[place] = int(np.bitwise_or.reduce(1 << np.unique(faults).astype(np.int64)))
        seen = int(found.seen[place])
        if seen == 1 << kernel.BLANK:
            data: Column = pl.lit(None, dtype=_dtype(want)).alias(want.name)
        elif isinstance(want, Text):
            valid = _validity(faults != kernel.BLANK) if seen & 1 << kernel.BLANK else None
            data = _texts(buffer, want.name, pairs, valid, int(found.long_bytes[place]))
            if doubled is not None and doubled.shape[1] and doubled[place].any():
                single = data.str.replace_all(plan.quote * 2, plan.quote, literal=True)
                data = single.zip_with(pl.Series(doubled[place] > 0), data)
        else:
            valid = _validity(faults == kernel.FINE) if seen != 1 << kernel.FINE else None
            values: npt.NDArray[Any] = pairs[:, 0].astype(np.int32) if isinstance(want, Day) else pairs
            kind = pa.date32() if isinstance(want, Day) else pa.decimal128(PRECISION, want.scale)
            data = pl.Series(want.name, pa.Array.from_buffers(kind, len(faults), [valid, pa.py_buffer(values)]))
        columns[want.name] = [data, _fault_column(f"{want.name}:fault", faults, seen)]
    return columns


def _fault_column(name: str, faults: Bytes, seen: int) -> Column:
    for alone in (kernel.FINE, kernel.BLANK):
        if seen == 1 << alone:
            return pl.lit(alone, dtype=pl.UInt8).alias(name)
    return pl.Series(name, faults)


def _texts(buffer: Bytes, name: str, views: Ints, valid: pa.Buffer | None, long_bytes: int) -> pl.Series:
    buffers = [valid, pa.py_buffer(views)]
    if long_bytes:  # copied, lest a column keep its whole block
        out = np.empty(long_bytes, dtype=np.uint8)
        compact(buffer, views, out)
        buffers.append(pa.py_buffer(out))
    return pl.Series(name, pa.Array.from_buffers(pa.string_view(), len(views), buffers))


def _validity(valid: npt.NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def _dtype(want: Wanted) -> pl.DataType:
    if isinstance(want, Text):
        return pl.String()
    return pl.Date() if isinstance(want, Day) else pl.Decimal(PRECISION, want.scale)


def _read_large(buffer: Bytes, field: FlatField, want: Wanted, halves: Ints, faults: Bytes) -> None:
    """Numbers beyond 63 bits, one by one: there are next to none."""
    scale = want.scale if isinstance(want, Number) else 0
    for row in np.flatnonzero(faults == kernel.LARGE).tolist():
        first, stop = halves[row].tolist()
        is_negative = first < 0
        first = -1 - first if is_negative else first
        value, fault = _large(bytes(buffer[first:stop]).decode().strip(" "), field, scale)
        value = -value if is_negative else value
        faults[row] = fault
        halves[row] = np.array([value & (2**64 - 1), (value >> 64) & (2**64 - 1)], dtype=np.uint64).view(np.int64)


def _large(text: str, field: FlatField, scale: int) -> tuple[int, int]:
    """The scaled integer of a plain number, and its fault."""
    if field.kind == "O":
        zoned = _ZONED.find(text[-1])
        if zoned >= 0:
            text = ("-" if zoned >= 10 else "") + text[:-1] + str(zoned % 10)
    is_negative, bare = text.startswith("-"), text.lstrip("+-")
    whole, _, part = bare.partition(".")
    if field.kind in ("N", "O"):
        whole, part = whole[: len(whole) - field.decimals], whole[len(whole) - field.decimals :]
    if not (whole + part).isdecimal() or not (whole + part).isascii():
        return 0, kernel.UNPARSABLE
    if part[scale:].strip("0"):
        return 0, kernel.OUT_OF_RANGE
    value = int((whole or "0") + part[:scale].ljust(scale, "0"))
    if value >= 10**PRECISION:
        return 0, kernel.OUT_OF_RANGE
    return -value if is_negative else value, kernel.FINE
