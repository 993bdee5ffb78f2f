"""Position files read in blocks: neither where a block ends nor whether its lines are plain may change a row."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.adapter import ParsedFile
from connectors.custodians.pershing import logical
from connectors.errors import FeedFault
from connectors.formats.lines import iterate_blocks
from tests.connectors.golden import edited
from tests.connectors.pershing_fixture import (
    behind,
    framed,
    parsed_or_refused,
    position,
    signed,
    written,
)

CUSIPS = ("037833100", "594918104", "PER835DQ2", "EUR999996", "USD999997")


@st.composite
def records(draw: st.DrawFn, sequence: int) -> list[str]:
    """The lines of one record, as most are or as few are."""
    cusip = draw(st.sampled_from(CUSIPS))
    first = position(
        sequence,
        cusip,
        signed(draw(st.integers(0, 10**9)), draw(st.sampled_from("+-"))),
        (283, signed(draw(st.sampled_from([0, 0, 5])))),
        account_type=draw(st.sampled_from("1239048")),
        indicator="C" if cusip.endswith(("99996", "99997")) else "S",
    )
    second = behind(first, (417, signed(1_500)), (92, draw(st.sampled_from(["", "ABC   180615C000000000001500000"]))))
    shapes = {
        "A": [first], "AB": [first, second], "ABB": [first, second, second], "B": [second], "A B": [first, "", second],
        "cut": [first[:700]], "word": [edited(first, {1: "ZZ"})], "wide": [edited(first, {538: "SOCIÉTÉ"}), second],
        "wide cut": [edited(first, {538: "É"})[:748] + "X"], "bad": [edited(first, {80: "x"}), second],
        "A blank": [first, " " * 750],
    }  # fmt: skip
    return shapes[draw(st.sampled_from(["A", "A", "AB", "AB", *shapes]))]


@st.composite
def files(draw: st.DrawFn) -> list[str]:
    """A whole file's lines."""
    count = draw(st.integers(1, 12))
    rows = [line for n in range(1, count + 1) for line in draw(records(n))]
    return framed("GCUS", rows, flavour="REFRESHED", count=sum(bool(row.strip()) for row in rows))


@contextmanager
def block_bytes(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(iterate_blocks.__kwdefaults__, "block_bytes", size)  # type: ignore[arg-type]
        yield


def same(one: ParsedFile | FeedFault, other: ParsedFile | FeedFault) -> bool:
    if isinstance(one, FeedFault) or isinstance(other, FeedFault):
        return repr(one) == repr(other)
    tables = one.frames.keys() == other.frames.keys()
    counts = (one.record_count, one.quarantined_count) == (other.record_count, other.quarantined_count)
    frames = all(other.frames[name].equals(frame) for name, frame in one.frames.items())
    return tables and counts and frames and one.rejects.equals(other.rejects)


@given(files(), st.integers(700, 4000))
@settings(deadline=None, max_examples=40)
def test_where_a_block_ends_changes_nothing(lines: list[str], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), "20180605.GCUS", lines)
        whole = parsed_or_refused(path)
        with block_bytes(size):
            assert same(parsed_or_refused(path), whole)


@given(files())
@settings(deadline=None, max_examples=40)
def test_lines_told_at_once_are_read_as_lines_told_one_by_one(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = written(Path(folder), "20180605.GCUS", lines)
        at_once = parsed_or_refused(path)
        patch.setattr(logical, "plain_records", lambda *_: None)
        assert same(parsed_or_refused(path), at_once)


def test_plain_records_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without this the two ways of the test above would be one."""
    monkeypatch.setattr(logical, "_read_framed", lambda *_: pytest.fail("a frame of lines was made"))
    first, second = (position(n, CUSIPS[n], signed(n)) for n in (0, 1))
    rows = [first, behind(first, (417, signed(1_500))), second]
    found = parsed_or_refused(written(tmp_path, "20180605.GCUS", framed("GCUS", rows, flavour="REFRESHED")))
    assert isinstance(found, ParsedFile)
    assert found.record_count == 2
