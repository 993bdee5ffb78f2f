"""TD Ameritrade's sample files, assembled by hand from the published columns, against rows written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from connectors.adapter import RawFile
from connectors.custodians.tda.adapter import ADAPTER
from connectors.errors import FeedFault
from tests.connectors.golden import ROOT, agrees_with_expected, connection, parsed

TDA = ROOT / "custodians" / "tda"
KINDS = ("TRN", "POS", "PRI", "SEC", "CBL", "TRD")


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_gives_the_rows_written_down_for_it(kind: str) -> None:
    name = f"REP 220105.{kind}"
    agrees_with_expected(parsed(ADAPTER, TDA / "samples" / name, ["REP"]), TDA / "expected" / name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", ["crlf", "bom", "dos", "blank"])
def test_line_ends_and_marks_do_not_change_the_rows(tmp_path: Path, kind: str, change: str) -> None:
    name = f"REP 220105.{kind}"
    content = (TDA / "samples" / name).read_bytes()
    made = {
        "crlf": content.replace(b"\n", b"\r\n"), "bom": b"\xef\xbb\xbf" + content,
        "dos": content + b"\x1a", "blank": content + b"\n   \n",
    }[change]  # fmt: skip
    (tmp_path / name).write_bytes(made)
    agrees_with_expected(parsed(ADAPTER, tmp_path / name, ["REP"]), TDA / "expected" / name)


def test_blocks_of_a_position_file_hold_what_the_whole_holds_apart_from_repetitions() -> None:
    name = "REP 220105.POS"
    path = TDA / "samples" / name
    whole = parsed(ADAPTER, path, ["REP"])
    kind, day = ADAPTER.kind_of(name) or pytest.fail("no kind")
    assert ADAPTER.blocks is not None
    blocks = list(ADAPTER.blocks(RawFile(path, name, kind, day), connection("tda", ["REP"])))
    assert sum(block.record_count for block in blocks) == whole.record_count
    for table, frame in whole.frames.items():
        found = pl.concat([block.frames[table] for block in blocks if table in block.frames])
        assert frame.join(found, on="source_line", how="anti").is_empty()
        assert found.height - frame.height == (1 if table == "canonical.custodian_position" else 0)


@pytest.mark.parametrize(
    ("name", "kind", "day"),
    [
        ("REP 220105.TRN", "TRN", date(2022, 1, 5)), ("REP220105.TRN", "TRN", date(2022, 1, 5)),
        ("rep_20220105.pos", "POS", date(2022, 1, 5)), ("1234-220105.CBL", "CBL", date(2022, 1, 5)),
        ("AB1.220105.TRF", "TRF", date(2022, 1, 5)), ("REP 220105.INI", "INI", date(2022, 1, 5)),
        ("08123456 20220105.TRN", "TRN", date(2022, 1, 5)), ("REP 229905.TRN", "TRN", None),
    ],
)  # fmt: skip
def test_the_name_says_rep_code_kind_and_day_in_several_forms(name: str, kind: str, day: date | None) -> None:
    found = ADAPTER.kind_of(name)
    assert found is not None
    assert (found[0].name, found[1]) == (kind, day)


def test_a_name_of_digits_alone_is_a_stranger_for_nobody_can_say_where_its_day_begins() -> None:
    assert ADAPTER.kind_of("1234220105.TRN") is None
    assert ADAPTER.kind_of("REP 220105.XYZ") is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_line_tells_the_kind(kind: str) -> None:
    assert ADAPTER.sniff is not None
    assert ADAPTER.sniff((TDA / "samples" / f"REP 220105.{kind}").read_bytes().decode("latin-1")) == kind
    assert ADAPTER.sniff("HD|SCHWAB|") is None


def test_a_cost_basis_file_of_positions_is_kept_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "REP 220105.CBP"
    path.write_bytes(b"anything,at,all\n")
    result = parsed(ADAPTER, path, ["REP"])
    assert (result.record_count, result.frames) == (0, {})


def test_a_file_of_another_rep_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "OTHER 220105.POS"
    path.write_bytes(b"900000001,C,EQ,AAPL,1,1\n")
    with pytest.raises(FeedFault, match="unrecognised_file"):
        parsed(ADAPTER, path, ["REP"])
