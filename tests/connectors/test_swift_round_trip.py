"""The simulated firm's messages come back as its truth, to the last decimal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from analytics.cancels import cancel_pairs
from simulation.firm import TenantPlan
from simulation.scene import Scene
from simulation.trading import Trading
from simulation.truth import holdings
from simulation.truth_frames import transactions_frame
from simulation.world import SimulationConfig, World, simulate
from simulation.writers.swift import files
from tests.connectors.swift_fixture import parse

FIRST, LAST = date(2022, 1, 3), date(2022, 4, 1)
PLANS = {"alder": TenantPlan(accounts=10, master_account="08123456", styles=("swift",))}
Frames = Mapping[str, pl.DataFrame]


def scene_of(world: World, booked: Trading) -> Scene:
    reported = holdings(world.market, world.firm, booked, is_as_reported=True)
    return Scene(world.config.seed, world.market, world.firm, booked, reported)


def read_back(scene: Scene, folder: Path) -> Frames:
    """All messages of the scene, read in files of a month each, so that statements follow each other in a file."""
    months: dict[tuple[str, date], list[bytes]] = defaultdict(list)
    for day in scene.market.days:
        for _, kind, content in files(scene, "alder", scene.held_at("alder", "swift", day), day):
            months[kind, day.replace(day=1)].append(content)
    found: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for (kind, month), contents in months.items():
        result = parse(folder, b"".join(contents), f"{kind}_{month:%Y%m%d}.fin")
        assert result.rejects.is_empty(), (kind, month, result.rejects)
        for table, frame in result.frames.items():
            found[table].append(frame)
    return {table: pl.concat(parts) for table, parts in found.items()}


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(SimulationConfig(11, PLANS, FIRST, LAST))


@pytest.fixture(scope="module")
def back(world: World, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return read_back(scene_of(world, world.booked), tmp_path_factory.mktemp("swift"))


def truth(world: World, table: str) -> pl.DataFrame:
    return world.frames("alder")[table].filter(pl.col("connection_id") == "swift_custody")


VALUES = [
    "account_number", "transaction_type", "isin", "trade_date", "settle_date", "quantity", "price", "amount",
    "commission", "accrued_interest",
]  # fmt: skip


def bookings(world: World) -> pl.DataFrame:
    known = truth(world, "transactions")
    return known.with_columns(price=pl.when(pl.col("price") != 0).then("price"))


def test_every_booking_comes_back_once_with_all_that_it_is(world: World, back: Frames) -> None:
    expected = bookings(world)
    found = back["canonical.transaction"].with_columns(pl.col("transaction_type").cast(pl.String))
    assert {"BUY", "SELL", "DIVIDEND", "INTEREST", "DEPOSIT", "ADVISORY_FEE"} <= set(expected["transaction_type"])
    assert expected["accrued_interest"].gt(0).any()
    assert_frame_equal(found.select(VALUES).sort(VALUES), expected.select(VALUES).sort(VALUES))
    assert found["is_cancel"].sum() == 0
    paid = found.filter(pl.col("amount") != 0).select("account_number", "currency").unique()
    assert_frame_equal(
        paid.sort("account_number"), expected.select("account_number", "currency").unique().sort("account_number")
    )


def test_every_holding_comes_back_with_its_price(world: World, back: Frames) -> None:
    columns = ["account_number", "isin", "as_of_date", "quantity", "price", "price_date", "currency"]
    found = back["canonical.custodian_position"]
    assert_frame_equal(found.select(columns).sort(columns), truth(world, "positions").select(columns).sort(columns))
    assert not found["is_delta"].any()


def test_the_value_of_a_holding_is_its_quantity_at_its_price(world: World, back: Frames) -> None:
    factors = {s.isin: Fraction(s.price_factor) for s in world.market.securities}
    found = back["canonical.custodian_position"].filter(pl.col("quantity") != 0)
    for isin, quantity, price, value in found.select("isin", "quantity", "price", "market_value").head(400).iter_rows():
        exact = Fraction(quantity) * Fraction(price) * factors[isin]
        assert round(exact, 2) == Fraction(value)


def test_every_balance_comes_back_as_settled_cash(world: World, back: Frames) -> None:
    columns = ["account_number", "as_of_date", "currency", "cash_settled"]
    found = back["canonical.custodian_balance"].rename({"balance": "cash_settled"})
    assert set(found["balance_type"].cast(pl.String)) == {"cash_settled"}
    assert_frame_equal(found.select(columns).sort(columns), truth(world, "cash").select(columns).sort(columns))


def test_every_account_comes_back_with_its_currency(world: World, back: Frames) -> None:
    columns = ["account_number", "base_currency"]
    found = back["canonical.account"].select(columns).unique().sort(columns)
    assert_frame_equal(found, truth(world, "accounts").select(columns).sort(columns))
    assert set(found["base_currency"]) > {"EUR"}


def test_every_security_is_described_as_it_is(world: World, back: Frames) -> None:
    for security in world.market.securities:
        for row in back["canonical.security"].filter(pl.col("isin") == security.isin).iter_rows(named=True):
            # No true SEDOL has a vowel, so one of the invented ones is none.
            sedol = security.sedol if security.sedol and not set(security.sedol) & set("AEIOU") else None
            assert (row["cusip"], row["sedol"], row["currency"]) == (security.cusip, sedol, security.currency)
            assert row["security_type"] == ("bond" if security.is_bond else "equity")
            assert row["price_factor"] == security.price_factor
            assert row["coupon_percent"] == (security.annual_rate * 100 if security.is_bond else None)


def disturbed(world: World) -> Trading:
    """The bookings with four trades and a dividend taken back, one of them billed anew, and one reported late.

    Both ways of cancelling occur (even and odd numbers), before and after settlement.
    """
    own = [t for t in world.booked.transactions if t.account.style == "swift" and t.settle_date < date(2022, 3, 15)]
    trades = [t for t in own if t.type in ("BUY", "SELL") and t.amount > -(10**9)]
    even, odd = ([t for t in trades if t.number % 2 == rest] for rest in (0, 1))
    dividend = next(t for t in own if t.type == "DIVIDEND")
    days = {even[0]: 1, odd[0]: 1, even[1]: 6, odd[1]: 6, dividend: 3}
    shift = world.market.calendar.shift
    changed = {t: replace(t, cancelled_date=shift(t.reported_date, days[t])) for t in days}
    late = replace(even[2], reported_date=shift(even[2].trade_date, 4))
    rebill = replace(
        odd[1], number=9_000, commission=odd[1].commission + 100_000, amount=odd[1].amount - 100_000,
        reported_date=shift(odd[1].reported_date, 6),
    )  # fmt: skip
    kept = [late if t is even[2] else changed.get(t, t) for t in world.booked.transactions]
    return replace(world.booked, transactions=(*kept, rebill))


def test_what_is_cancelled_never_counts_and_a_backdated_trade_keeps_its_day(world: World, tmp_path: Path) -> None:
    booked = disturbed(world)
    rows = read_back(scene_of(world, booked), tmp_path)["canonical.transaction"].with_columns(
        pl.col("transaction_type").cast(pl.String), account_key="account_number", security_key="isin",
        natural_key=pl.int_range(pl.len()).cast(pl.String), row=pl.int_range(pl.len()),
    )  # fmt: skip
    cancels = rows.filter("is_cancel")
    assert sorted(cancels["provider_code"].str.starts_with("SETT")) == [False, True, True, True, True]
    pairs = cancel_pairs(rows.filter(~pl.col("is_cancel")), cancels)
    assert pairs.height == cancels.height
    gone = pl.concat([pairs["booked_row"], pairs["cancel_row"]])
    counted = rows.filter(~pl.col("row").is_in(gone.implode()))
    expected = transactions_frame(world.market, booked.transactions, "alder").filter(
        (pl.col("connection_id") == "swift_custody") & ~pl.col("is_cancelled")
    )
    expected = expected.with_columns(price=pl.when(pl.col("price") != 0).then("price"))
    assert_frame_equal(counted.select(VALUES).sort(VALUES), expected.select(VALUES).sort(VALUES))
