"""SWIFT samples, published and assembled by hand, against rows written by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connectors.custodians.swift.adapter import ADAPTER
from tests.connectors.golden import agrees_with_expected
from tests.connectors.swift_fixture import FOLDER, SAMPLES, parse


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_gives_the_rows_written_down_for_it(tmp_path: Path, name: str) -> None:
    content = (FOLDER / "samples" / name).read_bytes()
    agrees_with_expected(parse(tmp_path, content, name), FOLDER / "expected" / name)


@pytest.mark.parametrize("name", SAMPLES[:3])
@pytest.mark.parametrize("change", ["crlf", "no_final_line_end", "bom", "end_of_file_mark", "dollar"])
def test_line_ends_and_marks_do_not_change_the_rows(tmp_path: Path, name: str, change: str) -> None:
    content = (FOLDER / "samples" / name).read_bytes()
    match change:
        case "crlf":
            content = content.replace(b"\n", b"\r\n")
        case "no_final_line_end":
            content = content.rstrip(b"\n")
        case "bom":
            content = b"\xef\xbb\xbf" + content
        case "end_of_file_mark":
            content += b"\x1a"
        case _:
            content = content.replace(b"-}\n", b"-}$\n")
    agrees_with_expected(parse(tmp_path, content, name), FOLDER / "expected" / name)


@pytest.mark.parametrize(
    ("name", "kind", "day"),
    [
        ("MT535_20220105.fin", "MT535", date(2022, 1, 5)),
        ("custody-mt536-2022-01-05.txt", "MT536", date(2022, 1, 5)),
        ("mt940.sta", "MT940", None),
        ("MT940_20220105_0001.sta", "MT940", date(2022, 1, 5)),
        ("acme_mt564_20220105.swi", "MT564", date(2022, 1, 5)),
        ("statements_20220105.fin", "FIN", date(2022, 1, 5)),
        ("account.sta", "FIN", None),
    ],
)
def test_the_name_says_kind_and_day(name: str, kind: str, day: date | None) -> None:
    found = ADAPTER.kind_of(name)
    assert found is not None
    assert (found[0].name, found[1]) == (kind, day)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_first_bytes_tell_the_kind(name: str) -> None:
    head = (FOLDER / "samples" / name).read_bytes()[:2000].decode("latin-1")
    assert ADAPTER.sniff is not None
    assert ADAPTER.sniff(head) == name[:5].upper()
    assert ADAPTER.sniff("account,amount\n1,2\n") is None
