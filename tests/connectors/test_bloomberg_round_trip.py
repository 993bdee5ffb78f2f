"""What the simulated market knows comes back from Bloomberg's files to the last decimal."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import polars as pl

from connectors.market_data.bloomberg.adapter import ADAPTER
from simulation.writers import bloomberg
from tests.connectors import vendor_truth as truth
from tests.connectors.golden import parsed

DAYS = truth.scene().days[:12]


def test_prices_reference_rates_and_dividends_come_back(tmp_path: Path) -> None:
    frames: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for day in DAYS:
        for name, kind, content in bloomberg.files(truth.scene(), day):
            (tmp_path / name).write_bytes(content)
            found = ADAPTER.kind_of(name)
            assert found is not None
            assert (found[0].name, found[1]) == (kind, day)
            result = parsed(ADAPTER, tmp_path / name)
            assert result.quarantined_count == 0
            assert result.business_date == day
            for table, frame in result.frames.items():
                frames[table].append(frame)
    assert truth.told(frames["canonical.price"], *truth.PRICE) == truth.prices(DAYS)
    assert truth.told(frames["canonical.fx_rate"], *truth.RATE) == truth.rates(DAYS)
    assert truth.told(frames["canonical.corporate_action"], *truth.ACTION) == truth.actions(DAYS)
    described = pl.concat(frames["canonical.security"]).filter(pl.col("security_type") != "index").unique("isin")
    assert truth.told([described], *truth.REFERENCE) == truth.reference()
