"""One struck month, visited twice: as it was delivered broken, and after every broken file was delivered again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from simulation.delivery import Delivery
from simulation.world import SimulationConfig, World, simulate
from simulation.writers.schwab_layouts import RPS_POSITION, span
from tests.e2e_faults.damage import Case, cases
from tests.e2e_faults.provider import MAX_FILE_BYTES, PLANS, SHARED, Provider, provider_in

FIRST, LAST = date(2022, 11, 1), date(2022, 11, 22)
HALF_WRITTEN = "CRS20221116.RPS"
SECOND_EMPTY = "CRS20221104.RPS"
TOO_LARGE, STRANGER = "extra/CRS20221121.TRN", "extra/notes.txt"
REFUSED = ("extra/bell\\x07.TRN", "extra/two..dots.TRN", "extra/way_out.TRN")


@dataclass(frozen=True)
class Struck:
    """The month after one of its visits.

    Attributes:
        provider: as that visit left it; not to be changed.
        calm: the world without faults; its truth is the truth of the struck one too.
        cases: the faults.
        deliveries: what was delivered, broken files among them.
        counts: what the visit said of itself: tenant to files, blocked, crashed, lost.
    """

    provider: Provider
    calm: World
    cases: list[Case]
    deliveries: list[Delivery]
    counts: dict[str, tuple[int, int, int, int]]


@pytest.fixture(scope="session")
def calm() -> World:
    return simulate(SimulationConfig(seed=7, tenants=PLANS, first_date=FIRST, last_date=LAST))


@pytest.fixture(scope="session")
def month(calm: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Struck, Struck]:
    """The struck month and the healed one. Both share a lake, whose first state is kept as a copy."""
    sound = [d for day in calm.market.days for d in calm.deliveries(day)]
    faults = cases(_other_isin(sound))
    struck_world = replace(calm, config=replace(calm.config, faults=tuple(case.fault for case in faults)))
    struck = [d for day in calm.market.days for d in struck_world.deliveries(day)]
    provider = provider_in(tmp_path_factory.mktemp("struck"))
    provider.deliver(d for d in struck if not d.path.endswith((HALF_WRITTEN, SECOND_EMPTY)))
    _strike_by_hand(provider, sound)
    counts = _visit(provider, FIRST)
    before = provider_in(tmp_path_factory.mktemp("before"))
    shutil.copytree(provider.home / "lake", before.home / "lake")
    shutil.copytree(provider.home / "locks", before.home / "locks", dirs_exist_ok=True)
    again = [d for d in sound if _is_struck(d, faults) or d.path.endswith((HALF_WRITTEN, SECOND_EMPTY))]
    for delivery in again:
        provider.put(delivery.path, delivery.content, delivery.arrived_at + timedelta(days=40))
    healed = _visit(provider, LAST)
    return Struck(before, calm, faults, struck, counts), Struck(provider, calm, faults, again, healed)


@pytest.fixture(scope="session")
def struck(month: tuple[Struck, Struck]) -> Struck:
    return month[0]


@pytest.fixture(scope="session")
def healed(month: tuple[Struck, Struck]) -> Struck:
    return month[1]


def _visit(provider: Provider, first: date) -> dict[str, tuple[int, int, int, int]]:
    counts = {}
    for tenant in (SHARED, "alder"):
        _, done = provider.visit(tenant)
        counts[tenant] = (done.files, done.blocked, done.crashed, done.lost)
    provider.keep_books("alder", first, LAST)
    return counts


def _is_struck(delivery: Delivery, faults: list[Case]) -> bool:
    return any(case.fault.strikes(delivery) and case.reason not in ("archive_bomb", "unsafe_path") for case in faults)


def _other_isin(sound: list[Delivery]) -> str:
    """The ISIN of the second holding that the struck file states."""
    (content,) = (d.content for d in sound if d.path.endswith("CRS20221114.RPS"))
    held = [line[span(RPS_POSITION, "isin")] for line in content.decode("cp1252").splitlines() if line[:3] == "D1|"]
    return next(isin for isin in held if isin.strip() and isin != held[0])


def _strike_by_hand(provider: Provider, sound: list[Delivery]) -> None:
    """What no record of a file can show: how it lies on the server."""
    by_name = {Path(d.path).name: d for d in sound if d.tenant == "alder"}
    half, empty, usual = by_name[HALF_WRITTEN], by_name[SECOND_EMPTY], by_name["CRS20221121.TRN"]
    provider.put(f"{half.path}.filepart", half.content[:1000], half.arrived_at)
    provider.put(empty.path, b"", empty.arrived_at)
    folder = "alder/schwab_main"
    provider.put(f"{folder}/{TOO_LARGE}", b"\n" * (MAX_FILE_BYTES + 1), usual.arrived_at)
    provider.put(f"{folder}/{STRANGER}", b"called about the fee", usual.arrived_at)
    for name in ("bell\x07.TRN", "two..dots.TRN"):
        provider.put(f"{folder}/extra/{name}", usual.content, usual.arrived_at)
    (provider.home / "secret").write_text("of another tenant")
    (provider.home / "sftp" / folder / "extra" / "way_out.TRN").symlink_to(provider.home / "secret")
