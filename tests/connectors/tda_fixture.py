"""Small Veo files for one test each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.tda.adapter import ADAPTER
from tests.connectors.golden import connection, keeps_the_law

FEED = connection("tda", ["REP"])


def veo(folder: Path, kind: str, rows: Sequence[str], feed: Connection = FEED, *, day: str = "220105") -> ParsedFile:
    """What is read of a file of these lines."""
    path = folder / f"REP {day}.{kind}"
    path.write_bytes("".join(f"{row}\n" for row in rows).encode("cp1252"))
    return read(path, feed)


def read(path: Path, feed: Connection = FEED) -> ParsedFile:
    found = ADAPTER.kind_of(path.name)
    assert found is not None
    result = ADAPTER.parse(RawFile(path, path.name, *found), feed)
    keeps_the_law(result)
    return result


def trn(**fields: str) -> str:
    """A TRN line: a sale of nothing in particular, with these fields of it changed."""
    values = {
        "rep": "REP", "file_date": "01/05/2022", "account": "900000001", "code": "SELL", "cancel": "N",
        "symbol": "AAPL", "security": "EQ", "trade": "01/05/2022", "quantity": "10", "net": "1000.00",
        "principal": "1000.00", "broker_fee": "0.00", "other_fee": "0.00", "settle": "01/07/2022", "other": "",
        "part": "C", "accrued": "0.00", "method": "", "comment": "",
    }  # fmt: skip
    return ",".join((values | fields).values())
