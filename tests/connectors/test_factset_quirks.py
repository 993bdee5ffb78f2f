"""FactSet's habits, one test each."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import FeedFault
from connectors.market_data.factset.adapter import ADAPTER
from tests.connectors.golden import reasons
from tests.connectors.vendor_files import read

NAME = "prices_unsplit_20260105.json"


def record(**changes: Any) -> dict[str, Any]:
    base = {"fsymId": "MH33D6-R", "date": "2026-01-05", "currency": "USD", "requestId": "AAPL-US", "price": 267.26}
    return {**base, **changes}


def answer(*records: object, **more: Any) -> str:
    return json.dumps({"data": list(records), **more})


def test_prices_that_are_adjusted_for_splits_are_refused_because_history_restates(tmp_path: Path) -> None:
    for name, content in (
        ("prices_split_20260105.json", answer(record())),
        ("prices_20260105.json", answer(record())),
        (NAME, answer(record(adjust="SPLIT"))),
        (NAME, answer(record(), meta={"adjust": "SPLIT_SPINOFF"})),
    ):
        with pytest.raises(FeedFault, match="adjusted for splits") as fault:
            read(ADAPTER, tmp_path, name, content)
        assert fault.value.reason == "malformed_document"
    assert read(ADAPTER, tmp_path, NAME, answer(record(adjust="UNSPLIT"))).record_count == 1


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("fsymId", []),
        ("requestId", []),
        ("date", [(1, "missing_value", "date")]),
        ("price", [(1, "missing_value", "price")]),
        ("currency", [(1, "missing_value", "currency")]),
    ],
)
def test_any_field_may_be_null(tmp_path: Path, field: str, expected: list[tuple[int, str, str]]) -> None:
    told = [(line, reason, name.replace("price_date", "date")) for line, reason, name in reasons(
        read(ADAPTER, tmp_path, NAME, answer(record(**{field: None})))
    )]  # fmt: skip
    assert told == expected


def test_the_symbol_is_the_identity_and_the_request_id_only_what_was_asked(tmp_path: Path) -> None:
    asked = ("AAPL-US", "US0378331005", "037833100", "B0YQ5W0", "BBG000B9XRY4")
    rows = [record(requestId=text, fsymId=f"S{n}-R") for n, text in enumerate(asked)]
    prices = read(ADAPTER, tmp_path, NAME, answer(*rows)).frames["canonical.price"]
    assert prices["provider_security_id"].to_list() == [f"S{n}-R" for n in range(5)]
    told = prices.select("ticker", "isin", "cusip", "sedol", "figi").rows()
    assert [[text for text in row if text] for row in told] == [[text] for text in asked]


def test_an_identifier_that_nobody_knows_is_an_unknown_security(tmp_path: Path) -> None:
    stranger = record(fsymId=None, price=None, date=None, currency=None)
    assert reasons(read(ADAPTER, tmp_path, NAME, answer(stranger))) == [(1, "unknown_security", "requestId")]


def test_pence_are_called_gbx(tmp_path: Path) -> None:
    prices = read(ADAPTER, tmp_path, NAME, answer(record(currency="GBX", price=641.5))).frames["canonical.price"]
    assert prices.select("price", "currency").rows() == [(Decimal("6.415"), "GBP")]


@pytest.mark.parametrize(
    "content",
    [
        {"status": "401", "timestamp": "", "path": "/x", "message": "no", "subErrors": None},
        {"data": {"id": "b-1", "status": "executing"}},
        {"errors": [{"id": "1", "code": "badRequest"}]},
        {},
    ],
)
def test_error_documents_and_unfinished_batches_are_refused(tmp_path: Path, content: dict[str, Any]) -> None:
    with pytest.raises(FeedFault) as fault:
        read(ADAPTER, tmp_path, NAME, json.dumps(content))
    assert fault.value.reason == "malformed_document"


def test_an_empty_answer_is_a_day_without_events(tmp_path: Path) -> None:
    result = read(ADAPTER, tmp_path, "corporate_actions_20260105.json", answer())
    assert (result.record_count, result.business_date) == (0, date(2026, 1, 5))


def test_a_cancelled_dividend_is_told_as_one(tmp_path: Path) -> None:
    event = {
        "fsymId": "A-R", "requestId": "A-US", "eventId": "1", "eventTypeCode": "DVC", "effectiveDate": "2026-02-02",
        "amtGrossTradingUnadj": 0.5, "currency": "USD", "cancelledDividend": True,
    }  # fmt: skip
    told = read(ADAPTER, tmp_path, "corporate_actions_20260105.json", answer(event)).frames[
        "canonical.corporate_action"
    ]
    assert told.select("action_type", "is_cancelled", "cash_rate").rows() == [("CASH_DIVIDEND", True, Decimal("0.5"))]


def test_a_firm_maps_an_event_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("code,action_type\nZZZ,TENDER\n")
    event = {"fsymId": "A-R", "eventId": "1", "eventTypeCode": "ZZZ", "effectiveDate": "2026-02-02"}
    name = "corporate_actions_20260105.json"
    assert reasons(read(ADAPTER, tmp_path, name, answer(event))) == [(1, "unknown_code", "eventTypeCode")]
    told = read(ADAPTER, tmp_path, name, answer(event), events=own).frames["canonical.corporate_action"]
    assert told["action_type"].to_list() == ["TENDER"]
