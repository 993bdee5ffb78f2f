"""Bloomberg: samples written by hand and files of the wild, with the rows written down for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.market_data.bloomberg.adapter import ADAPTER, sniff
from tests.connectors.golden import parsed, reasons
from tests.connectors.vendor_files import VENDORS, agrees, survive

SAMPLES = VENDORS / "bloomberg" / "samples"
EXPECTED = VENDORS / "bloomberg" / "expected"
REAL = sorted(path.name for path in SAMPLES.glob("bbdl_*"))


@pytest.mark.parametrize("name", sorted(path.name for path in EXPECTED.iterdir()))
def test_a_sample_gives_the_rows_written_down_for_it(name: str) -> None:
    agrees(ADAPTER, name)


def test_all_eleven_files_of_the_wild_are_read() -> None:
    assert len(REAL) == 11
    counts = {name: parsed(ADAPTER, SAMPLES / name) for name in REAL}
    assert {name: (found.record_count, found.quarantined_count) for name, found in counts.items()} == {
        "bbdl_comprehensive_bonds.out": (5, 5),  # no CRNCY was asked for
        "bbdl_comprehensive_converts.out": (6, 6),
        "bbdl_comprehensive_equity.out": (5, 1),
        "bbdl_current_request.req": (0, 0),
        "bbdl_current_response.out": (2, 0),
        "bbdl_fprp00.out": (5, 1),
        "bbdl_fprp00.req": (0, 0),
        "bbdl_historical_multi_request.req": (0, 0),
        "bbdl_historical_multi_response.out": (6, 0),
        "bbdl_historical_single_request.req": (0, 0),
        "bbdl_historical_single_response.out": (2, 0),
    }


def test_errors_of_single_securities_are_named_by_their_code() -> None:
    bonds = parsed(ADAPTER, SAMPLES / "bbdl_comprehensive_bonds.out")
    assert reasons(bonds)[-2:] == [(49, "unknown_security", "RETCODE"), (50, "missing_value", "RETCODE")]
    assert "restricted" in bonds.rejects["detail"][-1]


def test_the_first_bytes_tell_the_kind() -> None:
    kinds = {name: sniff((SAMPLES / name).read_bytes()[:4096].decode("latin-1")) for name in REAL}
    assert {kind for name, kind in kinds.items() if name.endswith(".req")} == {"REQ"}
    assert kinds["bbdl_historical_multi_response.out"] == "HISTORY"
    assert kinds["bbdl_fprp00.out"] == "OUT"
    assert sniff("HD|SCHWAB") is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("prices_20260105.out", "PRICES"),
        ("equity_namr.out.20260105", "OUT"),
        ("equity_namr.px.20260105", "PX"),
        ("equity_namr.dif.20260105", "DIF"),
        ("corp_pfd_euro.out", "OUT"),
        ("fprp00.req", "REQ"),
    ],
)
def test_back_office_names_are_told_apart(name: str, kind: str) -> None:
    found = ADAPTER.kind_of(name)
    assert found is not None
    assert found[0].name == kind


def test_mutated_files_keep_the_count_law_or_are_refused_by_name(tmp_path: Path) -> None:
    survive(ADAPTER, sorted(SAMPLES.glob("*.out")), tmp_path, rounds=40)


@pytest.mark.full
def test_mutated_files_for_as_long_as_the_nightly_allows(tmp_path: Path) -> None:
    survive(ADAPTER, sorted(SAMPLES.glob("*.out")), tmp_path, rounds=None, seed=97)
