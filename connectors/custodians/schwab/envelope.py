"""The header and trailer of a Core file: whether the file is whole, and of the day and kind that its name says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl

from connectors.adapter import RawFile
from connectors.custodians.schwab.tables import layout
from connectors.errors import FeedFault
from connectors.formats.lines import iterate_lines

_NAME: Final = re.compile(r"CRS(?P<digits>\d{6}|\d{8})\.[A-Z]{3}", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """What the header row says.

    Attributes:
        business_date: day of the data.
        extension: kind of file, such as TRN.
    """

    business_date: date
    extension: str


class Envelope:
    """A file read once from end to end, its header and trailer checked on the way.

    Attributes:
        record_count: records so far: every line that is not blank, header or trailer.
    """

    def __init__(self, file: RawFile) -> None:
        self._file = file
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
            raise self._fault("truncated_file", "the file has no header row. Ask for it again.", 1)
        return self._header

    def records(self) -> Iterator[pl.DataFrame]:
        """Frames of ``line``, ``text`` and ``record`` (D1, D2; null for an unknown type), in file order.

        Raises:
            FeedFault: truncated_file, trailer_mismatch, wrong_business_date, unrecognised_file, malformed_document,
                and those of ``iterate_lines``.
        """
        for lines in iterate_lines(self._file.path):
            found = lines.filter(pl.col("text").str.strip_chars(" ") != "")
            if not found.height:
                continue
            self._take_header(found)
            self._take_trailer(found)
            self._last_line = int(found["line"][-1])
            yield self._typed_records(found)
        self._close()

    def _fault(self, reason: str, detail: str, line: int) -> FeedFault:
        return FeedFault(reason, detail, line=line, record_count=self.record_count)

    def _take_header(self, lines: pl.DataFrame) -> None:
        headers = lines.filter(_has_type("HD"))
        if self._header is not None:
            if headers.height:
                raise self._fault("malformed_document", "a second header row: two files in one.", headers["line"][0])
            return
        line, text = int(lines["line"][0]), str(lines["text"][0])
        if not text.startswith("HD|"):
            if re.match(r"(D[0-9A-Z]|TR)\|", text):
                raise self._fault("truncated_file", "the header row is missing. Ask for the file again.", line)
            raise self._fault("malformed_document", "the file does not begin with a header row.", line)
        if headers.height > 1:
            raise self._fault("malformed_document", "a second header row: two files in one.", headers["line"][1])
        fields = _fields(text, "HD")
        day = _day(fields.get("business_date", ""))
        if day is None:
            raise self._fault("malformed_document", "the header's business date is not a day.", line)
        self._header = Header(day, fields.get("file_extension", "").upper())
        self._compare_with_name(self._header, line)

    def _compare_with_name(self, header: Header, line: int) -> None:
        expected = self._file.kind.name
        if header.extension != expected:
            detail = f"the header is of another kind of file than {expected}. Ask for the right file."
            raise self._fault("unrecognised_file", detail, line)
        stated = self._file.business_date
        named = _NAME.fullmatch(self._file.name)
        if named is not None and stated is None:
            digits = named["digits"]
            stated = _day(digits if len(digits) == 8 else f"20{digits}")
            if stated is None:
                raise self._fault("wrong_business_date", "the file name holds no day of the calendar.", line)
        if stated is not None and stated != header.business_date:
            detail = f"the header says {header.business_date}, the name {stated}. Ask which is right."
            raise self._fault("wrong_business_date", detail, line)

    def _take_trailer(self, lines: pl.DataFrame) -> None:
        if self._trailer is not None:
            raise self._fault("trailer_mismatch", "lines follow the trailer.", int(lines["line"][0]))
        trailers = lines.filter(_has_type("TR"))
        if not trailers.height:
            return
        self._trailer_line = int(trailers["line"][0])
        if self._trailer_line != lines["line"][-1]:
            raise self._fault("trailer_mismatch", "lines follow the trailer.", self._trailer_line + 1)
        self._trailer = str(trailers["text"][0])

    def _typed_records(self, lines: pl.DataFrame) -> pl.DataFrame:
        text = pl.col("text")
        kind = pl.when(text.str.slice(2, 1) == "|").then(text.str.slice(0, 2))
        records = lines.filter(~_has_type("HD") & ~_has_type("TR")).with_columns(kind.alias("record"))
        self.record_count += records.height
        self._detail_count += int(records.select(text.str.starts_with("D").sum()).item())
        return records

    def _close(self) -> None:
        header = self.header
        if self._trailer is None:
            detail = "the file ends without a trailer row: part of it is missing. Ask for it again."
            raise self._fault("truncated_file", detail, self._last_line)
        fields = _fields(self._trailer, "TR")
        count = fields.get("record_count", "")
        if not re.fullmatch(r"[0-9]{1,10}", count) or not count.isascii():
            detail = "the trailer's count is not a number: the trailer is cut. Ask for the file again."
            raise self._fault("truncated_file", detail, self._trailer_line)
        if int(count) != self._detail_count:
            detail = f"the trailer counts {int(count)} records, the file holds {self._detail_count}. Ask for it again."
            raise self._fault("trailer_mismatch", detail, self._trailer_line)
        if _day(fields.get("business_date", "")) != header.business_date:
            raise self._fault("wrong_business_date", "header and trailer are of different days.", self._trailer_line)


def _has_type(kind: str) -> pl.Expr:
    return pl.col("text").str.starts_with(f"{kind}|")


def _fields(text: str, record: str) -> dict[str, str]:
    return dict(zip(layout("CRS", record).names, (part.strip() for part in text.split("|")), strict=False))


def _day(text: str) -> date | None:
    if not re.fullmatch(r"[0-9]{8}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
