from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest

from simulation.market import Market
from simulation.writers import closing_prices, ecb
from simulation.writers.archive import zipped, zipped_repeat


def _only_member(content: bytes, name: str) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == [name]
        return archive.read(name).decode("ascii").split("\n")


def test_the_daily_rates_spell_the_month_and_put_blanks_after_commas(scene: Market) -> None:
    # Rates of 4 January 2022 as the bank published them.
    head, row, end = _only_member(ecb.daily_document(scene.euro, date(2022, 1, 4)), "eurofxref.csv")
    assert head.startswith("Date, USD, JPY, BGN, CZK, DKK, GBP, HUF, ")
    assert row.startswith("04 January 2022, 1.1279, 131.17, 1.9558, 24.745, 7.4378, 0.83618, 365.12, ")
    assert end == ""
    assert len(head.split(",")) == len(row.split(","))
    assert ecb.daily_name(date(2022, 1, 4)) == "2022-01-04/eurofxref.zip"


def test_the_history_begins_with_the_newest_day_and_marks_absent_quotes(scene: Market) -> None:
    lines = _only_member(ecb.history_document(scene.euro, date(2021, 12, 30), date(2022, 1, 3)), "eurofxref-hist.csv")
    assert lines[0].startswith("Date,USD,JPY,BGN,CYP,CZK,")
    assert [line[:10] for line in lines[1:-1]] == ["2022-01-03", "2021-12-31", "2021-12-30"]
    assert lines[2].startswith("2021-12-31,1.1326,130.38,1.9558,N/A,24.858,")
    assert all(line.endswith(",") for line in lines[:-1])


def test_the_price_file_names_its_columns_and_counts_its_lines(scene: Market) -> None:
    lines = closing_prices.document(scene, 1).decode("ascii").split("\n")
    assert lines[0] == "price_date,isin,ticker,exchange,currency,close,record_type"
    assert lines[1] == "2022-01-04,US0378331005,AAPL,XNAS,USD,178.144,CLOSE"
    assert lines[-2] == f"#TRAILER,{len(lines) - 3}"
    assert lines[-1] == ""
    assert closing_prices.file_name(date(2022, 1, 4)) == "prices_20220104.csv"


def test_a_security_without_a_quote_is_absent_from_the_price_file(scene: Market) -> None:
    place = next(p for p in range(len(scene.days)) if not scene.quoted[p].all())
    missing = [s.isin for n, s in enumerate(scene.securities) if not scene.quoted[place, n]]
    text = closing_prices.document(scene, place).decode("ascii")
    assert not any(isin in text for isin in missing)


def test_an_archive_depends_on_its_content_alone_and_keeps_unsafe_names() -> None:
    first, second = (zipped("../../etc/x.csv", b"data", date(2022, 1, 4)) for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.infolist()[0].orig_filename == "../../etc/x.csv"


@pytest.mark.parametrize("mib", [1, 20])
def test_a_repeated_chunk_expands_to_its_whole_size(mib: int) -> None:
    content = zipped_repeat("x", b"0" * 1024 * 1024, mib, date(2022, 1, 4))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.infolist()[0].file_size == mib * 1024 * 1024
    assert len(content) < 2000 * mib
