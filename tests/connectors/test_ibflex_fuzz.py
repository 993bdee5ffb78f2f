"""Whatever the bytes are, a Flex file is read under the count law or refused by name."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.adapter import ParsedFile
from connectors.errors import FeedFault
from contracts.vocabularies import FILE_REASONS
from tests.connectors.ibflex_fixture import CASH, FOLDER, POSITION, TRADE, element, parse, parse_elements

QUICK = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
HEADS = {"FlexQueryResponse", "FlexStatements", "FlexStatement"}
CONTENTS = [path.read_bytes() for path in sorted((FOLDER / "samples").glob("*.xml"))]
PIECES = [
    b"<", b">", b'"', b"&", b"&#0;", b"&amp;", b"<!DOCTYPE x>", b"<![CDATA[", b"-->", b"\xff", b"\0", b"/>",
    b"U1000002",
    b"EXECUTION", b"LOT", b"SUMMARY", b"999999999999999999999", b"2022-02-30", b' conid="7"', b"CASH", b"BASE_SUMMARY",
    b"<Trade/>", b'<Trade a="1"/>', b'<FlexStatement accountId="U9" fromDate="20220101" toDate="20220101"/>', b"Ca",
    b"-", b"klingon",
]  # fmt: skip


def outcome(folder: Path, content: bytes) -> ParsedFile | None:
    """The result, whose count must be that of an independent reader; None for a file that was refused by name."""
    try:
        result = parse(folder, content)
    except FeedFault as fault:
        if fault.reason not in FILE_REASONS or not fault.detail or fault.line < 0:
            raise
        return None
    body = content.rstrip(b"\xef\xbb\xbf\0\x1a \t\r\n\f")
    elements = ElementTree.fromstring(body).iter()  # noqa: S314 (read by the connector before, which refuses entities)
    assert result.record_count == sum(1 for e in elements if e.attrib and e.tag not in HEADS)
    return result


def mutated(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 5)):
        at = draw.randrange(len(changed) + 1)
        piece = draw.choice([*PIECES, draw.randbytes(3)])
        match draw.randrange(5):
            case 0:
                changed[at : at + len(piece)] = piece
            case 1:
                changed[at:at] = piece
            case 2:
                del changed[at : at + draw.randint(1, 60)]
            case 3 if draw.random() < 0.2:
                del changed[at:]
            case _:
                changed[at:at] = changed[at : at + draw.randint(1, 400)]
    return bytes(changed)


@given(content=st.binary(max_size=300))
@QUICK
def test_random_bytes_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    assert outcome(tmp_path, content) is None


@given(seed=st.integers(0, 2**32), place=st.integers(0, len(CONTENTS) - 1))
@QUICK
def test_a_mutated_sample_is_read_under_the_count_law_or_refused(tmp_path: Path, seed: int, place: int) -> None:
    outcome(tmp_path, mutated(CONTENTS[place], random.Random(seed)))  # noqa: S311 (a test's draw)


RECORDS = {
    "good": element("Trade", TRADE), "number": element("Trade", TRADE, quantity="x"),
    "date": element("Trade", TRADE, tradeDate="20229999"), "code": element("CashTransaction", CASH, type="?"),
    "cash": element("CashTransaction", CASH), "position": element("OpenPosition", POSITION, position="1e9"),
    "ignored": element("ConversionRate", rate="1"), "new": element("Novelty", a="1"),
}  # fmt: skip
BAD = {"number", "date", "code", "position", "new"}


@given(kinds=st.lists(st.sampled_from(sorted(RECORDS)), max_size=10))
@QUICK
def test_every_record_is_taken_or_in_quarantine(tmp_path: Path, kinds: list[str]) -> None:
    result = parse_elements(tmp_path, *(RECORDS[kind] for kind in kinds))
    assert result.record_count == len(kinds)
    held = {line for line, kind in enumerate(kinds, start=4) if kind in BAD}
    assert result.quarantined_count == len(held)
    assert set(result.rejects["source_line"]) == held
    booked = {line for line, kind in enumerate(kinds, start=4) if kind in ("good", "cash")}
    assert set(result.frames["canonical.transaction"]["source_line"]) == booked


@pytest.mark.full
def test_fuzzing_finds_no_crash_no_hang_and_no_silent_loss(tmp_path: Path) -> None:
    ends = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    draw, read = random.Random(20220105), 0  # noqa: S311 (a test's draw)
    while time.monotonic() < ends:
        read += outcome(tmp_path, mutated(draw.choice(CONTENTS), draw)) is not None
    assert read
