"""Small Flex statements built for one test, and reading them with the laws checked that hold for every file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from connectors.custodians.ibflex.adapter import ACTIVITY, ADAPTER
from contracts.feed import FEEDS, FeedReject

FOLDER = Path(__file__).resolve().parents[2] / "connectors" / "custodians" / "ibflex"
STOCK = {"assetCategory": "STK", "symbol": "EXA", "conid": "1001"}
TRADE = {
    **STOCK, "currency": "USD", "tradeID": "71", "transactionID": "601", "tradeDate": "2022-01-04",
    "settleDateTarget": "2022-01-06", "transactionType": "ExchTrade", "quantity": "10", "tradePrice": "100",
    "proceeds": "-1000", "taxes": "0", "ibCommission": "-1", "ibCommissionCurrency": "USD", "netCash": "-1001",
    "openCloseIndicator": "O", "notes": "", "buySell": "BUY", "levelOfDetail": "EXECUTION",
}  # fmt: skip
POSITION = {
    **STOCK, "currency": "USD", "reportDate": "2022-01-05", "position": "10", "markPrice": "100",
    "positionValue": "1000", "side": "Long", "levelOfDetail": "SUMMARY",
}  # fmt: skip
CASH = {
    **STOCK, "currency": "USD", "dateTime": "2022-01-04;202000", "amount": "5", "type": "Dividends",
    "transactionID": "701",
}  # fmt: skip


def connection(masters: Sequence[str] = (), codes: Mapping[str, Path] | None = None) -> Connection:
    return Connection(
        connection_id="feed", adapter="ibflex", transport=LocalTransport(path=Path()), master_accounts=tuple(masters),
        codes=dict(codes or {}),
    )  # fmt: skip


def element(name: str, base: Mapping[str, str] | None = None, **changes: str | None) -> str:
    """An element on a line of its own; an attribute that is changed to None is left out."""
    attributes = {key: text for key, text in {**(base or {}), **changes}.items() if text is not None}
    return f"<{name} {' '.join(f'{key}={quoteattr(text)}' for key, text in attributes.items())} />\n"


def statement(*elements: str, account: str = "U1", first: str = "2022-01-05", last: str = "2022-01-05") -> str:
    head = f'<FlexStatement accountId="{account}" fromDate="{first}" toDate="{last}" period="">\n'
    return head + "".join(elements) + "</FlexStatement>\n"


def document(*statements: str, count: int | None = None, kind: str = "AF") -> str:
    return (
        f'<FlexQueryResponse queryName="q" type="{kind}">\n<FlexStatements count="{count or len(statements)}">\n'
        + "".join(statements)
        + "</FlexStatements>\n</FlexQueryResponse>\n"
    )


def parse(
    folder: Path,
    content: bytes | str,
    masters: Sequence[str] = (),
    codes: Mapping[str, Path] | None = None,
) -> ParsedFile:
    path = folder / "q_20220105.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read(path, masters, codes)


def read(path: Path, masters: Sequence[str] = (), codes: Mapping[str, Path] | None = None) -> ParsedFile:
    result = ADAPTER.parse(RawFile(path, path.name, ACTIVITY), connection(masters, codes))
    for table, frame in result.frames.items():
        FEEDS[table].validate(frame)
    FeedReject.validate(result.rejects)
    assert 0 <= result.quarantined_count <= result.record_count
    assert (result.quarantined_count == 0) == result.rejects.is_empty()
    assert not result.rejects.select("source_line", "reason", "field_name").is_duplicated().any()
    return result


def parse_elements(folder: Path, *elements: str) -> ParsedFile:
    return parse(folder, document(statement(*elements)))


def rows(result: ParsedFile, table: str = "transaction") -> list[dict[str, Any]]:
    return result.frames[f"canonical.{table}"].to_dicts()


def only(result: ParsedFile, table: str = "transaction") -> dict[str, Any]:
    assert result.rejects.to_dicts() == []
    [row] = rows(result, table)
    return row


def reasons(result: ParsedFile) -> list[tuple[int, str, str]]:
    found = result.rejects.select("source_line", "reason", "field_name").rows()
    return [(line, str(reason), field) for line, reason, field in found]
