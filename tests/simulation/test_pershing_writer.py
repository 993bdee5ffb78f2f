"""Pershing-style files against columns counted by hand from the published layouts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from simulation.firm import Account, Firm
from simulation.market import Market
from simulation.scene import Scene
from simulation.trading import Trading
from simulation.transactions import Opening, Transaction
from simulation.truth import holdings
from simulation.writers import pershing
from simulation.writers.pershing_layouts import ACTIVITY, GACT, Form, document, line, text_lines
from simulation.writers.pershing_positions import has_margin

DAY, NEXT = date(2022, 1, 5), date(2022, 1, 6)
LENGTHS = {"GCUS": 750, "GACT": 750, "GMON": 250, "ACCT": 750, "ISCA": 132}
ACCOUNT = Account(
    tenant="alder", connection="pershing_main", style="pershing", account_number="JP7000026",
    master_account="08123456", household="H", title="RENÉE DUBOIS", registration="JT",
    registration_title="JOINT TENANTS", tax_status="taxable", base_currency="USD", opened_date=date(2011, 3, 15),
    opened_place=0, is_weekly=False,
)  # fmt: skip
BUY = Transaction(
    account=ACCOUNT, number=1, type="BUY", security=0, trade_date=DAY, settle_date=date(2022, 1, 7),
    reported_date=DAY, quantity=12_50000, price=173_40000, amount=-2_172_4500, commission=4_9500,
)  # fmt: skip
DIVIDEND = replace(
    BUY, number=2, type="DIVIDEND", settle_date=DAY, quantity=0, price=0, amount=88_0000, commission=0
)  # fmt: skip


def columns(line: str, first: int, last: int) -> str:
    return line[first - 1 : last]


def holds(text: str, expected: Mapping[tuple[int, int], str]) -> bool:
    return {place: columns(text, *place) for place in expected} == expected


def staged(market: Market, *bookings: Transaction) -> Scene:
    firm = Firm({}, (ACCOUNT,))
    booked = Trading((Opening(ACCOUNT, {2: 40_00000}, 10_000_0000),), bookings)
    return Scene(7, market, firm, booked, holdings(market, firm, booked, is_as_reported=True))


def written(scene: Scene, day: date, refresh: pershing.Refresh = "daily") -> dict[str, list[str]]:
    return {kind: text_lines(raw) for _, kind, raw in pershing.files(scene, "alder", [ACCOUNT], day, refresh)}


def test_every_line_has_its_forms_length_and_end_mark(scene: Market) -> None:
    for kind, lines in written(staged(scene, BUY, DIVIDEND), DAY).items():
        assert {len(text) for text in lines} == {LENGTHS[kind]}
        assert [text[-1] for text in lines] == ["A", *"X" * (len(lines) - 2), "Z"]
        assert int(columns(lines[-1], 106, 115)) == len(lines) - 2


def test_header_and_trailer_stand_in_their_columns(scene: Market) -> None:
    lines = written(staged(scene), DAY)["GCUS"]
    same = {(19, 36): "GLOBAL CUST POS   ", (37, 46): " DATA OF  ", (47, 56): "01/05/2022", (57, 67): " TO REMOTE ",
            (68, 71): "3456", (119, 127): "REFRESHED"}  # fmt: skip
    assert holds(lines[0], same | {
        (1, 18): "BOF      PERSHING ", (72, 85): " BEGINS HERE  ", (86, 95): "01/05/2022", (97, 104): "22:22:21",
    })  # fmt: skip
    assert holds(lines[-1], same | {
        (1, 18): "EOF      PERSHING ", (72, 83): " ENDS HERE. ", (84, 105): "TOTAL DETAIL RECORDS: ",
    })  # fmt: skip


def test_money_that_leaves_is_plus_and_money_that_comes_is_minus(scene: Market) -> None:
    lines = written(staged(scene, BUY, DIVIDEND), DAY)["GACT"]
    assert holds(lines[1], {
        (1, 3): "GAA", (4, 11): "00000001", (12, 20): "JP7000026", (21, 21): "1", (22, 30): "037833100",
        (70, 72): "TB ", (73, 81): "BYTRD0100", (82, 89): "20220105", (90, 97): "20220105", (98, 105): "20220107",
        (139, 140): "  ", (146, 164): "000000000001250000+", (165, 182): "000000173400000000", (188, 191): "+USD",
        (192, 210): "000000000002172450+", (211, 229): "000000000002167500+", (249, 267): "000000000000000495+",
    })  # fmt: skip
    assert holds(lines[2], {
        (1, 3): "GAB", (4, 20): columns(lines[1], 4, 20), (22, 30): "USDUSDUSD", (122, 140): "000000000000217245+",
        (354, 355): "01", (358, 377): "BUY APPLE INC       ", (622, 634): "IUS0378331005",
    })  # fmt: skip
    assert holds(lines[3], {(70, 71): "  ", (73, 81): "DVDIV0310", (192, 210): "000000000000088000-"})


def test_a_trade_is_stated_again_on_the_day_it_settles(scene: Market) -> None:
    staged_scene = staged(scene, BUY)
    kinds = {
        day: [columns(text, 70, 70) for text in written(staged_scene, day)["GACT"] if text[:3] == "GAA"]
        for day in (DAY, NEXT, date(2022, 1, 7))
    }
    assert list(kinds.values()) == [["T"], [], ["S"]]


@pytest.mark.parametrize(("cancelled", "codes"), [(NEXT, "1 "), (date(2022, 1, 10), "15")])
def test_a_cancel_turns_the_signs_and_takes_a_reference_of_its_own(scene: Market, cancelled: date, codes: str) -> None:
    staged_scene = staged(scene, replace(BUY, cancelled_date=cancelled))
    [original] = [text for text in written(staged_scene, DAY)["GACT"] if text[:3] == "GAA"]
    [cancel] = [text for text in written(staged_scene, cancelled)["GACT"] if text[:3] == "GAA"]
    assert columns(cancel, 139, 140) == codes
    assert columns(cancel, 192, 210) == "000000000002172450-"
    assert columns(cancel, 146, 164) == "000000000001250000-"
    differing = {place + 1 for place in range(750) if original[place] != cancel[place]}
    turned = {164, 210, 229, 267}
    assert differing <= {*range(82, 90), *range(115, 121), 139, 140, *turned}
    assert turned <= differing


def test_positions_stand_in_their_columns_and_cash_is_one_of_them(scene: Market) -> None:
    assert has_margin(ACCOUNT) is False
    lines = written(staged(scene, BUY), DAY)["GCUS"][1:-1]
    bought = next(text for text in lines if columns(text, 22, 30) == "037833100")
    price = int(scene.prices[scene.place(DAY), 0])
    value = round(12_50000 * price / 10**7)
    assert holds(bought, {
        (1, 3): "GCA", (12, 20): "JP7000026", (21, 21): "1", (54, 57): "SUSD", (74, 92): "000000000001250000+",
        (93, 111): "000000000000000000+", (283, 301): "000000000000000000+", (435, 443): "AAPL     ",
        (444, 449): "000001", (538, 557): "APPLE INC           ", (665, 683): f"{value:018d}+",
        (684, 694): "0000000000+", (736, 748): "IUS0378331005",
    })  # fmt: skip
    [cash] = [text for text in lines if columns(text, 54, 54) == "C"]
    assert holds(cash, {
        (22, 30): "USD999997", (74, 92): "000000000782755000+", (93, 111): "000000001000000000+",
        (665, 683): "000000000007827550+",
    })  # fmt: skip


def test_balances_are_minus_and_market_values_plus_for_the_client(scene: Market) -> None:
    lines = written(staged(scene, BUY), DAY)["GMON"][1:-1]
    assert [columns(text, 1, 3) for text in lines] == ["GMA", "GMB", "GMC", "GM1"]
    assert columns(lines[0], 48, 66) == "000000000000782755-"
    assert columns(lines[1], 48, 66) == "000000000001000000-"
    assert columns(lines[0], 85, 85) == "+"
    assert columns(lines[0], 242, 249) == "20220105"


def test_updated_states_what_changed_and_zero_for_what_is_gone(scene: Market) -> None:
    sale = replace(BUY, number=2, type="SELL", security=2, quantity=-40_00000, amount=100_0000, commission=0)
    staged_scene = staged(scene, BUY, sale)
    lines = written(staged_scene, DAY, "weekly")["GCUS"]
    assert columns(lines[0], 119, 127) == columns(lines[-1], 119, 127) == "UPDATED  "
    stated = {columns(text, 22, 30): columns(text, 74, 92) for text in lines[1:-1]}
    gone = scene.securities[2].cusip
    assert stated.pop(str(gone)) == "000000000000000000+"
    assert set(stated) == {"037833100", "USD999997"}
    assert [text[:3] for text in written(staged_scene, NEXT, "weekly")["GCUS"]] == ["BOF", "EOF"]
    assert columns(written(staged_scene, date(2022, 1, 10), "weekly")["GCUS"][0], 119, 127) == "REFRESHED"


def test_accounts_and_securities_stand_in_their_columns(scene: Market) -> None:
    files = written(staged(scene), DAY)
    assert holds(files["ACCT"][1], {
        (1, 3): "CIA", (44, 47): "JNTN", (49, 49): "2", (50, 81): "RENÉE DUBOIS".ljust(32),
        (82, 113): "JOINT TENANTS".ljust(32), (242, 245): "JTTN", (263, 270): "20110315", (279, 279): "O",
    })  # fmt: skip
    bond = next(s for s in scene.securities if s.ticker == "WNXB31")
    lines = {text[0]: text for text in files["ISCA"][1:-1] if columns(text, 8, 16) == bond.cusip}
    assert holds(lines["A"], {(17, 19): "500", (28, 34): "1310615", (129, 131): "501"})
    assert holds(lines["G"], {(53, 64): bond.isin})
    number = scene.securities.index(bond)
    place = scene.place(DAY)
    assert columns(lines["F"], 75, 92) == f"{int(scene.prices[place, number]) * 10_000:018d}"
    priced = scene.days[int(np.asarray(scene.price_places)[place, number])]
    assert columns(lines["B"], 87, 93) == f"1{priced:%y%m%d}"


def test_the_same_seed_gives_the_same_bytes(scene: Market) -> None:
    assert written(staged(scene, BUY), DAY) == written(staged(scene, BUY), DAY)


def test_a_value_that_does_not_fit_or_names_no_field_is_refused() -> None:
    with pytest.raises(KeyError):
        line(GACT, ACTIVITY, {"cusp": "037833100"})
    with pytest.raises(ValueError, match="cusip does not fit"):
        line(GACT, ACTIVITY, {"cusip": "0378331005"})
    assert text_lines(document(Form("T", "T", 130), DAY, "1", [], count=3))[-1][105:115] == "0000000003"
