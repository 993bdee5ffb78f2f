"""File faults that spoil the content of a delivered file: as a whole, or one record of it.

A file that is spoilt as a whole may be delivered again, undisturbed and under its name, some business days later
(``resent_after``). A spoilt record is always an added one, so that the truth stays as it is.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import ClassVar

from simulation.delivery import Delivery
from simulation.faults import FaultError, FileFault, rubbish
from simulation.market import Calendar
from simulation.writers.archive import zipped, zipped_repeat
from simulation.writers.schwab_layouts import RPS_POSITION, SEC, TRN, Layout, span

_EDITED: dict[str, tuple[Layout, str, str, str]] = {  # layout, a date, a number and the CUSIP of each kind's record
    "TRN": (TRN, "trade_date", "quantity", "cusip"),
    "RPS": (RPS_POSITION, "price_update_date", "quantity_settled_and_unsettled", "cusip"),
    "SEC": (SEC, "price_date", "closing_price", "cusip"),
}
_UNKNOWN = {
    "cusip": "888995ZZ3", "isin": "US888995ZZ39", "ticker": "NOSUCH", "industry_ticker": "NOSUCH", "sedol": "",
    "schwab_security_number": "1999999", "item_issue_id": "2999999999",
}  # fmt: skip


@dataclass(frozen=True)
class WholeFileFault(FileFault):
    """A file that is spoilt as a whole.

    Attributes:
        resent_after: business days until the undisturbed file follows under the same name; None: it never does.
    """

    resent_after: int | None = None
    truth: ClassVar[str] = "unaffected if resent; else the platform lacks the file's rows and must say so (blocked)"

    @abstractmethod
    def spoilt(self, content: bytes) -> bytes:
        """The content as delivered."""

    def delivered(self, delivery: Delivery, calendar: Calendar) -> list[Delivery]:
        """The spoilt file, and the sound one when it is resent."""
        made = [self.marked(delivery, self.spoilt(delivery.content))]
        if self.resent_after is not None:
            made.append(replace(delivery.later(calendar, self.resent_after, minutes=1), fault=self.slug))
        return made


@dataclass(frozen=True)
class TruncatedFile(WholeFileFault):
    """The transfer ended early: three fifths of the bytes, no trailer."""

    slug: ClassVar[str] = "truncated_file"

    def spoilt(self, content: bytes) -> bytes:
        """The first three fifths."""
        return content[: len(content) * 3 // 5]


@dataclass(frozen=True)
class WrongTrailerCount(WholeFileFault):
    """The trailer states one record more than there are (Schwab files and closing prices)."""

    slug: ClassVar[str] = "wrong_trailer_count"

    def spoilt(self, content: bytes) -> bytes:
        """The content with its trailer changed."""
        return _recounted(content, lambda count: count + 1)


@dataclass(frozen=True)
class WrongEncoding(WholeFileFault):
    """The text in UTF-16 instead of its own encoding; of a statement, which may be UTF-16, without the mark of it."""

    slug: ClassVar[str] = "wrong_encoding"

    def spoilt(self, content: bytes) -> bytes:
        """The content encoded again."""
        if content.startswith(b"PK"):
            raise FaultError("an archive is no text; choose another kind of file")
        text = content.decode("utf-8" if content.startswith(b"<?xml") else "cp1252")
        return text.encode("utf-16-le" if "OFXHEADER" in text[:200] else "utf-16")


@dataclass(frozen=True)
class BinaryRubbish(WholeFileFault):
    """Random bytes of about the file's length, at most 64 KiB."""

    slug: ClassVar[str] = "binary_rubbish"

    def spoilt(self, content: bytes) -> bytes:
        """The rubbish."""
        return rubbish(len(content), min(len(content), 64 * 1024))


@dataclass(frozen=True)
class EmptyFile(WholeFileFault):
    """No byte at all."""

    slug: ClassVar[str] = "empty_file"

    def spoilt(self, content: bytes) -> bytes:
        """Nothing."""
        return b""


@dataclass(frozen=True)
class Correction(FileFault):
    """The first delivery has a wrong number in its first record; the right file follows under the same name."""

    business_days: int = 1
    slug: ClassVar[str] = "correction"
    truth: ClassVar[str] = "unaffected once the correction is in: it replaces the first delivery as a whole"

    def delivered(self, delivery: Delivery, calendar: Calendar) -> list[Delivery]:
        """The wrong file and, later, the right one."""
        field = "net_amount" if self.kind == "TRN" else _edited(self.kind)[2]
        layout = _edited(self.kind)[0]
        lines = delivery.content.decode("cp1252").split("\r\n")
        place = _first_record(lines)
        where = span(layout, field)
        lines[place] = _with(lines[place], where, _one_more(lines[place][where]))
        wrong = self.marked(delivery, "\r\n".join(lines).encode("cp1252"))
        return [wrong, replace(delivery.later(calendar, self.business_days, minutes=1), fault=self.slug)]


@dataclass(frozen=True)
class AddedRecord(FileFault):
    """A Schwab file with one record more, a spoilt copy of its first data record, and a trailer that counts it."""

    truth: ClassVar[str] = "unaffected: the added record is quarantined, all others are taken"

    @abstractmethod
    def spoilt(self, line: str) -> str:
        """The copy as delivered."""

    def delivered(self, delivery: Delivery, calendar: Calendar) -> list[Delivery]:
        """The file with the record added before its trailer."""
        lines = delivery.content.decode("cp1252").split("\r\n")
        lines.insert(len(lines) - 2, self.spoilt(lines[_first_record(lines)]))
        content = _recounted("\r\n".join(lines).encode("cp1252"), lambda count: count + 1)
        return [self.marked(delivery, content)]


@dataclass(frozen=True)
class UnknownSecurity(AddedRecord):
    """A record whose security no file describes."""

    slug: ClassVar[str] = "unknown_security"

    def spoilt(self, line: str) -> str:
        """The record with other identifiers."""
        layout = _edited(self.kind)[0]
        for name, text in _UNKNOWN.items():
            line = _with(line, span(layout, name), text)
        return line


@dataclass(frozen=True)
class UnknownRecordType(AddedRecord):
    """A record of a type that the layout does not know."""

    slug: ClassVar[str] = "unknown_record_type"

    def spoilt(self, line: str) -> str:
        """The record as D9."""
        return f"D9{line[2:]}"


@dataclass(frozen=True)
class ImpossibleDate(AddedRecord):
    """A record dated 31 February."""

    slug: ClassVar[str] = "impossible_date"

    def spoilt(self, line: str) -> str:
        """The record with the date."""
        layout, name, _, _ = _edited(self.kind)
        return _with(line, span(layout, name), f"{self.business_date.year}0231")


@dataclass(frozen=True)
class UnparsableNumber(AddedRecord):
    """A record with letters in a number."""

    slug: ClassVar[str] = "unparsable_number"

    def spoilt(self, line: str) -> str:
        """The record with the number."""
        layout, _, name, _ = _edited(self.kind)
        return _with(line, span(layout, name), "12O.5OOOO".rjust(17))


@dataclass(frozen=True)
class ForeignAccount(AddedRecord):
    """A record under the master account of another tenant.

    Attributes:
        master_account: the other tenant's.
    """

    master_account: str = "08765432"
    slug: ClassVar[str] = "foreign_account"

    def spoilt(self, line: str) -> str:
        """The record with the other master account."""
        return _with(line, span(TRN, "master_account_number"), self.master_account.rjust(10))


@dataclass(frozen=True)
class ZipBomb(FileFault):
    """Beside the file, an archive that expands a thousandfold.

    Attributes:
        expanded_mib: size of what it holds.
    """

    expanded_mib: int = 64
    slug: ClassVar[str] = "zip_bomb"
    truth: ClassVar[str] = "unaffected: the archive is refused, the file beside it is taken"

    def delivered(self, delivery: Delivery, calendar: Calendar) -> list[Delivery]:
        """The file and the bomb."""
        content = zipped_repeat(_inner_name(delivery), b"0" * 1024 * 1024, self.expanded_mib, self.business_date)
        return [delivery, _beside(self, delivery, calendar, content)]


@dataclass(frozen=True)
class PathTraversal(FileFault):
    """Beside the file, an archive whose member is named to leave its folder."""

    slug: ClassVar[str] = "path_traversal"
    truth: ClassVar[str] = "unaffected: the archive is refused, nothing is written outside, the file beside it is taken"

    def delivered(self, delivery: Delivery, calendar: Calendar) -> list[Delivery]:
        """The file and the archive."""
        content = zipped(f"../../../{_inner_name(delivery)}", delivery.content, self.business_date)
        return [delivery, _beside(self, delivery, calendar, content)]


def _beside(fault: FileFault, delivery: Delivery, calendar: Calendar, content: bytes) -> Delivery:
    name = f"extra/{_inner_name(delivery)}.zip"
    return replace(delivery.later(calendar, 0, minutes=1), name=name, content=content, fault=fault.slug)


def _inner_name(delivery: Delivery) -> str:
    return PurePosixPath(delivery.name).name.removesuffix(".zip")


def _edited(kind: str) -> tuple[Layout, str, str, str]:
    if kind not in _EDITED:
        raise FaultError(f"records of kind {kind} cannot be spoilt; choose one of {sorted(_EDITED)}")
    return _EDITED[kind]


def _first_record(lines: list[str]) -> int:
    for place, line in enumerate(lines):
        if line.startswith("D1|"):
            return place
    raise FaultError("the file has no data record to start from; choose another day")


def _with(line: str, where: slice, text: str) -> str:
    width = where.stop - where.start
    return f"{line[: where.start]}{text.ljust(width)[:width]}{line[where.stop :]}"


def _one_more(number: str) -> str:
    whole, _, rest = number.strip().partition(".")
    return f"{int(whole) + 1}.{rest}".rjust(len(number))


def _recounted(content: bytes, count: Callable[[int], int]) -> bytes:
    """The content with the count of its trailer changed."""
    body = content.rstrip(b"\r\n")
    start = body.rfind(b"\n") + 1
    trailer, end = body[start:], content[len(body) :]
    if trailer.startswith(b"TR|"):
        fields = trailer.split(b"|")
        fields[4] = b"%010d" % count(int(fields[4]))
        return body[:start] + b"|".join(fields) + end
    if trailer.startswith(b"#TRAILER,"):
        return body[:start] + b"#TRAILER,%d" % count(int(trailer.removeprefix(b"#TRAILER,"))) + end
    raise FaultError("the file has no trailer")
