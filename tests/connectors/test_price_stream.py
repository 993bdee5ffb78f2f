"""A price stream's segments: samples with rows written by hand, and the contract's quirks, one test each."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars
import polars as pl
import pytest

from connectors.adapter import ParsedFile
from connectors.errors import FeedFault
from connectors.formats.lines import iterate_lines
from connectors.market_data.price_stream import adapter as module
from connectors.market_data.price_stream.adapter import ADAPTER
from connectors.market_data.price_stream.tables import EXCHANGES
from connectors.services import StreamTransport
from connectors.transport.clock import SystemClock
from connectors.transport.segments import Spool
from tests.connectors.golden import agrees_with_expected, reasons
from tests.connectors.price_stream_fixture import APPLE, message, name_of, read, read_or_refused, segment
from tests.connectors.vendor_files import VENDORS, mutations

FOLDER = VENDORS / "price_stream"
SAMPLES = sorted((FOLDER / "samples").iterdir())


def prices(result: ParsedFile) -> list[tuple[object, ...]]:
    return result.frames["canonical.price"].select("isin", "price_date", "price", "currency").rows()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_sample_gives_the_rows_written_down_for_it(sample: Path) -> None:
    result = read(sample)
    filled = {name: frame for name, frame in result.frames.items() if frame.height}
    told = ParsedFile(
        filled, result.rejects, result.record_count, result.quarantined_count, result.business_date
    )  # fmt: skip
    agrees_with_expected(told, FOLDER / "expected" / sample.name)


def test_every_sample_has_its_rows() -> None:
    assert {path.name for path in SAMPLES} == {path.name for path in (FOLDER / "expected").iterdir()}


def test_the_names_are_those_that_the_spool_gives(tmp_path: Path) -> None:
    settings = {"url": "ws://localhost:1", "spool": tmp_path, "prefix": "px-2_b", "session_field": "/day"}
    with Spool(StreamTransport.model_validate(settings), SystemClock()) as spool:
        spool.add(b"{}", ("2022-01-05", 7))
        spool.add_stray(b"\xff", is_json=False)
    with Spool(StreamTransport.model_validate({**settings, "prefix": "p", "session_field": None}), SystemClock()) as s:
        s.add(b"{}", ("", 10**15))
    kinds = {}
    for path in tmp_path.glob("p*"):
        found = ADAPTER.kind_of(path.name)
        kinds[path.name[:12]] = (found[0].name, found[1]) if found else None
    assert kinds == {
        "px-2_b_2022-": ("SEGMENT", None), "px-2_b_stray": ("STRAY", None), "p_1000000000": ("SEGMENT", None),
    }  # fmt: skip
    assert ADAPTER.kind_of("px_000000000001-000000000002.ndjson.part") is None


def test_numbers_of_json_are_exact(tmp_path: Path) -> None:
    result = segment(
        tmp_path,
        message(1).replace('"174.92"', "174.92000001"),
        message(2, isin="GB0002634946").replace('"174.92"', "1.7492e2"),
        message(3, isin="US5949181045").replace('"174.92"', "123456789012.12345678"),
        message(4, isin="US0231351067").replace('"174.92"', "0.123456789"),
    )
    assert [row[2] for row in prices(result)] == [
        Decimal("174.92000001"), Decimal("174.92"), Decimal("123456789012.12345678"),
    ]  # fmt: skip
    assert reasons(result) == [(4, "number_out_of_range", "price")]


def test_only_the_last_price_of_a_security_and_day_is_a_row_and_the_others_count_as_taken(tmp_path: Path) -> None:
    result = segment(tmp_path, *(message(n, f"170.{n}", f"2022-01-05T15:00:{n:02d}Z") for n in range(1, 31)))
    assert prices(result) == [(APPLE, date(2022, 1, 5), Decimal("170.30"), "USD")]
    assert result.frames["canonical.price"]["source_line"].to_list() == [30]
    assert (result.record_count, result.quarantined_count) == (30, 0)


def test_the_last_is_by_time_and_number_and_not_by_place_because_gaps_are_filled_late(tmp_path: Path) -> None:
    same = "2022-01-05T15:00:00Z"
    late = segment(tmp_path, message(2, "2", same), message(3, "3", same), message(1, "1", same))
    assert prices(late)[0][2] == Decimal(3)
    early = segment(tmp_path, message(1, "1", "2022-01-05T15:00:01Z"), message(2, "2", same))
    assert prices(early)[0][2] == Decimal(1)


def test_a_close_comes_before_what_is_traded_after_it(tmp_path: Path) -> None:
    result = segment(
        tmp_path, message(1, "174.92", "2022-01-05T21:00:00Z", type="close"), message(2, "1", "2022-01-05T21:00:01Z")
    )
    assert prices(result)[0][2] == Decimal("174.92")


def test_extended_hours_are_taken_and_give_no_price(tmp_path: Path) -> None:
    later = "2022-01-05T23:00:00Z"
    result = segment(tmp_path, message(1), message(2, "1", later, hours="extended"))
    assert (prices(result)[0][2], result.quarantined_count) == (Decimal("174.92"), 0)
    assert prices(segment(tmp_path, message(1, hours="extended"))) == []
    assert reasons(segment(tmp_path, message(1, hours="night"))) == [(1, "unknown_code", "hours")]


@pytest.mark.parametrize(
    ("exchange", "at", "day"),
    [
        ("XNYS", "2022-01-06T04:59:59Z", date(2022, 1, 5)),
        ("XNYS", "2022-01-06T05:00:00Z", date(2022, 1, 6)),
        ("XNAS", "2022-07-06T04:00:00Z", date(2022, 7, 6)),  # daylight saving: midnight is at four
        ("XTKS", "2022-01-05T15:00:00Z", date(2022, 1, 6)),
        ("XTKS", "2022-01-05T14:59:59+00:00", date(2022, 1, 5)),
        ("XNYS", "2022-01-05T23:00:00-05:00", date(2022, 1, 5)),
    ],
)
def test_the_day_is_that_of_the_exchange(tmp_path: Path, exchange: str, at: str, day: date) -> None:
    assert prices(segment(tmp_path, message(1, at=at, exchange=exchange)))[0][1] == day


@pytest.mark.full
def test_the_time_zones_of_exchanges_are_those_of_their_calendars() -> None:
    for exchange, row in EXCHANGES.rows().items():
        if exchange != "IEXG":  # which has no calendar of its own
            calendar = exchange_calendars.get_calendar(exchange, start="2022-01-03", end="2022-01-14")
            assert calendar.tz == ZoneInfo(row["time_zone"]), exchange


def test_securities_are_told_apart_by_isin_or_figi_and_a_ticker_is_only_a_label(tmp_path: Path) -> None:
    figi, at = "BBG000B9XRY4", "2022-01-05T20:59:59Z"
    result = segment(tmp_path, message(1, figi=figi), message(2, "175", at, isin=None, figi=figi))
    assert result.frames["canonical.price"].select("isin", "figi", "price").rows() == [(APPLE, figi, Decimal(175))]
    nameless = segment(tmp_path, message(1, isin=None, ticker="AAPL"))
    assert reasons(nameless) == [(1, "missing_value", "isin")]
    assert "ticker" not in {c.name for c in result.frames["canonical.price"] if not c.is_null().all()}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "correction"}, ("unknown_record_type", "type")),
        ({"type": None}, ("unknown_record_type", "type")),
        ({"price": "174,92"}, ("unparsable_number", "price")),
        ({"price": True}, ("unparsable_number", "price")),
        ({"price": None}, ("missing_value", "price")),
        ({"price": "0"}, ("number_out_of_range", "price")),
        ({"price": "1" * 13}, ("number_out_of_range", "price")),
        ({"currency": "US$"}, ("unknown_code", "currency")),
        ({"currency": "GBX"}, ("unknown_code", "currency")),
        ({"currency": None}, ("missing_value", "currency")),
        ({"at": "2022-02-30T20:00:00Z"}, ("impossible_date", "at")),
        ({"at": "2022-01-05T20:00:00"}, ("impossible_date", "at")),
        ({"at": 1641416398123}, ("impossible_date", "at")),
        ({"at": "1822-01-05T20:00:00Z"}, ("impossible_date", "at")),
        ({"at": None}, ("missing_value", "at")),
        ({"exchange": "ZZZZ"}, ("unknown_code", "exchange")),
        ({"exchange": None}, ("missing_value", "exchange")),
        ({"isin": "US0378331005X"}, ("contract_violation", "isin")),
    ],
)
def test_a_bad_message_is_held_back_with_its_reason_and_its_neighbours_are_taken(
    tmp_path: Path, changes: dict[str, object], expected: tuple[str, str]
) -> None:
    good = message(1, "2", isin="GB0002634946", currency="GBP", exchange="XLON")
    other = message(3, "3", isin="US5949181045")
    result = segment(tmp_path, good, message(2, **changes), other)  # type: ignore[arg-type]
    assert reasons(result) == [(2, *expected)]
    assert [row[2] for row in prices(result)] == [Decimal(2), Decimal(3)]


def test_a_message_of_a_time_to_come_is_refused(tmp_path: Path) -> None:
    at = datetime(2022, 1, 5, 21, tzinfo=UTC)
    result = segment(
        tmp_path, message(1, at="2022-01-05T21:59:59Z"), message(2, at="2022-01-05T22:00:01Z"), known_at=at
    )
    assert reasons(result) == [(2, "impossible_date", "at")]


def test_messages_of_the_service_itself_are_taken_and_give_no_row(tmp_path: Path) -> None:
    result = segment(tmp_path, '{"seq":1,"type":"heartbeat"}')
    assert (prices(result), result.record_count, result.quarantined_count) == ([], 1, 0)
    assert result.business_date is None


def test_a_segment_that_lacks_the_numbers_of_its_name_is_refused(tmp_path: Path) -> None:
    for first, last in ((1, 3), (0, 2), (2, 2)):
        with pytest.raises(FeedFault) as fault:
            segment(tmp_path, message(1), message(2), first=first, last=last)
        assert fault.value.reason == "trailer_mismatch"
    assert segment(tmp_path, message(1), message(3), last=3).record_count == 2  # a gap within is the collector's


def test_a_segment_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / name_of(1, 1)
    path.write_text(message(1))
    with pytest.raises(FeedFault) as fault:
        read(path)
    assert fault.value.reason == "truncated_file"


def test_a_firm_completes_types_exchanges_and_classes(tmp_path: Path) -> None:
    own = {
        "messages": ("type,reads", "last,price"), "exchanges": ("exchange,time_zone", "XNZE,Pacific/Auckland"),
        "classes": ("class,security_type,asset_class,price_factor", "note,bond,fixed_income,0.01"),
    }  # fmt: skip
    for name, rows in own.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
    lines = (
        message(1, type="last", exchange="XNZE", at="2022-01-05T12:00:00Z"),
        message(2, type="security", name="Example 5 % 2030", **{"class": "note"}),
    )
    assert len(reasons(segment(tmp_path, *lines))) == 2
    result = segment(tmp_path, *lines, codes={name: tmp_path / f"{name}.csv" for name in own})
    assert prices(result)[0][1] == date(2022, 1, 6)
    told = result.frames["canonical.security"].select("security_type", "asset_class", "price_factor").rows()
    assert told == [("bond", "fixed_income", Decimal("0.01"))]
    (tmp_path / "exchanges.csv").write_text("exchange,time_zone\nXNZE,Nowhere/Land\n")
    badly = segment(tmp_path, message(1, exchange="XNZE"), codes={"exchanges": tmp_path / "exchanges.csv"})
    assert reasons(badly) == [(1, "unknown_code", "exchange")]


def test_the_last_description_of_a_security_counts(tmp_path: Path) -> None:
    def described(seq: int, name: str) -> str:
        return message(seq, None, type="security", name=name, ticker="AAPL", **{"class": "equity"})

    result = segment(tmp_path, described(1, "Apple Computer"), described(2, "Apple Inc"))
    assert result.frames["canonical.security"].select("security_name", "ticker").rows() == [("Apple Inc", "AAPL")]


def test_a_segment_is_told_by_its_first_line() -> None:
    assert ADAPTER.sniff is not None
    assert ADAPTER.sniff(message(1) + "\n") == "SEGMENT"
    assert ADAPTER.sniff('{"data": []}') is None
    assert ADAPTER.sniff("HD|SCHWAB  |") is None


def test_blocks_of_a_large_segment_give_what_one_block_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [message(n, f"170.{n}", f"2022-01-05T15:00:{n:02d}Z", isin=("A", "B")[n % 2] * 12) for n in range(1, 41)]
    whole = segment(tmp_path, *lines, message(41, "x"))
    monkeypatch.setattr(module, "iterate_lines", partial(iterate_lines, block_bytes=300))
    parted = segment(tmp_path, *lines, message(41, "x"))
    assert whole.frames["canonical.price"].height == 2
    for name, frame in whole.frames.items():
        assert frame.equals(parted.frames[name])
    assert reasons(parted) == reasons(whole) == [(41, "unparsable_number", "price")]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_mutated_segments_keep_the_count_law_or_are_refused_by_name(sample: Path, tmp_path: Path) -> None:
    outcomes = set()
    for content in islice(mutations(sample.read_bytes(), 5), 60):
        path = tmp_path / sample.name
        path.write_bytes(content)
        outcomes.add(type(read_or_refused(path)))
    assert ParsedFile in outcomes


@pytest.mark.full
def test_mutated_segments_for_as_long_as_the_nightly_allows(tmp_path: Path) -> None:
    until = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    streams = [(path.name, mutations(path.read_bytes(), 97 + n)) for n, path in enumerate(SAMPLES)]
    while time.monotonic() < until:
        for name, stream in streams:
            (tmp_path / name).write_bytes(next(stream))
            read_or_refused(tmp_path / name)


def test_lines_keep_their_text_for_quarantine(tmp_path: Path) -> None:
    text = message(1, "n/a")
    assert segment(tmp_path, text).rejects["raw_text"].to_list() == [text]
    assert pl.Series(segment(tmp_path, "[1]", message(2), first=2, last=2).rejects["raw_text"]).to_list() == ["[1]"]
