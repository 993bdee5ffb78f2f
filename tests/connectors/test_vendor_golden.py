"""LSEG, FactSet and ICE: samples written by hand, with the rows written down for them, and what damage does to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.adapter import Adapter
from connectors.market_data.factset.adapter import ADAPTER as FACTSET
from connectors.market_data.ice.adapter import ADAPTER as ICE
from connectors.market_data.lseg.adapter import ADAPTER as LSEG
from tests.connectors.vendor_files import VENDORS, agrees, survive

SOURCES = (LSEG, FACTSET, ICE)
SAMPLES = [(source, path.name) for source in SOURCES for path in sorted((VENDORS / source.slug / "expected").iterdir())]


@pytest.mark.parametrize(("source", "name"), SAMPLES, ids=[f"{source.slug}-{name}" for source, name in SAMPLES])
def test_a_sample_gives_the_rows_written_down_for_it(source: Adapter, name: str) -> None:
    agrees(source, name)


def test_every_sample_has_its_rows() -> None:
    for source in SOURCES:
        folder = VENDORS / source.slug
        assert {p.name for p in (folder / "samples").iterdir()} == {p.name for p in (folder / "expected").iterdir()}


@pytest.mark.parametrize(("source", "name"), SAMPLES, ids=[f"{source.slug}-{name}" for source, name in SAMPLES])
def test_the_first_bytes_tell_the_kind(source: Adapter, name: str) -> None:
    if name.endswith(".notes.txt"):
        return
    assert source.sniff is not None
    head = (VENDORS / source.slug / "samples" / name).read_bytes()[:4096].decode("latin-1")
    found = source.kind_of(name)
    assert found is not None
    assert source.sniff(head) == ("EOD" if found[0].name == "REVAL" else found[0].name)
    assert source.sniff("HD|SCHWAB  |") is None


def _samples(source: Adapter) -> list[Path]:
    return sorted((VENDORS / source.slug / "samples").iterdir())


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.slug)
def test_mutated_files_keep_the_count_law_or_are_refused_by_name(source: Adapter, tmp_path: Path) -> None:
    survive(source, _samples(source), tmp_path, rounds=40)


@pytest.mark.full
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.slug)
def test_mutated_files_for_as_long_as_the_nightly_allows(source: Adapter, tmp_path: Path) -> None:
    survive(source, _samples(source), tmp_path, rounds=None, seed=97)
