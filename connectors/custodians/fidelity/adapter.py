"""The Fidelity connector: NFS transmissions of a client or of a vendor's clients, and the retail history."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedBlock, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.fidelity import accounts, balances, bookkeeping, lots, positions, retail, securities
from connectors.custodians.fidelity.envelope import Envelope, sniffed, whole_records
from connectors.custodians.fidelity.records import Header
from connectors.custodians.fidelity.revenue import check_totals
from connectors.custodians.fidelity.tables import CODES, LAYOUT_FILE
from connectors.errors import FeedFault
from connectors.formats.rejects import Check, no_rejects, ordered, rejected
from connectors.formats.taken import Taken, conformed, no_rows, repeated


@dataclass(frozen=True)
class Reader:
    """How the records of one kind of file are read.

    Attributes:
        tables: what they fill.
        read: rows and rejects of lines, and the number of records among these.
        begins: how the first line of a record begins, where it may have several.
        keys: table to what a file may state of it once only.
    """

    tables: tuple[str, ...]
    read: Callable[[pl.DataFrame, Header, Connection], tuple[Taken, int]]
    begins: tuple[str, ...] = ()
    keys: Mapping[str, Sequence[str]] | None = None


def _each(
    read: Callable[[pl.DataFrame, Header, Connection], Taken],
) -> Callable[[pl.DataFrame, Header, Connection], tuple[Taken, int]]:
    """A reader of records of one line each."""
    return lambda lines, header, connection: (read(lines, header, connection), lines.height)


_READERS: Final[Mapping[str, Reader]] = {
    "NABASE": Reader(
        (accounts.ACCOUNT,), accounts.taken_accounts, accounts.BEGINS, {accounts.ACCOUNT: accounts.KEY}
    ),
    "POSIT": Reader(
        (positions.POSITION, positions.PRICE), _each(positions.taken_positions),
        keys={positions.POSITION: positions.KEY},
    ),
    "BOOKKEEP": Reader((bookkeeping.TRANSACTION,), _each(bookkeeping.taken_entries)),
    "ACCTBAL": Reader((balances.BALANCE,), balances.taken_balances, keys={balances.BALANCE: balances.KEY}),
    "SECMAST": Reader((securities.SECURITY, positions.PRICE), securities.taken_securities, securities.BEGINS),
    "TLAOPEN": Reader((lots.LOT,), _each(lots.taken_lots), keys={lots.LOT: lots.LOT_KEY}),
    "TLACLOSED": Reader((lots.GAIN,), _each(lots.taken_gains)),
}  # fmt: skip
_BOM: Final = "\xef\xbb\xbf"
_FULL: Final = re.compile(r".*FULL_\d{8}\.DAT", re.IGNORECASE)


def _kind(name: str, stem: str, title: str, records: tuple[str, ...], **flags: bool) -> FileKind:
    pattern = re.compile(rf"[0-9A-Z]{{3}}_(?:.*_)?(?:{stem})_(?P<date>\d{{8}})\.DAT", re.IGNORECASE)
    return FileKind(name, pattern, flags.get("refresh", False), flags.get("expected", True), title, records)


KINDS: Final = (
    _kind("NABASE", "NABASE[A-Z]*", "names and addresses", ("101", "103")),
    _kind("POSIT", "POSIT[A-Z]*", "positions, whole or changes", ("D",), refresh=True),
    _kind("BOOKKEEP", "BOOKKEEP[A-Z]*|ACTVY[A-Z]*", "bookkeeping entries", ("D",)),
    _kind("ACCTBAL", "ACCTBAL[A-Z]*", "account balances", ("D", "01", "03", "05", "TYPE"), refresh=True),
    _kind("SECMAST", "SECMAST[A-Z]*", "security master with prices", ("1",)),
    _kind("TLAOPEN", "TLAOPEN(?:DELTA|FULL)", "open tax lots, whole or changes", ("D",)),
    _kind("TLACLOSED", "TLACLOS[A-Z]*", "closed tax lots with gains", ("D",)),
    _kind("TRDREV", "TRDREV[A-Z]*|TRADEREV[A-Z]*", "trade revenue: totals compared, not booked", (), expected=False),
    FileKind("RETAIL", retail.NAME, True, False, "history downloaded by a retail client", ("D",)),
    FileKind(
        "FORMATB", re.compile(r"fi\d{6}\.(?:ACC|BAL|POS|NAM|PRI|SEC|TRN|UGL)", re.IGNORECASE), False, False,
        "Standard Format B: recognised, its columns are not public",
    ),
)  # fmt: skip


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The canonical facts of one file.

    Raises:
        FeedFault: the file as a whole cannot be trusted: see ``Envelope``, ``check_totals``, ``parsed_history`` and
            ``connectors.formats.lines``; unrecognised_file for Standard Format B.
    """
    kind = file.kind.name
    if kind == "RETAIL":
        return retail.parsed_history(file, connection)
    if kind == "FORMATB":
        detail = "Standard Format B is not read: its columns are not public. Ask for the NFS transmissions."
        raise FeedFault("unrecognised_file", detail)
    envelope = Envelope(file)
    if kind == "TRDREV":
        check_totals(envelope)
        return ParsedFile({}, no_rejects(), 0, 0, envelope.header.created)
    reader = _READERS[kind]
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in reader.tables}
    rejects: list[pl.DataFrame] = []
    count = 0
    for block in _blocks(envelope, reader, connection):
        count += block.record_count
        rejects.append(block.rejects)
        for name, frame in block.frames.items():
            parts[name].append(frame)
    frames = {name: _whole(name, found) for name, found in parts.items()}
    repeats = [repeated(name, frames[name], key, file.path) for name, key in (reader.keys or {}).items()]
    if any(part.height for part in repeats):
        lines = pl.concat(repeats)["source_line"].implode()
        frames = {name: frame.filter(~pl.col("source_line").is_in(lines)) for name, frame in frames.items()}
    held = ordered([*rejects, *repeats])
    result = ParsedFile(frames, held, count, held["source_line"].n_unique(), envelope.header.created)
    return replace(result, is_refresh=_is_refresh(file, envelope.header))


def blocks(file: RawFile, connection: Connection) -> Iterator[ParsedBlock]:
    """The rows of a transmission as they are read; what a file states twice is found by ``parse`` alone.

    Raises:
        FeedFault: as ``parse``, where the file shows its fault.
    """
    reader = _READERS.get(file.kind.name)
    if reader is None:
        whole = parse(file, connection)
        yield ParsedBlock(whole.frames, whole.rejects, whole.record_count)
        return
    yield from _blocks(Envelope(file), reader, connection)


def _blocks(envelope: Envelope, reader: Reader, connection: Connection) -> Iterator[ParsedBlock]:
    lines = envelope.records()
    first = next(lines, None)
    if first is None:
        return
    header = envelope.header
    begins = balances.SEGMENT_BEGINS if header.is_segmented else reader.begins
    whole = whole_records(_chained(first, lines), begins) if begins else _chained(first, lines)
    for found in whole:
        own = _own(found, header)
        strangers = found.filter(~own)
        detail = "the line begins neither with D nor with a segment's number. Ask what it is."
        unknown = rejected(
            strangers, Check("record_type", "unknown_record_type", pl.lit(True), detail), reader.tables[0]
        )
        taken, count = reader.read(found.filter(own), header, connection)
        frames = {name: conformed(name, frame) for name, frame in taken.frames.items()}
        yield ParsedBlock(frames, ordered([unknown, *taken.rejects]), count + strangers.height)


def sniff(text: str) -> str | None:
    """The kind that the first bytes tell: by the header's title, or by the columns of a history."""
    bare = text.removeprefix(_BOM)
    return "RETAIL" if retail.is_history(bare) else sniffed(bare)


def _own(lines: pl.DataFrame, header: Header) -> pl.Series:
    """Which lines are data: D, or a segment's number in the older form."""
    return lines["text"].str.contains("^(?:0[1-9]|10)" if header.is_segmented else "^D")


def _chained(first: pl.DataFrame, rest: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    yield first
    yield from rest


def _is_refresh(file: RawFile, header: Header) -> bool | None:
    """What title or name say where a kind of file comes whole and as changes; None for the others."""
    if file.kind.name == "POSIT":
        return not positions.is_delta(header)
    if file.kind.name == "TLAOPEN":
        return _FULL.fullmatch(file.name) is not None
    return None


def _whole(name: str, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    frame = pl.concat(parts) if parts else no_rows(name)
    if name == positions.PRICE and len(parts) > 1:
        frame = conformed(name, positions.prices(frame))
    return frame


ADAPTER: Final = Adapter(
    slug="fidelity",
    market="custodian",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="Fidelity / National Financial Services, NFS transmissions and retail history",
    confidence="positions, bookkeeping and open lots mostly CODE; other layouts, code values and directions MEM",
    completeness="trailer: all lines, and logical records or accounts; trade revenue: control totals",
    on_new_column="ignored",
    codes=CODES,
    layouts=(LAYOUT_FILE,),
    sniff=sniff,
    blocks=blocks,
)
