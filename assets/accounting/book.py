"""Booking: read, one pure call, write, for each computed table.

Belongs here: the order of reads and writes. Does not belong here: arithmetic (``analytics``), orchestration
(``assets``).
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from analytics.account_values import account_values
from analytics.ledger import effective_ledger
from analytics.positions import daily_positions, settled_cash, with_movements_known
from analytics.readiness import with_reasons
from analytics.reconciliation import position_breaks
from analytics.valuation import valued_positions
from assets.accounting.changes import files_of_changes, rows_that_open
from assets.accounting.coverage import stated
from assets.accounting.custody import moves
from assets.accounting.inputs import Market, ledger_entries
from assets.accounting.pending import Pending, accounts_to_book
from assets.accounting.scope import Segment
from assets.quality.readiness import feed_readiness, with_repeated_faults
from assets.workspace import Workspace
from contracts.tables.accounting import ACCOUNT_VALUATION, LEDGER_ENTRY, POSITION
from contracts.tables.canonical import CUSTODIAN_BALANCE, CUSTODIAN_POSITION, STATEMENT_WINDOW, TRANSACTION
from contracts.tables.landing import FILE_ARRIVAL, FILE_PARSE
from contracts.tables.quality import FEED_READINESS, POSITION_BREAK, REJECT

LOOKBACK_DAYS = 14
"""Calendar days in which the business day before a segment is looked for."""


def post_entries(ws: Workspace, tenant: str, pending: Pending) -> tuple[int, int]:
    """Bring the ledgers of the accounts that the pending files touch up to date; rows appended and rows flagged."""
    files = ws.lake.read(FILE_PARSE, tenant, where=pl.col("parse_status") == "parsed")
    changes = files_of_changes(ws, tenant, files)
    accounts = accounts_to_book(ws, tenant, pending, changes)
    if accounts.is_empty():
        return 0, 0
    chosen = accounts.lazy().select("account_key")
    opened = accounts.lazy().drop_nulls("opening_date")
    on_opening_day = {"left_on": ["account_key", "as_of_date"], "right_on": ["account_key", "opening_date"]}
    positions, balances = rows_that_open(
        ws.lake.scan(CUSTODIAN_POSITION, tenant).join(opened, how="semi", **on_opening_day).collect(),  # type: ignore[arg-type]
        ws.lake.scan(CUSTODIAN_BALANCE, tenant).join(opened, how="semi", **on_opening_day).collect(),  # type: ignore[arg-type]
        changes,
    )
    ledger = effective_ledger(
        ws.lake.scan(TRANSACTION, tenant).join(chosen, on="account_key", how="semi").collect(),
        positions,
        balances,
        ws.lake.scan(STATEMENT_WINDOW, tenant).join(chosen, on="account_key", how="semi").collect(),
        files,
        tenant_key=ws.tenant_key(tenant),
        moves=moves(ws, tenant),
    )
    appended = ws.lake.append_changed(
        LEDGER_ENTRY,
        tenant,
        ledger.entries,
        where=pl.col("account_key").is_in(accounts["account_key"].implode()),
        vanished=_retracted,
    )
    return appended.height, _flag(ws, tenant, ledger.findings)


def _retracted(gone: pl.DataFrame) -> pl.DataFrame:
    return gone.with_columns(pl.lit("retracted").cast(gone.schema["entry_status"]).alias("entry_status"))


def _flag(ws: Workspace, tenant: str, findings: pl.DataFrame) -> int:
    """Record findings about canonical rows that are kept and not booked."""
    known = ws.lake.read(REJECT, tenant).select("source_file_id", "source_line", pl.col("reason").cast(pl.String))
    new = findings.with_columns(pl.col("reason").cast(pl.String)).join(
        known, on=["source_file_id", "source_line", "reason"], how="anti"
    )
    if new.is_empty():
        return 0
    files = ws.lake.read(FILE_PARSE, tenant).select(
        "source_file_id", "connection_id", "logical_name", "business_date", "known_at", "tenant_key"
    )
    rows = new.join(files.unique("source_file_id"), on="source_file_id").with_columns(
        pl.lit("reverses").alias("field_name"),
        pl.lit("canonical.transaction").alias("table_name"),
        pl.lit("flagged").alias("disposition"),
        pl.lit("the cancel names no transaction that is known; it books nothing until the original arrives").alias(
            "detail"
        ),
    )
    return ws.lake.append(REJECT, tenant, rows)


def value_positions(ws: Workspace, tenant: str, segment: Segment, known: Market) -> int:
    """Roll the segment's positions forward and value them; rows appended."""
    entries = ledger_entries(ws, tenant, segment)
    held = daily_positions(entries, segment.dates, currency_keys=known.currency_keys)
    valued = valued_positions(
        held,
        prices=known.prices,
        fx_rates=known.fx_rates,
        securities=known.securities,
        accounts=known.accounts,
        currency_keys=known.currency_keys,
        business_dates=_calendar(ws, tenant, segment, known),
        source_rank=known.source_rank,
    )

    def no_longer_held(gone: pl.DataFrame) -> pl.DataFrame:
        return _no_longer_held(with_movements_known(gone, entries, currency_keys=known.currency_keys))

    return ws.lake.append_changed(POSITION, tenant, valued, where=segment.rows, vanished=no_longer_held).height


def _calendar(ws: Workspace, tenant: str, segment: Segment, known: Market) -> pl.Series:
    """Business days from the oldest price in use, and the day before the segment at least, to its last day."""
    oldest = known.prices["price_date"].min()
    first = segment.dates[0] - timedelta(days=LOOKBACK_DAYS)
    if isinstance(oldest, date) and oldest < first:
        first = oldest
    return ws.business_dates(tenant, first, segment.dates[-1])


def _no_longer_held(gone: pl.DataFrame) -> pl.DataFrame:
    """Rows that were current and are not in the new truth: held no more, worth nothing, and no position to count."""
    zero = [pl.lit(0).cast(gone.schema[c]).alias(c) for c in ("quantity", "market_value_local", "market_value_base")]
    return gone.with_columns(*zero, pl.lit("no_position").cast(gone.schema["value_reason"]).alias("value_reason"))


def compare_positions(ws: Workspace, tenant: str, segment: Segment, known: Market) -> tuple[int, int, int]:
    """Hold the ledger against what custodians say; rows appended, breaks that are open, account-days told in part."""
    entries = ledger_entries(ws, tenant, segment)
    theirs = stated(ws, tenant, segment, entries, known.files)
    breaks = position_breaks(
        ws.lake.current(POSITION, tenant, where=segment.rows).filter(pl.col("quantity") != 0),
        theirs.holdings,
        theirs.balances,
        settled_cash(entries, segment.dates, currency_keys=known.currency_keys),
        currency_keys=known.currency_keys,
        files=known.files,
        tenant_key=ws.tenant_key(tenant),
        covered=theirs.spoken,
        covered_cash=theirs.spoken_cash,
    )
    # What is missing in our books may have been there until an entry was taken back.
    breaks = with_movements_known(breaks, entries, currency_keys=known.currency_keys)
    columns = ["account_key", "as_of_date", "known_at"]
    frames = (theirs.holdings, theirs.balances, theirs.spoken, theirs.spoken_cash)
    snapshots = pl.concat([frame.select(columns) for frame in frames])

    def agrees_again(gone: pl.DataFrame) -> pl.DataFrame:
        moved = with_movements_known(gone, entries, currency_keys=known.currency_keys)
        return _agrees_again(_with_snapshots_known(moved, snapshots))

    appended = ws.lake.append_changed(POSITION_BREAK, tenant, breaks, where=segment.rows, vanished=agrees_again)
    return appended.height, breaks.height, theirs.told_in_part


def _with_snapshots_known(gone: pl.DataFrame, snapshots: pl.DataFrame) -> pl.DataFrame:
    """The rows with known_from no earlier than the last snapshot of their account and day."""
    day = ["account_key", "as_of_date"]
    last = snapshots.group_by(day).agg(pl.col("known_at").max())
    return gone.join(last, on=day, how="left", maintain_order="left").with_columns(
        pl.max_horizontal("known_from", "known_at").alias("known_from")
    ).drop("known_at")  # fmt: skip


def _agrees_again(gone: pl.DataFrame) -> pl.DataFrame:
    return gone.with_columns(
        pl.col("custodian_quantity").alias("quantity"),
        pl.lit(0).cast(gone.schema["quantity_difference"]).alias("quantity_difference"),
        pl.lit(None).cast(gone.schema["break_cause"]).alias("break_cause"),
    )


def judge_feeds(ws: Workspace, tenant: str, segment: Segment) -> pl.DataFrame:
    """State the readiness of every feed for the segment's days; the rows as they now stand."""
    read = ws.lake.read(FILE_PARSE, tenant)
    arrivals = ws.lake.read(FILE_ARRIVAL, tenant, where=pl.col("arrival_status") == "duplicate")
    rows = feed_readiness(
        ws.tenant_key(tenant), ws.connections(tenant), with_repeated_faults(read, arrivals), segment.dates
    )
    days = pl.col("as_of_date").is_in(segment.dates.implode())
    ws.lake.append_changed(FEED_READINESS, tenant, rows, where=days)
    return rows


def value_accounts(ws: Workspace, tenant: str, segment: Segment, known: Market) -> int:
    """Value the segment's accounts, with flows and returns; rows appended."""
    before = segment.dates[0] - timedelta(days=LOOKBACK_DAYS)
    earlier = segment.chosen & (pl.col("as_of_date") < segment.dates[0]) & (pl.col("as_of_date") >= before)
    entries = ledger_entries(ws, tenant, segment)
    values = account_values(
        ws.lake.current(POSITION, tenant, where=segment.rows).filter(pl.col("quantity") != 0),
        entries,
        ws.lake.current(ACCOUNT_VALUATION, tenant, where=earlier),
        known.accounts,
        segment.dates,
        prices=known.prices,
        fx_rates=known.fx_rates,
        securities=known.securities,
        currency_keys=known.currency_keys,
        business_dates=_calendar(ws, tenant, segment, known),
        source_rank=known.source_rank,
    )
    judged = with_reasons(
        values,
        breaks=ws.lake.current(POSITION_BREAK, tenant, where=segment.rows),
        feeds=ws.lake.current(FEED_READINESS, tenant, where=pl.col("as_of_date").is_in(segment.dates.implode())),
        connections=_custodian_of_connections(ws, tenant),
        accounts=known.accounts,
        moves=moves(ws, tenant),
    )

    def before_opening(gone: pl.DataFrame) -> pl.DataFrame:
        return _before_opening(gone, entries)

    appended = ws.lake.append_changed(ACCOUNT_VALUATION, tenant, judged, where=segment.rows, vanished=before_opening)
    return appended.height


def _before_opening(gone: pl.DataFrame, entries: pl.DataFrame) -> pl.DataFrame:
    """Days on which an account had a value until its opening was known, which lies after them: nothing is booked."""
    opened = entries.filter(pl.col("entry_type").cast(pl.String) == "OPENING")
    since = opened.group_by("account_key").agg(pl.col("known_from").max().alias("opened_at"))
    zero = {
        name: pl.lit(0).cast(gone.schema[name])
        for name in ("total_value_base", "cash_value_base", "inflow_base", "outflow_base", "gain_base",
                     "linked_return", "position_count", "unvalued_count", "stale_count")
    }  # fmt: skip
    return gone.join(since, on="account_key", how="left").with_columns(
        pl.max_horizontal("known_from", "opened_at").alias("known_from"),
        pl.lit(None).cast(gone.schema["daily_return"]).alias("daily_return"),
        pl.lit("no_capital").cast(gone.schema["return_reason"]).alias("return_reason"),
        pl.lit("provisional").cast(gone.schema["readiness"]).alias("readiness"),
        pl.lit("no_opening_snapshot").cast(gone.schema["readiness_reasons"]).alias("readiness_reasons"),
        **zero,
    ).drop("opened_at")  # fmt: skip


def _custodian_of_connections(ws: Workspace, tenant: str) -> pl.DataFrame:
    """connection_id and the custodian whose accounts it delivers."""
    return pl.DataFrame(
        [{"connection_id": c.connection_id, "custodian": c.adapter} for c in ws.connections(tenant)],
        schema={"connection_id": pl.String, "custodian": pl.String},
    )
