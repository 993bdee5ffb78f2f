"""Runs of the installation that the environment names: ``python -m tests.serving_api.night TENANT... FIRST LAST``.

A process of its own, because the orchestrator's warnings and the environment that it reads are none of a test's.
"""

from __future__ import annotations

import sys
from datetime import date

import dagster as dg

from pipelines.definitions import build_definitions
from pipelines.installation import prepared
from pipelines.runs import Runner


def main(tenants: list[str], first: date, last: date) -> list[str]:
    """Market data, one nightly a tenant, marts; names of the runs that failed."""
    installation = prepared()
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tenant", tenants)
        runner = Runner(build_definitions(installation.environment, installation.warehouse_url), instance)
        outcomes = {"market data": runner.market_data(first, last)}
        outcomes |= {tenant: runner.nightly(tenant, first, last) for tenant in tenants}
        outcomes["marts"] = runner.marts()
    return [name for name, outcome in outcomes.items() if not outcome.success]


if __name__ == "__main__":
    *slugs, begin, end = sys.argv[1:]
    failed = main(slugs, date.fromisoformat(begin), date.fromisoformat(end))
    sys.exit(f"runs failed: {', '.join(failed)}" if failed else 0)
