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
from connectors.custodians.schwab.aliases import ALIAS, taken_aliases
from connectors.custodians.schwab.envelope import Envelope, Header
from connectors.custodians.schwab.lots import GAIN, LOT, taken_gains, taken_lots, with_places
from connectors.custodians.schwab.positions import (
    BALANCE,
    POSITION,
    PRICE,
    prices,
    taken_balances,
    taken_positions,
)
from connectors.custodians.schwab.securities import SECURITY, taken_securities
from connectors.custodians.schwab.tables import LAYOUTS_PATH, TABLES, layout
from connectors.custodians.schwab.transactions import TABLE as TRANSACTION
from connectors.custodians.schwab.transactions import taken_transactions
from connectors.formats.delimited import learnt_shape
from connectors.formats.rejects import Check, no_rejects, ordered, rejected
from connectors.formats.taken import Taken, conformed, no_rows, repeated

Reader = Callable[[pl.DataFrame, Header, Connection], Taken]


def _kind(
    name: str, title: str, records: tuple[str, ...] = (), *, is_refresh: bool = True, is_expected: bool = False
) -> FileKind:
    pattern = re.compile(rf"CRS(?P<date>\d{{8}}|\d{{6}})\.{name}", re.IGNORECASE)
    return FileKind(name, pattern, is_refresh, is_expected, title, records)


KINDS: Final = (
    _kind("TRN", "transactions", ("D1",), is_refresh=False, is_expected=True),
    _kind("BAK", "backdated transactions", ("D1",), is_refresh=False),
    _kind("RPS", "holdings and balances", ("D1", "D2"), is_expected=True),
    _kind("SEC", "securities and prices", ("D1",), is_expected=True),
    _kind("ACC", "accounts", ("D1",), is_expected=True),
    _kind("ULT", "open lots of taxable accounts", ("DL",)),
    _kind("ULN", "open lots of other accounts", ("DL",)),
    _kind("RLY", "realised gains of the year", ("DG",)),
    _kind("MXR", "accounts that came from TD Ameritrade", ("D1",), is_refresh=False),
    _kind("UPT", "cost of holdings, taxable; not read"),
    _kind("UPN", "cost of holdings, other; not read"),
    _kind("TCF", "trade confirmations; not read"),
    _kind("TOA", "transfers under way; not read"),
    _kind("FAM", "advisers and their master accounts; not read"),
)
"""Of a kind without record types the envelope is checked, and no record is taken: the firm's books need none."""
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "TRN": (TRANSACTION,),
    "BAK": (TRANSACTION,),
    "RPS": (POSITION, BALANCE, PRICE),
    "SEC": (SECURITY, PRICE),
    "ACC": (ACCOUNT,),
    "ULT": (LOT,),
    "ULN": (LOT,),
    "RLY": (GAIN,),
    "MXR": (ALIAS,),
}
_KEYS: Final[Sequence[tuple[str, tuple[str, ...]]]] = (
    (POSITION, ("account_number", "provider_security_id", "cusip", "isin", "ticker", "position_side")),
    (BALANCE, ("account_number", "balance_type")),
    (ACCOUNT, ("account_number",)),
    (ALIAS, ("account_number",)),
    (ALIAS, ("former_account_number",)),
)
"""What a file may state once only."""


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The canonical facts of one Core file.

    Raises:
        FeedFault: the file as a whole cannot be trusted: see ``Envelope`` and ``connectors.formats.lines``.
    """
    envelope = Envelope(file)
    if not file.kind.records:
        for _ in envelope.records():
            pass
        return ParsedFile({}, no_rejects(), 0, 0, envelope.header.business_date)
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
    repeats = [repeated(name, frames[name], key, file.path) for name, key in _KEYS if name in frames]
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
    if kind in ("ULT", "ULN"):
        return {"DL": taken_lots}
    if kind == "RLY":
        return {"DG": taken_gains}
    if kind == "MXR":
        return {"D1": taken_aliases}
    first = records.filter(pl.col("record") == "D1")["text"]
    shape = learnt_shape(first, layout("CRS.RPS", "D1"))
    return {"D1": partial(taken_positions, shape=shape), "D2": taken_balances}


def _unknown(strangers: pl.DataFrame, known: Sequence[str], table_name: str) -> pl.DataFrame:
    detail = f"the record type is none of {', '.join(known)}. Ask what it is, or teach the connector to read it."
    return rejected(strangers, Check("record_type", "unknown_record_type", pl.lit(True), detail), table_name)


def _whole(name: str, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    frame = pl.concat(parts) if parts else no_rows(name)
    if name in (LOT, GAIN):
        frame = with_places(name, frame)
    if name == PRICE and len(parts) > 1:
        frame = conformed(name, prices(frame))
    return frame if frame["source_line"].is_sorted() else frame.sort("source_line", maintain_order=True)


def sniff(text: str) -> str | None:
    """The extension that the header row says, where it is one of the kinds."""
    fields = text.partition("\n")[0].split("|")
    said = fields[5].strip().upper() if fields[0] == "HD" and len(fields) > 5 else ""
    return said if said in {kind.name for kind in KINDS} else None


ADAPTER: Final = Adapter(
    slug="schwab",
    market="custodian",
    kinds=KINDS,
    parse=parse,
    parser_version="2",
    title="Charles Schwab Advisor Services, Core files",
    confidence="layouts CODE; header, trailer, realised gains, code values and times MEM",
    completeness="a trailer counts the records; header, trailer and name must be of one day and kind",
    on_new_column="ignored",
    codes=TABLES,
    layouts=(LAYOUTS_PATH,),
    sniff=sniff,
)
