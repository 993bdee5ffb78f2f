"""The benchmark of position files as a user runs it, at a size at which nothing can be concluded from its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ONCE = "from benchmarks import __main__, parse; parse.ROUNDS = 1; __main__.main(['parse', '--size', '500', '--json'])"


@pytest.mark.full
def test_both_kinds_of_file_are_measured_in_both_ways_against_the_peer() -> None:
    done = subprocess.run([sys.executable, "-c", ONCE], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    measured = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(m["name"], m["size"]) for m in measured] == [
        ("parse/delimited/reader", 500), ("parse/delimited/connector", 500),
        ("parse/fixed_width/reader", 100), ("parse/fixed_width/connector", 100),
    ]  # fmt: skip
    for m in measured:
        assert min(m["seconds"], m["floor_seconds"], m["peak_mib"], m["mib_per_second"]) > 0
