"""The ECB's reference rates: exact quotes, absent ones left out, bad lines held back, broken files refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import FeedFault
from connectors.market_data.ecb.adapter import ADAPTER
from tests.connectors.golden import ROOT, agrees_with_expected, parsed, parsed_or_refused, reasons

FOLDER = ROOT / "market_data" / "ecb"
RATES = "canonical.fx_rate"


def written(folder: Path, content: bytes, name: str = "eurofxref-hist.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["eurofxref-hist.csv", "eurofxref.csv"])
def test_a_sample_gives_the_rows_written_down_for_it(name: str) -> None:
    agrees_with_expected(parsed(ADAPTER, FOLDER / "samples" / name), FOLDER / "expected" / name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("eurofxref-hist.csv", "HIST"),
        ("eurofxref-hist", "HIST"),
        ("eurofxref.csv", "DAILY"),
        ("eurofxref", "DAILY"),
        ("eurofxref-hist.xml", None),
    ],
)
def test_the_name_says_the_kind_with_or_without_its_ending(name: str, kind: str | None) -> None:
    found = ADAPTER.kind_of(name)
    assert (found[0].name if found else None) == kind


def test_a_quote_keeps_every_digit(tmp_path: Path) -> None:
    content = b"Date,IDR,KWD,\n2022-01-03,16241.0123456789,0.3437000001,\n"
    rates = parsed(ADAPTER, written(tmp_path, content)).frames[RATES]["rate"].to_list()
    assert rates == [Decimal("16241.0123456789"), Decimal("0.3437000001")]


@pytest.mark.parametrize(
    ("line", "reason", "field"),
    [
        (b"2022-01-04,1.12345678901,130.1,", "number_out_of_range", "USD"),
        (b"2022-01-04,-1.1,130.1,", "number_out_of_range", "USD"),
        (b"2022-01-04,1.1,1 30.1,", "unparsable_number", "JPY"),
        (b"04 Janvier 2022,1.1,130.1,", "impossible_date", "Date"),
        (b"31 February 2022,1.1,130.1,", "impossible_date", "Date"),
        (b",1.1,130.1,", "missing_value", "Date"),
        (b"2022-01-04,1.1,130.1", "wrong_field_count", "record"),
        (b"2022-01-04,1.1", "wrong_field_count", "record"),
        (b"2022-01-04,1.1,130.1,,", "wrong_field_count", "record"),
    ],
)
def test_a_bad_line_is_held_back_and_the_other_days_are_taken(
    tmp_path: Path, line: bytes, reason: str, field: str
) -> None:
    result = parsed(ADAPTER, written(tmp_path, b"Date,USD,JPY,\n" + line + b"\n2022-01-03,1.1,130.5,\n"))
    assert reasons(result) == [(2, reason, field)]
    assert result.frames[RATES]["source_line"].to_list() == [3, 3]


def test_a_day_without_any_quote_is_held_back_not_lost(tmp_path: Path) -> None:
    result = parsed(ADAPTER, written(tmp_path, b"Date,USD,\n2022-01-04,N/A,\n2022-01-03,,\n"))
    assert reasons(result) == [(2, "missing_value", "USD"), (3, "missing_value", "USD")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"\x00" * 50, "binary_content"),
        ("Date,USD,\n".encode("utf-16"), "wrong_encoding"),
        (b"<html></html>\n", "malformed_document"),
        (b"2022-01-03,1.1,\n", "malformed_document"),
        (b"Date\n", "malformed_document"),
        (b"Date,USD,USD,\n2022-01-03,1.1,1.1,\n", "malformed_document"),
        (b"Date,usd,\n2022-01-03,1.1,\n", "malformed_document"),
    ],
)
def test_a_file_without_its_header_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(FeedFault) as fault:
        parsed(ADAPTER, written(tmp_path, content))
    assert fault.value.reason == reason


@given(content=st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(
    [b"Date", b",", b"USD", b"JPY", b"\n", b"2022-01-03", b"1.1", b"N/A", b" ", b"\r\n", b"03 January 2022", b"-"]
), max_size=40).map(b"".join)))  # fmt: skip
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_bytes_the_file_is_read_under_the_count_law_or_refused_by_name(
    tmp_path: Path, content: bytes
) -> None:
    parsed_or_refused(ADAPTER, written(tmp_path, content))
