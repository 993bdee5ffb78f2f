"""Segments of a price stream, named as ``connectors.transport.segments`` names them: a message to a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final, cast

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.formats.lines import iterate_lines
from connectors.formats.rejects import ordered
from connectors.formats.taken import conformed
from connectors.market_data.price_stream.messages import PRICE, SECURITY, Messages, messages_of
from connectors.market_data.price_stream.tables import CODES, FIELDS

MAX_MESSAGE_BYTES: Final = 1024**2

_NUMBERS: Final = re.compile(r".*_(\d{12,19})-(\d{12,19})\.ndjson", re.ASCII)
_PREFIX: Final = r"[A-Za-z0-9][A-Za-z0-9_-]*"

KINDS: Final = (
    FileKind(
        "STRAY",
        re.compile(rf"{_PREFIX}_stray_\d{{8}}T\d{{12}}\.ndjson", re.ASCII),
        is_refresh=False,
        is_expected=False,
        title="messages without a number: held back",
    ),
    FileKind(
        "SEGMENT",
        re.compile(rf"{_PREFIX}_\d{{12,19}}-\d{{12,19}}\.ndjson", re.ASCII),
        is_refresh=False,
        is_expected=False,
        title="messages of a stream",
        records=("trade", "quote", "close", "security", "heartbeat"),
    ),
)


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The messages of one segment; every line is a record.

    Of the prices of a security and a day of its exchange the last one is a row, a ``close`` before any other. What an
    other price of the segment replaces, extended hours and heartbeats count as taken and give no row.

    Raises:
        FeedFault: truncated_file (the last line has no end), trailer_mismatch (the messages are not those that the name
            states), and those of ``connectors.formats.lines``.
    """
    parts: list[Messages] = []
    for lines in iterate_lines(file.path, encoding="utf-8", max_line_bytes=MAX_MESSAGE_BYTES):
        found = lines.filter(pl.col("text").str.strip_chars(" \t") != "")
        if found.height:
            parts.append(messages_of(found, connection, file.known_at))
    numbers = pl.concat([part.numbers for part in parts]) if parts else pl.Series([], dtype=pl.Int64)
    _require_whole(file, numbers)
    frames = {
        PRICE: _last_prices(pl.concat([part.prices for part in parts])),
        SECURITY: _last_securities(pl.concat([part.securities for part in parts])),
    }
    held = ordered([part.rejects for part in parts])
    return ParsedFile(
        frames,
        held,
        record_count=len(numbers),
        quarantined_count=held["source_line"].n_unique(),
        business_date=_newest(frames),
    )


def _require_whole(file: RawFile, numbers: pl.Series) -> None:
    """A segment has no trailer, but its name states its lowest and highest number, and it ends with a line's end."""
    if not _ends_with_a_line(file.path):
        detail = "the last message breaks off: the segment is not as the spool wrote it. Fetch it again."
        raise FeedFault("truncated_file", detail, line=len(numbers), record_count=len(numbers))
    stated = _NUMBERS.fullmatch(file.name)
    if file.kind.name != "SEGMENT" or stated is None or numbers.null_count():
        return
    if (int(stated[1]), int(stated[2])) != (numbers.min(), numbers.max()):
        detail = "the lowest and highest number in the segment are not those of its name. Fetch it again."
        raise FeedFault("trailer_mismatch", detail, line=len(numbers), record_count=len(numbers))


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"


def _by_security(rows: pl.DataFrame) -> pl.DataFrame:
    """With ``security``, by which rows are told apart, and the ISIN that another message gives for the same FIGI.

    Without it the last price might name a FIGI that nobody knows, where the one that it replaces named the ISIN too.
    """
    known = rows.filter(pl.col("isin").is_not_null() & pl.col("figi").is_not_null()).sort("at", "seq")
    pairs = known.unique("figi", keep="last", maintain_order=True).select("figi", other_isin="isin")
    joined = rows.join(pairs, on="figi", how="left", maintain_order="left")
    filled = joined.with_columns(pl.coalesce("isin", "other_isin").alias("isin"))
    return filled.with_columns(pl.coalesce("isin", "figi").alias("security"))


def _last_prices(prices: pl.DataFrame) -> pl.DataFrame:
    last = (
        _by_security(prices)
        .sort("is_close", "at", "seq", "line")
        .unique(["security", "price_date"], keep="last", maintain_order=True)
        .sort("line")
    )
    return conformed(PRICE, last.rename({"line": "source_line"}))


def _last_securities(securities: pl.DataFrame) -> pl.DataFrame:
    last = (
        _by_security(securities)
        .sort("at", "seq", "line")
        .unique(["security", "business_date"], keep="last", maintain_order=True)
        .sort("line")
        .with_columns(multiplier=pl.lit(1).cast(pl.Decimal(20, 8)))
    )
    return conformed(SECURITY, last.rename({"line": "source_line"}))


def _newest(frames: Mapping[str, pl.DataFrame]) -> date | None:
    days = pl.concat([frames[PRICE]["price_date"], frames[SECURITY]["business_date"].rename("price_date")])
    return cast("date | None", days.max())


def sniff(head: str) -> str | None:
    """SEGMENT for lines of JSON with a number and a type."""
    first = head.split("\n", 1)[0]
    return "SEGMENT" if first.startswith("{") and '"seq"' in first and '"type"' in first else None


ADAPTER: Final = Adapter(
    slug="price_stream",
    market="market_data",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="Price stream over WebSocket",
    confidence="contract invented; time zones of exchanges CODE",
    completeness="the spool writes segments whole; the name states the lowest and the highest number",
    codes=CODES,
    layouts=(FIELDS,),
    sniff=sniff,
)
