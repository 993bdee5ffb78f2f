"""Records whose columns are named by the file itself: CSV with a header line, and members of JSON objects.

Which of the provider's names means what is a table beside the connector, so that columns may come in any order and
new ones are left alone.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from connectors.errors import FeedFault
from connectors.formats.flat import FlatField, FlatLayout, Text, read_records
from connectors.formats.json_pages import records_frame
from connectors.formats.rejects import Check

MAX_COLUMNS: Final = 2000
_MAX_CELL: Final = 60_000

Names = Mapping[str, Sequence[str]]
"""Our field to the provider's names for it, best first."""


def read_names(path: Path) -> Mapping[str, Names]:
    """Record type to its names, from a table with the columns record, field and source."""
    found: dict[str, dict[str, list[str]]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["record"], {}).setdefault(row["field"], []).append(row["source"])
    return found


def csv_rows(
    lines: pl.DataFrame, names: Names, required: Sequence[str], *, separator: str = ","
) -> tuple[pl.DataFrame, list[Check]]:
    """The rows below the header line, with our fields as stripped text, and the finding for a row of another width.

    Args:
        lines: ``line`` and ``text``, the header first; blank lines have been taken out.
        names: what the columns mean; a field whose column is not there is null.
        required: fields that the header must have.
        separator: between cells, which may stand in double quotes.

    Raises:
        FeedFault: malformed_document (a field that must be there is not, or a name stands twice).
    """
    header = _header(str(lines["text"][0]), separator)
    at, count = int(lines["line"][0]), lines.height - 1
    wanted = {source for sources in names.values() for source in sources} & set(header)
    lacking = [field for field in required if not wanted & set(names[field])]
    if lacking:
        detail = f"the header has no column for {', '.join(lacking)}. Compare it with layouts.csv."
        raise FeedFault("malformed_document", detail, line=at, record_count=count)
    if len(header) > MAX_COLUMNS or any(header.count(source) > 1 for source in wanted):
        raise FeedFault("malformed_document", "a column stands twice in the header.", line=at, record_count=count)
    fields = tuple(
        FlatField(source if source in wanted else f"#{place}", place, 0, 0) for place, source in enumerate(header, 1)
    )
    texts = [Text(source, _MAX_CELL) for source in sorted(wanted)]
    rows, checks = read_records(lines.slice(1), FlatLayout(fields), texts, separator=separator, quote='"')
    return rows.with_columns(_fields(names, wanted)), checks


def json_rows(records: Sequence[object], names: Names) -> tuple[pl.DataFrame, list[Check]]:
    """The records with our fields as stripped text, and the finding for one that is no object."""
    sources = sorted({source for found in names.values() for source in found})
    rows = records_frame(records, sources)
    no_object = Check("record", "contract_violation", ~pl.col("is_object"), "a record is no JSON object.")
    return rows.with_columns(_fields(names, set(sources))), [no_object]


def iso_day(name: str) -> pl.Expr:
    """A day as YYYY-MM-DD text, of 2022-01-05, 2022/01/05 or either with a time behind it.

    The time and its zone never move the day.
    """
    return pl.col(name).str.replace(r"^([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})(?:[T ].*)?$", "$1-$2-$3").alias(name)


def _fields(names: Names, there: set[str]) -> list[pl.Expr]:
    blank = pl.lit(None, dtype=pl.String)
    return [
        (pl.coalesce([pl.col(s) for s in found]) if (found := [s for s in sources if s in there]) else blank).alias(
            f"{field}"
        )
        for field, sources in names.items()
    ]


def _header(text: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader([text], delimiter=separator), [])
    except csv.Error:
        cells = []
    return [cell.strip() for cell in cells]
