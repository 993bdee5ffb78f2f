"""Coverage: what custodians say of accounts, also by leaving one out of their file.

Belongs here: from delivered files to rows and account-days. Does not belong here: the comparison
(``analytics.reconciliation``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from analytics.reconciliation import covered_days
from analytics.snapshots import MAX_AGE_DAYS, rolled_forward
from analytics.versions import standing
from assets.accounting.changes import files_of_changes
from assets.accounting.custody import of_holder, owners_by_move
from assets.accounting.pending import daily_kinds
from assets.accounting.scope import Segment
from assets.workspace import Workspace
from contracts.table import Table
from contracts.tables.canonical import CUSTODIAN_BALANCE, CUSTODIAN_POSITION

LOOKBACK_DAYS = 14
"""Calendar days in which it is looked for what a kind of file brings."""
_DAY = ["account_key", "as_of_date"]


@dataclass(frozen=True)
class Stated:
    """What custodians say of a segment's accounts on its days.

    Attributes:
        holdings: like canonical.custodian_position; where files of changes were put on a whole snapshot, all of it.
        balances: rows of canonical.custodian_balance.
        spoken: ``account_key, as_of_date, known_at``: account-days of which all holdings are told, also if there are
            none.
        spoken_cash: the same of balances.
        told_in_part: account-days of which changes alone are known; what they do not name is not compared.
    """

    holdings: pl.DataFrame
    balances: pl.DataFrame
    spoken: pl.DataFrame
    spoken_cash: pl.DataFrame
    told_in_part: int = 0


def stated(ws: Workspace, tenant: str, segment: Segment, entries: pl.DataFrame, files: pl.DataFrame) -> Stated:
    """What custodians say of the segment's accounts.

    One daily file of a custodian holds all accounts of its connection. So on a day on which such a file was read, an
    account that was opened from that connection is spoken of even when no row of it is there: it has vanished. Files
    that come by account, such as statements, are due on no day and speak of nobody else. A file of changes leaves what
    it does not name as it was. Where a daily file states holdings, balances say nothing about these; elsewhere they say
    that there are no holdings but the ones stated with them. An account that moved is spoken of by the custodian that
    holds it on the day.

    Args:
        ws: the workspace.
        tenant: the tenant.
        segment: accounts and days.
        entries: current rows of ``accounting.ledger_entry`` of the segment's accounts.
        files: rows of ``landing.file_parse``.
    """
    owners = _owners(ws, tenant, entries, files)
    rows = ws.lake.read(CUSTODIAN_POSITION, tenant, where=segment.rows)
    balances = of_holder(ws, tenant, ws.lake.read(CUSTODIAN_BALANCE, tenant, where=segment.rows))
    feeds = _daily_feeds(ws, tenant, segment, CUSTODIAN_POSITION, files)
    whole = of_holder(ws, tenant, _spoken(segment, feeds, owners, files, of_all=True))
    rows, told = _with_changes(ws, tenant, segment, rows, owners, files)
    silent = pl.concat([feeds["connection_id"], told["connection_id"]]).unique()
    alone = balances.filter(~pl.col("connection_id").is_in(silent.implode()))
    columns = [*_DAY, "known_at"]
    parts = (whole, told.filter("is_whole"), alone.unique([*_DAY, "known_at"]))
    cash_feeds = _daily_feeds(ws, tenant, segment, CUSTODIAN_BALANCE, files)
    return Stated(
        holdings=of_holder(ws, tenant, rows),
        balances=balances,
        spoken=pl.concat([part.select(columns) for part in parts]),
        spoken_cash=of_holder(ws, tenant, _spoken(segment, cash_feeds, owners, files)).select(columns),
        told_in_part=told.filter(~pl.col("is_whole")).height,
    )


def _owners(ws: Workspace, tenant: str, entries: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    """``account_key, connection_id``: the feeds from which accounts were opened or to which they moved."""
    openings = entries.filter(
        (pl.col("entry_type").cast(pl.String) == "OPENING") & (pl.col("entry_status").cast(pl.String) == "booked")
    )
    opened = openings.join(_parsed(files), on="source_file_id").select("account_key", "connection_id")
    moved = owners_by_move(ws, tenant).join(entries.select("account_key").unique(), on="account_key", how="semi")
    return pl.concat([opened, moved.select(opened.columns)]).unique()


def _parsed(files: pl.DataFrame) -> pl.DataFrame:
    return files.filter(pl.col("parse_status").cast(pl.String) == "parsed")


def _daily_feeds(ws: Workspace, tenant: str, segment: Segment, table: Table, files: pl.DataFrame) -> pl.DataFrame:
    """``connection_id, file_kind`` of the files that are due every day and bring rows of the table."""
    first, last = segment.dates.min(), segment.dates.max()
    return (
        ws.lake.scan(table, tenant)
        .filter(pl.col("as_of_date").is_between(first - timedelta(days=LOOKBACK_DAYS), last))  # type: ignore[operator]
        .select("source_file_id")
        .unique()
        .collect()
        .join(_parsed(files), on="source_file_id")
        .select("connection_id", "adapter", "file_kind")
        .unique()
        .join(daily_kinds(), on=["adapter", "file_kind"], how="semi")
    )


def _spoken(
    segment: Segment, feeds: pl.DataFrame, owners: pl.DataFrame, files: pl.DataFrame, *, of_all: bool = False
) -> pl.DataFrame:
    """The account-days of which a delivered file of the feeds speaks, with ``connection_id`` and ``known_at``.

    ``of_all``: only files that restate everything.
    """
    deliveries = (
        standing(_parsed(files), files)
        .filter(pl.col("business_date").is_in(segment.dates.implode()), pl.col("is_refresh") | (not of_all))
        .join(feeds, on=["connection_id", "file_kind"], how="semi")
        .select("connection_id", pl.col("business_date").alias("as_of_date"), "known_at")
    )
    return covered_days(deliveries, owners)


def _with_changes(
    ws: Workspace, tenant: str, segment: Segment, rows: pl.DataFrame, owners: pl.DataFrame, files: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows, those of feeds that deliver changes rolled forward, and the account-days that these tell of.

    Where a segment's days have no file of changes nothing more is read.
    """
    changes = files_of_changes(ws, tenant, files)
    near = changes.statements.filter(pl.col("as_of_date").is_in(segment.dates.implode()), "is_delta")
    feeds = pl.concat([near["connection_id"], rows.filter("is_delta")["connection_id"]]).unique()
    of_feeds = pl.col("connection_id").is_in(feeds.implode())
    if feeds.is_empty():
        return rows, _TOLD
    last = segment.dates.max()
    within = pl.col("as_of_date").is_between(segment.dates.min() - timedelta(days=MAX_AGE_DAYS), last)  # type: ignore[operator]
    history = standing(ws.lake.read(CUSTODIAN_POSITION, tenant, where=segment.chosen & within & of_feeds), files)
    feed = ["account_key", "connection_id"]
    told_of = pl.concat([owners.filter(of_feeds).select(feed), history.select(feed)]).unique()
    statements = changes.statements.filter(within).join(told_of, on="connection_id")
    rolled = rolled_forward(history, statements, changes.missing, segment.dates)
    return pl.concat([rows.filter(~of_feeds), rolled.rows]), of_holder(ws, tenant, rolled.days)


_TOLD = pl.DataFrame(
    schema={
        "account_key": pl.Int64, "connection_id": pl.String, "as_of_date": pl.Date,
        "known_at": pl.Datetime("us", "UTC"), "is_whole": pl.Boolean,
    }
)  # fmt: skip
