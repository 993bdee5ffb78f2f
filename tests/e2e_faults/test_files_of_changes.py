"""A custodian that states all positions on Mondays and, between, what changed: three weeks of Pershing's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from simulation.delivery import Delivery
from simulation.firm import TenantPlan
from simulation.scene import Scene
from simulation.world import SimulationConfig, World, simulate
from simulation.writers import pershing
from tests.e2e_faults.provider import Provider, provider_in

pytestmark = pytest.mark.xdist_group("e2e_faults_changes")

TENANT, FEED, MASTER = "alder", "pershing_main", "08123456"
FIRST, LAST = date(2022, 11, 7), date(2022, 11, 25)
TUESDAY, WEDNESDAY, FRIDAY, MONDAY = (date(2022, 11, day) for day in (15, 16, 18, 21))
NEWCOMERS = {"JP7000048": date(2022, 11, 8), "JP7000024": WEDNESDAY}
"""Accounts that a file of changes names first, and when."""


@dataclass(frozen=True)
class House:
    """A provider with one feed, and the books of it."""

    provider: Provider
    world: World

    def nights(self, files: Iterable[Delivery], first: date, last: date) -> None:
        """Let files come, read them and keep the books of the days."""
        self.provider.deliver(files)
        self.provider.visit(TENANT)
        self.provider.keep_books(TENANT, first, last)

    def values(self) -> dict[tuple[str, date], Decimal]:
        """What each account is worth, by number and day."""
        rows = self._valuations().select("account_number", "as_of_date", "total_value_base")
        return {(number, day): value for number, day, value in rows.iter_rows()}

    def unready(self) -> set[tuple[str, date, str]]:
        """Accounts and days that are not complete, and why."""
        rows = self._valuations().filter(pl.col("readiness") != "complete")
        return set(rows.select("account_number", "as_of_date", "readiness_reasons").iter_rows())

    def breaks(self) -> list[tuple[str, date, str]]:
        """Account, day and cause of the open breaks."""
        rows = self.provider.current("quality.position_break", TENANT).filter(pl.col("break_cause").is_not_null())
        named = rows.join(self.provider.account_numbers(TENANT), on="account_key")
        return sorted(named.select("account_number", "as_of_date", "break_cause").iter_rows())

    def feeds(self) -> set[tuple[str, date, str]]:
        """Kind, day and reason of the files that are not complete."""
        rows = self.provider.current("quality.feed_readiness", TENANT).filter(pl.col("readiness") != "complete")
        return set(rows.select("data_type", "as_of_date", "readiness_reasons").iter_rows())

    def _valuations(self) -> pl.DataFrame:
        rows = self.provider.current("accounting.account_valuation", TENANT)
        return rows.join(self.provider.account_numbers(TENANT), on="account_key")


@pytest.fixture(scope="module")
def world() -> World:
    plan = TenantPlan(accounts=9, master_account=MASTER, styles=("pershing",))
    return simulate(SimulationConfig(23, {TENANT: plan}, FIRST, LAST))


@pytest.fixture(scope="module")
def files(world: World) -> list[Delivery]:
    """Pershing's files, GCUS whole on the first business day of a week alone."""
    scene = Scene(world.config.seed, world.market, world.firm, world.booked, world.reported)
    return [
        replace(delivery, content=content[delivery.kind])
        for day in world.market.days
        for content in [weekly(scene, day)]
        for delivery in world.deliveries(day)
        if delivery.connection == FEED
    ]


def weekly(scene: Scene, day: date) -> dict[str, bytes]:
    accounts = scene.held_at(TENANT, "pershing", day)
    return {kind: content for _, kind, content in pershing.files(scene, TENANT, accounts, day, refresh="weekly")}


@pytest.fixture
def house(world: World, tmp_path: Path) -> House:
    provider = provider_in(tmp_path, ())
    provider.configure(TENANT, {FEED: ("pershing", (MASTER[-4:],))})
    return House(provider, world)


def between(files: Iterable[Delivery], first: date, last: date) -> list[Delivery]:
    return [d for d in files if first <= d.business_date <= last]


def is_of(delivery: Delivery, kind: str, day: date) -> bool:
    return (delivery.kind, delivery.business_date) == (kind, day)


def late(delivery: Delivery, days: int) -> Delivery:
    return replace(delivery, arrived_at=delivery.arrived_at + timedelta(days=days))


def truth(world: World, first: date = FIRST, last: date = LAST) -> dict[tuple[str, date], Decimal]:
    rows = world.frames(TENANT)["valuations"].filter(
        pl.col("as_of_date").is_between(first, last), pl.col("connection_id") == FEED
    )
    return {(r["account_number"], r["as_of_date"]): r["total_value"] for r in rows.iter_rows(named=True)}


def sold_out(world: World, day: date) -> str:
    """The account that has sold all of a holding on the day."""
    held = world.frames(TENANT)["positions"].filter(pl.col("connection_id") == FEED, pl.col("quantity") != 0)
    on = {n: set(held.filter(pl.col("as_of_date") == n).select("account_number", "isin").iter_rows())
          for n in (world.market.days[world.market.place(day) - 1], day)}  # fmt: skip
    before, after = on.values()
    ((account, _),) = before - after
    return str(account)


def test_three_weeks_give_the_true_values_and_what_changes_have_closed_is_compared_every_day(
    house: House, files: list[Delivery], world: World
) -> None:
    """A sale that custody knows and the activity does not: a break on its day, and on days that do not name it."""
    account = sold_out(world, WEDNESDAY)
    (activity,) = (d for d in files if is_of(d, "GACT", WEDNESDAY))
    house.nights([d for d in between(files, FIRST, MONDAY) if d is not activity], FIRST, MONDAY)
    unsold = [day for number, day, cause in house.breaks() if (number, cause) == (account, "missing_at_custodian")]
    assert unsold == [day for day in world.market.days if WEDNESDAY <= day <= MONDAY]
    house.nights([late(activity, 6), *between(files, MONDAY + timedelta(days=1), LAST)], LAST, LAST)
    assert house.values() == truth(world)
    assert (house.breaks(), house.feeds(), house.unready()) == ([], set(), set())
    opened = {a.account_number: world.market.days[a.opened_place] for a in world.firm.of(TENANT, FEED)}
    assert NEWCOMERS.items() <= opened.items(), "accounts that a file of changes names first are among them"


def test_a_missing_file_of_changes_is_named_and_breaks_nothing_and_heals_when_it_comes(
    house: House, files: list[Delivery], world: World
) -> None:
    (lost,) = (d for d in files if is_of(d, "GCUS", TUESDAY))
    house.nights([d for d in between(files, FIRST, FRIDAY) if d is not lost], FIRST, FRIDAY)
    assert house.feeds() == {("GCUS", TUESDAY, "file_missing")}
    assert house.breaks() == []
    true = truth(world, last=FRIDAY)
    assert house.values() == true
    newcomer = {("JP7000024", day, "no_opening_snapshot") for day in world.market.days if WEDNESDAY <= day <= FRIDAY}
    unsure = {(number, day, "file_missing") for number, day in true if day == TUESDAY}
    assert house.unready() == unsure | newcomer, "who is named first after the gap opens when all of it is known"
    house.nights([late(lost, 6), *between(files, MONDAY, MONDAY)], MONDAY, MONDAY)
    assert (house.breaks(), house.feeds(), house.unready()) == ([], set(), set())
    assert house.values() == truth(world, last=MONDAY)


def test_accounts_first_told_of_by_changes_open_with_the_next_whole_file(
    house: House, files: list[Delivery], world: World
) -> None:
    start, whole = date(2022, 11, 9), date(2022, 11, 14)
    house.nights(between(files, start, date(2022, 11, 11)), start, date(2022, 11, 11))
    house.nights(between(files, whole, FRIDAY), whole, FRIDAY)
    values = house.values()
    assert {key: value for key, value in values.items() if key[1] >= whole} == truth(world, whole, FRIDAY)
    assert {value for (_, day), value in values.items() if day < whole} == {Decimal(0)}, "as if never booked"
    assert {cause for _, day, cause in house.breaks() if day < whole} == {"missing_in_ledger"}
    assert [row for row in (*house.breaks(), *house.unready()) if row[1] >= whole] == []
