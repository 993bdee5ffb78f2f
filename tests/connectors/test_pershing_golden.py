"""Pershing's sample files, assembled by hand from the published positions, against rows written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from connectors.adapter import RawFile
from connectors.custodians.pershing.adapter import ADAPTER
from tests.connectors.golden import agrees_with_expected, connection
from tests.connectors.pershing_fixture import PERSHING, REMOTE, TITLES, framed, parsed, sample_lines, written

NAMES = (
    "20180604.GCUS", "20180605.GCUS", "20180605.GACT", "20180604.GMON", "ACCF.ACCF", "20180604.ISCA", "20180604.CHKF",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_gives_the_rows_written_down_for_it(name: str) -> None:
    agrees_with_expected(parsed(PERSHING / "samples" / name), PERSHING / "expected" / name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("end", "ending"), [("\n", ""), ("\n", "\n\n  \n"), ("\r\n", "\x1a"), ("\r\n", "\r\n\x1a")])
def test_line_ends_do_not_change_the_rows(tmp_path: Path, name: str, end: str, ending: str) -> None:
    path = tmp_path / name
    path.write_bytes((end.join(sample_lines(name)) + ending).encode("cp1252"))
    agrees_with_expected(parsed(path), PERSHING / "expected" / name)


def test_the_name_says_kind_and_day_in_both_forms(tmp_path: Path) -> None:
    named = {name: ADAPTER.kind_of(name) for name in ("20180604.GCUS", "20180604.gcs1", "060418.GCUS", "ACCF.ACCF")}
    assert [found and (found[0].name, found[1]) for found in named.values()] == [
        ("GCUS", date(2018, 6, 4)), ("GCUS", date(2018, 6, 4)), ("GCUS", None), ("ACCT", None),
    ]  # fmt: skip
    for stranger in ("20180604.ECMB", "GCUS.GCUS", "GACT.GACT", "2018-06-04.GCUS"):
        assert ADAPTER.kind_of(stranger) is None
    month_first = written(tmp_path, "060418.GMON", sample_lines("20180604.GMON"))
    agrees_with_expected(parsed(month_first), PERSHING / "expected" / "20180604.GMON")


@pytest.mark.parametrize("kind", TITLES)
def test_a_file_of_no_records_is_a_file(tmp_path: Path, kind: str) -> None:
    flavour = "REFRESHED" if kind == "GCUS" else ""
    result = parsed(written(tmp_path, f"20180605.{kind}", framed(kind, [], flavour=flavour)))
    assert (result.record_count, result.business_date) == (0, date(2018, 6, 5))


@pytest.mark.parametrize("name", NAMES)
def test_the_first_bytes_tell_the_kind_of_a_file(name: str) -> None:
    head = (PERSHING / "samples" / name).read_bytes()[:400].decode("latin-1")
    found = ADAPTER.kind_of(name)
    assert found is not None
    assert ADAPTER.sniff is not None
    assert ADAPTER.sniff(head) == found[0].name
    assert ADAPTER.sniff("D1|SCHWAB  |") is None


@pytest.mark.parametrize("name", NAMES)
def test_blocks_hold_the_rows_and_records_of_the_whole_but_for_repetitions(name: str) -> None:
    path = PERSHING / "samples" / name
    whole = parsed(path)
    found = ADAPTER.kind_of(name)
    assert found is not None
    assert ADAPTER.blocks is not None
    blocks = list(ADAPTER.blocks(RawFile(path, name, *found), connection("pershing", (REMOTE,))))
    assert sum(block.record_count for block in blocks) == whole.record_count
    repeated = whole.rejects.filter(pl.col("reason").cast(pl.String) == "duplicate_key")["source_line"]
    for table, frame in whole.frames.items():
        rows = pl.concat([block.frames[table] for block in blocks if table in block.frames] or [frame.clear()])
        assert rows.filter(~pl.col("source_line").is_in(repeated.implode())).sort("source_line").equals(frame)
