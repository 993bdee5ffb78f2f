"""Runs in this process: the same jobs that the queue launches, for the command line, tests and benchmarks."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import dagster as dg
from dagster._core.storage.tags import (  # the only public names of a range's tags are these constants
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from pipelines.jobs import MARKET_DATA, MARTS, NIGHTLY

PHASE_PREFIX = "seconds_"
"""Metadata of a materialisation that says how long a phase of its step took."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        success: whether every step ended well.
        run_id: its id in the UI.
        failed_checks: ``asset: check`` of every check that did not pass.
        rows: asset to the rows that it reported.
        seconds: step to the seconds that it took, and ``step/phase`` to those of a phase that it reported.
    """

    success: bool
    run_id: str
    failed_checks: tuple[str, ...]
    rows: Mapping[str, int]
    seconds: Mapping[str, float]


class Runner:
    """Runs the jobs of one set of definitions on one instance."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._definitions = definitions
        self._instance = instance

    def nightly(self, tenant: str, first: date, last: date) -> Outcome:
        """One tenant from ``first`` to ``last`` in a single run."""
        ends = [str(dg.MultiPartitionKey({"tenant": tenant, "date": d.isoformat()})) for d in (first, last)]
        tags = {"nexus/tenant": tenant}
        if first == last:
            return self._run(NIGHTLY, tags, partition_key=ends[0])
        return self._run(NIGHTLY, {**tags, **_range(*ends)})

    def market_data(self, first: date, last: date) -> Outcome:
        """Market data from ``first`` to ``last`` in a single run."""
        if first == last:
            return self._run(MARKET_DATA, {}, partition_key=first.isoformat())
        return self._run(MARKET_DATA, _range(first.isoformat(), last.isoformat()))

    def marts(self) -> Outcome:
        """dbt build and publication of whatever is loaded."""
        return self._run(MARTS, {})

    def _run(self, name: str, tags: Mapping[str, str], partition_key: str | None = None) -> Outcome:
        job = self._definitions.resolve_job_def(name)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            result = job.execute_in_process(
                instance=self._instance,
                tags=dict(tags),
                partition_key=partition_key,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            )
        if not result.success:
            # dbt speaks on standard output; it is worth reading when something failed.
            sys.stderr.write(said.getvalue())
        checks = [
            f"{e.asset_key.to_user_string()}: {e.check_name}"
            for e in result.get_asset_check_evaluations()
            if not e.passed
        ]
        return Outcome(result.success, result.run_id, tuple(sorted(set(checks))), _rows(result), _seconds(result))


def _rows(result: dg.ExecuteInProcessResult) -> dict[str, int]:
    rows: dict[str, int] = {}
    for event in result.get_asset_materialization_events():
        materialization = event.step_materialization_data.materialization
        count = materialization.metadata.get("dagster/row_count")
        if count is not None:
            rows[materialization.asset_key.to_user_string()] = int(str(count.value))
    return rows


def _seconds(result: dg.ExecuteInProcessResult) -> dict[str, float]:
    seconds = {
        str(event.step_key): event.step_success_data.duration_ms / 1000 for event in result.get_step_success_events()
    }
    for event in result.get_asset_materialization_events():
        for name, value in event.step_materialization_data.materialization.metadata.items():
            if name.startswith(PHASE_PREFIX) and isinstance(value, dg.FloatMetadataValue) and value.value is not None:
                seconds[f"{event.step_key}/{name.removeprefix(PHASE_PREFIX)}"] = value.value
    return seconds


def _range(start: str, end: str) -> dict[str, str]:
    return {ASSET_PARTITION_RANGE_START_TAG: start, ASSET_PARTITION_RANGE_END_TAG: end}
