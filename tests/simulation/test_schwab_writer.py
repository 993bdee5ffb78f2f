"""Schwab-style files against columns counted by hand from the published field positions."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from simulation.decimals import decimal_series
from simulation.firm import Account
from simulation.market import Market
from simulation.transactions import Transaction
from simulation.writers import schwab
from simulation.writers.schwab_layouts import TRN, record

DAY = date(2022, 1, 5)
MASTER = schwab.Master("08123456", "ALDER WEALTH PARTNERS")
ACCOUNT = Account(
    tenant="alder", connection="schwab_main", style="schwab", account_number="50000001", master_account="08123456",
    household="H", title="RENÉE DUBOIS", registration="IRA", registration_title="ROLLOVER IRA",
    tax_status="tax_deferred", base_currency="USD", opened_date=date(2011, 3, 15), opened_place=0, is_weekly=False,
)  # fmt: skip


def _columns(line: str, first: int, last: int) -> str:
    """Characters from the first to the last column, counted from one."""
    return line[first - 1 : last]


def _bought(scene: Market) -> Transaction:
    del scene
    return Transaction(
        account=ACCOUNT, number=1, type="BUY", security=0, trade_date=DAY, settle_date=date(2022, 1, 7),
        reported_date=DAY, quantity=12_50000, price=173_40000, amount=-2_172_4500, commission=4_9500,
    )  # fmt: skip


def test_a_transaction_stands_in_its_columns_and_nothing_else_is_filled(scene: Market) -> None:
    line = schwab.transaction_line(scene, MASTER, _bought(scene), DAY)
    assert len(line) == 2260
    assert line.count("|") == 110
    expected = {
        (1, 2): "D1", (4, 11): "SCHWAB  ", (13, 22): "  08123456", (24, 53): "ALDER WEALTH PARTNERS         ",
        (55, 62): "20220105", (64, 73): "  50000001", (75, 119): "RENÉE DUBOIS" + " " * 33,
        (121, 165): "ROLLOVER IRA" + " " * 33, (213, 217): "IRA  ", (225, 228): "EQTY", (230, 237): "EQUITY  ",
        (248, 249): "EQ", (251, 280): "AAPL" + " " * 26, (282, 311): "AAPL" + " " * 26, (313, 321): "037833100",
        (323, 329): "1000001", (331, 340): "2000000001", (348, 359): "US0378331005", (524, 525): "BY",
        (530, 553): "BUY" + " " * 21, (580, 659): "BUY APPLE INC" + " " * 67, (661, 666): "BUY   ",
        (670, 677): "20220105", (679, 686): "20220107", (688, 695): "20220105",
        (706, 722): "         12.50000", (724, 740): "        173.40000", (742, 758): "       2167.50000",
        (760, 765): "DEBIT ", (767, 783): "       2172.45000", (785, 801): "          4.95000",
        (950, 966): "          0.00000", (1880, 1905): "2022-01-06-02.15.00.000000",
    }  # fmt: skip
    rest = list(line)
    for (first, last), text in expected.items():
        assert _columns(line, first, last) == text, (first, last)
        rest[first - 1 : last] = " " * (last - first + 1)
    assert set(rest) == {" ", "|"}


def test_a_cancel_repeats_the_row_of_its_buy_but_for_day_and_code(scene: Market) -> None:
    original = schwab.transaction_line(scene, MASTER, _bought(scene), DAY)
    cancel = schwab.transaction_line(scene, MASTER, _bought(scene), date(2022, 1, 7), is_cancel=True)
    assert _columns(cancel, 668, 668) == "Y"
    assert _columns(original, 668, 668) == " "
    assert {place for place in range(2260) if original[place] != cancel[place]} <= {
        *range(54, 62), 667, *range(1879, 1905),
    }  # fmt: skip


def test_a_position_record_reads_as_written_out_by_hand(scene: Market) -> None:
    frame = pl.DataFrame(
        {
            "account_number": ["50000001"],
            "security_part": [schwab.security_part(scene.securities[0])],
            "price_date": [DAY],
            "closing_price": decimal_series("p", pl.Series([173_40000]).to_numpy(), 5),
            "quantity": decimal_series("q", pl.Series([12_50000]).to_numpy(), 5),
            "quantity_settled": decimal_series("s", pl.Series([10_00000]).to_numpy(), 5),
            "market_value": decimal_series("v", pl.Series([2167_50000]).to_numpy(), 5),
        }
    )
    (line,) = schwab.position_lines(frame, MASTER, DAY).to_list()
    expected = (
        "D1|SCHWAB  |  08123456|ALDER WEALTH PARTNERS         |20220105|  50000001|EQTY|EQUITY  |        |EQ|"
        "AAPL                          |AAPL                          |037833100|1000001|2000000001|     |US0378331005|"
        "       |                              |APPLE INC               |                        |"
        "                        |        |                              |                              |         |"
        "       |          |     |            |       |     |N                |N                |"
        "         173.40000|20220105         |         12.50000|L                |       2167.50000|"
        "           |         10.00000|          2.50000|          0.00000|        |                    |"
        "                 |        |"
        "         173.40000|                 |        |"
    )
    assert line == expected
    assert line.count("|") == 50


def test_balances_stand_in_their_columns() -> None:
    frame = pl.DataFrame(
        {
            "account_number": ["50000001"], "title": ["RENÉE DUBOIS"], "registration": ["IRA"],
            "cash": decimal_series("c", pl.Series([-1_25000]).to_numpy(), 5),
            "cash_settled": decimal_series("s", pl.Series([2171_20000]).to_numpy(), 5),
            "market_value": decimal_series("v", pl.Series([2167_50000]).to_numpy(), 5),
        }
    )  # fmt: skip
    (line,) = schwab.balance_lines(frame, MASTER, DAY).to_list()
    assert len(line) == 611
    assert _columns(line, 1, 2) == "D2"
    assert _columns(line, 64, 73) == "  50000001"
    assert _columns(line, 75, 119) == "RENÉE DUBOIS".ljust(45)
    assert _columns(line, 225, 241) == "         -1.25000"
    assert _columns(line, 243, 259) == "          0.00000"
    assert _columns(line, 387, 403) == "       2167.50000"
    assert _columns(line, 531, 547) == "       2166.25000"
    assert _columns(line, 549, 565) == "       2171.20000"
    assert line.count("|") == 33


def test_an_account_record_stands_in_its_columns() -> None:
    line = schwab.account_line(MASTER, ACCOUNT, DAY)
    assert len(line) == 1414
    assert _columns(line, 213, 220) == "OPEN    "
    assert _columns(line, 222, 226) == "IRA  "
    assert _columns(line, 871, 878) == "20110315"
    assert _columns(line, 996, 996) == "N"


def test_a_security_record_states_the_last_close_with_its_day(scene: Market) -> None:
    bond = next(n for n, s in enumerate(scene.securities) if s.ticker == "WNXB31")
    gap = next(place for place in range(len(scene.days)) if not scene.quoted[place, bond])
    line = schwab.security_line(scene, MASTER, bond, gap)
    assert len(line) == 702
    assert _columns(line, 64, 67) == "BOND"
    assert _columns(line, 69, 76) == "FIXEDINC"
    assert _columns(line, 152, 160) == "888995AA5"
    assert _columns(line, 195, 206) == "US888995AA52"
    assert (
        _columns(line, 485, 492)
        == f"{scene.days[int(scene.price_places[gap, bond])]:%Y%m%d}"
        < f"{scene.days[gap]:%Y%m%d}"
    )
    assert _columns(line, 558, 566) == "  4.25000"
    assert _columns(line, 568, 575) == "20310615"


def test_a_file_is_framed_by_header_and_counting_trailer() -> None:
    content = schwab.document(MASTER, DAY, "TRN", [schwab.text_block(["D1|x|", "D1|É|"])])
    assert content == (
        b"HD|SCHWAB  |  08123456|ALDER WEALTH PARTNERS         |20220105|TRN|\r\n"
        b"D1|x|\r\nD1|\xc9|\r\n"
        b"TR|SCHWAB  |  08123456|20220105|0000000002|\r\n"
    )


def test_blocks_of_a_column_and_of_lines_have_the_same_bytes() -> None:
    lines = ["D1|ABBOTT|", "D2|SØRENSEN|", "D2|RENÉE|"]
    assert schwab.column_block(pl.Series("line", lines)) == schwab.text_block(lines)


def test_a_value_for_no_field_is_refused() -> None:
    with pytest.raises(KeyError, match="no such field"):
        record(TRN, {"cusp": "037833100"})


def test_signed_numbers_have_five_decimals() -> None:
    assert schwab.decimal_text(-12345, 10_000) == "         -1.23450"
    assert schwab.decimal_text(7, 1) == "          7.00000"
