"""Laws of the trace: from a figure to the file and line, with the line's own text, and nothing that was not used."""

from __future__ import annotations

import gzip
import json
import tempfile
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.table import Table
from contracts.tables.accounting import ACCOUNT_VALUATION, LEDGER_ENTRY, POSITION
from contracts.tables.canonical import ACCOUNT, FX_RATE, PRICE, SECURITY_IDENTIFIER
from contracts.tables.landing import FILE_ARRIVAL
from warehouse.lake.lines import MAX_LINE_BYTES, lines_of
from warehouse.lake.raw import RawStore
from warehouse.lake.store import Lake
from warehouse.lake.texts import keep_text
from warehouse.lake.trace import Trace, trace_position, trace_valuation

T0 = datetime(2022, 3, 1, 6, tzinfo=UTC)
DAY = date(2022, 3, 1)
SAP, EUR, USD = 10, 1, 2

TRADES = "HD|SCHWAB\r\nD|BUY SAP 10\r\nD|BUY SAP 5 wrong\r\nD|CANCEL\r\nTR|3\r\n"
POSITIONS = "header\nSAP 100\ncash 1000\n"
PRICES = "price_date,isin,close\n2022-03-01,DE0007164600,99.5\n"
RATES = "Date,USD\n2022-03-01,1.1162\n"


class House:
    """A lake with one account in US dollars that holds one security quoted in Swiss francs, and its cash."""

    def __init__(self, root: Path) -> None:
        self.lake, self.raw, self.folder = Lake(str(root / "lake")), RawStore(str(root / "lake")), root
        self.files: dict[str, int] = {}
        self.file("alder", "trades.TRN", TRADES.encode(), 0)
        self.file("alder", "positions.RPS", POSITIONS.encode("cp1252"), 1)
        self.file("_shared", "prices.csv.gz", gzip.compress(PRICES.encode()), 2)
        self.file("_shared", "rates.csv", RATES.encode(), 3)

    def file(self, tenant: str, name: str, content: bytes, hour: int) -> None:
        (self.folder / name).write_bytes(content)
        stored = self.raw.put(tenant, self.folder / name)
        self.files[name] = stored.source_file_id
        self.append(
            FILE_ARRIVAL, tenant, connection_id=f"feed_{name[:3]}", remote_path=f"out/{name}", adapter="schwab",
            received_at=T0 + timedelta(hours=hour), logical_name=name, source_file_id=stored.source_file_id,
            sha256=stored.sha256, size_bytes=stored.size_bytes, arrival_status="landed",
        )  # fmt: skip

    def append(self, table: Table, tenant: str, **values: Any) -> None:
        given = dict(values)
        if "tenant_key" in table.polars_schema:
            given["tenant_key"] = 0 if tenant == "_shared" else 1
        schema = {k: v for k, v in table.polars_schema.items() if k in given}
        self.lake.append(table, tenant, pl.DataFrame({k: [v] for k, v in given.items()}, schema=schema))

    def entry(self, name: str, file: str, line: int, **values: Any) -> None:
        self.append(
            LEDGER_ENTRY, "alder",
            **{
                "account_key": 1, "natural_key": name, "known_from": T0, "methodology_version": "1.0",
                "entry_type": "BUY", "entry_status": "booked", "security_key": SAP, "effective_date": DAY,
                "quantity": Decimal(0), "amount": Decimal(0), "currency": "CHF",
                "table_name": "canonical.transaction", "source_file_id": self.files[file], "source_line": line,
                **values,
            },
        )  # fmt: skip

    def position(self, security_key: int, quantity: int, **values: Any) -> None:
        self.append(
            POSITION, "alder",
            **{
                "account_key": 1, "security_key": security_key, "as_of_date": DAY, "quantity": Decimal(quantity),
                "known_from": T0 + timedelta(hours=4), "methodology_version": "1.0", "currency": "CHF",
                "is_price_stale": False, **values,
            },
        )  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> House:
    built = House(tmp_path)
    built.append(
        SECURITY_IDENTIFIER, "_shared", scheme="CURRENCY", identifier="CHF", security_key=USD,
        valid_from=date(1900, 1, 1), security_id="c", known_at=T0, source_file_id=1, source_line=1,
    )  # fmt: skip
    built.append(
        ACCOUNT, "alder", account_key=1, source_file_id=5, account_id="a", custodian="schwab", account_number="1",
        tax_status="taxable", account_status="open", base_currency="USD", business_date=DAY, known_at=T0, source_line=1,
    )  # fmt: skip
    opening = {
        "entry_type": "OPENING",
        "table_name": "canonical.custodian_position",
        "effective_date": date(2022, 2, 1),
    }
    built.entry("opening|10", "positions.RPS", 2, quantity=Decimal(100), **opening)
    built.entry("opening|CHF", "positions.RPS", 3, amount=Decimal(1000), security_key=None, **opening)
    built.entry("fill|1", "trades.TRN", 2, quantity=Decimal(10), amount=Decimal(-995))
    built.entry("fill|2", "trades.TRN", 3, quantity=Decimal(5), amount=Decimal(-5), entry_status="cancelled")
    built.entry("later", "trades.TRN", 2, quantity=Decimal(1), effective_date=date(2022, 3, 2))
    built.entry("other", "trades.TRN", 2, quantity=Decimal(1), security_key=77)
    built.entry("stranger", "trades.TRN", 2, quantity=Decimal(1), account_key=2)
    for file, price in (("prices.csv.gz", "99.5"), ("rates.csv", "98")):
        built.append(
            PRICE, "_shared", security_key=SAP, price_date=DAY, price_source="closing_prices", price=Decimal(price),
            currency="CHF", known_at=T0 + timedelta(hours=2), source_file_id=built.files[file], source_line=2,
        )  # fmt: skip
    for code in ("USD", "CHF", "JPY"):
        built.append(
            FX_RATE, "_shared", base_code="EUR", quote_code=code, rate_date=DAY, rate_source="ecb",
            rate=Decimal("1.1162"), known_at=T0, source_file_id=built.files["rates.csv"], source_line=2,
        )  # fmt: skip
    priced = {"price": Decimal("99.5"), "price_date": DAY, "price_source": "closing_prices", "rate_date": DAY}
    built.position(SAP, 110, **priced)
    built.position(USD, 5, rate_date=DAY)
    built.append(
        ACCOUNT_VALUATION, "alder", account_key=1, as_of_date=DAY, known_from=T0 + timedelta(hours=4),
        methodology_version="1.0", base_currency="USD", position_count=2, unvalued_count=0, stale_count=0,
        readiness="complete",
    )  # fmt: skip
    return built


def said(trace: Trace) -> list[tuple[str, str, int, str | None]]:
    return [(line.role, line.remote_path, line.source_line, line.line_text) for line in trace.lines]


MARKET = [
    ("price", "out/prices.csv.gz", 2, "2022-03-01,DE0007164600,99.5"),
    ("fx", "out/rates.csv", 2, "2022-03-01,1.1162"),
    ("fx", "out/rates.csv", 2, "2022-03-01,1.1162"),
]


def test_a_position_is_traced_to_its_opening_trades_price_and_rates(house: House) -> None:
    trace = trace_position(house.lake, house.raw, "alder", account_key=1, security_key=SAP, as_of_date=DAY)
    assert [row["quantity"] for row in trace.figure] == ["110.00000000"]
    assert said(trace) == [
        ("opening", "out/positions.RPS", 2, "SAP 100"),
        ("transaction", "out/trades.TRN", 2, "D|BUY SAP 10"),
        ("cancelled", "out/trades.TRN", 3, "D|BUY SAP 5 wrong"),
        *MARKET,
    ]
    assert {line.values["quote_code"] for line in trace.lines if line.role == "fx"} == {"USD", "CHF"}
    first = trace.lines[0]
    assert (first.table_name, first.connection_id, first.received_at) == (
        "canonical.custodian_position", "feed_pos", T0 + timedelta(hours=1)
    )  # fmt: skip
    assert first.values["quantity"] == "100.00000000"
    assert "settle_date" not in first.values


def test_cash_is_traced_to_every_entry_that_moved_its_currency(house: House) -> None:
    trace = trace_position(house.lake, house.raw, "alder", account_key=1, security_key=USD, as_of_date=DAY)
    assert [line[:3] for line in said(trace)] == [
        ("opening", "out/positions.RPS", 3),
        ("cash", "out/trades.TRN", 2),
        ("cancelled", "out/trades.TRN", 3),
        ("fx", "out/rates.csv", 2),
        ("fx", "out/rates.csv", 2),
    ]


def test_a_valuation_is_traced_to_all_that_its_positions_came_from(house: House) -> None:
    trace = trace_valuation(house.lake, house.raw, "alder", account_key=1, as_of_date=DAY)
    assert [row.get("security_key") for row in trace.figure] == [None, str(USD), str(SAP)]
    assert {line[:3] for line in said(trace)} >= {line[:3] for line in MARKET}
    assert [line.role for line in trace.lines].count("opening") == 2


def test_a_figure_that_is_not_there_has_an_empty_trace(house: House) -> None:
    asked = {"account_key": 1, "as_of_date": date(2021, 1, 1)}
    assert trace_valuation(house.lake, house.raw, "alder", **asked) == Trace([], [])
    assert trace_position(house.lake, house.raw, "alder", security_key=SAP, **asked) == Trace([], [])
    early = T0 - timedelta(days=1)
    assert trace_valuation(
        house.lake, house.raw, "alder", account_key=1, as_of_date=DAY, as_known_at=early
    ) == Trace([], [])  # fmt: skip


def test_another_tenants_account_of_the_same_key_is_not_seen(house: House) -> None:
    assert trace_valuation(house.lake, house.raw, "birch", account_key=1, as_of_date=DAY).figure == []


def test_a_trace_becomes_json(house: House) -> None:
    trace = trace_valuation(house.lake, house.raw, "alder", account_key=1, as_of_date=DAY)
    told = json.loads(json.dumps(trace.as_dict()))
    assert told["lines"][0]["received_at"] == "2022-03-01T07:00:00+00:00"
    assert set(told) == {"figure", "lines"}


def test_a_trace_shows_the_kept_text_of_a_file_that_is_no_text(house: House) -> None:
    sealed = house.folder / "trades.pgp"
    sealed.write_bytes(b"\x85\x01\x0c\x03 not to be read without a key")
    sha256 = house.raw.put("alder", sealed).sha256
    keep_text(house.raw, "alder", sha256, house.folder / "trades.TRN", is_decoded=True)
    house.append(
        FILE_ARRIVAL, "alder", connection_id="feed_pgp", remote_path="out/trades.pgp", adapter="schwab",
        received_at=T0, logical_name="trades.pgp", source_file_id=house.files["trades.TRN"],
        sha256=sha256, size_bytes=1, arrival_status="landed",
    )  # fmt: skip
    house.lake.replace_files(
        FILE_ARRIVAL,
        "alder",
        house.lake.read(FILE_ARRIVAL, "alder", where=pl.col("sha256") == sha256),
        [house.files["trades.TRN"]],
    )
    trace = trace_position(house.lake, house.raw, "alder", account_key=1, security_key=SAP, as_of_date=DAY)
    shown = {(line.remote_path, line.source_line): line.line_text for line in trace.lines}
    assert shown["out/trades.pgp", 2] == "D|BUY SAP 10"
    assert shown["out/trades.pgp", 3] == "D|BUY SAP 5 wrong"


def test_a_lost_file_leaves_the_rest_of_the_trace_standing(house: House) -> None:
    for path in (house.folder / "lake" / "alder" / "raw").rglob("*"):
        if path.is_file():
            path.unlink()
    trace = trace_position(house.lake, house.raw, "alder", account_key=1, security_key=SAP, as_of_date=DAY)
    assert [line.line_text for line in trace.lines[:3]] == [None] * 3
    assert [line.line_text for line in trace.lines[3:]] == [text for *_, text in MARKET]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["", "a", "bc" * 40, "ü€", "x" * 5000]), max_size=12), st.booleans())
def test_lines_are_those_that_splitting_the_whole_text_gives(texts: list[str], is_ended: bool) -> None:
    content = "\n".join(texts) + ("\n" if is_ended else "")
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        Path(file.name).write_bytes(content.encode())
        found = lines_of(Path(file.name), range(20))
    expected = dict(enumerate(content.split("\n"), start=1))
    shown = {n: text[:MAX_LINE_BYTES] for n, text in expected.items()}
    assert found == {n: text for n, text in shown.items() if text or n < len(expected)}


def test_a_line_that_spans_many_chunks_or_lies_far_inside_is_found(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"short\n" * 400_000 + b"y" * 3_000_000 + b"\nafter\nend")
    found = lines_of(path, [400_002, 400_001, 1, 400_003, 400_004])
    assert found == {1: "short", 400_001: "y" * MAX_LINE_BYTES, 400_002: "after", 400_003: "end"}


def test_lines_are_read_through_archives_and_old_encodings(tmp_path: Path) -> None:
    content = "eins\r\nzwölf €\r\n".encode("cp1252")
    (tmp_path / "plain").write_bytes(content)
    (tmp_path / "packed").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "zipped", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/feed.txt", content)
    for name in ("plain", "packed", "zipped"):
        assert lines_of(tmp_path / name, [2]) == {2: "zwölf €"}
    (tmp_path / "odd").write_bytes(b"\x81\x8d")
    assert lines_of(tmp_path / "odd", [1]) == {1: "\x81\x8d"}


def test_an_archive_of_several_files_has_no_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "two", "w") as archive:
        archive.writestr("a", "1")
        archive.writestr("b", "2")
    with pytest.raises(ValueError, match="2 members"):
        lines_of(tmp_path / "two", [1])
