"""Records read by their shape are what the builder of the tree reads tag by tag, whatever the bytes are."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import FeedFault
from connectors.formats.ofx import read_document
from connectors.formats.ofx_elements import Element
from connectors.formats.ofx_shapes import Packed, Shapes
from tests.connectors.ofx_fixture import FOLDER, SAMPLES, as_xml, buy, investment, parse, rows

QUICK = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
PIECES = [
    "<", ">", "</", "</OFX>", "<STMTTRN>", "</STMTTRN>", "<UNITS>", "<![CDATA[x]]>", "&#1;", "&amp;", "&#65;", "-", ",",
    "<SECID>", "<CURRENCY><CURSYM>EUR", "\xa0", "\n", "<MEMO>", "</MEMO>", "<memo>x", "<STATUS>", "<INVTRAN>",
    "<FITID/>", "&nbsp;", "</INVTRAN>", "<!--",
]  # fmt: skip
LIST = re.compile(r"<(INVTRANLIST|BANKTRANLIST|INVPOSLIST|SECLIST)>(?:\s*<DT(?:START|END)>[^<]*(?:</DT\w+>)?)*")


def repeated(text: str) -> str:
    """The document with the records of its lists four times."""
    for found in reversed(list(LIST.finditer(text))):
        end = text.index(f"</{found[1]}>", found.end())
        text = text[: found.end()] + text[found.end() : end] * 4 + text[end:]
    return text


DOCUMENTS = [repeated((FOLDER / "samples" / f"{name}.ofx").read_text(encoding="cp1252")) for name in SAMPLES]
DOCUMENTS += [as_xml(text) for text in DOCUMENTS]


def outcome(folder: Path, content: bytes) -> list[Any]:
    try:
        result = parse(folder, content)
    except FeedFault as fault:
        return [fault.reason, fault.detail, fault.line, fault.record_count]
    frames = [frame.rows() for frame in result.frames.values()]
    return [*frames, result.rejects.rows(), result.record_count, result.quarantined_count, result.business_date]


def both_ways(folder: Path, content: bytes) -> None:
    with_shapes = outcome(folder, content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "packed", lambda *_: None)
        assert with_shapes == outcome(folder, content)


@pytest.mark.parametrize("place", range(len(DOCUMENTS)))
def test_shapes_change_nothing_of_what_a_statement_says(tmp_path: Path, place: int) -> None:
    content = DOCUMENTS[place].encode("cp1252")
    both_ways(tmp_path, content)
    assert any(isinstance(child, Packed) for child in _records(read_document(content).root))


@given(seed=st.integers(0, 2**32))
@QUICK
def test_shapes_change_nothing_of_what_a_spoilt_statement_says(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (a test's draw)
    content = draw.choice(DOCUMENTS)
    for _ in range(draw.randint(1, 3)):
        at, piece = draw.randrange(len(content)), draw.choice(PIECES)
        content = content[:at] + piece + content[at + draw.choice((0, 0, len(piece), 20)) :]
    both_ways(tmp_path, content.encode("cp1252"))


@pytest.mark.parametrize("memo", ["AT&amp;T", "&nbsp;", "3 < 4", "&#65;", "", "x\n", "<![CDATA[a]]>"])
def test_a_record_of_a_known_shape_keeps_its_own_texts_and_line(tmp_path: Path, memo: str) -> None:
    records = [buy(f"F{n}", units=str(n), more=f"<MEMO>{memo if n == 3 else 'plain'}") for n in range(1, 5)]
    found = rows(parse(tmp_path, investment("".join(records))))
    assert [(row["provider_transaction_id"], row["quantity"]) for row in found] == [(f"F{n}", n) for n in range(1, 5)]
    first = found[0]["source_line"]
    lines = [row["source_line"] for row in found]
    assert lines == [first, first + 1, first + 2, first + 3 + memo.count("\n")]


def test_a_document_of_many_shapes_is_read_all_the_same(tmp_path: Path) -> None:
    records = [buy(f"F{n}", more="".join(f"<X{bit}>1" for bit in range(9) if n >> bit & 1)) for n in range(300)]
    assert len(rows(parse(tmp_path, investment("".join(records))))) == 300


def _records(element: Element) -> list[Element]:
    found, waiting = [], [element]
    while waiting:
        current = waiting.pop()
        found.append(current)
        if not isinstance(current, Packed):
            waiting.extend(current.children)
    return found
