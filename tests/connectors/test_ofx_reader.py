"""The syntax of OFX: what is read, what is refused, and on which line."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from connectors.errors import FeedFault
from connectors.formats.ofx import MAX_DEPTH, MAX_TEXT_CHARACTERS, read_document
from connectors.formats.ofx_encoding import header_of
from connectors.formats.ofx_values import local_moment, scaled_number
from contracts.vocabularies import FILE_REASONS
from tests.connectors.ofx_fixture import SGML_HEADER, XML_HEADER

TREE = """<OFX>
<SONRS>
\t<STATUS><CODE>0<SEVERITY>INFO
\t</STATUS>
<LANGUAGE>ENG
</SONRS></OFX>"""


def refused(content: bytes | str) -> FeedFault:
    with pytest.raises(FeedFault) as caught:
        read_document(content.encode() if isinstance(content, str) else content)
    return caught.value


def leaf(text: str) -> str:
    """The text of the MEMO leaf of a document made of ``text``."""
    root = read_document(f"{SGML_HEADER}<OFX><STMTTRN>{text}<FITID>7</STMTTRN></OFX>".encode("cp1252")).root
    [entry] = root.children
    assert entry.fields["FITID"] == "7"
    return entry.fields["MEMO"]


def test_every_aggregate_knows_its_line() -> None:
    root = read_document((SGML_HEADER + TREE).encode()).root
    sign_on = root.children[0]
    status = sign_on.children[0]
    assert (root.line, sign_on.line, status.line) == (11, 12, 13)
    assert status.fields == {"CODE": "0", "SEVERITY": "INFO"}
    assert sign_on.fields == {"LANGUAGE": "ENG"}


def test_a_field_is_found_on_its_own_line() -> None:
    document = read_document((SGML_HEADER + TREE).encode())
    sign_on = document.root.children[0]
    assert document.line_of(sign_on, "LANGUAGE") == 15
    assert document.line_of(sign_on, "ABSENT") == sign_on.line
    assert document.source_of(sign_on.children[0]).startswith("<STATUS><CODE>0")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("<MEMO>plain", "plain"),
        ("<MEMO>  blanks around \t\n", "blanks around"),
        ("<MEMO>closed</MEMO>", "closed"),
        ("<MEMO>closed late\n</MEMO >", "closed late"),
        ("<memo>lower case</memo>", "lower case"),
        ("<MEMO>", ""),
        ("<MEMO></MEMO>", ""),
        ("<MEMO/>", ""),
        ("<MEMO>\n", ""),
        ("<MEMO>S&amp;P &lt;500&gt; &#65;&#x42;", "S&P <500> AB"),
        ("<MEMO>a&nbsp;b", "a b"),
        ("<MEMO>&amp;lt;", "&lt;"),
        ("<MEMO>AT&T & Co", "AT&T & Co"),
        ("<MEMO>&undefined;", "&undefined;"),
        ("<MEMO>3 < 4", "3 < 4"),
        ("<MEMO><![CDATA[a <b> & c]]></MEMO>", "a <b> & c"),
        ("<MEMO><![CDATA[left open]]>", "left open"),
        ("<MEMO>kept<!-- a remark --></MEMO>", "kept"),
        ("<MEMO>first<MEMO>second", "first"),
        ("<MEMO>caf\u00e9 \u20ac5", "caf\u00e9 \u20ac5"),
    ],
)
def test_leaves_are_read_as_real_files_write_them(written: str, meant: str) -> None:
    assert leaf(written) == meant


def test_an_empty_leaf_without_end_tag_does_not_swallow_the_aggregates_after_it() -> None:
    root = read_document(b"<OFX><STMTTRN><MEMO><CHECKNUM><CURRENCY><CURSYM>USD</CURRENCY><FITID>1</STMTTRN></OFX>").root
    [entry] = root.children
    assert entry.fields == {"MEMO": "", "CHECKNUM": "", "FITID": "1"}
    assert [child.tag for child in entry.children] == ["CURRENCY"]


def test_attributes_and_comments_of_xml_are_passed_over() -> None:
    text = (
        f'{XML_HEADER}<!-- made today -->\n<OFX xmlns="urn:x"><STMTTRN a="1"><FITID>1</FITID></STMTTRN></OFX>\n<!-- -->'
    )
    [entry] = read_document(text.encode()).root.children
    assert entry.fields == {"FITID": "1"}


@pytest.mark.parametrize(
    ("header", "codec"),
    [
        (SGML_HEADER, "cp1252"),
        (SGML_HEADER.replace("CHARSET:1252", "CHARSET:ISO-8859-1"), "cp1252"),
        (SGML_HEADER.replace("USASCII", "UTF-8").replace("CHARSET:1252", "CHARSET:NONE"), "utf-8"),
        (SGML_HEADER.replace("USASCII", "UNICODE").replace("CHARSET:1252", "CHARSET:NONE"), "utf-8"),
        (SGML_HEADER.replace("\n", " "), "cp1252"),
        (SGML_HEADER.replace("\n", ""), "cp1252"),
        (SGML_HEADER.replace("\n", "\r\n"), "cp1252"),
        (XML_HEADER, "utf-8"),
        (XML_HEADER.replace("UTF-8", "iso-8859-1"), "cp1252"),
        (XML_HEADER.replace(' encoding="UTF-8"', ""), "utf-8"),
        ("\ufeff" + SGML_HEADER, "utf-8"),
        (SGML_HEADER, "utf-16"),
        ("", "utf-8"),
    ],
)
def test_the_declared_character_set_is_honoured(header: str, codec: str) -> None:
    root = read_document(f"{header}<OFX><FI><ORG>Cr\u00e9dit</FI></OFX>".encode(codec)).root
    assert root.children[0].fields["ORG"] == "Cr\u00e9dit"


def test_header_keys_are_told_apart_even_on_one_line() -> None:
    header = header_of(SGML_HEADER.replace("\n", "").encode() + b"<OFX>")
    assert (header["OFXHEADER"], header["ENCODING"], header["CHARSET"]) == ("100", "USASCII", "1252")


BODY = "<OFX><FI><ORG>x</FI></OFX>"
BOMB = '<!DOCTYPE OFX [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE OFX [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b"", "empty_file", 0),
        (b"\xef\xbb\xbf \r\n\x1a", "empty_file", 0),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "binary_content", 3),
        (b"PK\x03\x04 zip", "binary_content", 1),
        (b"date,amount\n2022-01-05,1\n", "malformed_document", 1),
        ((XML_HEADER + BOMB + BODY).encode(), "malformed_document", 3),
        ((XML_HEADER + EXTERNAL + "<OFX><FI><ORG>&x;</FI></OFX>").encode(), "malformed_document", 3),
        (b"<OFX>\n<!ENTITY a 'b'></OFX>", "malformed_document", 2),
        ((SGML_HEADER + "<OFX>\n<FI><ORG>x\n").encode(), "truncated_file", 13),
        ((SGML_HEADER + "<OFX>\n<FI><ORG>x</FI></OF").encode(), "truncated_file", 12),
        ((SGML_HEADER + "<OFX>\n<FI><ORG>x</FI>\n<!-- ").encode(), "truncated_file", 13),
        ((SGML_HEADER + "<OFX>\n<STMTTRN><FITID>1\n</OFX>").encode(), "malformed_document", 13),
        ((SGML_HEADER + "<OFX>\n</FI></OFX>").encode(), "malformed_document", 12),
        ((SGML_HEADER + "<OFX>\n<FI></FI>stray</OFX>").encode(), "malformed_document", 12),
        ((SGML_HEADER + "<OFX>\n<STMTTRN>text</STMTTRN></OFX>").encode(), "malformed_document", 12),
        ((SGML_HEADER + BODY + "\n" + BODY).encode(), "malformed_document", 12),
        ((SGML_HEADER + "<OFX><FI>\n<ORG>&#0;</FI></OFX>").encode(), "malformed_document", 12),
        ((SGML_HEADER + "<OFX><FI>\n<ORG>&#xD800;</FI></OFX>").encode(), "malformed_document", 12),
        (SGML_HEADER.replace("COMPRESSION:NONE", "COMPRESSION:GZIP").encode() + b"<OFX>", "malformed_document", 1),
        ((XML_HEADER + "<OFX>\n<FI><ORG>").encode() + b"Cr\xe9dit</ORG></FI></OFX>", "wrong_encoding", 4),
        (SGML_HEADER.encode() + b"<OFX><FI><ORG>\x81</FI></OFX>", "wrong_encoding", 11),
        (SGML_HEADER.replace("1252", "KLINGON").encode() + BODY.encode(), "wrong_encoding", 1),
    ],
)
def test_a_broken_document_is_refused_by_name_and_line(content: bytes, reason: str, line: int) -> None:
    fault = refused(content)
    assert (fault.reason, fault.line) == (reason, line)


def test_every_truncation_of_a_document_is_refused() -> None:
    content = (SGML_HEADER + TREE).encode()
    for size in range(len(content) - 1):
        reason = refused(content[:size]).reason
        assert reason in FILE_REASONS
        if size > content.index(b"<OFX>") + 5:
            assert reason == "truncated_file"


def test_depth_and_length_of_a_text_are_bounded() -> None:
    deep = "<A1>" * 100_000
    assert refused(f"<OFX>{deep}").reason == "malformed_document"
    fits = "<STMTRS>" * (MAX_DEPTH - 1)
    assert read_document(f"<OFX>{fits}{fits.replace('<', '</')}</OFX>".encode()).root.children
    long = "x" * (MAX_TEXT_CHARACTERS + 1)
    assert refused(f"<OFX><FI><ORG>{long}</FI></OFX>").reason == "too_large"
    assert refused("x" * 100_000 + "<OFX></OFX>").reason == "malformed_document"


def test_the_number_of_tags_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.formats.ofx.MAX_TAGS", 6)
    assert read_document(b"<OFX><FI><ORG>x</FI></OFX>").root.children
    assert refused(b"<OFX><FI><ORG>x<FID>1<FID>2</FI></OFX>").reason == "too_large"


def test_opening_tags_without_end_do_not_take_quadratic_work() -> None:
    for piece in ("<A1 ", "<![CDATA[", "<!--", "</A1", "<A1>&", "< "):
        refused("<OFX>" + piece * 200_000)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20091215", datetime(2009, 12, 15)),
        ("200912152020", datetime(2009, 12, 15, 20, 20)),
        ("20091215202000.000[-5:EST]", datetime(2009, 12, 15, 20, 20)),
        ("20091215235959.999[-:EST]", datetime(2009, 12, 15, 23, 59, 59)),
        ("20091215000000[0:GMT]", datetime(2009, 12, 15)),
        ("20240229000000.000 [+5.5:IST]", datetime(2024, 2, 29)),
        ("00000000", None),
        ("99991231000000", None),
    ],
)
def test_a_date_is_the_providers_local_one(text: str, moment: datetime | None) -> None:
    assert local_moment(text) == moment


@pytest.mark.parametrize(
    "text", ["20230229", "20221301", "2022", "20220101250000", "2022-01-05", "١٢٣٤٥٦٧٨", "18991231"]
)
def test_a_date_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"OFX|year|month|day|hour"):
        local_moment(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+00000000000007.9500", "7.95"),
        ("-00000000002571.4500", "-2571.45"),
        (".5", "0.5"),
        ("12,34", "12.34"),
        ("5.", "5"),
        ("-0.00", "0"),
        ("0.12345", "0.1234"),
        ("0.12355", "0.1236"),
        ("9999999999999999.9999", "9999999999999999.9999"),
    ],
)
def test_numbers_are_exact_and_rounded_half_even_once(text: str, value: str) -> None:
    assert str(scaled_number(text, 4)) == str(Decimal(value).quantize(Decimal("0.0001")))


@pytest.mark.parametrize("text", ["1,234", "1,234.56", "1e5", "NaN", "Infinity", "--1", "1-", "", "٣", "1" * 41, "$5"])
def test_what_is_no_number_or_may_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"OFX|year|month|day|hour"):
        scaled_number(text, 4)


def test_a_number_too_large_for_the_contract_is_told_apart() -> None:
    with pytest.raises(OverflowError):
        scaled_number("10000000000000000", 4)
    with pytest.raises(OverflowError):
        scaled_number("1000000000000", 8)
