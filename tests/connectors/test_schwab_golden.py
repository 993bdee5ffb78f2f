"""Schwab's sample files, assembled by hand from the published positions, against rows written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connectors.custodians.schwab.adapter import ADAPTER
from tests.connectors.golden import SCHWAB, agrees_with_expected, core_file, parsed, sample_lines


@pytest.mark.parametrize(
    "name",
    [
        "CRS20220105.TRN",
        "CRS20220105.RPS",
        "CRS20220105.SEC",
        "CRS20220105.ACC",
        "CRS20220105.ULT",
        "CRS20220105.RLY",
        "CRS20220105.MXR",
    ],
)
def test_a_sample_gives_the_rows_written_down_for_it(name: str) -> None:
    agrees_with_expected(parsed(ADAPTER, SCHWAB / "samples" / name), SCHWAB / "expected" / name)


@pytest.mark.parametrize("extension", ["TRN", "RPS", "SEC", "ACC", "ULT", "RLY", "MXR"])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"line_end": "\r\n"},
        {"ending": ""},
        {"ending": "\n\x1a"},
        {"line_end": "\r\n", "ending": "\r\n\x1a"},
        {"encoding": "utf-8-sig"},
        {"name": "CRS220105.{}"},
        {"ending": "\n\n  \n"},
    ],
)
def test_line_ends_marks_and_name_forms_do_not_change_the_rows(
    tmp_path: Path, extension: str, change: dict[str, str]
) -> None:
    name = f"CRS20220105.{extension}"
    change = {key: text.format(extension) for key, text in change.items()}
    path = core_file(tmp_path, extension, sample_lines(name)[1:-1], **change)
    agrees_with_expected(parsed(ADAPTER, path), SCHWAB / "expected" / name)


def test_backdated_transactions_read_like_transactions(tmp_path: Path) -> None:
    path = core_file(tmp_path, "BAK", sample_lines("CRS20220105.TRN")[1:-1])
    agrees_with_expected(parsed(ADAPTER, path), SCHWAB / "expected" / "CRS20220105.TRN")


def test_the_name_says_kind_and_day_in_both_forms() -> None:
    for name in ("CRS20220105.TRN", "CRS220105.TRN", "crs220105.trn"):
        found = ADAPTER.kind_of(name)
        assert found is not None
        assert (found[0].name, found[1]) == ("TRN", date(2022, 1, 5))
    assert ADAPTER.kind_of("CRS20220105.XYZ") is None
    assert ADAPTER.kind_of("CRS2022010.TRN") is None


@pytest.mark.parametrize("extension", ["TRN", "RPS", "SEC", "ACC", "ULT", "RLY", "MXR"])
def test_a_file_of_no_records_is_a_file(tmp_path: Path, extension: str) -> None:
    result = parsed(ADAPTER, core_file(tmp_path, extension, []))
    assert result.record_count == 0
    assert result.business_date == date(2022, 1, 5)
    assert all(frame.is_empty() for frame in result.frames.values())
