"""Small SWIFT messages built for one test, and reading them with the laws checked that hold for every file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from connectors.custodians.swift.adapter import ADAPTER
from contracts.feed import FEEDS, FeedReject

FOLDER = Path(__file__).resolve().parents[2] / "connectors" / "custodians" / "swift"
SAMPLES = (
    "mt535_20220105.fin", "mt536_20220105.fin", "mt940_20220105.sta",
    "mt535_header_only.txt", "mt564_dividend.txt", "mt940_cmxl.sta", "mt940_generic.sta",
)  # fmt: skip
APPLE = "ISIN US0378331005\nAPPLE INC"


def connection(masters: tuple[str, ...] = (), codes: Mapping[str, Path] | None = None) -> Connection:
    return Connection(
        connection_id="feed", adapter="swift", transport=LocalTransport(path=Path()), master_accounts=masters,
        codes=dict(codes or {}),
    )  # fmt: skip


def parse(
    folder: Path,
    content: bytes | str,
    name: str = "swift_20220105.fin",
    masters: tuple[str, ...] = (),
    codes: Mapping[str, Path] | None = None,
) -> ParsedFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = ADAPTER.kind_of(name)
    assert found is not None
    result = ADAPTER.parse(RawFile(path, name, *found), connection(masters, codes))
    keeps_the_law(result)
    return result


def keeps_the_law(result: ParsedFile) -> None:
    """A record is taken or held back, never both; what is held back is counted; descriptions are no records.

    Holdings of one security in parts of an account are one row, so that fewer lines may be in rows than were taken.
    """
    taken: set[int] = set()
    for table, frame in result.frames.items():
        FEEDS[table].validate(frame)
        if table not in ("canonical.account", "canonical.security", "canonical.price"):
            taken |= set(frame["source_line"].to_list())
    FeedReject.validate(result.rejects)
    held = set(result.rejects["source_line"].to_list())
    assert not taken & held
    assert result.quarantined_count == len(held)
    assert len(taken) <= result.record_count - result.quarantined_count
    assert not result.rejects.select("source_line", "reason", "field_name").is_duplicated().any()


def message(number: int, text: str, *, end: str = "-}{5:{CHK:0A0B0C0D0E0F}}\n") -> str:
    head = f"{{1:F01NEXUQZ2AXXXX0001000001}}{{2:O{number}0600220106MERIQZ2AXXXX00010000012201060600N}}{{4:\n"
    return head + text.strip("\n") + "\n" + end


def general(account: str = "A1", *, page: str = "1/ONLY", function: str = "NEWM", more: str = "") -> str:
    return (
        f":16R:GENL\n:28E:{page}\n:23G:{function}\n:98A::STAT//20220105\n:97A::SAFE//{account}\n"
        f"{more}{'' if not more or more.endswith(chr(10)) else chr(10)}:16S:GENL\n"
    )


def holding(
    quantity: str = "UNIT/10,", *, security: str = APPLE, more: str = ":90B::MRKT//ACTU/USD5,\n:19A::HOLD//USD50,"
) -> str:
    return f":16R:FIN\n:35B:{security}\n:93B::AGGR//{quantity}\n{more}\n:16S:FIN\n"


def holdings(*blocks: str, account: str = "A1", page: str = "1/ONLY", more: str = "", totals: str = "") -> str:
    ends = f":16R:ADDINFO\n{totals}\n:16S:ADDINFO\n" if totals else ""
    return message(535, general(account, page=page, more=more) + "".join(blocks) + ends)


def movement(more: str = "", *, changes: Mapping[str, str] | None = None) -> str:
    """A purchase of 10 for 50; ``changes`` sets other values by tag and qualifier, "" leaves a field out."""
    values = {
        "36B::PSTA": "UNIT/10,", "19A::PSTA": "USD50,", "22F::TRAN": "SETT", "22H::REDE": "RECE", "22H::PAYM": "APMT",
        "98A::ESET": "20220105",
    } | dict(changes or {})  # fmt: skip
    details = "".join(f":{name}//{value}\n" for name, value in values.items() if value)
    return f":16R:TRAN\n:16R:TRANSDET\n{details}{more}:16S:TRANSDET\n:16S:TRAN\n"


def movements(*moves: str, account: str = "A1", function: str = "NEWM", security: str = APPLE, more: str = "") -> str:
    block = f":16R:FIN\n:35B:{security}\n{''.join(moves)}:16S:FIN\n"
    return message(536, general(account, function=function, more=more) + block)


def cash(*entries: str, opening: str = "C220104EUR100,", closing: str, account: str = "A1", kinds: str = "FF") -> str:
    body = "\n".join(entries) + ("\n" if entries else "")
    return f":20:X\n:25:{account}\n:28C:5/1\n:60{kinds[0]}:{opening}\n{body}:62{kinds[1]}:{closing}\n-\n"


def rows(result: ParsedFile, table: str = "transaction") -> list[dict[str, Any]]:
    return result.frames[f"canonical.{table}"].to_dicts()


def only(result: ParsedFile, table: str = "transaction") -> dict[str, Any]:
    [row] = rows(result, table)
    assert not result.rejects.height, result.rejects
    return row


def reasons(result: ParsedFile) -> list[tuple[int, str, str]]:
    found = result.rejects.select("source_line", "reason", "field_name").rows()
    return [(line, str(reason), field) for line, reason, field in found]
