"""The TD Ameritrade connector: the Veo file set of one rep code, historical since September 2023."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedBlock, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.tda import positions, tables
from connectors.custodians.tda.accounts import ACCOUNT, taken_accounts
from connectors.custodians.tda.content import Named, named, records, refuse_cut_end
from connectors.custodians.tda.last_line import block_without_line, without_line
from connectors.custodians.tda.lots import KEY as LOT_KEY
from connectors.custodians.tda.lots import LOT, taken_lots
from connectors.custodians.tda.positions import BALANCE, POSITION
from connectors.custodians.tda.securities import PRICE, SECURITY, taken_prices, taken_securities
from connectors.custodians.tda.transactions import RECORDS, taken_transactions
from connectors.custodians.tda.transactions import TABLE as TRANSACTION
from connectors.errors import FeedFault
from connectors.formats.blocks import side_by_side
from connectors.formats.flat import FlatLayout
from connectors.formats.line_ends import held_line
from connectors.formats.lines import iterate_blocks
from connectors.formats.rejects import ordered
from connectors.formats.taken import Taken, no_rows, repeated


def _kind(name: str, title: str, *, is_refresh: bool = True, is_expected: bool = False) -> FileKind:
    pattern = re.compile(
        rf"(?P<rep>[A-Z0-9]+)(?:[ _.-]|(?<=[A-Z]))(?P<date>(?:19|20)\d{{6}}|\d{{6}})\.{name}", re.IGNORECASE
    )
    is_read = name != "CBP"
    return FileKind(name, pattern, is_refresh, is_expected, title, ("line",) if is_read else ())


KINDS: Final = (
    _kind("TRN", "transactions", is_refresh=False, is_expected=True),
    _kind("POS", "holdings and cash", is_expected=True),
    _kind("PRI", "prices", is_expected=True),
    _kind("SEC", "securities"),
    _kind("CBL", "open tax lots"),
    _kind("TRD", "accounts"),
    _kind("TRF", "accounts"),
    _kind("INI", "history of transactions", is_refresh=False),
    _kind("CBP", "cost of positions; not read"),
)
_TABLES: Final[Mapping[str, str]] = {
    "TRN": TRANSACTION, "INI": TRANSACTION, "PRI": PRICE, "SEC": SECURITY, "CBL": LOT, "TRD": ACCOUNT, "TRF": ACCOUNT,
}  # fmt: skip
_KEYS: Final[Mapping[str, Sequence[str]]] = {
    PRICE: ("ticker", "price_date"), SECURITY: ("ticker",), LOT: LOT_KEY, ACCOUNT: ("account_number",),
    POSITION: positions.KEY,
}  # fmt: skip
"""What a file may state once only."""
_MAY_BE_EMPTY: Final = ("TRN", "INI")
"""A day without bookings is a day; one without a single holding, price or account is a file that went wrong."""
_SNIFFED: Final = {"POS": "POS", "PRI": "PRI", "SEC": "SEC", "CBL": "CBL", "TRD": "TRD"}


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The canonical facts of one file.

    Raises:
        FeedFault: the file as a whole cannot be trusted: see ``content`` and ``connectors.formats.lines``.
    """
    said = named(file, connection)
    if not file.kind.records:
        return _result({}, [], 0, said)
    if file.kind.name == "POS":
        return _parsed_positions(file, connection, said)
    lines = _whole(file)
    if lines is None:
        table = _TABLES[file.kind.name]
        return _result({table: no_rows(table)}, [], 0, said)
    taken = _taken(file.kind.name, lines, said, connection)
    line = held_line(file.path, connection)
    if line is not None:
        taken = without_line(taken, lines.filter(pl.col("line") == line), _TABLES[file.kind.name])
    return _without_repeats(dict(taken.frames), list(taken.rejects), lines.height, said, file)


def blocks(file: RawFile, connection: Connection) -> Iterator[ParsedBlock]:
    """The rows of a POS file as they are read; its balances, which are sums of several lines, come last.

    Memory holds a block of lines and a row for every cash line.

    Raises:
        FeedFault: as ``parse``; ValueError for another kind of file.
    """
    if file.kind.name != "POS":
        raise ValueError(f"{file.kind.name} files are read whole")
    said = named(file, connection)
    cash: list[pl.DataFrame] = []
    seen = 0
    line = held_line(file.path, connection)
    read_block = partial(positions.read_block, day=said.day, connection=connection)
    for read in side_by_side(read_block, iterate_blocks(file.path)):
        read = read if line is None else block_without_line(read, line, file.path)
        cash.append(read.cash)
        seen += read.record_count
        # A cash line is counted with the last block, which says what became of it.
        yield ParsedBlock({POSITION: read.held}, read.rejects, read.record_count - int(read.cash["is_good"].sum()))
    refuse_cut_end(file, [tables.layout("POS")], seen)
    balances, rejects, added = positions.cash_frames(cash, said.day, connection)
    count = sum(int(part["is_good"].sum()) for part in cash) - added
    yield ParsedBlock({BALANCE: balances}, rejects, count)


def _parsed_positions(file: RawFile, connection: Connection, said: Named) -> ParsedFile:
    parts: dict[str, list[pl.DataFrame]] = {POSITION: [], BALANCE: []}
    rejects: list[pl.DataFrame] = []
    count = 0
    for block in blocks(file, connection):
        for name, frame in block.frames.items():
            parts[name].append(frame)
        rejects.append(block.rejects)
        count += block.record_count
    frames = {name: pl.concat(found) if found else no_rows(name) for name, found in parts.items()}
    return _without_repeats(frames, rejects, count, said, file)


def _taken(kind: str, lines: pl.DataFrame, said: Named, connection: Connection) -> Taken:
    if kind in ("TRN", "INI"):
        return taken_transactions(lines, said, connection, is_history=kind == "INI")
    readers = {
        "PRI": taken_prices, "SEC": taken_securities, "CBL": taken_lots, "TRD": taken_accounts, "TRF": taken_accounts,
    }  # fmt: skip
    return readers[kind](lines, said, connection)


def _whole(file: RawFile) -> pl.DataFrame | None:
    """All lines; None for a file of no bytes that may be so."""
    try:
        found = list(records(file, _layouts(file.kind.name)))
    except FeedFault as fault:
        if fault.reason == "empty_file" and file.kind.name in _MAY_BE_EMPTY:
            return None
        raise
    return pl.concat(found)


def _layouts(kind: str) -> list[FlatLayout]:
    if kind in ("TRN", "INI"):
        return [tables.layout("TRN", record) for record in RECORDS]
    return [tables.layout("TRD" if kind == "TRF" else kind)]


def _without_repeats(
    frames: dict[str, pl.DataFrame], rejects: list[pl.DataFrame], count: int, said: Named, file: RawFile
) -> ParsedFile:
    for name, key in _KEYS.items():
        if name not in frames:
            continue
        again = repeated(name, frames[name], key, file.path)
        if again.height:
            lines = again["source_line"].implode()
            frames[name] = frames[name].filter(~pl.col("source_line").is_in(lines))
            rejects.append(again)
    return _result(frames, rejects, count, said)


def _result(frames: Mapping[str, pl.DataFrame], rejects: list[pl.DataFrame], count: int, said: Named) -> ParsedFile:
    held = ordered(rejects)
    return ParsedFile(frames, held, count, held["source_line"].n_unique(), said.day)


def sniff(text: str) -> str | None:
    """The kind of file by the number of fields of its first line."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    fields = len(next(csv.reader([first]), []))
    if fields in {len(layout.fields) for layout in _layouts("TRN")}:
        return "TRN"
    return next((kind for kind, name in _SNIFFED.items() if len(tables.layout(name).fields) == fields), None)


ADAPTER: Final = Adapter(
    slug="tda",
    market="custodian",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="TD Ameritrade Institutional, Veo files (ended September 2023)",
    confidence="layouts CODE; code values, signs and date forms MEM",
    is_dated_by_name=True,
    completeness="no trailer: a last line that is cut, and a file other than TRN that is empty, are faults",
    on_new_column="quarantined",
    codes=tables.TABLES,
    layouts=(tables.LAYOUTS_PATH,),
    sniff=sniff,
    blocks=blocks,
)
