"""From the simulated firm through its files and the reader, back to the firm's truth, to the last decimal."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from connectors.adapter import ParsedFile
from connectors.connection import Connection
from simulation.firm import TenantPlan
from simulation.lots import is_covered
from simulation.scene import Scene
from simulation.world import SimulationConfig, World, simulate
from simulation.writers import tda
from tests.connectors.golden import connection
from tests.connectors.tda_fixture import read

REP = "08123456"
PLAN = TenantPlan(accounts=16, master_account=REP, styles=("schwab", "tda", "tda", "tda"))
DAY = date(2022, 3, 31)
QUANTITY, MONEY = pl.Decimal(20, 8), pl.Decimal(20, 4)
Read = dict[str, list[ParsedFile]]


@pytest.fixture(scope="module")
def world() -> World:
    config = SimulationConfig(7, {"alder": PLAN}, date(2022, 1, 3), DAY)
    return simulate(config)


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene(7, world.market, world.firm, world.booked, world.reported)


@pytest.fixture(scope="module")
def files(world: World, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Every day's TRN, and every file of some days, read with the firm's own table of symbols."""
    folder = tmp_path_factory.mktemp("veo")
    symbols = folder / "symbols.csv"
    symbols.write_bytes(tda.symbol_table(world.market))
    feed: Connection = connection("tda", [REP]).model_copy(update={"codes": {"symbols": symbols}})
    found: Read = defaultdict(list)
    for day in world.market.days:
        for name, kind, content in tda.files(scene, "alder", scene.held_at("alder", "tda", day), day):
            if kind == "TRN" or day in (world.market.days[0], DAY):
                (folder / name).write_bytes(content)
                found[kind].append(read(folder / name, feed))
    return found


def rows(files: Read, kind: str, table: str) -> pl.DataFrame:
    return pl.concat([file.frames[table] for file in files[kind]])


def cusips(world: World) -> pl.DataFrame:
    return pl.DataFrame([{"isin": s.isin, "cusip": s.cusip} for s in world.market.securities if s.currency == "USD"])


def test_nothing_is_held_back(files: Read) -> None:
    assert {kind: sum(file.quarantined_count for file in found) for kind, found in files.items()} == dict.fromkeys(
        tda.KINDS, 0
    )


def test_transactions_are_the_truth(world: World, files: Read) -> None:
    truth = world.frames("alder")["transactions"].filter(pl.col("connection_id") == "tda_veo")
    truth = truth.join(cusips(world), on="isin", how="left")
    columns = [
        "account_number", "transaction_type", "cusip", "trade_date", "settle_date", "quantity", "amount", "commission",
        "accrued_interest", "currency",
    ]  # fmt: skip
    found = rows(files, "TRN", "canonical.transaction").with_columns(pl.col("transaction_type").cast(pl.String))
    assert set(truth["transaction_type"]) >= {"BUY", "SELL", "TRANSFER_IN", "TRANSFER_OUT", "JOURNAL", "DIVIDEND"}
    assert found.select(columns).sort(columns).equals(truth.select(columns).sort(columns))


def test_a_derived_price_makes_the_principal_again(world: World, files: Read) -> None:
    traded = rows(files, "TRN", "canonical.transaction").filter(pl.col("transaction_type").is_in(["BUY", "SELL"]))
    factors = {s.cusip: s.price_factor for s in world.market.securities}
    assert traded.height > 20
    for row in traded.iter_rows(named=True):
        costs = row["commission"] + row["accrued_interest"]
        principal = abs(row["amount"]) - costs if row["amount"] < 0 else row["amount"] + costs
        assert abs(abs(row["quantity"]) * row["price"] * factors[row["cusip"]] - principal) < Decimal("0.005")


def test_holdings_and_cash_are_the_truth(world: World, files: Read) -> None:
    days = [world.market.days[0], DAY]
    mine = pl.col("connection_id") == "tda_veo", pl.col("as_of_date").is_in(days)
    truth = world.frames("alder")["positions"].filter(*mine)
    columns = ["account_number", "cusip", "as_of_date", "quantity"]
    found = rows(files, "POS", "canonical.custodian_position")
    assert found.select(columns).sort(columns).equals(truth.select(columns).sort(columns))
    cash = world.frames("alder")["cash"].filter(*mine).rename({"cash_trade_date": "balance"})
    columns = ["account_number", "as_of_date", "balance"]
    balances = rows(files, "POS", "canonical.custodian_balance")
    assert balances.select(columns).sort(columns).equals(cash.select(columns).sort(columns))


def test_market_values_are_the_holdings_at_the_day_s_price(world: World, files: Read) -> None:
    truth = world.frames("alder")["positions"].filter(pl.col("connection_id") == "tda_veo")
    columns = ["account_number", "cusip", "as_of_date"]
    both = rows(files, "POS", "canonical.custodian_position").join(truth, on=columns)
    apart = both.filter((pl.col("market_value") - pl.col("market_value_base")).abs() > Decimal("0.005"))
    assert both.height > 20
    assert apart.is_empty()


def test_prices_are_the_market_s(world: World, files: Read) -> None:
    found = rows(files, "PRI", "canonical.price").filter(pl.col("source_line").is_not_null())
    place = world.market.place(DAY)
    expected = {
        (s.cusip, world.market.days[int(world.market.price_places[place, n])]): Decimal(
            int(world.market.prices[place, n])
        ).scaleb(-5)
        for n, s in enumerate(world.market.securities)
        if s.currency == "USD"
    }
    last = files["PRI"][-1].frames["canonical.price"]
    assert {(c, d): p for c, d, p in last.select("cusip", "price_date", "price").iter_rows()} == expected
    assert found.height == 2 * len(expected)


def test_securities_are_the_market_s(world: World, files: Read) -> None:
    found = files["SEC"][-1].frames["canonical.security"]
    expected = [
        (s.cusip, s.name, "bond" if s.is_bond else "equity", s.price_factor)
        for s in world.market.securities
        if s.currency == "USD"
    ]
    columns = ["cusip", "security_name", pl.col("security_type").cast(pl.String), "price_factor"]
    assert sorted(found.select(columns).rows()) == sorted(expected)
    bonds = found.filter(pl.col("security_type") == "bond").select("coupon_percent", "maturity_date").rows()
    assert sorted(bonds) == [(Decimal(3), date(2027, 6, 15)), (Decimal("4.25"), date(2031, 6, 15))]


def test_lots_are_the_truth(world: World, scene: Scene, files: Read) -> None:
    found = files["CBL"][-1].frames["canonical.custodian_lot"]
    listed = world.market.securities
    expected = [
        (
            account.account_number, listed[lot.security].cusip, lot.lot_id, lot.acquired_date,
            Decimal(lot.quantity).scaleb(-5), None if lot.cost is None else Decimal(lot.cost).scaleb(-4),
            is_covered(account, lot.acquired_date),
        )
        for account in scene.held_at("alder", "tda", DAY)
        for lot in scene.lots(account, DAY)
    ]  # fmt: skip
    columns = ["account_number", "cusip", "lot_id", "acquired_date", "quantity", "cost_basis", "is_covered"]
    assert len(expected) > 30
    assert sorted(found.select(columns).rows(), key=str) == sorted(expected, key=str)
    assert found.filter(pl.col("is_cost_known") == pl.col("cost_basis").is_null()).is_empty()


def test_accounts_are_the_firm_s(world: World, files: Read) -> None:
    found = files["TRD"][-1].frames["canonical.account"]
    expected = [
        (a.account_number, a.master_account, a.title, a.tax_status)
        for a in world.firm.accounts
        if a.style == "tda"
    ]  # fmt: skip
    columns = ["account_number", "master_account_number", "account_name", pl.col("tax_status").cast(pl.String)]
    assert sorted(found.select(columns).rows()) == sorted(expected)
