"""Quirks of Flex statements, a test for each: levels, cancels, signs, blanks, dates, and what a query leaves out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from analytics.cancels import cancel_pairs
from connectors.adapter import ParsedFile
from tests.connectors.ibflex_fixture import (
    CASH,
    POSITION,
    TRADE,
    document,
    element,
    only,
    parse,
    parse_elements,
    reasons,
    rows,
    statement,
)


def trade(folder: Path, **changes: str | None) -> ParsedFile:
    return parse_elements(folder, element("Trade", TRADE, **changes))


# --- levels of detail -------------------------------------------------------------------------------------------------


def test_mixing_levels_of_a_trade_books_the_execution_once(tmp_path: Path) -> None:
    levels = [element("Trade", TRADE, levelOfDetail=level) for level in ("ORDER", "EXECUTION", "SYMBOL_SUMMARY")]
    result = parse_elements(tmp_path, *levels, element("Order", TRADE, levelOfDetail="ORDER"))
    assert only(result)["quantity"] == 10
    assert result.record_count == 4


def test_orders_without_executions_are_a_fault_and_not_a_loss(tmp_path: Path) -> None:
    result = parse_elements(tmp_path, element("Order", TRADE), element("Trade", TRADE, levelOfDetail="ORDER"))
    assert reasons(result) == [(4, "missing_value", "levelOfDetail"), (5, "missing_value", "levelOfDetail")]
    assert (result.record_count, result.quarantined_count) == (2, 2)


def test_mixing_levels_of_a_position_counts_its_summary_once(tmp_path: Path) -> None:
    lots = [
        element("OpenPosition", POSITION, levelOfDetail="LOT", position="4", originatingTransactionID="1"),
        element("OpenPosition", POSITION, levelOfDetail="LOT", position="6", originatingTransactionID="2"),
    ]
    result = parse_elements(tmp_path, element("OpenPosition", POSITION), *lots)
    assert only(result, "custodian_position")["quantity"] == 10
    assert [row["quantity"] for row in rows(result, "custodian_lot")] == [4, 6]
    assert len(rows(result, "price")) == 1


def test_a_closed_lot_is_a_gain_in_either_spelling(tmp_path: Path) -> None:
    lot = TRADE | {"cost": "400", "fifoPnlRealized": "-25.5", "quantity": "4", "openDateTime": "20200504;103000"}
    both = element("Lot", lot, notes="ST"), element("Trade", lot, levelOfDetail="CLOSED_LOT", transactionID="602")
    result = parse_elements(tmp_path, *both)
    assert rows(result) == []
    first, second = rows(result, "custodian_gain")
    assert (first["proceeds"], first["cost_basis"], first["realized_gain"]) == (Decimal("374.5"), 400, Decimal("-25.5"))
    assert (first["acquired_date"], first["holding_term"], second["lot_id"]) == (date(2020, 5, 4), "short", "602")


def test_an_option_event_is_not_booked_beside_its_book_trade(tmp_path: Path) -> None:
    option = {"assetCategory": "OPT", "symbol": "EXA   220121C00200000", "conid": "1002"}
    event = element(
        "OptionEAE", currency="USD", **option, date="2022-01-04", transactionType="Expiration", quantity="2",
        tradePrice="0", proceeds="0", commisionsAndTax="0",
    )  # fmt: skip
    book = element("Trade", TRADE | option, transactionType="BookTrade", quantity="2", netCash="0", notes="Ep")
    assert only(parse_elements(tmp_path, event, book))["provider_code"].startswith("BookTrade")
    alone = only(parse_elements(tmp_path, event))
    assert (alone["transaction_type"], alone["quantity"]) == ("OPTION_EXPIRY", 2)


def test_the_base_summary_of_cash_is_no_balance(tmp_path: Path) -> None:
    money = {"endingCash": "5", "endingSettledCash": "4"}
    currencies = [element("CashReportCurrency", money, currency=code) for code in ("BASE_SUMMARY", "EUR", "JPY")]
    result = parse_elements(tmp_path, *currencies)
    assert {(row["currency"], row["balance_type"], row["balance"]) for row in rows(result, "custodian_balance")} == {
        ("EUR", "cash_trade_date", 5), ("EUR", "cash_settled", 4),
        ("JPY", "cash_trade_date", 5), ("JPY", "cash_settled", 4),
    }  # fmt: skip
    assert result.record_count == 3


# --- cancels ----------------------------------------------------------------------------------------------------------

REVERSED = {"quantity": "-10", "proceeds": "1000", "ibCommission": "1", "netCash": "1001", "transactionID": "602"}


@pytest.mark.parametrize(
    "changes",
    [
        {"transactionType": "TradeCancel"},
        {"notes": "P;Ca"},
        {"buySell": "BUY (Ca.)"},
        {"transactionType": "TradeCancel", "notes": "Ca", "buySell": "BUY (Ca.)", "origTradeID": "71"},
        {"notes": "Ca", "origTransactionID": "601"},
    ],
)
def test_a_cancel_has_reversed_quantities_and_takes_back_its_original(tmp_path: Path, changes: dict[str, str]) -> None:
    cancel = TRADE | REVERSED | {"tradeID": "72"} | changes
    result = parse_elements(tmp_path, element("Trade", TRADE), element("Trade", cancel))
    assert result.rejects.is_empty()
    names_original = "origTradeID" in changes or "origTransactionID" in changes
    assert [row["reverses"] for row in rows(result)] == [None, "601" if names_original else None]
    ledger = result.frames["canonical.transaction"].with_row_index("row").with_columns(
        account_key=pl.lit(1), security_key=pl.lit(1), natural_key="provider_transaction_id"
    )  # fmt: skip
    pairs = cancel_pairs(ledger.filter(~pl.col("is_cancel")), ledger.filter("is_cancel"))
    assert pairs.rows() == [(0, 1)]


def test_a_cancelled_sale_has_a_positive_quantity(tmp_path: Path) -> None:
    row = only(
        trade(
            tmp_path, quantity="10", proceeds="-1000", ibCommission="1", netCash="-999", buySell="SELL (Ca.)",
            openCloseIndicator="C",
        )
    )  # fmt: skip
    assert (row["transaction_type"], row["is_cancel"], row["quantity"], row["amount"]) == ("SELL", True, -10, 999)


def test_a_sign_that_contradicts_the_side_is_quarantined(tmp_path: Path) -> None:
    assert reasons(trade(tmp_path, quantity="-10")) == [(4, "contract_violation", "quantity")]
    assert reasons(trade(tmp_path, notes="Ca")) == [(4, "contract_violation", "quantity")]


def test_a_corrected_trade_is_booked_as_corrected(tmp_path: Path) -> None:
    row = only(trade(tmp_path, transactionType="TradeCorrect", notes="Co"))
    assert (row["is_cancel"], row["amount"]) == (False, -1001)


# --- trades -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "indicator", "kind"),
    [
        ("BUY", "O", "BUY"), ("BUY", "C", "BUY_TO_COVER"), ("SELL", "C", "SELL"), ("SELL", "O", "SELL_SHORT"),
        ("BUY", "C;O", "BUY"), ("SELL", "C;O", "SELL"), ("SELL", "", "SELL"), ("BUY", None, "BUY"),
    ],
)  # fmt: skip
def test_a_fill_that_closes_and_opens_is_one_row(tmp_path: Path, side: str, indicator: str | None, kind: str) -> None:
    quantity, money = ("10", "-1001") if side == "BUY" else ("-10", "1001")
    result = trade(tmp_path, buySell=side, openCloseIndicator=indicator, quantity=quantity, netCash=money)
    assert only(result)["transaction_type"] == kind


@pytest.mark.parametrize(
    ("note", "kind"),
    [("A", "OPTION_ASSIGNMENT"), ("Ex", "OPTION_EXERCISE"), ("Ep;P", "OPTION_EXPIRY"), ("P", "BUY")],
)
def test_the_notes_of_an_option_say_what_became_of_it(tmp_path: Path, note: str, kind: str) -> None:
    option = {"assetCategory": "OPT", "symbol": "EXA   220121C00200000", "conid": "1002"}
    assert only(trade(tmp_path, notes=note, **option))["transaction_type"] == kind


def test_shares_delivered_on_an_exercise_are_a_purchase_and_reinvested_ones_a_reinvestment(tmp_path: Path) -> None:
    assert only(trade(tmp_path, notes="Ex"))["transaction_type"] == "BUY"
    assert only(trade(tmp_path, notes="R;FP"))["transaction_type"] == "REINVESTMENT"


@pytest.mark.parametrize(
    ("net", "accrued"), [("-1001", "0"), ("-1013.5", "12.5"), (None, "0")],
)  # fmt: skip
def test_bought_interest_is_inside_the_amount_only_when_net_cash_says_so(
    tmp_path: Path, net: str | None, accrued: str
) -> None:
    row = only(trade(tmp_path, assetCategory="BOND", accruedInt="-12.5", netCash=net))
    assert (row["amount"], row["accrued_interest"]) == (Decimal(net or "-1001"), Decimal(accrued))


def test_a_commission_in_another_currency_is_a_row_of_its_own(tmp_path: Path) -> None:
    first, second = rows(trade(tmp_path, ibCommissionCurrency="EUR"))
    assert (first["amount"], first["commission"]) == (-1000, 0)
    assert (second["transaction_type"], second["amount"], second["currency"]) == ("OTHER_FEE", -1, "EUR")


def test_a_pair_of_currencies_moves_cash_in_both(tmp_path: Path) -> None:
    pair = {"assetCategory": "CASH", "symbol": "EUR.USD", "proceeds": "-11.3", "netCash": "0"}
    quote, base = rows(trade(tmp_path, **pair))
    assert (quote["currency"], quote["amount"], quote["commission"]) == ("USD", Decimal("-12.3"), 1)
    assert (base["currency"], base["amount"], base["provider_transaction_id"]) == ("EUR", 10, "601#base")
    assert (quote["provider_security_id"], base["quantity"]) == (None, 0)


def test_margined_instruments_are_held_back(tmp_path: Path) -> None:
    result = parse_elements(
        tmp_path, element("Trade", TRADE, assetCategory="FUT"), element("OpenPosition", POSITION, assetCategory="CFD")
    )
    assert reasons(result) == [(4, "unknown_code", "assetCategory"), (5, "unknown_code", "assetCategory")]


# --- cash and corporate actions ---------------------------------------------------------------------------------------


def test_a_dividend_is_restated_by_rows_of_its_own(tmp_path: Path) -> None:
    words = ["(Ordinary Dividend)", "(Ordinary Dividend)", "(Return of Capital)"]
    amounts = ["5", "-5", "5"]
    records = [
        element("CashTransaction", CASH, amount=amount, description=f"EXA DIV {word}", transactionID=str(number))
        for number, (amount, word) in enumerate(zip(amounts, words, strict=True))
    ]
    found = [
        (row["transaction_type"], row["amount"], row["is_cancel"]) for row in rows(parse_elements(tmp_path, *records))
    ]
    assert found == [("DIVIDEND", 5, False), ("DIVIDEND", -5, False), ("RETURN_OF_CAPITAL", 5, False)]


@pytest.mark.parametrize(
    ("code", "amount", "kind"),
    [
        ("Deposits & Withdrawals", "1", "DEPOSIT"), ("Deposits & Withdrawals", "-1", "WITHDRAWAL"),
        ("Broker Interest Paid", "-1", "MARGIN_INTEREST"), ("Broker Interest Received", "1", "INTEREST"),
        ("Withholding Tax", "-1", "TAX_WITHHELD"), ("Bond Interest Paid", "-1", "INTEREST"),
        ("Bond Interest Received", "1", "INTEREST"), ("Other Fees", "-1", "OTHER_FEE"),
        ("Payment In Lieu Of Dividends", "1", "DIVIDEND"), ("Commission Adjustments", "1", "OTHER_FEE"),
        ("Advisor Fees", "-1", "ADVISORY_FEE"),
    ],
)  # fmt: skip
def test_types_of_cash_transactions_keep_the_sign_of_their_amount(
    tmp_path: Path, code: str, amount: str, kind: str
) -> None:
    row = only(parse_elements(tmp_path, element("CashTransaction", CASH, type=code, amount=amount)))
    assert (row["transaction_type"], row["amount"]) == (kind, Decimal(amount))


def test_cash_of_both_levels_is_booked_once(tmp_path: Path) -> None:
    levels = [element("CashTransaction", CASH, levelOfDetail=level) for level in ("DETAIL", "SUMMARY")]
    assert only(parse_elements(tmp_path, *levels))["amount"] == 5
    assert only(parse_elements(tmp_path, levels[1]))["amount"] == 5


def test_a_merger_has_two_legs(tmp_path: Path) -> None:
    action = {"assetCategory": "STK", "currency": "USD", "dateTime": "2022-01-04;202500", "type": "TC"}
    legs = [
        element("CorporateAction", action, conid="1", symbol="OLD", quantity="-40", proceeds="3.5"),
        element("CorporateAction", action, conid="2", symbol="NEW", quantity="10", proceeds=""),
    ]
    found = rows(parse_elements(tmp_path, *legs))
    assert [(row["transaction_type"], row["quantity"], row["amount"]) for row in found] == [
        ("MERGER", -40, Decimal("3.5")), ("MERGER", 10, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kind", "quantity"),
    [
        ({"direction": "IN", "quantity": "5"}, "TRANSFER_IN", 5),
        ({"direction": "OUT", "quantity": "-5"}, "TRANSFER_OUT", -5),
        ({"direction": "OUT", "quantity": "5"}, "TRANSFER_OUT", -5),
        ({"direction": "IN", "quantity": "-5"}, "TRANSFER_OUT", -5),
        ({"direction": "IN", "quantity": "5", "type": "INTERNAL"}, "JOURNAL", 5),
    ],
)
def test_a_transfer_without_a_price_moves_units_alone(
    tmp_path: Path, changes: dict[str, str], kind: str, quantity: int
) -> None:
    base = {"assetCategory": "STK", "conid": "1", "currency": "USD", "date": "20220104", "type": "ACATS"}
    row = only(parse_elements(tmp_path, element("Transfer", base | changes)))
    assert (row["transaction_type"], row["quantity"], row["amount"]) == (kind, quantity, 0)


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["20220104", "2022-01-04", "20220104;103000", "2022-01-04, 10:30:00 EST", "2022-01-04 10:30:00"]
)
def test_a_date_follows_the_setting_of_the_query(tmp_path: Path, text: str) -> None:
    assert only(trade(tmp_path, tradeDate=text))["trade_date"] == date(2022, 1, 4)


@pytest.mark.parametrize("text", ["04/01/2022", "2022-02-30", "20221301", "2022", "4 January"])
def test_a_date_of_an_ambiguous_setting_is_refused(tmp_path: Path, text: str) -> None:
    assert reasons(trade(tmp_path, tradeDate=text)) == [(4, "impossible_date", "tradeDate")]


def test_a_blank_number_is_none_and_not_nought(tmp_path: Path) -> None:
    row = only(
        parse_elements(tmp_path, element("OpenPosition", POSITION, markPrice="", positionValue="")),
        "custodian_position",
    )
    assert (row["price"], row["market_value"]) == (None, None)
    assert reasons(trade(tmp_path, quantity="")) == [(4, "missing_value", "quantity")]


@pytest.mark.parametrize(
    ("text", "amount"), [("-1,234,567.89", "-1234567.89"), ("-0.00005", "0"), ("-0.00015", "-0.0002"), ("-.5", "-0.5")]
)
def test_grouped_digits_and_long_fractions_are_read_exactly(tmp_path: Path, text: str, amount: str) -> None:
    assert only(trade(tmp_path, netCash=text))["amount"] == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("1,23", "unparsable_number"), ("1e5", "unparsable_number"), ("NaN", "unparsable_number"),
     ("-99999999999999999", "number_out_of_range"), ("1" * 41, "unparsable_number")],
)  # fmt: skip
def test_what_is_no_number_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    assert [found for _, found, _ in reasons(trade(tmp_path, netCash=text))] == [reason]


def test_models_of_one_account_add_up(tmp_path: Path) -> None:
    models = [element("OpenPosition", POSITION, model=name, position=units) for name, units in (("A", "3"), ("B", "4"))]
    assert only(parse_elements(tmp_path, *models), "custodian_position")["quantity"] == 7


def test_overlapping_statements_must_agree(tmp_path: Path) -> None:
    same = statement(element("OpenPosition", POSITION))
    other = statement(element("OpenPosition", POSITION, position="11"))
    assert only(parse(tmp_path, document(same, same)), "custodian_position")["quantity"] == 10
    assert [reason for _, reason, _ in reasons(parse(tmp_path, document(same, other)))] == ["duplicate_key"]


# --- what the query leaves out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["quantity", "currency", "tradePrice", "proceeds", "ibCommission"])
def test_a_needed_attribute_that_the_query_leaves_out_is_named(tmp_path: Path, name: str) -> None:
    result = trade(tmp_path, **{name: None})
    assert (4, "missing_value", name) in reasons(result)
    assert all(
        "Tick it in the Flex query" in row["detail"] for row in result.rejects.to_dicts() if row["field_name"] == name
    )


def test_an_account_that_a_section_leaves_out_is_its_statements(tmp_path: Path) -> None:
    assert only(trade(tmp_path, accountId=None))["account_number"] == "U1"


def test_a_security_without_a_currency_takes_that_of_its_positions(tmp_path: Path) -> None:
    described = element("SecurityInfo", assetCategory="STK", symbol="EXA", conid="1001", description="EXAMPLE")
    held = element("OpenPosition", POSITION, currency="GBP")
    assert only(parse_elements(tmp_path, held, described), "security")["currency"] == "GBP"
