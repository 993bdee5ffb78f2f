"""Scope: which accounts a run computes for which days.

Belongs here: turning "this tenant, these days, these new files" into segments of accounts and days. Does not belong
here: what is computed.

All accounts are computed for the run's days, and for every day that an earlier run left out. Accounts that a late file
touches are computed again from the earliest day that it may change, up to the last day that was ever computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from assets.accounting.pending import Pending, earliest_changes
from assets.workspace import Workspace
from contracts.tables.accounting import ACCOUNT_VALUATION, LEDGER_ENTRY

CHUNK_ROWS = 4_000_000
"""Position rows computed in memory at once; a longer span is computed in chunks of days."""


@dataclass(frozen=True)
class Segment:
    """Accounts and days computed together.

    Attributes:
        accounts: account keys; None means all.
        dates: business days in order.
    """

    accounts: pl.Series | None
    dates: pl.Series

    @property
    def rows(self) -> pl.Expr:
        """Which rows of a computed table with account_key and as_of_date the segment covers."""
        days = pl.col("as_of_date").is_in(self.dates.implode())
        return days if self.accounts is None else days & self.chosen

    @property
    def chosen(self) -> pl.Expr:
        """Which rows belong to the segment's accounts."""
        return pl.lit(True) if self.accounts is None else pl.col("account_key").is_in(self.accounts.implode())


def segments(ws: Workspace, tenant: str, pending: Pending, first: date, last: date) -> list[Segment]:
    """The segments of a run, in the order in which they must be computed: each may rest on the ones before."""
    computed = ws.lake.scan(ACCOUNT_VALUATION, tenant).select(pl.col("as_of_date").max()).collect().item()
    start = _start(ws, tenant, first, computed)
    days = ws.business_dates(tenant, start, last)
    if days.is_empty():
        return _restated(ws, tenant, pending, computed)
    horizon = max(last, computed) if computed else last
    before = days[0] if horizon == last else horizon + timedelta(days=1)
    changed = earliest_changes(ws, tenant, pending, before)
    found = list(_chunks(ws, tenant, None, days))
    if changed.is_empty():
        return found
    accounts = changed["account_key"]
    touched = ws.business_dates(tenant, changed["from_date"].min(), horizon)  # type: ignore[arg-type]
    earlier = touched.filter(touched < days[0])
    later = touched.filter(touched > days[-1])
    return [*_chunks(ws, tenant, accounts, earlier), *found, *_chunks(ws, tenant, accounts, later)]


def _restated(ws: Workspace, tenant: str, pending: Pending, computed: date | None) -> list[Segment]:
    """What a run on a holiday has to do: no day of its own, but the days that late files change."""
    if computed is None:
        return []
    changed = earliest_changes(ws, tenant, pending, computed + timedelta(days=1))
    if changed.is_empty():
        return []
    touched = ws.business_dates(tenant, changed["from_date"].min(), computed)  # type: ignore[arg-type]
    return list(_chunks(ws, tenant, changed["account_key"], touched))


def _start(ws: Workspace, tenant: str, first: date, computed: date | None) -> date:
    """The first day to compute: the run's, or the one after the last computed, or the books' first."""
    if computed is not None:
        return min(first, computed + timedelta(days=1))
    opened = ws.lake.scan(LEDGER_ENTRY, tenant).select(pl.col("effective_date").min()).collect().item()
    return min(first, opened) if opened else first


def _chunks(ws: Workspace, tenant: str, accounts: pl.Series | None, dates: pl.Series) -> Iterator[Segment]:
    if dates.is_empty():
        return
    entries = ws.lake.scan(LEDGER_ENTRY, tenant)
    if accounts is not None:
        entries = entries.filter(pl.col("account_key").is_in(accounts.implode()))
    held = entries.select(pl.struct("account_key", "security_key").n_unique()).collect().item() + 1
    size = max(1, CHUNK_ROWS // held)
    for start in range(0, len(dates), size):
        yield Segment(accounts, dates[start : start + size])
