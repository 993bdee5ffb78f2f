"""Quirks of the NFS transmissions, each by its name in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from connectors.custodians.fidelity.adapter import ADAPTER, parse
from connectors.errors import FeedFault
from tests.connectors.fidelity_fixture import (
    CLIENT,
    balance,
    closed_lot,
    entry,
    name_of,
    open_lot,
    placed,
    position,
    read,
    revenue,
    revenue_trailer,
    security,
    transmission,
)
from tests.connectors.golden import reasons

POSITION, PRICE, BALANCE = "canonical.custodian_position", "canonical.price", "canonical.custodian_balance"
TRANSACTION, SECURITY, LOT = "canonical.transaction", "canonical.security", "canonical.custodian_lot"


def rows(folder: Path, kind: str, details: Sequence[str], table: str) -> list[dict[str, Any]]:
    found = read(transmission(folder, kind, details))
    assert not found.rejects.height, found.rejects
    return found.frames[table].to_dicts()


def with_codes(path: Path, codes: Mapping[str, Path]) -> ParsedFile:
    """The file as a firm with tables of its own reads it."""
    own = Connection(
        connection_id="feed", adapter="fidelity", transport=LocalTransport(path=Path()), master_accounts=(CLIENT,),
        codes=dict(codes),
    )  # fmt: skip
    found = ADAPTER.kind_of(path.name)
    assert found is not None
    return parse(RawFile(path, path.name, *found), own)


def test_the_sign_byte_stands_before_balances_and_after_positions(tmp_path: Path) -> None:
    [cash, _] = rows(tmp_path, "ACCTBAL", [balance({71: "-00000000000005025"})], BALANCE)
    assert cash["balance"] == Decimal("-50.25")
    # The byte behind the amount is the next field's sign and says nothing of this one.
    [cash, _] = rows(tmp_path, "ACCTBAL", [balance({71: "+00000000000005025", 89: "-"})], BALANCE)
    assert cash["balance"] == Decimal("50.25")
    [held] = rows(tmp_path, "POSIT", [position({78: "000000000004250000-"})], POSITION)
    assert held["quantity"] == Decimal("-42.5")


def test_unfactored_price_and_cpi_ratio_carry_their_sign_before_them(tmp_path: Path) -> None:
    lines = [position({597: "?000000174920000000"})]
    assert reasons(read(transmission(tmp_path, "POSIT", lines))) == [(2, "unparsable_number", "unfactored_price")]
    lines = [position({616: "?", 627: "-"})]
    assert not reasons(read(transmission(tmp_path, "POSIT", lines)))


@pytest.mark.parametrize("short", ["*************+", "0000000000001+"])
def test_expanded_copies_count_where_the_short_fields_overflow_or_are_cut(tmp_path: Path, short: str) -> None:
    lines = [entry({49: short, 718: "000012345678900000+", 63: "***********-", 737: "1234567890000-"})]
    [row] = rows(tmp_path, "BOOKKEEP", lines, TRANSACTION)
    assert (row["quantity"], row["amount"]) == (Decimal(123_456_789), Decimal("-12345678900"))


def test_the_short_fields_count_where_the_expanded_copies_are_blank(tmp_path: Path) -> None:
    [row] = rows(tmp_path, "BOOKKEEP", [entry({718: " " * 33})], TRANSACTION)
    assert (row["quantity"], row["amount"]) == (Decimal(10), Decimal("-1004.95"))


def test_a_same_day_cancel_and_its_correction_stand_beside_their_entry(tmp_path: Path) -> None:
    lines = [entry(), entry({330: "2"}), entry({331: "2", 737: "0000000100400-"})]
    found = rows(tmp_path, "BOOKKEEP", lines, TRANSACTION)
    assert [(row["is_cancel"], row["amount"]) for row in found] == [
        (False, Decimal("-1004.95")), (True, Decimal("-1004.95")), (False, Decimal(-1004)),
    ]  # fmt: skip


def test_a_cancel_stated_as_a_reversal_names_the_entry_that_it_reverses(tmp_path: Path) -> None:
    reversal = entry({330: "1", 718: "000000000001000000-", 737: "0000000100495+"})
    [row] = rows(tmp_path, "BOOKKEEP", [reversal], TRANSACTION)
    assert (row["is_cancel"], row["quantity"], row["amount"]) == (True, Decimal(10), Decimal("-1004.95"))


def test_an_as_of_entry_counts_from_its_trade_date(tmp_path: Path) -> None:
    [row] = rows(tmp_path, "BOOKKEEP", [entry({268: "20211228", 40: "20220105"})], TRANSACTION)
    assert row["trade_date"] == date(2021, 12, 28)
    [row] = rows(tmp_path, "BOOKKEEP", [entry({268: "00000000", 40: "20220104"})], TRANSACTION)
    assert row["trade_date"] == date(2022, 1, 4)


def test_absence_means_closed_in_an_extract_and_a_zero_row_in_a_delta(tmp_path: Path) -> None:
    assert read(transmission(tmp_path, "POSIT", [position()])).is_refresh is True
    delta = read(transmission(tmp_path, "POSITD", [position({2: "D", 78: " " * 19})]))
    assert delta.is_refresh is False
    [row] = delta.frames[POSITION].to_dicts()
    assert (row["is_delta"], row["quantity"], row["market_value"]) == (True, 0, 0)


def test_lots_come_as_changes_daily_and_whole_weekly(tmp_path: Path) -> None:
    lines = [open_lot(), open_lot({2: "D", 440: "LOT-2"})]
    daily = read(transmission(tmp_path, "TLAOPEN", lines))
    assert daily.is_refresh is False
    assert [row["quantity"] for row in daily.frames[LOT].to_dicts()] == [Decimal(10), Decimal(0)]
    weekly = read(transmission(tmp_path, "TLAOPEN", lines[:1], name="123_WNX_TLAOPENFULL_20220105.DAT"))
    assert weekly.is_refresh is True


@pytest.mark.parametrize("text", ["20211228", "12282021"])
def test_days_may_be_written_year_first_or_month_first_and_are_never_guessed(tmp_path: Path, text: str) -> None:
    [row] = rows(tmp_path, "BOOKKEEP", [entry({268: text})], TRANSACTION)
    assert row["trade_date"] == date(2021, 12, 28)


@pytest.mark.parametrize("text", ["20221301", "13012022", "28122021", "01012201", "18991231", "2022 105"])
def test_a_day_that_is_neither_form_is_held_back(tmp_path: Path, text: str) -> None:
    found = read(transmission(tmp_path, "BOOKKEEP", [entry({268: text}), entry()]))
    assert reasons(found) == [(2, "impossible_date", "trade_date")]
    assert found.frames[TRANSACTION].height == 1


@pytest.mark.parametrize("text", ["00000000", "99991231", "        "])
def test_zeros_blanks_and_the_last_day_mean_none(tmp_path: Path, text: str) -> None:
    [row] = rows(tmp_path, "SECMAST", [security({194: text})], SECURITY)
    assert row["maturity_date"] is None


def test_trade_revenue_is_held_against_its_control_totals_and_not_booked(tmp_path: Path) -> None:
    details = [revenue(), revenue({29: "-00000000025000"})]
    right = ("+00000000075000", "+00000000000990", "+00000000000200", "+00000000000100")
    found = read(transmission(tmp_path, "TRDREV", details, trailer=revenue_trailer(4, *right)))
    assert (found.record_count, found.frames) == (0, {})
    for place in range(4):
        wrong = [*right[:place], "+00000000000001", *right[place + 1 :]]
        path = transmission(tmp_path, "TRDREV", details, trailer=revenue_trailer(4, *wrong))
        with pytest.raises(FeedFault, match="control totals"):
            read(path)


def test_one_security_in_cash_and_margin_is_two_holdings(tmp_path: Path) -> None:
    found = rows(tmp_path, "POSIT", [position(), position({16: "2"})], POSITION)
    assert [row["sub_account"] for row in found] == ["cash", "margin"]
    twice = read(transmission(tmp_path, "POSIT", [position(), position()]))
    assert reasons(twice) == [(3, "duplicate_key", "account_number")]


def test_a_short_holding_is_negative_in_its_own_account_type(tmp_path: Path) -> None:
    [row] = rows(tmp_path, "POSIT", [position({16: "3", 78: "000000000004250000-"})], POSITION)
    assert (row["position_side"], row["sub_account"], row["quantity"]) == ("short", "short", Decimal("-42.5"))


def test_the_core_money_fund_counts_once_as_a_holding(tmp_path: Path) -> None:
    core = balance({1229: "+00000000000050000", 1247: "+00000000000070000"})
    found = rows(tmp_path, "ACCTBAL", [core], BALANCE)
    assert {row["balance_type"] for row in found} == {"cash_trade_date", "cash_settled"}
    [row] = rows(tmp_path, "POSIT", [position({19: "31617H102", 50: "SPAXX", 78: "000000000050000000+"})], POSITION)
    assert row["quantity"] == Decimal(500)


def test_a_factored_security_is_priced_before_its_factor(tmp_path: Path) -> None:
    changes = {59: "000000050500000000+", 587: "0050000000", 597: "+000000101000000000"}
    [row] = rows(tmp_path, "POSIT", [position(changes)], POSITION)
    assert row["price"] == Decimal(101)
    pool = security({22: "BP", 385: "0050000000", 473: "000000050500000000", 499: "+000000101000000000"})
    [row] = rows(tmp_path, "SECMAST", [pool], SECURITY)
    assert row["pool_factor"] == Decimal("0.5")


def test_a_factor_of_zero_means_not_factored(tmp_path: Path) -> None:
    [row] = rows(tmp_path, "POSIT", [position({597: "+000000999000000000"})], POSITION)
    assert row["price"] == Decimal("174.92")
    [row] = rows(tmp_path, "SECMAST", [security()], SECURITY)
    assert row["pool_factor"] is None


def test_the_cpi_ratio_of_inflation_protected_bonds_scales_their_face(tmp_path: Path) -> None:
    [row] = rows(tmp_path, "SECMAST", [security({22: "BT", 575: "+0123456789"})], SECURITY)
    assert row["pool_factor"] == Decimal("1.23456789")
    both = security({22: "BT", 575: "+0123456789", 385: "0050000000"})
    assert reasons(read(transmission(tmp_path, "SECMAST", [both]))) == [(2, "contract_violation", "cpi_ratio")]


def test_accrued_interest_has_nine_decimals_and_is_rounded_half_even_once(tmp_path: Path) -> None:
    lines = [position({706: "000000099843650000+"}), position({706: "000000099843750000+", 16: "2"})]
    found = rows(tmp_path, "POSIT", lines, POSITION)
    assert [row["accrued_interest"] for row in found] == [Decimal("99.8436"), Decimal("99.8438")]


def named(*texts: Mapping[int, str]) -> list[str]:
    start = {1: "D", 5: "0001", 9: "X10000001"}
    return [placed(700, start | text) for text in ({2: "101", 18: "TRST", 38: "A"}, *texts)]


def test_a_business_name_stands_where_a_persons_names_do(tmp_path: Path) -> None:
    business = {2: "103", 22: "B", 24: "ACME SØREN & SONS HOLDINGS LTD"}
    [row] = rows(tmp_path, "NABASE", named(business), "canonical.account")
    assert row["account_name"] == "ACME SØREN & SONS HOLDINGS LTD"
    person = {2: "103", 22: "P", 24: "JANE", 36: "Q", 46: "EXAMPLE", 81: "III"}
    [row] = rows(tmp_path, "NABASE", named(person, {2: "102", 36: "1 EXAMPLE STREET"}), "canonical.account")
    assert row["account_name"] == "JANE Q EXAMPLE III"


def test_a_record_of_another_account_than_its_101_is_held_back(tmp_path: Path) -> None:
    lines = [*named(), placed(700, {1: "D103", 9: "X10000009", 22: "P", 24: "LOST"})]
    found = read(transmission(tmp_path, "NABASE", lines, logical=1))
    assert reasons(found) == [(3, "missing_value", "record_number")]
    assert found.record_count == 2


def test_a_receipt_without_a_price_has_no_amount(tmp_path: Path) -> None:
    received = entry({21: "41RCV", 326: " ", 434: "000000000000000000+", 737: "0000000000000+"})
    [row] = rows(tmp_path, "BOOKKEEP", [received], TRANSACTION)
    assert (row["transaction_type"], row["quantity"], row["price"], row["amount"]) == ("TRANSFER_IN", 10, None, 0)


def test_a_disallowed_loss_is_what_a_wash_sale_added_to_the_cost(tmp_path: Path) -> None:
    lines = [open_lot({257: "Y", 523: "00000000000090000+"}), open_lot({440: "LOT-2", 523: "00000000000090000+"})]
    assert [row["disallowed_loss"] for row in rows(tmp_path, "TLAOPEN", lines, LOT)] == [Decimal("104.95"), None]


@pytest.mark.parametrize("place", [474, 476])
def test_a_cost_that_the_custodian_doubts_is_not_known(tmp_path: Path, place: int) -> None:
    [row] = rows(tmp_path, "TLAOPEN", [open_lot({place: "1"})], LOT)
    assert (row["is_cost_known"], row["cost_basis"]) == (False, Decimal("1004.95"))


def test_a_closed_lot_that_is_taken_back_waits_for_a_person(tmp_path: Path) -> None:
    found = read(transmission(tmp_path, "TLACLOSED", [closed_lot({2: "D"})]))
    assert reasons(found) == [(2, "unmatched_cancel", "delta_indicator")]


def test_an_unknown_code_is_held_back_until_a_firm_maps_it(tmp_path: Path) -> None:
    path = transmission(tmp_path, "BOOKKEEP", [entry({21: "99ZZZ"}), entry({21: "99ZZZ"})])
    assert reasons(read(path)) == [(2, "unknown_code", "key_code"), (3, "unknown_code", "key_code")]
    own = tmp_path / "own.csv"
    own.write_text("key_code,mnemonic,transaction_type,quantity_sign,amount_sign\n99,ZZZ,BUY,plus,any\n")
    found = with_codes(path, {"bookkeeping": own})
    assert found.frames[TRANSACTION]["transaction_type"].to_list() == ["BUY", "BUY"]


def test_plus_means_debit_for_a_firm_that_says_so(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(
        "field,balance_type,plus_means\nbookkeeping_amount,,debit\nnet_trade_date_balance,cash_trade_date,debit\n"
    )
    path = transmission(tmp_path, "BOOKKEEP", [entry({63: "00000100495+", 737: "0000000100495+"})])
    assert with_codes(path, {"amounts": own}).frames[TRANSACTION]["amount"].to_list() == [Decimal("-1004.95")]
    path = transmission(tmp_path, "ACCTBAL", [balance()])
    cash = with_codes(path, {"amounts": own}).frames[BALANCE].filter(pl.col("balance_type") == "cash_trade_date")
    assert cash["balance"].to_list() == [Decimal(-1200)]


def test_the_older_balances_are_put_together_from_segments_of_101_bytes(tmp_path: Path) -> None:
    zero = "+0000000000000"
    segments = [
        placed(101, {1: "01", 3: "X10000001", 12: "010522", 60: "-0000000005025"}),
        placed(101, {1: "02", 3: zero * 7}), placed(101, {1: "03", 3: zero * 7}), placed(101, {1: "04"}),
        placed(101, {1: "05", 35: "003"}), placed(101, {1: "06", 3: "1", 32: zero, 46: "2", 75: "+0000000001000"}),
        placed(101, {1: "07", 3: "3", 32: zero}),
    ]  # fmt: skip
    first = placed(101, {1: "H", 2: CLIENT, 22: "FIDELITY SYSTEMS", 42: "010522", 52: "ACCOUNT BALANCE"})

    def parsed_from(lines: list[str]) -> ParsedFile:
        last = placed(101, {1: "T", 22: f"{len(lines) + 2:015d}", 42: f"{1:015d}"})
        return read(transmission(tmp_path, "ACCTBAL", lines, header=first, trailer=last, name=name_of("ACCTBAL")))

    found = parsed_from(segments).frames[BALANCE]
    assert dict(found.select(pl.col("balance_type").cast(pl.String), "balance").rows()) == {
        "cash_trade_date": Decimal("-50.25"), "margin": Decimal(10),
    }  # fmt: skip
    for missing in range(1, 7):
        held = parsed_from([line for place, line in enumerate(segments) if place != missing])
        assert reasons(held) == [(2, "missing_value", "segment")]
