"""TD Ameritrade-style files against the columns of the formats page, counted by hand."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest

from simulation.firm import TenantPlan
from simulation.scene import Scene
from simulation.world import SimulationConfig, simulate
from simulation.writers import tda

DAY = date(2022, 1, 18)
COUNTS = {"TRN": 19, "POS": 6, "PRI": 5, "SEC": 12, "CBL": 24, "TRD": 36}


@pytest.fixture(scope="module")
def scene() -> Scene:
    plan = TenantPlan(accounts=9, master_account="08123456", styles=("tda",))
    world = simulate(SimulationConfig(7, {"alder": plan}, date(2022, 1, 3), date(2022, 1, 31)))
    return Scene(7, world.market, world.firm, world.booked, world.reported)


def written(scene: Scene, day: date = DAY) -> dict[str, tuple[str, bytes]]:
    accounts = scene.held_at("alder", "tda", day)
    return {kind: (name, content) for name, kind, content in tda.files(scene, "alder", accounts, day)}


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("cp1252"), newline="")))


def test_a_rep_code_has_six_files_a_day_with_the_day_in_their_names(scene: Scene) -> None:
    found = written(scene)
    assert {kind: name for kind, (name, _) in found.items()} == {
        kind: f"08123456 220118.{kind}" for kind in ("TRN", "POS", "PRI", "SEC", "CBL", "TRD")
    }


def test_every_line_has_the_columns_of_its_file_and_no_file_has_a_header(scene: Scene) -> None:
    days = scene.market.days
    busy = next(day for day in days if rows(written(scene, day)["TRN"][1]))
    for kind, (_, content) in written(scene, busy).items():
        lines = rows(content)
        assert lines
        assert {len(line) for line in lines} == {COUNTS[kind]}
        assert content.endswith(b"\r\n")
        assert content.count(b"\n") == len(lines)


def test_a_day_without_bookings_has_a_transaction_file_of_no_bytes(scene: Scene) -> None:
    assert written(scene, scene.market.days[0])["TRN"][1] == b""


def test_amounts_and_quantities_carry_no_sign_but_for_journals(scene: Scene) -> None:
    lines = [row for day in scene.market.days for row in rows(written(scene, day)["TRN"][1])]
    assert {row[3] for row in lines} >= {"BUY", "SELL", "DEP"}
    for row in lines:
        signed = {row[n] for n in (8, 9, 10, 11, 12, 16)} if row[3] != "JNL" else {row[8]}
        assert not any(text.startswith("-") for text in signed)


def test_cash_has_a_blank_symbol_and_follows_its_account_s_holdings(scene: Scene) -> None:
    lines = rows(written(scene)["POS"][1])
    numbers = [account.account_number for account in scene.held_at("alder", "tda", DAY)]
    assert [line[0] for line in lines if not line[3]] == numbers
    assert lines[-1][3] == ""
    assert all(line[4] == line[5] for line in lines if not line[3])


def test_bonds_are_named_by_cusip_and_shares_by_ticker(scene: Scene) -> None:
    named = {row[0]: row[1] for row in rows(written(scene)["SEC"][1])}
    assert named["AAPL"] == "EQ"
    bonds = {s.cusip for s in scene.market.securities if s.is_bond and s.currency == "USD"}
    assert {symbol for symbol, kind in named.items() if kind == "FI"} == bonds
    assert b"AAPL,037833100\n" in tda.symbol_table(scene.market)


def test_dates_come_in_three_forms(scene: Scene) -> None:
    found = written(scene)
    assert {row[2][4:] for row in rows(found["PRI"][1])} == {"2022"}
    assert {row[1] for row in rows(found["CBL"][1])} == {"20220118"}
    assert {row[3] for row in rows(found["SEC"][1])} == {"", "06/15/2031", "06/15/2027"}
