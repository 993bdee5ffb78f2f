"""The SWIFT connector: MT535 holdings, MT536 movements, MT940 cash and MT564 corporate actions of any custodian.

A file holds any number of messages of any of these types; its name tells only when it is due. What each message gives
is in ``holdings``, ``movements``, ``cash`` with ``entries``, and ``events``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.swift.accounts import ACCOUNTS
from connectors.custodians.swift.entries import CASH_TYPES, read_cash
from connectors.custodians.swift.events import EVENTS, read_events
from connectors.custodians.swift.faults import Messages, Part, grammar_faults, held_messages, merged
from connectors.custodians.swift.holdings import read_holdings
from connectors.custodians.swift.instruments import CLASSIFICATIONS, IDS
from connectors.custodians.swift.layout import FILE, named, records_of, refuse_cut_file
from connectors.custodians.swift.movements import MOVEMENTS, read_movements
from connectors.errors import FeedFault
from connectors.formats.rejects import Check, ordered, rejected
from connectors.formats.swift_mt import read_messages
from connectors.formats.taken import Taken
from contracts.vocabularies import FILE_REASONS

MAX_BYTES: Final = 512 * 1024**2
"""A file is read whole, since a statement's pages may stand anywhere in it."""
SUBJECTS: Final = {"canonical.security": list(IDS), "canonical.account": ["account_number"]}
"""Descriptions, to what they are of."""
READERS: Final[Mapping[str, Callable[[Messages, Connection], Part]]] = {
    "535": read_holdings, "536": read_movements, "940": read_cash, "564": read_events,
}  # fmt: skip


def _kind(
    number: str, title: str, *, records: tuple[str, ...], is_refresh: bool = False, is_expected: bool = True
) -> FileKind:
    named_so = rf"(?:.*[_.-])?mt{number}(?:[_.-].*?)??(?:[_.-](?P<date>\d{{8}}|\d{{4}}-\d{{2}}-\d{{2}}))?"
    ending = r"(?:[_.-][^.]*)?\.(?:fin|txt|swi|swift|out|mt|prt|dat" + (r"|sta|940" if number == "940" else "") + ")"
    return FileKind(
        f"MT{number}", re.compile(named_so + ending, re.IGNORECASE | re.DOTALL), is_refresh=is_refresh,
        is_expected=is_expected, title=title, records=records,
    )  # fmt: skip


KINDS: Final = (
    _kind("535", "holdings, whole or changes", records=("FIN",), is_refresh=True),
    _kind("536", "securities movements", records=("TRAN",)),
    _kind("940", "cash statement", records=("61", "62F")),
    _kind("564", "corporate actions", records=("GENL",), is_expected=False),
    FileKind(
        "FIN", re.compile(r"(?:.*[_.-](?P<date>\d{8})|.*)\.(?:fin|sta|swi|swift|940)", re.IGNORECASE | re.DOTALL),
        is_refresh=False, is_expected=False, title="messages of several types", records=(),
    ),
)  # fmt: skip


def parse(raw: RawFile, connection: Connection) -> ParsedFile:
    """The canonical facts of a file of messages.

    Raises:
        FeedFault: it holds no message, its last message is cut off, no message of it can be used, or as
            ``swift_mt.read_messages`` raises.
    """
    if raw.path.stat().st_size > min(MAX_BYTES, connection.max_file_bytes):
        raise FeedFault("too_large", "larger than a file of messages may be; ask for several")
    swift = read_messages(raw.path)
    messages, fields = named(swift, raw.kind.name[2:] if raw.kind.name in ("MT535", "MT536") else "")
    records = records_of(fields)
    strays = rejected(swift.strays, _stray(), None).unique("source_line", keep="first", maintain_order=True)
    refuse_cut_file(messages, records.height + strays.height)
    parts = list(_parts(messages, fields, records, connection))
    grammar = grammar_faults(messages.filter(~pl.col("mt").is_in(list(READERS))))
    faults = merged([grammar, *(part.faults for part in parts)])
    held, held_count, sound = held_messages(messages, records, faults)
    _refuse_unusable_file(messages, faults, held_count + strays.height)
    rejects = ordered([strays, held, *(rows for part in parts for rows in part.taken.rejects)])
    legs = sum(part.leg_count for part in parts)
    return ParsedFile(
        frames=_frames([part.taken for part in parts]),
        rejects=rejects,
        record_count=sound.height - legs + held_count + strays.height,
        quarantined_count=rejects["source_line"].n_unique(),
        business_date=max((day for part in parts for day in part.days), default=raw.business_date),
        is_refresh=False if any(part.has_changes for part in parts) else None,
    )


def _parts(
    messages: pl.DataFrame, fields: pl.DataFrame, records: pl.DataFrame, connection: Connection
) -> Iterator[Part]:
    """What the messages of each type that the file holds give."""
    for mt, read in READERS.items():
        heads = messages.filter(pl.col("mt") == mt)
        if heads.is_empty():
            continue
        own = (fields, records) if heads.height == messages.height else (
            fields.filter(pl.col("mt") == mt), records.filter(pl.col("mt") == mt)
        )  # fmt: skip
        yield read(Messages(heads, *own, grammar_faults(heads)), connection)


def _stray() -> Check:
    detail = "text that belongs to no message. Ask the sender what it is."
    return Check("message", "unknown_record_type", pl.lit(True), detail)


def _refuse_unusable_file(messages: pl.DataFrame, faults: pl.DataFrame, record_count: int) -> None:
    """A file of which no message can be used is broken as a whole, when a message is by a fault that a file may have.

    Raises:
        FeedFault: with the reason of its first message.
    """
    if faults.height < messages.height:
        return
    first = messages.join(faults.rename({"reason": "why", "detail": "said"}), on="message").sort("message").row(
        0, named=True
    )  # fmt: skip
    if first["why"] in FILE_REASONS:
        raise FeedFault(first["why"], first["said"], line=first["line"], record_count=record_count)


def _frames(parts: Sequence[Taken]) -> Mapping[str, pl.DataFrame]:
    """The tables that the types of message in the file feed; a security and an account are described once a file."""
    frames = {}
    for table in sorted({table for part in parts for table in part.frames}):
        rows = [part.frames[table] for part in parts if table in part.frames]
        frames[table] = pl.concat(rows).sort("source_line")
        if table in SUBJECTS:
            frames[table] = frames[table].unique(SUBJECTS[table], keep="first", maintain_order=True)
    return frames


def sniff(text: str) -> str | None:
    """The kind of the first message, by its header or its first fields."""
    if header := re.search(r"\{2:[IO]([0-9]{3})", text):
        number = {"950": "940"}.get(header[1], header[1])
        return f"MT{number}" if f"MT{number}" in {kind.name for kind in KINDS} else None
    if re.search(r"(?m)^:6[02][FM]:", text):
        return "MT940"
    return "FIN" if re.search(r"(?m)^:16R:GENL", text) else None


ADAPTER: Final = Adapter(
    slug="swift",
    market="custodian",
    kinds=KINDS,
    parse=parse,
    parser_version="1",
    title="SWIFT MT535, MT536, MT940 and MT564",
    confidence="DOC: public usage guides of ISO 15022; SAMPLE: four published messages (see README.md)",
    completeness="each message has its end, each statement all of its pages; control totals and balances must agree",
    on_new_column="ignored",
    codes=(MOVEMENTS, CASH_TYPES, EVENTS, CLASSIFICATIONS, ACCOUNTS),
    layouts=(FILE,),
    sniff=sniff,
)
