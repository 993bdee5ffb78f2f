"""What the orchestrator is told, for a reviewer to read: ``python -m tests.pipelines.snapshot`` writes it anew."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from pipelines.definitions import build_definitions
from pipelines.environment import Environment

SNAPSHOT = Path(__file__).parent / "snapshots" / "definitions.json"
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
"""A warehouse that does not exist: definitions load without one."""


def definitions() -> dg.Definitions:
    """The definitions of an installation that is nowhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # as assets.partitions decided for every process
        return build_definitions(Environment(home=Path("/nonexistent")), NOWHERE)


def described(defs: dg.Definitions) -> dict[str, Any]:
    """Assets, jobs, schedules and sensors, in order of name."""
    return {
        "assets": _assets(defs),
        "jobs": {job.name: _job(defs, job.name) for job in sorted(defs.jobs or (), key=lambda j: j.name)},
        "schedules": {
            s.name: {
                "cron": s.cron_schedule, "time_zone": s.execution_timezone, "job": s.job_name,
                "status": s.default_status.value,
            }
            for s in defs.schedules or ()
            if isinstance(s, dg.ScheduleDefinition)
        },
        "sensors": {
            s.name: {
                "kind": type(s).__name__, "job": s.job_name if s.targets else None,
                "seconds": s.minimum_interval_seconds, "status": s.default_status.value,
            }
            for s in defs.sensors or ()
        },
    }  # fmt: skip


def _assets(defs: dg.Definitions) -> dict[str, Any]:
    graph = defs.resolve_asset_graph()
    nodes = [graph.get(key) for key in sorted(graph.get_all_asset_keys(), key=str)]
    return {
        node.key.to_user_string(): {
            "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
            "group": node.group_name,
            "kinds": sorted(node.kinds or ()),
            "owners": list(node.owners),
            "partitions": _partitions(node.partitions_def),
            "freshness": _freshness(defs, node.key),
            "checks": sorted(check.name for check in node.check_keys),
        }
        for node in nodes
        if node.is_materializable
    }


def _freshness(defs: dg.Definitions, key: dg.AssetKey) -> str | None:
    policy = defs.resolve_assets_def(key).specs_by_key[key].freshness_policy
    if not isinstance(policy, TimeWindowFreshnessPolicy):
        return None
    warn, fail = policy.warn_window, policy.fail_window
    return f"warn after {warn.to_timedelta() if warn else None}, fail after {fail.to_timedelta()}"


def _partitions(definition: dg.PartitionsDefinition[Any] | None) -> str | dict[str, str] | None:
    if isinstance(definition, dg.MultiPartitionsDefinition):
        return {d.name: str(_partitions(d.partitions_def)) for d in definition.partitions_defs}
    if isinstance(definition, dg.DynamicPartitionsDefinition):
        return f"dynamic {definition.name}"
    if isinstance(definition, dg.TimeWindowPartitionsDefinition):
        return f"{definition.cron_schedule} from {definition.start:%Y-%m-%d}"
    return None


def _job(defs: dg.Definitions, name: str) -> dict[str, Any]:
    job = defs.resolve_job_def(name)
    keys = job.asset_layer.selected_asset_keys
    return {
        "assets": sorted(key.to_user_string() for key in keys),
        "executor": job.executor_def.name,
        "partitions": _partitions(job.partitions_def),
        "tags": dict(sorted(job.tags.items())),
    }


def main() -> None:
    """Write the snapshot."""
    SNAPSHOT.write_text(json.dumps(described(definitions()), indent=1) + "\n")


if __name__ == "__main__":
    main()
