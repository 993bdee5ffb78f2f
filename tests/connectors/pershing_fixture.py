"""Small Pershing files for one test, put together by column, and the count law of files with lines that are not booked.

Columns are counted from one, as the published layouts count them; nothing here reads the connector's layouts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.pershing.adapter import ADAPTER
from connectors.errors import FeedFault
from contracts.feed import FEEDS, FeedReject
from contracts.vocabularies import FILE_REASONS
from tests.connectors.golden import ROOT, connection

PERSHING = ROOT / "custodians" / "pershing"
REMOTE = "0042"
ACCOUNT = "ABC123459"
TITLES = {
    "GCUS": ("GLOBAL CUST POS", 750), "GACT": ("GLOBAL ACTIVITY", 750), "GMON": ("GLOBAL MONEYLINE", 250),
    "ACCT": ("CUSTOMER ACCT INFO", 750), "ISCA": ("EXPANDED SEC DESC", 132), "GTDE": ("GLBL/DOMESTIC TRDS", 1250),
    "SINS": ("SCHEDULED INSTRU", 750),
}  # fmt: skip


def placed(length: int, *fields: tuple[int, str]) -> str:
    """A line of blanks with texts written at their first columns."""
    line = [" "] * length
    for start, text in fields:
        line[start - 1 : start - 1 + len(text)] = text
    return "".join(line)


def signed(number: int, sign: str = "+", digits: int = 18) -> str:
    return f"{number:0{digits}d}{sign}"


def sample_lines(name: str) -> list[str]:
    """All lines of a sample, header and trailer included."""
    return (PERSHING / "samples" / name).read_bytes().decode("cp1252").replace("\r", "").rstrip("\n").split("\n")


def framed(kind: str, rows: Sequence[str], day: str = "06/05/2018", flavour: str = "", count: int = -1) -> list[str]:
    """Header, rows and trailer of a form."""
    title, length = TITLES[kind]
    both = [(19, title), (37, " DATA OF  "), (47, day), (57, " TO REMOTE "), (68, REMOTE), (119, flavour)]
    total = f"{len(rows) if count < 0 else count:010d}"
    header = [(1, "BOF      PERSHING "), (72, " BEGINS HERE  "), (86, day), (97, "22:22:21"), (length, "A")]
    trailer = [
        (1, "EOF      PERSHING "),
        (72, " ENDS HERE. "),
        (84, "TOTAL DETAIL RECORDS: "),
        (106, total),
        (length, "Z"),
    ]
    return [placed(length, *header, *both), *rows, placed(length, *trailer, *both)]


def written(folder: Path, name: str, lines: Sequence[str], end: str = "\r\n") -> Path:
    path = folder / name
    path.write_bytes((end.join(lines) + end).encode("cp1252"))
    return path


def position(
    sequence: int, cusip: str, quantity: str, *fields: tuple[int, str], account_type: str = "1", indicator: str = "S"
) -> str:
    """A GCUS record A; ``quantity`` is 18 digits and a sign."""
    keys = (
        (1, "GCA"), (4, f"{sequence:08d}"), (12, ACCOUNT), (21, account_type), (22, cusip), (54, indicator),
        (55, "USD"), (74, quantity), (93, quantity), (662, "USD"), (665, signed(0)), (750, "X"),
    )  # fmt: skip
    return placed(750, *keys, *fields)


def activity(sequence: int, code: str, net: str, *fields: tuple[int, str]) -> str:
    """A GACT record A of a bookkeeping entry; ``net`` is 18 digits and a sign."""
    keys = (
        (1, "GAA"), (4, f"{sequence:08d}"), (12, ACCOUNT), (21, "1"), (73, code), (82, "20180605"), (90, "20180605"),
        (98, "20180607"), (146, signed(0)), (192, net), (750, "X"),
    )  # fmt: skip
    return placed(750, *keys, *fields)


def behind(record: str, *fields: tuple[int, str]) -> str:
    """A record B of the same sequence id, account and account type as a record A."""
    return placed(750, (1, record[:2] + "B"), (4, record[3:21]), (750, "X"), *fields)


def positions_file(folder: Path, rows: Sequence[str], flavour: str = "REFRESHED") -> Path:
    return written(folder, "20180605.GCUS", framed("GCUS", rows, flavour=flavour))


def activity_file(folder: Path, rows: Sequence[str]) -> Path:
    return written(folder, "20180605.GACT", framed("GACT", rows))


def parsed(path: Path, own: Connection | None = None) -> ParsedFile:
    found = ADAPTER.kind_of(path.name)
    assert found is not None, path.name
    kind, day = found
    result = ADAPTER.parse(RawFile(path, path.name, kind, day), own or connection("pershing", (REMOTE,)))
    keeps_the_law(path, kind.name, result)
    return result


def parsed_or_refused(path: Path) -> ParsedFile | FeedFault:
    try:
        return parsed(path)
    except FeedFault as fault:
        if fault.reason not in FILE_REASONS or not fault.detail:
            raise
        return fault


def keeps_the_law(path: Path, kind: str, result: ParsedFile) -> None:
    """Every logical record is taken or held back, never both; taken without a row are those that are not booked."""
    taken: set[int] = set()
    for name, frame in result.frames.items():
        FEEDS[name].validate(frame)
        taken |= set(frame["source_line"].to_list())
    FeedReject.validate(result.rejects)
    held = set(result.rejects["source_line"].to_list())
    records = _records(path, kind)
    assert not taken & held
    assert result.quarantined_count == len(held)
    assert result.record_count == len(records)
    assert taken | held <= set(records)
    assert all(_is_not_booked(kind, records[line]) for line in records.keys() - taken - held)


def _records(path: Path, kind: str) -> dict[int, str]:
    """First line of each logical record to its text, told from the bytes alone."""
    letter, sequence, owner = ((0, 1), (1, 7), (7, 16)) if kind == "ISCA" else ((2, 3), (3, 11), (11, 20))
    found: dict[int, str] = {}
    before = None
    for number, raw in enumerate(path.read_bytes().decode("cp1252").split("\n"), 1):
        text = raw.rstrip("\r\x1a")
        words = text.split(None, 2)
        if not text.strip(" ") or (words[:2] in (["BOF", "PERSHING"], ["EOF", "PERSHING"]) and text[0] in "BE"):
            continue
        key = tuple(text[start:end].strip(" ") for start, end in (sequence, owner))
        if text[slice(*letter)] == "A" or key != before or kind in ("GTDE", "CHKF", "SINS", "GSDE"):
            found[number] = text
        before = key
    return found


def _is_not_booked(kind: str, text: str) -> bool:
    if kind == "GACT":  # the settlement-date version of a trade
        return text[69:70] == "S"
    if kind == "GCUS":  # dollars, or a part that was added to another line
        return text[53:54] == "C" or text[20:21] in set("045678")
    return kind in ("GTDE", "GSDE", "CHKF", "SINS")
