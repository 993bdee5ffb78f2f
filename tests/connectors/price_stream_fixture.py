"""Segments of a price stream for tests: messages, files, and the law of counts as it is for a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from connectors.errors import FeedFault
from connectors.market_data.price_stream.adapter import ADAPTER
from contracts.feed import FEEDS, FeedReject
from contracts.vocabularies import FILE_REASONS

APPLE = "US0378331005"


def message(seq: object, price: object = "174.92", at: str = "2022-01-05T20:59:58.123Z", **changes: Any) -> str:
    """A trade in Apple unless ``changes`` say otherwise; a change to None takes a member out."""
    base = {"seq": seq, "type": "trade", "isin": APPLE, "exchange": "XNAS", "currency": "USD", "price": price, "at": at}
    return json.dumps({name: value for name, value in {**base, **changes}.items() if value is not None})


def name_of(first: int, last: int) -> str:
    return f"ticks_{first:012d}-{last:012d}.ndjson"


def read(path: Path, known_at: datetime | None = None, codes: Mapping[str, Path] | None = None) -> ParsedFile:
    """What the connector makes of a file, under the laws: no record is lost, none is both a row and held back."""
    found = ADAPTER.kind_of(path.name)
    assert found is not None, path.name
    transport = LocalTransport(path=Path())
    feed = Connection(connection_id="feed", adapter="price_stream", transport=transport, codes=dict(codes or {}))
    result = ADAPTER.parse(RawFile(path, path.name, *found, known_at), feed)
    shown: set[int] = set()
    for table, frame in result.frames.items():
        FEEDS[table].validate(frame)
        shown |= set(frame["source_line"].to_list())
    FeedReject.validate(result.rejects)
    held = set(result.rejects["source_line"].to_list())
    assert not shown & held
    assert result.quarantined_count == len(held)
    assert result.record_count == sum(bool(line.strip(b" \t\r\x1a")) for line in lines_of(path))
    assert result.record_count >= len(shown) + len(held)
    return result


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")


def read_or_refused(path: Path) -> ParsedFile | FeedFault:
    try:
        return read(path)
    except FeedFault as fault:
        if fault.reason not in FILE_REASONS or not fault.detail:
            raise
        return fault


def segment(
    folder: Path,
    *messages: str,
    first: int = 1,
    last: int | None = None,
    known_at: datetime | None = None,
    codes: Mapping[str, Path] | None = None,
) -> ParsedFile:
    """What the connector makes of these messages, in a file named by their numbers."""
    path = folder / name_of(first, len(messages) + first - 1 if last is None else last)
    path.write_text("".join(text + "\n" for text in messages))
    return read(path, known_at, codes)
