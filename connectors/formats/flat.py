"""Flat records, fixed width or delimited, from lines to typed columns in one compiled pass per field.

Layouts are tables beside the connector: which field stands where, how its number or date is written, and where its sign
is. Only the fields that are asked for are read. Numbers go from digits to Decimal without a float; a text whose digits
do not fit is a fault, never rounded.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from connectors.formats import flat_kernels as kernel
from connectors.formats.lines import CutLines
from connectors.formats.rejects import Check
from connectors.formats.values import PRECISION

_STYLES: Final = {"F": kernel.EXPLICIT, "N": kernel.IMPLIED, "O": kernel.OVERPUNCH}
_KINDS: Final = ("X", "D", *_STYLES)
_NO_DAY: Final = date(9999, 12, 31)
_SEPARATOR: Final = "\x1f"
"""Stands in for the layout's separator where fields are handed on in pieces: no text holds it."""

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FlatField:
    """One field of a record.

    Attributes:
        name: our name for it.
        number: its place among the record's fields, from 1.
        start: 1-based first position, 0 where only the order is known.
        end: last position, included.
        kind: X text, N digits with implied decimals, F number with a point, O zoned overpunch number, D date.
        decimals: implied decimals of N and O.
        format: of a date, such as CCYYMMDD, MMDDYY, MM/DD/CCYY or CYYMMDD (one C counts centuries from 1900).
        sign: 1-based position of a sign byte of its own, 0 for none.
        version: layout version that brought the field; a delimited line may end where a version ends.
    """

    name: str
    number: int
    start: int
    end: int
    kind: str = "X"
    decimals: int = 0
    format: str = ""
    sign: int = 0
    version: int = 1


@dataclass(frozen=True)
class FlatLayout:
    """The fields of one record type, in order."""

    fields: tuple[FlatField, ...]

    @property
    def length(self) -> int:
        """Characters of a full record."""
        return max(field.end for field in self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in order."""
        return tuple(field.name for field in self.fields)

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of fields that a delimited line may have: those of each version, and the layout's."""
        ends = [n for n, (left, right) in enumerate(pairwise(self.fields), 1) if left.version != right.version]
        return (*ends, len(self.fields))

    def field(self, name: str) -> FlatField:
        """The field called ``name``; KeyError when there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"no field {name!r} in the layout")


@dataclass(frozen=True)
class Text:
    """A text field of at most ``max_length`` bytes of UTF-8."""

    name: str
    max_length: int
    required: bool = False


@dataclass(frozen=True)
class Number:
    """A Decimal(20, scale); how it is written is the layout's."""

    name: str
    scale: int
    required: bool = False


@dataclass(frozen=True)
class Day:
    """A Date; blanks, zeros and 9999-12-31 mean none.

    ``pivot``: the last year that two digits say; those beyond it are of the century before.
    """

    name: str
    required: bool = False
    pivot: int = 2069


Wanted = Text | Number | Day


def read_layouts(path: Path) -> Mapping[tuple[str, str], FlatLayout]:
    """The layouts of a table, keyed by file and record.

    Columns: file, record, field, and of those that follow what there is: field_no, start, end, kind, decimals, format,
    sign, version (blank: X, 0, none, 1).

    Raises:
        ValueError: a kind that is not known, a number without digits where one is needed, or a field twice.
    """
    found: dict[tuple[str, str], list[FlatField]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            fields = found.setdefault((row["file"], row["record"]), [])
            kind = row.get("kind") or "X"
            if kind not in _KINDS:
                raise ValueError(f"{path.name}: {row['field']}: no kind of field {kind!r}")
            if any(field.name == row["field"] for field in fields):
                raise ValueError(f"{path.name}: {row['file']} {row['record']} has the field {row['field']} twice")
            numbers = {name: int(row.get(name) or 0) for name in ("start", "end", "decimals", "sign")}
            version = int(row.get("version") or 1)
            format_ = row.get("format") or ""
            fields.append(
                FlatField(row["field"], len(fields) + 1, kind=kind, format=format_, version=version, **numbers)
            )
    return {key: FlatLayout(tuple(fields)) for key, fields in found.items()}


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
    if isinstance(lines, CutLines):
        if separator is not None or lines.content.isascii():
            cutter = _cutter(layout, wanted, separator, quote)
            frame = _read(lines.frame, _placed(lines), cutter, wanted)
            return frame, _checks(wanted, is_delimited=separator is not None)
        lines = lines.frame.with_columns(pl.col("text").str.strip_chars_end("\r\n\x1a"))
    if separator is None and not _is_ascii(lines["text"]):
        plain = (lines["text"].str.len_chars() == lines["text"].str.len_bytes()).fill_null(True)
        parts = [
            _read_flat(lines.filter(plain), _cutter(layout, wanted, None, None), wanted),
            _read_in_pieces(lines.filter(~plain), layout, wanted),
        ]
        return pl.concat(parts, rechunk=True).sort("line"), _checks(wanted, is_delimited=False)
    cutter = _cutter(layout, wanted, separator, quote)
    return _read_flat(lines, cutter, wanted), _checks(wanted, is_delimited=separator is not None)


@dataclass(frozen=True)
class _Lines:
    """Lines in one buffer: where each begins and ends, its line end not included."""

    buffer: Bytes
    starts: Ints
    ends: Ints


@dataclass(frozen=True)
class _Span:
    """A field's bytes: first, behind the last, and where its sign is (-1: nowhere), for every line."""

    field: FlatField
    starts: Ints
    ends: Ints
    signs: Ints


class _Fixed:
    """Fields by position."""

    def __init__(self, fields: Sequence[FlatField]) -> None:
        self._fields = fields

    def spans(self, lines: _Lines) -> tuple[list[_Span], Ints | None]:
        firsts, stops = lines.starts, lines.ends
        none = np.full(len(firsts), -1, dtype=np.int64)
        spans = []
        for field in self._fields:
            signs = none
            if field.sign:
                signs = firsts + (field.sign - 1)
                signs = np.where(signs < stops, signs, -1)
            starts, ends = firsts + (field.start - 1), firsts + field.end
            spans.append(_Span(field, np.minimum(starts, stops), np.minimum(ends, stops), signs))
        return spans, None


class _Delimited:
    """Fields by their place between separators."""

    def __init__(self, layout: FlatLayout, fields: Sequence[FlatField], separator: str, quote: str | None) -> None:
        self._fields = fields
        self._counts = np.array(layout.counts, dtype=np.int64)
        self._separator = ord(separator)
        self._quote = -1 if quote is None else ord(quote)
        self.mark = quote or ""
        self._is_quoting = False

    def quoted(self, buffer: Bytes, starts: Ints) -> pl.Series | None:
        """Whether each field stands in quotes; None when none does."""
        if not self._is_quoting:
            return None
        before = (starts > 0) & (buffer[np.maximum(starts - 1, 0)] == self._quote)
        return pl.Series(before) if before.any() else None

    def spans(self, lines: _Lines) -> tuple[list[_Span], Ints | None]:
        order = sorted(self._fields, key=lambda field: field.number)
        places = np.array(sorted({field.number - 1 for field in order}), dtype=np.int64)
        count = len(lines.starts)
        starts, ends = np.empty((len(places), count), np.int64), np.empty((len(places), count), np.int64)
        counts = np.empty(count, dtype=np.int64)
        self._is_quoting = self._quote >= 0 and bool(kernel.holds(lines.buffer, self._quote))
        quote = self._quote if self._is_quoting else -1
        kernel.split(lines.buffer, lines.starts, lines.ends, self._separator, quote, places, starts, ends, counts)
        none = np.full(count, -1, dtype=np.int64)
        at = {int(place): row for row, place in enumerate(places)}
        spans = [_Span(f, starts[at[f.number - 1]], ends[at[f.number - 1]], none) for f in self._fields]
        is_known = counts == self._counts[0]
        for known in self._counts[1:]:
            is_known |= counts == known
        return spans, None if is_known.all() else np.where(is_known, counts, -1)


def _cutter(
    layout: FlatLayout, wanted: Sequence[Wanted], separator: str | None, quote: str | None
) -> _Fixed | _Delimited:
    fields = [layout.field(w.name) for w in wanted]
    return _Fixed(fields) if separator is None else _Delimited(layout, fields, separator, quote)


def _read_flat(lines: pl.DataFrame, cutter: _Fixed | _Delimited, wanted: Sequence[Wanted]) -> pl.DataFrame:
    return _read(lines, _flat(lines["text"]), cutter, wanted)


def _read(lines: pl.DataFrame, flat: _Lines, cutter: _Fixed | _Delimited, wanted: Sequence[Wanted]) -> pl.DataFrame:
    spans, counts = cutter.spans(flat)
    columns: list[pl.Series] = []
    for want, span in zip(wanted, spans, strict=True):
        columns.extend(_column(flat.buffer, span, want, counts, cutter))
    if isinstance(cutter, _Delimited):
        shape = np.zeros(lines.height, dtype=np.uint8) if counts is None else (counts < 0).astype(np.uint8)
        columns.append(pl.Series("record:fault", shape))
    return lines.with_columns(columns)


def _column(
    buffer: Bytes, span: _Span, want: Wanted, counts: Ints | None, cutter: _Fixed | _Delimited
) -> list[pl.Series]:
    quoted, mark = None, ""
    if isinstance(want, Text) and isinstance(cutter, _Delimited):
        quoted, mark = cutter.quoted(buffer, span.starts), cutter.mark
    if counts is not None:  # a line of another shape is never read by place
        np.copyto(span.ends, span.starts, where=counts < 0)
    if isinstance(want, Text):
        return _texts(buffer, span, want, quoted, mark)
    count = len(span.starts)
    faults = np.empty(count, dtype=np.uint8)
    if isinstance(want, Day):
        days = np.empty(count, dtype=np.int32)
        template = kernel.as_bytes(span.field.format or "CCYYMMDD")
        kernel.days(buffer, span.starts, span.ends, template, _none_texts(span.field), want.pivot, days, faults)
        data: pa.Array = pa.Date32Array.from_buffers(pa.date32(), count, [_validity(faults), pa.py_buffer(days)])
    else:
        halves = np.empty((count, 2), dtype=np.int64)
        style = _STYLES.get(span.field.kind, kernel.EXPLICIT)
        limit = float(10**PRECISION)
        kernel.numbers(
            buffer, span.starts, span.ends, span.signs, style, span.field.decimals, want.scale, limit, halves, faults
        )  # fmt: skip
        if (faults == kernel.LARGE).any():
            _read_large(buffer, span, want.scale, halves, faults)
        kind = pa.decimal128(PRECISION, want.scale)
        data = pa.Decimal128Array.from_buffers(kind, count, [_validity(faults), pa.py_buffer(halves)])
    return [pl.Series(want.name, data), pl.Series(f"{want.name}:fault", faults)]


def _texts(buffer: Bytes, span: _Span, want: Text, quoted: pl.Series | None, mark: str) -> list[pl.Series]:
    kernel.trim(buffer, span.starts, span.ends)
    lengths = span.ends - span.starts
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    out = np.empty(max(1, int(offsets[-1])), dtype=np.uint8)
    kernel.copy_text(buffer, span.starts, span.ends, offsets, out)
    faults = np.where(lengths == 0, kernel.BLANK, kernel.FINE).astype(np.uint8)
    data = pa.LargeStringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(out), _validity(faults))
    texts = pl.Series(want.name, data, dtype=pl.String)
    if quoted is not None:
        single = texts.str.replace_all(mark * 2, mark, literal=True)
        texts = single.zip_with(quoted, texts)
    if int(lengths.max(initial=0)) > want.max_length:
        faults[lengths > want.max_length] = kernel.OUT_OF_RANGE
    return [texts, pl.Series(f"{want.name}:fault", faults)]


def _read_large(buffer: Bytes, span: _Span, scale: int, halves: Ints, faults: Bytes) -> None:
    """Numbers beyond 63 bits, one by one: there are next to none."""
    for row in np.flatnonzero(faults == kernel.LARGE).tolist():
        text = bytes(buffer[span.starts[row] : span.ends[row]]).decode().strip(" ")
        value, fault = _large(text, span.field, scale)
        if span.signs[row] >= 0 and buffer[span.signs[row]] == ord("-"):
            value = -value
        faults[row] = fault
        halves[row] = np.array([value & (2**64 - 1), (value >> 64) & (2**64 - 1)], dtype=np.uint64).view(np.int64)


def _large(text: str, field: FlatField, scale: int) -> tuple[int, int]:
    """The scaled integer of a plain number, and its fault."""
    if field.kind == "O":
        zoned = "{ABCDEFGHI}JKLMNOPQR".find(text[-1])
        if zoned >= 0:
            text = ("-" if zoned >= 10 else "") + text[:-1] + str(zoned % 10)
    is_negative, bare = text.startswith("-"), text.lstrip("+-")
    whole, _, part = bare.partition(".")
    if field.kind != "F":
        whole, part = whole[: len(whole) - field.decimals], whole[len(whole) - field.decimals :]
    if not (whole + part).isdecimal() or not (whole + part).isascii():
        return 0, kernel.UNPARSABLE
    if part[scale:].strip("0"):
        return 0, kernel.OUT_OF_RANGE
    value = int((whole or "0") + part[:scale].ljust(scale, "0"))
    if value >= 10**PRECISION:
        return 0, kernel.OUT_OF_RANGE
    return -value if is_negative else value, kernel.FINE


def _read_in_pieces(lines: pl.DataFrame, layout: FlatLayout, wanted: Sequence[Wanted]) -> pl.DataFrame:
    """Lines with characters of several bytes: positions count characters, so their fields are cut as text first."""
    if not wanted:
        return lines
    fields: list[FlatField] = []
    pieces: list[pl.Expr] = []
    at = 1
    for want in wanted:
        field = layout.field(want.name)
        width = field.end - field.start + 1
        sign = pl.col("text").str.slice(field.sign - 1, 1) if field.sign else pl.lit("")
        body = pl.col("text").str.slice(field.start - 1, width)
        pieces.append(pl.concat_str([sign.fill_null(""), body]) if field.sign else body)
        fields.append(replace(field, number=len(fields) + 1, start=at, end=at, sign=0))
        at += 1
    joined = lines.with_columns(pl.concat_str(pieces, separator=_SEPARATOR).alias("text"))
    cutter = _Signed(FlatLayout(tuple(fields)), fields, [bool(layout.field(w.name).sign) for w in wanted])
    return _read_flat(joined, cutter, wanted).with_columns(lines["text"]).drop("record:fault")


class _Signed(_Delimited):
    """Pieces of which some begin with the sign byte of their number."""

    def __init__(self, layout: FlatLayout, fields: Sequence[FlatField], has_sign: Sequence[bool]) -> None:
        super().__init__(layout, fields, _SEPARATOR, None)
        self._has_sign = has_sign

    def spans(self, lines: _Lines) -> tuple[list[_Span], Ints | None]:
        spans, counts = super().spans(lines)
        return [
            replace(span, starts=np.minimum(span.starts + 1, span.ends), signs=span.starts.copy()) if signed else span
            for span, signed in zip(spans, self._has_sign, strict=True)
        ], counts


def _flat(texts: pl.Series) -> _Lines:
    flat: Any = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    if isinstance(flat, pa.ChunkedArray):
        flat = flat.combine_chunks()
    flat = flat.cast(pa.large_string())
    offsets = np.frombuffer(flat.buffers()[1] or b"\0" * 8, dtype=np.int64)[flat.offset : flat.offset + len(texts) + 1]
    return _Lines(np.frombuffer(flat.buffers()[2] or b"\0", dtype=np.uint8), offsets[:-1], offsets[1:])


def _placed(lines: CutLines) -> _Lines:
    buffer = np.frombuffer(lines.content or b"\0", dtype=np.uint8)
    starts, ends = lines.offsets[:-1], lines.offsets[1:].copy()
    kernel.trim_line_ends(buffer, starts, ends)
    return _Lines(buffer, starts, ends)


def _validity(faults: Bytes) -> pa.Buffer | None:
    valid = faults == kernel.FINE
    return None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))


def _is_ascii(texts: pl.Series) -> bool:
    return bool((texts.str.len_chars() == texts.str.len_bytes()).all())


def _none_texts(field: FlatField) -> npt.NDArray[np.uint8]:
    """The last day of the year 9999 as the field would write it."""
    form = field.format or "CCYYMMDD"
    if "CCYY" not in form:
        return np.empty((0, len(form)), dtype=np.uint8)
    text = form.replace("CCYY", f"{_NO_DAY.year}").replace("MM", "12").replace("DD", "31")
    return kernel.as_bytes(text).reshape(1, -1)


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
