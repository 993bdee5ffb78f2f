"""The four real statements give the rows that were written down from reading them."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from connectors.custodians.ofx.adapter import ADAPTER
from tests.connectors.ofx_fixture import FOLDER, SAMPLES, as_xml, parse

COUNTS = {"checking": 4, "fidelity": 32, "investment_medium": 5, "td_ameritrade": 6}
"""Records counted in the files by eye: transactions, positions, balances, securities."""
ABSENT = {"quantity", "commission", "fees", "accrued_interest", "tax_withheld"}


def expected(name: str, table: str, schema: pl.Schema) -> pl.DataFrame:
    path = FOLDER / "expected" / f"{name}.{table.removeprefix('canonical.')}.csv"
    if not path.exists():
        return pl.DataFrame(schema=schema)
    with path.open(encoding="utf-8", newline="") as lines:
        written = list(csv.DictReader(lines))
    assert written
    assert set(written[0]) <= set(schema)
    absent = dict.fromkeys((*ABSENT, "is_cancel"), "0") if table == "canonical.transaction" else {}
    values = {
        column: [_value(row.get(column) or absent.get(column, ""), dtype) for row in written]
        for column, dtype in schema.items()
    }
    return pl.DataFrame(values, schema=schema)


def _value(text: str, dtype: pl.DataType) -> object:
    if dtype == pl.Boolean:
        return None if text == "" else text == "1"
    if text == "":
        return None
    if dtype == pl.Date:
        return date.fromisoformat(text)
    if isinstance(dtype, pl.Decimal):
        return Decimal(text)
    return int(text) if dtype == pl.Int64 else text


@pytest.mark.parametrize("name", SAMPLES)
def test_every_row_of_a_real_statement_is_the_one_written_by_hand(tmp_path: Path, name: str) -> None:
    result = parse(tmp_path, (FOLDER / "samples" / f"{name}.ofx").read_bytes())
    for table, frame in result.frames.items():
        assert frame.to_dicts() == expected(name, table, frame.schema).to_dicts(), table
    assert (result.record_count, result.quarantined_count) == (COUNTS[name], 0)
    assert result.rejects.is_empty()


@pytest.mark.parametrize("name", SAMPLES)
def test_the_sgml_and_the_xml_spelling_of_a_statement_give_equal_frames(tmp_path: Path, name: str) -> None:
    sgml = (FOLDER / "samples" / f"{name}.ofx").read_text(encoding="cp1252")
    xml = as_xml(sgml)
    assert xml != sgml
    first, second = parse(tmp_path, sgml), parse(tmp_path, xml)
    for table, frame in first.frames.items():
        assert frame.equals(second.frames[table]), table


@pytest.mark.parametrize("name", SAMPLES)
def test_line_ends_and_letter_case_of_tags_do_not_matter(tmp_path: Path, name: str) -> None:
    content = (FOLDER / "samples" / f"{name}.ofx").read_bytes()
    plain, dos = parse(tmp_path, content), parse(tmp_path, content.replace(b"\n", b"\r\n") + b"\x1a")
    mac = parse(tmp_path, content.replace(b"\n", b"\r"))
    for table, frame in plain.frames.items():
        assert frame.equals(dos.frames[table]), table
        assert frame.equals(mac.frames[table]), table


def test_file_names_say_kind_and_date() -> None:
    found = ADAPTER.kind_of("12345_20220105.OFX")
    assert found is not None
    assert (found[0].name, str(found[1])) == ("STATEMENT", "2022-01-05")
    for name in ("download.qfx", "_.ofx", "a_2022.ofx"):
        other = ADAPTER.kind_of(name)
        assert other is not None
        assert other[1] is None
    assert ADAPTER.kind_of("statement.csv") is None
    assert ADAPTER.kind_of("statement.ofx.exe") is None


def test_the_samples_carry_their_licence() -> None:
    notice = (FOLDER / "samples" / "NOTICE").read_text()
    assert all(f"{name}.ofx" in notice for name in SAMPLES)
    assert "MIT License" in notice
