"""``nightly``: one firm's night, from the custodian's files to published marts, against the floor of its position file.

The firm has 20 positions an account. Its opening day is run first, in a process of its own; then one process runs the
next day, as the orchestrator's worker would: market data, landing from a local folder, reading, gate, books,
valuation, load, dbt and publication. The same process then measures the floor, and the published figures are compared
with the simulator's truth.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

import polars as pl

from benchmarks.firm import deliver, install, night, runner_of, workspace_of
from benchmarks.floor import floor_seconds
from benchmarks.measurement import Measurement
from benchmarks.truth import require_truth
from contracts.tables.accounting import POSITION
from pipelines.runs import Outcome
from simulation.bulk import CONNECTION, TENANT
from warehouse.postgres.bulk import warehouse_frame
from warehouse.postgres.server import stop

PARTS: Final[Mapping[str, str]] = {
    "landing": "landing__schwab_files", "parse": "canonical_tables/parse", "conform": "canonical_tables/conform",
    "gate": "canonical_tables/gate", "write": "canonical_tables/write", "ledger": "accounting__ledger_entry",
    "positions": "accounting__position", "breaks": "quality__position_break", "feeds": "quality__feed_readiness",
    "values": "accounting__account_valuation", "load": "ops__load", "dbt": "dbt_build", "publish": "ops__publication",
}  # fmt: skip
"""Part of the night to the step, or the phase of a step, that it is. Market data is a run of its own."""
_Result = TypeVar("_Result")


def run(accounts: int) -> Measurement:
    """Measure the night of a firm of so many accounts, in a temporary folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder:
        home = Path(folder)
        try:
            day = _apart(install, home, accounts)
            deliver(home)
            return _apart(measure, home, accounts, day)
        finally:
            stop(home)


def measure(home: Path, accounts: int, day: date) -> Measurement:
    """Run and time the night of ``day`` in this process, then its floor; refuse a wrong result.

    ``peak_mib`` is this process's own: landing to load. dbt and PostgreSQL are processes of their own.
    """
    runner, installation = runner_of(home)
    began = time.perf_counter()
    outcomes = night(runner, day)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    url = installation.warehouse_url
    loaded = workspace_of(home, installation).lake.current(POSITION, TENANT, where=pl.col("as_of_date") == day)
    positions_file = home / "world" / "sftp" / TENANT / CONNECTION / f"CRS{day:%Y%m%d}.RPS"
    floor = floor_seconds(positions_file, warehouse_frame(POSITION, loaded), url)
    require_truth(home / "world", url, day)
    return Measurement("nightly", accounts, seconds, floor, peak, _breakdown(outcomes, seconds))


def _breakdown(outcomes: Mapping[str, Outcome], seconds: float) -> dict[str, float]:
    steps = {**outcomes["nightly"].seconds, **outcomes["marts"].seconds}
    if missing := set(PARTS.values()) - set(steps):
        raise RuntimeError(f"the night reported no time for {', '.join(sorted(missing))}; it has {sorted(steps)}")
    parts = {part: steps[step] for part, step in PARTS.items()}
    parts["market_data"] = sum(spent for step, spent in outcomes["market_data"].seconds.items() if "/" not in step)
    parts["other"] = seconds - sum(parts.values())
    return parts


def _apart(work: Callable[..., _Result], *arguments: object) -> _Result:
    """The result of the work, done in a fresh process."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()
