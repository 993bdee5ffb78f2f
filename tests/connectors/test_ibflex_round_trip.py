"""One truth through Flex files and back: the connector reads what the simulated broker knows, to the last digit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from connectors.adapter import ParsedFile
from simulation.decimals import half_even
from simulation.firm import TenantPlan
from simulation.scene import Scene
from simulation.transactions import Transaction
from simulation.world import SimulationConfig, World, simulate
from simulation.writers import ibflex
from tests.connectors.ibflex_fixture import parse

FIRST, LAST = date(2022, 1, 3), date(2022, 4, 1)


@pytest.fixture(scope="module")
def world() -> World:
    plan = TenantPlan(accounts=10, master_account="08123456", styles=("ibflex",))
    return simulate(SimulationConfig(11, {"alder": plan}, FIRST, LAST))


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene(world.config.seed, world.market, world.firm, world.booked, world.reported)


@pytest.fixture(scope="module")
def days(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[date, ParsedFile]:
    folder, found = tmp_path_factory.mktemp("flex"), {}
    for day in scene.market.days:
        accounts = scene.held_at("alder", "ibflex", day)
        [(_, _, content)] = ibflex.files(scene, "alder", accounts, day)
        found[day] = parse(folder, content)
        assert found[day].rejects.is_empty()
    return found


def table(days: dict[date, ParsedFile], name: str) -> pl.DataFrame:
    return pl.concat([result.frames[f"canonical.{name}"] for result in days.values()])


def units(value: int) -> Decimal:
    return Decimal(value).scaleb(-5)


def money(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value).scaleb(-4)


def price_of(scene: Scene, booking: Transaction) -> Decimal | None:
    if booking.security is None or not booking.price:
        return None
    listed = scene.market.securities[booking.security]
    if listed.is_bond:
        return units(booking.price)
    rate = scene.market.euro.rate(booking.trade_date, listed.currency, booking.account.base_currency)
    return units(half_even(booking.price * rate.numerator, rate.denominator))


def test_every_booking_comes_back_once_with_all_its_figures(scene: Scene, days: dict[date, ParsedFile]) -> None:
    mine = [b for b in scene.booked.transactions if b.account.style == "ibflex"]
    assert {b.type for b in mine} >= {
        "BUY", "SELL", "DIVIDEND", "INTEREST", "DEPOSIT", "WITHDRAWAL", "ADVISORY_FEE", "OTHER_FEE",
    }  # fmt: skip
    assert any(b.accrued_interest for b in mine)
    assert {b.account.base_currency for b in mine} == {"USD", "EUR", "GBP"}
    expected = sorted(
        (
            b.account.account_number, b.number, b.type, b.trade_date,
            None if b.type.startswith("TRANSFER_") else b.settle_date,
            None if b.security is None else scene.market.securities[b.security].isin, units(b.quantity),
            price_of(scene, b), money(b.amount), money(b.commission), money(b.accrued_interest),
            b.account.base_currency,
        )
        for b in mine
    )  # fmt: skip
    read = table(days, "transaction").with_columns(number=pl.col("provider_transaction_id").cast(pl.Int64) - 2 * 10**9)
    columns = (
        "account_number", "number", "transaction_type", "trade_date", "settle_date", "isin", "quantity", "price",
        "amount", "commission", "accrued_interest", "currency",
    )  # fmt: skip
    assert sorted(read.select(columns).rows()) == expected
    assert not read["is_cancel"].any()


def test_holdings_cash_and_prices_are_the_custodians(scene: Scene, days: dict[date, ParsedFile]) -> None:
    for day in (scene.market.days[0], scene.market.days[30], scene.market.days[-1]):
        accounts = scene.held_at("alder", "ibflex", day)
        place = scene.market.place(day)
        held = {
            (a.account_number, scene.market.securities[s].isin): (
                units(quantity), units(int(scene.market.prices[place, s])), scene.market.securities[s].currency
            )
            for a in accounts for s, quantity in scene.holdings(a, day).items()
        }  # fmt: skip
        read = days[day].frames["canonical.custodian_position"]
        assert {
            (r["account_number"], r["isin"]): (r["quantity"], r["price"], r["currency"]) for r in read.to_dicts()
        } == held
        balances = {
            (r["account_number"], r["currency"], r["balance_type"]): r["balance"]
            for r in days[day].frames["canonical.custodian_balance"].to_dicts()
        }
        assert balances == {
            (a.account_number, a.base_currency, kind): money(cash(a, day))
            for a in accounts
            for kind, cash in (("cash_trade_date", scene.cash), ("cash_settled", scene.settled_cash))
        }


def test_lots_are_the_custodians(scene: Scene, days: dict[date, ParsedFile]) -> None:
    day = scene.market.days[-1]
    expected = defaultdict(list)
    for account in scene.held_at("alder", "ibflex", day):
        for lot in scene.lots(account, day):
            expected[account.account_number].append(
                (
                    ibflex.lot_id(lot.lot_id),
                    lot.acquired_date,
                    units(lot.quantity),
                    money(lot.cost),
                    lot.cost is not None,
                )
            )
    assert any(not known for lots in expected.values() for *_, known in lots)
    read = days[day].frames["canonical.custodian_lot"]
    columns = ("lot_id", "acquired_date", "quantity", "cost_basis", "is_cost_known")
    found = {number: part.select(columns).rows() for (number,), part in read.group_by("account_number")}
    assert {number: sorted(lots, key=str) for number, lots in found.items()} == {
        number: sorted(lots, key=str) for number, lots in expected.items()
    }


def test_realised_gains_come_back_on_the_day_that_reports_them(scene: Scene, days: dict[date, ParsedFile]) -> None:
    last = scene.market.days[-1]
    expected = [
        (
            account.account_number, gain.sold_date, ibflex.lot_id(gain.lot_id), gain.acquired_date,
            units(gain.quantity), money(gain.proceeds), money(gain.cost),
            money(None if gain.cost is None else gain.proceeds - gain.cost), gain.term,
        )
        for account in scene.held_at("alder", "ibflex", last)
        for gain in scene.gains(account, last)
    ]  # fmt: skip
    assert expected
    columns = (
        "account_number", "sold_date", "lot_id", "acquired_date", "quantity", "proceeds", "cost_basis", "realized_gain",
        "holding_term",
    )  # fmt: skip
    assert sorted(table(days, "custodian_gain").select(columns).rows(), key=str) == sorted(expected, key=str)


def test_accounts_and_securities_are_described_as_they_are(scene: Scene, days: dict[date, ParsedFile]) -> None:
    day = scene.market.days[-1]
    accounts = {r["account_number"]: r for r in days[day].frames["canonical.account"].to_dicts()}
    for account in scene.held_at("alder", "ibflex", day):
        row = accounts.pop(account.account_number)
        assert (row["account_name"], row["base_currency"]) == (account.title, account.base_currency)
        assert (row["tax_status"], row["opened_date"]) == (account.tax_status, account.opened_date)
    assert not accounts
    by_isin = {listed.isin: listed for listed in scene.market.securities}
    for row in days[day].frames["canonical.security"].to_dicts():
        listed = by_isin[row["isin"]]
        assert (row["cusip"], row["ticker"], row["security_name"]) == (listed.cusip, listed.ticker, listed.name)
        assert (row["currency"], row["price_factor"]) == (listed.currency, listed.price_factor)
        assert (row["security_type"] == "bond") == listed.is_bond


def test_a_cancelled_purchase_comes_back_as_a_row_and_the_cancel_of_that_row(scene: Scene, tmp_path: Path) -> None:
    bought = next(b for b in scene.booked.transactions if b.type == "BUY" and b.account.style == "ibflex")
    later = scene.market.calendar.shift(bought.reported_date, 2)
    spoilt = replace(bought, cancelled_date=later)
    trades = tuple(spoilt if b is bought else b for b in scene.booked.transactions)
    changed = replace(scene, booked=replace(scene.booked, transactions=trades))
    found = []
    for day in (bought.reported_date, later):
        [(_, _, content)] = ibflex.files(changed, "alder", [bought.account], day)
        frame = parse(tmp_path, content).frames["canonical.transaction"]
        found.append(
            frame.filter(pl.col("trade_date") == bought.trade_date, pl.col("quantity") == units(bought.quantity))
        )
    original, cancel = (frame.row(0, named=True) for frame in found)
    assert (original["is_cancel"], cancel["is_cancel"]) == (False, True)
    assert cancel["reverses"] == original["provider_transaction_id"]
    for name in ("transaction_type", "trade_date", "quantity", "price", "amount", "commission", "accrued_interest"):
        assert cancel[name] == original[name], name
