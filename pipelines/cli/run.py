"""``nexus prepare``, ``run``, ``publish``, ``api-key``: what an operator does by hand."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from assets.partitions import DATES, FIRST_DATE
from connectors.settings import load_tenants
from contracts.table import SHARED_TENANT
from pipelines.cli.console import console, day, fail
from pipelines.definitions import build_definitions
from pipelines.environment import Environment
from pipelines.installation import Installation, prepared
from pipelines.runs import Outcome, Runner

Tenant = Annotated[str, typer.Option(help="Slug of the tenant.")]


def runner(installation: Installation) -> Runner:
    """A runner over the installation's definitions."""
    definitions = build_definitions(installation.environment, installation.warehouse_url)
    return Runner(definitions, installation.instance())


def report(what: str, outcome: Outcome) -> None:
    """One line for a run; a failed step ends the command, a failed check is only told."""
    checks = f"; checks that did not pass: {', '.join(outcome.failed_checks)}" if outcome.failed_checks else ""
    console.print(f"{what}: {'done' if outcome.success else 'FAILED'} (run {outcome.run_id[:8]}){checks}")
    if not outcome.success:
        fail(f"{what} failed; see run {outcome.run_id} in the UI (`nexus up`)")


def require_tenant(environment: Environment, tenant: str) -> None:
    """End with a sentence unless the settings name the tenant."""
    folder = environment.home / "tenants"
    known = [name for name in (load_tenants(folder) if folder.is_dir() else {}) if name != SHARED_TENANT]
    if tenant not in known:
        fail(f"no tenant {tenant!r}; configured in {folder}: {', '.join(known) or 'none'}")


def require_partition(day: date) -> None:
    """End with a sentence unless the orchestrator has a partition of the day: weekdays of the present and past."""
    if not DATES.has_partition_key(day.isoformat()):
        last = DATES.get_last_partition_key()
        fail(f"{day} cannot be run: a run is of weekdays from {FIRST_DATE} to {last}")


def prepare() -> None:
    """Make the installation ready: folders, warehouse, migrations."""
    installation = prepared()
    console.print(f"ready: {installation.environment.home}")


def run(
    tenant: Tenant,
    from_date: Annotated[str, typer.Option("--from", help="First business day, YYYY-MM-DD.")],
    to_date: Annotated[str, typer.Option("--to", help="Last business day; default: the first.")] = "",
    publish_after: Annotated[bool, typer.Option("--publish/--no-publish", help="Build dbt and publish after.")] = True,
) -> None:
    """Run market data and the nightly job of one tenant for a day or a range, in this process."""
    first = day(from_date)
    last = day(to_date) if to_date else first
    if last < first:
        fail("--to is before --from")
    require_tenant(Environment(), tenant)
    for end in (first, last):
        require_partition(end)
    installation = prepared()
    jobs = runner(installation)
    report("market data", jobs.market_data(first, last))
    report(f"nightly {tenant} {first} to {last}", jobs.nightly(tenant, first, last))
    if publish_after:
        report("marts and publication", jobs.marts())


def publish() -> None:
    """Build dbt over what is loaded, and publish it."""
    report("marts and publication", runner(prepared()).marts())


def api_key(tenant: Tenant, label: Annotated[str, typer.Option(help="What the key is for.")] = "cli") -> None:
    """Issue an API key for a tenant. It is shown once; only its hash is kept."""
    from assets.workspace import Workspace
    from warehouse.postgres.api_keys import issue_api_key

    environment = Environment()
    require_tenant(environment, tenant)
    installation = prepared()
    ws = Workspace(environment.home, environment.lake_root, installation.warehouse_url)
    console.print(issue_api_key(installation.warehouse_url, ws.tenant_key(tenant), label))
