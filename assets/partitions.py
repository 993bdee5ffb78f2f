"""The two dimensions of every asset: tenant and date (docs/architecture decision 4).

Tenants are added as they are configured. Dates are weekdays; a run for an exchange holiday finds no valuation date and
computes nothing. Market data has no tenant and is partitioned by date alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import date

import dagster as dg

FIRST_DATE = "2009-01-01"
TENANTS = dg.DynamicPartitionsDefinition(name="tenant")
AHEAD = 3
"""Weekdays from today on that have a partition: a statement of a Saturday counts on the next business day, which after
a long weekend is the third."""
DATES = dg.TimeWindowPartitionsDefinition(
    start=FIRST_DATE, fmt="%Y-%m-%d", cron_schedule="0 0 * * 1-5", end_offset=AHEAD
)
TENANT_DATES = dg.MultiPartitionsDefinition({"tenant": TENANTS, "date": DATES})
# The orchestrator calls the parameter beta on every use; that history runs as one range is a decision of ours.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)
SINGLE_RUN = dg.BackfillPolicy.single_run()


def tenant_and_dates(partition_keys: Sequence[str]) -> tuple[str, date, date]:
    """Tenant, first and last date of a run's partitions.

    Raises:
        ValueError: the keys span more than one tenant; history runs are one range per tenant.
    """
    parts = [key.split("|") for key in partition_keys]
    tenants = {tenant for _, tenant in parts}
    if len(tenants) != 1:
        raise ValueError(f"a run works on one tenant; its partitions name {len(tenants)}: launch one range per tenant")
    dates = sorted(date.fromisoformat(day) for day, _ in parts)
    return tenants.pop(), dates[0], dates[-1]
