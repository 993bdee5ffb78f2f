"""The hand-made Fidelity files give exactly the rows, rejects and counts written down for them."""

from __future__ import annotations

import pytest

from connectors.custodians.fidelity.adapter import ADAPTER
from tests.connectors.fidelity_fixture import FIDELITY, read
from tests.connectors.golden import agrees_with_expected

SAMPLES = sorted(path.name for path in (FIDELITY / "samples").iterdir())


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_gives_the_rows_written_down_for_it(name: str) -> None:
    agrees_with_expected(read(FIDELITY / "samples" / name), FIDELITY / "expected" / name)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_bytes_of_a_transmission_tell_its_kind(name: str) -> None:
    found = ADAPTER.kind_of(name)
    assert found is not None
    assert ADAPTER.sniff is not None
    told = ADAPTER.sniff((FIDELITY / "samples" / name).read_bytes()[:4096].decode("latin-1"))
    assert told == found[0].name


def test_every_kind_of_the_page_has_a_sample() -> None:
    told = {found[0].name for name in SAMPLES if (found := ADAPTER.kind_of(name)) is not None}
    assert told == {kind.name for kind in ADAPTER.kinds} - {"FORMATB"}
