"""Laws of the grammar of SWIFT messages: where a message, a field and a sequence begin and end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.errors import FeedFault
from connectors.formats.identifiers import is_isin, is_sedol, whole_cusip
from connectors.formats.swift_mt import BARE, MAX_FIELD_LINES, SwiftFile, read_messages

HEAD = "{1:F01AAAABBCCAXXX0001000001}{2:I535AAAABBCCXXXXN}"


def read(folder: Path, text: str, encoding: str = "latin-1") -> SwiftFile:
    path = folder / "swift.fin"
    path.write_bytes(text.encode(encoding))
    return read_messages(path)


def messages(swift: SwiftFile) -> list[tuple[int, str, str | None]]:
    return swift.messages.select("line", "mt", "reason").rows()  # type: ignore[return-value]


def fields(swift: SwiftFile, *columns: str) -> list[tuple[Any, ...]]:
    return swift.fields.select(columns).rows()


def test_a_field_has_tag_qualifier_and_value_and_the_line_where_it_begins(tmp_path: Path) -> None:
    swift = read(
        tmp_path, f"{HEAD}{{4:\n:20:X\n:97A::SAFE//a/b//c\n:22F::TRAN/MINE/ABCD\n:35B:ISIN Y\nNAME\n:86:\n-}}\n"
    )
    assert fields(swift, "line", "last_line", "tag", "qualifier", "value") == [
        (2, 2, "20", None, "X"),
        (3, 3, "97A", "SAFE", "a/b//c"),
        (4, 4, "22F", "TRAN", "MINE/ABCD"),
        (5, 6, "35B", None, "ISIN Y\nNAME"),
        (7, 7, "86", None, ""),
    ]
    assert messages(swift) == [(1, "535", None)]


def test_a_field_knows_the_innermost_sequence_that_it_stands_in(tmp_path: Path) -> None:
    text = f"{HEAD}{{4:\n:16R:A\n:20:1\n:16R:B\n:20:2\n:16S:B\n:20:3\n:16R:B\n:20:4\n:16S:B\n:16S:A\n:20:5\n-}}"
    swift = read(tmp_path, text)
    found = swift.fields.filter(swift.fields["tag"] == "20").select("value", "block", "block_line").rows()
    assert found == [("1", "A", 2), ("2", "B", 4), ("3", "A", 2), ("4", "B", 8), ("5", None, None)]


@pytest.mark.parametrize("between", ["\n", "\r\n", "", "$\n", "\n\n\n", "{5:{CHK:1}}{S:{REF:1}}\n", "\n{5:{CHK:1}}\n"])
def test_messages_follow_each_other_in_every_way_that_senders_join_them(tmp_path: Path, between: str) -> None:
    one = f"{HEAD}{{4:\n:20:X\n-}}"
    swift = read(tmp_path, one + between + one)
    assert [(mt, reason) for _, mt, reason in messages(swift)] == [("535", None)] * 2
    assert [message for (message,) in fields(swift, "message")] == [1, 2]
    assert swift.strays.is_empty()


def test_headers_may_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    swift = read(tmp_path, "{1:F01X}\n{2:O9401200220105X}\n{3:{108:A}}\n{4:\n:20:X\n-}\n")
    assert messages(swift) == [(1, "940", None)]
    assert fields(swift, "line", "value") == [(5, "X")]


def test_text_may_follow_the_opening_of_the_block_on_its_line(tmp_path: Path) -> None:
    swift = read(tmp_path, f"{HEAD}{{4::20:X\n:21:Y\n-}}\n")
    assert fields(swift, "line", "tag") == [(1, "20"), (2, "21")]


def test_bare_text_is_cut_by_dashes_and_by_its_first_fields(tmp_path: Path) -> None:
    for text in (
        ":20:A\n:25:1\n-\n:20:B\n:25:2\n-\n",
        ":20:A\n:25:1\n:20:B\n:25:2\n",
        ":20:A\n:25:1\n\n-\n\n:20:B\n:25:2",
    ):
        swift = read(tmp_path, text)
        assert [(mt, reason) for _, mt, reason in messages(swift)] == [(BARE, None)] * 2
        assert [(message, tag) for message, tag in fields(swift, "message", "tag")] == [
            (1, "20"), (1, "25"), (2, "20"), (2, "25"),
        ]  # fmt: skip
    sequences = read(tmp_path, ":16R:GENL\n:16S:GENL\n:16R:GENL\n:16S:GENL\n")
    assert len(messages(sequences)) == 2


def test_a_dash_in_a_narrative_ends_nothing_inside_an_envelope(tmp_path: Path) -> None:
    swift = read(tmp_path, f"{HEAD}{{4:\n:86:one\n-\n- two\n?20 -\n-}}\n")
    assert fields(swift, "value") == [("one\n-\n- two\n?20 -",)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (":16R:A\n:16S:B\n:16R:B\n:16S:A\n-}\n", "malformed_document"),
        (":16S:A\n-}\n", "malformed_document"),
        (":16R:A\n:20:X\n-}\n", "truncated_file"),
        (":20:X\n", "truncated_file"),
        ("text\n:20:X\n-}\n", "malformed_document"),
        ("-}\n", "malformed_document"),
        (":86:" + "x\n" * (MAX_FIELD_LINES + 1) + "-}\n", "malformed_document"),
        (":16R:A\n" * 13 + ":16S:A\n" * 13 + "-}\n", "malformed_document"),
    ],
)
def test_a_message_that_breaks_the_grammar_leaves_its_neighbours(tmp_path: Path, body: str, reason: str) -> None:
    good = f"{HEAD}{{4:\n:20:X\n-}}\n"
    swift = read(tmp_path, good + f"{HEAD}{{4:\n{body}" + good)
    assert [found for _, _, found in messages(swift)] == [None, reason, None]
    assert messages(swift)[1][0] == 4


def test_what_stands_outside_every_message_is_named(tmp_path: Path) -> None:
    swift = read(tmp_path, f"From: a bank\n\n{HEAD}{{4:\n:20:X\n-}}\ngoodbye\n")
    assert swift.strays.rows() == [(1, "From: a bank"), (6, "goodbye")]
    assert messages(swift) == [(3, "535", None)]


@pytest.mark.parametrize("text", ["hello\n", "{5:{CHK:1}}\n", "<OFX>\n"])
def test_a_file_without_a_message_is_none_of_swift(tmp_path: Path, text: str) -> None:
    with pytest.raises(FeedFault, match="malformed_document"):
        read(tmp_path, text)
    with pytest.raises(FeedFault, match="empty_file"):
        read(tmp_path, "\n\r\n")


def test_letters_beyond_the_character_set_are_taken_as_they_are(tmp_path: Path) -> None:
    swift = read(tmp_path, ":20:X\n:86:Odsetki ą Ł\n-\n", encoding="utf-8")
    assert len(fields(swift, "tag")) == 2


def test_check_digits_of_known_securities_hold() -> None:
    for isin in ("US0378331005", "DE0007164600", "CH0012032048", "GB0002634946", "LU0323578657"):
        assert is_isin(isin)
        assert not is_isin(isin[:-1] + str((int(isin[-1]) + 1) % 10))
    for cusip in ("037833100", "594918104", "G7945E105", "78462F103", "912810RW0"):
        assert whole_cusip(cusip) == whole_cusip(cusip[:8]) == cusip
        assert whole_cusip(cusip[:8] + str((int(cusip[8]) + 1) % 10)) is None
    assert is_sedol("0263494")
    assert is_sedol("B0YBKJ7")
    assert not is_sedol("0263495")
    assert not is_sedol("A263494")
    assert [whole_cusip(text) for text in ("", "03783310!", "0378331000")] == [None] * 3
