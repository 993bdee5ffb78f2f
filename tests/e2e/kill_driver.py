"""Runs jobs of a night in a house, and kills itself without warning at a named write.

    python -m tests.e2e.kill_driver HOME DATABASE_URL POINT NIGHT JOB...

POINT is ``label:occurrence:before`` or ``…:after``, such as ``Lake.append_changed:2:before``; a JOB is
``market_data``, ``marts`` or a tenant. ``none`` runs to the end
and prints every point that it passed, one a line. A write is killed before it begins or as soon as it has returned;
``step`` is the end of an asset, killed before or after the orchestrator has written it down.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

import assets.marts.assets
import assets.marts.load
import warehouse.postgres.load
from pipelines.definitions import build_definitions
from pipelines.installation import prepared
from pipelines.runs import Outcome, Runner
from warehouse.lake.raw import RawStore
from warehouse.lake.store import Lake

WRITES: tuple[tuple[str, Any, str], ...] = (
    ("RawStore.put", RawStore, "put"),
    ("RawStore.take", RawStore, "take"),
    ("Lake.append", Lake, "append"),
    ("Lake.replace_files", Lake, "replace_files"),
    ("Lake.append_changed", Lake, "append_changed"),
    ("sync_core", assets.marts.load, "sync_core"),
    ("append_files", warehouse.postgres.load, "append_files"),
    ("load_dates", warehouse.postgres.load, "load_dates"),
    ("dbt", DbtCliResource, "cli"),
    ("publish", assets.marts.assets, "publish"),
    ("drop_superseded", assets.marts.assets, "drop_superseded"),
)


class Reaper:
    """Counts the writes, and kills at the one that is meant."""

    def __init__(self, point: str) -> None:
        self._point = point
        self._counts: Counter[str] = Counter()
        self.passed: list[str] = []

    def wrapped(self, label: str, write: Callable[..., Any]) -> Callable[..., Any]:
        """The same write between two points."""

        @functools.wraps(write)
        def guarded(*arguments: Any, **options: Any) -> Any:
            self._counts[label] += 1
            name = f"{label}:{self._counts[label]}"
            self._pass(f"{name}:before")
            result = write(*arguments, **options)
            self._pass(f"{name}:after")
            return result

        return guarded

    def _pass(self, point: str) -> None:
        self.passed.append(point)
        if point == self._point:
            os.kill(os.getpid(), signal.SIGKILL)


def main(home: str, url: str, point: str, night: date, jobs: list[str]) -> None:
    """The jobs of one night, with the reaper watching."""
    os.environ.update(NEXUS_HOME=home, DATABASE_URL=url)
    reaper = Reaper(point)
    for label, owner, name in WRITES:
        setattr(owner, name, reaper.wrapped(label, getattr(owner, name)))
    handle = dg.DagsterInstance.handle_new_event
    noted = reaper.wrapped("step", handle)

    def handle_event(self: dg.DagsterInstance, event: dg.EventLogEntry, **options: Any) -> Any:
        happened = event.dagster_event
        ends = happened is not None and happened.event_type == dg.DagsterEventType.STEP_SUCCESS
        return (noted if ends else handle)(self, event, **options)

    dg.DagsterInstance.handle_new_event = handle_event  # type: ignore[method-assign]
    installation = prepared()
    runner = Runner(build_definitions(installation.environment, installation.warehouse_url), installation.instance())
    outcomes = [_run(runner, job, night) for job in jobs]
    if not all(outcome.success for outcome in outcomes):
        raise RuntimeError("a run failed by itself")
    print("\n".join(reaper.passed), flush=True)  # noqa: T201 (what the caller asked for)


def _run(runner: Runner, job: str, night: date) -> Outcome:
    if job == "market_data":
        return runner.market_data(night, night)
    return runner.marts() if job == "marts" else runner.nightly(job, night, night)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], date.fromisoformat(sys.argv[4]), sys.argv[5:])
