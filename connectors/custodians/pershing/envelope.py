"""The header and trailer of a Standard File: whether it is whole, and of the day and form that its name says.

Header and trailer are read by what they say and not by column, since runs of blanks get lost on the way; the last
column's marker tells a whole line from a cut one. Lines are handed on in blocks that hold whole logical records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl

from connectors.adapter import RawFile
from connectors.custodians.pershing.forms import FORMS, Form
from connectors.errors import FeedFault
from connectors.formats.fixed_width import with_pieces
from connectors.formats.lines import iterate_lines

REFRESHED: Final = "REFRESHED"
UPDATED: Final = "UPDATED"
_DAY: Final = r"(\d\d/\d\d/\d{4})"
_HEADER: Final = re.compile(
    rf"BOF\s+PERSHING\s+(.{{1,19}}?)\s+DATA OF\s+{_DAY}\s+TO REMOTE\s+(\S{{0,4}})\s*BEGINS HERE\s+{_DAY}\s+"
    r"(\d\d:\d\d:\d\d)\s*(.*)",
    re.ASCII,
)
_TRAILER: Final = re.compile(
    rf"EOF\s+PERSHING\s+(.{{1,19}}?)\s+DATA OF\s+{_DAY}\s+TO REMOTE\s+(\S{{0,4}})\s*ENDS HERE\.\s*"
    r"TOTAL DETAIL RECORDS:\s*(\d{1,10})\s*(.*)",
    re.ASCII,
)


@dataclass(frozen=True)
class Header:
    """What the header says.

    Attributes:
        business_date: day of the data.
        remote_id: the client's connection; blank where it is not stated.
        run_date: when the file was made.
        run_time: HH:MM:SS of that day.
        flavour: REFRESHED, UPDATED or blank.
    """

    business_date: date
    remote_id: str
    run_date: date
    run_time: str
    flavour: str

    @property
    def is_delta(self) -> bool:
        """Whether the file states changes alone."""
        return self.flavour == UPDATED


class Envelope:
    """A file read once from end to end, its header and trailer checked on the way.

    Attributes:
        record_count: logical records handed on so far; lines, for a form that is not read.
    """

    def __init__(self, file: RawFile, form: Form) -> None:
        self._file = file
        self._form = form
        self._header: Header | None = None
        self._trailer: str | None = None
        self._trailer_line = 0
        self._last_line = 0
        self._detail_count = 0
        self.record_count = 0

    @property
    def header(self) -> Header:
        """The header; there is one as soon as ``records`` has given its first frame."""
        if self._header is None:
            raise self._fault("truncated_file", "the file has no header. Ask for it again.", 1)
        return self._header

    def records(self) -> Iterator[pl.DataFrame]:
        """Detail lines: ``line``, ``text``, ``letter``, ``sequence``, ``owner`` and ``record``, the line on which the
        logical record begins. A record begins with its letter A, or where sequence id or owner change.

        Raises:
            FeedFault: truncated_file, trailer_mismatch, wrong_business_date, unrecognised_file, malformed_document,
                and those of ``iterate_lines``.
        """
        kept: pl.DataFrame | None = None
        for block in iterate_lines(self._file.path):
            found = block.filter(pl.col("text").str.strip_chars(" ") != "")
            if not found.height:
                continue
            self._last_line = int(found["line"][-1])
            lines = self._cut(self._details(found))
            lines = lines if kept is None else pl.concat([kept, lines])
            if not lines.height:
                continue
            marked = self._marked(lines)
            last = marked["record"][-1]
            kept = lines.filter(marked["record"] == last)
            yield self._counted(marked.filter(pl.col("record") != last))
        if kept is not None and kept.height:
            yield self._counted(self._marked(kept))
        self._close()

    def _fault(self, reason: str, detail: str, line: int) -> FeedFault:
        return FeedFault(reason, detail, line=line, record_count=self.record_count)

    def _details(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The block's lines without header and trailer."""
        if self._trailer is not None:
            raise self._fault("trailer_mismatch", "lines follow the trailer.", int(lines["line"][0]))
        first = self._header is None
        if first:
            self._take_header(int(lines["line"][0]), str(lines["text"][0]))
            lines = lines.slice(1)
        headers = lines.filter(pl.col("text").str.contains(r"^BOF\s+PERSHING"))
        if headers.height:
            raise self._fault("malformed_document", "a second header: two files in one.", int(headers["line"][0]))
        trailers = lines.filter(pl.col("text").str.contains(r"^EOF\s+PERSHING"))
        if trailers.height:
            self._trailer_line = int(trailers["line"][0])
            if self._trailer_line != lines["line"][-1]:
                raise self._fault("trailer_mismatch", "lines follow the trailer.", self._trailer_line + 1)
            self._trailer = str(trailers["text"][0])
            lines = lines.head(-1)
        self._detail_count += lines.height
        return lines

    def _take_header(self, line: int, text: str) -> None:
        form = self._form
        if not re.match(r"BOF\s+PERSHING", text):
            if re.match(r"EOF\s+PERSHING", text) or len(text) == form.length:
                raise self._fault("truncated_file", "the header is missing. Ask for the file again.", line)
            raise self._fault("malformed_document", "the file does not begin with a Pershing header.", line)
        found = _HEADER.match(text)
        if found is None or not text.rstrip().endswith("A"):
            raise self._fault("malformed_document", "the header is not as the layout has it: cut or changed.", line)
        day, run_date = _day(found[2]), _day(found[4])
        if day is None or run_date is None:
            raise self._fault("malformed_document", "the header's dates are not days of the calendar.", line)
        if " ".join(found[1].split()) != form.title:
            detail = f"the header is of another form than {form.kind}. Ask for the right file."
            raise self._fault("unrecognised_file", detail, line)
        header = Header(day, found[3], run_date, found[5], _flavour(found[6]))
        if form.has_flavour and not header.flavour:
            detail = f"the header says neither {REFRESHED} nor {UPDATED}: what its silence means is not known."
            raise self._fault("malformed_document", detail, line)
        self._header = header
        self._compare_with_name(header, line)

    def _compare_with_name(self, header: Header, line: int) -> None:
        named = self._form.pattern.fullmatch(self._file.name)
        stated = self._file.business_date
        if stated is None and named is not None and (digits := named["date"] or named["mmddyy"]):
            stated = _named_day(digits)
            if stated is None:
                raise self._fault("wrong_business_date", "the file's name holds no day of the calendar.", line)
        if stated is not None and stated != header.business_date:
            detail = f"the header says {header.business_date}, the name {stated}. Ask which is right."
            raise self._fault("wrong_business_date", detail, line)

    def _cut(self, lines: pl.DataFrame) -> pl.DataFrame:
        letter, sequence, owner = self._form.start
        spans = {"letter": letter, "sequence": sequence, "owner": owner}
        return with_pieces(lines, {name: (start - 1, end) for name, (start, end) in spans.items()})

    def _marked(self, lines: pl.DataFrame) -> pl.DataFrame:
        if not self._form.records:
            return lines.with_columns(pl.col("line").alias("record"))
        key = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("sequence", "owner")]
        begins = (pl.col("letter") == "A").fill_null(False) | key[0] | key[1]
        return lines.with_columns(
            pl.when(begins | (pl.int_range(pl.len()) == 0)).then(pl.col("line")).forward_fill().alias("record")
        )

    def _counted(self, lines: pl.DataFrame) -> pl.DataFrame:
        self.record_count += lines["record"].n_unique()
        return lines

    def _close(self) -> None:
        header = self.header
        if self._trailer is None:
            detail = "the file ends without a trailer: part of it is missing. Ask for it again."
            raise self._fault("truncated_file", detail, self._last_line)
        found = _TRAILER.match(self._trailer)
        if found is None or not self._trailer.rstrip().endswith("Z"):
            detail = "the trailer is not as the layout has it: cut or changed. Ask for the file again."
            raise self._fault("truncated_file", detail, self._trailer_line)
        count = int(found[4])
        counted = {self._detail_count} | ({self.record_count} if self._form.counts_accounts else set())
        if count not in counted:
            detail = f"the trailer counts {count} lines, the file holds {self._detail_count}. Ask for it again."
            raise self._fault("trailer_mismatch", detail, self._trailer_line)
        said = (" ".join(found[1].split()), _day(found[2]), found[3], _flavour(found[5]))
        if said != (self._form.title, header.business_date, header.remote_id, header.flavour):
            detail = "the trailer is of another form, day, remote or flavour than the header. Ask for the file again."
            raise self._fault("trailer_mismatch", detail, self._trailer_line)


def form_of(head: str) -> str | None:
    """The kind of file whose first characters these are; None when they are of no form that is known."""
    found = _HEADER.match(head.lstrip("\ufeff\xef\xbb\xbf"))
    title = " ".join(found[1].split()) if found else None
    return next((form.kind for form in FORMS.values() if form.title == title), None)


def _flavour(text: str) -> str:
    return next((word for word in (REFRESHED, UPDATED) if text.startswith(word)), "")


def _named_day(digits: str) -> date | None:
    form = "%Y%m%d" if len(digits) == 8 else "%m%d%y"
    try:
        return datetime.strptime(digits, form).date()
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%m/%d/%Y").date()
    except ValueError:
        return None
