"""Landing assets: one per connector, since custodians fail one by one.

A provider that cannot be reached after the retries ends as a failed check: the run goes on with what has arrived, and
readiness says what is missing.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from assets.landing.fetch import Landed, fetch_files
from assets.landing.punctuality import STATES, by_connection, deliveries
from assets.partitions import DATES, SINGLE_RUN, TENANT_DATES, tenant_and_dates
from assets.workspace import WorkspaceResource
from connectors.adapter import Adapter
from connectors.errors import PermanentError, RetryableError
from connectors.registry import adapters
from contracts.table import SHARED_TENANT

MAX_RETRIES = 2
RETRY_SECONDS = 20
MAX_NAMED = 20
"""Missing files that the check names, the latest of them."""


def landing_key(slug: str) -> dg.AssetKey:
    """Key of the asset that lands one connector's files."""
    return dg.AssetKey(["landing", f"{slug}_files"])


def landing_asset(source: Adapter) -> dg.AssetsDefinition:
    """The asset that lands the files of one connector, of a tenant or of all."""
    is_shared = source.market == "market_data"
    key = landing_key(source.slug)

    @dg.asset(
        key=key,
        group_name="landing",
        kinds={"sftp", "delta"},
        description=f"{source.title}: files as received, immutable, with their arrival in the ledger.",
        partitions_def=DATES if is_shared else TENANT_DATES,
        backfill_policy=SINGLE_RUN,
        check_specs=[
            dg.AssetCheckSpec("provider_reachable", asset=key, description="Every connection answered."),
            dg.AssetCheckSpec("names_safe", asset=key, description="No delivery was refused by its name or kind."),
            dg.AssetCheckSpec("files_whole", asset=key, description="No delivery was still changing or half there."),
            dg.AssetCheckSpec("files_in_time", asset=key, description="No file is missing past its cut-off."),
        ],
    )
    def _land(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
        ws = workspace.open()
        if is_shared:
            days = sorted(date.fromisoformat(key) for key in context.partition_keys)
            tenant, first, last = SHARED_TENANT, days[0], days[-1]
        else:
            tenant, first, last = tenant_and_dates(context.partition_keys)
        landed: dict[str, Landed] = {}
        faults: dict[str, str] = {}
        for connection in ws.connections(tenant, source.slug):
            try:
                landed[connection.connection_id] = fetch_files(ws, tenant, connection)
            except RetryableError as error:
                if context.retry_number < MAX_RETRIES:
                    raise dg.RetryRequested(MAX_RETRIES, RETRY_SECONDS * 2**context.retry_number) from error
                faults[connection.connection_id] = str(error)
            except PermanentError as error:
                faults[connection.connection_id] = str(error)
        owed = deliveries(ws, tenant, ws.connections(tenant, source.slug), first, last, datetime.now(UTC))
        return _result(landed.values(), faults, owed)

    return _land


def _result(landed: Iterable[Landed], faults: dict[str, str], owed: pl.DataFrame) -> dg.MaterializeResult:
    visits = list(landed)
    counts = {
        "dagster/row_count": sum(v.new for v in visits),
        "files_listed": sum(v.listed for v in visits),
        "files_seen_before": sum(v.duplicate for v in visits),
        "names_refused": sum(v.refused for v in visits),
        "files_not_taken": sum(v.not_taken for v in visits),
        "bytes": sum(v.bytes for v in visits),
    }
    reachable = dg.AssetCheckResult(check_name="provider_reachable", passed=not faults, metadata=dict(faults))
    checks = [reachable, _told("names_safe", "names_refused", counts), _told("files_whole", "files_not_taken", counts)]
    return dg.MaterializeResult(metadata={**counts, **_punctuality(owed)}, check_results=[*checks, _in_time(owed)])


def _punctuality(owed: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    """What each connection owed for the run's days and what came of it, with its newest complete day."""
    rows = by_connection(owed)
    records = [
        dg.TableRecord({name: str(value) if isinstance(value, date) else value for name, value in row.items()})
        for row in rows.iter_rows(named=True)
    ]
    if not records:
        return {}
    newest = rows["newest_date"].drop_nulls()
    told: dict[str, dg.MetadataValue] = {"connections": dg.MetadataValue.table(records)}
    if len(newest):
        told["newest_complete_day"] = dg.MetadataValue.text(str(newest.min()))
    return told


def _in_time(owed: pl.DataFrame) -> dg.AssetCheckResult:
    """Missing files fail the check; late and broken ones are told. Accounts that depend on them become provisional."""
    counts = {state: int((owed["state"] == state).sum()) for state in STATES}
    missing = owed.filter(pl.col("state") == "missing").tail(MAX_NAMED)
    named = [
        f"{c}/{kind} of {day}" for c, kind, day in missing.select("connection_id", "data_type", "as_of_date").rows()
    ]
    return dg.AssetCheckResult(
        check_name="files_in_time",
        passed=not counts["missing"],
        metadata={"expected": owed.height, **counts, "missing_files": ", ".join(named) or "none"},
    )


def _told(name: str, count: str, counts: Mapping[str, int]) -> dg.AssetCheckResult:
    """A check that tells without stopping anything: the other files have been taken."""
    severity = dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=name, passed=not counts[count], severity=severity, metadata={count: counts[count]}
    )


def landing_assets() -> list[dg.AssetsDefinition]:
    """The landing assets of all connectors."""
    return [landing_asset(source) for source in adapters().values()]
