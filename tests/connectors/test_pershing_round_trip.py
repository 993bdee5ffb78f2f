"""From the simulated firm through its files and the reader, back to the firm's truth, to the last decimal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors.adapter import ParsedFile
from simulation.firm import TenantPlan
from simulation.scene import Scene
from simulation.trading import Trading
from simulation.truth import holdings
from simulation.truth_frames import accounts_frame, cash_frame, positions_frame, securities_frame, transactions_frame
from simulation.world import SimulationConfig, World, simulate
from simulation.writers import pershing
from tests.connectors import pershing_fixture
from tests.connectors.golden import connection

TENANT = "alder"
PLAN = TenantPlan(accounts=10, master_account="08123456", styles=("pershing",))
FIRST, LAST = date(2022, 1, 3), date(2022, 4, 8)
POSITION, BALANCE, TRANSACTION = "canonical.custodian_position", "canonical.custodian_balance", "canonical.transaction"

Read = Mapping[str, Sequence[ParsedFile]]
_BOOKED = ["account_number", "transaction_type", "isin", "trade_date", "settle_date", "quantity", "price", "amount",
           "commission", "accrued_interest", "currency"]  # fmt: skip


def struck(trading: Trading, world: World) -> Trading:
    """Some buys cancelled before and some after they settle, some reported late."""
    calendar, rows = world.market.calendar, list(trading.transactions)
    buys = [n for n, t in enumerate(rows) if t.account.style == "pershing" and t.type == "BUY"]
    fit = [n for n in buys if calendar.shift(rows[n].trade_date, 6) <= LAST]
    for place, n in enumerate(fit[:9]):
        day = rows[n].trade_date
        if place % 3 == 2:
            rows[n] = replace(rows[n], reported_date=calendar.shift(day, 4))
        else:
            rows[n] = replace(rows[n], cancelled_date=calendar.shift(day, 1 if place % 3 else 5))
    return replace(trading, transactions=tuple(rows))


@pytest.fixture(scope="module")
def world() -> World:
    world = simulate(SimulationConfig(7, {TENANT: PLAN}, FIRST, LAST))
    booked = struck(world.booked, world)
    reported = holdings(world.market, world.firm, booked, is_as_reported=True)
    return replace(world, booked=booked, reported=reported)


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return Scene(7, world.market, world.firm, world.booked, world.reported)


@pytest.fixture(scope="module")
def days(world: World) -> Sequence[date]:
    return world.market.days


def delivered(scene: Scene, day: date, refresh: Any = "daily") -> Iterator[tuple[str, str, bytes]]:
    return pershing.files(scene, TENANT, scene.held_at(TENANT, "pershing", day), day, refresh)


def read(folder: Path, name: str, content: bytes) -> ParsedFile:
    (folder / name).write_bytes(content)
    return pershing_fixture.parsed(folder / name, connection("pershing", ("3456",)))


@pytest.fixture(scope="module")
def files(scene: Scene, days: Sequence[date], tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Every day's GACT, and every file of each fifteenth day."""
    folder = tmp_path_factory.mktemp("pershing")
    found: dict[str, list[ParsedFile]] = defaultdict(list)
    for place, day in enumerate(days):
        if place % 15 == 0:
            for name, kind, content in delivered(scene, day):
                found[kind].append(read(folder, name, content))
        else:
            content = pershing.activity(scene, scene.held_at(TENANT, "pershing", day), day, "3456")
            found["GACT"].append(read(folder, f"{day:%Y%m%d}.GACT", content))
    return found


def rows(files: Read, kind: str, table: str) -> pl.DataFrame:
    return pl.concat([file.frames[table] for file in files[kind]])


def sorted_rows(frame: pl.DataFrame, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    return sorted(frame.select(columns).rows(), key=str)


def test_nothing_is_held_back(files: Read) -> None:
    held = {kind: sum(file.quarantined_count for file in found) for kind, found in files.items()}
    assert held == {"GCUS": 0, "GACT": 0, "GMON": 0, "ACCT": 0, "ISCA": 0}


def test_activity_is_the_truth_of_every_type(world: World, files: Read) -> None:
    truth = transactions_frame(world.market, world.booked.transactions, TENANT).filter(
        (pl.col("connection_id") == "pershing_main") & (pl.col("reported_date") <= LAST)
    )
    truth = truth.with_columns(price=pl.when(pl.col("price") != 0).then("price"))
    stated = rows(files, "GACT", TRANSACTION)
    assert set(truth["transaction_type"]) >= {"BUY", "SELL", "DIVIDEND", "INTEREST", "DEPOSIT", "ADVISORY_FEE"}
    assert sorted_rows(stated.filter(~pl.col("is_cancel")), _BOOKED) == sorted_rows(truth, _BOOKED)
    cancelled = truth.filter(pl.col("cancelled_date") <= LAST)
    assert cancelled.height == 6
    assert sorted_rows(stated.filter("is_cancel"), _BOOKED) == sorted_rows(cancelled, _BOOKED)


def test_sum_of_activity_is_the_change_of_cash(world: World, files: Read) -> None:
    """The control of the sign map: what GACT books is what GMON's cash moves by."""
    cash = cash_frame(world.market, world.firm, world.reported, TENANT).filter(
        pl.col("as_of_date").is_in([FIRST, LAST])
    )
    accounts = [a for a in world.firm.of(TENANT, "pershing_main") if a.opened_place == 0]
    signed = pl.when("is_cancel").then(-pl.col("amount")).otherwise("amount")
    moved = dict(rows(files, "GACT", TRANSACTION).group_by("account_number").agg(signed.sum()).iter_rows())
    for account in accounts:
        own = cash.filter(pl.col("account_number") == account.account_number).sort("as_of_date")["cash_trade_date"]
        assert own[1] - own[0] == moved.get(account.account_number, 0)


def test_positions_are_the_truth_and_parts_add_up(world: World, files: Read) -> None:
    truth = positions_frame(world.market, world.firm, world.reported, world.values, TENANT)
    stated = rows(files, "GCUS", POSITION)
    truth = truth.filter(
        (pl.col("connection_id") == "pershing_main")
        & pl.col("as_of_date").is_in(stated["as_of_date"].unique().implode())
    )
    key = ["account_number", "isin", "as_of_date"]
    total = stated.group_by(key).agg(pl.col("quantity").sum())
    assert sorted_rows(total, [*key, "quantity"]) == sorted_rows(truth, [*key, "quantity"])
    assert set(stated["sub_account"].unique().cast(pl.String)) == {"cash", "margin"}
    factors = dict(securities_frame(world.market).select("isin", "price_factor").iter_rows())
    prices = {(isin, day): price for isin, day, price in truth.select("isin", "as_of_date", "price").iter_rows()}
    for isin, day, quantity, value in stated.select("isin", "as_of_date", "quantity", "market_value").iter_rows():
        exact = Fraction(quantity) * Fraction(prices[isin, day]) * Fraction(factors[isin])
        assert value == Decimal(round(exact * 1000)).scaleb(-3), (isin, day)


def test_balances_are_the_truth(world: World, files: Read) -> None:
    stated = rows(files, "GMON", BALANCE)
    truth = cash_frame(world.market, world.firm, world.reported, TENANT).filter(
        (pl.col("connection_id") == "pershing_main")
        & pl.col("as_of_date").is_in(stated["as_of_date"].unique().implode())
    )
    for kind in ("cash_trade_date", "cash_settled"):
        own = stated.filter(pl.col("balance_type").cast(pl.String) == kind)
        key = ["account_number", "currency", "as_of_date"]
        expected = truth.select(*key, pl.col(kind).alias("balance"))
        assert sorted_rows(own, [*key, "balance"]) == sorted_rows(expected, [*key, "balance"])
    others = stated.filter(~pl.col("balance_type").cast(pl.String).str.starts_with("cash"))
    assert others["balance"].sum() == 0
    assert rows(files, "GCUS", BALANCE).height == 0


def test_accounts_are_the_truth(world: World, files: Read) -> None:
    columns = ["account_number", "account_name", "tax_status", "base_currency", "opened_date"]
    stated = files["ACCT"][-1].frames["canonical.account"]
    truth = accounts_frame(world.firm, TENANT).filter(pl.col("style") == "pershing")
    names = {a.account_number: f"{a.title} {a.registration_title}" for a in world.firm.of(TENANT)}
    truth = truth.with_columns(pl.col("account_number").replace_strict(names).alias("account_name"))
    assert sorted_rows(stated, columns) == sorted_rows(truth, columns)
    assert set(stated["account_status"].cast(pl.String)) == {"open"}


def test_securities_and_prices_are_the_truth(world: World, files: Read, days: Sequence[date]) -> None:
    columns = ["isin", "cusip", "security_name", "currency", "price_factor"]
    truth = securities_frame(world.market).filter(pl.col("currency") == "USD")
    stated = files["ISCA"][-1].frames["canonical.security"]
    assert sorted_rows(stated, columns) == sorted_rows(truth, columns)
    kinds = dict(stated.select("isin", pl.col("security_type").cast(pl.String)).iter_rows())
    assert kinds == dict(truth.select("isin", "kind").iter_rows())
    place = max(n for n in range(len(days)) if n % 15 == 0)
    prices = files["ISCA"][-1].frames["canonical.price"]
    for number, security in enumerate(world.market.securities):
        if security.currency == "USD":
            [row] = prices.filter(pl.col("isin") == security.isin).to_dicts()
            exact = Decimal(int(world.market.prices[place, number])).scaleb(-5)
            assert row["price"] == exact.quantize(Decimal("1E-8"), ROUND_HALF_EVEN)
            assert row["price_date"] == days[int(world.market.price_places[place, number])]


def test_changes_put_on_the_last_full_statement_are_the_full_statement(
    scene: Scene, days: Sequence[date], tmp_path: Path
) -> None:
    """Delta against refresh: Monday's positions with every UPDATED since give what REFRESHED states that day."""
    key = ("account_number", "provider_security_id", "sub_account")
    state: dict[tuple[str, ...], Decimal] = {}
    flavours = set()
    for day in days[:11]:
        (name, _, content), *_ = delivered(scene, day, "weekly")
        result = read(tmp_path, name, content)
        state = {} if result.is_refresh else state
        flavours.add((day.weekday() == 0 or day in (FIRST, date(2022, 1, 18)), result.is_refresh))
        state |= {row[:3]: row[3] for row in result.frames[POSITION].select(*key, "quantity").iter_rows()}
        state = {holding: quantity for holding, quantity in state.items() if quantity}
        (name, _, content), *_ = delivered(scene, day, "daily")
        full = read(tmp_path, name, content).frames[POSITION].select(*key, "quantity")
        assert state == {row[:3]: row[3] for row in full.iter_rows()}, day
    assert flavours == {(True, True), (False, False)}
