"""The Pershing connector: the Standard Files of one remote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, islice
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedBlock, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.pershing.accounts import ACCOUNT, taken_accounts
from connectors.custodians.pershing.activity import TRANSACTION, taken_activity
from connectors.custodians.pershing.balances import taken_balances
from connectors.custodians.pershing.envelope import Envelope, Header, form_of
from connectors.custodians.pershing.forms import FORMS
from connectors.custodians.pershing.positions import BALANCE, POSITION, PositionReader, summed
from connectors.custodians.pershing.securities import PRICE, SECURITY, taken_securities
from connectors.custodians.pershing.tables import CODE_TABLES, LAYOUTS
from connectors.errors import FeedFault
from connectors.formats.blocks import side_by_side
from connectors.formats.rejects import ordered
from connectors.formats.taken import Taken, conformed, no_rows, repeated

_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "GCUS": (POSITION, BALANCE),
    "GACT": (TRANSACTION,),
    "GMON": (BALANCE,),
    "ACCT": (ACCOUNT,),
    "ISCA": (SECURITY, PRICE),
}
"""Kind of file to the tables that it fills; a kind that is not here is landed and counted, not read."""
_READERS: Final[Mapping[str, Callable[[pl.DataFrame, Header, Connection], Taken]]] = {
    "GACT": taken_activity,
    "GMON": taken_balances,
    "ACCT": taken_accounts,
    "ISCA": taken_securities,
}
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    POSITION: ("account_number", "provider_security_id", "sub_account", "position_side"),
    BALANCE: ("account_number", "currency", "balance_type"),
    ACCOUNT: ("account_number",),
    SECURITY: ("provider_security_id",),
}
"""What a file may state once only."""


def blocks(file: RawFile, connection: Connection) -> Iterator[ParsedBlock]:
    """The rows of a file as they are read; what must be added up over lines comes last.

    Raises:
        FeedFault: as ``parse``, some of it only behind the last block.
    """
    yield from _blocks(Envelope(file, FORMS[file.kind.name]), file, connection)


def parse(file: RawFile, connection: Connection) -> ParsedFile:
    """The canonical facts of one Standard File.

    Raises:
        FeedFault: the file as a whole cannot be trusted: see ``Envelope`` and ``connectors.formats.lines``; or it was
            made for a remote that the connection does not name.
    """
    tables = _TABLES.get(file.kind.name, ())
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in tables}
    rejects: list[pl.DataFrame] = []
    record_count, envelope = 0, Envelope(file, FORMS[file.kind.name])
    for block in _blocks(envelope, file, connection):
        record_count += block.record_count
        rejects.append(block.rejects)
        for name, frame in block.frames.items():
            parts[name].append(frame)
    frames = {name: _whole(name, found) for name, found in parts.items()}
    repeats = [repeated(name, frames[name], key, file.path) for name, key in _KEYS.items() if name in frames]
    if any(part.height for part in repeats):
        lines = pl.concat(repeats)["source_line"].implode()
        frames = {name: frame.filter(~pl.col("source_line").is_in(lines)) for name, frame in frames.items()}
    held = ordered([*rejects, *repeats])
    header = envelope.header
    return ParsedFile(
        frames=frames,
        rejects=held,
        record_count=record_count,
        quarantined_count=held["source_line"].n_unique(),
        business_date=header.business_date,
        is_refresh=not header.is_delta if FORMS[file.kind.name].has_flavour else None,
    )


def _blocks(envelope: Envelope, file: RawFile, connection: Connection) -> Iterator[ParsedBlock]:
    if file.kind.name == "GCUS":
        yield from _position_blocks(envelope, file, connection)
        return
    reader = _READERS.get(file.kind.name)
    is_checked = False
    for lines in envelope.records():
        if not is_checked:
            _refuse_foreign(envelope.header, connection)
            is_checked = True
        taken = reader(lines, envelope.header, connection) if reader is not None else Taken({}, ())
        yield _block(taken, lines["record"].n_unique())
    _refuse_foreign(envelope.header, connection)


def _position_blocks(envelope: Envelope, file: RawFile, connection: Connection) -> Iterator[ParsedBlock]:
    """Memory holds the blocks under way, and a row for every position in ``other`` and every line of foreign cash."""
    others: list[pl.DataFrame] = []
    cash: list[pl.DataFrame] = []
    blocks = envelope.blocks()
    first = list(islice(blocks, 1))  # with it the header is read
    reader = PositionReader(envelope.header, connection)
    for found in side_by_side(reader, chain(first, blocks)):
        envelope.admit(found.seen)
        _refuse_foreign(envelope.header, connection)
        others.append(found.others)
        cash.append(found.cash)
        yield ParsedBlock({POSITION: found.held}, found.rejects, found.seen.record_count)
    envelope.close()
    _refuse_foreign(envelope.header, connection)
    yield _block(summed(others, cash, file.path), 0)


def _block(taken: Taken, record_count: int) -> ParsedBlock:
    frames = {name: conformed(name, frame) for name, frame in taken.frames.items()}
    return ParsedBlock(frames, ordered(taken.rejects), record_count)


def _refuse_foreign(header: Header, connection: Connection) -> None:
    if connection.master_accounts and header.remote_id not in connection.master_accounts:
        detail = "the file was made for another remote than the connection's. Ask why it came, or add it."
        raise FeedFault("unrecognised_file", detail, line=1)


def _whole(name: str, parts: list[pl.DataFrame]) -> pl.DataFrame:
    frame = pl.concat(parts) if parts else no_rows(name)
    return frame if frame["source_line"].is_sorted() else frame.sort("source_line", maintain_order=True)


ADAPTER: Final = Adapter(
    slug="pershing",
    market="custodian",
    kinds=tuple(
        FileKind(
            form.kind, form.pattern, is_refresh=form.is_refresh, is_expected=form.is_expected, title=form.holds,
            records=form.records,
        )
        for form in FORMS.values()
    ),
    parse=parse,
    parser_version="1",
    title="Pershing (BNY), Standard Files",
    confidence="layouts DOC, GCUS checked against a real file, ISCA without pictures; code values and times MEM",
    completeness="trailer: EOF with the count of detail lines (ACCT: lines or accounts), form, day and remote as the "
    "header's; every line of its form's length with its end mark",
    on_new_column="quarantined",
    codes=CODE_TABLES,
    layouts=(LAYOUTS,),
    sniff=form_of,
    blocks=blocks,
)  # fmt: skip
