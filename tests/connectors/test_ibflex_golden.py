"""The sample of Flex elements and the statement put together by hand, against rows written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from connectors.custodians.ibflex.adapter import ADAPTER
from tests.connectors.golden import agrees_with_expected
from tests.connectors.ibflex_fixture import FOLDER, parse, read

SAMPLES = ["activity_20220105.xml", "ibflex_test_elements.xml"]
HEADS = {"FlexQueryResponse", "FlexStatements", "FlexStatement"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_gives_the_rows_written_down_for_it(name: str) -> None:
    agrees_with_expected(read(FOLDER / "samples" / name), FOLDER / "expected" / name)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_element_with_data_is_counted(name: str) -> None:
    path = FOLDER / "samples" / name
    elements = ElementTree.parse(path).getroot().iter()  # noqa: S314 (our own sample)
    assert read(path).record_count == sum(1 for e in elements if e.attrib and e.tag not in HEADS)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("change", ["crlf", "cr", "bom", "utf-16", "no last newline", "0x1a"])
def test_line_ends_marks_and_encodings_do_not_change_the_rows(tmp_path: Path, name: str, change: str) -> None:
    content = (FOLDER / "samples" / name).read_bytes()
    text = content.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    changed = {
        "crlf": content.replace(b"\n", b"\r\n"), "cr": content.replace(b"\n", b"\r"), "bom": b"\xef\xbb\xbf" + content,
        "utf-16": text.encode("utf-16"), "no last newline": content.rstrip(), "0x1a": content + b"\x1a\0",
    }[change]  # fmt: skip
    agrees_with_expected(parse(tmp_path, changed), FOLDER / "expected" / name)


def test_a_statement_on_one_line_gives_the_same_rows_and_counts(tmp_path: Path) -> None:
    content = (FOLDER / "samples" / "activity_20220105.xml").read_bytes()
    whole, one_line = read(FOLDER / "samples" / "activity_20220105.xml"), parse(tmp_path, content.replace(b"\n", b""))
    for table, frame in whole.frames.items():
        columns = [name for name in frame.columns if name != "source_line"]
        assert frame.sort(columns).select(columns).equals(one_line.frames[table].sort(columns).select(columns)), table
        assert set(one_line.frames[table]["source_line"]) <= {1}
    assert (one_line.record_count, one_line.quarantined_count) == (whole.record_count, whole.quarantined_count)


def test_the_text_of_a_quarantined_element_is_the_element_as_received() -> None:
    path = FOLDER / "samples" / "activity_20220105.xml"
    lines = path.read_text().splitlines()
    for row in read(path).rejects.to_dicts():
        assert row["raw_text"] == lines[row["source_line"] - 1].strip()


def test_file_names_say_kind_and_date() -> None:
    found = ADAPTER.kind_of("Daily_20220105.XML")
    assert found is not None
    assert (found[0].name, found[1]) == ("ACTIVITY", date(2022, 1, 5))
    other = ADAPTER.kind_of("download.xml")
    assert other is not None
    assert other[1] is None
    assert ADAPTER.kind_of("statement.csv") is None


def test_the_first_bytes_tell_a_flex_answer() -> None:
    assert ADAPTER.sniff is not None
    assert ADAPTER.sniff('<?xml version="1.0"?>\n<FlexQueryResponse queryName="x">') == "ACTIVITY"
    assert ADAPTER.sniff("<OFX>") is None


def test_the_sample_carries_its_licence() -> None:
    notice = (FOLDER / "samples" / "NOTICE").read_text()
    assert "ibflex_test_elements.xml" in notice
    assert "MIT License" in notice
