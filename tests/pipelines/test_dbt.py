"""What dbt leaves behind is kept for a week."""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.dbt import forget_old_builds

NOW = 1_800_000_000.0
DAY = 86_400


def test_builds_of_more_than_a_week_ago_are_forgotten_and_nothing_else(tmp_path: Path) -> None:
    ages = {"dbt_build-old": 8, "dbt_build-new": 6, "compiled": 400}
    for name, days in ages.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "dbt.log").write_text("log")
        os.utime(tmp_path / name, (NOW - days * DAY, NOW - days * DAY))
    forget_old_builds(tmp_path, NOW)
    assert {p.name for p in tmp_path.iterdir()} == {"dbt_build-new", "compiled"}
