"""The benchmark as a user runs it, at a size at which nothing can be concluded from its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = {
    "market_data", "landing", "parse", "conform", "gate", "write", "ledger", "positions", "breaks", "feeds", "values",
    "load", "dbt", "publish", "other",
}  # fmt: skip


def test_a_nightly_of_fifty_accounts_is_measured_part_by_part() -> None:
    command = [sys.executable, "-m", "benchmarks", "nightly", "--size", "50", "--json"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    [line] = done.stdout.splitlines()
    measured = json.loads(line)
    assert set(measured) == {"name", "size", "seconds", "floor_seconds", "ratio", "peak_mib", "breakdown"}
    assert (measured["name"], measured["size"]) == ("nightly", 50)
    assert measured["peak_mib"] > 0
    breakdown = measured["breakdown"]
    assert set(breakdown) == PARTS
    assert all(seconds >= 0 for seconds in breakdown.values())
    # The parts are the whole: nothing of the night is left out, each figure being rounded to a thousandth.
    assert abs(sum(breakdown.values()) - measured["seconds"]) < 0.001 * (len(PARTS) + 1)
