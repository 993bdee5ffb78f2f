"""Accounts, windows, positions, balances and securities of OFX statements."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.custodians.ofx.identifiers import is_cusip, is_isin, is_sedol
from tests.connectors.ofx_fixture import (
    INTEL,
    SGML_HEADER,
    SIGN_ON,
    STATUS_OK,
    bank,
    buy,
    investment,
    investment_set,
    only,
    parse,
    position,
    reasons,
    rows,
    stmttrn,
)

D = Decimal
SEC_LIST = "<SECLISTMSGSRSV1><SECLIST>{}</SECLIST></SECLISTMSGSRSV1>"


def secid(value: str, kind: str) -> str:
    return f"<SECID><UNIQUEID>{value}<UNIQUEIDTYPE>{kind}</SECID>"


def listed(tag: str, *, security: str = INTEL, info: str = "", more: str = "") -> str:
    return f"<{tag}><SECINFO>{security}<SECNAME>Name<TICKER>TICK{info}</SECINFO>{more}</{tag}>"


@pytest.mark.parametrize(
    ("units", "side", "expected"),
    [
        ("10", "LONG", ("long", D(10), D(1000))),
        ("10", "SHORT", ("short", D(-10), D(-1000))),
        ("-10", "SHORT", ("short", D(-10), D(-1000))),
        ("-10", "LONG", ("short", D(-10), D(-1000))),
    ],
)
def test_a_short_position_is_negative_whatever_signs_the_broker_sends(
    tmp_path: Path, units: str, side: str, expected: tuple[str, Decimal, Decimal]
) -> None:
    row = only(parse(tmp_path, investment(positions=position(units, side))), "custodian_position")
    assert (row["position_side"], row["quantity"], row["market_value"]) == expected
    assert (row["as_of_date"], row["price_date"]) == (date(2022, 1, 5), date(2022, 1, 4))


def test_a_position_gives_a_price_of_its_own_day(tmp_path: Path) -> None:
    result = parse(tmp_path, investment(positions=position(more="<CURRENCY><CURRATE>1<CURSYM>EUR</CURRENCY>")))
    price = only(result, "price")
    assert (price["cusip"], price["price"], price["price_date"], price["currency"]) == (
        "458140100", D(100), date(2022, 1, 4), "EUR",
    )  # fmt: skip
    undated = parse(tmp_path, investment(positions=position().replace("<DTPRICEASOF>20220104", "")))
    assert only(undated, "price")["price_date"] == date(2022, 1, 5)


def test_a_security_held_in_cash_and_in_margin_is_one_position(tmp_path: Path) -> None:
    result = parse(tmp_path, investment(positions=position("10") + position("2.5")))
    row = only(result, "custodian_position")
    assert (row["quantity"], row["market_value"]) == (D("12.5"), D(2000))
    assert len(rows(result, "price")) == 1
    assert (result.record_count, result.quarantined_count) == (2, 0)


def test_long_and_short_of_one_security_stay_apart(tmp_path: Path) -> None:
    found = rows(parse(tmp_path, investment(positions=position("10") + position("4", "SHORT"))), "custodian_position")
    assert [(row["position_side"], row["quantity"]) for row in found] == [("long", D(10)), ("short", D(-4))]


def test_two_statements_of_one_account_must_agree_on_a_day(tmp_path: Path) -> None:
    first = investment_set(buy("F1"), position("10"), "<INVBAL><AVAILCASH>5</INVBAL>")
    same = parse(tmp_path, f"{SGML_HEADER}<OFX>{first}{first}</OFX>")
    assert len(rows(same, "custodian_position")) == len(rows(same, "custodian_balance")) == 1
    assert len(rows(same, "account")) == len(rows(same, "statement_window")) == 1
    other = investment_set("", position("11"), "<INVBAL><AVAILCASH>6</INVBAL>")
    differing = parse(tmp_path, f"{SGML_HEADER}<OFX>{first}{other}</OFX>")
    assert [(reason, field) for _, reason, field in reasons(differing)] == [
        ("duplicate_key", "POSSTOCK"),
        ("duplicate_key", "INVBAL"),
    ]
    assert (differing.record_count, differing.quarantined_count) == (5, 2)


def test_investment_balances_are_settled_cash_and_margin(tmp_path: Path) -> None:
    text = "<INVBAL><AVAILCASH>12.34<MARGINBALANCE>-7<SHORTBALANCE>9<BUYPOWER>8</INVBAL>"
    result = parse(tmp_path, investment(balances=text))
    assert [(row["balance_type"], row["balance"]) for row in rows(result, "custodian_balance")] == [
        ("cash_settled", D("12.34")),
        ("margin", D(-7)),
    ]
    assert result.record_count == 2


def test_a_bank_statement_is_an_account_with_settled_cash(tmp_path: Path) -> None:
    result = parse(tmp_path, bank(stmttrn("DEP", "5"), "<LEDGERBAL><BALAMT>-20<DTASOF>20220103235959</LEDGERBAL>"))
    account, balance = only(result, "account"), only(result, "custodian_balance")
    assert (account["account_number"], account["account_type"]) == ("B1", "savings")
    assert account["business_date"] == balance["as_of_date"] == result.business_date == date(2022, 1, 3)
    assert (balance["balance_type"], balance["balance"]) == ("cash_settled", D(-20))
    assert parse(tmp_path, bank("")).business_date == date(2022, 1, 5)


def test_a_credit_card_statement_is_read_like_a_bank_statement(tmp_path: Path) -> None:
    text = (
        f"{SGML_HEADER}<OFX>{SIGN_ON}<CREDITCARDMSGSRSV1><CCSTMTTRNRS>{STATUS_OK}<CCSTMTRS><CURDEF>EUR"
        f"<CCACCTFROM><ACCTID>C1</CCACCTFROM><BANKTRANLIST><DTSTART>20220101<DTEND>20220105{stmttrn('POS', '-3')}"
        "</BANKTRANLIST></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>"
    )
    result = parse(tmp_path, text)
    assert only(result, "account")["account_type"] == "credit_card"
    assert (only(result)["transaction_type"], only(result)["currency"]) == ("WITHDRAWAL", "EUR")


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        ("20220101", "20220105", (date(2022, 1, 1), date(2022, 1, 5))),
        ("20220101000000[-5:EST]", "20220105190000[-5:EST]", (date(2022, 1, 1), date(2022, 1, 5))),
        ("20220101202000[-5:EST]", "20220105202000[-5:EST]", (date(2022, 1, 2), date(2022, 1, 5))),
        ("20220105080000", "20220105202000", None),
        ("00000000", "20220105", None),
    ],
)
def test_a_window_holds_only_days_that_the_list_covers_from_their_start(
    tmp_path: Path, start: str, end: str, window: tuple[date, date] | None
) -> None:
    text = investment().replace("<DTSTART>20220101<DTEND>20220105", f"<DTSTART>{start}<DTEND>{end}")
    found = [(row["valid_from"], row["valid_to"]) for row in rows(parse(tmp_path, text), "statement_window")]
    assert found == ([] if window is None else [window])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (listed("STOCKINFO"), ("equity", "equity", 1, 1)),
        (listed("MFINFO"), ("mutual_fund", "other", 1, 1)),
        (listed("MFINFO", more="<ASSETCLASS>INTLSTOCK"), ("mutual_fund", "equity", 1, 1)),
        (listed("MFINFO", more="<ASSETCLASS>MONEYMRKT"), ("money_market", "cash", 1, 1)),
        (listed("DEBTINFO", more="<PARVALUE>1000<DEBTTYPE>COUPON"), ("bond", "fixed_income", 0.01, 1)),
        (listed("OPTINFO", more="<OPTTYPE>CALL<SHPERCTRCT>10"), ("option", "derivative", 1, 10)),
        (listed("OPTINFO", more="<OPTTYPE>CALL"), ("option", "derivative", 1, 100)),
        (listed("OTHERINFO"), ("other", "other", 1, 1)),
    ],
)
def test_every_kind_of_security_has_its_type_and_factors(
    tmp_path: Path, text: str, expected: tuple[str, str, float, float]
) -> None:
    row = only(parse(tmp_path, investment(extra=SEC_LIST.format(text))), "security")
    kind, asset_class, factor, multiplier = expected
    assert (row["security_type"], row["asset_class"]) == (kind, asset_class)
    assert (row["price_factor"], row["multiplier"]) == (D(str(factor)), D(multiplier))
    assert (row["security_name"], row["ticker"], row["business_date"]) == ("Name", "TICK", date(2022, 1, 5))


def test_the_underlying_of_an_option_is_not_the_option(tmp_path: Path) -> None:
    text = listed("OPTINFO", security=secid("594918104", "CUSIP"), more=f"<SHPERCTRCT>100{INTEL}")
    assert only(parse(tmp_path, investment(extra=SEC_LIST.format(text))), "security")["cusip"] == "594918104"


def test_a_security_listed_twice_is_one_row_and_two_records(tmp_path: Path) -> None:
    result = parse(tmp_path, investment(extra=SEC_LIST.format(listed("STOCKINFO") * 2)))
    assert len(rows(result, "security")) == 1
    assert (result.record_count, result.quarantined_count) == (2, 0)


def test_a_security_is_in_the_currency_in_which_it_is_held(tmp_path: Path) -> None:
    euro = "<CURRENCY><CURRATE>1<CURSYM>EUR</CURRENCY>"
    held = investment(positions=position(more=euro), extra=SEC_LIST.format(listed("STOCKINFO")))
    assert only(parse(tmp_path, held), "security")["currency"] == "EUR"
    stated = investment(positions=position(), extra=SEC_LIST.format(listed("STOCKINFO", info=euro)))
    assert only(parse(tmp_path, stated), "security")["currency"] == "EUR"


@pytest.mark.parametrize(
    ("value", "kind", "column", "stored"),
    [
        ("458140100", "CUSIP", "cusip", "458140100"),
        ("g7945e105", "cusip", "cusip", "G7945E105"),
        ("US4581401001", "ISIN", "isin", "US4581401001"),
        ("0263494", "SEDOL", "sedol", "0263494"),
        ("458140101", "CUSIP", "provider_security_id", "BROKER.EXAMPLE:458140101"),
        ("45814010", "CUSIP", "provider_security_id", "BROKER.EXAMPLE:45814010"),
        ("US4581401002", "ISIN", "provider_security_id", "BROKER.EXAMPLE:US4581401002"),
        ("272093", "CONID", "provider_security_id", "BROKER.EXAMPLE:272093"),
        ("fund7", "", "provider_security_id", "BROKER.EXAMPLE:FUND7"),
    ],
)
def test_an_identifier_is_what_its_check_digit_proves_else_the_brokers_own(
    tmp_path: Path, value: str, kind: str, column: str, stored: str
) -> None:
    security = secid(value, kind)
    result = parse(
        tmp_path,
        investment(
            positions=position(security=security), extra=SEC_LIST.format(listed("STOCKINFO", security=security))
        ),
    )
    names = ("cusip", "isin", "sedol", "provider_security_id")
    for table in ("custodian_position", "security", "price"):
        row = only(result, table)
        assert {name: row[name] for name in names if row[name] is not None} == {column: stored}


def test_check_digits_of_known_securities_hold() -> None:
    for cusip in ("037833100", "594918104", "G7945E105", "78462F103", "912810RW0", "023135106"):
        assert is_cusip(cusip)
    for isin in ("US0378331005", "GB0002634946", "CH0038863350"):
        assert is_isin(isin)
    for sedol in ("0263494", "B0YBKJ7", "7123870"):
        assert is_sedol(sedol)
    assert not is_cusip("037833101")
    assert not is_isin("US0378331006")
    assert not is_sedol("0263495")
    assert not is_sedol("A263494")


def test_a_list_of_securities_alone_is_a_file_of_the_servers_day(tmp_path: Path) -> None:
    result = parse(tmp_path, f"{SGML_HEADER}<OFX>{SIGN_ON}{SEC_LIST.format(listed('STOCKINFO'))}</OFX>")
    assert (result.record_count, result.business_date) == (1, date(2022, 1, 5))


def test_a_statement_without_anything_is_still_an_account(tmp_path: Path) -> None:
    result = parse(tmp_path, investment())
    assert only(result, "account")["account_number"] == "A1"
    assert (result.record_count, result.quarantined_count) == (0, 0)
