"""What is still to be booked: parsed files that the computed facts do not take into account yet, and whom they touch.

Belongs here: which accounts and which days a set of new files may change. Does not belong here: the arithmetic
(``analytics``), reading files (``assets.canonical``).

Nothing is remembered between runs but ``accounting.consumed_file``, written when all computed tables are: a killed run
finds the same files pending and computes the same rows again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from assets.accounting.changes import Changes, first_certain_days, snapshot_days
from assets.accounting.custody import moved_from
from assets.workspace import Workspace
from connectors.registry import adapters
from contracts.table import SHARED_TENANT, Table
from contracts.tables.accounting import CONSUMED_FILE, LEDGER_ENTRY
from contracts.tables.canonical import (
    ACCOUNT_ALIAS,
    CUSTODIAN_BALANCE,
    CUSTODIAN_POSITION,
    FX_RATE,
    PRICE,
    STATEMENT_WINDOW,
    TRANSACTION,
)
from contracts.tables.landing import FILE_PARSE
from contracts.vocabularies import METHODOLOGY_VERSION

BOOKS = "accounting.ledger_entry"
FACTS = "accounting.account_valuation"
"""The last of the computed tables: what it has consumed, all have."""
_DELIVERY = ["source_file_id", "parser_version"]
"""A file as one version of its connector read it: a new version is news again."""


@dataclass(frozen=True)
class Pending:
    """Parsed files that are still to be booked.

    Attributes:
        own: rows of ``landing.file_parse`` of the tenant's feeds.
        shared: the same of market data.
        superseded: ids of older files that own ones replace by delivering new bytes under their name.
        superseded_shared: the same of market data.
    """

    own: pl.DataFrame
    shared: pl.DataFrame
    superseded: pl.Series
    superseded_shared: pl.Series

    @property
    def own_ids(self) -> pl.Series:
        """Ids of the tenant's pending files and of those that they replace."""
        return pl.concat([self.own["source_file_id"], self.superseded]).unique().sort()

    @property
    def shared_ids(self) -> pl.Series:
        """Ids of the pending files of market data and of those that they replace."""
        return pl.concat([self.shared["source_file_id"], self.superseded_shared]).unique().sort()

    @property
    def deliveries(self) -> pl.DataFrame:
        """source_file_id and parser_version of all pending files."""
        return pl.concat([self.own.select(_DELIVERY), self.shared.select(_DELIVERY)]).unique().sort(_DELIVERY)


def pending_files(ws: Workspace, tenant: str) -> Pending:
    """The files that are parsed and that not all computed tables take into account under this methodology."""
    done = consumed(ws, tenant, FACTS)
    own, superseded = _pending_of(ws, tenant, done)
    shared, superseded_shared = _pending_of(ws, SHARED_TENANT, done)
    return Pending(own, shared, superseded, superseded_shared)


def _pending_of(ws: Workspace, owner: str, done: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Pending files of an owner, and the ids of those that they replace."""
    parsed = ws.lake.read(FILE_PARSE, owner, where=pl.col("parse_status") == "parsed")
    pending = parsed.join(done, on=_DELIVERY, how="anti")
    name = ["connection_id", "logical_name"]
    newer = pending.select(*name, pl.col("source_file_id").alias("newer")).unique()
    replaced = parsed.join(newer, on=name).filter(pl.col("source_file_id") != pl.col("newer"))
    return pending, replaced["source_file_id"].unique().sort()


def consumed(ws: Workspace, tenant: str, by: str) -> pl.DataFrame:
    """source_file_id and parser_version of what a computed table takes into account under this methodology."""
    where = (pl.col("consumed_by") == by) & (pl.col("methodology_version") == METHODOLOGY_VERSION)
    return ws.lake.read(CONSUMED_FILE, tenant, where=where).select(_DELIVERY).unique()


def mark_consumed(ws: Workspace, tenant: str, by: str, deliveries: pl.DataFrame) -> None:
    """Record that a computed table takes the deliveries into account.

    The books mark what they booked; the last computed table marks, as the last write of a run's accounting, those of
    its pending files that the books had marked. A file that is parsed while a run is at work stays pending.
    """
    new = deliveries.join(consumed(ws, tenant, by), on=_DELIVERY, how="anti")
    ws.lake.append(
        CONSUMED_FILE,
        tenant,
        new.with_columns(
            pl.lit(ws.tenant_key(tenant), dtype=pl.Int64).alias("tenant_key"),
            pl.lit(by).alias("consumed_by"),
            pl.lit(METHODOLOGY_VERSION).alias("methodology_version"),
        ),
    )


def rows_of(ws: Workspace, table: Table, tenant: str, ids: pl.Series) -> pl.LazyFrame:
    """Lazily, the canonical rows of the files."""
    return ws.lake.scan(table, tenant).filter(pl.col("source_file_id").is_in(ids.implode()))


def openings(ws: Workspace, tenant: str) -> pl.DataFrame:
    """Account and the day of its opening snapshot, for accounts that have one in the books."""
    booked = ws.lake.current(LEDGER_ENTRY, tenant, where=pl.col("entry_type") == "OPENING")
    return booked.group_by("account_key").agg(pl.col("effective_date").min().alias("opening_date"))


def accounts_to_book(ws: Workspace, tenant: str, pending: Pending, changes: Changes) -> pl.DataFrame:
    """Accounts whose ledger the pending files may change, with their opening day (null: no snapshot).

    A daily snapshot of every account touches only the ledgers that it opens: those without an opening, and those
    whose opening day it restates or precedes. Where files of changes come, an account opens on the first day on which
    all that it holds is known.
    """
    ids = pending.own_ids
    moved = [rows_of(ws, t, tenant, ids).select("account_key") for t in (TRANSACTION, STATEMENT_WINDOW)]
    moved.append(_new_aliases(ws, tenant, ids).select("account_key"))
    snapshots = [
        rows_of(ws, t, tenant, ids).select("account_key", "as_of_date") for t in (CUSTODIAN_POSITION, CUSTODIAN_BALANCE)
    ]
    if not changes.is_empty:
        snapshots.append(snapshot_days(ws, tenant, changes, ids))
    first = pl.concat(snapshots).group_by("account_key").agg(pl.col("as_of_date").min().alias("first_date")).collect()
    known = openings(ws, tenant)
    opened = first.join(known, on="account_key", how="left").filter(
        pl.col("opening_date").is_null() | (pl.col("first_date") <= pl.col("opening_date"))
    )
    touched = pl.concat([*moved, opened.lazy().select("account_key")]).unique().collect()
    found = (
        touched.join(known, on="account_key", how="left")
        .join(first, on="account_key", how="left")
        .select("account_key", pl.min_horizontal("opening_date", "first_date").alias("opening_date"))
        .sort("account_key")
    )
    if changes.is_empty:
        return found
    certain = first_certain_days(ws, tenant, opened["account_key"], changes)
    others = found.join(certain, on="account_key", how="anti")
    return pl.concat([others, certain.rename({"first_date": "opening_date"})]).sort("account_key")


def _news(ws: Workspace, table: Table, owner: str, files: pl.Series, said: list[str]) -> pl.LazyFrame:
    """Rows of the files that say what no other file has said."""
    others = ws.lake.scan(table, owner).filter(~pl.col("source_file_id").is_in(files.implode()))
    return rows_of(ws, table, owner, files).join(others.select(said), on=said, how="anti")


def _new_aliases(ws: Workspace, tenant: str, ids: pl.Series) -> pl.LazyFrame:
    """Lazily, account_key and the day from which an alias that the files bring first may change its books."""
    return moved_from(_news(ws, ACCOUNT_ALIAS, tenant, ids, ["account_key", "former_adapter", "former_account_number"]))


def accounts_by_connection(ws: Workspace, tenant: str) -> pl.LazyFrame:
    """Lazily, account_key and connection_id of every connection from which the account was opened or booked."""
    files = ws.lake.scan(FILE_PARSE, tenant).select("source_file_id", "connection_id").unique()
    booked = ws.lake.scan(LEDGER_ENTRY, tenant).select("account_key", "source_file_id").unique()
    return booked.join(files, on="source_file_id").select("account_key", "connection_id").unique()


def daily_kinds() -> pl.DataFrame:
    """adapter and file_kind of the files that are due on every business day."""
    rows = [
        {"adapter": slug, "file_kind": kind.name}
        for slug, source in adapters().items()
        for kind in source.kinds
        if kind.is_expected
    ]
    return pl.DataFrame(rows, schema={"adapter": pl.String, "file_kind": pl.String})


def earliest_changes(ws: Workspace, tenant: str, pending: Pending, before: date) -> pl.DataFrame:
    """Account and the earliest day before ``before`` on which the pending files may change its facts.

    Transactions and retraction windows count from their own day, openings from the account's first day; a price or rate
    of an earlier day touches every account that holds the security or the currency. A daily file that comes late, or is
    repaired, touches every account of its connection from its day on: what was compared and said of that day without it
    no longer stands.
    """
    ids = pending.own_ids
    parts = [
        rows_of(ws, TRANSACTION, tenant, ids).select("account_key", pl.col("trade_date").alias("day")),
        rows_of(ws, STATEMENT_WINDOW, tenant, ids).select("account_key", pl.col("valid_from").alias("day")),
    ]
    parts.append(_new_aliases(ws, tenant, ids))
    entries = ws.lake.current(LEDGER_ENTRY, tenant).lazy()
    first_entry = entries.group_by("account_key").agg(pl.col("effective_date").min().alias("first_entry_date"))
    # What was booked before an account had its opening counts no more.
    opened_now = entries.filter((pl.col("entry_type") == "OPENING") & pl.col("source_file_id").is_in(ids.implode()))
    parts.append(first_entry.join(opened_now, on="account_key", how="semi").rename({"first_entry_date": "day"}))
    holders = entries.select("account_key", "security_key").drop_nulls().unique()
    for owner, files in ((tenant, ids), (SHARED_TENANT, pending.shared_ids)):
        prices = _news(ws, PRICE, owner, files, ["security_key", "price_date", "price_source", "price", "currency"])
        moved = prices.select("security_key", pl.col("price_date").alias("day")).filter(pl.col("day") < before)
        parts.append(moved.join(holders, on="security_key").select("account_key", "day"))
    quote = ["base_code", "quote_code", "rate_date", "rate_source", "rate"]
    rates = _news(ws, FX_RATE, SHARED_TENANT, pending.shared_ids, quote)
    first_rate = rates.filter(pl.col("rate_date") < before).select(pl.col("rate_date").min().alias("day")).drop_nulls()
    parts.append(entries.select("account_key").unique().join(first_rate, how="cross").select("account_key", "day"))
    late = pending.own.filter(pl.col("business_date") < before).join(
        daily_kinds(), on=["adapter", "file_kind"], how="semi"
    )
    if late.height:
        accounts = accounts_by_connection(ws, tenant)
        parts.append(late.lazy().join(accounts, on="connection_id").select("account_key", day="business_date"))
    return (
        pl.concat(parts)
        .filter(pl.col("day") < before)
        .group_by("account_key")
        .agg(pl.col("day").min())
        .join(first_entry, on="account_key")
        .select("account_key", pl.max_horizontal("day", "first_entry_date").alias("from_date"))
        .filter(pl.col("from_date") < before)
        .collect()
        .sort("account_key")
    )
