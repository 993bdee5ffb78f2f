"""The envelope of a Data License file: options, fields, sections of rows, and what makes a file unreadable."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from connectors.errors import FeedFault
from connectors.formats.lines import read_lines

_LOG: Final = logging.getLogger(__name__)
MAX_LINE_BYTES: Final = 1024 * 1024
"""Bulk cells make long lines."""
MAX_FIELDS: Final = 2000
PROGRAMS: Final = ("getdata", "gethistory", "getactions")
DATE_FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "yyyymmdd": ("%Y%m%d", r"^[0-9]{8}$"),
    "mmddyyyy": ("%m%d%Y", r"^[0-9]{8}$"),
    "ddmmyyyy": ("%d%m%Y", r"^[0-9]{8}$"),
    "mm/dd/yyyy": ("%m/%d/%Y", r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$"),
    "dd/mm/yyyy": ("%d/%m/%Y", r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$"),
    "yyyy/mm/dd": ("%Y/%m/%d", r"^[0-9]{4}/[0-9]{2}/[0-9]{2}$"),
    "yyyy-mm-dd": ("%Y-%m-%d", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
}
"""DATEFORMAT to strftime format and pattern."""

_WRAPPERS: Final = {"IMAHDR": "IMATRL", "INAHDR": "INATRL"}
_OPTION: Final = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.ASCII | re.DOTALL)
_MARKS: Final = (
    "START-OF-FILE", "START-OF-FIELDS", "END-OF-FIELDS", "START-OF-DATA", "END-OF-DATA", "END-OF-FILE",
)  # fmt: skip


@dataclass(frozen=True)
class Section:
    """Rows that share a list of fields.

    Attributes:
        fields: mnemonics in order.
        records: ``line`` and ``text`` of the rows; blank lines are none.
        name: what a line DATA=name before it says.
    """

    fields: tuple[str, ...]
    records: pl.DataFrame
    name: str = ""


@dataclass(frozen=True)
class Envelope:
    """A request or a reply.

    Attributes:
        options: header lines NAME=VALUE; of a name that stands twice the last.
        sections: in file order.
    """

    options: Mapping[str, str]
    sections: tuple[Section, ...]

    @property
    def program(self) -> str:
        """What was asked for; getdata where the file does not say."""
        return self.options.get("PROGRAMNAME", "getdata").strip().lower()

    @property
    def delimiter(self) -> str:
        """What stands between values."""
        return self.options.get("DELIMITER", "|")

    @property
    def date_format(self) -> tuple[str, str]:
        """strftime format and pattern of days in rows."""
        return DATE_FORMATS[self.options.get("DATEFORMAT", "yyyymmdd").strip().lower()]

    @property
    def run_date(self) -> date | None:
        """Day of the run."""
        return _run_date(self.options.get("RUNDATE", ""))

    @property
    def record_count(self) -> int:
        """Rows of all sections."""
        return sum(section.records.height for section in self.sections)


def read_envelope(path: Path) -> Envelope:
    """The file's envelope, and its rows as lines.

    Raises:
        FeedFault: malformed_document (no START-OF-FILE, marks out of order, an option that cannot be read),
            truncated_file (an end mark is missing), trailer_mismatch (text behind the end), and those of
            ``connectors.formats.lines``.
    """
    lines = read_lines(path, max_line_bytes=MAX_LINE_BYTES)
    lines = lines.filter(pl.col("text").str.strip_chars(" \t") != "")
    return _Reader(_unwrapped(lines)).envelope()


def _unwrapped(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines without those that wrap a back-office file."""
    first, last = str(lines["text"][0]), str(lines["text"][-1])
    closing = _WRAPPERS.get(first[:6])
    if closing is None:
        return lines
    if not last.startswith(closing):
        detail = f"the file begins with {first[:6]} and does not end with {closing}. Ask for it again."
        raise FeedFault("truncated_file", detail, line=int(lines["line"][-1]))
    return lines.slice(1, lines.height - 2)


class _Reader:
    """One pass over the lines that are not rows; the rows between two marks are taken as a slice."""

    def __init__(self, lines: pl.DataFrame) -> None:
        self._lines = lines
        self._options: dict[str, str] = {}
        self._fields: tuple[str, ...] | None = None
        self._sections: list[Section] = []
        self._name = ""
        self._counted = 0

    def envelope(self) -> Envelope:
        if not self._lines.height or self._text(0) != "START-OF-FILE":
            at = self._number(0) if self._lines.height else 0
            raise FeedFault("malformed_document", "the file does not begin with START-OF-FILE.", line=at)
        marks = list(self._marks())
        at = 1
        while marks:
            place, mark = marks.pop(0)
            self._take_options(at, place)
            if mark == "END-OF-FILE":
                if place + 1 < self._lines.height:
                    raise self._fault("trailer_mismatch", "text follows END-OF-FILE.", place + 1)
                return self._checked()
            at = self._block(mark, place, marks.pop(0) if marks else None) + 1
        raise self._fault("truncated_file", "the file has no END-OF-FILE: a part is missing.", self._lines.height - 1)

    def _marks(self) -> Iterator[tuple[int, str]]:
        found = self._lines.with_row_index("place").filter(pl.col("text").str.strip_chars(" ").is_in(_MARKS))
        for place, text in found.slice(1).select("place", "text").iter_rows():
            yield place, text.strip(" ")

    def _block(self, mark: str, place: int, end: tuple[int, str] | None) -> int:
        """Take what stands between a start mark and its end; the place of the end."""
        if not mark.startswith("START-OF-") or mark == "START-OF-FILE":
            raise self._fault("malformed_document", f"{mark} stands where no such mark can.", place)
        closing = mark.replace("START", "END")
        if end is None:
            last = self._lines.height - 1
            self._counted += last - place if mark == "START-OF-DATA" else 0
            raise self._fault("truncated_file", f"the file has no {closing}: a part is missing.", last)
        if end[1] != closing:
            raise self._fault("malformed_document", f"{end[1]} stands before {closing}.", end[0])
        inside = self._lines.slice(place + 1, end[0] - place - 1)
        if mark == "START-OF-FIELDS":
            if inside.height > MAX_FIELDS:
                raise self._fault("too_large", f"the file has more than {MAX_FIELDS} fields.", place)
            self._fields = tuple(text.strip().upper() for text in inside["text"])
        else:
            self._sections.append(Section(self._fields or (), inside, self._name))
            self._counted += inside.height
        return end[0]

    def _take_options(self, first: int, end: int) -> None:
        for place in range(first, end):
            text = self._text(place)
            found = _OPTION.fullmatch(text)
            if text.startswith("#"):
                continue
            if found is None:
                raise self._fault("malformed_document", "a line of the header is no NAME=VALUE.", place)
            if found[1] == "DATA":
                self._name = found[2]
            self._options[found[1]] = found[2] if found[1] == "DELIMITER" else found[2].strip()

    def _checked(self) -> Envelope:
        found = Envelope(self._options, tuple(self._sections))
        if len(found.delimiter) != 1 or found.delimiter.isalnum():
            raise self._fault("malformed_document", "DELIMITER is not one character.", 0)
        if self._options.get("DATEFORMAT", "yyyymmdd").strip().lower() not in DATE_FORMATS:
            raise self._fault("malformed_document", "DATEFORMAT is none that is known.", 0)
        stated = self._options.get("DATARECORDS")
        if stated is not None and stated != str(self._counted):
            # Real files state numbers that are not those of their rows, so it is no sign of a broken file.
            _LOG.warning("DATARECORDS says %s, the file holds %d rows", stated[:12], self._counted)
        return found

    def _text(self, place: int) -> str:
        return str(self._lines["text"][place]).strip(" ")

    def _number(self, place: int) -> int:
        return int(self._lines["line"][place])

    def _fault(self, reason: str, detail: str, place: int) -> FeedFault:
        return FeedFault(reason, detail, line=self._number(place), record_count=self._counted)


def _run_date(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if re.fullmatch("[0-9]{8}", text.strip()) else None
    except ValueError:
        return None
