"""The only Definitions: all rooms put together, with overrides for tests."""

from __future__ import annotations

from datetime import timedelta
from importlib.metadata import version

import dagster as dg

from assets.accounting.assets import accounting_assets
from assets.canonical.assets import SHARED_TABLES, shared_key_of, shared_tables, tenant_tables
from assets.landing.assets import landing_assets, landing_key
from assets.marts.assets import load, publication_asset
from assets.workspace import WorkspaceResource
from connectors.registry import adapters
from pipelines.automation import SCHEDULES, SENSORS
from pipelines.dbt import dbt_resource, warehouse_models
from pipelines.environment import Environment
from pipelines.jobs import jobs

OWNERS = {
    "landing": "team:feeds", "canonical": "team:feeds", "market_data": "team:feeds", "quality": "team:data-quality",
    "accounting": "team:accounting", "ops": "team:platform",
}  # fmt: skip
FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=4), warn_window=timedelta(hours=30))
"""A night may fall into a long weekend; over a day and a half on a weekday is worth a look."""


def market_data_keys() -> list[dg.AssetKey]:
    """Keys of the assets that belong to no tenant."""
    landing = [landing_key(slug) for slug, source in adapters().items() if source.market == "market_data"]
    return [*landing, *(shared_key_of(name) for name in SHARED_TABLES)]


def build_definitions(environment: Environment, warehouse_url: str) -> dg.Definitions:
    """Everything that the orchestrator knows.

    Args:
        environment: the installation.
        warehouse_url: PostgreSQL.
    """
    models = warehouse_models()
    assets: list[dg.AssetsDefinition] = [
        *landing_assets(),
        tenant_tables(),
        shared_tables(),
        *accounting_assets(),
        load,
        publication_asset(list(models.keys), version("wealthnexus")),
    ]
    workspace = WorkspaceResource(
        home=str(environment.home), lake_root=environment.lake_root, warehouse_url=warehouse_url
    )
    return dg.Definitions(
        assets=[definition.map_asset_specs(_with_policy) for definition in (*assets, models)],
        jobs=jobs(models, market_data_keys()),
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={"workspace": workspace, "dbt": dbt_resource()},
    )


def _with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Owner and freshness by layer, stated once for all assets."""
    owner = OWNERS.get(spec.group_name or "", "team:analytics-engineering")
    spec = spec.replace_attributes(owners=[owner])
    with_freshness: dg.AssetSpec = dg.apply_freshness_policy(spec, FRESHNESS, overwrite_existing=False)
    return with_freshness


@dg.definitions
def defs() -> dg.Definitions:
    """What the UI and the daemon load: this installation, with its warehouse started or found."""
    from pipelines.installation import prepared  # the CLI imports this module; the cycle is broken here

    installation = prepared()
    return build_definitions(installation.environment, installation.warehouse_url)
