"""What a Flex file may not be, and what becomes of unknown codes, new elements and the accounts of others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connectors.errors import FeedFault
from tests.connectors.ibflex_fixture import (
    CASH,
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

# --- codes of a firm, accounts of others, new elements ----------------------------------------------------------------


def test_an_unknown_code_is_quarantined_until_the_firm_maps_it(tmp_path: Path) -> None:
    content = document(
        statement(*(element("CashTransaction", CASH, type="Gift", transactionID=str(n)) for n in range(3)))
    )
    assert [reason for _, reason, _ in reasons(parse(tmp_path, content))] == ["unknown_code"] * 3
    own = tmp_path / "own.csv"
    own.write_text("type,sign,transaction_type\nGift,+,DEPOSIT\n")
    assert [row["transaction_type"] for row in rows(parse(tmp_path, content, codes={"cash_types": own}))] == [
        "DEPOSIT"
    ] * 3


def test_a_new_kind_of_element_is_quarantined_until_the_firm_ignores_it(tmp_path: Path) -> None:
    content = document(statement(element("Novelty", worth="1"), element("CashTransaction", CASH)))
    assert reasons(parse(tmp_path, content)) == [(4, "unknown_record_type", "element")]
    own = tmp_path / "own.csv"
    own.write_text("element,section,use\nNovelty,Novelties,ignored\n")
    result = parse(tmp_path, content, codes={"sections": own})
    assert (result.record_count, result.quarantined_count) == (2, 0)


def test_a_new_attribute_changes_nothing(tmp_path: Path) -> None:
    assert only(parse_elements(tmp_path, element("Trade", TRADE, aNewColumn="x")))["amount"] == -1001


def test_accounts_of_others_are_refused_without_their_text(tmp_path: Path) -> None:
    content = document(statement(element("Trade", TRADE)), statement(element("Trade", TRADE), account="U2"))
    result = parse(tmp_path, content, masters=["U1"])
    assert reasons(result) == [(7, "foreign_account", "accountId")]
    assert result.rejects["raw_text"].to_list() == [None]
    assert [row["account_number"] for row in rows(result, "statement_window")] == ["U1"]


# --- files that cannot be trusted as a whole --------------------------------------------------------------------------

GOOD = document(statement(element("Trade", TRADE)))


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b"", "empty_file", 0),
        (b"\xef\xbb\xbf \r\n", "empty_file", 0),
        (b"a,b\n1,2\n", "malformed_document", 1),
        (GOOD[: len(GOOD) // 2].encode(), "truncated_file", 4),
        (GOOD.replace("</FlexStatements>\n", "").encode(), "malformed_document", 6),
        (GOOD.replace('count="1"', 'count="2"').encode(), "trailer_mismatch", 2),
        (GOOD.replace('type="AF"', 'type="TCF"').encode(), "malformed_document", 1),
        (GOOD.replace("2022-01-05", "soon").encode(), "malformed_document", 3),
        (b"<FlexQueryResponse><FlexStatements/></FlexQueryResponse>", "malformed_document", 1),
        (GOOD.encode().replace(b'"EXA"', b'"EX\xff"'), "wrong_encoding", 4),
        (b'<?xml version="1.0" encoding="klingon"?>' + GOOD.encode(), "wrong_encoding", 1),
        (GOOD.encode().replace(b"EXA", b"E\0A"), "binary_content", 4),
        (b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>\n' + GOOD.encode(), "malformed_document", 1),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + GOOD.encode(), "malformed_document", 1),
        (b"<Status>&undefined;</Status>", "malformed_document", 1),
        (b"<a>" * 100, "malformed_document", 1),
        (b'<a b="' + b"x" * 6_000_000, "too_large", 1),
    ],
)
def test_a_broken_document_is_refused_by_name_and_line(tmp_path: Path, content: bytes, reason: str, line: int) -> None:
    with pytest.raises(FeedFault) as caught:
        parse(tmp_path, content)
    assert (caught.value.reason, caught.value.line) == (reason, line)


def test_an_answer_that_is_no_statement_is_refused_by_its_code(tmp_path: Path) -> None:
    answer = "<FlexStatementResponse><Status>Warn</Status><ErrorCode>1019</ErrorCode></FlexStatementResponse>"
    with pytest.raises(FeedFault, match="1019"):
        parse(tmp_path, answer)


def test_statements_that_meet_are_one_window(tmp_path: Path) -> None:
    days = [("2022-01-03", "2022-01-04"), ("2022-01-05", "2022-01-05")]
    [window] = rows(parse(tmp_path, document(*(statement(first=a, last=b) for a, b in days))), "statement_window")
    assert (window["valid_from"], window["valid_to"]) == (date(2022, 1, 3), date(2022, 1, 5))
