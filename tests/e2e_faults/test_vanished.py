"""What is no longer in the custodian's file is a break, not silence; when the file is repaired, the break closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import pytest

from simulation.delivery import Delivery
from simulation.firm import TenantPlan
from simulation.world import SimulationConfig, World, simulate
from simulation.writers.schwab_layouts import RPS_POSITION, span
from tests.e2e_faults.provider import SHARED, Provider, provider_in

pytestmark = pytest.mark.xdist_group("e2e_faults_vanished")
DAYS = [date(2022, 11, day) for day in (1, 2, 3, 4)]
STRUCK, NEXT = DAYS[2], DAYS[3]


@dataclass(frozen=True)
class Vanished:
    """Books after the file with gaps, and after its repair.

    Attributes:
        security: account number and ISIN of the one holding that vanished.
        account: number of the account that vanished with everything it has.
        before, after: breaks, and accounts' values, by account number, of all days.
    """

    world: World
    security: tuple[str, str]
    account: str
    before: tuple[pl.DataFrame, pl.DataFrame]
    after: tuple[pl.DataFrame, pl.DataFrame]


def rps_without(content: bytes, is_gone: Callable[[str], bool]) -> bytes:
    """An RPS file without some of its records, its trailer counting what is left."""
    lines = content.decode("cp1252").split("\r\n")
    kept = [line for line in lines if not (line.startswith("D") and is_gone(line))]
    fields = kept[-2].split("|")
    fields[4] = f"{sum(line.startswith('D') for line in kept):010d}"
    return "\r\n".join([*kept[:-2], "|".join(fields), ""]).encode("cp1252")


def account_of(line: str) -> str:
    return line[span(RPS_POSITION, "account_number")].strip()[-8:]


def _books(provider: Provider) -> tuple[pl.DataFrame, pl.DataFrame]:
    numbers = provider.account_numbers("alder")
    found = (
        provider.current(name, "alder").join(numbers, on="account_key")
        for name in ("quality.position_break", "accounting.account_valuation")
    )
    breaks, values = found
    return breaks, values


@pytest.fixture(scope="module")
def vanished(tmp_path_factory: pytest.TempPathFactory) -> Vanished:
    plans = {"alder": TenantPlan(accounts=4, master_account="08123456")}
    world = simulate(SimulationConfig(seed=7, tenants=plans, first_date=DAYS[0], last_date=NEXT))
    provider = provider_in(tmp_path_factory.mktemp("vanished"), (SHARED, "alder"))
    files = {day: world.deliveries(day) for day in DAYS}
    (sound,) = (d for d in files[STRUCK] if d.kind == "RPS")
    records = [line for line in sound.content.decode("cp1252").splitlines() if line.startswith("D1|")]
    gone, account = records[0], account_of(records[-1])
    assert account_of(gone) != account
    spoilt = rps_without(sound.content, lambda line: line == gone or account_of(line) == account)
    for day in DAYS[:3]:
        provider.deliver(d for d in files[day] if d is not sound)
    provider.put(sound.path, spoilt, sound.arrived_at)
    for tenant in (SHARED, "alder"):
        provider.visit(tenant)
    provider.keep_books("alder", DAYS[0], STRUCK)
    before = _books(provider)
    provider.deliver(files[NEXT])
    _deliver_again(provider, sound)
    for tenant in (SHARED, "alder"):
        provider.visit(tenant)
    provider.keep_books("alder", NEXT, NEXT)
    security = (account_of(gone), gone[span(RPS_POSITION, "isin")].strip())
    return Vanished(world, security, account, before, _books(provider))


def _deliver_again(provider: Provider, sound: Delivery) -> None:
    provider.put(sound.path, sound.content, sound.arrived_at + timedelta(hours=20))


def open_breaks(found: pl.DataFrame) -> pl.DataFrame:
    return found.filter(pl.col("break_cause").is_not_null())


def test_a_holding_that_vanished_is_the_one_break_of_its_account(vanished: Vanished) -> None:
    mine = open_breaks(vanished.before[0]).filter(pl.col("account_number") == vanished.security[0])
    assert mine.select("as_of_date", "break_cause").rows() == [(STRUCK, "missing_at_custodian")]
    truth = vanished.world.frames("alder")["positions"].filter(
        (pl.col("as_of_date") == STRUCK)
        & (pl.col("account_number") == vanished.security[0])
        & (pl.col("isin") == vanished.security[1])
    )
    assert mine["quantity"].to_list() == truth["quantity"].to_list()
    assert mine["custodian_quantity"].to_list() == [None]


def test_an_account_that_vanished_breaks_on_everything_that_it_held(vanished: Vanished) -> None:
    mine = open_breaks(vanished.before[0]).filter(pl.col("account_number") == vanished.account)
    truth = vanished.world.frames("alder")
    is_mine = (pl.col("account_number") == vanished.account) & (pl.col("as_of_date") == STRUCK)
    held = truth["positions"].filter(is_mine)["quantity"].to_list()
    cash = [amount for amount in truth["cash"].filter(is_mine)["cash_trade_date"].to_list() if amount]
    assert held
    assert cash
    assert sorted(mine["quantity"].to_list()) == sorted([*held, *cash])
    assert set(mine["break_cause"]) == {"missing_at_custodian"}
    assert set(mine["as_of_date"]) == {STRUCK}


def test_no_other_account_and_no_other_day_breaks(vanished: Vanished) -> None:
    others = open_breaks(vanished.before[0]).filter(
        ~pl.col("account_number").is_in([vanished.account, vanished.security[0]])
    )
    assert others.is_empty()
    labelled = vanished.before[1].filter(pl.col("readiness") != "complete")
    assert set(labelled.select("account_number", "as_of_date", "readiness_reasons").iter_rows()) == {
        (number, STRUCK, "position_break") for number in (vanished.account, vanished.security[0])
    }


def test_the_repaired_file_closes_every_break_on_the_day_itself(vanished: Vanished) -> None:
    breaks, values = vanished.after
    assert open_breaks(breaks).is_empty()
    closed = breaks.filter(pl.col("as_of_date") == STRUCK)
    assert closed.height == open_breaks(vanished.before[0]).height
    assert set(values["readiness"]) == {"complete"}
    assert set(values["as_of_date"]) == set(DAYS)
