"""What a flat record looks like and what is wanted of it: layouts from their tables, and the kinds of typed field."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

NUMBER_KINDS: Final = ("F", "N", "O")
_KINDS: Final = ("X", "D", *NUMBER_KINDS)


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
