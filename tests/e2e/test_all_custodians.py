"""One truth through every custodian's files and every vendor's prices: whoever holds an account, its figures agree."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contracts.tables.accounting import ACCOUNT_VALUATION, POSITION
from contracts.tables.canonical import ACCOUNT, CORPORATE_ACTION, CUSTODIAN_GAIN, CUSTODIAN_LOT, PRICE
from contracts.tables.quality import FEED_READINESS, POSITION_BREAK, REJECT
from pipelines.cli.demo_settings import VENDOR_RANK, feeds_of
from simulation.faults import Backdated, Cancel, CancelRebill
from simulation.firm import CONNECTIONS, US_STYLES, TenantPlan
from simulation.providers import CUSTODIANS, VENDORS
from simulation.world import SimulationConfig, World, simulate
from tests.e2e.house import House, Houses

pytestmark = pytest.mark.xdist_group("e2e_custodians")

STYLES = tuple(dict.fromkeys((*US_STYLES, *CUSTODIANS)))
PLANS = {
    "alder": TenantPlan(accounts=20, master_account="08123456", ofx_share=0.1, styles=STYLES),
    "birch": TenantPlan(accounts=2, master_account="08765432"),
}
FIRST, FRIDAY, LAST = date(2022, 11, 1), date(2022, 11, 11), date(2022, 11, 14)
RETURN_TOLERANCE = 1e-8


@pytest.fixture(scope="module")
def everywhere() -> World:
    """Accounts at every custodian, priced by every vendor."""
    return simulate(SimulationConfig(seed=7, tenants=PLANS, first_date=FIRST, last_date=LAST, vendors=VENDORS))


@pytest.fixture(scope="module")
def taken(houses: Houses, everywhere: World) -> House:
    """All of it landed, read and booked; nothing published."""
    house = houses.build(feeds=feeds_of(everywhere))
    house.deliver(everywhere, everywhere.market.days)
    house.night(everywhere.market.days[0], everywhere.market.days[-1])
    return house


def adapters(world: World) -> dict[str, str]:
    """Connection to the slug of its connector."""
    return {name: feed.adapter for name, feed in feeds_of(world)["alder"].items()}


def named(house: House, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the custodian and number of their account."""
    accounts = house.workspace.lake.read(ACCOUNT, "alder").select("account_key", "custodian", "account_number").unique()
    return rows.join(accounts, on="account_key")


def test_accounts_sit_at_every_custodian(everywhere: World) -> None:
    assert {a.connection for a in everywhere.firm.of("alder")} == set(CONNECTIONS.values())
    assert set(VENDORS) <= set(VENDOR_RANK)


def test_no_record_of_any_custodian_or_vendor_is_held_back(taken: House) -> None:
    for tenant in ("alder", "birch", "_shared"):
        found = taken.workspace.lake.read(REJECT, tenant)
        assert found.select("connection_id", "logical_name", "source_line", "reason", "detail").rows() == []


def test_values_flows_and_returns_are_the_true_ones_whoever_holds_the_account(taken: House, everywhere: World) -> None:
    key = ["custodian", "account_number", "as_of_date"]
    true = everywhere.frames("alder")["valuations"].select(
        pl.col("connection_id").replace_strict(adapters(everywhere)).alias("custodian"),
        "account_number",
        "as_of_date",
        pl.col("total_value").cast(pl.Decimal(20, 4)).alias("total_value_base"),
        pl.col("cash_value").cast(pl.Decimal(20, 4)).alias("cash_value_base"),
        pl.col("inflow").cast(pl.Decimal(20, 4)).alias("inflow_base"),
        pl.col("outflow").cast(pl.Decimal(20, 4)).alias("outflow_base"),
        pl.col("linked_return").cast(pl.Float64).alias("true_return"),
    )
    rows = named(taken, taken.workspace.lake.current(ACCOUNT_VALUATION, "alder"))
    money = ["total_value_base", "cash_value_base", "inflow_base", "outflow_base"]
    assert_frame_equal(rows.select(*key, *money).sort(key), true.select(*key, *money).sort(key))
    both = true.join(rows.select(*key, "linked_return"), on=key)
    assert both.height == true.height
    assert (both["true_return"] - both["linked_return"]).abs().max() < RETURN_TOLERANCE  # type: ignore[operator]
    assert rows["custodian"].n_unique() == len(set(CONNECTIONS.values()))


def test_every_feed_is_complete_and_no_custodian_disagrees(taken: House) -> None:
    lake = taken.workspace.lake
    assert lake.current(POSITION_BREAK, "alder").filter(pl.col("break_cause").is_not_null()).is_empty()
    assert lake.current(FEED_READINESS, "alder")["readiness"].cast(pl.String).unique().to_list() == ["complete"]
    values = lake.current(ACCOUNT_VALUATION, "alder")
    assert values["readiness"].cast(pl.String).unique().to_list() == ["complete"]


def test_positions_use_prices_of_the_custodian_first_and_of_vendors_by_rank(taken: House, everywhere: World) -> None:
    """Vendors quote what custodians without prices of their own hold; the best of those that quote a day counts."""
    lake = taken.workspace.lake
    assert set(lake.read(PRICE, "_shared")["price_source"].unique()) == {*VENDORS, "closing_prices"}
    held = named(taken, lake.current(POSITION, "alder").filter(pl.col("price_date").is_not_null()))
    assert held.height > 1_000


def test_lots_and_realised_gains_come_back_from_those_who_keep_them(taken: House) -> None:
    """Quantities of a custodian's lots add up to its positions. NFS states all lots on Fridays, else what changed."""
    lake = taken.workspace.lake
    on_friday = pl.col("as_of_date") == FRIDAY
    lots = named(taken, lake.read(CUSTODIAN_LOT, "alder").filter(on_friday))
    assert {"fidelity", "ibflex", "tda"} <= set(lots["custodian"].unique())
    key = ["account_key", "security_key"]
    summed = lots.group_by(key).agg(pl.col("quantity").sum().cast(pl.Decimal(20, 8)))
    positions = lake.current(POSITION, "alder").filter(on_friday).select(*key, pl.col("quantity").alias("held"))
    both = summed.join(positions, on=key, how="left")
    assert both.filter(pl.col("quantity").ne_missing(pl.col("held"))).is_empty()
    gains = named(taken, lake.read(CUSTODIAN_GAIN, "alder"))
    assert gains.height > 0


def test_dividends_are_announced_by_vendors(taken: House) -> None:
    actions = taken.workspace.lake.read(CORPORATE_ACTION, "_shared")
    assert "CASH_DIVIDEND" in actions["action_type"].cast(pl.String).to_list()


@pytest.mark.full
def test_cancels_rebills_and_late_bookings_come_right_at_every_custodian(houses: Houses) -> None:
    """Each custodian has a buy cancelled, one cancelled and billed again, and one that it reports days late."""
    faults = tuple(
        fault
        for style in STYLES
        for fault in (
            Cancel("alder", 0, 2, style),
            CancelRebill("alder", 0, 2, style),
            Backdated("alder", 0, 3, style),
        )
    )
    plans = {"alder": TenantPlan(accounts=60, master_account="08123456", styles=STYLES), "birch": PLANS["birch"]}
    config = SimulationConfig(seed=7, tenants=plans, first_date=date(2022, 10, 3), last_date=LAST, faults=faults)
    world = simulate(config)
    house = houses.build(feeds=feeds_of(world))
    house.deliver(world, world.market.days)
    house.night(world.market.days[0], world.market.days[-1])
    lake = house.workspace.lake
    assert lake.read(REJECT, "alder").select("connection_id", "reason", "logical_name", "source_line").rows() == []
    key = ["custodian", "account_number", "as_of_date"]
    true = world.frames("alder")["valuations"].select(
        pl.col("connection_id").replace_strict(adapters(world)).alias("custodian"),
        *key[1:],
        pl.col("total_value").cast(pl.Decimal(20, 4)).alias("total_value_base"),
    )
    rows = named(house, lake.current(ACCOUNT_VALUATION, "alder"))
    assert_frame_equal(rows.select(*key, "total_value_base").sort(key), true.sort(key))
    breaks = named(house, lake.current(POSITION_BREAK, "alder").filter(pl.col("break_cause").is_not_null()))
    assert set(breaks["custodian"].unique()) == set(STYLES)
    assert breaks.filter(pl.col("as_of_date") == world.market.days[-1]).is_empty()
