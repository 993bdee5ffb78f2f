"""Bloomberg Data License: replies and requests as files (getdata, gethistory, getactions, back-office variants)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.formats.rejects import ordered
from connectors.formats.taken import Taken, no_rows
from connectors.market_data.bloomberg.actions import taken_actions
from connectors.market_data.bloomberg.envelope import PROGRAMS, Envelope, Section, read_envelope
from connectors.market_data.bloomberg.quotes import taken_quotes
from connectors.market_data.bloomberg.tables import CODES, LAYOUTS

TABLES: Final = ("canonical.security", "canonical.price", "canonical.fx_rate", "canonical.corporate_action")
_DATED: Final = r"_(?P<date>\d{8})(?:[0-9a-z_]*)\.out"
_STAMP: Final = r"(?:\.(?P<date>\d{8}))?"


def _kind(
    name: str, pattern: str, title: str, *records: str, is_expected: bool = False, replaces: bool = False
) -> FileKind:
    return FileKind(
        name, re.compile(pattern), is_refresh=False, is_expected=is_expected, title=title, records=records,
        is_replaceable=replaces,
    )  # fmt: skip


KINDS: Final = (
    _kind("PRICES", f"prices{_DATED}", "closing prices and index levels", "getdata", is_expected=True, replaces=True),
    _kind("REFERENCE", f"reference{_DATED}", "what securities are", "getdata"),
    _kind("FX", f"fx{_DATED}", "rates of currencies", "getdata"),
    _kind("ACTIONS", f"actions{_DATED}", "corporate actions", "getactions"),
    _kind("HISTORY", f"history{_DATED}", "prices of many days", "gethistory"),
    _kind("PX", rf".+\.px{_STAMP}", "back-office prices of a region", "getdata", replaces=True),
    _kind("DIF", rf".+\.dif{_STAMP}", "back-office changes of a region", "getdata"),
    _kind("OUT", rf".+\.out{_STAMP}", "a reply of another name; its header says which", *PROGRAMS),
    _kind("REQ", r".+\.req", "a request of the firm's own; it holds no data"),
)


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """Prices, securities, rates and corporate actions of a reply; a request has no records.

    Raises:
        FeedFault: malformed_document (a program or a form of history that is not read, no day of the run), and those
            of ``read_envelope``.
    """
    envelope = read_envelope(file.path)
    if file.kind.name == "REQ":
        return _parsed({}, [], 0, None)
    run = envelope.run_date or file.business_date
    _require_readable(envelope, run)
    parts = [_taken(section, envelope, connection, run or date.min) for section in envelope.sections]
    held = ordered([reject for part in parts for reject in part.rejects])
    frames = {
        name: pl.concat([no_rows(name), *(part.frames[name] for part in parts if name in part.frames)])
        for name in TABLES
    }
    return _parsed(frames, [held], envelope.record_count, run)


def _require_readable(envelope: Envelope, run: date | None) -> None:
    program = envelope.program
    if program not in PROGRAMS:
        detail = f"PROGRAMNAME is none of {', '.join(PROGRAMS)}: the file is not read."
    elif program == "gethistory" and envelope.options.get("HIST_FORMAT", "").lower() != "horizontal":
        detail = "a history is read with HIST_FORMAT=horizontal only. Ask for that."
    elif program != "getactions" and any(not section.fields for section in envelope.sections):
        detail = "rows stand before any list of fields."
    elif not envelope.sections:
        detail = "the file has no section of data."
    elif run is None:
        detail = "neither RUNDATE nor the file's name says of which day it is."
    else:
        return
    raise FeedFault("malformed_document", detail, line=1, record_count=envelope.record_count)


def _taken(section: Section, envelope: Envelope, connection: Connection, run: date) -> Taken:
    if not section.records.height:
        return Taken({}, ())
    if envelope.program == "getactions":
        return taken_actions(section, envelope, connection)
    return taken_quotes(section, envelope, connection, run)


def _parsed(
    frames: Mapping[str, pl.DataFrame], rejects: list[pl.DataFrame], count: int, day: date | None
) -> ParsedFile:
    held = ordered(rejects)
    return ParsedFile(frames, held, count, held["source_line"].n_unique(), day)


def sniff(head: str) -> str | None:
    """The kind of a file that begins with ``head``: by its program; a request has no RUNDATE."""
    if "START-OF-FILE" not in head[:200]:
        return None
    if "RUNDATE=" not in head:
        return "REQ"
    for program, kind in (("getactions", "ACTIONS"), ("gethistory", "HISTORY")):
        if f"PROGRAMNAME={program}" in head:
            return kind
    return "OUT"


ADAPTER: Final = Adapter(
    slug="bloomberg",
    market="market_data",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="Bloomberg Data License",
    confidence="envelope, getdata, gethistory SAMPLE; getactions and most type codes MEM",
    cut_off="06:00 America/New_York",
    completeness="END-OF-DATA and END-OF-FILE marks; DATARECORDS is not relied on",
    codes=CODES,
    layouts=(LAYOUTS,),
    sniff=sniff,
)
