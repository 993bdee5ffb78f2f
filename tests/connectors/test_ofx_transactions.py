"""What each OFX transaction does to quantity and cash, in our signs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.custodians.ofx.codes import load_codes
from contracts.vocabularies import TRANSACTION_TYPES
from tests.connectors.ofx_fixture import INTEL, bank, buy, head, investment, only, parse, rows, stmttrn

D = Decimal


def sell(tag: str = "SELLSTOCK", *, units: str = "-10", total: str = "995", more: str = "", outer: str = "") -> str:
    kind = outer or "<SELLTYPE>SELL"
    return (
        f"<{tag}><INVSELL>{head()}{INTEL}<UNITS>{units}<UNITPRICE>100<COMMISSION>5<TOTAL>{total}{more}"
        f"</INVSELL>{kind}</{tag}>"
    )


def trade(tag: str, kind: str) -> str:
    """A trade of 10 at 100 with total 1000, as the specification signs it."""
    body, sign = ("INVBUY", "") if tag.startswith("BUY") else ("INVSELL", "-")
    total = "-1000" if sign == "" else "1000"
    return f"<{tag}><{body}>{head()}{INTEL}<UNITS>{sign}10<UNITPRICE>100<TOTAL>{total}</{body}>{kind}</{tag}>"


def other(tag: str, inner: str, more: str = "") -> str:
    return f"<{tag}>{head(more=more)}{INTEL}{inner}</{tag}>"


def summary(row: dict[str, object]) -> tuple[object, object, object]:
    return row["transaction_type"], row["quantity"], row["amount"]


@pytest.mark.parametrize(
    ("text", "kind", "quantity", "amount"),
    [
        (trade("BUYSTOCK", "<BUYTYPE>BUY"), "BUY", 10, -1000),
        (trade("BUYSTOCK", "<BUYTYPE>BUYTOCOVER"), "BUY_TO_COVER", 10, -1000),
        (trade("BUYMF", "<BUYTYPE>BUY"), "BUY", 10, -1000),
        (trade("BUYOPT", "<OPTBUYTYPE>BUYTOOPEN<SHPERCTRCT>100"), "BUY", 10, -1000),
        (trade("BUYOPT", "<OPTBUYTYPE>BUYTOCLOSE<SHPERCTRCT>100"), "BUY_TO_COVER", 10, -1000),
        (trade("BUYDEBT", ""), "BUY", 10, -1000),
        (trade("BUYOTHER", ""), "BUY", 10, -1000),
        (trade("SELLSTOCK", "<SELLTYPE>SELL"), "SELL", -10, 1000),
        (trade("SELLSTOCK", "<SELLTYPE>SELLSHORT"), "SELL_SHORT", -10, 1000),
        (trade("SELLMF", "<SELLTYPE>SELL"), "SELL", -10, 1000),
        (trade("SELLOPT", "<OPTSELLTYPE>SELLTOCLOSE"), "SELL", -10, 1000),
        (trade("SELLOPT", "<OPTSELLTYPE>SELLTOOPEN"), "SELL_SHORT", -10, 1000),
        (trade("SELLDEBT", "<SELLREASON>MATURITY"), "MATURITY", -10, 1000),
        (trade("SELLDEBT", "<SELLREASON>CALL"), "CALL", -10, 1000),
        (trade("SELLOTHER", ""), "SELL", -10, 1000),
        (other("INCOME", "<INCOMETYPE>DIV<TOTAL>12.5"), "DIVIDEND", 0, 12.5),
        (other("INCOME", "<INCOMETYPE>INTEREST<TOTAL>12.5"), "INTEREST", 0, 12.5),
        (other("INCOME", "<INCOMETYPE>CGLONG<TOTAL>12.5"), "CAPITAL_GAIN_LONG", 0, 12.5),
        (other("INCOME", "<INCOMETYPE>CGSHORT<TOTAL>12.5"), "CAPITAL_GAIN_SHORT", 0, 12.5),
        (other("INCOME", "<INCOMETYPE>MISC<TOTAL>12.5"), "DIVIDEND", 0, 12.5),
        (other("INCOME", "<INCOMETYPE>DIV<TOTAL>-12.5"), "DIVIDEND", 0, -12.5),
        (other("RETOFCAP", "<TOTAL>40"), "RETURN_OF_CAPITAL", 0, 40),
        (other("SPLIT", "<OLDUNITS>10<NEWUNITS>25<NUMERATOR>5<DENOMINATOR>2<FRACCASH>3.5"), "SPLIT", 15, 3.5),
        (other("SPLIT", "<OLDUNITS>25<NEWUNITS>10<NUMERATOR>2<DENOMINATOR>5"), "SPLIT", -15, 0),
        (other("TRANSFER", "<UNITS>7<TFERACTION>IN<POSTYPE>LONG"), "TRANSFER_IN", 7, 0),
        (other("TRANSFER", "<UNITS>-7<TFERACTION>OUT<POSTYPE>LONG"), "TRANSFER_OUT", -7, 0),
        (other("TRANSFER", "<UNITS>7<TFERACTION>OUT<POSTYPE>LONG"), "TRANSFER_OUT", -7, 0),
        (other("TRANSFER", "<UNITS>7<TFERACTION>IN<POSTYPE>SHORT"), "TRANSFER_OUT", -7, 0),
        (other("TRANSFER", "<UNITS>7<TFERACTION>OUT<POSTYPE>SHORT"), "TRANSFER_IN", 7, 0),
        (other("JRNLSEC", "<SUBACCTTO>MARGIN<SUBACCTFROM>CASH<UNITS>7"), "JOURNAL", 0, 0),
        (f"<JRNLFUND>{head()}<SUBACCTTO>MARGIN<SUBACCTFROM>CASH<TOTAL>7</JRNLFUND>", "JOURNAL", 0, 0),
        (f"<MARGININTEREST>{head()}<TOTAL>-9</MARGININTEREST>", "MARGIN_INTEREST", 0, -9),
        (f"<MARGININTEREST>{head()}<TOTAL>9</MARGININTEREST>", "MARGIN_INTEREST", 0, -9),
        (other("INVEXPENSE", "<TOTAL>-9"), "OTHER_FEE", 0, -9),
        (other("INVEXPENSE", "<TOTAL>9"), "OTHER_FEE", 0, -9),
        (other("CLOSUREOPT", "<OPTACTION>EXERCISE<UNITS>2"), "OPTION_EXERCISE", -2, 0),
        (other("CLOSUREOPT", "<OPTACTION>ASSIGN<UNITS>-2"), "OPTION_ASSIGNMENT", 2, 0),
        (other("CLOSUREOPT", "<OPTACTION>EXPIRE<UNITS>-2"), "OPTION_EXPIRY", -2, 0),
        (other("CLOSUREOPT", "<OPTACTION>EXPIRE<UNITS>2"), "OPTION_EXPIRY", 2, 0),
    ],
)
def test_every_aggregate_has_its_type_and_signs(
    tmp_path: Path, text: str, kind: str, quantity: float, amount: float
) -> None:
    assert summary(only(parse(tmp_path, investment(text)))) == (kind, D(str(quantity)), D(str(amount)))


def test_a_purchase_carries_everything_that_it_states(tmp_path: Path) -> None:
    text = buy(units="+0000010.00000", total="-1008", more="<FEES>2<TAXES>1")
    row = only(parse(tmp_path, investment(text)))
    assert row == {
        "cusip": "458140100", "isin": None, "sedol": None, "figi": None, "ticker": None, "provider_security_id": None,
        "source_line": 15, "account_number": "A1", "transaction_type": "BUY", "provider_code": "BUYSTOCK/BUY",
        "trade_date": date(2022, 1, 4), "settle_date": date(2022, 1, 6),
        "quantity": D(10), "price": D(100), "amount": D(-1008), "currency": "USD",
        "commission": D(5), "fees": D(3), "accrued_interest": D(0), "tax_withheld": D(0),
        "is_cancel": False, "provider_transaction_id": "F1", "reverses": None,
    }  # fmt: skip


@pytest.mark.parametrize(("units", "total"), [("-10", "995"), ("10", "995"), ("10", "-995"), ("-10", "-995")])
def test_a_sale_ends_in_the_same_row_whatever_signs_the_broker_sends(tmp_path: Path, units: str, total: str) -> None:
    assert summary(only(parse(tmp_path, investment(sell(units=units, total=total))))) == ("SELL", D(-10), D(995))


def test_a_purchase_with_a_positive_total_still_takes_cash(tmp_path: Path) -> None:
    assert only(parse(tmp_path, investment(buy(total="1005"))))["amount"] == D(-1005)


def test_a_sale_whose_costs_exceed_its_proceeds_takes_cash(tmp_path: Path) -> None:
    text = sell(total="-4").replace("<UNITPRICE>100", "<UNITPRICE>0.1")
    assert only(parse(tmp_path, investment(text)))["amount"] == D(-4)


@pytest.mark.parametrize(("total", "amount"), [("-995", "-1010"), ("-1010", "-1010"), ("-1100", "-1100")])
def test_accrued_interest_is_in_the_amount_whether_or_not_the_total_holds_it(
    tmp_path: Path, total: str, amount: str
) -> None:
    text = (
        f"<BUYDEBT><INVBUY>{head()}{INTEL}<UNITS>1000<UNITPRICE>99<COMMISSION>5<TOTAL>{total}"
        "</INVBUY><ACCRDINT>15</BUYDEBT>"
    )
    row = only(parse(tmp_path, investment(text)))
    assert (row["amount"], row["accrued_interest"], row["price"]) == (D(amount), D(15), D(99))


def test_withholding_is_carried_beside_the_amount(tmp_path: Path) -> None:
    row = only(parse(tmp_path, investment(other("INCOME", "<INCOMETYPE>DIV<TOTAL>8.5<WITHHOLDING>1.5"))))
    assert (row["amount"], row["tax_withheld"]) == (D("8.5"), D("1.5"))


def test_a_reinvestment_is_a_purchase_and_the_income_that_pays_for_it(tmp_path: Path) -> None:
    text = other("REINVEST", "<INCOMETYPE>CGLONG<TOTAL>-20<UNITS>2<UNITPRICE>10")
    result = parse(tmp_path, investment(text))
    bought, income = rows(result)
    assert summary(bought) == ("REINVESTMENT", D(2), D(-20))
    assert summary(income) == ("CAPITAL_GAIN_LONG", D(0), D(20))
    assert (bought["provider_transaction_id"], income["provider_transaction_id"]) == ("F1", "F1#income")
    assert bought["source_line"] == income["source_line"]
    assert bought["cusip"] == income["cusip"]
    assert (result.record_count, result.quarantined_count) == (1, 0)


def test_a_reversal_is_a_cancel_that_names_what_it_cancels(tmp_path: Path) -> None:
    text = buy("F2", units="-10", total="1005").replace("<DTTRADE>", "<REVERSALFITID>F1<DTTRADE>")
    row = only(parse(tmp_path, investment(text)))
    assert (row["is_cancel"], row["reverses"], row["provider_transaction_id"]) == (True, "F1", "F2")
    assert summary(row) == ("BUY", D(10), D(-1005))


def test_the_reversal_of_a_reinvestment_cancels_both_rows(tmp_path: Path) -> None:
    text = other("REINVEST", "<INCOMETYPE>DIV<TOTAL>-20<UNITS>2<UNITPRICE>10", "<REVERSALFITID>F0")
    assert [row["reverses"] for row in rows(parse(tmp_path, investment(text)))] == ["F0", "F0#income"]


@pytest.mark.parametrize(
    ("kind", "amount", "expected"),
    [
        ("DEP", "5", "DEPOSIT"),
        ("CREDIT", "5", "DEPOSIT"),
        ("DEBIT", "-5", "WITHDRAWAL"),
        ("DEBIT", "5", "DEPOSIT"),
        ("CREDIT", "-5", "WITHDRAWAL"),
        ("XFER", "-5", "WITHDRAWAL"),
        ("XFER", "+5", "DEPOSIT"),
        ("INT", "5", "INTEREST"),
        ("INT", "-5", "MARGIN_INTEREST"),
        ("DIV", "5", "DIVIDEND"),
        ("FEE", "-5", "OTHER_FEE"),
        ("FEE", "5", "OTHER_FEE"),
        ("SRVCHG", "-5", "OTHER_FEE"),
        ("OTHER", "-5", "WITHDRAWAL"),
        ("DIRECTDEP", "5", "DEPOSIT"),
    ],
)
def test_the_sign_of_a_bank_entry_wins_over_its_type(tmp_path: Path, kind: str, amount: str, expected: str) -> None:
    for text in (
        bank(stmttrn(kind, amount)),
        investment(f"<INVBANKTRAN>{stmttrn(kind, amount)}<SUBACCTFUND>CASH</INVBANKTRAN>"),
    ):
        assert summary(only(parse(tmp_path, text))) == (expected, D(0), D(amount))


def test_a_wording_counts_only_where_the_type_says_nothing(tmp_path: Path) -> None:
    assert (
        only(parse(tmp_path, bank(stmttrn("DEP", "5", name="Interest earned in May"))))["transaction_type"]
        == "INTEREST"
    )
    assert only(parse(tmp_path, bank(stmttrn("DEP", "-5", name="INTEREST EARNED"))))["transaction_type"] == "WITHDRAWAL"
    assert only(parse(tmp_path, bank(stmttrn("FEE", "5", name="INTEREST EARNED"))))["transaction_type"] == "OTHER_FEE"
    assert only(parse(tmp_path, bank(stmttrn("DEP", "5", name="NO INTEREST EARNED"))))["transaction_type"] == "DEPOSIT"


@pytest.mark.parametrize("kind", ["FEE", "SRVCHG", "DEBIT", "OTHER"])
def test_an_advisory_fee_is_told_from_other_fees_by_its_wording(tmp_path: Path, kind: str) -> None:
    assert (
        only(parse(tmp_path, bank(stmttrn(kind, "-5", name="Advisory fee Q1"))))["transaction_type"] == "ADVISORY_FEE"
    )
    assert (
        only(parse(tmp_path, bank(stmttrn("INT", "-5", name="ADVISORY FEE"))))["transaction_type"] == "MARGIN_INTEREST"
    )


def test_currency_says_the_amounts_are_foreign_and_origcurrency_that_they_were_converted(tmp_path: Path) -> None:
    stated = "<{0}><CURRATE>1.1<CURSYM>EUR</{0}>"
    foreign = only(parse(tmp_path, investment(buy(more=stated.format("CURRENCY")))))
    converted = only(parse(tmp_path, investment(buy(more=stated.format("ORIGCURRENCY")))))
    assert (foreign["currency"], foreign["amount"]) == ("EUR", D(-1005))
    assert (converted["currency"], converted["amount"]) == ("USD", D(-1005))


def test_a_corrected_bank_entry_cancels_the_one_that_it_names(tmp_path: Path) -> None:
    deleted = only(parse(tmp_path, bank(stmttrn("DEP", "5", more="<CORRECTFITID>B0<CORRECTACTION>DELETE"))))
    assert (deleted["is_cancel"], deleted["reverses"]) == (True, "B0")
    replaced = parse(tmp_path, bank(stmttrn("DEP", "5", more="<CORRECTFITID>B0<CORRECTACTION>REPLACE")))
    cancel, entry = rows(replaced)
    assert (cancel["is_cancel"], cancel["reverses"], cancel["provider_transaction_id"]) == (True, "B0", "B1#cancel")
    assert (entry["is_cancel"], entry["provider_transaction_id"]) == (False, "B1")
    assert replaced.record_count == 1


def test_three_identical_fills_stay_three_rows(tmp_path: Path) -> None:
    result = parse(tmp_path, investment(buy() * 3))
    first, second, third = rows(result)
    assert result.record_count == 3
    assert [row["source_line"] for row in (first, second, third)] == [15, 16, 17]
    assert {**first, "source_line": 0} == {**second, "source_line": 0} == {**third, "source_line": 0}


def test_an_entry_without_id_is_taken_without_one(tmp_path: Path) -> None:
    assert only(parse(tmp_path, investment(buy().replace("<FITID>F1", ""))))["provider_transaction_id"] is None


def test_every_meaning_in_the_code_table_is_in_the_vocabulary() -> None:
    codes = load_codes()
    used = {m for (tag, _), m in codes.meanings.items() if not tag.endswith("INFO")} | set(codes.bank.values())
    assert used <= set(TRANSACTION_TYPES)
    assert {sign for _, sign in codes.bank} == {"+", "-"}
    assert all((code, "-") in codes.bank for code, _ in codes.bank if code not in ("INT",))
