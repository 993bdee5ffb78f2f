"""The adapter contract: what a connector is to the rest of the house.

A connector is data plus one pure function. It lives in ``connectors/custodians/<slug>/`` or
``connectors/market_data/<slug>/`` and offers ``ADAPTER`` in its ``adapter`` module; ``connectors.registry`` finds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable, digest
from connectors.transport.extraction import Requests


@dataclass(frozen=True)
class FileKind:
    """One kind of file that a provider delivers.

    Attributes:
        name: short name such as TRN; readiness is stated per kind.
        pattern: matched against the base name of the delivered file (after the endings of OpenPGP and of zip or gzip
            are taken off), with an optional named group ``date`` in the form YYYYMMDD, YYYY-MM-DD or YYMMDD (of this
            century).
        is_refresh: whether the file restates its whole window (then absence means retraction) or only adds.
        is_expected: whether it is due on every business day.
        title: what it holds, in a few words.
        records: record types in it that the connector reads, as its layouts call them.
        is_replaceable: whether a later file of another name for the same day restates it (a price correction).
    """

    name: str
    pattern: re.Pattern[str]
    is_refresh: bool
    is_expected: bool
    title: str = ""
    records: tuple[str, ...] = ()
    is_replaceable: bool = False


@dataclass(frozen=True)
class RawFile:
    """A landed file, safe to open: decompressed, its bytes under ``path``.

    Attributes:
        path: local path of the content to parse.
        name: base name without the archive ending.
        kind: which of the adapter's kinds it is.
        business_date: taken from the name; the content may say otherwise.
    """

    path: Path
    name: str
    kind: FileKind
    business_date: date | None = None
    known_at: datetime | None = None


@dataclass(frozen=True)
class ParsedFile:
    """What a connector made of one file.

    Attributes:
        frames: canonical table name to a frame of the schema in ``contracts.feed.FEEDS``.
        rejects: frame of ``contracts.feed.FeedReject``, one row per fault; a record with two faults has two rows.
        record_count: data records in the file.
        quarantined_count: distinct records held back; record_count - quarantined_count became canonical.
        business_date: the day that the content says it is of.
        is_refresh: what the content says of it, where one kind of file comes in both ways; None: as its kind.
    """

    frames: Mapping[str, pl.DataFrame]
    rejects: pl.DataFrame
    record_count: int
    quarantined_count: int
    business_date: date | None
    is_refresh: bool | None = None


@dataclass(frozen=True)
class ParsedBlock:
    """What a connector made of the next lines of a file: rows whose file is not known to be whole yet.

    Attributes:
        frames: as ``ParsedFile.frames``, rows of these lines alone.
        rejects: as ``ParsedFile.rejects``.
        record_count: data records in the block.
    """

    frames: Mapping[str, pl.DataFrame]
    rejects: pl.DataFrame
    record_count: int


NewThing = Literal["ignored", "quarantined", "refused"]
"""What becomes of a new column or code: left alone, its records held back, its file blocked."""


@dataclass(frozen=True)
class Adapter:
    """A connector.

    Attributes:
        slug: its name everywhere.
        market: custodian feeds belong to a tenant; market data is shared by all.
        kinds: the files that it delivers.
        parse: pure; raises ``FeedFault`` for a file that is broken as a whole, never for a bad record.
        parser_version: a new version makes landed files be read again.
        cut_off: local time, on the business day after, by which the day's files are due.
        secrets: names of the credentials that a connection must refer to.
        has_shared_lines: whether several records may stand on one line, so that lines do not count records.
        is_dated_by_name: whether only the name of a file says its day, so that equal bytes under the names of two days
            are two files.
        calendar: exchange calendar of the days on which files are due, as exchange-calendars names it.
        completeness: how a reader knows that a file is whole.
        on_new_column: what becomes of a file with columns beyond the layout.
        on_new_code: what becomes of a record with a code that no table holds.
        codes: the tables of codes, which a firm may complete.
        layouts: CSV files that hold the layouts.
        sniff: from the first bytes of a file, decoded as latin-1, to the name of its kind; None when it tells nothing.
        blocks: the rows of a bulk file as they are read, in bounded memory; raises as ``parse``. None: only whole.
        extractions: what a service is asked for a day, over REST or SOAP; pure. None: it delivers files.
    """

    slug: str
    market: Literal["custodian", "market_data"]
    kinds: tuple[FileKind, ...]
    parse: Callable[[RawFile, Connection], ParsedFile]
    parser_version: str
    title: str
    confidence: str
    cut_off: str = "06:00 America/New_York"
    secrets: tuple[str, ...] = field(default=())
    has_shared_lines: bool = False
    is_dated_by_name: bool = False
    calendar: str = "XNYS"
    completeness: str = "none: the file ends where it ends"
    on_new_column: NewThing = "ignored"
    on_new_code: NewThing = "quarantined"
    codes: tuple[CodeTable, ...] = ()
    layouts: tuple[Path, ...] = ()
    sniff: Callable[[str], str | None] | None = None
    blocks: Callable[[RawFile, Connection], Iterator[ParsedBlock]] | None = None
    extractions: Requests | None = None

    def version_for(self, connection: Connection) -> str:
        """The version under which a connection's files are read: the parser's, and the firm's own codes'."""
        return f"{self.parser_version}+{digest(connection.codes)}" if connection.codes else self.parser_version

    def kind_of(self, name: str) -> tuple[FileKind, date | None] | None:
        """The kind and date that the base name (archive ending taken off) says, or None for a stranger."""
        for kind in self.kinds:
            if found := kind.pattern.fullmatch(name):
                stated = found.groupdict().get("date")
                return kind, _date_of(stated) if stated else None
        return None


def _date_of(text: str) -> date | None:
    digits = text.replace("-", "")
    if len(digits) == 6:
        digits = f"20{digits}"
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
