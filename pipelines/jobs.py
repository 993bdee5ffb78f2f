"""Jobs: which assets run together, in which process.

The nightly is one in-process run per tenant and date (a step costs a tenth of a second there, seconds in a process of
its own); many run at once through the queue. Market data has no tenant; dbt runs one at a time after the loads.
"""

from __future__ import annotations

import dagster as dg

from assets.marts.assets import LOAD, PUBLICATION
from assets.partitions import DATES, TENANT_DATES

NIGHTLY = "nightly"
MARKET_DATA = "market_data"
MARTS = "marts"


def jobs(models: dg.AssetsDefinition, market_data: list[dg.AssetKey]) -> list[dg.UnresolvedAssetJobDefinition]:
    """The three jobs of a night."""
    marts = dg.AssetSelection.assets(*models.keys, PUBLICATION)
    shared = dg.AssetSelection.assets(*market_data)
    nightly = dg.AssetSelection.assets(LOAD).upstream() - shared
    retries = dg.RetryPolicy(max_retries=1, delay=30)
    return [
        dg.define_asset_job(
            MARKET_DATA, shared, partitions_def=DATES, executor_def=dg.in_process_executor,
            tags={"nexus/job": MARKET_DATA}, description="Prices and rates, shared by all tenants.",
        ),
        dg.define_asset_job(
            NIGHTLY, nightly, partitions_def=TENANT_DATES, executor_def=dg.in_process_executor,
            tags={"nexus/job": NIGHTLY}, description="One tenant's files to loaded facts, for a day or a range.",
        ),
        dg.define_asset_job(
            MARTS, marts, executor_def=dg.in_process_executor, op_retry_policy=retries,
            tags={"nexus/job": MARTS}, description="dbt build over what is loaded, then publication.",
        ),
    ]  # fmt: skip
