"""When things run: after the last custodian's cut-off on business days, when a late file arrives, after a load."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from assets.landing.fetch import unseen_files
from assets.marts.assets import LOAD
from assets.partitions import TENANTS
from assets.workspace import Workspace, WorkspaceResource
from connectors.errors import PermanentError, RetryableError
from contracts.table import SHARED_TENANT
from pipelines.alerts import open_alerts, raise_alerts
from pipelines.jobs import MARKET_DATA, MARTS, NIGHTLY

ZONE = "America/New_York"
MARKET_DATA_CRON = "0 6 * * 2-6"
NIGHTLY_CRON = "30 6 * * 2-6"
"""Half an hour after the last cut-off of any connector (06:00), on the mornings after weekdays."""
SENSOR_SECONDS = 300


def previous_business_day(ws: Workspace, tenant: str, today: date) -> date | None:
    """The last valuation date before ``today`` in the tenant's calendar; None in a gap of over two weeks."""
    days = ws.business_dates(tenant, today - timedelta(days=14), today - timedelta(days=1))
    return days[-1] if len(days) else None


def nightly_request(tenant: str, day: date, run_key: str | None = None) -> dg.RunRequest:
    """The nightly of one tenant and day; the tag lets the queue work on one run per tenant at a time."""
    return dg.RunRequest(
        run_key=run_key,
        job_name=NIGHTLY,
        partition_key=dg.MultiPartitionKey({"tenant": tenant, "date": day.isoformat()}),
        tags={"nexus/tenant": tenant},
    )


@dg.schedule(job_name=MARKET_DATA, cron_schedule=MARKET_DATA_CRON, execution_timezone=ZONE)
def market_data_schedule(
    context: dg.ScheduleEvaluationContext, workspace: WorkspaceResource
) -> dg.RunRequest | dg.SkipReason:
    """Market data of the business day before, half an hour ahead of the tenants."""
    today = context.scheduled_execution_time.astimezone(ZoneInfo(ZONE)).date()
    day = previous_business_day(workspace.open(), SHARED_TENANT, today)
    if day is None or day != _weekday_before(today):
        return dg.SkipReason("yesterday was no business day")
    return dg.RunRequest(run_key=f"market-{day}", partition_key=day.isoformat())


@dg.schedule(job_name=NIGHTLY, cron_schedule=NIGHTLY_CRON, execution_timezone=ZONE)
def nightly_schedule(context: dg.ScheduleEvaluationContext, workspace: WorkspaceResource) -> Iterator[dg.RunRequest]:
    """One run per tenant for the business day before."""
    ws = workspace.open()
    today = context.scheduled_execution_time.astimezone(ZoneInfo(ZONE)).date()
    for tenant in context.instance.get_dynamic_partitions(TENANTS.name or "tenant"):
        day = previous_business_day(ws, tenant, today)
        if day is not None and day == _weekday_before(today):
            yield nightly_request(tenant, day, f"nightly-{tenant}-{day}")


def _weekday_before(today: date) -> date:
    return today - timedelta(days=3 if today.weekday() == 0 else 2 if today.weekday() == 6 else 1)


@dg.sensor(job_name=NIGHTLY, minimum_interval_seconds=SENSOR_SECONDS, description="Files that came after the nightly.")
def late_files(
    context: dg.SensorEvaluationContext, workspace: WorkspaceResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """A run of the last business day for each tenant whose servers hold files that the ledger does not.

    The run books the late rows from their own effective date on, whatever its partition.
    """
    ws = workspace.open()
    today = datetime.now(ZoneInfo(ZONE)).date()
    for tenant in context.instance.get_dynamic_partitions(TENANTS.name or "tenant"):
        try:
            names = unseen_files(ws, tenant)
        except (RetryableError, PermanentError) as error:
            context.log.warning(f"{tenant}: {error}")
            continue
        day = previous_business_day(ws, tenant, today)
        if names and day is not None:
            digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]
            yield nightly_request(tenant, day, f"late-{tenant}-{digest}")


@dg.sensor(minimum_interval_seconds=SENSOR_SECONDS, description="Files that have not come by their cut-off.")
def missing_files(context: dg.SensorEvaluationContext, workspace: WorkspaceResource) -> dg.SkipReason:
    """Raise an alert, once, for every file that is missing past its cut-off or came broken. It starts no run."""
    ws = workspace.open()
    now = datetime.now(UTC)
    alerts = open_alerts(ws, now)
    known = json.loads(context.cursor) if context.cursor else {}
    told = raise_alerts(ws.home, alerts, known, now)
    context.update_cursor(json.dumps(told, sort_keys=True))
    return dg.SkipReason(f"{len(alerts)} files are missing or broken, {len(told.keys() - known.keys())} of them new")


@dg.asset_sensor(asset_key=LOAD, job_name=MARTS, minimum_interval_seconds=30)
def marts_after_load(context: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry) -> dg.RunRequest:
    """dbt and publication after a load; loads that come while one waits are taken with it."""
    return dg.RunRequest(run_key=f"marts-{asset_event.run_id}")


SCHEDULES = [market_data_schedule, nightly_schedule]
SENSORS = [late_files, missing_files, marts_after_load]
