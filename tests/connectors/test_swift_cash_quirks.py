"""MT940: what banks do in cash statements, and how each is read. MT564 follows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import FeedFault
from tests.connectors.swift_fixture import cash, message, movement, movements, only, parse, reasons, rows

D = Decimal
NAME = "mt940_20220105.sta"


@pytest.mark.parametrize(
    ("mark", "amount", "closing", "is_cancel"),
    [
        ("C", "5", "C220105EUR105,", False),
        ("D", "-5", "C220105EUR95,", False),
        ("CR", "5", "C220105EUR105,", False),
        ("DR", "-5", "C220105EUR95,", False),
        ("RC", "5", "C220105EUR95,", True),
        ("RD", "-5", "C220105EUR105,", True),
        ("RCR", "5", "C220105EUR95,", True),
        ("RDR", "-5", "C220105EUR105,", True),
    ],
)
def test_rc_and_rd_are_reversals_and_a_lone_letter_behind_is_the_funds_code(
    tmp_path: Path, mark: str, amount: str, closing: str, is_cancel: bool
) -> None:
    row = only(parse(tmp_path, cash(f":61:2201050105{mark}5,NTRFNONREF", closing=closing), NAME))
    assert (row["amount"], row["is_cancel"]) == (D(amount), is_cancel)
    assert row["transaction_type"] == ("DEPOSIT" if D(amount) > 0 else "WITHDRAWAL")


@pytest.mark.parametrize(
    ("value", "entry", "expected"),
    [
        ("211231", "0103", date(2022, 1, 3)),
        ("220103", "1230", date(2021, 12, 30)),
        ("220105", "0105", date(2022, 1, 5)),
        ("220105", "", date(2022, 1, 5)),
        ("200301", "0229", date(2020, 2, 29)),
        ("991231", "0101", date(2000, 1, 1)),
    ],
)
def test_the_year_of_an_entry_date_is_the_one_nearest_to_the_value_date(
    tmp_path: Path, value: str, entry: str, expected: date
) -> None:
    row = only(parse(tmp_path, cash(f":61:{value}{entry}C5,NTRFNONREF", closing="C220105EUR105,"), NAME))
    assert row["trade_date"] == expected


@pytest.mark.parametrize("dates", ["2202300105", "2201050230", "2213010105"])
def test_a_date_that_is_none_holds_its_entry_back(tmp_path: Path, dates: str) -> None:
    result = parse(tmp_path, cash(f":61:{dates}C5,NTRFNONREF", closing="C220105EUR105,"), NAME)
    assert reasons(result) == [(5, "impossible_date", "61")]
    assert only_balance(result) == [D(105)]


def only_balance(result: object) -> list[Decimal]:
    return [row["balance"] for row in rows(result, "custodian_balance")]  # type: ignore[arg-type]


def test_a_narrative_is_put_together_again_where_lines_and_subfields_broke_it(tmp_path: Path) -> None:
    narratives = (
        ":86:DIVIDEND ISIN US0378331005",
        ":86:051?00DIVIDEND?20DIVIDEND ISIN US03783310?2105 APPLE",
        ":86:051?00DIVIDEND?20DIVIDEND ISIN US03783310?\n2105 APPLE",
        ":86:051?00DIVIDEND?20DIVIDEND ISIN\n?21US0378331005",
        ":86:/ISIN/US0378331005/NAME/APPLE",
    )
    for narrative in narratives:
        row = only(parse(tmp_path, cash(":61:220105C5,NDIVNONREF", narrative, closing="C220105EUR105,"), NAME))
        assert (row["isin"], row["transaction_type"]) == ("US0378331005", "DIVIDEND"), narrative


def test_a_garbled_isin_in_the_narrative_holds_its_entry_back(tmp_path: Path) -> None:
    content = cash(":61:220105C5,NDIVNONREF", ":86:DIVIDEND ISIN US0378331006", closing="C220105EUR105,")
    assert reasons(parse(tmp_path, content, NAME)) == [(5, "contract_violation", "86")]


def test_the_banks_reference_is_the_id_else_the_owners(tmp_path: Path) -> None:
    for text, own in (
        ("REF1//BANK1", "BANK1"),
        ("NONREF//BANK1", "BANK1"),
        ("REF1", "REF1"),
        ("NONREF", None),
        ("", None),
    ):
        content = cash(f":61:220105C5,NTRF{text}\nDETAILS", closing="C220105EUR105,")
        assert only(parse(tmp_path, content, NAME))["provider_transaction_id"] == own


def test_a_reversal_names_what_it_takes_back_in_the_owners_reference(tmp_path: Path) -> None:
    row = only(parse(tmp_path, cash(":61:220105RC5,NDIVB2//B3", closing="C220105EUR95,"), NAME))
    assert (row["reverses"], row["provider_transaction_id"]) == ("B2", "B3")
    unnamed = only(parse(tmp_path, cash(":61:220105RC5,NDIVNONREF//B3", closing="C220105EUR95,"), NAME))
    assert (unnamed["is_cancel"], unnamed["reverses"]) == (True, None)


def test_the_cash_of_a_trade_is_booked_by_mt536_alone(tmp_path: Path) -> None:
    statement = cash(":61:220105D50,NPCHNONREF//B1", ":61:220105D1,NCHGNONREF//B2", closing="C220105EUR49,")
    result = parse(tmp_path, movements(movement()) + statement)
    booked = [(row["transaction_type"], row["amount"]) for row in rows(result)]
    assert booked == [("BUY", D(-50)), ("OTHER_FEE", D(-1))]
    # The leg is no record, but it is in the sum that proves the closing balance.
    assert (result.record_count, result.quarantined_count) == (3, 0)
    wrong = parse(tmp_path, movements(movement()) + statement.replace("D50,NPCH", "D51,NPCH"))
    assert {reason for _, reason, _ in reasons(wrong)} == {"trailer_mismatch"}


def test_a_statement_whose_sum_does_not_hold_is_held_back_alone(tmp_path: Path) -> None:
    bad = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR106,")
    good = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,", account="A2")
    result = parse(tmp_path, bad + good, NAME)
    assert reasons(result) == [(5, "trailer_mismatch", "62F"), (6, "trailer_mismatch", "62F")]
    assert [row["account_number"] for row in rows(result, "custodian_balance")] == ["A2"]
    with pytest.raises(FeedFault, match="trailer_mismatch"):
        parse(tmp_path, bad, NAME)


def test_an_unreadable_amount_holds_its_entry_back_and_proves_nothing_of_the_sum(tmp_path: Path) -> None:
    content = cash(":61:220105C5.00NTRFNONREF", ":61:220105C1,NTRFNONREF", closing="C220105EUR106,")
    result = parse(tmp_path, content, NAME)
    assert reasons(result)[0][:2] == (5, "missing_value")
    assert len(rows(result)) == 1


def test_intermediate_pages_go_on_from_each_other(tmp_path: Path) -> None:
    first = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,", kinds="FM")
    last = cash(":61:220105C5,NTRFNONREF", opening="C220105EUR105,", closing="C220105EUR110,", kinds="MF")
    result = parse(tmp_path, first + last, NAME)
    assert only_balance(result) == [D(110)]
    assert (len(rows(result)), result.record_count) == (2, 3)


@pytest.mark.parametrize("kept", ["first", "last", "torn"])
def test_a_missing_page_holds_all_pages_of_its_statement_back(tmp_path: Path, kept: str) -> None:
    first = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,", kinds="FM")
    last = cash(":61:220105C5,NTRFNONREF", opening="C220105EUR105,", closing="C220105EUR110,", kinds="MF")
    torn = first + last.replace("C220105EUR105,", "C220105EUR106,").replace("EUR110,", "EUR111,")
    content = {"first": first, "last": last, "torn": torn}[kept] + cash(closing="C220105EUR100,", account="A2")
    result = parse(tmp_path, content, NAME)
    assert {reason for _, reason, _ in reasons(result)} == {"truncated_file"}
    assert [row["account_number"] for row in rows(result, "custodian_balance")] == ["A2"]


def test_the_next_day_opens_with_what_the_day_before_closed_with(tmp_path: Path) -> None:
    monday = cash(":61:220103C5,NTRFNONREF", opening="C220102EUR100,", closing="C220103EUR105,")
    tuesday = cash(":61:220104C5,NTRFNONREF", opening="C220103EUR105,", closing="C220104EUR110,")
    wednesday = cash(":61:220105C5,NTRFNONREF", opening="C220104EUR110,", closing="C220105EUR115,")
    assert len(rows(parse(tmp_path, wednesday + monday + tuesday, NAME))) == 3
    gap = parse(tmp_path, monday + wednesday, NAME)
    assert {(reason, field) for _, reason, field in reasons(gap)} == {("trailer_mismatch", "60F")}
    assert only_balance(gap) == [D(105)]


def test_a_refused_neighbour_proves_nothing_of_the_next_statement(tmp_path: Path) -> None:
    bad = cash(":61:220103C5,NTRFNONREF", opening="C220102EUR100,", closing="C220103EUR999,")
    good = cash(":61:220104C5,NTRFNONREF", opening="C220103EUR105,", closing="C220104EUR110,")
    assert only_balance(parse(tmp_path, bad + good, NAME)) == [D(110)]


def test_each_currency_of_an_account_is_a_statement_of_its_own(tmp_path: Path) -> None:
    euro = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,")
    dollar = cash(":61:220105D5,NTRFNONREF", opening="D220104USD1,", closing="D220105USD6,")
    result = parse(tmp_path, euro + dollar, NAME)
    assert {row["currency"]: row["balance"] for row in rows(result, "custodian_balance")} == {
        "EUR": D(105),
        "USD": D(-6),
    }
    assert [row["base_currency"] for row in rows(result, "account")] == ["USD"]
    assert [row["base_currency"] for row in rows(parse(tmp_path, euro, NAME), "account")] == ["EUR"]


def test_the_last_closing_balance_of_a_day_counts(tmp_path: Path) -> None:
    morning = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,")
    evening = cash(":61:220105C5,NTRFNONREF", opening="C220105EUR105,", closing="C220105EUR110,")
    assert only_balance(parse(tmp_path, morning + evening, NAME)) == [D(110)]


def test_an_unknown_code_is_quarantined_and_a_firms_table_maps_it(tmp_path: Path) -> None:
    content = cash(":61:220105C5,NQQQNONREF", ":61:220105C5,NTRFNONREF", closing="C220105EUR110,")
    result = parse(tmp_path, content, NAME)
    assert (reasons(result), result.quarantined_count) == ([(5, "unknown_code", "61")], 1)
    own = tmp_path / "own.csv"
    own.write_text("code,sign,booked_by,transaction_type\nQQQ,+,MT940,INTEREST\n")
    mapped = rows(parse(tmp_path, content, NAME, codes={"cash_types": own}))
    assert [row["transaction_type"] for row in mapped] == ["INTEREST", "DEPOSIT"]


def test_a_firms_table_says_which_account_a_cash_account_belongs_to(tmp_path: Path) -> None:
    own = tmp_path / "accounts.csv"
    own.write_text("stated,account_number,base_currency\nIBAN1,760043140,CHF\n")
    content = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,", account="IBAN1")
    result = parse(tmp_path, content, NAME, codes={"accounts": own})
    for table in ("account", "transaction", "custodian_balance"):
        assert only(result, table)["account_number"] == "760043140"
    assert only(result, "account")["base_currency"] == "CHF"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (":25:A1\n", "", "missing_value"),
        (":60F:C220104EUR100,", ":60F:C220104EUR", "unparsable_number"),
        (":60F:C220104EUR100,", ":60F:C220230EUR100,", "impossible_date"),
        (":60F:C220104EUR100,", ":60F:C220104USD100,", "malformed_document"),
        (":60F:C220104EUR100,\n", "", "malformed_document"),
        (":62F:C220105EUR105,\n", "", "truncated_file"),
        (":62F:C220105EUR105,", ":62F:C220105EUR105,\n:62F:C220105EUR105,", "malformed_document"),
    ],
)
def test_a_head_that_cannot_be_read_holds_its_statement_back(tmp_path: Path, old: str, new: str, reason: str) -> None:
    bad = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,")
    assert old in bad
    good = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,", account="A2")
    result = parse(tmp_path, bad.replace(old, new) + good, NAME)
    assert {found for _, found, _ in reasons(result)} == {reason}
    assert [row["account_number"] for row in rows(result)] == ["A2"]


def test_a_bare_statement_without_its_closing_balance_at_the_end_was_cut_off(tmp_path: Path) -> None:
    good = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,")
    with pytest.raises(FeedFault, match="truncated_file"):
        parse(tmp_path, cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,").split(":62F")[0], NAME)
    cut = parse(tmp_path, good + good.replace(":25:A1", ":25:A2").split(":62F")[0], NAME)
    assert {reason for _, reason, _ in reasons(cut)} == {"truncated_file"}


def test_a_statement_may_come_in_an_envelope(tmp_path: Path) -> None:
    body = cash(":61:220105C5,NTRFNONREF", closing="C220105EUR105,").removesuffix("-\n")
    for number in (940, 950):
        assert only(parse(tmp_path, message(number, body)))["amount"] == D(5)


EVENT = (
    ":16R:GENL\n:20C::CORP//E1\n:23G:NEWM\n:22F::CAEV//{event}\n:22F::CAMV//MAND\n:98C::PREP//20220101120000\n"
    ":16S:GENL\n:16R:USECU\n:35B:ISIN US0378331005\nAPPLE INC\n:16S:USECU\n{details}"
)
DATES = ":16R:CADETL\n:98A::XDTE//20220110\n:98A::RDTE//20220111\n{more}:16S:CADETL\n"


def event(kind: str, more: str = "", options: str = "") -> str:
    return message(564, EVENT.format(event=kind, details=DATES.format(more=more) + options))


def test_a_cash_dividend_states_its_rate_in_money_and_not_in_percent(tmp_path: Path) -> None:
    row = only(parse(tmp_path, event("DVCA", ":92F::GRSS//USD0,24\n:98A::PAYD//20220120\n")), "corporate_action")
    assert (row["action_type"], row["cash_rate"], row["currency"]) == ("CASH_DIVIDEND", D("0.24"), "USD")
    assert (row["effective_on"], row["pay_date"], row["announced_date"]) == (
        date(2022, 1, 10), date(2022, 1, 20), date(2022, 1, 1),
    )  # fmt: skip
    assert only(parse(tmp_path, event("DVCA", ":92A::GRSS//5,\n")), "corporate_action")["cash_rate"] is None


def test_a_split_states_new_units_to_old(tmp_path: Path) -> None:
    row = only(parse(tmp_path, event("SPLF", ":92D::NEWO//4,/1,\n")), "corporate_action")
    assert (row["action_type"], row["new_units"], row["old_units"]) == ("SPLIT", D(4), D(1))
    added = only(parse(tmp_path, event("BONU", ":92D::ADEX//1,/10,\n")), "corporate_action")
    assert (added["new_units"], added["old_units"]) == (D(11), D(10))


def test_a_spin_off_names_the_security_received(tmp_path: Path) -> None:
    moved = ":16R:SECMOVE\n:35B:ISIN DE0007164600\nSAP SE\n:92D::ADEX//1,/5,\n:98A::PAYD//20220120\n:16S:SECMOVE\n"
    row = only(parse(tmp_path, event("SOFF", options=f":16R:CAOPTN\n{moved}:16S:CAOPTN\n")), "corporate_action")
    assert (row["new_identifier"], row["new_units"], row["old_units"]) == ("ISIN:DE0007164600", D(1), D(5))
    assert row["isin"] == "US0378331005"


def test_a_withdrawn_or_cancelled_event_is_cancelled(tmp_path: Path) -> None:
    for function, expected in (("NEWM", False), ("REPL", False), ("RMDR", False), ("WITH", True), ("CANC", True)):
        content = event("DVCA").replace(":23G:NEWM", f":23G:{function}")
        assert only(parse(tmp_path, content), "corporate_action")["is_cancelled"] is expected


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("CAEV//DVCA", "CAEV//QQQQ", "unknown_code"),
        (":23G:NEWM", ":23G:WHAT", "unknown_code"),
        (":20C::CORP//E1\n", "", "missing_value"),
        ("XDTE//20220110", "XDTE//20220230", "impossible_date"),
        ("US0378331005", "US0378331006", "contract_violation"),
    ],
)
def test_an_event_that_cannot_be_read_leaves_its_neighbours(tmp_path: Path, old: str, new: str, reason: str) -> None:
    result = parse(tmp_path, event("DVCA").replace(old, new) + event("SPLF"))
    assert reason in {found for _, found, _ in reasons(result)}
    assert (len(rows(result, "corporate_action")), result.quarantined_count) == (1, 1)
