"""FactSet's content interfaces: prices as traded, evaluated bond prices, corporate actions; answers as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.formats.json_pages import read_pages
from connectors.formats.named_columns import json_rows
from connectors.formats.rejects import ordered
from connectors.market_data.factset.records import taken_actions, taken_prices
from connectors.market_data.factset.requests import extractions
from connectors.market_data.factset.tables import CODES, LAYOUTS, names

AS_TRADED: Final = "UNSPLIT"
_DAY: Final = r"_(?P<date>\d{8})(?:_\d+)?\.json"


def _kind(
    name: str, pattern: str, title: str, record: str, *, is_expected: bool = False, replaces: bool = True
) -> FileKind:
    return FileKind(
        name, re.compile(pattern), is_refresh=False, is_expected=is_expected, title=title, records=(record,),
        is_replaceable=replaces,
    )  # fmt: skip


KINDS: Final = (
    _kind("PRICES", rf"prices_unsplit{_DAY}", "closing prices as traded", "price", is_expected=True),
    _kind("ADJUSTED", rf"prices(?:_split|_split_spinoff)?{_DAY}", "prices adjusted for splits: refused", "price"),
    _kind("BONDS", rf"bond_prices{_DAY}", "evaluated prices of bonds", "evaluated"),
    _kind("ACTIONS", rf"corporate_actions{_DAY}", "corporate actions", "action", replaces=False),
)


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The records of one answer; a record is a member of ``data``, over all pages.

    Raises:
        FeedFault: malformed_document (an error document, a batch that is not done, no ``data``, or prices that are
            adjusted for splits: the vendor restates them after every split), and those of
            ``connectors.formats.json_pages``.
    """
    pages = read_pages(file.path)
    records: list[Any] = []
    for number, page in enumerate(pages, 1):
        records.extend(_data(page, number))
    _require_as_traded(file, pages, records)
    record = file.kind.records[0]
    rows, checks = json_rows(records, names(record))
    if record == "action":
        taken = taken_actions(rows, checks, connection)
    else:
        taken = taken_prices(rows, checks, connection, file.business_date)
    held = ordered(taken.rejects)
    return ParsedFile(
        taken.frames,
        held,
        record_count=len(records),
        quarantined_count=held["source_line"].n_unique(),
        business_date=file.business_date or _newest(taken.frames),
    )


def _data(page: Mapping[str, Any], line: int) -> list[Any]:
    found = page.get("data")
    if isinstance(found, list):
        return found
    if isinstance(found, dict) and "status" in found:
        detail = "the answer is the state of a batch and not its result. Ask for the result."
    elif "status" in page or "errors" in page or "subErrors" in page:
        detail = "the service answered with an error instead of data."
    else:
        detail = "a page has no list called data."
    raise FeedFault("malformed_document", detail, line=line)


def _require_as_traded(file: RawFile, pages: list[Mapping[str, Any]], records: list[Any]) -> None:
    told = {page["meta"].get("adjust") for page in pages if isinstance(page.get("meta"), dict)}
    told |= {record.get("adjust") for record in records if isinstance(record, dict)}
    if file.kind.name == "ADJUSTED" or any(isinstance(word, str) and word != AS_TRADED for word in told if word):
        detail = (
            "the prices are adjusted for splits, and restated after every split: they would change the past. "
            "Ask with adjust UNSPLIT, as this connector's requests do."
        )
        raise FeedFault("malformed_document", detail, record_count=len(records))


def _newest(frames: Mapping[str, pl.DataFrame]) -> Any:
    frame = frames.get("canonical.price")
    return frame["price_date"].max() if frame is not None and frame.height else None


def sniff(head: str) -> str | None:
    """The kind of an answer, by the members of its first record."""
    if '"requestId"' not in head and '"fsymId"' not in head:
        return None
    if '"eventId"' in head:
        return "ACTIONS"
    return "BONDS" if "MidPrice" in head else "PRICES" if '"price"' in head else None


ADAPTER: Final = Adapter(
    slug="factset",
    market="market_data",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="FactSet prices and corporate actions",
    confidence="prices and evaluated bond prices DOC; members of corporate actions MEM",
    cut_off="06:00 America/New_York",
    secrets=("password",),
    has_shared_lines=True,
    completeness="a JSON document that is whole; a batch is asked for its state first",
    codes=CODES,
    layouts=(LAYOUTS,),
    sniff=sniff,
    extractions=extractions,
)
