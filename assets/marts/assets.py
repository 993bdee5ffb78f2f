"""Marts assets: the load of each tenant and day, and the publication that makes it visible once dbt has passed."""

from datetime import UTC, date, datetime

import dagster as dg

from assets.accounting.pending import FACTS, consumed
from assets.canonical.assets import TENANT_TABLES, tenant_key_of
from assets.marts.load import LOADED, append_canonical, load_facts, sync_dimensions
from assets.partitions import SINGLE_RUN, TENANT_DATES, tenant_and_dates
from assets.workspace import Workspace, WorkspaceResource
from contracts.table import SHARED_TENANT
from contracts.tables.landing import FILE_PARSE
from warehouse.postgres.publication import drop_superseded, publish, unpublished

CANDIDATES = "candidate_loads"
LOAD = dg.AssetKey(["ops", "load"])
PUBLICATION = dg.AssetKey(["ops", "publication"])


@dg.asset(
    key=LOAD,
    group_name="ops",
    kinds={"postgres"},
    description="The tenant's facts and canonical rows in PostgreSQL, loaded and not yet visible to readers.",
    deps=[*(tenant_key_of(t.full_name) for t in LOADED), *(tenant_key_of(name) for name in TENANT_TABLES)],
    partitions_def=TENANT_DATES,
    backfill_policy=SINGLE_RUN,
    retry_policy=dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL),
)
def load(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
    """Load what the warehouse lacks."""
    ws = workspace.open()
    tenant, _, last = tenant_and_dates(context.partition_keys)
    sync_dimensions(ws, tenant)
    appended = append_canonical(ws, SHARED_TENANT) + append_canonical(ws, tenant)
    facts = load_facts(ws, tenant, last)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": facts.rows, "days_loaded": len(facts.days), "canonical_rows": appended}
    )


def publication_asset(upstream: list[dg.AssetKey], code_version: str) -> dg.AssetsDefinition:
    """The publication: inserted last, after every model and test of the warehouse.

    Args:
        upstream: keys of all dbt models.
        code_version: version of the code that computed the figures.
    """

    @dg.asset(
        key=PUBLICATION,
        group_name="ops",
        kinds={"postgres"},
        deps=upstream,
        description="One row per tenant and day that makes a load visible to all readers at once.",
    )
    def _publish(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
        ws = workspace.open()
        tested = noted_candidates(context)
        waiting: dict[int, list[date]] = {}
        for tenant_key, day, load_key in unpublished(ws.warehouse_url):
            if load_key in tested:
                waiting.setdefault(tenant_key, []).append(day)
        names = {ws.tenant_key(name): name for name in ws.tenant_names()}
        rows = sum(
            publish(
                ws.warehouse_url, tenant_key, days, known_until(ws, names[tenant_key]), code_version, load_keys=tested
            )
            for tenant_key, days in waiting.items()
        )
        dropped = drop_superseded(ws.warehouse_url)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows, "superseded_loads_dropped": dropped})

    return _publish


def note_candidates(context: dg.AssetExecutionContext, warehouse_url: str) -> None:
    """Record in the run which loads wait for publication, before dbt looks at them.

    A load that comes while dbt works is not in the record: some tests have seen it and some have not.
    """
    loads = sorted({load_key for _, _, load_key in unpublished(warehouse_url)})
    noted = dg.AssetObservation(PUBLICATION, metadata={CANDIDATES: dg.MetadataValue.json(loads)})
    context.log_event(noted)


def noted_candidates(context: dg.AssetExecutionContext) -> set[int]:
    """The loads that were there when this run's dbt, or that of the run which it repeats, began.

    Raises:
        dg.Failure: no dbt of this run has noted any.
    """
    run: dg.DagsterRun | None = context.run
    while run is not None:
        found = context.instance.get_records_for_run(
            run.run_id, of_type=dg.DagsterEventType.ASSET_OBSERVATION, ascending=False
        )
        for record in found.records:
            seen = record.asset_observation
            if seen is not None and seen.asset_key == PUBLICATION and CANDIDATES in seen.metadata:
                return set(seen.metadata[CANDIDATES].value)
        run = context.instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
    raise dg.Failure("only what dbt has tested is published: run the job `marts` as a whole", allow_retries=False)


def known_until(ws: Workspace, tenant: str) -> datetime:
    """The last arrival that the tenant's computed facts take into account."""
    done = consumed(ws, tenant, FACTS)
    arrivals = [
        ws.lake.read(FILE_PARSE, owner).join(done, on=done.columns, how="semi")["known_at"].max()
        for owner in (tenant, SHARED_TENANT)
    ]
    known = [a for a in arrivals if isinstance(a, datetime)]
    return max(known, default=datetime(1970, 1, 1, tzinfo=UTC))
