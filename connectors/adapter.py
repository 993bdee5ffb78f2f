"""The adapter contract: what a connector is to the rest of the house.

A connector is data plus one pure function. It lives in ``connectors/custodians/<slug>/`` or
``connectors/market_data/<slug>/`` and offers ``ADAPTER`` in its ``adapter`` module; ``connectors.registry`` finds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import polars as pl

from connectors.connection import Connection


@dataclass(frozen=True)
class FileKind:
    """One kind of file that a provider delivers.

    Attributes:
        name: short name such as TRN; readiness is stated per kind.
        pattern: matched against the base name of the delivered file (after a .zip or .gz ending is taken off), with
            an optional named group ``date`` in the form YYYYMMDD, YYYY-MM-DD or YYMMDD (of this century).
        is_refresh: whether the file restates its whole window (then absence means retraction) or only adds.
        is_expected: whether it is due on every business day.
    """

    name: str
    pattern: re.Pattern[str]
    is_refresh: bool
    is_expected: bool


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
    """

    frames: Mapping[str, pl.DataFrame]
    rejects: pl.DataFrame
    record_count: int
    quarantined_count: int
    business_date: date | None


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
