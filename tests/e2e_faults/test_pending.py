"""A file counts from the moment that it is booked: holidays, races, new connectors, corrected prices."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pytest

from assets.accounting.pending import BOOKS, FACTS, consumed, mark_consumed, pending_files
from assets.canonical import ingest, reading
from connectors import registry
from simulation.firm import TenantPlan
from simulation.world import SimulationConfig, World, simulate
from tests.e2e_faults.provider import SHARED, Provider, provider_in

pytestmark = pytest.mark.xdist_group("e2e_faults_pending")
DAYS = [date(2022, 11, day) for day in (21, 22, 23)]
THANKSGIVING = date(2022, 11, 24)


@pytest.fixture(scope="module")
def world() -> World:
    plans = {"alder": TenantPlan(accounts=8, master_account="08123456")}
    return simulate(SimulationConfig(seed=7, tenants=plans, first_date=DAYS[0], last_date=DAYS[-1]))


def _values(provider: Provider) -> dict[tuple[str, date], object]:
    numbers = provider.account_numbers("alder")
    values = provider.current("accounting.account_valuation", "alder").join(numbers, on="account_key")
    return {(r["account_number"], r["as_of_date"]): r["total_value_base"] for r in values.iter_rows(named=True)}


def _truth(world: World) -> dict[tuple[str, date], object]:
    rows = world.frames("alder")["valuations"].iter_rows(named=True)
    return {(r["account_number"], r["as_of_date"]): r["total_value"] for r in rows}


def _visit_all(provider: Provider) -> None:
    provider.visit(SHARED)
    provider.visit("alder")


def test_a_late_file_that_a_run_on_a_holiday_takes_in_restates_its_days(world: World, tmp_path: Path) -> None:
    provider = provider_in(tmp_path, (SHARED, "alder"))
    files = [delivery for day in DAYS for delivery in world.deliveries(day)]
    late = [d for d in files if d.kind == "TRN" and d.tenant == "alder" and d.business_date == DAYS[1]]
    provider.deliver(d for d in files if d not in late)
    _visit_all(provider)
    provider.keep_books("alder", DAYS[0], DAYS[-1])
    assert _values(provider) != _truth(world), "the late file holds bookings; without them the figures are others"

    provider.deliver(late)
    _visit_all(provider)
    provider.keep_books("alder", THANKSGIVING, THANKSGIVING)

    assert _values(provider) == _truth(world)


def test_a_file_parsed_after_the_books_were_written_stays_pending(world: World, tmp_path: Path) -> None:
    provider = provider_in(tmp_path, (SHARED, "alder"))
    provider.deliver(world.deliveries(DAYS[0]))
    _visit_all(provider)
    ws = provider.workspace
    booked = pending_files(ws, "alder").deliveries
    mark_consumed(ws, "alder", BOOKS, booked)

    provider.deliver(world.deliveries(DAYS[1]))
    _visit_all(provider)
    now_pending = pending_files(ws, "alder").deliveries
    marked = consumed(ws, "alder", BOOKS)
    mark_consumed(ws, "alder", FACTS, now_pending.join(marked, on=marked.columns, how="semi"))

    left = pending_files(ws, "alder").deliveries
    assert left.height > 0
    assert left.sort(left.columns).equals(now_pending.join(booked, on=booked.columns, how="anti").sort(left.columns))


def test_a_file_read_again_by_a_new_version_of_its_connector_is_to_be_booked_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = provider_in(tmp_path, (SHARED, "alder"))
    provider.deliver(world.deliveries(DAYS[0]))
    _visit_all(provider)
    provider.keep_books("alder", DAYS[0], DAYS[0])
    assert pending_files(provider.workspace, "alder").own.is_empty()

    newer = {slug: dataclasses.replace(a, parser_version="999") for slug, a in registry.adapters().items()}
    for module in (reading, ingest):
        for name, value in (("adapters", lambda: MappingProxyType(newer)), ("adapter", newer.__getitem__)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    _visit_all(provider)

    again = pending_files(provider.workspace, "alder").own
    assert set(again["file_kind"]) == {"TRN", "RPS", "SEC", "ACC"}
    assert set(again["parser_version"]) == {"999"}


def test_a_vendors_price_corrected_twice_ends_at_the_last_one_on_every_day(world: World, tmp_path: Path) -> None:
    provider = provider_in(tmp_path, (SHARED, "alder"))
    provider.deliver(d for day in DAYS for d in world.deliveries(day))
    _visit_all(provider)
    provider.keep_books("alder", DAYS[0], DAYS[-1])
    (prices,) = (d for d in world.deliveries(DAYS[1]) if d.connection == "closing_prices")
    security = provider.read("canonical.price", SHARED).filter(pl.col("price_date") == DAYS[1])["security_key"][0]

    def touched(content: bytes, hours: int) -> set[date]:
        provider.put(prices.path, content, _later(prices.arrived_at, hours))
        provider.visit(SHARED)
        pending = pending_files(provider.workspace, "alder")
        provider.keep_books("alder", DAYS[-1], DAYS[-1])
        return set(pending.superseded_shared.to_list()) and {DAYS[1]}

    first, second, *rest = prices.content.decode().splitlines(keepends=True)
    dearer = "".join([first, second.replace(second.split(",")[5], "1.5"), *rest]).encode()
    assert touched(dearer, 1) == {DAYS[1]}
    back = prices.content + b""
    same = back.replace(b"\r\n", b"\n") if b"\r\n" in back else back.replace(b"\n", b"\r\n")
    assert touched(same, 2) == {DAYS[1]}
    standing = provider.read("canonical.price", SHARED).filter(
        (pl.col("price_date") == DAYS[1]) & (pl.col("security_key") == security)
    )
    assert standing.height == 3
    assert _values(provider) == _truth(world)


def _later(instant: datetime, hours: int) -> datetime:
    return instant + timedelta(hours=hours)
