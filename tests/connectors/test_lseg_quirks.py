"""DataScope's habits, one test each."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.market_data.lseg.adapter import ADAPTER
from connectors.market_data.lseg.requests import NEXT_PAGE, extractions
from connectors.transport.extraction import Extraction, LinkPaging
from tests.connectors.golden import reasons
from tests.connectors.vendor_files import read

NAME = "eod_prices_20260105.json"
HEADER = "RIC,ISIN,Trade Date,Universal Close Price,Currency Code"


def row(ric: str = "IBM.N", price: str = "294.97", day: str = "2026-01-05", currency: str = "USD", **more: Any) -> str:
    told = {"RIC": ric, "Trade Date": day, "Currency Code": currency, **more}
    return json.dumps(told)[:-1] + f', "Universal Close Price": {price}}}'


def page(*rows: str, **more: Any) -> str:
    extra = "".join(f', "{name}": {json.dumps(value)}' for name, value in more.items())
    return f'{{"Contents": [{", ".join(rows)}]{extra}}}\n'


@pytest.mark.parametrize(
    ("written", "price"),
    [
        ("294.970000000000", "294.97"),
        ("0.1", "0.1"),
        ("1234567890.12345678", "1234567890.12345678"),  # no float holds it
        ("2.9497E2", "294.97"),
        ("1e-8", "0.00000001"),
        ('"294.97"', "294.97"),
    ],
)
def test_numbers_keep_every_digit_that_the_answer_has(tmp_path: Path, written: str, price: str) -> None:
    prices = read(ADAPTER, tmp_path, NAME, page(row(price=written))).frames["canonical.price"]
    assert prices["price"].to_list() == [Decimal(price)]


@pytest.mark.parametrize(
    ("written", "reason"),
    [("0.123456789", "number_out_of_range"), ("1e400", "unparsable_number"), ('"1,5"', "unparsable_number")],
)
def test_a_number_that_does_not_fit_is_never_rounded(tmp_path: Path, written: str, reason: str) -> None:
    assert reasons(read(ADAPTER, tmp_path, NAME, page(row(price=written)))) == [(1, reason, "price")]


def test_partial_then_final_are_two_kinds_and_the_later_one_restates(tmp_path: Path) -> None:
    kinds = {kind.name: kind for kind in ADAPTER.kinds}
    assert kinds["EOD"].is_replaceable
    assert kinds["EOD"].is_expected
    assert not kinds["EOD_PARTIAL"].is_expected
    for variant in ("partial", "embargoed", "intermediate", "delta"):
        found = ADAPTER.kind_of(f"eod_prices_20260105.{variant}.csv")
        assert found is not None
        assert (found[0].name, found[1]) == ("EOD_PARTIAL", date(2026, 1, 5))
    rows = f"{HEADER}\nIBM.N,,2026-01-05,{{}},USD\n"
    early = read(ADAPTER, tmp_path, "eod_prices_20260105.partial.csv", rows.format("294.9"))
    final = read(ADAPTER, tmp_path, "eod_prices_20260105.csv", rows.format("294.97"))
    assert [f.frames["canonical.price"]["price"].to_list() for f in (early, final)] == [
        [Decimal("294.9")],
        [Decimal("294.97")],
    ]


def test_a_200_with_errors_holds_back_the_rows_that_carry_them(tmp_path: Path) -> None:
    empty = json.dumps({"Identifier": "SAP.DE", "Error": "Not Entitled"})
    odd = json.dumps({"Identifier": "X.DE", "Error": "Meteor"})
    nulls = json.dumps({"Identifier": "VOID.N", "Trade Date": "2026-01-05", "Currency Code": "USD"})
    result = read(ADAPTER, tmp_path, NAME, page(row(), empty, odd, nulls))
    assert reasons(result) == [
        (2, "missing_value", "Error"),
        (3, "missing_value", "Error"),
        (4, "missing_value", "Universal Close Price"),
    ]
    assert result.frames["canonical.price"].height == 1


def test_a_price_that_was_rolled_over_a_holiday_keeps_its_own_day(tmp_path: Path) -> None:
    notes = ["Holiday Rollover of Universal Close Price for SAP.DE"]
    result = read(ADAPTER, tmp_path, NAME, page(row(day="2026-01-02"), Notes=notes))
    assert result.quarantined_count == 0
    assert result.frames["canonical.price"]["price_date"].to_list() == [date(2026, 1, 2)]


def test_instruments_that_only_the_notes_tell_of_are_records_held_back(tmp_path: Path) -> None:
    notes = ["Processing started.\nIdentifier <Ric, GONE.N> not found.\nNot entitled to SAP.DE\nQuota Message: INFO"]
    result = read(ADAPTER, tmp_path, NAME, page(row(), Notes=notes))
    assert (result.record_count, result.quarantined_count) == (3, 2)
    assert reasons(result) == [(3, "unknown_security", "Notes"), (4, "missing_value", "Notes")]
    assert "GONE" not in "".join(result.rejects["detail"])


def test_a_firm_teaches_a_phrase_of_the_notes(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("phrase,reason,meaning\ndelisted,unknown_security,it is traded no more\n")
    content = page(row(), Notes=["GONE.N was Delisted"])
    assert read(ADAPTER, tmp_path, NAME, content).record_count == 1
    assert reasons(read(ADAPTER, tmp_path, NAME, content, notes=own)) == [(2, "unknown_security", "Notes")]


def test_time_stamps_never_move_a_day(tmp_path: Path) -> None:
    days = ("2026-01-05T23:59:59.999-05:00", "2026/01/05", "2026-01-05 00:00:00Z")
    rows = [row(f"A{n}.N", day=day) for n, day in enumerate(days)]
    prices = read(ADAPTER, tmp_path, NAME, page(*rows)).frames["canonical.price"]
    assert prices["price_date"].to_list() == [date(2026, 1, 5)] * 3


def test_pages_that_are_missing_make_the_file_incomplete(tmp_path: Path) -> None:
    link = {"@odata.nextlink": "https://example.test/next"}
    both = page(row("A.N"), **link) + page(row("B.N"))
    assert read(ADAPTER, tmp_path, NAME, both).record_count == 2
    with pytest.raises(FeedFault) as fault:
        read(ADAPTER, tmp_path, NAME, page(row("A.N"), **link))
    assert fault.value.reason == "truncated_file"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty_file"),
        ("[]", "malformed_document"),
        ("{}", "malformed_document"),
        ('{"error": {"code": "", "message": "Malformed request payload"}}', "malformed_document"),
        ('{"Contents": [', "truncated_file"),
        ('{"Contents": [{"RIC": "IB', "truncated_file"),
        ('{"Contents": [NaN]}', "malformed_document"),
        ('{"Contents": ' + "[" * 100 + "]" * 100 + "}", "malformed_document"),
        ('{"Contents": ' + "[" * 100_000, "malformed_document"),
        (b'{"Contents": ["\xff"]}', "wrong_encoding"),
        (b'{"Contents": []}\0', "binary_content"),
    ],
)
def test_a_broken_document_is_refused_by_name(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(FeedFault) as fault:
        read(ADAPTER, tmp_path, NAME, content)
    assert fault.value.reason == reason


def test_quotes_and_separators_inside_quotes_and_crlf_and_a_bom(tmp_path: Path) -> None:
    header = "RIC,Security Description,Asset Type,Currency Code,Country of Issuance"
    content = f'\ufeff{header}\r\nIBM.N,"INTL, ""BIG"" BLUE",ORD,USD,US\r\n'
    [name] = read(ADAPTER, tmp_path, "terms_20260105.csv", content).frames["canonical.security"]["security_name"]
    assert name == 'INTL, "BIG" BLUE'


def test_columns_may_come_in_any_order_and_new_ones_are_left_alone(tmp_path: Path) -> None:
    content = "Currency Code,New,Trade Date,RIC,Universal Close Price\nUSD,?,2026-01-05,IBM.N,294.97\n"
    assert read(ADAPTER, tmp_path, "eod_prices_20260105.csv", content).quarantined_count == 0
    with pytest.raises(FeedFault) as fault:
        read(ADAPTER, tmp_path, "eod_prices_20260105.csv", content.replace("Universal Close Price", "Close"))
    assert fault.value.reason == "malformed_document"


def test_lone_surrogates_and_nuls_in_texts_harm_nobody(tmp_path: Path) -> None:
    text = page(row("RIC").replace('"RIC", ', '"A\\ud800\\u0000.N", '))
    [ticker] = read(ADAPTER, tmp_path, NAME, text).frames["canonical.price"]["ticker"]
    assert ticker == "A?\N{REPLACEMENT CHARACTER}.N"


def test_the_requests_say_type_fields_instruments_and_day(tmp_path: Path) -> None:
    own = tmp_path / "universe.csv"
    own.write_text(
        "identifier,identifier_type,asset_class\nIBM.N,Ric,security\nEUR=,Ric,currency\n037833100,Cusip,security\n"
    )
    feed = Connection.model_validate(
        {
            "connection_id": "dss",
            "adapter": "lseg",
            "transport": {"kind": "rest", "base_url": "http://127.0.0.1:9"},
            "codes": {"universe": str(own)},
        }
    )
    asked = [one for one in extractions(feed, date(2026, 1, 5)) if isinstance(one, Extraction)]
    assert [one.name for one in asked] == [
        "eod_prices_20260105.json",
        "terms_20260105.json",
        "corporate_actions_20260105.json",
    ]
    bodies = [json.loads(json.dumps(one.body))["ExtractionRequest"] for one in asked]
    assert [body["@odata.type"].rpartition(".")[2] for body in bodies] == [
        "PriceHistoryExtractionRequest",
        "TermsAndConditionsExtractionRequest",
        "CorporateActionsStandardExtractionRequest",
    ]
    assert bodies[0]["IdentifierList"]["InstrumentIdentifiers"] == [
        {"Identifier": "IBM.N", "IdentifierType": "Ric"},
        {"Identifier": "EUR=", "IdentifierType": "Ric"},
        {"Identifier": "037833100", "IdentifierType": "Cusip"},
    ]
    assert bodies[0]["Condition"]["QueryStartDate"] == "2026-01-05T00:00:00.000Z"
    assert bodies[0]["Condition"]["AdjustedPrices"] is False
    for one in asked:
        assert one.headers["Prefer"].startswith("respond-async")
        assert one.paging == LinkPaging(NEXT_PAGE)
        assert ADAPTER.kind_of(one.name) is not None
