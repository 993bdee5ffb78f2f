"""MT535 and MT536: what custodians do in them, and how each is read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import FeedFault
from tests.connectors.swift_fixture import (
    holding,
    holdings,
    message,
    movement,
    movements,
    only,
    parse,
    reasons,
    rows,
)

D = Decimal
SAP = "ISIN DE0007164600\nSAP SE"


def test_an_amount_may_end_in_a_comma(tmp_path: Path) -> None:
    row = only(parse(tmp_path, holdings(holding("UNIT/1814,", more=":19A::HOLD//USD316180,2"))), "custodian_position")
    assert (row["quantity"], row["market_value"]) == (D(1814), D("316180.2"))


@pytest.mark.parametrize("text", ["UNIT/1.814,", "UNIT/1,814,5", "UNIT/", "UNIT/-5,", "UNIT/5,x", "UNIT/ 5,"])
def test_what_is_not_digits_with_one_comma_is_no_number(tmp_path: Path, text: str) -> None:
    content = holdings(holding(text), holding(security=SAP))
    assert [reason for _, reason, _ in reasons(parse(tmp_path, content))] in (
        ["unparsable_number"], ["unparsable_number", "unknown_code"],
    )  # fmt: skip
    assert len(rows(parse(tmp_path, content), "custodian_position")) == 1


def test_more_decimals_than_the_contract_holds_are_refused_and_never_rounded(tmp_path: Path) -> None:
    assert reasons(parse(tmp_path, holdings(holding("UNIT/0,123456789"))))[0][1] == "number_out_of_range"
    assert only(parse(tmp_path, holdings(holding("UNIT/0,12345678000"))), "custodian_position")["quantity"] == D(
        "0.12345678"
    )


def test_n_before_a_number_means_short(tmp_path: Path) -> None:
    row = only(parse(tmp_path, holdings(holding("UNIT/N7,", more=":19A::HOLD//NUSD35,"))), "custodian_position")
    assert (row["quantity"], row["market_value"], row["position_side"]) == (D(-7), D(-35), "short")


def test_a_face_amount_or_a_price_in_percent_makes_a_bond(tmp_path: Path) -> None:
    for block in (
        holding("FAMT/1000,", more=""),
        holding("UNIT/10,", more=":90A::MRKT//PRCT/99,5"),
        holding("AMOR/1000,", more=""),
    ):
        row = only(parse(tmp_path, holdings(block)), "security")
        assert (row["security_type"], row["asset_class"], row["price_factor"]) == ("bond", "fixed_income", D("0.01"))


def test_the_classification_says_the_type_before_anything_else(tmp_path: Path) -> None:
    for code, kind in (("ESVUFR", "equity"), ("CEOGES", "etf"), ("CIOGES", "mutual_fund"), ("DYZTXR", "money_market")):
        block = holding(more=f":16R:FIA\n:12C::CLAS//{code}\n:16S:FIA")
        assert only(parse(tmp_path, holdings(block)), "security")["security_type"] == kind
    unknown = only(parse(tmp_path, holdings(holding(more=":16R:FIA\n:12C::CLAS//ZZZZZZ\n:16S:FIA"))), "security")
    assert (unknown["security_type"], unknown["asset_class"]) == ("other", "other")


def test_a_full_description_stands_before_a_bare_one_of_the_same_security(tmp_path: Path) -> None:
    bare = holding()
    full = holding(more=":16R:FIA\n:12C::CLAS//ESVUFR\n:16S:FIA")
    assert only(parse(tmp_path, holdings(bare, full)), "security")["security_type"] == "equity"


def test_a_price_of_discount_or_yield_is_no_price(tmp_path: Path) -> None:
    for kind in ("90A::MRKT//YIEL/4,5", "90A::MRKT//DISC/1,", "90B::MRKT//PREM/EUR1,"):
        result = parse(tmp_path, holdings(holding(more=f":{kind}")))
        assert only(result, "custodian_position")["price"] is None
        assert rows(result, "price") == []


def test_an_indicative_price_counts_where_no_market_price_stands(tmp_path: Path) -> None:
    indicative = ":90B::INDC//ACTU/USD4,"
    assert only(parse(tmp_path, holdings(holding(more=indicative))), "price")["price"] == D(4)
    both = holding(more=f"{indicative}\n:90B::MRKT//ACTU/USD5,")
    assert only(parse(tmp_path, holdings(both)), "price")["price"] == D(5)


def test_of_two_values_the_one_in_the_prices_currency_counts(tmp_path: Path) -> None:
    block = holding(more=":90B::MRKT//ACTU/USD5,\n:19A::HOLD//EUR45,\n:19A::HOLD//USD50,\n:92B::EXCH//USD/EUR/0,9")
    row = only(parse(tmp_path, holdings(block)), "custodian_position")
    assert (row["market_value"], row["currency"], row["price"]) == (D(50), "USD", D(5))


def test_a_price_in_another_currency_than_the_value_stands_in_the_prices_alone(tmp_path: Path) -> None:
    result = parse(tmp_path, holdings(holding(more=":90B::MRKT//ACTU/USD5,\n:19A::HOLD//EUR45,")))
    position, price = only(result, "custodian_position"), only(result, "price")
    assert (position["market_value"], position["currency"], position["price"]) == (D(45), "EUR", None)
    assert (price["price"], price["currency"]) == (D(5), "USD")


def test_accrued_interest_stands_beside_the_value(tmp_path: Path) -> None:
    block = holding("FAMT/1000,", more=":90A::MRKT//PRCT/99,5\n:19A::HOLD//EUR995,\n:19A::ACRU//EUR12,34")
    row = only(parse(tmp_path, holdings(block, totals=":19A::HOLP//EUR995,")), "custodian_position")
    assert (row["market_value"], row["accrued_interest"]) == (D(995), D("12.34"))
    parse(tmp_path, holdings(block, totals=":19A::HOLP//EUR1007,34"))


def test_a_security_in_several_places_is_one_position(tmp_path: Path) -> None:
    places = [f":16R:SUBSAFE\n{holding('UNIT/10,')}:16S:SUBSAFE\n", f":16R:SUBSAFE\n{holding('UNIT/5,')}:16S:SUBSAFE\n"]
    result = parse(tmp_path, holdings(*places))
    row = only(result, "custodian_position")
    assert (row["quantity"], row["market_value"], result.record_count) == (D(15), D(100), 2)


def test_holdings_that_add_up_to_more_than_fits_are_held_back(tmp_path: Path) -> None:
    large = "UNIT/" + "9" * 12 + ","
    result = parse(tmp_path, holdings(holding(large, more=""), holding(large, more=""), holding(security=SAP)))
    assert [reason for _, reason, _ in reasons(result)] == ["number_out_of_range"] * 2
    assert len(rows(result, "custodian_position")) == 1


def test_a_part_of_the_account_with_its_own_number_is_an_account(tmp_path: Path) -> None:
    part = f":16R:SUBSAFE\n:97A::SAFE//SUB7\n{holding()}:16S:SUBSAFE\n"
    result = parse(tmp_path, holdings(part, account="MAIN"))
    assert only(result, "custodian_position")["account_number"] == "SUB7"
    assert [row["account_number"] for row in rows(result, "account")] == ["MAIN", "SUB7"]


def test_a_statement_by_settlement_adds_what_is_pending(tmp_path: Path) -> None:
    pending = ":16R:SUBBAL\n:93C::PENR//UNIT/NAVL/4,\n:16S:SUBBAL\n:16R:SUBBAL\n:93B::PEND//UNIT/1,\n:16S:SUBBAL"
    for basis, expected in (("SETT", 13), ("CONT", 13), ("TRAD", 10)):
        content = holdings(holding(more=pending), more=f":22F::STBA//{basis}")
        assert only(parse(tmp_path, content), "custodian_position")["quantity"] == D(expected)


def test_a_delta_statement_states_changes_and_zero_means_closed(tmp_path: Path) -> None:
    content = holdings(holding("UNIT/0,", more=""), more=":22F::CODE//DELT")
    row = only(parse(tmp_path, content), "custodian_position")
    assert (row["quantity"], row["is_delta"]) == (D(0), True)
    assert parse(tmp_path, content).is_refresh is False
    complete = holdings(holding(), more=":22F::CODE//COMP")
    assert only(parse(tmp_path, complete), "custodian_position")["is_delta"] is False
    assert parse(tmp_path, complete).is_refresh is None, "as its kind: MT535 is whole, other messages only add"


def test_no_activity_means_no_holdings_and_a_whole_statement(tmp_path: Path) -> None:
    result = parse(tmp_path, holdings(more=":17B::ACTI//N"))
    assert (result.record_count, result.quarantined_count, result.business_date) == (0, 0, date(2022, 1, 5))
    assert only(result, "account")["account_number"] == "A1"
    with pytest.raises(FeedFault, match="malformed_document"):
        parse(tmp_path, holdings(holding(), more=":17B::ACTI//N"))


def test_pages_may_come_in_any_order_of_the_file(tmp_path: Path) -> None:
    first = holdings(holding(), page="1/MORE", totals=":19A::HOLS//USD100,")
    last = holdings(holding(security=SAP), page="00002/LAST", totals=":19A::HOLP//USD50,\n:19A::HOLS//USD100,")
    for content in (first + last, last + first):
        assert len(rows(parse(tmp_path, content), "custodian_position")) == 2


@pytest.mark.parametrize(
    "pages", [("1/MORE",), ("2/LAST",), ("1/MORE", "3/LAST"), ("1/MORE", "2/MORE"), ("1/LAST", "2/LAST")]
)
def test_a_missing_page_holds_the_whole_statement_back_and_no_other(tmp_path: Path, pages: tuple[str, ...]) -> None:
    content = "".join(holdings(holding(), page=page) for page in pages) + holdings(holding(), account="A2")
    result = parse(tmp_path, content)
    assert {reason for _, reason, _ in reasons(result)} == {"truncated_file"}
    assert result.quarantined_count == len(pages)
    assert [row["account_number"] for row in rows(result, "custodian_position")] == ["A2"]


def test_a_file_of_nothing_but_a_lacking_statement_is_blocked(tmp_path: Path) -> None:
    with pytest.raises(FeedFault, match="truncated_file") as caught:
        parse(tmp_path, holdings(holding(), holding(security=SAP), page="1/MORE"))
    assert caught.value.record_count == 2


def test_a_second_statement_of_an_account_and_day_is_a_duplicate(tmp_path: Path) -> None:
    result = parse(tmp_path, holdings(holding()) + holdings(holding("UNIT/11,")))
    assert [reason for _, reason, _ in reasons(result)] == ["duplicate_key"]
    assert only_quantity(result) == [D(10)]


def only_quantity(result: object) -> list[Decimal]:
    return [row["quantity"] for row in rows(result, "custodian_position")]  # type: ignore[arg-type]


@pytest.mark.parametrize("total", ["HOLP//USD51,", "HOLS//USD51,", "HOLP//USDx", "HOLP//NUSD50,"])
def test_a_control_total_that_does_not_hold_condemns_its_statement_alone(tmp_path: Path, total: str) -> None:
    content = holdings(holding(), totals=f":19A::{total}") + holdings(holding(), account="A2")
    result = parse(tmp_path, content)
    assert [reason for _, reason, _ in reasons(result)] == ["trailer_mismatch"]
    assert [row["account_number"] for row in rows(result, "custodian_position")] == ["A2"]


def test_a_total_in_a_currency_that_no_holding_states_proves_nothing(tmp_path: Path) -> None:
    assert only_quantity(parse(tmp_path, holdings(holding(), totals=":19A::HOLP//CHF47,"))) == [D(10)]


def test_a_bad_holding_leaves_its_neighbours_and_the_total_is_checked_with_it(tmp_path: Path) -> None:
    bad = holding("UNIT/x,", security=SAP)
    result = parse(tmp_path, holdings(holding(), bad, totals=":19A::HOLP//USD100,"))
    assert result.quarantined_count == 1
    assert only_quantity(result) == [D(10)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((":97A::SAFE//A1\n", ""), "missing_value"),
        ((":98A::STAT//20220105\n", ""), "missing_value"),
        (("STAT//20220105", "STAT//20220230"), "impossible_date"),
        ((":23G:NEWM", ":23G:CANC"), "unknown_code"),
        ((":28E:1/ONLY", ":28E:1/SOME"), "contract_violation"),
        ((":16S:GENL", ":22F::CODE//HALF\n:16S:GENL"), "unknown_code"),
        ((":16S:GENL", ":22F::STBA//MINE\n:16S:GENL"), "unknown_code"),
    ],
)
def test_a_head_that_cannot_be_read_holds_its_message_back(
    tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    bad = holdings(holding(), holding(security=SAP)).replace(*change)
    result = parse(tmp_path, bad + holdings(holding(), account="A2"))
    assert [found for _, found, _ in reasons(result)] == [reason] * 2
    assert [row["account_number"] for row in rows(result, "custodian_position")] == ["A2"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("ISIN US0378331005\n/US/037833100\nX", {"isin": "US0378331005", "cusip": "037833100"}),
        ("ISIN US0378331005\n/US/03783310\nX", {"isin": "US0378331005", "cusip": "037833100"}),
        ("ISIN US0378331005\n/US/037833109\nX", {"isin": "US0378331005"}),
        ("ISIN GB0002634946\n/GB/0263494\nX", {"isin": "GB0002634946", "sedol": "0263494"}),
        ("ISIN US0378331005\n/XX/5983816\n/TS/AAPL\nX", {"isin": "US0378331005", "ticker": "AAPL"}),
        ("/US/037833100\nX", {"cusip": "037833100"}),
        ("/XX/5983816\nX", {"provider_security_id": "XX:5983816"}),
    ],
)
def test_an_identifier_is_what_its_check_digit_proves(tmp_path: Path, text: str, ids: dict[str, str]) -> None:
    result = parse(tmp_path, holdings(holding(security=text)))
    names = ("cusip", "isin", "sedol", "ticker", "provider_security_id")
    for table in ("custodian_position", "security", "price"):
        row = only(result, table)
        assert {name: row[name] for name in names if row[name] is not None} == ids
    assert only(result, "security")["security_name"] == "X"


@pytest.mark.parametrize(("text", "reason"), [("ISIN US0378331006\nX", "contract_violation"), ("X", "missing_value")])
def test_a_security_that_cannot_be_told_is_held_back(tmp_path: Path, text: str, reason: str) -> None:
    result = parse(tmp_path, holdings(holding(security=text), holding(security=SAP)))
    assert [found for _, found, _ in reasons(result)] == [reason]


def test_the_base_currency_is_that_of_the_control_total(tmp_path: Path) -> None:
    assert only(parse(tmp_path, holdings(holding(), totals=":19A::HOLS//GBP40,")), "account")["base_currency"] == "GBP"
    assert only(parse(tmp_path, holdings(holding())), "account")["base_currency"] == "USD"


def test_an_account_of_others_is_foreign(tmp_path: Path) -> None:
    result = parse(tmp_path, holdings(holding()) + holdings(holding(), account="B1"), masters=("B1",))
    assert [reason for _, reason, _ in reasons(result)] == ["foreign_account"]
    assert [row["account_number"] for row in rows(result, "account")] == ["B1"]


@pytest.mark.parametrize(
    ("changes", "kind", "quantity", "amount"),
    [
        ({}, "BUY", 10, -50),
        ({"22H::REDE": "DELI"}, "SELL", -10, 50),
        ({"22H::PAYM": "FREE", "19A::PSTA": ""}, "TRANSFER_IN", 10, 0),
        ({"22H::PAYM": "FREE"}, "TRANSFER_IN", 10, 0),
        ({"22H::REDE": "DELI", "22H::PAYM": "FREE"}, "TRANSFER_OUT", -10, 0),
        ({"22F::SETR": "TRAD"}, "BUY", 10, -50),
        ({"22F::TRAN": "CORP", "22F::CAEV": "SPLF", "22H::PAYM": "FREE"}, "SPLIT", 10, 0),
        ({"22F::TRAN": "CORP", "22F::CAEV": "REDM", "22H::REDE": "DELI"}, "MATURITY", -10, 50),
        ({"19A::PSTA": "NUSD50,", "22H::REDE": "DELI"}, "SELL", -10, -50),
    ],
)
def test_direction_and_payment_sign_quantity_and_cash(
    tmp_path: Path, changes: dict[str, str], kind: str, quantity: int, amount: int
) -> None:
    row = only(parse(tmp_path, movements(movement(changes=changes))))
    assert (row["transaction_type"], row["quantity"], row["amount"]) == (kind, D(quantity), D(amount))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"22F::TRAN": "BOLE"}, "unknown_code"),
        ({"22F::SETR": "REPU"}, "unknown_code"),
        ({"22F::TRAN": "SETT/ISO"}, "unknown_code"),
        ({"22H::REDE": ""}, "unknown_code"),
        ({"19A::PSTA": ""}, "missing_value"),
        ({"98A::ESET": ""}, "missing_value"),
        ({"98A::ESET": "20220230"}, "impossible_date"),
        ({"36B::PSTA": ""}, "missing_value"),
        ({"25D::MOVE": "CONF"}, "unknown_code"),
        ({"19A::ACRU": "GBP1,"}, "contract_violation"),
        ({"19A::ACRU": "1,"}, "unparsable_number"),
    ],
)
def test_a_movement_that_cannot_be_read_leaves_its_neighbours(
    tmp_path: Path, changes: dict[str, str], reason: str
) -> None:
    result = parse(tmp_path, movements(movement(), movement(changes=changes), movement()))
    assert reason in {found for _, found, _ in reasons(result)}
    assert (len(rows(result)), result.quarantined_count, result.record_count) == (2, 1, 3)


def test_a_firms_own_table_maps_a_code_that_the_connectors_lacks(tmp_path: Path) -> None:
    own = tmp_path / "movements.csv"
    own.write_text("transaction,event,settlement_type,direction,payment,transaction_type\nBOLE,,,RECE,APMT,BUY\n")
    content = movements(movement(changes={"22F::TRAN": "BOLE"}))
    assert only(parse(tmp_path, content, codes={"movements": own}))["transaction_type"] == "BUY"


def test_costs_are_parts_of_the_amount_and_carried_positive(tmp_path: Path) -> None:
    more = ":19A::EXEC//USD4,95\n:19A::CHAR//USD1,\n:19A::REGF//USD0,25\n:19A::ACRU//USD3,\n:19A::WITH//USD2,\n"
    row = only(parse(tmp_path, movements(movement(more))))
    assert (row["amount"], row["commission"], row["fees"]) == (D(-50), D("4.95"), D("1.25"))
    assert (row["accrued_interest"], row["tax_withheld"]) == (D(3), D(2))


def test_dates_of_trade_and_settlement(tmp_path: Path) -> None:
    both = movement(changes={"98A::TRAD": "20220103", "98A::SETT": "20220107"})
    row = only(parse(tmp_path, movements(both)))
    assert (row["trade_date"], row["settle_date"]) == (date(2022, 1, 3), date(2022, 1, 5))
    late = movement(changes={"98A::ESET": "", "98C::SETT": "20220107235959"})
    row = only(parse(tmp_path, movements(late)))
    assert (row["trade_date"], row["settle_date"]) == (date(2022, 1, 7), date(2022, 1, 7))


def test_a_cancelled_message_cancels_each_of_its_movements(tmp_path: Path) -> None:
    linked = movement().replace(":16R:TRANSDET", ":16R:LINK\n:20C::RELA//T1\n:16S:LINK\n:16R:TRANSDET", 1)
    row = only(parse(tmp_path, movements(linked, function="CANC")))
    assert (row["is_cancel"], row["reverses"], row["quantity"], row["amount"]) == (True, "T1", D(10), D(-50))
    unnamed = only(parse(tmp_path, movements(movement(), function="CANC")))
    assert (unnamed["is_cancel"], unnamed["reverses"]) == (True, None)


def test_a_reversal_cancels_what_it_names(tmp_path: Path) -> None:
    links = ":16R:LINK\n:20C::RELA//R2\n:16S:LINK\n:16R:LINK\n:20C::PREV//T1\n:16S:LINK\n"
    move = movement(":25D::MOVE//REVE\n").replace(":16R:TRANSDET", f"{links}:16R:TRANSDET", 1)
    row = only(parse(tmp_path, movements(move)))
    assert (row["is_cancel"], row["reverses"], row["provider_transaction_id"]) == (True, "T1", "R2")


def test_a_reversal_inside_a_cancelled_message_is_not_guessed(tmp_path: Path) -> None:
    result = parse(tmp_path, movements(movement(":25D::MOVE//REVE\n"), movement(), function="CANC"))
    assert [reason for _, reason, _ in reasons(result)] == ["contract_violation"]


def test_a_movement_describes_its_security_only_in_full(tmp_path: Path) -> None:
    assert rows(parse(tmp_path, movements(movement())), "security") == []
    security = "ISIN US0378331005\nAPPLE INC\n:16R:FIA\n:12C::CLAS//ESVUFR\n:11A::DENO//USD\n:16S:FIA"
    row = only(parse(tmp_path, movements(movement(), movement(), security=security)), "security")
    assert (row["security_type"], row["currency"], row["security_name"]) == ("equity", "USD", "APPLE INC")


def test_three_identical_fills_stay_three_rows(tmp_path: Path) -> None:
    first, second, third = rows(parse(tmp_path, movements(movement(), movement(), movement())))
    assert {**first, "source_line": 0} == {**second, "source_line": 0} == {**third, "source_line": 0}


def test_a_message_of_a_type_that_is_not_read_is_named(tmp_path: Path) -> None:
    result = parse(tmp_path, message(548, ":16R:GENL\n:20C::SEME//X\n:16S:GENL") + holdings(holding()))
    assert reasons(result) == [(1, "unknown_record_type", "message")]
    assert result.record_count == 2


def test_general_fields_of_other_sequences_are_not_the_heads(tmp_path: Path) -> None:
    block = holding(more=":16R:SUBBAL\n:97A::SAFE//OTHER\n:98A::STAT//20200101\n:16S:SUBBAL")
    row = only(parse(tmp_path, holdings(block)), "custodian_position")
    assert (row["account_number"], row["as_of_date"]) == ("A1", date(2022, 1, 5))
