"""Header and trailer of Standard Files: what makes a file whole, and how one that is not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.adapter import RawFile
from connectors.custodians.pershing.adapter import ADAPTER
from connectors.errors import FeedFault
from connectors.formats.lines import iterate_blocks
from tests.connectors.golden import agrees_with_expected, connection, edited, reasons
from tests.connectors.pershing_fixture import (
    PERSHING,
    behind,
    framed,
    parsed,
    position,
    positions_file,
    sample_lines,
    signed,
    written,
)

NAME = "20180604.GCUS"


def refused(folder: Path, rows: list[str], name: str = NAME) -> tuple[str, int]:
    with pytest.raises(FeedFault) as caught:
        parsed(written(folder, name, rows))
    return caught.value.reason, caught.value.line


def test_truncated_file_has_no_eof_and_is_refused(tmp_path: Path) -> None:
    lines = sample_lines(NAME)
    assert refused(tmp_path, lines[:-1]) == ("truncated_file", 19)
    assert refused(tmp_path, [*lines[:-1], lines[-1][:100]]) == ("truncated_file", 20)
    assert refused(tmp_path, lines[:1]) == ("truncated_file", 1)
    assert refused(tmp_path, lines[1:]) == ("truncated_file", 1)


def test_previous_days_header_is_the_wrong_business_date(tmp_path: Path) -> None:
    assert refused(tmp_path, sample_lines(NAME), "20180605.GCUS") == ("wrong_business_date", 1)
    assert refused(tmp_path, sample_lines(NAME), "060518.GCUS") == ("wrong_business_date", 1)
    assert refused(tmp_path, sample_lines(NAME), "20181305.GCUS") == ("wrong_business_date", 1)


def test_duplicate_send_gives_the_same_rows(tmp_path: Path) -> None:
    again = written(tmp_path, "060418.GCUS", sample_lines(NAME))
    agrees_with_expected(parsed(again), PERSHING / "expected" / NAME)


def test_two_files_in_one_are_refused(tmp_path: Path) -> None:
    lines = sample_lines(NAME)
    assert refused(tmp_path, [*lines, *lines]) == ("malformed_document", 21)
    assert refused(tmp_path, [*lines[:-1], *lines]) == ("malformed_document", 20)
    assert refused(tmp_path, [*lines, lines[1]]) == ("trailer_mismatch", 21)


def test_the_trailer_counts_lines_and_not_records(tmp_path: Path) -> None:
    rows = [record := position(1, "037833100", signed(100)), behind(record, (417, signed(5)))]
    assert parsed(positions_file(tmp_path, rows)).record_count == 1
    assert refused(tmp_path, framed("GCUS", rows, "06/04/2018", "REFRESHED", count=1)) == ("trailer_mismatch", 4)


def test_acct_count_of_either_meaning_is_a_whole_file(tmp_path: Path) -> None:
    rows = sample_lines("ACCF.ACCF")[1:-1]
    for count in (len(rows), 4):  # lines, or accounts
        result = parsed(written(tmp_path, "20180604.ACCT", framed("ACCT", rows, "06/04/2018", count=count)))
        assert (result.record_count, result.quarantined_count) == (4, 1)
    wrong = framed("ACCT", rows, "06/04/2018", count=5)
    assert refused(tmp_path, wrong, "20180604.ACCT") == ("trailer_mismatch", 9)


@pytest.mark.parametrize(
    ("line", "at", "text", "reason"),
    [
        (0, 19, "GLOBAL ACTIVITY", "unrecognised_file"),
        (0, 47, "06/31/2018", "malformed_document"),
        (0, 119, "SOMETHING", "malformed_document"),
        (0, 750, "X", "malformed_document"),
        (-1, 19, "GLOBAL ACTIVITY", "trailer_mismatch"),
        (-1, 47, "06/03/2018", "trailer_mismatch"),
        (-1, 68, "0043", "trailer_mismatch"),
        (-1, 119, "UPDATED  ", "trailer_mismatch"),
        (-1, 106, "0000000017", "trailer_mismatch"),
        (-1, 106, "ABCDEFGHIJ", "truncated_file"),
        (-1, 750, "X", "truncated_file"),
    ],
)
def test_header_and_trailer_must_agree(tmp_path: Path, line: int, at: int, text: str, reason: str) -> None:
    lines = sample_lines(NAME)
    lines[line] = edited(lines[line], {at: text})
    assert refused(tmp_path, lines) == (reason, 1 if line == 0 else 20)


def test_lost_runs_of_blanks_in_header_and_trailer_do_no_harm(tmp_path: Path) -> None:
    lines = sample_lines(NAME)
    lines[0], lines[-1] = (" ".join(text.split()) for text in (lines[0], lines[-1]))
    agrees_with_expected(parsed(written(tmp_path, NAME, lines)), PERSHING / "expected" / NAME)


def test_a_line_of_another_length_or_without_its_mark_is_held_back_alone(tmp_path: Path) -> None:
    good = [position(n, f"03783310{n}", signed(100)) for n in range(4)]
    rows = [good[0], good[1][:-1], good[2] + " ", edited(good[3], {750: "Y"})]
    result = parsed(positions_file(tmp_path, rows))
    assert reasons(result) == [(line, "wrong_field_count", "record") for line in (3, 4, 5)]
    assert result.frames["canonical.custodian_position"]["source_line"].to_list() == [2]


def test_another_clients_file_is_refused() -> None:
    path = PERSHING / "samples" / NAME
    found = ADAPTER.kind_of(NAME)
    assert found is not None
    with pytest.raises(FeedFault) as caught:
        ADAPTER.parse(RawFile(path, NAME, *found), connection("pershing", ("0099",)))
    assert caught.value.reason == "unrecognised_file"
    everybody = ADAPTER.parse(RawFile(path, NAME, *found), connection("pershing", ()))
    assert everybody.record_count == 16


@pytest.mark.parametrize("kind", ["GTDE", "SINS"])
def test_forms_that_are_not_laid_out_are_checked_and_counted_and_give_no_rows(tmp_path: Path, kind: str) -> None:
    rows = ["GEA".ljust(1249) + "X", "GEB".ljust(1249) + "X"]
    result = parsed(written(tmp_path, f"20180605.{kind}", framed(kind, rows)))
    assert (result.record_count, result.quarantined_count, dict(result.frames)) == (2, 0, {})
    assert refused(tmp_path, framed(kind, rows)[:-1], f"20180605.{kind}")[0] == "truncated_file"
    assert next(k for k in ADAPTER.kinds if k.name == kind).records == ()


def test_a_record_that_straddles_two_blocks_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = parsed(PERSHING / "samples" / NAME)
    for size in (800, 1900, 3100):
        monkeypatch.setitem(iterate_blocks.__kwdefaults__, "block_bytes", size)
        again = parsed(PERSHING / "samples" / NAME)
        assert again.record_count == whole.record_count
        assert all(again.frames[name].equals(frame) for name, frame in whole.frames.items())
        assert again.rejects.equals(whole.rejects)
