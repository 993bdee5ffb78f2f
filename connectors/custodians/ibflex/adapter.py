"""The Interactive Brokers Flex connector: activity statements in XML, one file of one or many accounts.

The records of the count law are all elements with data but the statements themselves: those that are read, those that
repeat what is read or are not wanted (``sections.csv`` says which and why), and those of names that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import chain
from typing import Final

import polars as pl

from connectors.adapter import Adapter, FileKind, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.custodians.ibflex.fields import day
from connectors.custodians.ibflex.holdings import balances, positions
from connectors.custodians.ibflex.lots import closed_lots, open_lots
from connectors.custodians.ibflex.movements import cash, corporate_actions, option_events, transfers
from connectors.custodians.ibflex.records import Sections, framed
from connectors.custodians.ibflex.securities import accounts, securities
from connectors.custodians.ibflex.tables import CODES, LAYOUTS, SECTIONS, meaning, needs
from connectors.custodians.ibflex.trades import level, trades
from connectors.errors import FeedFault
from connectors.formats.rejects import Check, ordered, rejected
from connectors.formats.taken import Taken, conformed, no_rows
from connectors.formats.values import with_values
from connectors.formats.xml_elements import STRANGERS, Elements, read_elements, texts_at

MAX_BYTES: Final = 512 * 1024**2
"""A statement larger than this is none: ask for a shorter period or fewer accounts."""
_HEADS: Final = ("FlexQueryResponse", "FlexStatements", "FlexStatement")
_READERS: Final[tuple[tuple[Callable[[Sections], Taken], tuple[str, ...]], ...]] = (
    (accounts, ("AccountInformation",)),
    (securities, ("SecurityInfo",)),
    (trades, ("Trade", "Order")),
    (cash, ("CashTransaction",)),
    (transfers, ("Transfer",)),
    (corporate_actions, ("CorporateAction",)),
    (option_events, ("OptionEAE",)),
    (positions, ("OpenPosition",)),
    (balances, ("CashReportCurrency",)),
    (open_lots, ("OpenPosition",)),
    (closed_lots, ("Lot", "Trade")),
)
"""Readers with the elements that they read."""
_TABLES: Final = (
    "canonical.account", "canonical.security", "canonical.transaction", "canonical.custodian_position",
    "canonical.custodian_balance", "canonical.price", "canonical.statement_window", "canonical.custodian_lot",
    "canonical.custodian_gain",
)  # fmt: skip

ACTIVITY: Final = FileKind(
    name="ACTIVITY",
    pattern=re.compile(r"(?:.*_(?P<date>\d{8}|\d{4}-\d{2}-\d{2})|.*)\.xml", re.IGNORECASE | re.DOTALL),
    is_refresh=True,
    is_expected=True,
    title="Activity statements of accounts",
    records=tuple(name for name in needs() if name not in _HEADS),
)


def parse(raw: RawFile, connection: Connection) -> ParsedFile:
    """The canonical facts of one activity statement.

    Raises:
        FeedFault: the document cannot be read, is larger than ``MAX_BYTES``, or is no activity statement.
    """
    if raw.path.stat().st_size > min(MAX_BYTES, connection.max_file_bytes):
        raise FeedFault("too_large", "larger than a statement may be; ask for a shorter period")
    uses = meaning(SECTIONS, "use", connection)
    wanted = {name: list(attributes) for name, attributes in needs().items()}
    ignored = {name for name, use in uses.items() if use == "ignored"} - set(wanted)
    elements = read_elements(raw.path, wanted=wanted, ignored=ignored, scope="FlexStatement")
    count = sum(number for name, number in elements.counts.items() if name not in _HEADS)
    try:
        statements = _statements(raw, elements)
    except FeedFault as fault:
        raise FeedFault(fault.reason, fault.detail, line=fault.line, record_count=count) from None
    sections = _sections(elements, statements, connection)
    taken = [reader(sections) for reader, names in _READERS if any(elements.counts.get(name) for name in names)]
    held = pl.concat([_strangers(elements), *chain.from_iterable(part.rejects for part in taken)])
    frames = {"canonical.statement_window": _windows(statements, connection)}
    for table_name in _TABLES:
        parts = [part.frames[table_name] for part in taken if table_name in part.frames]
        if parts:
            frames[table_name] = pl.concat(parts).sort("source_line", maintain_order=True)
    return ParsedFile(
        frames={name: frames.get(name, no_rows(name)) for name in _TABLES},
        rejects=_with_texts(raw, ordered([held])),
        record_count=count,
        quarantined_count=held["raw_text"].n_unique(),
        business_date=sections.business_date,
    )


def _statements(raw: RawFile, elements: Elements) -> pl.DataFrame:
    """``scope, line, account, first_day, last_day`` of each statement.

    Raises:
        FeedFault: no activity statement, fewer statements than the file says, or one without its days.
    """
    if elements.root == "FlexStatementResponse":
        said = re.search(rb"<ErrorCode>\s*(\d{1,6})\s*<", raw.path.read_bytes()[:65_536])
        code = said[1].decode() if said else "?"
        raise FeedFault("malformed_document", f"the service answered {code} instead of a statement", line=1)
    kinds = set(elements.frames["FlexQueryResponse"]["type"].drop_nulls().to_list())
    if kinds - {"AF"}:
        raise FeedFault("malformed_document", "not an activity statement (type AF); ask for an activity query", line=1)
    found = elements.frames["FlexStatement"]
    if found.is_empty():
        raise FeedFault("malformed_document", "no <FlexStatement>: not a Flex statement", line=1)
    stated = elements.frames["FlexStatements"]["count"].drop_nulls().to_list()
    if any(text.isdigit() and int(text) != found.height for text in stated):
        detail = f"the file says how many statements it holds, and holds {found.height}"
        raise FeedFault("trailer_mismatch", detail, line=int(elements.frames["FlexStatements"]["line"][0]))
    dated = with_values(found, [day("fromDate"), day("toDate")]).rename(
        {"accountId": "account", "fromDate:value": "first_day", "toDate:value": "last_day"}
    )
    bad = dated.filter(
        pl.any_horizontal(pl.col("account", "first_day", "last_day").is_null())
        | (pl.col("first_day") > pl.col("last_day"))
    )
    if bad.height:
        detail = "a statement without its account or its days (fromDate to toDate in the form yyyyMMdd or yyyy-MM-dd)"
        raise FeedFault("malformed_document", detail, line=int(bad["line"][0]))
    return dated.select("scope", "line", "account", "first_day", "last_day")


def _sections(elements: Elements, statements: pl.DataFrame, connection: Connection) -> Sections:
    heads = statements.drop("line")
    frames = {name: framed(elements.frames[name], heads) for name in needs() if name not in _HEADS}
    executed = frames["Trade"].filter(level() == "EXECUTION")["scope"].unique()
    last = statements["last_day"].max()
    assert isinstance(last, date)  # noqa: S101 (statements are never empty)
    return Sections(connection, frames, last, frozenset(executed.to_list()))


def _windows(statements: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    """The days that the file covers per account. Statements that meet become one window; of two with a gap between
    them the later stays."""
    known: dict[str, tuple[int, date, date]] = {}
    for line, account, first, last in statements.select("line", "account", "first_day", "last_day").iter_rows():
        if connection.master_accounts and account not in connection.master_accounts:
            continue
        if account in known:
            one_day = timedelta(days=1)
            known_line, known_first, known_last = known[account]
            if first <= known_last + one_day and known_first <= last + one_day:
                line, first, last = known_line, min(first, known_first), max(last, known_last)
            elif known_last > last:
                continue
        known[account] = (line, first, last)
    rows = [(line, account, first, last) for account, (line, first, last) in known.items()]
    schema = {"source_line": pl.Int64, "account_number": pl.String, "valid_from": pl.Date, "valid_to": pl.Date}
    return conformed("canonical.statement_window", pl.DataFrame(rows, schema=schema, orient="row"))


def _strangers(elements: Elements) -> pl.DataFrame:
    """Rejects for elements of names that no table holds."""
    detail = "an element of a name that is not known. If it is of no interest, add it to sections.csv as ignored."
    frame = elements.frames[STRANGERS].with_columns(pl.col("start").cast(pl.String).alias("text"))
    return rejected(frame, Check("element", "unknown_record_type", pl.lit(True), detail), None)


def _with_texts(raw: RawFile, rejects: pl.DataFrame) -> pl.DataFrame:
    """The rejects with the text of their tags; none for the accounts of others."""
    foreign = rejects.filter(pl.col("reason") == "foreign_account")["raw_text"].unique().implode()
    starts = rejects["raw_text"].unique().drop_nulls().to_list()
    texts = dict(zip(starts, texts_at(raw.path, [int(start) for start in starts]), strict=True))
    shown = pl.when(~pl.col("raw_text").is_in(foreign)).then(pl.col("raw_text").replace(texts))
    return rejects.with_columns(shown.alias("raw_text"))


def sniff(head: str) -> str | None:
    """ACTIVITY when the first bytes begin a Flex answer."""
    return "ACTIVITY" if re.search(r"<FlexQueryResponse[\s>]", head) else None


ADAPTER: Final = Adapter(
    slug="ibflex",
    market="custodian",
    kinds=(ACTIVITY,),
    parse=parse,
    parser_version="1",
    title="Interactive Brokers Flex activity statements",
    confidence="DOC and SAMPLE: attributes and codes; MEM: what some codes mean (see README.md)",
    has_shared_lines=True,
    completeness="the document's end tag, and the number of statements where the file states it",
    codes=CODES,
    layouts=(LAYOUTS,),
    sniff=sniff,
)
