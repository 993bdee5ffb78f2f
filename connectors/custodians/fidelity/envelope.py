"""Header, trailer and client blocks of a transmission: whether it is whole, whose it is, and of which day and kind.

The first line begins with H and holds a literal whose place tells the form; the last begins with T and counts all
lines, itself and the header among them, and the logical records. A vendor's file has a block for each client between
CH and CT. Data lines begin with D, or with the number of a segment in the form of 101 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import polars as pl

from connectors.adapter import RawFile
from connectors.custodians.fidelity.records import Header
from connectors.custodians.fidelity.tables import layout
from connectors.errors import FeedFault
from connectors.formats.flat import FlatLayout
from connectors.formats.lines import iterate_lines

TITLES: Final = {
    "ACCOUNT BAL": "ACCTBAL", "BOOKKEEPING": "BOOKKEEP", "NAME/ADDR": "NABASE", "POSITION": "POSIT",
    "SECURITY MA": "SECMAST", "TASOPEN": "TLAOPEN", "TASCLOS": "TLACLOSED", "TRADE AND R": "TRDREV",
}  # fmt: skip
"""How a title begins, as the shortest form of it may be cut, and the kind of file that it names."""

_SYSTEMS: Final = {"HEADER": "FIDELITY SYSTEMS", "HEADER_OLDER": "FIDELITY SYSTEMS", "HEADER_NFSC": "NFSC SYSTEMS"}
_PIVOT: Final = 69
_ACCOUNTS: Final = {"NABASE": "101", "POSIT": "D", "BOOKKEEP": "D", "ACCTBAL": "D", "TLAOPEN": "D", "TLACLOSED": "D"}
_LOGICAL: Final = {"NABASE": "D101", "SECMAST": "D1"}


def read_header(text: str) -> Header | None:
    """What a header line says; None when no literal stands where one of the forms has it."""
    for record, literal in _SYSTEMS.items():
        form = layout("NFS", record)
        if not text.startswith("H") or _cut(text, form, "system") != literal:
            continue
        is_segmented = record == "HEADER" and _cut(text, layout("NFS", "HEADER_101"), "created").isdecimal()
        if is_segmented:
            form = layout("NFS", "HEADER_101")
        created = _day(_cut(text, form, "created"))
        if created is None:
            return None
        return Header(created, _cut(text, form, "title"), _client(text, form), is_segmented, record != "HEADER")
    return None


def kind_of_title(title: str) -> str | None:
    """The kind of file that a header's title names."""
    return next((kind for begin, kind in TITLES.items() if title.startswith(begin)), None)


def sniffed(text: str) -> str | None:
    """The kind of file that a transmission's first line names; None for what is none."""
    header = read_header(text.split("\n", 1)[0].rstrip("\r"))
    return None if header is None else kind_of_title(header.title)


class Envelope:
    """A file read once from end to end, everything around its data checked on the way.

    Attributes:
        trailer: the trailer's text, once the end is reached.
        trailer_line: its line.
    """

    def __init__(self, file: RawFile) -> None:
        self._file = file
        self._kind = file.kind.name
        self._header: Header | None = None
        self._lines = 0
        self._details = 0
        self._logical = 0
        self._accounts: set[str] = set()
        self._client: str | None = None
        self._has_blocks = False
        self._last_line = 0
        self.trailer = ""
        self.trailer_line = 0

    @property
    def header(self) -> Header:
        """The header; there is one as soon as ``records`` has given its first frame."""
        if self._header is None:
            raise self._fault("truncated_file", "the file has no header row. Ask for it again.", 1)
        return self._header

    def records(self) -> Iterator[pl.DataFrame]:
        """Frames of ``line``, ``text`` and ``client``: every line that is not of the envelope, in file order.

        Raises:
            FeedFault: truncated_file, trailer_mismatch, wrong_business_date, unrecognised_file, malformed_document,
                and those of ``iterate_lines``.
        """
        for lines in iterate_lines(self._file.path):
            found = lines.filter(pl.col("text").str.strip_chars(" ") != "")
            if not found.height:
                continue
            self._lines += found.height
            if self._header is None:
                self._take_header(int(found["line"][0]), str(found["text"][0]))
                found = found.slice(1)
            found = self._without_trailer(found)
            if not found.height:
                continue
            self._last_line = int(found["line"][-1])
            records = self._in_blocks(found)
            self._count(records)
            yield records
        self._close()

    def _fault(self, reason: str, detail: str, line: int) -> FeedFault:
        return FeedFault(reason, detail, line=line, record_count=self._details)

    def _take_header(self, line: int, text: str) -> None:
        header = read_header(text)
        if header is None:
            if text[:1] in ("D", "T", "C"):
                raise self._fault("truncated_file", "the header row is missing. Ask for the file again.", line)
            detail = "the first row is no header: no known literal stands in its place, or its date is no day."
            raise self._fault("malformed_document", detail, line)
        if kind_of_title(header.title) != self._kind:
            detail = f"the header's title is of another kind of file than {self._kind}. Ask for the right file."
            raise self._fault("unrecognised_file", detail, line)
        stated = self._file.business_date
        if stated is not None and stated != header.created:
            detail = f"the header says {header.created}, the name {stated}. Ask which is right."
            raise self._fault("wrong_business_date", detail, line)
        self._header = header
        self._client = header.client

    def _without_trailer(self, lines: pl.DataFrame) -> pl.DataFrame:
        if self.trailer:
            raise self._fault("trailer_mismatch", "lines follow the trailer.", int(lines["line"][0]))
        headers = lines.filter(pl.col("text").str.starts_with("H"))
        if headers.height:
            raise self._fault("malformed_document", "a second header row: two files in one.", headers["line"][0])
        trailers = lines.filter(pl.col("text").str.starts_with("T"))
        if not trailers.height:
            return lines
        self.trailer_line = int(trailers["line"][0])
        if self.trailer_line != lines["line"][-1]:
            raise self._fault("trailer_mismatch", "lines follow the trailer.", self.trailer_line + 1)
        self.trailer = str(trailers["text"][0])
        return lines.head(-1)

    def _in_blocks(self, lines: pl.DataFrame) -> pl.DataFrame:
        """The lines with the client of their block; a file without blocks is all the header's client's."""
        edge = pl.col("text").str.starts_with("CH") | pl.col("text").str.starts_with("CT")
        edges = lines.filter(edge)
        if not edges.height and not self._has_blocks:
            return lines.with_columns(pl.lit(self._client, dtype=pl.String).alias("client"))
        parts: list[pl.DataFrame] = []
        at = 0
        for line, text in edges.select("line", "text").iter_rows():
            place = int(lines["line"].search_sorted(line))
            parts.append(self._block(lines.slice(at, place - at)))
            self._turn(line, text, has_before=bool(self._details or parts[-1].height))
            at = place + 1
        parts.append(self._block(lines.slice(at)))
        return pl.concat(parts, rechunk=True)

    def _block(self, lines: pl.DataFrame) -> pl.DataFrame:
        if lines.height and self._has_blocks and self._client is None:
            raise self._fault("malformed_document", "data between the blocks of two clients.", int(lines["line"][0]))
        return lines.with_columns(pl.lit(self._client, dtype=pl.String).alias("client"))

    def _turn(self, line: int, text: str, *, has_before: bool) -> None:
        """Begin or end a client's block."""
        named = _cut(text, layout("NFS", text[:2]), "client")
        if text.startswith("CH"):
            if self._has_blocks and self._client is not None:
                raise self._fault("malformed_document", "a client's block begins within another.", line)
            if not self._has_blocks and has_before:
                raise self._fault("malformed_document", "data before the first client's block.", line)
            self._has_blocks, self._client = True, named
        elif not self._has_blocks or self._client != named:
            raise self._fault("trailer_mismatch", "a client's trailer does not match its header.", line)
        else:
            self._client = None

    def _count(self, records: pl.DataFrame) -> None:
        text = pl.col("text")
        self._details += records.height
        if self.header.is_segmented:
            self._logical += int(records.select(text.str.starts_with("01").sum()).item())
            return
        begin = _LOGICAL.get(self._kind, "D")
        self._logical += int(records.select(text.str.starts_with(begin).sum()).item())
        if self._kind in _ACCOUNTS:
            field = layout(self._kind, _ACCOUNTS[self._kind]).field("account_number")
            width = field.end - field.start + 1
            self._accounts |= set(records.select(text.str.slice(field.start - 1, width).unique()).to_series())

    def _close(self) -> None:
        header = self.header
        if not self.trailer:
            detail = "the file ends without a trailer row: part of it is missing. Ask for it again."
            raise self._fault("truncated_file", detail, self._last_line)
        if self._has_blocks and self._client is not None:
            raise self._fault("truncated_file", "the last client's block has no end.", self._last_line)
        is_older = header.is_older or header.is_segmented or self._kind == "TRDREV"
        form = layout("NFS", "TRAILER_OLDER" if is_older else "TRAILER")
        counted, logical = _cut(self.trailer, form, "lines"), _cut(self.trailer, form, "logical")
        if not all(text.isdecimal() and text.isascii() for text in (counted, logical)):
            detail = "the trailer's counts are not numbers: the trailer is cut. Ask for the file again."
            raise self._fault("truncated_file", detail, self.trailer_line)
        if int(counted) != self._lines:
            detail = f"the trailer counts {int(counted)} lines, the file holds {self._lines}. Ask for it again."
            raise self._fault("trailer_mismatch", detail, self.trailer_line)
        possible = {self._logical, self._details, len(self._accounts)}
        if int(logical) not in possible:
            detail = f"the trailer counts {int(logical)} logical records or accounts, the file holds {self._logical}."
            raise self._fault("trailer_mismatch", detail, self.trailer_line)


def whole_records(blocks: Iterator[pl.DataFrame], begins: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The blocks cut anew, so that no logical record is parted: each but the first begins with one of ``begins``."""
    kept: pl.DataFrame | None = None
    is_first = pl.any_horizontal(pl.col("text").str.starts_with(begin) for begin in begins)
    for block in blocks:
        joined = block if kept is None else pl.concat([kept, block], rechunk=True)
        starts = joined.filter(is_first)["line"]
        if not len(starts):
            kept = joined
            continue
        done, kept = joined.filter(pl.col("line") < starts[-1]), joined.filter(pl.col("line") >= starts[-1])
        if done.height:
            yield done
    if kept is not None and kept.height:
        yield kept


def _cut(text: str, form: FlatLayout, name: str) -> str:
    field = form.field(name)
    return text[field.start - 1 : field.end].strip(" ")


def _client(text: str, form: FlatLayout) -> str:
    """The client id, of which older forms fill the first two places with zeros and begin two places later."""
    client = _cut(text, form, "client")
    if "client_padded" in form.names and client.startswith("00"):
        return _cut(text, form, "client_padded")
    return client


def _day(text: str) -> date | None:
    """MMDDYY as a day of this century, or of the last beyond the pivot."""
    if len(text) != 6 or not text.isdecimal() or not text.isascii():
        return None
    year = int(text[4:])
    try:
        return date(year + (2000 if year <= _PIVOT else 1900), int(text[:2]), int(text[2:4]))
    except ValueError:
        return None
