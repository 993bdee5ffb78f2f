"""Schwab files that are broken as a whole: each has a named reason, and nothing is taken from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.custodians.schwab.adapter import ADAPTER
from connectors.errors import FeedFault
from tests.connectors.golden import core_file, parsed, sample_lines

RECORDS = sample_lines("CRS20220105.TRN")[1:-1]
COUNT = 11


def fault(path: Path) -> FeedFault:
    with pytest.raises(FeedFault) as raised:
        parsed(ADAPTER, path)
    return raised.value


@pytest.mark.parametrize(
    ("change", "reason", "line"),
    [
        ({"trailer": f"TR|SCHWAB  |  08123456|20220105|{COUNT - 1:010d}|"}, "trailer_mismatch", 14),
        ({"trailer": f"TR|SCHWAB  |  08123456|20220105|{COUNT + 1:010d}|"}, "trailer_mismatch", 14),
        ({"trailer": f"TR|SCHWAB  |  08123456|20220106|{COUNT:010d}|"}, "wrong_business_date", 14),
        ({"trailer": "TR|SCHWAB  |  08123456|20220105|00000"}, "trailer_mismatch", 14),
        ({"trailer": "TR|SCHWAB  |  081"}, "truncated_file", 14),
        ({"trailer": "TR|SCHWAB  |  08123456|20220105|0000000X11|"}, "truncated_file", 14),
        ({"trailer": None}, "truncated_file", 13),
        ({"header": None}, "truncated_file", 1),
        ({"header": "HD|SCHWAB  |  08123456|X|20220106|TRN|"}, "wrong_business_date", 1),
        ({"header": "HD|SCHWAB  |  08123456|X|20220105|SEC|"}, "unrecognised_file", 1),
        ({"header": "HD|SCHWAB  |  08123456|X|20229905|TRN|"}, "malformed_document", 1),
        ({"header": "HD|"}, "malformed_document", 1),
        ({"header": "<html><body>Service unavailable</body></html>"}, "malformed_document", 1),
        ({"name": "CRS20220106.TRN"}, "wrong_business_date", 1),
        ({"name": "CRS20220231.TRN"}, "wrong_business_date", 1),
        ({"ending": "\nD1|AFTER THE TRAILER\n"}, "trailer_mismatch", 15),
        ({"encoding": "utf-16"}, "wrong_encoding", 1),
    ],
)
def test_a_broken_envelope_has_a_reason_and_a_line(
    tmp_path: Path, change: dict[str, Any], reason: str, line: int
) -> None:
    found = fault(core_file(tmp_path, "TRN", RECORDS, **change))
    assert (found.reason, found.line) == (reason, line)


def test_two_files_in_one_are_malformed(tmp_path: Path) -> None:
    records = sample_lines("CRS20220105.ACC")
    assert fault(core_file(tmp_path, "ACC", records)).reason in {"malformed_document", "trailer_mismatch"}


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
@pytest.mark.parametrize("name", ["CRS20220105.TRN", "CRS20220105.RPS", "CRS20220105.SEC", "CRS20220105.ACC"])
def test_a_truncated_file_gives_nothing(tmp_path: Path, name: str, share: float) -> None:
    path = core_file(tmp_path, name[-3:], sample_lines(name)[1:-1])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert fault(path).reason in {"truncated_file", "trailer_mismatch"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"\n\n", "empty_file"),
        (b"\x00\x01\x02\x03" * 100, "binary_content"),
        (b"\x7fELF\x02\x01\x01\x00", "binary_content"),
        (b"HD|caf\x81", "wrong_encoding"),
        (b"A" * 200_000, "too_large"),
    ],
)
def test_rubbish_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "CRS20220105.TRN"
    path.write_bytes(content)
    assert fault(path).reason == reason


def test_the_records_seen_before_the_fault_are_counted(tmp_path: Path) -> None:
    assert fault(core_file(tmp_path, "TRN", RECORDS, trailer=None)).record_count == len(RECORDS)
