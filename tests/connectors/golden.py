"""Golden files: a connector's sample and the rows written down for it by hand, and small files built for one test."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from connectors.adapter import Adapter, ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from connectors.errors import FeedFault
from contracts.feed import FEEDS, FeedReject
from contracts.vocabularies import FILE_REASONS

ROOT = Path(__file__).resolve().parents[2] / "connectors"
SCHWAB = ROOT / "custodians" / "schwab"
MASTER = "08123456"


def connection(adapter: str, masters: Sequence[str] = (MASTER,)) -> Connection:
    transport = LocalTransport(path=Path())
    return Connection(connection_id="feed", adapter=adapter, transport=transport, master_accounts=tuple(masters))


def adapter(module: str) -> Adapter:
    found = importlib.import_module(module).ADAPTER
    assert isinstance(found, Adapter)
    return found


def parsed(source: Adapter, path: Path, masters: Sequence[str] = (MASTER,)) -> ParsedFile:
    found = source.kind_of(path.name)
    assert found is not None, path.name
    kind, day = found
    result = source.parse(RawFile(path, path.name, kind, day), connection(source.slug, masters))
    keeps_the_law(result)
    return result


def parsed_or_refused(source: Adapter, path: Path) -> ParsedFile | FeedFault:
    """The result, or the fault by which the file is refused as a whole; its reason must be one of the known ones."""
    try:
        return parsed(source, path)
    except FeedFault as fault:
        if fault.reason not in FILE_REASONS or not fault.detail:
            raise
        return fault


def keeps_the_law(result: ParsedFile) -> None:
    """Every record is in the frames or in quarantine, never in both; every frame keeps its contract."""
    taken: set[int] = set()
    for name, frame in result.frames.items():
        FEEDS[name].validate(frame)
        taken |= set(frame["source_line"].to_list())
    FeedReject.validate(result.rejects)
    held = set(result.rejects["source_line"].to_list())
    assert not taken & held
    assert result.quarantined_count == len(held)
    assert result.record_count == len(taken) + len(held)
    assert not result.rejects.select("source_line", "reason", "field_name").is_duplicated().any()


def agrees_with_expected(result: ParsedFile, folder: Path) -> None:
    """The frames, rejects and counts are those written in ``folder``, a CSV file for each."""
    tables = {path.stem for path in folder.glob("canonical.*.csv")}
    assert tables == set(result.frames)
    for name in tables:
        expected = _rows(folder / f"{name}.csv", result.frames[name].schema)
        assert result.frames[name].to_dicts() == expected
    columns = ["source_line", "reason", "field_name", "table_name"]
    rejects = result.rejects.select(columns)
    assert rejects.to_dicts() == _rows(folder / "rejects.csv", rejects.schema)
    [counts] = _rows(folder / "counts.csv", None)
    assert counts == {
        "business_date": str(result.business_date),
        "record_count": str(result.record_count),
        "quarantined_count": str(result.quarantined_count),
    }


def reasons(result: ParsedFile) -> list[tuple[int, str, str]]:
    rows = result.rejects.select("source_line", "reason", "field_name").rows()
    return [(line, str(reason), field) for line, reason, field in rows]


def edited(line: str, at: Mapping[int, str]) -> str:
    """The line with texts written over it at 1-based positions."""
    for position, text in at.items():
        line = line[: position - 1] + text + line[position - 1 + len(text) :]
    return line


def sample_lines(name: str) -> list[str]:
    """The lines of one of Schwab's sample files."""
    return (SCHWAB / "samples" / name).read_bytes().decode("cp1252").replace("\r", "").rstrip("\n").split("\n")


def core_file(folder: Path, extension: str, records: Sequence[str], **changes: Any) -> Path:
    """A Core file of 5 January 2022: header, records and a trailer that counts those that begin with D.

    ``changes``: name, header, trailer, line_end, ending, encoding.
    """
    count = sum(record.startswith("D") for record in records)
    header = changes.get("header", f"HD|SCHWAB  |  {MASTER}|EXAMPLE ADVISORS              |20220105|{extension}|")
    trailer = changes.get("trailer", f"TR|SCHWAB  |  {MASTER}|20220105|{count:010d}|")
    end = changes.get("line_end", "\n")
    lines = [line for line in (header, *records, trailer) if line is not None]
    path = folder / changes.get("name", f"CRS20220105.{extension}")
    path.write_bytes((end.join(lines) + changes.get("ending", end)).encode(changes.get("encoding", "cp1252")))
    return path


def _rows(path: Path, schema: pl.Schema | None) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    if schema is None:
        return [dict(row) for row in rows]
    # A column that the expected file leaves out is null in every row.
    assert not rows or set(rows[0]) <= set(schema)
    return [{name: _value(row.get(name, ""), dtype) for name, dtype in schema.items()} for row in rows]


def _value(text: str, dtype: pl.DataType) -> object:
    if text == "":
        return None
    if dtype == pl.Date:
        return date.fromisoformat(text)
    if isinstance(dtype, pl.Decimal):
        return Decimal(text)
    if dtype == pl.Boolean:
        return text == "true"
    return int(text) if dtype == pl.Int64 else text
