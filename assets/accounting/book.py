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
from assets.accounting.coverage import account_days
from assets.accounting.custody import moves, of_holder
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
    accounts = accounts_to_book(ws, tenant, pending)
    if accounts.is_empty():
        return 0, 0
    chosen = accounts.lazy().select("account_key")
    opened = accounts.lazy().drop_nulls("opening_date")
    on_opening_day = {"left_on": ["account_key", "as_of_date"], "right_on": ["account_key", "opening_date"]}
    ledger = effective_ledger(
        ws.lake.scan(TRANSACTION, tenant).join(chosen, on="account_key", how="semi").collect(),
        ws.lake.scan(CUSTODIAN_POSITION, tenant).join(opened, how="semi", **on_opening_day).collect(),  # type: ignore[arg-type]
        ws.lake.scan(CUSTODIAN_BALANCE, tenant).join(opened, how="semi", **on_opening_day).collect(),  # type: ignore[arg-type]
        ws.lake.scan(STATEMENT_WINDOW, tenant).join(chosen, on="account_key", how="semi").collect(),
        ws.lake.read(FILE_PARSE, tenant, where=pl.col("parse_status") == "parsed"),
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


def compare_positions(ws: Workspace, tenant: str, segment: Segment, known: Market) -> tuple[int, int]:
    """Hold the ledger against the custodians' snapshots; rows appended and breaks that are open."""
    holdings = of_holder(ws, tenant, ws.lake.read(CUSTODIAN_POSITION, tenant, where=segment.rows))
    balances = of_holder(ws, tenant, ws.lake.read(CUSTODIAN_BALANCE, tenant, where=segment.rows))
    entries = ledger_entries(ws, tenant, segment)
    spoken, spoken_cash = (
        account_days(ws, tenant, segment, contract, entries, known.files)
        for contract in (CUSTODIAN_POSITION, CUSTODIAN_BALANCE)
    )
    columns = ["account_key", "as_of_date", "known_at"]
    breaks = position_breaks(
        ws.lake.current(POSITION, tenant, where=segment.rows).filter(pl.col("quantity") != 0),
        holdings,
        balances,
        settled_cash(entries, segment.dates, currency_keys=known.currency_keys),
        currency_keys=known.currency_keys,
        files=known.files,
        tenant_key=ws.tenant_key(tenant),
        # An account whose balances came is spoken of, also when it holds nothing.
        covered=pl.concat([balances.select(columns).unique(), spoken.select(columns)]),
        covered_cash=spoken_cash,
    )
    # What is missing in our books may have been there until an entry was taken back.
    breaks = with_movements_known(breaks, entries, currency_keys=known.currency_keys)
    snapshots = pl.concat([f.select(columns) for f in (holdings, balances, spoken, spoken_cash)])

    def agrees_again(gone: pl.DataFrame) -> pl.DataFrame:
        moved = with_movements_known(gone, entries, currency_keys=known.currency_keys)
        return _agrees_again(_with_snapshots_known(moved, snapshots))

    appended = ws.lake.append_changed(POSITION_BREAK, tenant, breaks, where=segment.rows, vanished=agrees_again)
    return appended.height, breaks.height


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
    values = account_values(
        ws.lake.current(POSITION, tenant, where=segment.rows).filter(pl.col("quantity") != 0),
        ledger_entries(ws, tenant, segment),
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
    return ws.lake.append_changed(ACCOUNT_VALUATION, tenant, judged, where=segment.rows).height


def _custodian_of_connections(ws: Workspace, tenant: str) -> pl.DataFrame:
    """connection_id and the custodian whose accounts it delivers."""
    return pl.DataFrame(
        [{"connection_id": c.connection_id, "custodian": c.adapter} for c in ws.connections(tenant)],
        schema={"connection_id": pl.String, "custodian": pl.String},
    )
