"""NFS-style transmissions against columns counted by hand from the published positions."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import date

import pytest

from simulation.firm import Account, TenantPlan
from simulation.lots import Gain, Lot
from simulation.market import Market
from simulation.scene import Scene
from simulation.transactions import Transaction
from simulation.world import SimulationConfig, simulate
from simulation.writers import fidelity, fidelity_records
from simulation.writers.fidelity_layouts import digits, line

DAY = date(2022, 1, 5)
LENGTHS = {
    "NABASE": 700, "POSITFULL": 1100, "ACTVYD": 1300, "ACCTBALD": 1500, "SECMAST": 1300, "TLAOPENDELTA": 1000,
    "TLAOPENFULL": 1000, "TLACLOSEDDELTA": 1000,
}  # fmt: skip


@pytest.fixture(scope="module")
def told() -> Scene:
    plan = TenantPlan(accounts=5, master_account="08123456", styles=("fidelity",))
    world = simulate(SimulationConfig(7, {"alder": plan}, date(2022, 1, 3), date(2022, 1, 14)))
    return Scene(7, world.market, world.firm, world.booked, world.reported)


def held(scene: Scene, day: date) -> list[Account]:
    return scene.held_at("alder", "fidelity", day)


def members(scene: Scene, day: date) -> Mapping[str, list[str]]:
    """Stem of each transmission of a day to its lines."""
    found: dict[str, list[str]] = {}
    for name, _, content in fidelity.files(scene, "alder", held(scene, day), day):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            [member] = archive.namelist()
            assert f"{member}.ZIP" == name
            text = archive.read(member).decode("cp1252")
        client, owner, stem, rest = member.split("_")
        assert (client, owner, rest) == ("456", "WNX", f"{day:%Y%m%d}.DAT")
        assert text.endswith("\r\n")
        found[stem] = text.removesuffix("\r\n").split("\r\n")
    return found


def _columns(text: str, first: int, last: int) -> str:
    """Characters from the first to the last column, counted from one."""
    return text[first - 1 : last]


@pytest.mark.parametrize("day", [DAY, date(2022, 1, 7)])
def test_every_line_is_as_long_as_its_transmission_demands(told: Scene, day: date) -> None:
    found = members(told, day)
    assert set(found) == set(LENGTHS) - {"TLAOPENFULL" if day.weekday() != 4 else "TLAOPENDELTA"}
    for stem, lines in found.items():
        assert {len(text) for text in lines} == {LENGTHS[stem]}


def test_header_and_trailer_stand_in_their_columns_and_count_themselves(told: Scene) -> None:
    lines = members(told, DAY)["POSITFULL"]
    first, last = lines[0], lines[-1]
    assert _columns(first, 1, 4) == "H456"
    assert _columns(first, 22, 37) == "FIDELITY SYSTEMS"
    assert _columns(first, 42, 57) == "POSITION EXTRACT"
    assert _columns(first, 63, 68) == "010522"
    assert _columns(last, 1, 1) == "T"
    assert int(_columns(last, 22, 36)) == len(lines)
    assert int(_columns(last, 41, 55)) == len(lines) - 2


def test_names_count_accounts_and_not_lines(told: Scene) -> None:
    lines = members(told, DAY)["NABASE"]
    assert int(lines[-1][40:55]) == len(held(told, DAY))
    assert len(lines) - 2 == 4 * len(held(told, DAY))


ACCOUNT = Account(
    tenant="alder", connection="fidelity_main", style="fidelity", account_number="X10000001",
    master_account="08123456", household="H", title="RENÉE DUBOIS", registration="IRA",
    registration_title="ROLLOVER IRA", tax_status="tax_deferred", base_currency="USD", opened_date=date(2011, 3, 15),
    opened_place=0, is_weekly=False,
)  # fmt: skip


def _bought(quantity: int = 12_50000, amount: int = -2_172_4500) -> Transaction:
    return Transaction(
        account=ACCOUNT, number=1, type="BUY", security=0, trade_date=DAY, settle_date=date(2022, 1, 7),
        reported_date=DAY, quantity=quantity, price=173_40000, amount=amount, commission=4_9500,
    )  # fmt: skip


def test_a_ledger_entry_stands_in_its_columns_with_signs_after_its_numbers(scene: Market) -> None:
    text = fidelity_records.bookkeeping_line(scene, _bought(), DAY, is_cancel=False)
    expected = {
        (1, 10): "DX10000001", (11, 11): "1", (12, 20): "037833100", (26, 31): "000001", (32, 39): "20220105",
        (40, 47): "20220107", (49, 62): "0000001250000+", (63, 74): "00000217245-", (268, 275): "20220105",
        (326, 326): "B", (330, 331): "  ", (418, 433): "000000000216750+", (434, 452): "000000173400000000+",
        (718, 736): "000000000001250000+", (737, 750): "0000000217245-", (779, 792): "0000000000495+",
        (868, 879): "US0378331005",
    }  # fmt: skip
    for (first, last), value in expected.items():
        assert _columns(text, first, last) == value, (first, last)


def test_numbers_too_long_for_the_short_fields_overflow_into_stars(scene: Market) -> None:
    booking = _bought(quantity=123_456_789_00000, amount=-21_407_407_212_6000)
    text = fidelity_records.bookkeeping_line(scene, booking, DAY, is_cancel=False)
    assert _columns(text, 49, 62) == "*************+"
    assert _columns(text, 63, 74) == "***********-"
    assert _columns(text, 718, 736) == "000012345678900000+"
    assert _columns(text, 737, 750) == "2140740721260-"


def test_a_cancel_repeats_its_entry_but_for_the_code_and_the_run_date(scene: Market) -> None:
    original = fidelity_records.bookkeeping_line(scene, _bought(), DAY, is_cancel=False)
    same_day = fidelity_records.bookkeeping_line(scene, _bought(), DAY, is_cancel=True)
    later = fidelity_records.bookkeeping_line(scene, _bought(), date(2022, 1, 7), is_cancel=True)
    assert (_columns(same_day, 330, 330), _columns(later, 330, 330)) == ("2", "1")
    assert [at + 1 for at in range(1300) if original[at] != same_day[at]] == [330]
    assert {at + 1 for at in range(1300) if original[at] != later[at]} <= {*range(32, 40), 330}


def test_balances_have_their_sign_before_the_amount(told: Scene) -> None:
    account = held(told, DAY)[0]
    text = fidelity_records.balance_line(told, account, DAY)
    assert _columns(text, 2, 10) == account.account_number
    assert _columns(text, 71, 71) in "+-"
    assert int(_columns(text, 71, 88)) == told.cash(account, DAY) // 100
    assert int(_columns(text, 1157, 1174)) == told.settled_cash(account, DAY) // 100
    assert _columns(text, 1229, 1264) == "+00000000000000000" * 2


def test_a_lot_that_is_gone_is_told_without_a_quantity() -> None:
    kept, changed = Lot("O1", 0, DAY, 100_000, 10_000), Lot("O2", 0, DAY, 100_000, 10_000)
    new, gone = Lot("T1", 0, DAY, 5, None), Lot("O3", 0, DAY, 7, 900)
    part = Lot("O2", 0, DAY, 50_000, 5_000)
    changes = fidelity.changed_lots([kept, changed, gone], [kept, part, new])
    assert changes == [("C", part), ("A", new), ("D", Lot("O3", 0, DAY, 0, 0))]


def test_two_gains_alike_are_two() -> None:
    gain = Gain("O1", 0, DAY, 1, DAY, DAY, 1, 1, 1, "short")
    assert fidelity.new_gains([gain], [gain, gain]) == [gain]


def test_texts_never_overlap_or_leave_their_line() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        line(10, [(1, "ABC"), (3, "D")])
    with pytest.raises(ValueError, match="beyond"):
        line(4, [(3, "ABC")])
    assert digits(1000, 3) == "***"


def test_two_runs_write_the_same_bytes(told: Scene) -> None:
    def once() -> list[tuple[str, str, bytes]]:
        return list(fidelity.files(told, "alder", held(told, DAY), DAY))

    assert once() == once()
    assert not list(fidelity.files(told, "alder", [], DAY))
