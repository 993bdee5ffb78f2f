"""The Schwab connector: daily Core files of one master account."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.schwab.accounts import ACCOUNT, taken_accounts
from connectors.custodians.schwab.envelope import Envelope, Header
from connectors.custodians.schwab.positions import (
    BALANCE,
    POSITION,
    PRICE,
    prices,
    taken_balances,
    taken_positions,
)
from connectors.custodians.schwab.securities import SECURITY, taken_securities
from connectors.custodians.schwab.tables import layout
from connectors.custodians.schwab.transactions import TABLE as TRANSACTION
from connectors.custodians.schwab.transactions import taken_transactions
from connectors.formats.delimited import learnt_shape
from connectors.formats.rejects import Check, ordered, rejected
from connectors.formats.taken import Taken, conformed, no_rows, repeated

Reader = Callable[[pl.DataFrame, Header, Connection], Taken]


def _kind(name: str, *, is_refresh: bool, is_expected: bool) -> FileKind:
    pattern = re.compile(rf"CRS(?P<date>\d{{8}}|\d{{6}})\.{name}", re.IGNORECASE)
    return FileKind(name, pattern, is_refresh=is_refresh, is_expected=is_expected)


KINDS: Final = (
    _kind("TRN", is_refresh=False, is_expected=True),
    _kind("BAK", is_refresh=False, is_expected=False),
    _kind("RPS", is_refresh=True, is_expected=True),
    _kind("SEC", is_refresh=True, is_expected=True),
    _kind("ACC", is_refresh=True, is_expected=True),
)
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "TRN": (TRANSACTION,),
    "BAK": (TRANSACTION,),
    "RPS": (POSITION, BALANCE, PRICE),
    "SEC": (SECURITY, PRICE),
    "ACC": (ACCOUNT,),
}
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    POSITION: ("account_number", "provider_security_id", "cusip", "isin", "ticker", "position_side"),
    BALANCE: ("account_number", "balance_type"),
    ACCOUNT: ("account_number",),
}
"""What a file may state once only."""


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The canonical facts of one Core file.

    Raises:
        FeedFault: the file as a whole cannot be trusted: see ``Envelope`` and ``connectors.formats.lines``.
    """
    envelope = Envelope(file)
    tables = _TABLES[file.kind.name]
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in tables}
    rejects: list[pl.DataFrame] = []
    readers: Mapping[str, Reader] = {}
    for records in envelope.records():
        readers = readers or _readers(file.kind.name, records)
        parted = records.partition_by("record", as_dict=True, maintain_order=True)
        strangers = [part for (record,), part in parted.items() if record not in readers]
        rejects.extend(_unknown(part, list(readers), tables[0]) for part in strangers)
        for record, reader in readers.items():
            found = parted.get((record,))
            if found is None:
                continue
            taken = reader(found, envelope.header, connection)
            for name, frame in taken.frames.items():
                parts[name].append(conformed(name, frame))
            rejects.extend(part for part in taken.rejects if part.height)
    frames = {name: _whole(name, found) for name, found in parts.items()}
    repeats = [repeated(name, frames[name], key, file.path) for name, key in _KEYS.items() if name in frames]
    if any(part.height for part in repeats):
        lines = pl.concat(repeats)["source_line"].implode()
        frames = {name: frame.filter(~pl.col("source_line").is_in(lines)) for name, frame in frames.items()}
    held = ordered([*rejects, *repeats])
    return ParsedFile(
        frames=frames,
        rejects=held,
        record_count=envelope.record_count,
        quarantined_count=held["source_line"].n_unique(),
        business_date=envelope.header.business_date,
    )


def _readers(kind: str, records: pl.DataFrame) -> Mapping[str, Reader]:
    """Record type to its reader, for one kind of file; ``records`` are the file's first."""
    if kind in ("TRN", "BAK"):
        return {"D1": taken_transactions}
    if kind == "SEC":
        return {"D1": taken_securities}
    if kind == "ACC":
        return {"D1": taken_accounts}
    first = records.filter(pl.col("record") == "D1")["text"]
    shape = learnt_shape(first, layout("CRS.RPS", "D1"))
    return {"D1": partial(taken_positions, shape=shape), "D2": taken_balances}


def _unknown(strangers: pl.DataFrame, known: Sequence[str], table_name: str) -> pl.DataFrame:
    detail = f"the record type is none of {', '.join(known)}. Ask what it is, or teach the connector to read it."
    return rejected(strangers, Check("record_type", "unknown_record_type", pl.lit(True), detail), table_name)


def _whole(name: str, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    frame = pl.concat(parts) if parts else no_rows(name)
    if name == PRICE and len(parts) > 1:
        frame = conformed(name, prices(frame))
    return frame if frame["source_line"].is_sorted() else frame.sort("source_line", maintain_order=True)


ADAPTER: Final = Adapter(
    slug="schwab",
    market="custodian",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="Charles Schwab Advisor Services, Core files",
    confidence="layouts CODE; header, trailer, code values and times MEM",
)
