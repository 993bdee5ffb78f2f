"""From landing to the lake, one awkward file at a time: crashes, shared lines, changed settings, names at the limit."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from assets.canonical import reading
from assets.canonical.assets import _file_checks, tenant_key_of
from assets.canonical.reading import pending_files, read_files
from assets.landing.fetch import fetch_files, logical_name
from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection
from connectors.registry import adapter
from connectors.transport.paths import name_fault
from tests.connectors.ofx_fixture import FOLDER, INTEL, investment
from tests.e2e_faults.provider import Provider, provider_in

AT = datetime(2022, 1, 6, 10, 30, tzinfo=UTC)
TRADE = (
    "<BUYSTOCK><INVBUY><INVTRAN><FITID>{id}<DTTRADE>20220104</INVTRAN>" + INTEL + "<UNITS>10<UNITPRICE>50"
    "<TOTAL>-500<SUBACCTSEC>CASH<SUBACCTFUND>CASH</INVBUY><BUYTYPE>BUY</BUYSTOCK>\n"
)
SECLIST = (
    "<SECLISTMSGSRSV1><SECLIST><STOCKINFO><SECINFO>" + INTEL + "<SECNAME>INTEL<TICKER>INTC</SECINFO></STOCKINFO>"
    "</SECLIST></SECLISTMSGSRSV1>\n"
)


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    made = provider_in(tmp_path, ())
    made.configure("alder", {"ofx_direct": ("ofx", ())})
    return made


def deliver(provider: Provider, name: str, content: str | bytes, hours: int = 0) -> None:
    data = content.encode() if isinstance(content, str) else content
    provider.put(f"alder/ofx_direct/{name}", data, AT + timedelta(hours=hours))


def with_parser(monkeypatch: pytest.MonkeyPatch, parse: Callable[[RawFile, Connection], ParsedFile]) -> None:
    """Let the OFX connector read with ``parse``."""
    monkeypatch.setattr(reading, "adapter", lambda slug: replace(adapter(slug), parse=parse))


# --- a connector with a bug -------------------------------------------------------------------------------------------


def test_a_connector_that_crashes_on_one_file_harms_no_other_and_blames_no_data(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "account 9876543210 of Jane Doe"

    def parse(raw: RawFile, connection: Connection) -> ParsedFile:
        if raw.name.startswith("odd"):
            raise KeyError(secret)
        return adapter("ofx").parse(raw, connection)

    with_parser(monkeypatch, parse)
    deliver(provider, "odd_20220105.ofx", investment(TRADE.format(id="1"), extra=SECLIST))
    deliver(provider, "sound_20220105.ofx", investment(TRADE.format(id="2"), extra=SECLIST))
    deliver(provider, "broken_20220105.ofx", b"\x00\x01\x02 rubbish")
    _, done = provider.visit("alder")
    assert (done.files, done.blocked, done.crashed, done.lost) == (3, 1, 1, 0)
    statuses = dict(provider.read("landing.file_parse", "alder").select("logical_name", "parse_status").iter_rows())
    assert statuses == {
        "odd_20220105.ofx": "crashed", "sound_20220105.ofx": "parsed", "broken_20220105.ofx": "blocked",
    }  # fmt: skip
    held = provider.read("quality.reject", "alder").filter(pl.col("reason") == "parser_crashed")
    (row,) = held.rows(named=True)
    assert "KeyError" in row["detail"]
    assert secret not in str(row)
    assert row["raw_text"] is None
    assert provider.read("canonical.transaction", "alder").height == 1
    checks = {check.check_name: check for check in _file_checks(tenant_key_of("landing.file_parse"), done)}
    assert {name: check.passed for name, check in checks.items()} == {
        "files_readable": False, "connectors_sound": False, "nothing_lost": True,
    }  # fmt: skip
    named = {str(value.value) for check in checks.values() for value in check.metadata.values()}
    assert "parser_crashed (line 0)" in named
    assert any(text.startswith("binary_content (line") for text in named)


def test_a_crashed_file_is_read_again_by_the_mended_connector(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(raw: RawFile, connection: Connection) -> ParsedFile:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        with_parser(patch, parse)
        deliver(provider, "a_20220105.ofx", investment(TRADE.format(id="1"), extra=SECLIST))
        assert provider.visit("alder")[1].crashed == 1
    assert provider.visit("alder")[1].files == 0
    mended = replace(adapter("ofx"), parser_version="2")
    monkeypatch.setattr(reading, "adapter", lambda slug: mended)
    assert provider.visit("alder")[1].files == 1
    assert provider.read("landing.file_parse", "alder")["parse_status"].to_list() == ["parsed"]
    assert provider.read("quality.reject", "alder").is_empty()


@pytest.mark.parametrize("fault", [MemoryError, OSError])
def test_a_fault_of_the_machine_ends_the_run_and_says_nothing_of_the_file(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    def parse(raw: RawFile, connection: Connection) -> ParsedFile:
        raise fault

    deliver(provider, "a_20220105.ofx", investment(TRADE.format(id="1"), extra=SECLIST))
    with monkeypatch.context() as patch:
        with_parser(patch, parse)
        with pytest.raises(fault):
            provider.visit("alder")
    assert provider.read("landing.file_parse", "alder").is_empty()
    assert provider.visit("alder")[1].files == 1


def test_a_crash_in_the_engine_below_is_caught_too(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(raw: RawFile, connection: Connection) -> ParsedFile:
        raise pl.exceptions.PanicException("index out of bounds: account 9876543210")

    with_parser(monkeypatch, parse)
    deliver(provider, "a_20220105.ofx", investment())
    assert provider.visit("alder")[1].crashed == 1
    assert "9876543210" not in str(provider.read("quality.reject", "alder").rows())


# --- records that share a line ----------------------------------------------------------------------------------------


def one_line(*, described: bool) -> bytes:
    """The one-line sample, with or without the description of its first security (CUSIP 458140100)."""
    content = (FOLDER / "samples" / "fidelity.ofx").read_bytes()
    return content if described else _without_description(content, b"458140100")


def _without_description(content: bytes, cusip: bytes) -> bytes:
    start = content.index(b"<SECLIST>")
    at = content.index(cusip, start)
    first = max(content.rindex(tag, start, at) for tag in (b"<STOCKINFO>",))
    last = content.index(b"</STOCKINFO>", at) + len(b"</STOCKINFO>")
    return content[:first] + content[last:]


def test_records_that_share_a_line_are_counted_and_held_back_one_by_one(provider: Provider) -> None:
    whole = one_line(described=True)
    records_of_intel = whole[: whole.index(b"<SECLIST>")].count(b"<UNIQUEID>458140100<")
    deliver(provider, "s_20120908.ofx", one_line(described=False))
    _, done = provider.visit("alder")
    (parse,) = provider.read("landing.file_parse", "alder").rows(named=True)
    assert records_of_intel >= 2
    assert parse["quarantined_count"] == records_of_intel
    assert parse["record_count"] == parse["parsed_count"] + parse["quarantined_count"]
    assert done.lost == 0
    assert set(provider.read("quality.reject", "alder")["reason"]) == {"unknown_security"}
    kept = provider.read("canonical.transaction", "alder").height
    positions = provider.read("canonical.custodian_position", "alder").height
    deliver(provider, "s_20120908.ofx", whole, hours=1)
    provider.visit("alder")
    newest = provider.read("landing.file_parse", "alder").sort("known_at").row(-1, named=True)
    assert (newest["parse_status"], newest["quarantined_count"]) == ("parsed", 0)
    again = provider.read("canonical.transaction", "alder").height - kept
    held = again - kept + provider.read("canonical.custodian_position", "alder").height - 2 * positions
    assert held == records_of_intel


def test_one_row_that_fails_the_gate_takes_no_other_of_its_line_with_it(provider: Provider) -> None:
    of_a_later_day = TRADE.format(id="2").replace("20220104", "20220204")
    trades = "".join(TRADE.format(id=str(n)) for n in (1, 3)) + of_a_later_day
    body = investment(trades, extra=SECLIST)
    head, document = body.split("<OFX>", 1)
    deliver(provider, "s_20220105.ofx", head + "<OFX>" + document.replace("\n", ""))
    provider.visit("alder")
    held = provider.read("quality.reject", "alder")
    assert set(held.select("reason", "field_name").iter_rows()) == {("quality_gate", "trade_date")}
    assert provider.read("canonical.transaction", "alder").height == 2
    (parse,) = provider.read("landing.file_parse", "alder").rows(named=True)
    assert parse["quarantined_count"] == 1
    assert parse["record_count"] == parse["parsed_count"] + 1


def test_a_statement_of_an_account_that_is_not_the_tenants_leaves_no_text_behind(provider: Provider) -> None:
    provider.configure("alder", {"ofx_direct": ("ofx", ("A1",))})
    deliver(provider, "s_20220105.ofx", investment(TRADE.format(id="1"), account="FOREIGN77", extra=SECLIST))
    provider.visit("alder")
    held = provider.read("quality.reject", "alder")
    assert "foreign_account" in set(held["reason"])
    assert "FOREIGN77" not in str(held.rows())
    assert provider.read("canonical.account", "alder").is_empty()


# --- encodings --------------------------------------------------------------------------------------------------------


def test_a_statement_in_marked_utf16_is_read_and_an_unmarked_one_is_refused(provider: Provider) -> None:
    text = investment(TRADE.format(id="1"), extra=SECLIST)
    deliver(provider, "marked_20220105.ofx", text.encode("utf-16"))
    deliver(provider, "bare_20220105.ofx", text.encode("utf-16-le"))
    provider.visit("alder")
    assert provider.parse("alder", "marked_20220105.ofx")["parse_status"] == "parsed"
    assert provider.rejects("alder", "bare_20220105.ofx") == {("wrong_encoding", 1)}


# --- settings that change ---------------------------------------------------------------------------------------------


def test_files_of_a_connection_that_was_taken_out_wait_until_it_is_back(provider: Provider) -> None:
    deliver(provider, "s_20220105.ofx", investment(TRADE.format(id="1"), extra=SECLIST))
    ws = provider.workspace
    (connection,) = ws.connections("alder")
    fetch_files(ws, "alder", connection)
    provider.configure("alder", {})
    _, done = provider.visit("alder")
    assert (done.files, done.lost) == (0, 0)
    assert len(pending_files(provider.workspace, "alder")) == 1
    assert provider.read("landing.file_parse", "alder").is_empty()
    provider.configure("alder", {"ofx_direct": ("ofx", ())})
    _, done = provider.visit("alder")
    assert (done.files, done.blocked) == (1, 0)


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_path_beyond_the_column_keeps_a_name_of_its_own(provider: Provider) -> None:
    folders = "/".join(["資" * 50, "b" * 120])
    paths = [f"{first}{folders}/s_20220105.ofx" for first in "xy"]
    for path in paths:
        deliver(provider, path, investment(TRADE.format(id=path[0]), extra=SECLIST))
    _, done = provider.visit("alder")
    assert (done.files, done.blocked) == (2, 0)
    names = provider.read("landing.file_arrival", "alder").filter(pl.col("adapter") == "ofx")["logical_name"]
    assert names.n_unique() == 2
    assert all(len(name.encode()) <= 255 for name in names)
    assert names.to_list() != paths


@pytest.mark.parametrize("path", ["a/CRS20220103.TRN", "é" * 127])
def test_a_short_path_is_its_own_name(path: str) -> None:
    assert logical_name(path) == path


def test_a_name_is_cut_at_a_whole_character() -> None:
    name = logical_name("é" * 200)
    assert len(name.encode()) <= 255
    assert name_fault(name) is None
    assert name != logical_name("è" + "é" * 199)


# --- archives ---------------------------------------------------------------------------------------------------------


def test_what_an_archive_expands_to_does_not_stay_on_disk(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    deliver(provider, "s_20220105.ofx.gz", gzip.compress(investment(TRADE.format(id="1"), extra=SECLIST).encode()))
    deliver(provider, "bomb_20220105.ofx.gz", gzip.compress(bytes(64 * 1024**2)))
    deliver(provider, "cut_20220105.ofx.gz", gzip.compress(investment().encode())[:-20])
    ws = provider.workspace
    for connection in ws.connections("alder"):
        fetch_files(ws, "alder", connection)
    files: Iterator[reading.ReadFile] = read_files(ws, "alder", pending_files(ws, "alder"))
    statuses = []
    for file in files:
        assert list(scratch.iterdir()) == []
        statuses.append(file.parse_status)
    assert sorted(statuses) == ["blocked", "blocked", "parsed"]
    assert not any((provider.home / "staging" / "alder" / "ofx_direct").iterdir())


def test_the_delivered_archive_is_kept_as_it_came(provider: Provider) -> None:
    content = b"PK\x03\x04 no archive at all"
    deliver(provider, "s_20220105.ofx.zip", content)
    provider.visit("alder")
    assert provider.rejects("alder", "s_20220105.ofx.zip") == {("malformed_document", 0)}
    sha256 = hashlib.sha256(content).hexdigest()
    with provider.workspace.raw.open("alder", sha256) as stream:
        assert stream.read() == content


def test_bytes_that_were_refused_by_their_name_are_read_under_the_right_one(provider: Provider) -> None:
    """A person who renames a file must be heard: the same bytes were not read as what they are."""
    content = investment(TRADE.format(id="1"), extra=SECLIST)
    deliver(provider, "statement.txt", content)
    assert provider.visit("alder")[1].blocked == 1
    deliver(provider, "s_20220105.ofx", content)
    _, done = provider.visit("alder")
    assert (done.files, done.blocked) == (1, 0)
    deliver(provider, "again_20220105.ofx", content)
    assert provider.visit("alder")[1].files == 0


def test_a_restatement_of_which_nothing_can_be_read_takes_nothing_away(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rubbish under the name of a full refresh is broken as a whole; what is wrong with its lines stays on record."""
    read = adapter("ofx").parse

    def parse(raw: RawFile, connection: Connection) -> ParsedFile:
        good = read(raw, connection)
        line = {"source_line": 7, "reason": "wrong_field_count", "field_name": "record", "detail": "x"}
        held = pl.DataFrame([line], schema=good.rejects.schema)
        return replace(good, frames={}, rejects=held, record_count=1, quarantined_count=1)

    with monkeypatch.context() as patch:
        with_parser(patch, parse)
        deliver(provider, "s_20220105.ofx", investment(TRADE.format(id="1"), extra=SECLIST))
        assert provider.visit("alder")[1].blocked == 1
    reasons = provider.read("quality.reject", "alder").select("source_line", pl.col("reason").cast(pl.String)).rows()
    assert sorted(reasons) == [(0, "malformed_document"), (7, "wrong_field_count")]
