"""LSEG DataScope Select: on-demand extractions as JSON, and scheduled ones as CSV with their notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.formats.json_pages import read_pages
from connectors.formats.line_ends import end_checks
from connectors.formats.lines import read_lines
from connectors.formats.named_columns import csv_rows, json_rows
from connectors.formats.rejects import Check, no_rejects, ordered
from connectors.formats.taken import Taken
from connectors.market_data.lseg.notes import note_lines, note_rejects
from connectors.market_data.lseg.records import ACTION, PRICE, SECURITY, taken_actions, taken_prices, taken_terms
from connectors.market_data.lseg.requests import NEXT_PAGE, extractions
from connectors.market_data.lseg.tables import CODES, LAYOUTS, names

_DAY: Final = r"_(?P<date>\d{8})(?:_\d+)?"
_TABLES: Final = {"price": PRICE, "terms": SECURITY, "action": ACTION}
_REQUIRED: Final = {"price": ("price_date", "price"), "terms": ("name", "type"), "action": ("event_id", "code")}


def _kind(
    name: str, pattern: str, title: str, *records: str, is_expected: bool = False, replaces: bool = False
) -> FileKind:
    return FileKind(
        name, re.compile(pattern), is_refresh=False, is_expected=is_expected, title=title, records=records,
        is_replaceable=replaces,
    )  # fmt: skip


KINDS: Final = (
    _kind("EOD", rf"eod_prices{_DAY}\.(?:json|csv)", "closing prices, index levels, rates", "price",
          is_expected=True, replaces=True),
    _kind("EOD_PARTIAL", rf"eod_prices{_DAY}\.(?:partial|embargoed|intermediate|delta)\.csv",
          "closing prices before an embargo ends; the final file follows", "price", replaces=True),
    _kind("TERMS", rf"terms{_DAY}\.(?:json|csv)", "what securities are", "terms"),
    _kind("ACTIONS", rf"corporate_actions{_DAY}\.(?:json|csv)", "corporate actions", "action"),
    _kind("NOTES", rf"[a-z_]+{_DAY}(?:\.[a-z]+)?\.csv\.notes\.txt", "what went wrong in an extraction", "note"),
)  # fmt: skip


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The rows of one extraction, and what its notes say is lacking: a record each.

    In JSON a record is a member of Contents, over all pages, or a line of the notes that tells an error; its ordinal
    counts the members first and then all lines of the notes.

    Raises:
        FeedFault: truncated_file (the last page names a further one), malformed_document (no extraction, an error
            document, no header), and those of the readers of lines and of JSON.
    """
    if file.kind.name == "NOTES":
        return _of_notes(file, connection)
    record = file.kind.records[0]
    if not file.name.endswith(".json"):
        lines = read_lines(file.path).filter(pl.col("text").str.strip_chars(" ") != "")
        rows, checks = csv_rows(lines, names(record), _REQUIRED[record])
        checks = [*checks, *end_checks(file.path, connection)]
        return _parsed(file, record, rows, checks, pl.DataFrame(schema=lines.schema), connection)
    contents, notes = _pages(file)
    rows, checks = json_rows(contents, names(record))
    told = pl.DataFrame(
        {
            "line": pl.int_range(len(contents) + 1, len(contents) + len(notes) + 1, dtype=pl.Int64, eager=True),
            "text": pl.Series(notes, dtype=pl.String),
        }
    )
    return _parsed(file, record, rows, checks, told, connection)


def _parsed(
    file: RawFile,
    record: str,
    rows: pl.DataFrame,
    checks: Sequence[Check],
    notes: pl.DataFrame,
    connection: Connection,
) -> ParsedFile:
    day = file.business_date
    lacking = note_rejects(notes, connection, _TABLES[record])
    taken = _taken(record, rows, checks, connection, day)
    held = ordered([*taken.rejects, lacking])
    return ParsedFile(
        taken.frames,
        held,
        record_count=rows.height + lacking["source_line"].n_unique(),
        quarantined_count=held["source_line"].n_unique(),
        business_date=day,
    )


def _taken(record: str, rows: pl.DataFrame, checks: Sequence[Check], connection: Connection, day: date | None) -> Taken:
    if record == "price":
        return taken_prices(rows, checks, connection, day)
    if record == "action":
        return taken_actions(rows, checks, connection)
    if day is None:
        raise FeedFault("malformed_document", "the file's name says of no day of the calendar.")
    return taken_terms(rows, checks, connection, day)


def _pages(file: RawFile) -> tuple[list[Any], list[str]]:
    """The members of Contents and the lines of Notes of all pages."""
    contents: list[Any] = []
    notes: list[str] = []
    pages = read_pages(file.path)
    for number, page in enumerate(pages, 1):
        if "error" in page:
            raise FeedFault("malformed_document", "the service answered with an error instead of data.", line=number)
        found = page.get("Contents", page.get("value"))
        if not isinstance(found, list):
            raise FeedFault("malformed_document", "a page has no Contents: it is no extraction.", line=number)
        contents.extend(found)
        told = page.get("Notes")
        notes.extend(note_lines(told if isinstance(told, list) else []))
    if pages[-1].get(NEXT_PAGE.removeprefix("/")):
        detail = "the last page names a further one that is not here. Ask for the extraction again."
        raise FeedFault("truncated_file", detail, line=len(pages), record_count=len(contents))
    return contents, notes


def _of_notes(file: RawFile, connection: Connection) -> ParsedFile:
    lines = read_lines(file.path)
    held = ordered([no_rejects(), note_rejects(lines, connection, None)])
    count = held["source_line"].n_unique()
    return ParsedFile({}, held, record_count=count, quarantined_count=count, business_date=file.business_date)


def sniff(head: str) -> str | None:
    """The kind of an extraction, by the columns that it names."""
    for kind, column in (
        ("EOD", "Universal Close Price"),
        ("TERMS", "Asset Type"),
        ("ACTIONS", "Corporate Action Type"),
    ):
        if column in head and ("RIC" in head or "Identifier" in head):
            return kind
    return None


ADAPTER: Final = Adapter(
    slug="lseg",
    market="market_data",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="LSEG DataScope Select",
    confidence="REST and end-of-day pricing DOC; most other columns and all code values MEM",
    cut_off="06:00 America/New_York",
    secrets=("password",),
    has_shared_lines=True,
    completeness="REST: the last page names no further one; CSV: none, the file ends where it ends",
    codes=CODES,
    layouts=(LAYOUTS,),
    sniff=sniff,
    extractions=extractions,
)
