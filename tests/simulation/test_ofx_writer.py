from __future__ import annotations

from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from simulation.firm import Account
from simulation.market import Market
from simulation.transactions import Transaction
from simulation.world import World
from simulation.writers import ofx

DAY = date(2022, 1, 31)


def _account(style: str, currency: str) -> Account:
    return Account(
        tenant="alder", connection="ofx_direct", style=style,  # type: ignore[arg-type]  # one of the styles
        account_number="W1000004", master_account=None, household="H", title="RENÉE DUBOIS", registration="IND",
        registration_title="INDIVIDUAL", tax_status="taxable", base_currency=currency,
        opened_date=date(2011, 3, 15), opened_place=0, is_weekly=False,
    )  # fmt: skip


BANK_STATEMENT = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX>
<SIGNONMSGSRSV1>
<SONRS>
<STATUS>
<CODE>0
<SEVERITY>INFO
</STATUS>
<DTSERVER>20220131202000.000[-5:EST]
<LANGUAGE>ENG
<FI>
<ORG>meridian.example
<FID>9901
</FI>
</SONRS>
</SIGNONMSGSRSV1>
<BANKMSGSRSV1>
<STMTTRNRS>
<TRNUID>0
<STATUS>
<CODE>0
<SEVERITY>INFO
</STATUS>
<STMTRS>
<CURDEF>USD
<BANKACCTFROM>
<BANKID>990000015
<ACCTID>W1000004
<ACCTTYPE>CHECKING
</BANKACCTFROM>
<BANKTRANLIST>
<DTSTART>20220104
<DTEND>20220131
<STMTTRN>
<TRNTYPE>DEP
<DTPOSTED>20220129202000.000[-5:EST]
<TRNAMT>1234.56
<FITID>20220129000003
<NAME>DEPOSIT
</STMTTRN>
</BANKTRANLIST>
<LEDGERBAL>
<BALAMT>-7.05
<DTASOF>20220131202000.000[-5:EST]
</LEDGERBAL>
<AVAILBAL>
<BALAMT>-7.05
<DTASOF>20220131202000.000[-5:EST]
</AVAILBAL>
</STMTRS>
</STMTTRNRS>
</BANKMSGSRSV1>
</OFX>
"""


def test_a_bank_statement_is_sgml_with_unclosed_leaves(scene: Market) -> None:
    account = _account("ofx_bank", "USD")
    paid = Transaction(
        account=account, number=3, type="DEPOSIT", security=None, trade_date=date(2022, 1, 29),
        settle_date=date(2022, 1, 29), reported_date=DAY, quantity=0, price=0, amount=1234_5600,
    )  # fmt: skip
    stated = ofx.Statement(account, date(2022, 1, 4), DAY, (paid,), {}, -7_0500)
    assert ofx.document(scene, stated) == BANK_STATEMENT.replace("\n", "\r\n").encode("cp1252")


def test_a_sale_in_another_currency_states_the_money_in_the_statements_own(scene: Market) -> None:
    account = _account("ofx_xml", "EUR")
    day = date(2022, 1, 28)
    sold = Transaction(
        account=account, number=9, type="SELL", security=0, trade_date=day, settle_date=date(2022, 2, 1),
        reported_date=day, quantity=-10_00000, price=170_00000, amount=1525_1700, commission=0,
    )  # fmt: skip
    root = _xml(ofx.document(scene, ofx.Statement(account, date(2022, 1, 4), DAY, (sold,), {0: 5_00000}, 100_0000)))
    usd = Decimal(scene.euro.quotes[day]["USD"])
    dealt = root.find(".//SELLSTOCK/INVSELL")
    assert dealt is not None
    assert dealt.findtext("SECID/UNIQUEID") == "037833100"
    assert dealt.findtext("UNITS") == "-10"
    assert dealt.findtext("TOTAL") == "1525.17"
    assert dealt.findtext("UNITPRICE") == str((170 / usd).quantize(Decimal("0.00001")))
    assert dealt.findtext("ORIGCURRENCY/CURSYM") == "USD"
    assert dealt.findtext("ORIGCURRENCY/CURRATE") == str((1 / usd).quantize(Decimal("0.00000001")))
    held = root.find(".//POSSTOCK/INVPOS")
    assert held is not None
    assert held.findtext("UNITS") == "5"
    assert held.findtext("CURRENCY/CURSYM") == "USD"
    assert root.findtext(".//INVBAL/AVAILCASH") == "100.00"
    assert root.findtext(".//SECLIST/STOCKINFO/SECINFO/TICKER") == "AAPL"


def test_windows_leave_no_day_out_and_every_booking_is_stated(world: World) -> None:
    accounts = [a for a in world.firm.accounts if a.style != "schwab"]
    assert {a.style for a in accounts} >= {"ofx_sgml", "ofx_xml"}
    stated: dict[str, set[str]] = {a.account_number: set() for a in accounts}
    ends: dict[str, date] = {}
    for day in world.market.days:
        for delivery in world.feeds.deliveries(day):
            if delivery.kind == "OFX":
                text = delivery.content.decode("utf-8" if b"<?xml" in delivery.content else "cp1252")
                number = delivery.name.split("_")[0]
                first, last = (_leaf(text, tag) for tag in ("DTSTART", "DTEND"))
                assert last == f"{day:%Y%m%d}"
                if number in ends:
                    assert first <= f"{date.fromordinal(ends[number].toordinal() + 1):%Y%m%d}"
                ends[number] = day
                stated[number] |= {part.split("<")[0].strip() for part in text.split("<FITID>")[1:]}
    for account in accounts:
        booked = {t.provider_id for t in world.booked.transactions if t.account == account}
        assert stated[account.account_number] == booked
        assert ends[account.account_number] == world.market.days[-1]


def test_text_in_elements_is_escaped(scene: Market) -> None:
    jnj = next(n for n, s in enumerate(scene.securities) if s.ticker == "JNJ")
    for style in ("ofx_sgml", "ofx_xml"):
        stated = ofx.Statement(_account(style, "USD"), DAY, DAY, (), {jnj: 1_00000}, 0)
        assert b"<SECNAME>JOHNSON &amp; JOHNSON" in ofx.document(scene, stated)


@pytest.mark.parametrize("style", ["ofx_sgml", "ofx_xml"])
def test_a_bond_is_quoted_in_percent_of_par(scene: Market, style: str) -> None:
    bond = next(n for n, s in enumerate(scene.securities) if s.ticker == "WNXB31")
    stated = ofx.Statement(_account(style, "USD"), DAY, DAY, (), {bond: 5000 * 100_000}, 0)
    text = ofx.document(scene, stated).decode("cp1252")
    price = Decimal(_leaf(text, "UNITPRICE"))
    assert 80 < price < 120
    assert abs(Decimal(_leaf(text, "MKTVAL")) - 5000 * price / 100) <= Decimal("0.005")
    assert "<POSDEBT>" in text


def _xml(content: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(content)  # noqa: S314  # our own bytes


def _leaf(text: str, tag: str) -> str:
    return text.split(f"<{tag}>")[1].split("<")[0].strip()
