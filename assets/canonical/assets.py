"""Canonical assets: landed files, read and conformed; one pass writes every table.

A broken file blocks itself: it fails the check of ``landing/file_parse`` and makes its feed's readiness blocked.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.canonical.ingest import GATED, Ingested, ingest
from assets.canonical.reading import pending_files
from assets.landing.assets import landing_key
from assets.partitions import DATES, SINGLE_RUN, TENANT_DATES, tenant_and_dates
from assets.quality.gate import ExpectationOutcome, GateResult, Status
from assets.workspace import WorkspaceResource
from connectors.registry import adapters
from contracts.registry import table
from contracts.table import SHARED_TENANT

TENANT_TABLES = (
    "landing.file_parse", "quality.reject", "canonical.account", "canonical.security", "canonical.transaction",
    "canonical.custodian_position", "canonical.custodian_balance", "canonical.price", "canonical.statement_window",
    "canonical.custodian_lot", "canonical.custodian_gain", "canonical.account_alias", "canonical.corporate_action",
)  # fmt: skip
SHARED_TABLES = (
    "landing.file_parse", "quality.reject", "canonical.security", "canonical.price", "canonical.fx_rate",
    "canonical.corporate_action",
)  # fmt: skip

MAX_NAMED_FILES = 20
"""Broken files that a check names; all of them are in ``quality.reject``."""


def tenant_key_of(name: str) -> dg.AssetKey:
    """Asset key of a tenant's table: schema and table."""
    return dg.AssetKey(name.split("."))


def shared_key_of(name: str) -> dg.AssetKey:
    """Asset key of the market-data part of a table; a table that is only shared keeps its own name."""
    return (
        dg.AssetKey(name.split(".")) if table(name).scope == "shared" else dg.AssetKey(["shared", name.split(".")[1]])
    )


def _specs(names: Sequence[str], is_shared: bool) -> list[dg.AssetSpec]:
    market = "market_data" if is_shared else "custodian"
    upstream = [landing_key(slug) for slug, source in adapters().items() if source.market == market]
    key_of = shared_key_of if is_shared else tenant_key_of
    return [
        dg.AssetSpec(
            key_of(name),
            deps=upstream,
            group_name="market_data" if is_shared else table(name).layer,
            kinds={"polars", "delta"},
            description=f"{table(name).columns.__doc__} Grain: {table(name).grain}.",
        )
        for name in names
    ]


def _checks(names: Sequence[str], is_shared: bool) -> list[dg.AssetCheckSpec]:
    key_of = shared_key_of if is_shared else tenant_key_of
    gates = [
        dg.AssetCheckSpec("quality_gate", asset=key_of(n), description="Great Expectations over the new rows.")
        for n in names
        if n in GATED
    ]
    files = key_of("landing.file_parse")
    return [
        *gates,
        dg.AssetCheckSpec("files_readable", asset=files, description="No new file is broken as a whole."),
        dg.AssetCheckSpec("connectors_sound", asset=files, description="No connector crashed on a new file."),
        dg.AssetCheckSpec(
            "nothing_lost", asset=files, description="Every row read is kept, held back, or a repetition."
        ),
    ]


def _results(names: Sequence[str], is_shared: bool, done: Ingested) -> Iterator[dg.MaterializeResult]:
    key_of = shared_key_of if is_shared else tenant_key_of
    for name in names:
        checks = []
        if name in GATED:
            checks.append(_gate_check(key_of(name), done.gates.get(name, [])))
        if name == "landing.file_parse":
            checks += _file_checks(key_of(name), done)
        count = {"landing.file_parse": done.files, "quality.reject": done.rejects.total()}.get(name, done.rows[name])
        metadata: dict[str, int | float] = {"dagster/row_count": count}
        if name == "landing.file_parse":
            metadata |= {f"seconds_{phase}": round(spent, 3) for phase, spent in done.seconds.items()}
        yield dg.MaterializeResult(asset_key=key_of(name), metadata=metadata, check_results=checks)


def _gate_check(key: dg.AssetKey, results: Sequence[GateResult]) -> dg.AssetCheckResult:
    failed = [outcome for result in results for outcome in result.results if not outcome.success]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name="quality_gate",
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "expectations": sum(len(result.results) for result in results),
            # Three different things: the data is at fault, the expectation is, there was nothing to look at.
            "failed": _names(failed, "failed"),
            "crashed": _names(failed, "crashed"),
            "skipped": sum(len(result.with_status("skipped")) for result in results),
            "rows_held_back": sum(len(result.ordinals) for result in results),
        },
    )


def _names(outcomes: Sequence[ExpectationOutcome], status: Status) -> str:
    return ", ".join(sorted({f"{o.name}({o.column or '-'})" for o in outcomes if o.status == status})) or "none"


def _file_checks(key: dg.AssetKey, done: Ingested) -> list[dg.AssetCheckResult]:
    reasons = {f"reason_{reason}": count for reason, count in sorted(done.rejects.items())}
    # Files are named by id: their names may hold account numbers.
    broken = {f"file_{file_id}": said for file_id, said in sorted(done.broken.items())[:MAX_NAMED_FILES]}
    readable = dg.AssetCheckResult(
        asset_key=key,
        check_name="files_readable",
        passed=done.blocked == 0,
        metadata={"files": done.files, "blocked": done.blocked, **reasons, **broken},
    )
    sound = dg.AssetCheckResult(
        asset_key=key,
        check_name="connectors_sound",
        passed=done.crashed == 0,
        metadata={"files": done.files, "crashed": done.crashed},
    )
    kept = dg.AssetCheckResult(
        asset_key=key,
        check_name="nothing_lost",
        passed=done.lost == 0,
        metadata={"records": done.records, "rows_lost": done.lost},
    )
    return [readable, sound, kept]


def tenant_tables() -> dg.AssetsDefinition:
    """The tenant's canonical tables."""

    @dg.multi_asset(
        name="canonical_tables",
        specs=_specs(TENANT_TABLES, is_shared=False),
        check_specs=_checks(TENANT_TABLES, is_shared=False),
        partitions_def=TENANT_DATES,
        backfill_policy=SINGLE_RUN,
    )
    def _conform(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult]:
        ws = workspace.open()
        tenant, _, _ = tenant_and_dates(context.partition_keys)
        yield from _results(TENANT_TABLES, False, ingest(ws, tenant, pending_files(ws, tenant)))

    return _conform


def shared_tables() -> dg.AssetsDefinition:
    """The canonical tables of market data."""

    @dg.multi_asset(
        name="market_data_tables",
        specs=_specs(SHARED_TABLES, is_shared=True),
        check_specs=_checks(SHARED_TABLES, is_shared=True),
        partitions_def=DATES,
        backfill_policy=SINGLE_RUN,
    )
    def _conform(workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult]:
        ws = workspace.open()
        done = ingest(ws, SHARED_TENANT, pending_files(ws, SHARED_TENANT))
        yield from _results(SHARED_TABLES, True, done)

    return _conform
