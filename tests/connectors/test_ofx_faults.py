"""Bad records are held back by name, with line and field; the rest of the statement goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import FeedFault
from tests.connectors.ofx_fixture import (
    FOLDER,
    INTEL,
    SGML_HEADER,
    SIGN_ON,
    STATUS_OK,
    bank,
    buy,
    head,
    investment,
    investment_set,
    parse,
    position,
    reasons,
    rows,
    stmttrn,
)

FAULT_LINE = 16
"""Line of the record that follows a first good purchase in ``investment``."""


def refused(folder: Path, content: bytes | str) -> FeedFault:
    with pytest.raises(FeedFault) as caught:
        parse(folder, content)
    return caught.value


@pytest.mark.parametrize(
    ("record", "reason", "field"),
    [
        (buy().replace("20220104", "20220230"), "impossible_date", "DTTRADE"),
        (buy().replace("<DTTRADE>20220104", ""), "missing_value", "DTTRADE"),
        (buy().replace("<DTTRADE>20220104", "<DTTRADE>00000000"), "missing_value", "DTTRADE"),
        (buy().replace("20220106", "soon"), "impossible_date", "DTSETTLE"),
        (buy(units="ten"), "unparsable_number", "UNITS"),
        (buy(units="1,000"), "unparsable_number", "UNITS"),
        (buy(units="1e3"), "unparsable_number", "UNITS"),
        (buy(units=""), "missing_value", "UNITS"),
        (buy(units="1000000000000"), "number_out_of_range", "UNITS"),
        (buy(total=""), "missing_value", "TOTAL"),
        (buy(total="10000000000000000"), "number_out_of_range", "TOTAL"),
        (buy().replace("<COMMISSION>5", "<COMMISSION>five"), "unparsable_number", "COMMISSION"),
        (buy(kind="HOLD"), "unknown_code", "BUYTYPE"),
        (buy().replace("<BUYTYPE>BUY", ""), "missing_value", "BUYTYPE"),
        (buy().replace(INTEL, ""), "missing_value", "SECID"),
        (buy().replace("458140100", ""), "missing_value", "UNIQUEID"),
        (buy().replace("458140100", "X" * 61), "contract_violation", "UNIQUEID"),
        (buy("F" * 241), "contract_violation", "FITID"),
        (buy(more="<CURRENCY><CURRATE>1</CURRENCY>"), "missing_value", "CURSYM"),
        (buy(more="<CURRENCY><CURRATE>1<CURSYM>DOLLAR</CURRENCY>"), "unknown_code", "CURSYM"),
        (f"\n<INCOME>{head()}{INTEL}<INCOMETYPE>RENT<TOTAL>1</INCOME>", "unknown_code", "INCOMETYPE"),
        (f"\n<TRANSFER>{head()}{INTEL}<UNITS>1<TFERACTION>IN<POSTYPE>FLAT</TRANSFER>", "unknown_code", "POSTYPE"),
        (f"\n<SPLIT>{head()}{INTEL}<OLDUNITS>1</SPLIT>", "missing_value", "NEWUNITS"),
        ("\n<BUYOTHER></BUYOTHER>", "missing_value", "INVBUY"),
        (f"\n<BUYCRYPTO>{head()}<TOTAL>1</BUYCRYPTO>", "unknown_code", "BUYCRYPTO"),
        (f"\n<INVBANKTRAN>{stmttrn('BARTER', '1')}</INVBANKTRAN>", "unknown_code", "TRNTYPE"),
        (f"\n<INVBANKTRAN>{stmttrn('HOLD', '1')}</INVBANKTRAN>", "unknown_code", "TRNTYPE"),
        (f"\n<INVBANKTRAN>{stmttrn('DEP', 'much')}</INVBANKTRAN>", "unparsable_number", "TRNAMT"),
        ("\n<INVBANKTRAN><SUBACCTFUND>CASH</INVBANKTRAN>", "missing_value", "STMTTRN"),
    ],
)
def test_a_bad_transaction_is_held_back_with_line_and_field(
    tmp_path: Path, record: str, reason: str, field: str
) -> None:
    result = parse(tmp_path, investment(buy("GOOD") + record + buy("LAST")))
    assert reasons(result) == [(FAULT_LINE, reason, field)]
    assert [row["provider_transaction_id"] for row in rows(result)] == ["GOOD", "LAST"]
    assert (result.record_count, result.quarantined_count) == (3, 1)
    row = result.rejects.row(0, named=True)
    assert row["table_name"] == "canonical.transaction"
    assert row["raw_text"].startswith(record.strip()[:20])


def test_a_record_with_two_faults_shows_both_and_counts_once(tmp_path: Path) -> None:
    result = parse(tmp_path, investment(buy("GOOD") + buy(units="x", total="y")))
    assert reasons(result) == [
        (FAULT_LINE, "unparsable_number", "TOTAL"),
        (FAULT_LINE, "unparsable_number", "UNITS"),
    ]
    assert (result.record_count, result.quarantined_count) == (2, 1)


def test_the_detail_names_the_fields_own_line_and_no_value(tmp_path: Path) -> None:
    record = buy(units="4711x").replace("<UNITS>", "\n\n<UNITS>")
    detail = parse(tmp_path, investment(buy() + record)).rejects["detail"][0]
    assert detail.startswith(f"UNITS (line {FAULT_LINE + 2})")
    assert "4711" not in detail


def test_faults_of_one_line_are_one_reject_that_says_how_many(tmp_path: Path) -> None:
    text = investment(buy(units="x") * 3).replace("\n<BUYSTOCK>", "<BUYSTOCK>")
    result = parse(tmp_path, text)
    [row] = result.rejects.to_dicts()
    assert row["detail"].endswith("; 2 more on this line")
    assert (result.record_count, result.quarantined_count) == (3, 3)


@pytest.mark.parametrize(
    ("record", "reason", "field"),
    [
        (position(units="x"), "unparsable_number", "UNITS"),
        (position(units=""), "missing_value", "UNITS"),
        (position(side="FLAT"), "unknown_code", "POSTYPE"),
        (position(side=""), "missing_value", "POSTYPE"),
        (position(price="dear"), "unparsable_number", "UNITPRICE"),
        (position().replace("20220104", "20220134"), "impossible_date", "DTPRICEASOF"),
        (position().replace("POSSTOCK", "POSCRYPTO"), "unknown_code", "POSCRYPTO"),
        (position().replace(INTEL, ""), "missing_value", "SECID"),
    ],
)
def test_a_bad_position_is_held_back_and_gives_no_price(tmp_path: Path, record: str, reason: str, field: str) -> None:
    result = parse(tmp_path, investment(positions=record))
    assert [(found, name) for _, found, name in reasons(result)] == [(reason, field)]
    assert rows(result, "custodian_position") == rows(result, "price") == []
    assert (result.record_count, result.quarantined_count) == (1, 1)


@pytest.mark.parametrize(
    ("entry", "reason", "field"),
    [
        (f"<STOCKINFO><SECINFO>{INTEL}</SECINFO></STOCKINFO>", "missing_value", "SECNAME"),
        ("<STOCKINFO></STOCKINFO>", "missing_value", "SECINFO"),
        (f"<CRYPTOINFO><SECINFO>{INTEL}<SECNAME>n</SECINFO></CRYPTOINFO>", "unknown_code", "CRYPTOINFO"),
        (f"<MFINFO><SECINFO>{INTEL}<SECNAME>n</SECINFO><ASSETCLASS>ART</MFINFO>", "unknown_code", "ASSETCLASS"),
        (f"<OPTINFO><SECINFO>{INTEL}<SECNAME>n</SECINFO><SHPERCTRCT>-1</OPTINFO>", "number_out_of_range", "SHPERCTRCT"),
        (
            f"<STOCKINFO><SECINFO>{INTEL}<SECNAME>n<TICKER>{'T' * 65}</SECINFO></STOCKINFO>",
            "contract_violation",
            "TICKER",
        ),
    ],
)
def test_a_bad_security_is_held_back(tmp_path: Path, entry: str, reason: str, field: str) -> None:
    result = parse(tmp_path, investment(extra=f"<SECLISTMSGSRSV1><SECLIST>{entry}</SECLIST></SECLISTMSGSRSV1>"))
    assert (reason, field) in [(found, name) for _, found, name in reasons(result)]
    assert rows(result, "security") == []
    assert (result.record_count, result.quarantined_count) == (1, 1)


def test_a_bad_balance_is_held_back(tmp_path: Path) -> None:
    result = parse(tmp_path, investment(balances="<INVBAL><AVAILCASH>?<MARGINBALANCE>1</INVBAL>"))
    assert [(reason, field) for _, reason, field in reasons(result)] == [("unparsable_number", "AVAILCASH")]
    assert [row["balance_type"] for row in rows(result, "custodian_balance")] == ["margin"]
    assert (result.record_count, result.quarantined_count) == (2, 1)


@pytest.mark.parametrize(
    ("old", "new", "reason", "field"),
    [
        ("<CURDEF>USD", "<CURDEF>US", "unknown_code", "CURDEF"),
        ("<ACCTID>A1", "<ACCTID>", "missing_value", "ACCTID"),
        ("<ACCTID>A1", f"<ACCTID>{'9' * 65}", "contract_violation", "ACCTID"),
        ("<DTASOF>20220105160000", "<DTASOF>20221305", "impossible_date", "DTASOF"),
    ],
)
def test_a_statement_with_a_bad_head_is_held_back_whole(
    tmp_path: Path, old: str, new: str, reason: str, field: str
) -> None:
    text = investment(buy() + buy("F2"), positions=position(), balances="<INVBAL><AVAILCASH>1</INVBAL>")
    result = parse(tmp_path, text.replace(old, new))
    assert {(found, name) for _, found, name in reasons(result)} == {(reason, field)}
    assert all(frame.is_empty() for frame in result.frames.values())
    assert (result.record_count, result.quarantined_count) == (4, 4)
    empty = parse(tmp_path, investment().replace(old, new))
    assert [(found, name) for _, found, name in reasons(empty)] == [(reason, field)]


def test_a_statement_without_currency_is_in_the_connections(tmp_path: Path) -> None:
    result = parse(tmp_path, investment(buy()).replace("<CURDEF>USD", ""))
    assert rows(result, "account")[0]["base_currency"] == rows(result)[0]["currency"] == "USD"


def test_an_account_that_is_not_the_connections_is_held_back_and_the_others_go_on(tmp_path: Path) -> None:
    own, foreign = investment_set(buy()), investment_set(buy("X1") + buy("X2"), account="Z9")
    result = parse(tmp_path, f"{SGML_HEADER}<OFX>{own}{foreign}</OFX>", masters=["A1", "A2"])
    assert {reason for _, reason, _ in reasons(result)} == {"foreign_account"}
    assert [row["account_number"] for row in rows(result)] == ["A1"]
    assert [row["account_number"] for row in rows(result, "account")] == ["A1"]
    assert [row["account_number"] for row in rows(result, "statement_window")] == ["A1"]
    assert (result.record_count, result.quarantined_count) == (3, 2)
    assert all("Z9" not in detail for detail in result.rejects["detail"])


def test_a_bad_window_is_reported_and_retracts_nothing(tmp_path: Path) -> None:
    for start, reason in (("20220199", "impossible_date"), ("20220106", "impossible_date"), ("", "missing_value")):
        result = parse(tmp_path, investment(buy()).replace("<DTSTART>20220101", f"<DTSTART>{start}"))
        assert [(found, name) for _, found, name in reasons(result)] == [(reason, "DTSTART")]
        assert rows(result, "statement_window") == []
        assert (result.record_count, result.quarantined_count) == (1, 0)


@pytest.mark.parametrize(("code", "message_set"), [("15500", "SIGNONMSGSRSV1"), ("2003", "INVSTMTMSGSRSV1")])
def test_a_providers_error_without_a_statement_refuses_the_file(tmp_path: Path, code: str, message_set: str) -> None:
    status = f"<STATUS><CODE>{code}<SEVERITY>ERROR<MESSAGE>Dear J. Doe</STATUS>"
    inner = {
        "SIGNONMSGSRSV1": f"<SIGNONMSGSRSV1><SONRS>{status}</SONRS></SIGNONMSGSRSV1>",
        "INVSTMTMSGSRSV1": f"{SIGN_ON}<INVSTMTMSGSRSV1><INVSTMTTRNRS>{status}</INVSTMTTRNRS></INVSTMTMSGSRSV1>",
    }[message_set]
    fault = refused(tmp_path, f"{SGML_HEADER}<OFX>{inner}</OFX>")
    assert fault.reason == "malformed_document"
    assert code in fault.detail
    assert message_set in fault.detail
    assert "Doe" not in fault.detail
    assert fault.line >= 11


def test_a_providers_error_for_one_account_is_a_record_held_back(tmp_path: Path) -> None:
    failed = (
        "<INVSTMTMSGSRSV1>\n<INVSTMTTRNRS><STATUS><CODE>2003<SEVERITY>ERROR</STATUS></INVSTMTTRNRS></INVSTMTMSGSRSV1>"
    )
    result = parse(tmp_path, f"{SGML_HEADER}<OFX>{failed}{investment_set(buy())}</OFX>")
    assert reasons(result) == [(12, "missing_value", "STATUS")]
    assert "2003 in INVSTMTMSGSRSV1" in result.rejects["detail"][0]
    assert (result.record_count, result.quarantined_count) == (2, 1)


def test_a_document_without_statement_is_refused(tmp_path: Path) -> None:
    fault = refused(tmp_path, f"{SGML_HEADER}<OFX>{SIGN_ON}</OFX>")
    assert (fault.reason, fault.line) == ("malformed_document", 1)


def test_a_truncated_statement_takes_nothing_and_counts_what_it_lost(tmp_path: Path) -> None:
    content = (FOLDER / "samples" / "td_ameritrade.ofx").read_bytes()
    fault = refused(tmp_path, content[: content.index(b"<SECLIST>")])
    assert (fault.reason, fault.line, fault.record_count) == ("truncated_file", 180, 4)


def test_a_file_larger_than_the_bound_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.custodians.ofx.adapter.MAX_BYTES", 100)
    assert refused(tmp_path, bank("")).reason == "too_large"


def test_a_status_of_information_is_no_error(tmp_path: Path) -> None:
    assert "INFO" in STATUS_OK
    assert parse(tmp_path, bank(stmttrn("DEP", "1")).replace("INFO", "WARN")).record_count == 1
