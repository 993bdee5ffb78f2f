"""From the simulated firm through NFS transmissions and the reader, back to the firm's truth, to the last decimal."""

from __future__ import annotations

import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.adapter import ParsedFile
from simulation.firm import Account, TenantPlan
from simulation.lots import Lot, is_covered
from simulation.scene import Scene
from simulation.truth import holdings
from simulation.world import SimulationConfig, simulate
from simulation.writers.fidelity import files
from tests.connectors.fidelity_fixture import read

PLAN = TenantPlan(accounts=7, master_account="08123456", styles=("fidelity",))
FIRST, LAST = date(2022, 1, 3), date(2022, 4, 8)
CLIENT = "456"
SNAPSHOTS = frozenset({"NABASE", "POSIT", "ACCTBAL", "SECMAST"})

Read = Mapping[tuple[str, date], ParsedFile]


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A world in which one buy is cancelled days later, one on its own day, and one is reported late."""
    world = simulate(SimulationConfig(7, {"alder": PLAN}, FIRST, LAST))
    calendar, mine = world.market.calendar, list(world.booked.transactions)
    buys = [b for b in mine if b.type == "BUY" and b.account.style == "fidelity" and b.trade_date < date(2022, 2, 1)]
    changes = {
        id(buys[0]): replace(buys[0], cancelled_date=calendar.shift(buys[0].reported_date, 2)),
        id(buys[1]): replace(buys[1], cancelled_date=buys[1].reported_date),
        id(buys[2]): replace(buys[2], reported_date=calendar.shift(buys[2].reported_date, 4)),
    }
    booked = replace(world.booked, transactions=tuple(changes.get(id(b), b) for b in mine))
    reported = holdings(world.market, world.firm, booked, is_as_reported=True)
    return Scene(7, world.market, world.firm, booked, reported)


@pytest.fixture(scope="module")
def parsed(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Entries and lots of every day, snapshots of the last week; every file unpacked and read."""
    folder = tmp_path_factory.mktemp("nfs")
    found: dict[tuple[str, date], ParsedFile] = {}
    for day in scene.market.days:
        for name, kind, content in files(scene, "alder", accounts(scene, day), day):
            if kind in SNAPSHOTS and day not in scene.market.days[-5:]:
                continue
            found[kind, day] = read(unpacked(folder, name, content), [CLIENT])
    return found


def unpacked(folder: Path, name: str, content: bytes) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [member] = archive.namelist()
        assert f"{member}.ZIP" == name
        return Path(archive.extract(member, folder))


def accounts(scene: Scene, day: date) -> list[Account]:
    return scene.held_at("alder", "fidelity", day)


def units(value: int) -> Decimal:
    return Decimal(value) / 100_000


def money(value: int) -> Decimal:
    return Decimal(value) / 10_000


def cusip(scene: Scene, security: int | None) -> str | None:
    return None if security is None else scene.market.securities[security].cusip


def test_nothing_is_held_back(parsed: Read) -> None:
    assert sum(found.quarantined_count for found in parsed.values()) == 0


def test_entries_come_back_as_they_were_booked_cancels_and_late_ones_too(scene: Scene, parsed: Read) -> None:
    told: Counter[tuple[Any, ...]] = Counter()
    for (kind, day), found in parsed.items():
        if kind == "BOOKKEEP":
            for row in found.frames["canonical.transaction"].to_dicts():
                told[
                    day, row["account_number"], row["transaction_type"], row["cusip"], row["trade_date"],
                    row["settle_date"], row["quantity"], row["price"], row["amount"], row["commission"],
                    row["accrued_interest"], row["is_cancel"], row["currency"],
                ] += 1  # fmt: skip
    booked = Counter(
        (
            day, b.account.account_number, b.type, cusip(scene, b.security), b.trade_date, b.settle_date,
            units(b.quantity), units(b.price) if b.price else None, money(b.amount), money(b.commission),
            money(b.accrued_interest), is_cancel, "USD",
        )
        for day in scene.market.days
        for b, is_cancel in scene.rows(accounts(scene, day), day)
    )  # fmt: skip
    assert told == booked
    assert {row[2] for row in booked} >= {"BUY", "SELL", "DIVIDEND", "DEPOSIT", "ADVISORY_FEE", "TRANSFER_IN"}
    assert sum(row[11] for row in booked) == 2


@pytest.mark.parametrize("back", range(1, 6))
def test_positions_are_those_that_the_custodian_knows(scene: Scene, parsed: Read, back: int) -> None:
    day = scene.market.days[-back]
    place = scene.market.place(day)
    told = {
        (row["account_number"], row["cusip"]): (row["quantity"], row["price"], row["price_date"], row["is_delta"])
        for row in parsed["POSIT", day].frames["canonical.custodian_position"].to_dicts()
    }
    assert told == {
        (account.account_number, cusip(scene, security)): (
            units(quantity), units(int(scene.market.prices[place, security])),
            scene.market.days[int(scene.market.price_places[place, security])], False,
        )
        for account in accounts(scene, day)
        for security, quantity in scene.holdings(account, day).items()
    }  # fmt: skip


@pytest.mark.parametrize("back", range(1, 6))
def test_balances_are_the_cash_that_the_custodian_knows(scene: Scene, parsed: Read, back: int) -> None:
    day = scene.market.days[-back]
    told = {
        (row["account_number"], row["balance_type"]): row["balance"]
        for row in parsed["ACCTBAL", day].frames["canonical.custodian_balance"].to_dicts()
    }
    assert told == {
        (account.account_number, kind): money(value)
        for account in accounts(scene, day)
        for kind, value in (
            ("cash_trade_date", scene.cash(account, day)), ("cash_settled", scene.settled_cash(account, day)),
        )
    }  # fmt: skip


def test_accounts_come_back_with_their_names_and_tax_status(scene: Scene, parsed: Read) -> None:
    told = parsed["NABASE", LAST].frames["canonical.account"].to_dicts()
    assert [
        (row["account_number"], row["account_name"], row["tax_status"], row["opened_date"], row["account_status"])
        for row in told
    ] == [(a.account_number, a.title, a.tax_status, a.opened_date, "open") for a in accounts(scene, LAST)]
    assert {row["master_account_number"] for row in told} == {CLIENT}


def test_securities_come_back_with_price_and_factor(scene: Scene, parsed: Read) -> None:
    place = scene.market.place(LAST)
    frames = parsed["SECMAST", LAST].frames
    prices = {row["isin"]: row["price"] for row in frames["canonical.price"].to_dicts()}
    told = {
        row["isin"]: (
            row["cusip"],
            row["security_name"],
            row["security_type"],
            row["price_factor"],
            prices[row["isin"]],
        )
        for row in frames["canonical.security"].to_dicts()
    }
    assert told == {
        listed.isin: (
            listed.cusip, listed.name, listed.kind, listed.price_factor,
            units(int(scene.market.prices[place, security])),
        )
        for security, listed in enumerate(scene.market.securities)
        if listed.currency == "USD"
    }  # fmt: skip


def held_lots(scene: Scene, day: date) -> dict[tuple[str, str], tuple[Any, ...]]:
    return {
        (a.account_number, lot.lot_id): told_lot(scene, a, lot)
        for a in accounts(scene, day)
        for lot in scene.lots(a, day)
    }


def told_lot(scene: Scene, account: Account, lot: Lot) -> tuple[Any, ...]:
    cost = None if lot.cost is None else money(lot.cost)
    covered = is_covered(account, lot.acquired_date)
    return cusip(scene, lot.security), lot.acquired_date, units(lot.quantity), cost, cost is not None, covered


def test_lots_put_together_from_changes_and_full_sets_are_the_custodians(scene: Scene, parsed: Read) -> None:
    known: dict[tuple[str, str], tuple[Any, ...]] = {}
    for day in scene.market.days:
        found = parsed["TLAOPEN", day]
        assert found.is_refresh is (day.weekday() == 4)
        if found.is_refresh:
            known = {}
        for row in found.frames["canonical.custodian_lot"].to_dicts():
            key = row["account_number"], row["lot_id"]
            known[key] = (
                row["cusip"], row["acquired_date"], row["quantity"], row["cost_basis"], row["is_cost_known"],
                row["is_covered"],
            )  # fmt: skip
            if not row["quantity"]:
                del known[key]
        assert known == held_lots(scene, day), day


def test_realised_gains_are_the_custodians_to_the_cent(scene: Scene, parsed: Read) -> None:
    told: dict[date, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for (kind, day), found in parsed.items():
        if kind == "TLACLOSED":
            for row in found.frames["canonical.custodian_gain"].to_dicts():
                told[day][
                    row["account_number"], row["lot_id"], row["cusip"], row["acquired_date"], row["sold_date"],
                    row["quantity"], row["proceeds"], row["cost_basis"], row["realized_gain"], row["holding_term"],
                ] += 1  # fmt: skip
    known: Counter[tuple[Any, ...]] = Counter()
    for day in scene.market.days:
        before, known = known, Counter(
            (
                account.account_number, gain.lot_id, cusip(scene, gain.security), gain.acquired_date, gain.sold_date,
                units(gain.quantity), money(gain.proceeds), None if gain.cost is None else money(gain.cost),
                None if gain.cost is None else money(gain.proceeds - gain.cost), gain.term,
            )
            for account in accounts(scene, day)
            for gain in scene.gains(account, day)
        )  # fmt: skip
        assert told[day] == known - before, day
    assert sum(known.values()) > 10
