"""The vendor's closing prices: counted, positive, of known type, or held back by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.adapter import ParsedFile
from connectors.errors import FeedFault
from connectors.market_data.closing_prices.adapter import ADAPTER
from tests.connectors.golden import ROOT, agrees_with_expected, parsed, parsed_or_refused

FOLDER = ROOT / "market_data" / "closing_prices"
NAME = "prices_20220105.csv"
HEADER = b"price_date,isin,ticker,exchange,currency,close,record_type\n"
ROW = b"2022-01-05,US0378331005,AAPL,XNAS,USD,174.92,CLOSE\n"


def written(folder: Path, content: bytes) -> Path:
    path = folder / NAME
    path.write_bytes(content)
    return path


def test_the_sample_gives_the_rows_written_down_for_it() -> None:
    agrees_with_expected(parsed(ADAPTER, FOLDER / "samples" / NAME), FOLDER / "expected" / NAME)


def test_a_day_without_prices_is_a_file(tmp_path: Path) -> None:
    assert parsed(ADAPTER, written(tmp_path, HEADER + b"#TRAILER,0\n")).record_count == 0


def test_a_security_without_a_ticker_is_named_by_its_isin(tmp_path: Path) -> None:
    content = HEADER + ROW.replace(b"AAPL", b"") + b"#TRAILER,1"
    names = parsed(ADAPTER, written(tmp_path, content)).frames["canonical.security"]["security_name"].to_list()
    assert names == ["US0378331005"]


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b"", "empty_file", 0),
        (HEADER + ROW + b"#TRAILER,2\n", "trailer_mismatch", 3),
        (HEADER + ROW + ROW + b"#TRAILER,1\n", "trailer_mismatch", 4),
        (HEADER + ROW + b"#TRAILER,1\n" + ROW, "trailer_mismatch", 4),
        (HEADER + ROW + b"#TRAIL", "truncated_file", 3),
        (HEADER + ROW + b"#TRAILER,", "truncated_file", 3),
        (HEADER + ROW, "truncated_file", 2),
        (HEADER, "truncated_file", 1),
        (ROW + b"#TRAILER,1\n", "malformed_document", 1),
        (b"PK\x03\x04\x00\x00", "binary_content", 1),
    ],
)
def test_a_broken_file_has_a_reason_and_a_line(tmp_path: Path, content: bytes, reason: str, line: int) -> None:
    with pytest.raises(FeedFault) as fault:
        parsed(ADAPTER, written(tmp_path, content))
    assert (fault.value.reason, fault.value.line) == (reason, line)


@given(cells=st.lists(st.lists(st.text(
    st.characters(codec="cp1252", min_codepoint=32, exclude_characters="\x7f"), max_size=12
), min_size=1, max_size=9), max_size=5))  # fmt: skip
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_cells_every_line_is_taken_or_held_back(tmp_path: Path, cells: list[list[str]]) -> None:
    rows = ["x" + ",".join(row) for row in cells]
    content = (
        HEADER + ROW + "".join(f"{row}\n" for row in rows).encode("cp1252") + f"#TRAILER,{len(rows) + 1}\n".encode()
    )
    result = parsed_or_refused(ADAPTER, written(tmp_path, content))
    assert isinstance(result, ParsedFile)
    assert result.record_count == len(rows) + 1
