"""The benchmark of large statements as a user runs it, at a size at which nothing can be concluded from its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_statement_in_each_format_is_measured_against_its_floor() -> None:
    command = [sys.executable, "-m", "benchmarks", "documents", "--size", "1", "--json"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    measured = [json.loads(line) for line in done.stdout.splitlines()]
    assert [m["name"] for m in measured] == ["documents/ofx_sgml", "documents/ofx_xml", "documents/flex"]
    for m in measured:
        assert m["size"] == 1
        assert min(m["seconds"], m["floor_seconds"], m["peak_mib"], m["mib_per_second"]) > 0
