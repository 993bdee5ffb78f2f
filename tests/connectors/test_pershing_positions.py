"""The quirks of Pershing's positions and balances, each by its name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.golden import reasons
from tests.connectors.pershing_fixture import (
    ACCOUNT,
    behind,
    framed,
    parsed,
    placed,
    position,
    positions_file,
    signed,
    written,
)

POSITION, BALANCE = "canonical.custodian_position", "canonical.custodian_balance"


def held(folder: Path, rows: list[str], flavour: str = "REFRESHED") -> list[dict[str, Any]]:
    return parsed(positions_file(folder, rows, flavour)).frames[POSITION].to_dicts()


def balances(folder: Path, rows: list[str]) -> list[tuple[str, str, Decimal]]:
    found = parsed(written(folder, "20180605.GMON", framed("GMON", rows))).frames[BALANCE]
    return found.select("currency", "balance_type", "balance").rows()


def balance_line(letter: str, *fields: tuple[int, str]) -> str:
    keys = ((1, f"GM{letter}"), (4, "00000001"), (12, ACCOUNT), (242, "20180605"), (250, "X"))
    return placed(250, *keys, *fields)


def test_refreshed_and_updated_are_told_apart_by_the_header_alone(tmp_path: Path) -> None:
    rows = [position(1, "037833100", signed(100))]
    full = parsed(positions_file(tmp_path, rows, "REFRESHED"))
    changes = parsed(positions_file(tmp_path, rows, "UPDATED"))
    assert (full.is_refresh, changes.is_refresh) == (True, False)
    assert full.frames[POSITION]["is_delta"].to_list() == [False]
    assert changes.frames[POSITION]["is_delta"].to_list() == [True]


def test_zero_quantity_closes_a_position_in_a_delta_and_says_so_as_a_row(tmp_path: Path) -> None:
    [closed] = held(tmp_path, [position(1, "037833100", signed(0))], "UPDATED")
    assert (closed["quantity"], closed["is_delta"]) == (Decimal(0), True)


def test_value_has_three_decimals_and_quantity_five(tmp_path: Path) -> None:
    [row] = held(tmp_path, [position(1, "037833100", signed(123456), (665, signed(123456)))])
    assert (row["quantity"], row["market_value"]) == (Decimal("1.23456"), Decimal("123.456"))


def test_pending_split_is_added_to_quantity_and_value(tmp_path: Path) -> None:
    first = position(1, "037833100", signed(100_00000), (283, signed(300_00000)), (665, signed(1_000)))
    [row] = held(tmp_path, [first, behind(first, (454, signed(3_000)))])
    assert (row["quantity"], row["market_value"]) == (Decimal(400), Decimal(4))
    reverse = position(1, "037833100", signed(100_00000), (283, signed(90_00000, "-")), (665, signed(1_000)))
    [row] = held(tmp_path, [reverse, behind(reverse, (454, signed(900, "-")))])
    assert (row["quantity"], row["market_value"]) == (Decimal(10), Decimal("0.1"))


def test_memo_quantities_are_parts_of_the_total_and_not_added(tmp_path: Path) -> None:
    memo = tuple((start, signed(7_00000)) for start in (112, 131, 150, 169, 188, 207, 226, 245, 264, 302, 321, 340))
    [row] = held(tmp_path, [position(1, "037833100", signed(10_00000), *memo)])
    assert row["quantity"] == Decimal(10)


def test_missing_record_b_is_no_fault(tmp_path: Path) -> None:
    first = position(1, "037833100", signed(1_00000))
    second = position(2, "594918104", signed(2_00000))
    rows = held(tmp_path, [first, second, behind(second, (417, signed(1_500)))])
    assert [row["accrued_interest"] for row in rows] == [None, Decimal("1.5")]


def test_record_b_without_its_a_is_held_back(tmp_path: Path) -> None:
    first = position(1, "037833100", signed(1_00000))
    stray = behind(position(2, "594918104", signed(0)))
    result = parsed(positions_file(tmp_path, [first, behind(first), behind(first), stray]))
    assert reasons(result) == [(2, "duplicate_key", "record"), (5, "missing_value", "record")]


def test_a_fault_in_record_b_holds_back_the_whole_record_and_shows_both_lines(tmp_path: Path) -> None:
    first = position(1, "037833100", signed(1_00000))
    result = parsed(positions_file(tmp_path, [first, behind(first, (417, "00000000000001*000+"))]))
    assert reasons(result) == [(2, "unparsable_number", "accrued_interest_value_from_last_payable_date")]
    [raw] = result.rejects["raw_text"].to_list()
    assert [line[:3] for line in raw.split("\n")] == ["GCA", "GCB"]


def test_another_record_letter_is_unknown_and_never_skipped(tmp_path: Path) -> None:
    first = position(1, "037833100", signed(1_00000))
    third = behind(first).replace("GCB", "GCC", 1)
    assert reasons(parsed(positions_file(tmp_path, [first, third]))) == [(2, "unknown_record_type", "record_indicator")]
    other = position(2, "594918104", signed(1_00000)).replace("GC", "ZZ", 1)
    assert reasons(parsed(positions_file(tmp_path, [other]))) == [(2, "unknown_record_type", "transaction_code")]


def test_per_cusips_pass_the_check_digit_and_are_no_cusips(tmp_path: Path) -> None:
    [note] = held(tmp_path, [position(1, "PER835DQ2", signed(1_00000))])
    assert (note["cusip"], note["provider_security_id"]) == (None, "PER835DQ2")
    [share] = held(tmp_path, [position(1, "037833100", signed(1_00000))])
    assert (share["cusip"], share["provider_security_id"]) == ("037833100", "037833100")


def test_sub_accounts_keep_one_cusip_apart_in_cash_and_margin(tmp_path: Path) -> None:
    rows = held(
        tmp_path,
        [
            position(n, "037833100", signed(n * 100_000), account_type=kind)
            for n, kind in enumerate(("1", "2", "3", "9"), 1)
        ],
    )
    assert [(row["sub_account"], row["quantity"]) for row in rows] == [
        ("cash", Decimal(1)), ("margin", Decimal(2)), ("short", Decimal(3)), ("income", Decimal(4)),
    ]  # fmt: skip


def test_account_types_without_a_part_of_their_own_are_one_part_and_added_up(tmp_path: Path) -> None:
    kinds = ("0", "4", "5", "6", "7", "8")
    rows = [position(n, "037833100", signed(100_000), account_type=kind) for n, kind in enumerate(kinds, 1)]
    [row] = held(tmp_path, rows)
    assert (row["sub_account"], row["quantity"], row["source_line"]) == ("other", Decimal(6), 2)
    twice = parsed(positions_file(tmp_path, [*rows, position(7, "037833100", signed(100_000), account_type="8")]))
    assert reasons(twice) == [(8, "duplicate_key", "account_number")]
    assert twice.frames[POSITION]["quantity"].to_list() == [Decimal(6)]


def test_short_is_account_type_three_or_a_negative_quantity(tmp_path: Path) -> None:
    rows = held(
        tmp_path,
        [
            position(1, "037833100", signed(5_00000, "-"), account_type="3"),
            position(2, "594918104", signed(2_00000, "-"), account_type="2"),
            position(3, "88160R101", signed(0), account_type="3"),
            position(4, "88160R101", signed(0), account_type="2"),
        ],
    )
    assert [(row["position_side"], row["quantity"]) for row in rows] == [
        ("short", Decimal(-5)), ("short", Decimal(-2)), ("short", Decimal(0)), ("long", Decimal(0)),
    ]  # fmt: skip


def test_no_price_is_stated_so_none_is_given(tmp_path: Path) -> None:
    [row] = held(tmp_path, [position(1, "037833100", signed(100_00000), (665, signed(19_183_000)))])
    assert (row["price"], row["price_date"]) == (None, None)


def test_a_symbol_that_repeats_the_cusip_is_none(tmp_path: Path) -> None:
    rows = held(
        tmp_path,
        [position(1, "037833100", signed(1), (435, "AAPL")), position(2, "88160R101", signed(1), (435, "88160R101"))],
    )
    assert [row["ticker"] for row in rows] == ["AAPL", None]


@pytest.mark.parametrize(("side", "letter"), [("C", "C"), ("B", "C"), ("L", "C"), ("P", "P"), ("D", "P"), ("M", "P")])
def test_options_are_named_by_their_osi_symbol(tmp_path: Path, side: str, letter: str) -> None:
    first = position(1, "8AA1A1508", signed(1_00000))
    second = behind(first, (92, "BRKB"), (98, "180615"), (104, side), (105, "00192500"))
    [row] = held(tmp_path, [first, second])
    assert row["ticker"] == f"BRKB  180615{letter}00192500"


def test_currency_pseudo_cusips_are_cash_and_no_securities(tmp_path: Path) -> None:
    cash = position(1, "USD999997", signed(100_00000), indicator="C")
    result = parsed(positions_file(tmp_path, [cash]))
    assert (result.record_count, result.quarantined_count) == (1, 0)
    assert {name: frame.height for name, frame in result.frames.items()} == {POSITION: 0, BALANCE: 0}
    wrong = [
        position(1, "USD999997", signed(1_00000)),
        position(2, "037833100", signed(1_00000), indicator="C"),
    ]
    assert [reason for _, reason, _ in reasons(parsed(positions_file(tmp_path, wrong)))] == ["contract_violation"] * 2


def test_cash_of_other_currencies_is_added_up_over_account_types(tmp_path: Path) -> None:
    euros = [
        position(1, "EUR999997", signed(100_25000), (55, "EUR"), indicator="C"),
        position(2, "EUR999997", signed(30_00000, "-"), (55, "EUR"), account_type="2", indicator="C"),
    ]
    found = parsed(positions_file(tmp_path, euros)).frames[BALANCE]
    assert found.select("currency", "balance_type", "balance").rows() == [
        ("EUR", "cash_trade_date", Decimal("70.25")), ("EUR", "cash_settled", Decimal("70.25")),
    ]  # fmt: skip


def test_dollars_are_counted_once_though_both_files_state_them(tmp_path: Path) -> None:
    cash = position(1, "USD999997", signed(100_00000), indicator="C")
    dollars = parsed(positions_file(tmp_path, [cash])).frames[BALANCE]
    stated = balances(tmp_path, [balance_line("A", (48, signed(100_00, "-")))])
    assert dollars.height == 0
    assert stated == [("USD", "cash_trade_date", Decimal(100))]


def test_cash_beyond_four_decimals_is_never_rounded(tmp_path: Path) -> None:
    odd = position(1, "EUR999997", signed(100_00001), (55, "EUR"), indicator="C")
    assert reasons(parsed(positions_file(tmp_path, [odd]))) == [(2, "number_out_of_range", "trade_date_quantity")]


def test_plus_means_debit_in_balances_and_credit_in_money_funds(tmp_path: Path) -> None:
    rows = [
        balance_line("A", (48, signed(250_00, "+")), (181, signed(1_500_00, "+"))),
        balance_line("B", (48, signed(240_00, "-"))),
        balance_line("2", (21, "2"), (37, signed(300_00, "+"))),
    ]
    assert balances(tmp_path, rows) == [
        ("USD", "cash_trade_date", Decimal(-250)), ("USD", "cash_settled", Decimal(240)),
        ("USD", "money_market", Decimal(1500)), ("USD", "margin", Decimal(-300)),
    ]  # fmt: skip


def test_a_balance_without_record_b_states_cash_by_trade_date_alone(tmp_path: Path) -> None:
    assert balances(tmp_path, [balance_line("A", (48, signed(5_00, "-")))]) == [("USD", "cash_trade_date", Decimal(5))]
    missing = parsed(written(tmp_path, "20180605.GMON", framed("GMON", [balance_line("A")])))
    assert reasons(missing) == [(2, "missing_value", "usd_td_balance_for_all_account_types")]


def test_sign_bytes_other_than_plus_and_minus_are_no_signs(tmp_path: Path) -> None:
    result = parsed(positions_file(tmp_path, [position(1, "037833100", signed(1_00000, "C"))]))
    assert reasons(result)[0] == (2, "unparsable_number", "trade_date_quantity")
