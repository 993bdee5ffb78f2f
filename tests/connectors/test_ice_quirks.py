"""Habits of evaluated prices, one test each."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import FeedFault
from connectors.market_data.ice.adapter import ADAPTER
from tests.connectors.golden import reasons
from tests.connectors.vendor_files import read

NAME = "ice_eod_20260105.csv"
BOND = {
    "cusip": "912828XX1", "isin": "", "as_of_date": "2026-01-05", "snap_time_et": "16:00", "currency": "USD",
    "bid": "99.5", "mid": "99.625", "ask": "99.75", "clean_dirty_flag": "C", "accrued": "0.4", "yield_bid": "4.1",
    "spread": "85", "factor": "0", "price_type": "EVAL", "source": "IDC", "change_flag": "C",
}  # fmt: skip


def table(*rows: dict[str, str]) -> str:
    return "\n".join([",".join(BOND), *(",".join({**BOND, **row}.values()) for row in rows), ""])


def price_of(folder: Path, **row: str) -> Decimal:
    [price] = read(ADAPTER, folder, NAME, table(row)).frames["canonical.price"]["price"]
    assert isinstance(price, Decimal)
    return price


def test_a_dirty_price_is_made_clean_by_its_accrued_interest(tmp_path: Path) -> None:
    assert price_of(tmp_path, mid="100.875", clean_dirty_flag="D", accrued="1.25") == Decimal("99.625")
    assert price_of(tmp_path, mid="99.625", clean_dirty_flag="C", accrued="1.25") == Decimal("99.625")


def test_a_bond_in_default_trades_flat(tmp_path: Path) -> None:
    assert price_of(tmp_path, mid="21", clean_dirty_flag="D", accrued="", price_type="FLAT") == Decimal(21)


def test_a_side_may_be_null_but_not_the_mid(tmp_path: Path) -> None:
    assert price_of(tmp_path, bid="", ask="") == Decimal("99.625")
    result = read(ADAPTER, tmp_path, NAME, table({"mid": ""}))
    assert reasons(result) == [(2, "missing_value", "mid")]


def test_a_pool_factor_of_zero_means_not_factored(tmp_path: Path) -> None:
    rows = [{"cusip": f"31371NUC{n}", "factor": factor} for n, factor in enumerate(("0", "", "0.54321", "1"))]
    securities = read(ADAPTER, tmp_path, NAME, table(*rows)).frames["canonical.security"]
    assert securities.select("source_line", "pool_factor").rows() == [(4, Decimal("0.54321")), (5, Decimal(1))]


def test_factored_prices_are_per_hundred_of_current_face(tmp_path: Path) -> None:
    assert price_of(tmp_path, mid="88.125", factor="0.54321") == Decimal("88.125")


def test_a_challenged_price_comes_again_next_morning_for_the_day_before(tmp_path: Path) -> None:
    later = read(ADAPTER, tmp_path, "ice_reval_20260105.csv", table({"mid": "98.625", "change_flag": "R"}))
    found = ADAPTER.kind_of("ice_reval_20260105.csv")
    assert found is not None
    assert found[0].is_replaceable
    assert later.business_date == date(2026, 1, 5)
    assert later.frames["canonical.price"].select("price_date", "price").rows() == [
        (date(2026, 1, 5), Decimal("98.625"))
    ]


def test_bond_and_exchange_holidays_differ_so_no_file_is_certain() -> None:
    assert not any(kind.is_expected for kind in ADAPTER.kinds)


def test_times_of_evaluation_may_differ_by_bond_but_not_for_one_bond(tmp_path: Path) -> None:
    rows = ({"snap_time_et": "15:00"}, {"snap_time_et": "16:00", "cusip": "31371NUC7"}, {"snap_time_et": "17:00"})
    result = read(ADAPTER, tmp_path, NAME, table(*rows))
    assert reasons(result) == [(4, "duplicate_key", "isin")]


def test_a_price_type_that_is_new_waits_for_the_firms_table(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("code,pays_interest\nMODEL,yes\n")
    content = table({"price_type": "MODEL"})
    assert reasons(read(ADAPTER, tmp_path, NAME, content)) == [(2, "unknown_code", "price_type")]
    assert read(ADAPTER, tmp_path, NAME, content, price_types=own).quarantined_count == 0


def test_a_later_column_is_read_where_the_layout_knows_it_and_left_alone_else(tmp_path: Path) -> None:
    lines = table({}).splitlines()
    content = f"{lines[0]},mid_price_date,desk\n{lines[1]},2026-01-02,NY\n"
    assert read(ADAPTER, tmp_path, NAME, content).frames["canonical.price"]["price_date"].to_list() == [
        date(2026, 1, 2)
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty_file"),
        ("cusip,isin\n", "malformed_document"),
        (table({}).replace("isin,", "mid,", 1), "malformed_document"),
        ("PK\x03\x04\0\0", "binary_content"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(FeedFault) as fault:
        read(ADAPTER, tmp_path, NAME, content)
    assert fault.value.reason == reason
