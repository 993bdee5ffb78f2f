"""Whatever the bytes are, a statement is read under the count law or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.adapter import ParsedFile
from connectors.errors import FeedFault
from contracts.vocabularies import FILE_REASONS
from tests.connectors.ofx_fixture import (
    FOLDER,
    SAMPLES,
    SGML_HEADER,
    as_xml,
    bank,
    buy,
    investment,
    parse,
    position,
    reasons,
    rows,
    stmttrn,
)

QUICK = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
SNIPPETS = st.sampled_from(
    "< > </ <OFX> </OFX> <STMTTRN> </STMTTRN> <UNITS> <!DOCTYPE <![CDATA[ ]]> &#1; &amp; - 9 , [ <SECID> <DTASOF> "
    "<INVSTMTRS> <CURRENCY> <CURSYM>EUR \xff \n".encode("cp1252").split(b" ")
)


def outcome(folder: Path, content: bytes) -> ParsedFile | None:
    refusal: FeedFault | None = None
    try:
        return parse(folder, content)
    except FeedFault as fault:
        refusal = fault
    assert refusal.reason in FILE_REASONS
    assert refusal.detail
    assert refusal.line >= 0
    assert refusal.record_count >= 0
    return None


@given(content=st.binary(max_size=400))
@example(content=b"<OFX>")
@example(content=b"\xff\xfe<\x00O\x00F\x00X\x00>\x00")
@example(content=b"\xff\xfe<")
@QUICK
def test_random_bytes_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    assert outcome(tmp_path, content) is None
    outcome(tmp_path, SGML_HEADER.encode() + b"<OFX>" + content + b"</OFX>")


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
@QUICK
def test_a_mutated_sample_is_read_under_the_count_law_or_refused(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    text = (FOLDER / "samples" / f"{name}.ofx").read_text()
    content = bytearray((as_xml(text) if data.draw(st.booleans()) else text).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        piece = data.draw(st.one_of(st.binary(min_size=1, max_size=4), SNIPPETS))
        match data.draw(st.sampled_from(["replace", "insert", "delete", "cut", "repeat"])):
            case "replace":
                content[at : at + len(piece)] = piece
            case "insert":
                content[at:at] = piece
            case "delete":
                del content[at : at + data.draw(st.integers(1, 60))]
            case "cut":
                del content[at:]
            case _:
                content[at:at] = content[at : at + data.draw(st.integers(1, 400))]
    outcome(tmp_path, bytes(content))


GOOD_AND_BAD = st.lists(st.sampled_from(["good", "units", "date", "code", "security"]), max_size=8)
BAD = {
    "good": buy(),
    "units": buy(units="x"),
    "date": buy().replace("20220104", "20229904"),
    "code": buy(kind="X"),
    "security": buy().replace("458140100", ""),
}


@given(kinds=GOOD_AND_BAD)
@QUICK
def test_every_record_is_a_row_or_in_quarantine(tmp_path: Path, kinds: list[str]) -> None:
    result = parse(tmp_path, investment("".join(BAD[kind] for kind in kinds)))
    assert result.record_count == len(kinds)
    assert result.quarantined_count == sum(kind != "good" for kind in kinds)
    assert [row["source_line"] for row in rows(result)] == [15 + at for at, kind in enumerate(kinds) if kind == "good"]
    assert [line for line, _, _ in reasons(result)] == [15 + at for at, kind in enumerate(kinds) if kind != "good"]


AMOUNTS = st.decimals(min_value="-999999999", max_value="999999999", places=4, allow_nan=False, allow_infinity=False)


@given(amounts=st.lists(AMOUNTS, max_size=12))
@QUICK
def test_the_sum_of_bank_amounts_survives(tmp_path: Path, amounts: list[object]) -> None:
    result = parse(tmp_path, bank("".join(stmttrn("OTHER", f"{amount:+}") for amount in amounts)))
    assert [row["amount"] for row in rows(result)] == amounts


@given(noise=st.sampled_from(["", " ", "\n", "\r\n", "\t", "  \n\t "]), is_closed=st.booleans())
@QUICK
def test_white_space_between_elements_changes_nothing_but_lines(tmp_path: Path, noise: str, is_closed: bool) -> None:
    text = investment(buy(), positions=position())
    other = text.replace("<", f"{noise}<") if not is_closed else as_xml(text).replace("><", f">{noise}<")
    first, second = parse(tmp_path, text), parse(tmp_path, other)
    for table, frame in first.frames.items():
        assert frame.drop("source_line").equals(second.frames[table].drop("source_line")), table
