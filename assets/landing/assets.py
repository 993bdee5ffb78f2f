"""Landing assets: one per connector, since custodians fail one by one.

A provider that cannot be reached after the retries ends as a failed check: the run goes on with what has arrived, and
readiness says what is missing.
"""

from collections.abc import Iterable, Mapping

import dagster as dg

from assets.landing.fetch import Landed, fetch_files
from assets.partitions import DATES, SINGLE_RUN, TENANT_DATES, tenant_and_dates
from assets.workspace import WorkspaceResource
from connectors.adapter import Adapter
from connectors.errors import PermanentError, RetryableError
from connectors.registry import adapters
from contracts.table import SHARED_TENANT

MAX_RETRIES = 2
RETRY_SECONDS = 20


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
        ],
    )
    def _land(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
        ws = workspace.open()
        tenant = SHARED_TENANT if is_shared else tenant_and_dates(context.partition_keys)[0]
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
        return _result(landed.values(), faults)

    return _land


def _result(landed: Iterable[Landed], faults: dict[str, str]) -> dg.MaterializeResult:
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
    return dg.MaterializeResult(metadata=counts, check_results=checks)


def _told(name: str, count: str, counts: Mapping[str, int]) -> dg.AssetCheckResult:
    """A check that tells without stopping anything: the other files have been taken."""
    severity = dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=name, passed=not counts[count], severity=severity, metadata={count: counts[count]}
    )


def landing_assets() -> list[dg.AssetsDefinition]:
    """The landing assets of all connectors."""
    return [landing_asset(source) for source in adapters().values()]
