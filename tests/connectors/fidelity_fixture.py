"""NFS transmissions put together from places of the published page, for one test at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from connectors.adapter import ParsedFile
from connectors.custodians.fidelity.adapter import ADAPTER
from tests.connectors.golden import ROOT, parsed

FIDELITY = ROOT / "custodians" / "fidelity"
CLIENT = "123"
DAY = "20220105"

# Kind: stem of the file's name, length of a line, title.
FORMS: Mapping[str, tuple[str, int, str]] = {
    "NABASE": ("NABASE", 700, "NAME/ADDR HISTORY"),
    "POSIT": ("POSITFULL", 1100, "POSITION EXTRACT"),
    "POSITD": ("POSITD", 1100, "POSITION DELTA E"),
    "BOOKKEEP": ("ACTVYD", 1300, "BOOKKEEPING"),
    "ACCTBAL": ("ACCTBALD", 1500, "ACCOUNT BALANCE"),
    "SECMAST": ("SECMAST", 1300, "SECURITY MASTER"),
    "TLAOPEN": ("TLAOPENDELTA", 1000, "TASOPEN"),
    "TLACLOSED": ("TLACLOSEDDELTA", 1000, "TASCLOS"),
    "TRDREV": ("TRDREV", 1600, "TRADE AND REVENUE"),
}


def placed(length: int, at: Mapping[int, str]) -> str:
    """A line of blanks with texts at 1-based places."""
    line = [" "] * length
    for start, text in at.items():
        assert start + len(text) - 1 <= length, start
        line[start - 1 : start - 1 + len(text)] = text
    return "".join(line)


def header(kind: str, **changes: str) -> str:
    _, length, title = FORMS[kind]
    return placed(
        length,
        {1: "H", 2: changes.get("client", CLIENT), 22: "FIDELITY SYSTEMS", 42: changes.get("title", title),
         63: changes.get("created", "010522")},
    )  # fmt: skip


def trailer(kind: str, lines: int, logical: int) -> str:
    place = 42 if kind == "TRDREV" else 41
    return placed(FORMS[kind][1], {1: "T", 22: f"{lines:015d}", place: f"{logical:015d}"})


def name_of(kind: str) -> str:
    return f"{CLIENT}_WNX_{FORMS[kind][0]}_{DAY}.DAT"


def transmission(folder: Path, kind: str, details: Sequence[str], **changes: str | int | None) -> Path:
    """A file of 5 January 2022. ``changes``: name, header, trailer, logical, end; None leaves header or trailer out."""
    logical = changes.get("logical", len(details))
    first = changes.get("header", header(kind))
    last = changes.get("trailer", trailer(kind, len(details) + 2, int(logical or 0)))
    end = str(changes.get("end", "\r\n"))
    path = folder / str(changes.get("name", name_of(kind)))
    lines = [str(line) for line in (first, *details, last) if line is not None]
    path.write_bytes("".join(f"{line}{end}" for line in lines).encode("cp1252"))
    return path


def read(path: Path, clients: Sequence[str] = (CLIENT,)) -> ParsedFile:
    return parsed(ADAPTER, path, clients)


def position(changes: Mapping[int, str] | None = None) -> str:
    """42.5 shares of a stock in cash, priced 174.92."""
    base = {
        1: "D", 3: "0001", 7: "X10000001", 16: "1", 19: "037833100", 29: "S ", 50: "AAPL",
        59: "000000174920000000+", 78: "000000000004250000+", 105: "000000000004250000+",
        546: "00000000", 569: "00000000000743410+", 587: "0000000000", 597: "+000000174920000000",
        616: "+0000000000", 706: "000000000000000000+", 869: "US0378331005", 899: "USD", 936: "20220105",
    }  # fmt: skip
    return placed(1100, base | dict(changes or {}))


def entry(changes: Mapping[int, str] | None = None) -> str:
    """A buy of ten shares at 100 with a commission of 4.95."""
    base = {
        1: "D", 2: "X10000001", 11: "1", 12: "037833100", 21: "01BOT", 26: "000001", 32: "20220105", 40: "20220107",
        49: "0000001000000+", 63: "00000100495-", 268: "20220105", 326: "B", 434: "000000100000000000+",
        718: "000000000001000000+", 737: "0000000100495-", 751: "0000000100000+", 765: "0000000000000+",
        779: "0000000000495+", 868: "US0378331005", 898: "USD",
    }  # fmt: skip
    return placed(1300, base | dict(changes or {}))


def balance(changes: Mapping[int, str] | None = None) -> str:
    """1 200 by trade date, 1 234.56 settled."""
    base = {
        1: "D", 2: "X10000001", 11: "220105", 71: "+00000000000120000", 562: "1", 563: "+00000000000743410",
        581: "+00000000000120000", 599: "+00000000000123456", 1157: "+00000000000123456",
        1229: "+00000000000000000", 1247: "+00000000000000000",
    }  # fmt: skip
    return placed(1500, base | dict(changes or {}))


def security(changes: Mapping[int, str] | None = None) -> str:
    base = {
        1: "D1", 4: "037833100", 13: "AAPL", 22: "S ", 24: "APPLE INC", 156: "USD", 159: "US0378331005", 202: "US",
        385: "0000000000", 473: "000000174920000000", 491: "20220105", 499: "+000000174920000000",
        518: "+000000174920000000", 575: "+0000000000",
    }  # fmt: skip
    return placed(1300, base | dict(changes or {}))


def open_lot(changes: Mapping[int, str] | None = None) -> str:
    """Ten shares bought for 1 004.95 on 5 January 2021."""
    base = {
        1: "D", 2: "A", 3: "X10000001", 12: "1", 13: "037833100", 173: "000000000001000000+",
        210: "00000000000100495+", 228: "00000000000074425+", 247: "20210105", 257: "N", 258: "L", 385: "Y",
        440: "LOT-1", 474: "NNN",
    }  # fmt: skip
    return placed(1000, base | dict(changes or {}))


def closed_lot(changes: Mapping[int, str] | None = None) -> str:
    base = {
        1: "D", 2: "A", 3: "X10000001", 12: "1", 13: "037833100", 154: "000000000000400000+",
        173: "00000000000068000+", 191: "00000000000040198+", 209: "00000000000027802+", 227: "00000000000000000+",
        245: "20210105", 253: "20220105", 269: "S", 270: "L", 271: "N", 272: "Y", 274: "LOT-1", 308: "LOT-1/1",
        374: "N",
    }  # fmt: skip
    return placed(1000, base | dict(changes or {}))


def revenue(changes: Mapping[int, str] | None = None) -> str:
    """A trade of 1 000 with commission 4.95, concession 1.00 and clearing 0.50."""
    base = {
        1: "D", 2: "X10000001", 29: "+00000000100000", 44: "+00000000000495", 59: "+00000000000100",
        74: "+00000000000050",
    }  # fmt: skip
    return placed(1600, base | dict(changes or {}))


def revenue_trailer(lines: int, principal: str, commission: str, concession: str, clearing: str) -> str:
    return placed(
        1600,
        {1: "T", 2: principal, 22: f"{lines:015d}", 42: f"{lines - 2:015d}", 57: commission, 72: concession,
         87: clearing},
    )  # fmt: skip
