"""TD Ameritrade's quirks, a test for each, and the laws of its files as wholes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from connectors.errors import FeedFault
from tests.connectors.golden import reasons
from tests.connectors.tda_fixture import FEED, read, trn, veo

TRANSACTION, POSITION = "canonical.transaction", "canonical.custodian_position"
BALANCE, PRICE, LOT = "canonical.custodian_balance", "canonical.price", "canonical.custodian_lot"


def one(frame: pl.DataFrame) -> dict[str, object]:
    assert frame.height == 1
    return frame.row(0, named=True)


# --- dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%m%d%Y", "%Y%m%d"])
def test_dates_are_read_in_the_form_that_the_file_has(tmp_path: Path, form: str) -> None:
    # 11 December: in no form but its own is it that day.
    day, later = date(2020, 12, 11), date(2020, 12, 15)
    row = trn(file_date=day.strftime(form), trade=day.strftime(form), settle=later.strftime(form))
    found = one(veo(tmp_path, "TRN", [row], day="201211").frames[TRANSACTION])
    assert (found["trade_date"], found["settle_date"]) == (day, later)


@pytest.mark.parametrize(
    ("first", "second"), [("01/05/2022", "20220105"), ("01052022", "20220105"), ("01/05/2022", "01052022")]
)
def test_dates_in_two_forms_block_the_file_and_name_the_line(tmp_path: Path, first: str, second: str) -> None:
    rows = [trn(file_date=first, trade=first, settle="")] * 2 + [trn(file_date=second, trade=second, settle="")]
    with pytest.raises(FeedFault) as fault:
        veo(tmp_path, "TRN", rows)
    assert (fault.value.reason, fault.value.line) == ("malformed_document", 3)


def test_one_column_may_tell_the_form_of_the_others(tmp_path: Path) -> None:
    # 1 December 2020 as MMDDYYYY is no day as YYYYMMDD, and the settle date is blank.
    result = veo(tmp_path, "TRN", [trn(file_date="", trade="12012020", settle="")], day="201201")
    assert one(result.frames[TRANSACTION])["trade_date"] == date(2020, 12, 1)


def test_days_before_months_are_no_days(tmp_path: Path) -> None:
    result = veo(tmp_path, "TRN", [trn(trade="25/12/2021", settle="")])
    assert reasons(result) == [(1, "impossible_date", "trade_date")]


# --- cash, transfers, prices ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["", "TDCASH"])
def test_blank_symbol_is_cash(tmp_path: Path, symbol: str) -> None:
    result = veo(tmp_path, "POS", [f"900000001,C,,{symbol},1200.50,1200.50"])
    assert result.frames[POSITION].is_empty()
    row = one(result.frames[BALANCE])
    assert (row["balance_type"], row["balance"]) == ("cash_trade_date", Decimal("1200.5"))


def test_cash_of_the_parts_of_an_account_is_one_balance(tmp_path: Path) -> None:
    result = veo(tmp_path, "POS", ["900000001,M,,,-200,-200", "900000002,C,,,5,5", "900000001,C,,,50,50"])
    assert result.frames[BALANCE].select("account_number", "balance").rows() == [
        ("900000001", Decimal(-150)), ("900000002", Decimal(5)),
    ]  # fmt: skip
    assert result.record_count == 2


def test_half_an_account_s_cash_is_no_balance(tmp_path: Path) -> None:
    result = veo(tmp_path, "POS", ["900000001,M,,,?,?", "900000001,C,,,50,50", "900000002,C,,,5,5"])
    assert result.frames[BALANCE]["account_number"].to_list() == ["900000002"]
    assert (2, "missing_value", "amount") in reasons(result)


def test_transfers_with_zero_net_amount_move_the_security_alone(tmp_path: Path) -> None:
    rows = [trn(code="REC", net="0.00", principal="", settle=""), trn(code="DEL", net="", principal="", settle="")]
    found = veo(tmp_path, "TRN", rows).frames[TRANSACTION]
    assert found.select("transaction_type", "quantity", "amount", "price").rows() == [
        ("TRANSFER_IN", Decimal(10), Decimal(0), None),
        ("TRANSFER_OUT", Decimal(-10), Decimal(0), None),
    ]


def test_a_transfer_of_cash_is_a_deposit_or_a_withdrawal(tmp_path: Path) -> None:
    rows = [trn(code=code, symbol="", security="", quantity="") for code in ("REC", "DEL")]
    found = veo(tmp_path, "TRN", rows).frames[TRANSACTION]
    assert found.select("transaction_type", "quantity", "amount").rows() == [
        ("DEPOSIT", Decimal(0), Decimal(1000)),
        ("WITHDRAWAL", Decimal(0), Decimal(-1000)),
    ]


def test_settle_date_blank_is_the_trade_date(tmp_path: Path) -> None:
    assert one(veo(tmp_path, "TRN", [trn(settle="")]).frames[TRANSACTION])["settle_date"] == date(2022, 1, 5)


@pytest.mark.parametrize(
    ("security", "quantity", "principal", "expected"),
    [
        ("EQ", "3", "100.00", "33.33333333"),
        ("EQ", "6", "100.00", "16.66666667"),
        ("FI", "10000", "9812.50", "98.125"),
        ("OP", "3", "1260.00", "4.2"),
        ("EQ", "80000000", "1.00", "0.00000001"),  # 1.25 of the last place
        ("EQ", "40000000", "1.00", "0.00000002"),  # a tie of 2.5: to the even one
        ("", "3", "100.00", None),
        ("EQ", "3", "", None),
    ],
)
def test_price_not_sent_is_the_principal_per_unit(
    tmp_path: Path, security: str, quantity: str, principal: str, expected: str | None
) -> None:
    row = one(
        veo(tmp_path, "TRN", [trn(security=security, quantity=quantity, principal=principal)]).frames[TRANSACTION]
    )
    assert row["price"] == (None if expected is None else Decimal(expected))


def test_option_and_bond_amounts_are_as_stated_and_never_multiplied_again(tmp_path: Path) -> None:
    rows = ["900000001,C,OP,AAPL  220121C00180000,3,1260.00", "900000001,C,FI,888995AA0,10000,9812.50"]
    found = veo(tmp_path, "POS", rows).frames[POSITION]
    assert found["market_value"].to_list() == [Decimal(1260), Decimal("9812.5")]


def test_account_types_are_parts_of_the_account_and_the_short_one_holds_shorts(tmp_path: Path) -> None:
    rows = [f"900000001,{part},EQ,AAPL,{quantity},100.00" for part, quantity in
            (("C", "1"), ("M", "2"), ("S", "3"), ("s", "-4"), ("", "5"))]  # fmt: skip
    found = veo(tmp_path, "POS", [*rows[:3], rows[4].replace("AAPL", "AMD")]).frames[POSITION]
    assert found.select("sub_account", "position_side", "quantity").rows() == [
        ("cash", "long", Decimal(1)), ("margin", "long", Decimal(2)), ("short", "short", Decimal(-3)),
        ("cash", "long", Decimal(5)),
    ]  # fmt: skip


def test_a_trade_in_the_short_part_opens_or_covers_a_short(tmp_path: Path) -> None:
    found = veo(tmp_path, "TRN", [trn(part="S"), trn(part="S", code="BUY")]).frames[TRANSACTION]
    assert found["transaction_type"].to_list() == ["SELL_SHORT", "BUY_TO_COVER"]


def test_a_cancel_flag_repeats_its_row(tmp_path: Path) -> None:
    found = veo(tmp_path, "TRN", [trn(), trn(cancel="Y"), trn(cancel="")]).frames[TRANSACTION]
    assert found["is_cancel"].to_list() == [False, True, False]
    assert found["amount"].n_unique() == 1


# --- shapes -----------------------------------------------------------------------------------------------------------


def test_the_older_variant_with_an_activity_is_told_by_its_count_of_columns(tmp_path: Path) -> None:
    plain = [trn(), trn(code="BUY")]
    older = [row.replace(",SELL,", ",SELL,SOLD,").replace(",BUY,", ",BUY,BOUGHT,") for row in plain]
    new, old = (veo(tmp_path, "TRN", rows).frames[TRANSACTION] for rows in (plain, older))
    assert new.height == 2
    assert new.equals(old)


def test_a_line_of_the_other_variant_is_held_back_and_never_shifted(tmp_path: Path) -> None:
    rows = [trn(), trn(), trn(comment="split, of a comment")]
    assert reasons(veo(tmp_path, "TRN", rows)) == [(3, "wrong_field_count", "record")]


def test_embedded_delimiters_and_quotes_stay_inside_their_field(tmp_path: Path) -> None:
    rows = [trn(comment='"MERGER, ""A"" INTO ""B"""'), '"900000001",C,"EQ","A,B",1,"5"']
    assert veo(tmp_path, "TRN", rows[:1]).frames[TRANSACTION].height == 1
    assert one(veo(tmp_path, "POS", rows[1:]).frames[POSITION])["ticker"] == "A,B"


def test_a_column_more_is_held_back_for_nobody_knows_what_it_moves(tmp_path: Path) -> None:
    rows = ["900000001,C,EQ,AAPL,1,5", "900000001,C,EQ,AMD,1,5,NEW"]
    assert reasons(veo(tmp_path, "POS", rows)) == [(2, "wrong_field_count", "record")]


@pytest.mark.parametrize("kind", ["TRN", "INI"])
def test_a_day_without_bookings_has_a_file_of_no_bytes(tmp_path: Path, kind: str) -> None:
    result = veo(tmp_path, kind, [])
    assert (result.record_count, result.frames[TRANSACTION].height, result.business_date) == (0, 0, date(2022, 1, 5))


@pytest.mark.parametrize("kind", ["POS", "PRI", "SEC", "CBL", "TRD"])
def test_any_other_file_without_bytes_is_a_fault_lest_everything_be_taken_for_gone(tmp_path: Path, kind: str) -> None:
    with pytest.raises(FeedFault, match="empty_file"):
        veo(tmp_path, kind, [])


def test_a_file_cut_in_the_middle_of_a_line_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "REP 220105.POS"
    path.write_bytes(b"900000001,C,EQ,AAPL,1,5\n900000001,C,EQ,AM")
    with pytest.raises(FeedFault) as fault:
        read(path)
    assert (fault.value.reason, fault.value.line, fault.value.record_count) == ("truncated_file", 2, 2)


def test_a_file_of_another_day_than_its_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedFault, match="wrong_business_date"):
        veo(tmp_path, "TRN", [trn(file_date="01/04/2022")] * 2)


def test_one_line_of_another_day_is_held_back(tmp_path: Path) -> None:
    result = veo(tmp_path, "TRN", [trn(), trn(file_date="01/04/2022")])
    assert reasons(result) == [(2, "impossible_date", "file_date")]


def test_a_history_file_has_lines_of_many_days(tmp_path: Path) -> None:
    rows = [trn(file_date="01/04/2021", trade="01/04/2021", settle=""), trn(file_date="03/04/2021", settle="")]
    assert veo(tmp_path, "INI", rows).frames[TRANSACTION].height == 2


# --- codes ------------------------------------------------------------------------------------------------------------


def test_unknown_codes_are_held_back_and_a_firm_s_own_table_maps_them(tmp_path: Path) -> None:
    rows = [trn(code="ZZZ", net="5.00"), trn(code="ZZZ", net="-5.00"), trn(cancel="?")]
    assert [reason for _, reason, _ in reasons(veo(tmp_path, "TRN", rows))] == ["unknown_code"] * 3
    own = tmp_path / "own.csv"
    own.write_text("code,transaction_type,short_type,cash_type,quantity_sign,amount_sign\nZZZ,DIVIDEND,,,zero,stated\n")
    feed = FEED.model_copy(update={"codes": {"transactions": own}})
    result = veo(tmp_path, "TRN", rows, feed)
    assert result.frames[TRANSACTION]["amount"].to_list() == [Decimal(5), Decimal(-5)]
    assert reasons(result) == [(3, "unknown_code", "cancel_status_flag")]


def test_a_minus_where_the_code_says_the_direction_is_held_back_until_the_firm_says_that_the_feed_signs(
    tmp_path: Path,
) -> None:
    assert reasons(veo(tmp_path, "TRN", [trn(net="-5.00")])) == [(1, "number_out_of_range", "net_amount")]


def test_symbols_become_cusips_by_the_firm_s_own_table_alone(tmp_path: Path) -> None:
    rows = ["900000001,C,EQ,AAPL,1,5", "900000001,C,FI,888995AA0,1,5"]
    assert veo(tmp_path, "POS", rows).frames[POSITION]["cusip"].to_list() == [None, "888995AA0"]
    own = tmp_path / "symbols.csv"
    own.write_text("symbol,cusip\nAAPL,037833100\n")
    feed = FEED.model_copy(update={"codes": {"symbols": own}})
    assert veo(tmp_path, "POS", rows, feed).frames[POSITION]["cusip"].to_list() == ["037833100", "888995AA0"]
    row = one(veo(tmp_path, "TRN", [trn()], feed).frames[TRANSACTION])
    assert (row["cusip"], row["ticker"]) == ("037833100", "AAPL")


def test_zero_pool_factor_means_not_factored_and_moves_no_price(tmp_path: Path) -> None:
    rows = ["AAA,FI,01052022,98.5,0", "BBB,FI,01052022,98.5,0.25000000"]
    assert veo(tmp_path, "PRI", rows).frames[PRICE]["price"].to_list() == [Decimal("98.5")] * 2


def test_lots_without_an_id_are_named_by_their_place_in_the_holding(tmp_path: Path) -> None:
    row = "REP,20220105,900000001,C,EQ,{},1,10.00,10.00,1.00,Y,Y,20200901,,,,,,,,,,,"
    found = veo(tmp_path, "CBL", [row.format("AAPL"), row.format("AMD"), row.format("AAPL")]).frames[LOT]
    assert found["lot_id"].to_list() == ["#1", "#1", "#2"]


# --- the last line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_number_that_may_be_cut_is_no_smaller_number(tmp_path: Path, cut: int) -> None:
    rows = "12345678,C,E,KO,100,6012.00\n12345678,C,E,MSFT,100,31388.00"
    path = tmp_path / "REP 220105.POS"
    path.write_text(rows[:-cut])
    found = read(path)
    assert found.frames[POSITION]["ticker"].to_list() == ["KO"]
    assert reasons(found) == [(2, "truncated_file", "record")]


def test_an_account_whose_last_cash_line_may_be_cut_has_no_balance(tmp_path: Path) -> None:
    path = tmp_path / "REP 220105.POS"
    path.write_text("12345678,C,E,,,100.00\n12345678,M,E,,,2500")
    found = read(path)
    assert not found.frames[BALANCE].height
    assert reasons(found) == [(1, "missing_value", "amount"), (2, "truncated_file", "record")]
    opened = read(path, FEED.model_copy(update={"last_line": "open"}))
    assert one(opened.frames[BALANCE])["balance"] == Decimal(2600)


def test_a_price_that_may_be_cut_is_held_back(tmp_path: Path) -> None:
    path = tmp_path / "REP 220105.PRI"
    path.write_text("KO,E,01/05/2022,60.12,1\nMSFT,E,01/05/2022,313.88,1")
    found = read(path)
    assert found.frames[PRICE]["ticker"].to_list() == ["KO"]
    assert reasons(found) == [(2, "truncated_file", "record")]
