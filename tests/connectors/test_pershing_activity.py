"""The quirks of Pershing's activity, each by its name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.connection import Connection, LocalTransport
from connectors.errors import PermanentError
from tests.connectors.golden import reasons
from tests.connectors.pershing_fixture import activity, activity_file, behind, parsed, signed

TABLE = "canonical.transaction"
BUY, SELL, DIVIDEND, DEPOSIT, JOURNAL = "BYTRD0100", "SLTRD0200", "DVDIV0310", "CRCSH0410", "JNJRL0700"
TRADE = ((70, "TB"), (22, "037833100"))


def booked(folder: Path, *rows: str) -> list[dict[str, Any]]:
    return parsed(activity_file(folder, rows)).frames[TABLE].to_dicts()


def faults(folder: Path, *rows: str) -> list[tuple[int, str, str]]:
    return reasons(parsed(activity_file(folder, rows)))


def bought(net: str, *fields: tuple[int, str]) -> str:
    return activity(1, BUY, net, *TRADE, (146, signed(10_00000)), *fields)


def test_plus_means_debit_in_activity_money(tmp_path: Path) -> None:
    [paid] = booked(tmp_path, bought(signed(500_000)))
    assert (paid["transaction_type"], paid["amount"]) == ("BUY", Decimal(-500))
    [received] = booked(tmp_path, activity(1, DEPOSIT, signed(500_000, "-")))
    assert (received["transaction_type"], received["amount"]) == ("DEPOSIT", Decimal(500))


def test_a_purchase_that_brings_money_is_held_back(tmp_path: Path) -> None:
    assert faults(tmp_path, bought(signed(500_000, "-"))) == [(2, "contract_violation", "net")]
    wrong_way = activity(1, SELL, signed(500_000, "-"), *TRADE, (146, signed(10_00000, "-")))
    assert faults(tmp_path, wrong_way) == [(2, "contract_violation", "buy_sell_code")]


def test_t_is_booked_and_s_of_the_same_trade_is_not(tmp_path: Path) -> None:
    settled = bought(signed(500_000), (70, "S"))
    result = parsed(activity_file(tmp_path, [bought(signed(500_000)), settled, activity(3, DIVIDEND, signed(1, "-"))]))
    assert (result.record_count, result.quarantined_count) == (3, 0)
    assert result.frames[TABLE]["source_line"].to_list() == [2, 4]
    assert faults(tmp_path, bought(signed(1), (70, "Q"))) == [(2, "unknown_code", "transaction_type")]


def test_fees_have_two_decimals_and_the_net_has_three(tmp_path: Path) -> None:
    costs = {249: 4_95, 268: 1_00, 287: 10, 306: 20, 325: 30, 420: 40, 439: 50, 344: 2_00}
    [trade] = booked(tmp_path, bought(signed(500_005), *((start, signed(cents)) for start, cents in costs.items())))
    assert trade["amount"] == Decimal("-500.005")
    assert (trade["commission"], trade["fees"], trade["tax_withheld"]) == (
        Decimal("4.95"), Decimal("2.5"), Decimal(2),
    )  # fmt: skip
    income = activity(1, DIVIDEND, signed(90_000, "-"), (268, signed(5_00)), (344, signed(5_00)))
    assert booked(tmp_path, income)[0]["tax_withheld"] == Decimal(10)


def test_accrued_interest_of_a_trade_is_positive_whoever_pays_it(tmp_path: Path) -> None:
    [paid] = booked(tmp_path, bought(signed(500_000), (230, signed(7_25))))
    sold = activity(1, SELL, signed(500_000, "-"), (70, "TS"), (146, signed(10_00000, "-")), (230, signed(7_25, "-")))
    [received] = booked(tmp_path, sold)
    assert paid["accrued_interest"] == received["accrued_interest"] == Decimal("7.25")


@pytest.mark.parametrize("correction", ["", "1", "5"])
def test_a_cancel_with_reversed_signs_states_what_it_cancels(tmp_path: Path, correction: str) -> None:
    original = bought(signed(500_000), (115, "000001"), (249, signed(4_95)))
    turned = (
        (146, signed(10_00000, "-")), (192, signed(500_000, "-")), (249, signed(4_95, "-")), (115, "900001"),
        (139, "1"), (140, correction or " "),
    )  # fmt: skip
    first, cancel = booked(tmp_path, original, bought(signed(0), *turned))
    differing = {name for name in first if first[name] != cancel[name]}
    assert differing == {"source_line", "is_cancel"}
    assert (first["is_cancel"], cancel["is_cancel"]) == (False, True)


def test_post_settlement_cancel_must_be_a_cancel(tmp_path: Path) -> None:
    assert faults(tmp_path, bought(signed(1), (140, "5"))) == [(2, "contract_violation", "correction_code")]
    assert faults(tmp_path, bought(signed(1), (139, "7"))) == [(2, "unknown_code", "cancel_code")]
    assert faults(tmp_path, bought(signed(1), (140, "8"))) == [(2, "unknown_code", "correction_code")]


def test_a_journal_is_signed_by_its_file(tmp_path: Path) -> None:
    out = activity(1, JOURNAL, signed(25_000), (146, signed(3_00000, "-")), (22, "037833100"))
    cancelled = activity(2, JOURNAL, signed(25_000, "-"), (146, signed(3_00000)), (22, "037833100"), (139, "1"))
    assert [(row["quantity"], row["amount"]) for row in booked(tmp_path, out, cancelled)] == [
        (Decimal(-3), Decimal(-25)), (Decimal(-3), Decimal(-25)),
    ]  # fmt: skip


@pytest.mark.parametrize(("rate", "flag"), [(1_170_000_000, "M"), (854_700_855, "D")])
def test_fx_rate_is_multiplied_or_divided_by_its_flag(tmp_path: Path, rate: int, flag: str) -> None:
    first = bought(signed(1_170_000), (189, "EUR"))
    settled = ((28, "EUR"), (31, f"{rate:018d}"), (122, signed(1_000_00)))
    [row] = booked(tmp_path, first, behind(first, *settled, (49, flag)))
    assert (row["currency"], row["amount"]) == ("EUR", Decimal(-1000))
    other = "D" if flag == "M" else "M"
    turned = faults(tmp_path, first, behind(first, *settled, (49, other)))
    assert turned == [(2, "contract_violation", "settlement_usd_currency_fx_rate")]
    unknown = faults(tmp_path, first, behind(first, *settled, (49, "X")))
    assert unknown == [(2, "unknown_code", "settlement_usd_multiply_divide_code")]


def test_a_trade_in_another_currency_without_record_b_has_no_amount(tmp_path: Path) -> None:
    lone = bought(signed(1_170_000), (165, f"{100 * 10**9:018d}+"), (189, "EUR"))
    assert faults(tmp_path, lone) == [(2, "missing_value", "net_amount_in_settlement_currency")]


def test_fees_of_a_trade_in_another_currency_are_of_record_b(tmp_path: Path) -> None:
    first = bought(signed(1_170_000), (249, signed(11_70)))
    second = behind(first, (28, "EUR"), (31, f"{1_170_000_000:018d}M"), (122, signed(1_000_00)), (179, signed(10_00)))
    assert booked(tmp_path, first, second)[0]["commission"] == Decimal(10)
    withheld = bought(signed(1_170_000), (344, signed(1_00)))
    second = behind(withheld, (28, "EUR"), (31, f"{1_170_000_000:018d}M"), (122, signed(1_000_00)))
    assert faults(tmp_path, withheld, second) == [(2, "contract_violation", "tefra_withholding_amount_in_usd")]


def test_dates_of_bookkeeping_entries_fall_back_on_the_entry_date(tmp_path: Path) -> None:
    [row] = booked(tmp_path, activity(1, DIVIDEND, signed(1, "-"), (90, "00000000"), (98, "20180604")))
    assert (row["trade_date"], row["settle_date"]) == (date(2018, 6, 4), date(2018, 6, 4))
    nothing = activity(1, DIVIDEND, signed(1, "-"), (82, "0" * 24))
    assert faults(tmp_path, nothing) == [(2, "missing_value", "trade_date")]


def test_unknown_code_goes_to_quarantine_with_its_description_and_a_firms_table_maps_it(tmp_path: Path) -> None:
    first = activity(1, "ZZQQQ9999", signed(10_000, "-"))
    path = activity_file(
        tmp_path, [first, behind(first, (358, "CREDIT OF AN ODD KIND")), activity(2, " " * 9, signed(0))]
    )
    result = parsed(path)
    assert reasons(result) == [(2, "unknown_code", "par_key_code"), (4, "missing_value", "par_key_code")]
    assert "ZZ/QQQ/9999" in result.rejects["detail"][0]
    assert "CREDIT OF AN ODD KIND" in result.rejects["raw_text"][0]
    own = tmp_path / "own.csv"
    own.write_text(
        "par_key,source,maxx_key,transaction_type,quantity_sign,amount_sign\nZZ,QQQ,9999,DEPOSIT,none,stated\n"
    )
    knowing = Connection(
        connection_id="feed", adapter="pershing", transport=LocalTransport(path=Path()), codes={"transactions": own}
    )
    [row] = parsed(path, knowing).frames[TABLE].to_dicts()
    assert (row["transaction_type"], row["amount"], row["provider_code"]) == ("DEPOSIT", Decimal(10), "ZZ/QQQ/9999")
    own.write_text("par_key,source,maxx_key,transaction_type,quantity_sign,amount_sign\nZZ,QQQ,9999,GIFT,none,stated\n")
    with pytest.raises(PermanentError, match="transaction_type must be one of"):
        parsed(path, knowing)


def test_a_price_that_needs_nine_decimals_is_never_rounded(tmp_path: Path) -> None:
    odd = bought(signed(333_333), (165, f"{33_333333333:018d}+"), (189, "USD"))
    assert faults(tmp_path, odd) == [(2, "number_out_of_range", "price_in_settlement_currency")]


def test_cash_entries_name_no_security(tmp_path: Path) -> None:
    [row] = booked(tmp_path, activity(1, DEPOSIT, signed(1_000, "-"), (22, "USD999997"), (48, "USD999997")))
    assert [row[name] for name in ("cusip", "isin", "ticker", "provider_security_id")] == [None] * 4


def test_three_identical_fills_are_three_rows(tmp_path: Path) -> None:
    rows = [bought(signed(500_000)).replace("00000001", f"{n:08d}", 1) for n in (1, 2, 3)]
    assert len(booked(tmp_path, *rows)) == 3
