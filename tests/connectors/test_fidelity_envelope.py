"""Whether an NFS transmission is whole, whose it is, and of which day and kind."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connectors.archive import stem_of
from connectors.custodians.fidelity.adapter import ADAPTER
from connectors.errors import FeedFault
from tests.connectors import fidelity_fixture as nfs
from tests.connectors.fidelity_fixture import placed, position, read, transmission
from tests.connectors.golden import reasons


def refused(path: Path) -> str:
    with pytest.raises(FeedFault) as caught:
        read(path)
    return caught.value.reason


def test_the_trailer_counts_header_and_trailer_and_the_logical_records(tmp_path: Path) -> None:
    assert read(transmission(tmp_path, "POSIT", [position(), position({16: "2"})])).record_count == 2
    one_less = nfs.trailer("POSIT", 3, 2)
    assert refused(transmission(tmp_path, "POSIT", [position(), position()], trailer=one_less)) == "trailer_mismatch"


def test_the_logical_count_may_count_accounts_but_nothing_else(tmp_path: Path) -> None:
    details = [position(), position({16: "2"}), position({16: "3"})]
    assert read(transmission(tmp_path, "POSIT", details, logical=1)).record_count == 3
    assert refused(transmission(tmp_path, "POSIT", details, logical=2)) == "trailer_mismatch"


def test_a_file_without_header_or_trailer_is_truncated(tmp_path: Path) -> None:
    assert refused(transmission(tmp_path, "POSIT", [position()], trailer=None)) == "truncated_file"
    assert refused(transmission(tmp_path, "POSIT", [position()], header=None)) == "truncated_file"


def test_lines_behind_the_trailer_and_second_headers_are_refused(tmp_path: Path) -> None:
    last = nfs.trailer("POSIT", 4, 1)
    assert refused(transmission(tmp_path, "POSIT", [last, position()], trailer=last)) == "trailer_mismatch"
    twice = [nfs.header("POSIT"), position()]
    assert refused(transmission(tmp_path, "POSIT", twice)) == "malformed_document"


def test_the_title_must_be_of_the_kind_that_the_name_says(tmp_path: Path) -> None:
    other = nfs.header("POSIT", title="BOOKKEEPING")
    assert refused(transmission(tmp_path, "POSIT", [position()], header=other)) == "unrecognised_file"


def test_header_and_name_must_be_of_one_day(tmp_path: Path) -> None:
    other = nfs.header("POSIT", created="010622")
    assert refused(transmission(tmp_path, "POSIT", [position()], header=other)) == "wrong_business_date"


def test_two_digit_years_of_the_header_turn_at_the_pivot(tmp_path: Path) -> None:
    old = nfs.header("POSIT", created="123199")
    path = transmission(tmp_path, "POSIT", [position()], header=old, name="123_WNX_POSITFULL_19991231.DAT")
    assert read(path).business_date == date(1999, 12, 31)


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (placed(1100, {1: "H", 4: "123", 7: "010522", 13: "FIDELITY SYSTEMS", 33: "POSITION EXTRAC"}), "123"),
        (placed(1100, {1: "H", 12: "POSITION EX", 37: "NFSC SYSTEMS", 59: "123", 72: "010522"}), "123"),
        (placed(1100, {1: "H", 12: "POSITION EX", 37: "NFSC SYSTEMS", 59: "00123", 72: "010522"}), "123"),
    ],
)
def test_older_headers_are_told_by_where_their_literal_stands(tmp_path: Path, header: str, client: str) -> None:
    last = placed(1100, {1: "T", 22: f"{3:015d}", 42: f"{1:015d}"})
    path = transmission(tmp_path, "POSIT", [position()], header=header, trailer=last)
    assert read(path, [client]).business_date == date(2022, 1, 5)
    assert reasons(read(path, ["999"])) == [(2, "foreign_account", "client")]


def test_a_client_id_filled_with_zeros_begins_two_places_later(tmp_path: Path) -> None:
    first = nfs.header("POSIT", client="000123").replace("H000123", "H00123 ")
    assert first[3:6] == "123"
    assert not reasons(read(transmission(tmp_path, "POSIT", [position()], header=first)))


def vendor(*blocks: tuple[str, list[str], str]) -> list[str]:
    return [line for begin, details, end in blocks for line in (f"CH{begin:20}".ljust(1100), *details, f"CT{end:20}")]


def test_each_client_of_a_vendors_file_is_taken_or_refused_by_itself(tmp_path: Path) -> None:
    lines = vendor(("123", [position()], "123"), ("777", [position({7: "Y20000001"})], "777"))
    found = read(transmission(tmp_path, "POSIT", lines, logical=2))
    assert found.record_count == 2
    assert reasons(found) == [(6, "foreign_account", "client")]


def test_a_clients_trailer_must_match_its_header(tmp_path: Path) -> None:
    lines = vendor(("123", [position()], "124"))
    assert refused(transmission(tmp_path, "POSIT", lines, logical=1)) == "trailer_mismatch"
    open_end = vendor(("123", [position()], "123"))[:-1]
    assert refused(transmission(tmp_path, "POSIT", open_end, logical=1)) == "truncated_file"
    between = [*vendor(("123", [position()], "123")), position({16: "2"})]
    assert refused(transmission(tmp_path, "POSIT", between, logical=2)) == "malformed_document"


def test_lost_padding_line_ends_and_end_of_file_marks_change_nothing(tmp_path: Path) -> None:
    whole = read(transmission(tmp_path, "POSIT", [position()])).frames["canonical.custodian_position"]
    bare = transmission(tmp_path, "POSIT", [position().rstrip()], end="\n")
    bare.write_bytes(b"\xef\xbb\xbf" + bare.read_bytes().rstrip() + b"\r\n\x1a")
    assert read(bare).frames["canonical.custodian_position"].equals(whole)


def test_a_line_cut_inside_a_number_is_held_back_and_not_read_as_a_smaller_one(tmp_path: Path) -> None:
    lines = [position()[:90], position({16: "2"})]
    assert reasons(read(transmission(tmp_path, "POSIT", lines)))[0] == (2, "wrong_field_count", "record")


def test_columns_beyond_the_layout_are_left_alone(tmp_path: Path) -> None:
    longer = transmission(tmp_path, "POSIT", [position() + "A LATER COLUMN"])
    assert read(longer).frames["canonical.custodian_position"].height == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("123_WNX_NABASE_20220105.DAT.ZIP", "NABASE"), ("123_A_B_POSITD_20220105.DAT", "POSIT"),
        ("123_ACCTBALD_20220105.dat.zip", "ACCTBAL"), ("A7T_X_TLAOPENFULL_20220107.DAT.ZIP", "TLAOPEN"),
        ("fi010522.TRN", "FORMATB"), ("History_for_Account_X99000001.csv", "RETAIL"),
    ],
)  # fmt: skip
def test_names_are_told_without_their_archive_ending(name: str, kind: str) -> None:
    found = ADAPTER.kind_of(stem_of(name))
    assert found is not None
    assert found[0].name == kind


def test_standard_format_b_is_named_as_not_readable(tmp_path: Path) -> None:
    path = tmp_path / "fi010522.TRN"
    path.write_text("by,X10000001\n")
    with pytest.raises(FeedFault, match="columns are not public"):
        read(path)
