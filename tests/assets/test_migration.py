"""Accounts that move from TD Ameritrade to Schwab: one key, one history, and no trace of the move in any figure."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import yaml

from simulation.firm import TenantPlan
from simulation.migration import FROM, TO, Migration, weekend_before
from simulation.world import SimulationConfig, World, simulate
from simulation.writers import tda
from tests.e2e_faults.provider import SHARED, Provider, provider_in

TENANT, REP = "alder", "08123456"
FIRST, MOVE, LAST = date(2022, 8, 25), date(2022, 9, 6), date(2022, 9, 12)
"""Over Labor Day: the last business day at TD Ameritrade is Friday, 2 September."""


class House:
    """A provider, and the books that were kept of what it delivered."""

    def __init__(self, provider: Provider, migration: Migration) -> None:
        self.provider, self.migration = provider, migration

    def nights(self, days: list[date]) -> None:
        """Let some nights' files come, read them and keep the books."""
        for day in days:
            self.provider.deliver(self.migration.deliveries(day))
        self.provider.visit(SHARED)
        self.provider.visit(TENANT)
        self.provider.keep_books(TENANT, days[0], days[-1])

    def values(self) -> pl.DataFrame:
        """Value, flows and return of every account that moved, by its former number."""
        keys = self.provider.account_numbers(TENANT).filter(pl.col("custodian") == "tda")
        rows = self.provider.current("accounting.account_valuation", TENANT)
        return rows.join(keys.drop("custodian"), on="account_key").sort("account_number", "as_of_date")

    def breaks(self) -> pl.DataFrame:
        rows = self.provider.current("quality.position_break", TENANT)
        return rows.filter(pl.col("break_cause").is_not_null())


@pytest.fixture(scope="module")
def world() -> World:
    plan = TenantPlan(accounts=7, master_account=REP, styles=("schwab", "tda"))
    return simulate(SimulationConfig(11, {TENANT: plan}, FIRST, LAST))


def opened(folder: Path, migration: Migration) -> House:
    provider = provider_in(folder, (SHARED,))
    provider.configure(TENANT, {TO: ("schwab", (REP,)), FROM: ("tda", (REP,))})
    symbols = folder / "symbols.csv"
    symbols.write_bytes(tda.symbol_table(migration.world.market))
    path = folder / "tenants" / f"{TENANT}.yaml"
    settings = yaml.safe_load(path.read_text())
    for feed in settings["connections"]:
        if feed["adapter"] == "tda":
            feed["codes"] = {"symbols": str(symbols)}
    path.write_text(yaml.safe_dump(settings))
    return House(provider, migration)


@pytest.fixture(scope="module")
def house(world: World, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The weeks before taken in as history, the night of the move by itself, and the days after."""
    made = opened(tmp_path_factory.mktemp("moved"), Migration(world, TENANT, MOVE, weekend_before(MOVE)))
    days = list(world.market.days)
    at = days.index(MOVE)
    for nights in (days[:at], [MOVE], days[at + 1 :]):
        made.nights(nights)
    return made


def truth(world: World) -> pl.DataFrame:
    rows = world.frames(TENANT)["valuations"].filter(pl.col("connection_id") == FROM)
    return rows.sort("account_number", "as_of_date")


def test_the_two_numbers_of_an_account_have_one_key(house: House, world: World) -> None:
    keys = house.provider.account_numbers(TENANT)
    by_number = {(custodian, number): key for key, custodian, number in keys.iter_rows()}
    before = world.market.place(MOVE)
    moved = [a.account_number for a in world.firm.of(TENANT, FROM) if a.opened_place < before]
    assert len(moved) >= 3
    for old in moved:
        assert by_number["tda", old] == by_number["schwab", house.migration.numbers[old]]
    assert len({by_number["tda", old] for old in moved}) == len(moved)


def test_values_flows_and_returns_run_through_the_move_as_if_there_had_been_none(house: House, world: World) -> None:
    found, expected = house.values(), truth(world)
    days = ["account_number", "as_of_date"]
    assert found.select(days).equals(expected.select(days))
    for ours, theirs in (
        ("total_value_base", "total_value"), ("inflow_base", "inflow"), ("outflow_base", "outflow"),
    ):  # fmt: skip
        assert found[ours].to_list() == expected[theirs].to_list(), ours
    for name in ("daily_return", "linked_return"):
        apart = found[name].cast(pl.Float64) - expected[name].cast(pl.Float64)
        assert found[name].null_count() == expected[name].null_count()
        assert apart.drop_nulls().abs().to_list() == pytest.approx([0.0] * apart.drop_nulls().len(), abs=1e-9)


def test_nothing_flows_over_the_weekend_of_the_move(house: House, world: World) -> None:
    on_the_day = house.values().filter(pl.col("as_of_date") == MOVE)
    booked = [t for t in world.booked.transactions if t.account.connection == FROM and t.trade_date == MOVE]
    moving = {t.account.account_number for t in booked if t.type in ("DEPOSIT", "WITHDRAWAL", "TRANSFER_IN")}
    still = on_the_day.filter(~pl.col("account_number").is_in(list(moving)))
    assert still.height >= 2
    assert still["inflow_base"].sum() == still["outflow_base"].sum() == Decimal(0)


def test_an_account_opens_once_and_its_restated_history_books_nothing_again(house: House, world: World) -> None:
    entries = house.provider.current("accounting.ledger_entry", TENANT)
    files = house.provider.read("landing.file_parse", TENANT).select("source_file_id", "adapter", "file_kind")
    told = entries.join(files.unique("source_file_id"), on="source_file_id")
    keys = house.provider.account_numbers(TENANT).filter(pl.col("custodian") == "tda")["account_key"]
    moved = told.filter(pl.col("account_key").is_in(keys.implode()), pl.col("entry_status") == "booked")
    openings = moved.filter(pl.col("entry_type") == "OPENING")
    assert set(openings["adapter"]) == {"tda"}
    assert not (moved["file_kind"] == "BAK").any()
    assert moved.filter(pl.col("effective_date") == weekend_before(MOVE)).is_empty()


def test_the_books_agree_with_the_custodian_that_holds_the_account_on_the_day(house: House) -> None:
    assert house.breaks().is_empty()


def test_each_day_rests_on_the_feeds_of_the_custodian_that_held_the_account(house: House) -> None:
    rows = house.values()
    # No file of TD Ameritrade comes after the move, and none is missed.
    assert set(rows["readiness_reasons"].drop_nulls()) <= {"stale_prices"}
    assert rows.filter(pl.col("as_of_date") >= MOVE).height > 0


def test_what_was_known_before_the_move_stays_as_it_was_known(house: House) -> None:
    before = house.values().filter(pl.col("as_of_date") < MOVE)["known_from"].to_list()
    on_the_day = house.values().filter(pl.col("as_of_date") == MOVE)["known_from"].to_list()
    assert max(before) < min(on_the_day)
