"""Bloomberg's habits, one test each, on replies built for it."""

from __future__ import annotations

import logging
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import FeedFault
from connectors.market_data.bloomberg.adapter import ADAPTER
from tests.connectors.golden import reasons
from tests.connectors.vendor_files import read

NAME = "prices_20260105.out"
FIELDS = ("PX_LAST", "PX_CLOSE_DT", "CRNCY", "ID_BB_GLOBAL")
ROW = "AAPL US Equity|0|4|262.36|20260105|USD|BBG000B9XRY4|"


def reply(*rows: str, fields: tuple[str, ...] = FIELDS, **options: str) -> str:
    head = {"RUNDATE": "20260105", "PROGRAMNAME": "getdata", "DELIMITER": "|", "DATEFORMAT": "yyyymmdd", **options}
    return "\n".join(
        [
            "START-OF-FILE", *(f"{k}={v}" for k, v in head.items()), "START-OF-FIELDS", *fields, "END-OF-FIELDS",
            "START-OF-DATA", *rows, "END-OF-DATA", "END-OF-FILE", "",
        ]
    )  # fmt: skip


def test_pence_are_hundredths_of_a_pound_and_the_case_of_the_code_decides(tmp_path: Path) -> None:
    rows = [
        f"A{n} LN Equity|0|4|641.123456|20260105|{code}|N.A.|" for n, code in enumerate(("GBp", "GBP", "ZAr", "ILs"))
    ]
    prices = read(ADAPTER, tmp_path, NAME, reply(*rows)).frames["canonical.price"]
    assert prices["price"].to_list() == [Decimal(p) for p in ("6.41123456", "641.123456", "6.41123456", "6.41123456")]
    assert prices["currency"].to_list() == ["GBP", "GBP", "ZAR", "ILS"]


def test_a_firm_adds_a_minor_unit_in_a_table_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("code,currency\nBWp,BWP\n")
    content = reply("X BG Equity|0|4|250|20260105|BWp|N.A.|")
    assert reasons(read(ADAPTER, tmp_path, NAME, content)) == [(13, "unknown_code", "currency")]
    prices = read(ADAPTER, tmp_path, NAME, content, minor_units=own).frames["canonical.price"]
    assert prices.select("price", "currency").rows() == [(Decimal("2.5"), "BWP")]


@pytest.mark.parametrize("token", ["N.A.", "N.S.", "N.D.", "N.N.", " ", "", "FLD UNKNOWN", "N.A. "])
def test_missing_tokens_are_no_price(tmp_path: Path, token: str) -> None:
    result = read(ADAPTER, tmp_path, NAME, reply(ROW.replace("262.36", token), ROW.replace("AAPL", "IBM")))
    assert reasons(result) == [(13, "missing_value", "PX_LAST")]
    assert result.frames["canonical.price"].height == 1


def test_class_shares_are_written_with_a_slash_and_known_by_their_figi(tmp_path: Path) -> None:
    row = "BRK/B US Equity|0|4|500.12|20260105|USD|BBG000DWG505|"
    prices = read(ADAPTER, tmp_path, NAME, reply(row)).frames["canonical.price"]
    assert prices.select("ticker", "figi").rows() == [("BRK/B US Equity", "BBG000DWG505")]


def test_blanks_inside_government_tickers_are_made_single(tmp_path: Path) -> None:
    rows = (
        "91282CKY     Govt|0|4|99.9|20260105|USD|BBG01NG25TY0|",
        "T 4 5/8 06/30/26 Govt|0|4|99.9|20260105|USD|N.A.|",
    )
    prices = read(ADAPTER, tmp_path, NAME, reply(*rows)).frames["canonical.price"]
    assert prices["ticker"].to_list() == ["91282CKY Govt", "T 4 5/8 06/30/26 Govt"]


@pytest.mark.parametrize(
    ("asked", "column"),
    [("037833100", "cusip"), ("US0378331005", "isin"), ("B0YQ5W0", "sedol"), ("BBG000B9XRY4", "figi")],
)
def test_an_identifier_that_was_asked_for_is_told_by_its_shape(tmp_path: Path, asked: str, column: str) -> None:
    row = f"{asked}|0|4|262.36|20260105|USD|N.A.|"
    prices = read(ADAPTER, tmp_path, NAME, reply(row)).frames["canonical.price"]
    names = ("cusip", "isin", "sedol", "figi", "ticker", "provider_security_id")
    assert {name: prices[name][0] for name in names if prices[name][0]} == {column: asked}


def test_datarecords_is_unreliable_and_does_not_block(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = reply(ROW).replace("END-OF-DATA\n", "END-OF-DATA\nDATARECORDS=7\n")
    with caplog.at_level(logging.WARNING):
        assert read(ADAPTER, tmp_path, NAME, content).record_count == 1
    assert "DATARECORDS says 7, the file holds 1 rows" in caplog.text


def test_values_beyond_the_declared_fields_are_left_alone_only_if_the_row_counts_them(tmp_path: Path) -> None:
    grown = ROW.replace("|4|", "|5|") + "new|"
    stray = ROW.replace("AAPL", "IBM") + "stray|"
    result = read(ADAPTER, tmp_path, NAME, reply(grown, stray))
    assert reasons(result) == [(14, "wrong_field_count", "record")]
    assert result.frames["canonical.price"]["price"].to_list() == [Decimal("262.36")]


def test_a_price_is_of_its_close_date_else_of_the_run(tmp_path: Path) -> None:
    rows = (ROW.replace("20260105", "20260102"), ROW.replace("20260105", "N.A.").replace("AAPL", "IBM"))
    prices = read(ADAPTER, tmp_path, NAME, reply(*rows)).frames["canonical.price"]
    assert prices["price_date"].to_list() == [date(2026, 1, 2), date(2026, 1, 5)]


def test_history_is_one_row_a_day_with_the_day_before_the_values(tmp_path: Path) -> None:
    rows = [
        f"AAPL US Equity|0|4|{day}|{price}|N.A.|N.A.|N.A.|"
        for day, price in (("20260102", "271"), ("20260105", "267.26"))
    ]
    content = reply(*rows, PROGRAMNAME="gethistory", HIST_FORMAT="horizontal")
    prices = read(ADAPTER, tmp_path, "history_20260105.out", content).frames["canonical.price"]
    assert prices.select("price_date", "price", "currency").rows() == [
        (date(2026, 1, 2), Decimal("271"), "USD"),
        (date(2026, 1, 5), Decimal("267.26"), "USD"),
    ]


@pytest.mark.parametrize("mark", [("IMAHDR", "IMATRL"), ("INAHDR", "INATRL")])
def test_wrapper_lines_of_back_office_files_are_taken_off(tmp_path: Path, mark: tuple[str, str]) -> None:
    content = f"{mark[0]}20260105\n{reply(ROW)}{mark[1]}0001\n"
    assert read(ADAPTER, tmp_path, "equity_namr.px.20260105", content).record_count == 1
    with pytest.raises(FeedFault) as fault:
        read(ADAPTER, tmp_path, "equity_namr.px.20260105", content.replace(mark[1], "OTHER "))
    assert fault.value.reason == "truncated_file"


def test_days_are_read_as_the_header_writes_them(tmp_path: Path) -> None:
    content = reply(ROW.replace("20260105", "01/05/2026"), DATEFORMAT="mm/dd/yyyy")
    assert read(ADAPTER, tmp_path, NAME, content).frames["canonical.price"]["price_date"].to_list() == [
        date(2026, 1, 5)
    ]


def test_a_bulk_cell_that_lies_about_its_size_holds_its_record_back(tmp_path: Path) -> None:
    fields = (*FIELDS, "DVD_HIST_ALL")
    sound = ";2;1;7;5;20251101;5;20251120;5;20251121;5;20251215;3;0.25;1;Quarter;1;Regular Cash;"
    rows = [ROW.replace("|4|", "|5|") + f"{cell}|" for cell in (sound, sound.replace(";2;1;", ";2;2;"))]
    result = read(ADAPTER, tmp_path, NAME, reply(rows[0], rows[1].replace("AAPL", "IBM"), fields=fields))
    assert reasons(result) == [(15, "contract_violation", "DVD_HIST_ALL")]
    paid = result.frames["canonical.corporate_action"]
    assert paid.select("source_line", "ex_date", "cash_rate", "currency").rows() == [
        (14, date(2025, 11, 20), Decimal("0.25"), "USD")
    ]


def test_a_spread_without_currency_is_no_price(tmp_path: Path) -> None:
    row = "CDX IG CDSI GEN 5Y Corp|0|4|48.76|20260105| | |"
    assert reasons(read(ADAPTER, tmp_path, NAME, reply(row))) == [(13, "missing_value", "CRNCY")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("START-OF-FILE\n", ""), "malformed_document"),
        (("\nEND-OF-FILE", ""), "truncated_file"),
        (("\nEND-OF-DATA\nEND-OF-FILE", ""), "truncated_file"),
        (("\nEND-OF-DATA", ""), "malformed_document"),
        (("END-OF-FILE\n", "END-OF-FILE\nmore\n"), "trailer_mismatch"),
        (("START-OF-FIELDS\nPX_LAST\nPX_CLOSE_DT\nCRNCY\nID_BB_GLOBAL\nEND-OF-FIELDS\n", ""), "malformed_document"),
        (("=getdata", "=getquotes"), "malformed_document"),
        (("=getdata", "=gethistory"), "malformed_document"),
        (("=yyyymmdd", "=julian"), "malformed_document"),
        (("DELIMITER=|", "DELIMITER=||"), "malformed_document"),
    ],
)
def test_a_broken_envelope_is_refused_by_name(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    content = reply(ROW)
    assert change[0] in content
    with pytest.raises(FeedFault) as fault:
        read(ADAPTER, tmp_path, NAME, content.replace(*change))
    assert fault.value.reason == reason


def test_details_hold_nothing_of_the_row_but_codes(tmp_path: Path) -> None:
    result = read(ADAPTER, tmp_path, NAME, reply(ROW.replace("|0|", "|777|").replace("AAPL", "SECRET")))
    assert "777" in result.rejects["detail"][0]
    assert "SECRET" not in result.rejects["detail"][0]
