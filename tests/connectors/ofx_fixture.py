"""Small OFX statements built for one test, and reading them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from connectors.custodians.ofx.adapter import ADAPTER, STATEMENT
from contracts.feed import FEEDS, FeedReject

FOLDER = Path(__file__).resolve().parents[2] / "connectors" / "custodians" / "ofx"
SAMPLES = ("checking", "fidelity", "investment_medium", "td_ameritrade")
SGML_HEADER = (
    "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nSECURITY:NONE\nENCODING:USASCII\nCHARSET:1252\n"
    "COMPRESSION:NONE\nOLDFILEUID:NONE\nNEWFILEUID:NONE\n\n"
)
XML_HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)
STATUS_OK = "<STATUS><CODE>0<SEVERITY>INFO</STATUS>"
SIGN_ON = f"<SIGNONMSGSRSV1><SONRS>{STATUS_OK}<DTSERVER>20220105</SONRS></SIGNONMSGSRSV1>\n"
INTEL = "<SECID><UNIQUEID>458140100<UNIQUEIDTYPE>CUSIP</SECID>"


def connection(masters: Sequence[str] = ()) -> Connection:
    transport = LocalTransport(path=Path())
    return Connection(connection_id="feed", adapter="ofx", transport=transport, master_accounts=tuple(masters))


def parse(folder: Path, content: bytes | str, masters: Sequence[str] = (), name: str = "statement.ofx") -> ParsedFile:
    """What the connector makes of the bytes, with the laws checked that hold for every file."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    result = ADAPTER.parse(RawFile(path, name, STATEMENT), connection(masters))
    for table, frame in result.frames.items():
        FEEDS[table].validate(frame)
    FeedReject.validate(result.rejects)
    assert 0 <= result.quarantined_count <= result.record_count
    assert result.quarantined_count == 0 or not result.rejects.is_empty()
    assert not result.rejects.select("source_line", "reason", "field_name").is_duplicated().any()
    return result


def investment(
    transactions: str = "", *, positions: str = "", balances: str = "", account: str = "A1", extra: str = ""
) -> str:
    """An SGML investment statement of 5 January 2022 with the given inner elements; ``extra`` follows the statement."""
    return (
        SGML_HEADER
        + "<OFX>\n"
        + SIGN_ON
        + investment_set(transactions, positions, balances, account)
        + extra
        + "</OFX>"
    )


def investment_set(transactions: str, positions: str = "", balances: str = "", account: str = "A1") -> str:
    return (
        f"<INVSTMTMSGSRSV1><INVSTMTTRNRS><TRNUID>0{STATUS_OK}<INVSTMTRS><DTASOF>20220105160000<CURDEF>USD"
        f"<INVACCTFROM><BROKERID>broker.example<ACCTID>{account}</INVACCTFROM>\n"
        f"<INVTRANLIST><DTSTART>20220101<DTEND>20220105{transactions}</INVTRANLIST>\n"
        f"<INVPOSLIST>{positions}</INVPOSLIST>\n{balances}"
        "</INVSTMTRS></INVSTMTTRNRS></INVSTMTMSGSRSV1>\n"
    )


def bank(transactions: str, balance: str = "") -> str:
    return (
        f"{SGML_HEADER}<OFX>{SIGN_ON}<BANKMSGSRSV1><STMTTRNRS><TRNUID>0{STATUS_OK}<STMTRS><CURDEF>USD"
        "<BANKACCTFROM><BANKID>1<ACCTID>B1<ACCTTYPE>SAVINGS</BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>20220101<DTEND>20220105{transactions}</BANKTRANLIST>{balance}"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


def head(fitid: str = "F1", more: str = "") -> str:
    return f"<INVTRAN><FITID>{fitid}<DTTRADE>20220104<DTSETTLE>20220106{more}</INVTRAN>"


def buy(fitid: str = "F1", *, units: str = "10", total: str = "-1005", kind: str = "BUY", more: str = "") -> str:
    return (
        f"\n<BUYSTOCK><INVBUY>{head(fitid)}{INTEL}<UNITS>{units}<UNITPRICE>100<COMMISSION>5<TOTAL>{total}{more}"
        f"</INVBUY><BUYTYPE>{kind}</BUYSTOCK>"
    )


def position(
    units: str = "10", side: str = "LONG", *, security: str = INTEL, price: str = "100", more: str = ""
) -> str:
    return (
        f"\n<POSSTOCK><INVPOS>{security}<HELDINACCT>CASH<POSTYPE>{side}<UNITS>{units}<UNITPRICE>{price}<MKTVAL>1000"
        f"<DTPRICEASOF>20220104{more}</INVPOS></POSSTOCK>"
    )


def stmttrn(kind: str, amount: str, *, name: str = "", more: str = "") -> str:
    return (
        f"<STMTTRN><TRNTYPE>{kind}<DTPOSTED>20220104120000<TRNAMT>{amount}<FITID>B1"
        f"{f'<NAME>{name}' if name else ''}{more}</STMTTRN>"
    )


def rows(result: ParsedFile, table: str = "transaction") -> list[dict[str, Any]]:
    return result.frames[f"canonical.{table}"].to_dicts()


def only(result: ParsedFile, table: str = "transaction") -> dict[str, Any]:
    assert result.rejects.to_dicts() == []
    [row] = rows(result, table)
    return row


def reasons(result: ParsedFile) -> list[tuple[int, str, str]]:
    found = result.rejects.select("source_line", "reason", "field_name").rows()
    return [(line, str(reason), field) for line, reason, field in found]


def as_xml(sgml: str) -> str:
    """The SGML document in the spelling of OFX 2: header replaced, every leaf closed; its lines stay where they are."""
    body = sgml[sgml.index("<OFX>") :]
    closed = re.sub(r"<([A-Z][A-Z0-9.]*)>([^<\s][^<]*?)(\s*)(?=<)(?!</\1>)", r"<\1>\2</\1>\3", body)
    return XML_HEADER + "\n" * (sgml[: sgml.index("<OFX>")].count("\n") - XML_HEADER.count("\n")) + closed
