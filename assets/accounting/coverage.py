"""Coverage: of which accounts and days a custodian has spoken, also by leaving an account out of its file.

Belongs here: from delivered files to account-days. Does not belong here: the comparison (``analytics.reconciliation``).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from analytics.reconciliation import covered_days
from analytics.versions import standing
from assets.accounting.custody import of_holder, owners_by_move
from assets.accounting.pending import daily_kinds
from assets.accounting.scope import Segment
from assets.workspace import Workspace
from contracts.table import Table

LOOKBACK_DAYS = 14
"""Calendar days in which it is looked for what a kind of file brings."""


def account_days(ws: Workspace, tenant: str, segment: Segment, table: Table, entries: pl.DataFrame,
                 files: pl.DataFrame) -> pl.DataFrame:  # fmt: skip
    """The segment's account-days of which a delivered file speaks, as ``account_key, as_of_date, known_at``.

    One daily file of a custodian holds all accounts of its connection. So on a day on which such a file was read, an
    account that was opened from that connection is spoken of even when no row of it is there: it has vanished. Files
    that come by account, such as statements, are due on no day and speak of nobody else. An account that moved is
    spoken of by the custodian that holds it on the day.

    Args:
        ws: the workspace.
        tenant: the tenant.
        segment: accounts and days.
        table: ``canonical.custodian_position`` or ``canonical.custodian_balance``: what the files must be of.
        entries: current rows of ``accounting.ledger_entry`` of the segment's accounts.
        files: rows of ``landing.file_parse``.
    """
    dates = segment.dates
    read = files.filter(pl.col("parse_status").cast(pl.String) == "parsed")
    bringing = (
        ws.lake.scan(table, tenant)
        .filter(pl.col("as_of_date").is_between(dates.min() - timedelta(days=LOOKBACK_DAYS), dates.max()))  # type: ignore[operator]
        .select("source_file_id")
        .unique()
        .collect()
        .join(read, on="source_file_id")
        .select("connection_id", "adapter", "file_kind")
        .unique()
        .join(daily_kinds(), on=["adapter", "file_kind"], how="semi")
    )
    deliveries = (
        standing(read, files)
        .filter(pl.col("business_date").is_in(dates.implode()))
        .join(bringing, on=["connection_id", "file_kind"], how="semi")
        .select("connection_id", pl.col("business_date").alias("as_of_date"), "known_at")
    )
    openings = entries.filter(
        (pl.col("entry_type").cast(pl.String) == "OPENING") & (pl.col("entry_status").cast(pl.String) == "booked")
    )
    opened = openings.join(read, on="source_file_id").select("account_key", "connection_id")
    moved = owners_by_move(ws, tenant).join(entries.select("account_key").unique(), on="account_key", how="semi")
    owners = pl.concat([opened, moved.select(opened.columns)]).unique()
    return of_holder(ws, tenant, covered_days(deliveries, owners)).drop("connection_id")
