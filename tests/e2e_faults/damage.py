"""What goes wrong with delivered files, each with the reason and the line that must be named for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from simulation import broken_files as broken
from simulation.delivery import Delivery
from simulation.faults import FileFault
from simulation.writers.schwab_layouts import RPS_POSITION, TRN, span

Line = Callable[[bytes], int]


def first_line(content: bytes) -> int:
    return 1


def no_line(content: bytes) -> int:
    return 0


def last_line(content: bytes) -> int:
    """The trailer, or whatever stands last."""
    return len(content.splitlines())


def added_line(content: bytes) -> int:
    """The record before the trailer: the one that was added."""
    return last_line(content) - 1


def replaced(line: str, where: slice, text: str) -> str:
    width = where.stop - where.start
    return line[: where.start] + text.ljust(width)[:width] + line[where.stop :]


@dataclass(frozen=True)
class WrongBusinessDay(broken.WholeFileFault):
    """The file of another day under this day's name."""

    slug: ClassVar[str] = "wrong_business_day"

    def spoilt(self, content: bytes) -> bytes:
        return content.replace(f"{self.business_date:%Y%m%d}".encode(), b"20221101")


@dataclass(frozen=True)
class DuplicateRow(broken.AddedRecord):
    """A holding that is stated twice."""

    slug: ClassVar[str] = "duplicate_row"

    def spoilt(self, line: str) -> str:
        return line


@dataclass(frozen=True)
class UnmatchedCancel(broken.AddedRecord):
    """A cancel of a booking that never was."""

    slug: ClassVar[str] = "unmatched_cancel"

    def spoilt(self, line: str) -> str:
        line = replaced(line, span(TRN, "cancel_code"), "Y")
        return replaced(line, span(TRN, "net_amount"), "77777.00000".rjust(17))


@dataclass(frozen=True)
class AmbiguousSecurity(broken.AddedRecord):
    """A holding with the CUSIP of one security and the ISIN of another."""

    other_isin: str = ""
    slug: ClassVar[str] = "ambiguous_security"

    def spoilt(self, line: str) -> str:
        return replaced(line, span(RPS_POSITION, "isin"), self.other_isin)


@dataclass(frozen=True)
class Case:
    """A fault, and what must be said of it.

    Attributes:
        fault: where and how it strikes.
        reason: the code that must be in quarantine.
        line: from the delivered content to the line that must be named; None: any line.
        blocks: whether nothing of the file is taken.
        disposition: quarantined, or flagged where the row is kept and not booked.
    """

    fault: FileFault
    reason: str
    line: Line | None
    blocks: bool
    disposition: str = "quarantined"

    @property
    def name(self) -> str:
        fault = self.fault
        return f"{fault.slug}-{fault.connection}-{fault.kind}-{fault.business_date:%m%d}"

    def delivery(self, deliveries: list[Delivery]) -> Delivery:
        """The one that this fault made or changed."""
        fault = self.fault
        (found,) = (
            d for d in deliveries
            if d.fault == fault.slug
            and (d.tenant, d.connection, d.kind, d.business_date)
            == (fault.tenant, fault.connection, fault.kind, fault.business_date)
        )  # fmt: skip
        return found


def _day(number: int) -> date:
    return date(2022, 11, number)


def cases(other_isin: str) -> list[Case]:
    """Faults at twelve business days of November 2022; ``other_isin`` is of a security not held first."""

    def schwab(kind: str, number: int) -> tuple[str, str, str, date]:
        return "alder", "schwab_main", kind, _day(number)

    def shared(connection: str, kind: str, number: int) -> tuple[str, str, str, date]:
        return "_shared", connection, kind, _day(number)

    def statement(number: int) -> tuple[str, str, str, date]:
        return "alder", "ofx_direct", "OFX", _day(number)

    whole = [
        Case(broken.TruncatedFile(*schwab("TRN", 2)), "truncated_file", last_line, True),
        Case(broken.WrongTrailerCount(*schwab("RPS", 2)), "trailer_mismatch", last_line, True),
        Case(broken.WrongEncoding(*schwab("TRN", 3)), "wrong_encoding", first_line, True),
        Case(broken.BinaryRubbish(*schwab("SEC", 3)), "binary_content", None, True),
        Case(broken.EmptyFile(*schwab("TRN", 4)), "empty_file", no_line, True),
        Case(WrongBusinessDay(*schwab("TRN", 7)), "wrong_business_date", first_line, True),
        Case(broken.WrongEncoding(*statement(4)), "wrong_encoding", first_line, True),
        Case(broken.TruncatedFile(*statement(11)), "truncated_file", None, True),
        Case(broken.BinaryRubbish(*statement(18)), "binary_content", None, True),
        Case(broken.BinaryRubbish(*shared("ecb", "DAILY", 8)), "binary_content", None, True),
        Case(broken.EmptyFile(*shared("ecb", "DAILY", 9)), "empty_file", no_line, True),
        Case(broken.TruncatedFile(*shared("closing_prices", "PRICES", 10)), "truncated_file", last_line, True),
        Case(broken.WrongTrailerCount(*shared("closing_prices", "PRICES", 14)), "trailer_mismatch", last_line, True),
    ]
    records = [
        Case(broken.UnknownRecordType(*schwab("RPS", 7)), "unknown_record_type", added_line, False),
        Case(broken.UnknownSecurity(*schwab("TRN", 8)), "unknown_security", added_line, False),
        Case(broken.ImpossibleDate(*schwab("TRN", 9)), "impossible_date", added_line, False),
        Case(broken.UnparsableNumber(*schwab("RPS", 9)), "unparsable_number", added_line, False),
        Case(broken.ForeignAccount(*schwab("TRN", 10)), "foreign_account", added_line, False),
        Case(DuplicateRow(*schwab("RPS", 10)), "duplicate_key", added_line, False),
        Case(UnmatchedCancel(*schwab("TRN", 11)), "unmatched_cancel", added_line, False, "flagged"),
        Case(AmbiguousSecurity(*schwab("RPS", 14), other_isin), "ambiguous_security", added_line, False),
        Case(broken.UnknownSecurity(*schwab("RPS", 15)), "unknown_security", added_line, False),
        Case(broken.UnparsableNumber(*schwab("SEC", 15)), "unparsable_number", added_line, False),
    ]
    beside = [
        Case(broken.ZipBomb(*schwab("TRN", 14)), "archive_bomb", no_line, True),
        Case(broken.PathTraversal(*schwab("TRN", 15)), "unsafe_path", no_line, True),
    ]
    return [*whole, *records, *beside]
