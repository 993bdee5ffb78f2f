"""Record layouts as data: which field stands where, read from a table beside the connector."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True)
class Column:
    """One field of a record.

    Attributes:
        name: our name for it.
        start: 1-based first position; 0 when only the order of the fields is known.
        end: last position, included.
        version: layout version that brought the field; a line may end where a version ends.
    """

    name: str
    start: int
    end: int
    version: int


@dataclass(frozen=True)
class Layout:
    """The fields of one record type, in order."""

    columns: tuple[Column, ...]

    @property
    def length(self) -> int:
        """Characters of a full record without a closing separator."""
        return self.columns[-1].end

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def version_ends(self) -> tuple[int, ...]:
        """Numbers of fields after which a line may end: the last field of each version."""
        ends = [n for n, (left, right) in enumerate(pairwise(self.columns), 1) if left.version != right.version]
        return (*ends, len(self.columns))

    @property
    def gaps(self) -> tuple[int, ...]:
        """0-based positions between consecutive fields, where the separator stands."""
        return tuple(column.end for column in self.columns[:-1])

    def column(self, name: str) -> Column:
        """The field called ``name``; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"no field {name!r} in the layout")


def by_order(names: Sequence[str]) -> Layout:
    """A layout of which only the order of the fields is known."""
    return Layout(tuple(Column(name, 0, 0, 1) for name in names))


def read_layouts(path: Path) -> Mapping[tuple[str, str], Layout]:
    """The layouts of a table with the columns file, record, field, start, end and version, keyed by file and record."""
    columns: dict[tuple[str, str], list[Column]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            column = Column(row["field"], int(row["start"] or 0), int(row["end"] or 0), int(row["version"]))
            columns.setdefault((row["file"], row["record"]), []).append(column)
    return {key: Layout(tuple(found)) for key, found in columns.items()}
