"""What a measurement says, and that a wrong result is not measured."""

from __future__ import annotations

import json

import polars as pl
import pytest

from benchmarks.measurement import Measurement
from benchmarks.truth import require_same

MEASURED = Measurement("nightly", 1_000, 12.0, 0.5, 300.25, {"parse": 4.0, "load": 8.0})


def test_ratio_is_how_many_times_the_floor() -> None:
    assert MEASURED.ratio == 24.0


def test_json_is_one_line_with_every_field() -> None:
    assert "\n" not in MEASURED.as_json()
    assert json.loads(MEASURED.as_json()) == {
        "name": "nightly", "size": 1000, "seconds": 12.0, "floor_seconds": 0.5, "ratio": 24.0, "peak_mib": 300.2,
        "breakdown": {"parse": 4.0, "load": 8.0},
    }  # fmt: skip


def test_text_gives_each_part_its_share() -> None:
    assert "33.3%" in MEASURED.as_text()
    assert "66.7%" in MEASURED.as_text()


TRUTH = pl.DataFrame({"account_number": ["1", "2"], "value": [10, 20]})


def test_the_truth_in_another_order_passes() -> None:
    require_same(TRUTH, TRUTH.reverse(), ["account_number"])


@pytest.mark.parametrize(
    "found",
    [
        TRUTH.head(1),
        pl.DataFrame({"account_number": ["1", "2", "3"], "value": [10, 20, 30]}),
        pl.DataFrame({"account_number": ["1", "2"], "value": [10, 21]}),
        pl.DataFrame({"account_number": ["1", "2"], "value": [10, None]}),
    ],
    ids=["missing", "too many", "another value", "no value"],
)
def test_a_result_that_is_not_the_truth_is_refused(found: pl.DataFrame) -> None:
    with pytest.raises(RuntimeError, match="not the simulator's"):
        require_same(TRUTH, found, ["account_number"])
