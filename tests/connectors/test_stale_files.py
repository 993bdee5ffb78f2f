"""An old file that comes again under the name of a later day is none of that day."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import FeedFault
from connectors.registry import adapter
from tests.connectors.vendor_files import VENDORS, read


@pytest.mark.parametrize(
    ("slug", "sample", "name"),
    [
        ("ice", "ice_eod_20260105.csv", "ice_eod_20260109.csv"),
        ("closing_prices", "prices_20220105.csv", "prices_20220107.csv"),
        ("factset", "prices_unsplit_20260105.json", "prices_unsplit_20260109.json"),
    ],
)
def test_a_stale_file_is_not_the_delivery_of_its_name(slug: str, sample: str, name: str, tmp_path: Path) -> None:
    content = (VENDORS / slug / "samples" / sample).read_bytes()
    with pytest.raises(FeedFault) as caught:
        read(adapter(slug), tmp_path, name, content)
    assert caught.value.reason == "wrong_business_date"


def test_evaluations_of_the_day_before_may_come_again(tmp_path: Path) -> None:
    content = (VENDORS / "ice" / "samples" / "ice_reval_20260105.csv").read_bytes()
    found = read(adapter("ice"), tmp_path, "ice_reval_20260106.csv", content)
    assert found.frames["canonical.price"].height
