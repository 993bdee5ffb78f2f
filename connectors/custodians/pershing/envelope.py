"""The header and trailer of a Standard File: whether it is whole, and of the day and form that its name says.

Header and trailer are read by what they say and not by column, since runs of blanks get lost on the way; the last
column's marker tells a whole line from a cut one. Lines are handed on in blocks that hold whole logical records, as
frames, or as bytes for whoever reads several at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final

import polars as pl

from connectors.adapter import RawFile
from connectors.custodians.pershing.details import Seen, behind, cut, framed, marked, whole_records, written
from connectors.custodians.pershing.forms import FORMS, Form
from connectors.errors import FeedFault
from connectors.formats.lines import TextBlock, cut_lines, iterate_blocks, iterate_lines

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
            found = written(block)
            if not found.height:
                continue
            if self._header is None:
                self._take_header(int(found["line"][0]), str(found["text"][0]))
                found = found.slice(1)
            details, seen = framed(found)
            self._admit(seen)
            lines = cut(details, self._form)
            lines = lines if kept is None else pl.concat([kept, lines])
            if not lines.height:
                continue
            found = marked(lines, self._form)
            last = found["record"][-1]
            kept = lines.filter(found["record"] == last)
            yield self._counted(found.filter(pl.col("record") != last))
        if kept is not None and kept.height:
            yield self._counted(marked(kept, self._form))
        self.close()

    def blocks(self) -> Iterator[TextBlock]:
        """The bytes behind the header in blocks of whole records, for readers that then tell ``admit`` what they saw.

        Raises:
            FeedFault: what is wrong with the header, and those of ``iterate_blocks``.
        """
        for block in iterate_blocks(self._file.path, block_end=partial(whole_records, form=self._form)):
            if self._header is not None:
                yield block
            elif (rest := self._behind_header(block)) is not None:
                yield rest

    def admit(self, seen: Seen) -> None:
        """Take account of the next block.

        Raises:
            FeedFault: trailer_mismatch, malformed_document.
        """
        self._admit(seen)
        self.record_count += seen.record_count

    def close(self) -> None:
        """Compare header and trailer, once all blocks are known.

        Raises:
            FeedFault: truncated_file, trailer_mismatch.
        """
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

    def _fault(self, reason: str, detail: str, line: int) -> FeedFault:
        return FeedFault(reason, detail, line=line, record_count=self.record_count)

    def _admit(self, seen: Seen) -> None:
        if not seen.last_line:
            return
        if self._trailer is not None:
            raise self._fault("trailer_mismatch", "lines follow the trailer.", seen.first_line)
        self._last_line = seen.last_line
        if seen.header_line:
            raise self._fault("malformed_document", "a second header: two files in one.", seen.header_line)
        if seen.trailer_line:
            self._trailer_line = seen.trailer_line
            if seen.trailer_line != seen.last_line:
                raise self._fault("trailer_mismatch", "lines follow the trailer.", seen.trailer_line + 1)
            self._trailer = seen.trailer
        self._detail_count += seen.detail_count

    def _behind_header(self, block: TextBlock) -> TextBlock | None:
        """The block without the header, which is its first line that is not blank; None when it has no such line."""
        cut = cut_lines(block)
        for row, (start, end) in enumerate(zip(cut.starts, cut.ends, strict=True)):
            text = cut.buffer[start:end].tobytes().decode()
            if text.strip(" "):
                self._take_header(block.first_line + row, text)
                return behind(block, cut, row)
        return None

    def _take_header(self, line: int, text: str) -> None:
        form, self._last_line = self._form, line
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

    def _counted(self, lines: pl.DataFrame) -> pl.DataFrame:
        self.record_count += lines["record"].n_unique()
        return lines


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
