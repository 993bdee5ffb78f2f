"""What the simulated market knows comes back from the files of LSEG, FactSet and ICE to the last decimal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from connectors.adapter import Adapter
from connectors.market_data.factset.adapter import ADAPTER as FACTSET
from connectors.market_data.ice.adapter import ADAPTER as ICE
from connectors.market_data.lseg.adapter import ADAPTER as LSEG
from simulation.market import Market
from simulation.writers import factset, ice, lseg
from tests.connectors import vendor_truth as truth
from tests.connectors.golden import parsed

DAYS = truth.scene().days[:12]
Write = Callable[[Market, date], Iterator[tuple[str, str, bytes]]]
Frames = dict[tuple[str, str], list[pl.DataFrame]]


def delivered(source: Adapter, write: Write, folder: Path) -> Frames:
    """All rows by kind of file and table."""
    frames: Frames = defaultdict(list)
    for day in DAYS:
        for name, kind, content in write(truth.scene(), day):
            (folder / name).write_bytes(content)
            found = source.kind_of(name)
            assert found is not None
            assert (found[0].name, found[1]) == (kind, day)
            result = parsed(source, folder / name)
            assert result.quarantined_count == 0, result.rejects
            assert result.business_date == day
            for table, frame in result.frames.items():
                frames[kind, table].append(frame)
    return frames


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return delivered(LSEG, lseg.files, tmp_path_factory.mktemp("lseg"))


def test_lseg_gives_prices_rates_reference_and_dividends_back(scheduled: Frames) -> None:
    frames = scheduled
    assert truth.told(frames["EOD", "canonical.price"], *truth.PRICE) == truth.prices(DAYS)
    assert truth.told(frames["EOD", "canonical.fx_rate"], *truth.RATE) == truth.rates(DAYS)
    assert truth.told(frames["ACTIONS", "canonical.corporate_action"], *truth.ACTION) == truth.actions(DAYS)
    described = pl.concat(frames["TERMS", "canonical.security"]).filter(pl.col("security_type") != "index")
    assert truth.told([described.unique("isin")], *truth.REFERENCE) == truth.reference()


def test_lseg_gives_london_in_the_final_file_alone(scheduled: Frames) -> None:
    early = truth.told(scheduled["EOD_PARTIAL", "canonical.price"], *truth.PRICE)
    assert early == {row for row in truth.prices(DAYS) if row[3] != "GBP"}


def test_factset_gives_prices_and_dividends_back(tmp_path: Path) -> None:
    frames = delivered(FACTSET, factset.files, tmp_path)
    assert truth.told(frames["PRICES", "canonical.price"], *truth.PRICE) == truth.prices(
        DAYS, is_bond=False, with_index=False
    )
    bonds = truth.prices(DAYS, is_bond=True, with_index=False)
    assert truth.told(frames["BONDS", "canonical.price"], *truth.PRICE) == bonds
    assert truth.told(frames["ACTIONS", "canonical.corporate_action"], *truth.ACTION) == truth.actions(DAYS)


def test_ice_gives_clean_prices_back_once_they_are_re_evaluated(tmp_path: Path) -> None:
    frames = delivered(ICE, ice.files, tmp_path)
    keys = ["isin", "price_date"]
    first, later = (pl.concat(frames[kind, "canonical.price"]) for kind in ("EOD", "REVAL"))
    assert later.height == len(DAYS) // 9
    wrong = first.join(later, on=keys, suffix="_later")
    assert (wrong["price"] - wrong["price_later"]).unique().to_list() == [Decimal("1.5")]
    final = pl.concat([first.join(later, on=keys, how="anti"), later])
    assert truth.told([final], *truth.PRICE) == truth.prices(DAYS, is_bond=True, with_index=False)
