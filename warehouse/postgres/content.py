"""The fingerprint of a frame's content: the same rows give the same hash, in any order, process and library version.

Canonical bytes. Columns are taken in order of their names. Values become fixed little-endian integers: dates are days,
instants microseconds, decimals unscaled 128-bit integers, floats their IEEE 754 bits (with one zero and one NaN),
booleans 0 and 1, enumerations and texts UTF-8 with their lengths. Rows are sorted by all columns, nulls first, texts by
bytes; rows that tie are equal. Per column the bytes of the validity and of the values, nulls as zero, go into SHA-256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import polars.selectors as cs

if TYPE_CHECKING:
    import numpy.typing as npt

_FORMAT: Final = b"wealthnexus content 1"


class UnsupportedContentError(TypeError):
    """A column's type has no canonical bytes."""


def content_hash(frame: pl.DataFrame) -> str:
    """Hash of all rows and columns, independent of the order of either: 64 hexadecimal digits.

    Raises:
        UnsupportedContentError: a column is of a nested or unknown type.
    """
    canonical = _canonical(frame, [])
    return _digest(_column_bytes(canonical), 0, canonical.height)


def content_hashes(frame: pl.DataFrame, date_column: str) -> dict[date, tuple[int, str]]:
    """Row count and ``content_hash`` of each date's rows, in one pass over the frame.

    Raises:
        UnsupportedContentError: a column is of a nested or unknown type.
    """
    if frame.is_empty():
        return {}
    canonical = _canonical(frame, [date_column])
    columns = _column_bytes(canonical)
    runs = canonical.group_by(date_column, maintain_order=True).agg(pl.len().alias("rows"))
    days: list[date] = runs[date_column].cast(pl.Date).to_list()
    counts: list[int] = runs["rows"].to_list()
    ends = np.cumsum(counts).tolist()
    return {
        day: (count, _digest(columns, end - count, end)) for day, count, end in zip(days, counts, ends, strict=True)
    }


@dataclass(frozen=True)
class _Bytes:
    """One column, ready to be sliced by row: ``values`` are fixed width, or UTF-8 bytes with ``offsets`` per row."""

    tag: bytes
    valid: npt.NDArray[np.uint8]
    values: npt.NDArray[Any]
    offsets: npt.NDArray[np.int64] | None

    def update(self, digest: hashlib._Hash, start: int, end: int) -> None:
        digest.update(self.tag)
        digest.update(self.valid[start:end].data)
        if self.offsets is None:
            digest.update(self.values[start:end].data)
        else:
            digest.update(np.ascontiguousarray(np.diff(self.offsets[start : end + 1])).data)
            digest.update(self.values[self.offsets[start] : self.offsets[end]].data)


def _digest(columns: list[_Bytes], start: int, end: int) -> str:
    digest = hashlib.sha256(_FORMAT + (end - start).to_bytes(8, "little"))
    for column in columns:
        column.update(digest, start, end)
    return digest.hexdigest()


def _canonical(frame: pl.DataFrame, first: list[str]) -> pl.DataFrame:
    names = sorted(frame.columns)
    plain = frame.select(_plain(name, dtype).alias(name) for name, dtype in sorted(frame.schema.items()))
    return plain.sort([*first, *(name for name in names if name not in first)], nulls_last=False)


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    match dtype:
        case pl.Enum() | pl.Categorical():
            return column.cast(pl.String)
        case pl.Date():
            return column.cast(pl.Int32)
        case pl.Datetime():
            return column.dt.cast_time_unit("us").cast(pl.Int64)
        case pl.Float64() | pl.Float32():
            value = column.cast(pl.Float64)
            one_nan = pl.when(value.is_nan()).then(float("nan"))
            return one_nan.when(value == 0).then(0.0).otherwise(value).reinterpret(signed=True)
        case pl.Boolean():
            return column.cast(pl.UInt8)
        case pl.Decimal() | pl.String():
            return column
        case _ if dtype.is_integer():
            return column.cast(pl.Int64)
        case _:
            raise UnsupportedContentError(f"column {name!r} of type {dtype} has no canonical bytes")


def _column_bytes(frame: pl.DataFrame) -> list[_Bytes]:
    table = frame.with_columns(cs.string().fill_null(""), cs.numeric().fill_null(0)).rechunk().to_arrow()
    columns = []
    for series in frame:
        tag = f"\n{series.name}:{_kind(series.dtype)}\n".encode()
        valid = series.is_not_null().cast(pl.UInt8).to_numpy()
        array = table[series.name].combine_chunks()
        array = array.chunk(0) if hasattr(array, "num_chunks") else array
        buffers = array.buffers()
        if series.dtype == pl.String:
            offsets = np.frombuffer(buffers[1], dtype=np.int64)[: series.len() + 1]
            data = np.frombuffer(buffers[2] or b"", dtype=np.uint8)
            columns.append(_Bytes(tag, valid, data, offsets))
        else:
            width = array.type.bit_width // 8
            values = np.frombuffer(buffers[1] or b"", dtype=np.uint8)[: series.len() * width]
            columns.append(_Bytes(tag, valid, values.reshape(-1, width), None))
    return columns


def _kind(dtype: pl.DataType) -> str:
    return f"decimal {dtype.scale}" if isinstance(dtype, pl.Decimal) else str(dtype)
