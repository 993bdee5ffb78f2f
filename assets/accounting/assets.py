"""Accounting assets: books, positions, comparison, readiness, values; each reads, calls and writes once per segment."""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg
import polars as pl

from assets.accounting import book
from assets.accounting.checks import positions_are_sums_of_entries, values_are_sums_of_positions
from assets.accounting.inputs import Market, market
from assets.accounting.pending import BOOKS, FACTS, Pending, consumed, mark_consumed, pending_files
from assets.accounting.scope import Segment, segments
from assets.canonical.assets import shared_key_of, tenant_key_of
from assets.partitions import SINGLE_RUN, TENANT_DATES, tenant_and_dates
from assets.workspace import Workspace, WorkspaceResource
from contracts.registry import table
from contracts.vocabularies import READINESS

LEDGER = "accounting.ledger_entry"
POSITIONS = "accounting.position"
BREAKS = "quality.position_break"
FEEDS = "quality.feed_readiness"
VALUES = "accounting.account_valuation"


@dataclass(frozen=True)
class Work:
    """What a run has to compute."""

    ws: Workspace
    tenant: str
    pending: Pending
    segments: list[Segment]
    known: Market


def _work(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> Work:
    ws = workspace.open()
    tenant, first, last = tenant_and_dates(context.partition_keys)
    pending = pending_files(ws, tenant)
    found = segments(ws, tenant, pending, first, last)
    # A late file moves days after the run's own, and they want their own prices and rates.
    until = max([last, *(segment.dates[-1] for segment in found)])
    return Work(ws, tenant, pending, found, market(ws, tenant, until))


def _asset(
    name: str,
    upstream: list[dg.AssetKey],
    body: Callable[[dg.AssetExecutionContext, WorkspaceResource], dg.MaterializeResult],
    checks: tuple[tuple[str, str], ...] = (),
) -> dg.AssetsDefinition:
    contract = table(name)
    key = tenant_key_of(name)
    return dg.asset(
        key=key,
        deps=upstream,
        group_name=contract.layer,
        kinds={"polars", "delta"},
        description=f"{contract.columns.__doc__} Grain: {contract.grain}.",
        partitions_def=TENANT_DATES,
        backfill_policy=SINGLE_RUN,
        check_specs=[dg.AssetCheckSpec(check, asset=key, description=text) for check, text in checks],
    )(body)


def _ledger(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    ws = workspace.open()
    tenant, _, _ = tenant_and_dates(context.partition_keys)
    pending = pending_files(ws, tenant)
    appended, flagged = book.post_entries(ws, tenant, pending)
    mark_consumed(ws, tenant, BOOKS, pending.deliveries)
    check = dg.AssetCheckResult(
        check_name="every_cancel_matched",
        passed=flagged == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"newly_unmatched": flagged},
    )
    return dg.MaterializeResult(metadata={"dagster/row_count": appended}, check_results=[check])


def _positions(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    work = _work(context, workspace)
    rows = sum(book.value_positions(work.ws, work.tenant, segment, work.known) for segment in work.segments)
    wrong = positions_are_sums_of_entries(work.ws, work.tenant, work.segments, work.known)
    check = dg.AssetCheckResult(check_name="sums_of_entries", passed=wrong == 0, metadata={"positions_off": wrong})
    return dg.MaterializeResult(metadata={"dagster/row_count": rows}, check_results=[check])


def _breaks(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    work = _work(context, workspace)
    counts = [book.compare_positions(work.ws, work.tenant, segment, work.known) for segment in work.segments]
    found = sum(count for _, count, _ in counts)
    in_part = sum(count for _, _, count in counts)
    check = dg.AssetCheckResult(
        check_name="ledger_agrees_with_custodian",
        passed=found == 0,
        severity=dg.AssetCheckSeverity.WARN,
        # Account-days of which changes alone are known: what they do not name is not compared.
        metadata={"breaks": found, "account_days_told_in_part": in_part},
    )
    appended = sum(rows for rows, _, _ in counts)
    return dg.MaterializeResult(metadata={"dagster/row_count": appended}, check_results=[check])


def _feeds(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    work = _work(context, workspace)
    stated = [book.judge_feeds(work.ws, work.tenant, segment) for segment in work.segments]
    judged = pl.concat(rows.select(pl.col("readiness").cast(pl.String)) for rows in stated) if stated else None
    states = {r: 0 if judged is None else judged.filter(pl.col("readiness") == r).height for r in READINESS}
    check = dg.AssetCheckResult(
        check_name="feeds_ready",
        passed=states["blocked"] == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=dict(states),
    )
    return dg.MaterializeResult(metadata={"dagster/row_count": sum(states.values())}, check_results=[check])


def _values(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    work = _work(context, workspace)
    rows = sum(book.value_accounts(work.ws, work.tenant, segment, work.known) for segment in work.segments)
    wrong = values_are_sums_of_positions(work.ws, work.tenant, work.segments)
    check = dg.AssetCheckResult(check_name="sums_of_positions", passed=wrong == 0, metadata={"accounts_off": wrong})
    if work.segments:
        booked = consumed(work.ws, work.tenant, BOOKS)
        mark_consumed(work.ws, work.tenant, FACTS, work.pending.deliveries.join(booked, on=booked.columns, how="semi"))
    return dg.MaterializeResult(metadata={"dagster/row_count": rows}, check_results=[check])


def accounting_assets() -> list[dg.AssetsDefinition]:
    """The computed tables, from the books to the accounts' values."""
    canonical = ["canonical.transaction", "canonical.custodian_position", "canonical.custodian_balance",
                 "canonical.statement_window", "landing.file_parse"]  # fmt: skip
    described = ["canonical.account", "canonical.security", "canonical.price"]
    market_data = [shared_key_of(n) for n in ("canonical.security", "canonical.price", "canonical.fx_rate")]
    key = tenant_key_of
    return [
        _asset(LEDGER, [key(n) for n in canonical], _ledger, (
            ("every_cancel_matched", "No cancel names a transaction that is unknown."),)),
        _asset(POSITIONS, [key(LEDGER), *(key(n) for n in described), *market_data], _positions, (
            ("sums_of_entries", "Every quantity is the sum of its booked entries."),)),
        _asset(BREAKS, [key(POSITIONS)], _breaks, (
            ("ledger_agrees_with_custodian", "Our quantities and cash are the custodian's."),)),
        _asset(FEEDS, [key("landing.file_parse"), key(LEDGER)], _feeds, (
            ("feeds_ready", "No expected file is missing or broken."),)),
        _asset(VALUES, [key(POSITIONS), key(BREAKS), key(FEEDS)], _values, (
            ("sums_of_positions", "Every account's value is the sum of its positions."),)),
    ]  # fmt: skip
