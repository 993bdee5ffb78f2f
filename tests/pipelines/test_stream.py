"""``nexus stream`` as a process: it listens, ends cleanly, and what it leaves becomes the price that counts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from analytics.prices import price_as_of
from assets.canonical.ingest import ingest
from assets.canonical.reading import pending_files
from assets.landing.fetch import fetch_files
from assets.workspace import Workspace
from connectors.transport.stream import Collected
from contracts.registry import table
from contracts.table import SHARED_TENANT
from pipelines.cli.stream import stopped_by_signals, tell
from tests.connectors.price_stream_fixture import APPLE, message
from tests.connectors.stream_fixture import StreamServer, both, hear, say, stay, stream_server
from tests.pipelines.command import environment, invoke

PATIENCE_SECONDS = 120
GBP = {"isin": "GB0002634946", "exchange": "XLON", "currency": "GBP"}
SENT = (
    message(1, None, "2022-01-05T09:00:00Z", type="security", name="Apple Inc", **{"class": "equity"}),
    message(2, "174.50", "2022-01-05T20:59:57Z"),
    message(3, "173.90", "2022-01-04T20:59:57Z"),
    message(4, "174.92", "2022-01-05T21:00:00Z", type="close"),
    message(5, "9.99", "2022-01-05T12:00:00Z", **GBP),
)


@pytest.fixture
def server() -> Iterator[StreamServer]:
    with stream_server(stay) as running:
        yield running


def settings(home: Path, server: StreamServer, **transport: object) -> None:
    """An installation whose market data has one stream, in segments of three messages."""
    described = {
        "kind": "stream", "url": server.url, "spool": "../spool/ticks", "prefix": "ticks", "first_sequence": 1,
        "rotation": {"messages": 3}, "limits": {"first_wait_seconds": 0.01}, **transport,
    }  # fmt: skip
    connection = {"connection_id": "ticks", "adapter": "price_stream", "transport": described}
    (home / "tenants").mkdir()
    (home / "secrets").mkdir()
    text = yaml.safe_dump({"tenant": SHARED_TENANT, "name": "Shared", "connections": [connection]})
    (home / "tenants/_shared.yaml").write_text(text)


@contextmanager
def listening(home: Path) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, ended if the test did not."""
    command = [str(Path(sys.executable).parent / "nexus"), "stream", "--tenant", SHARED_TENANT, "--connection", "ticks"]
    with (
        environment(NEXUS_HOME=str(home)),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def gathered(home: Path) -> int:
    """Messages in the spool, those of the segment that is being written among them."""
    paths = (home / "spool/ticks").glob("ticks_*")
    return sum(path.read_bytes().count(b"\n") for path in paths)


def await_messages(home: Path, count: int, process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while gathered(home) < count:
        if (process is not None and process.poll() is not None) or time.monotonic() > deadline:
            pytest.fail(f"{gathered(home)} of {count} messages came; {process and process.communicate()}")
        time.sleep(0.05)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.terminate()
    out, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert errors == ""
    return process.returncode, out


def names(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "spool/ticks").iterdir() if not path.name.startswith("."))


def last_price(prices: pl.DataFrame, day: date) -> list[tuple[object, ...]]:
    """What analytics takes for Apple on a day."""
    wanted = prices.select("security_key").unique().with_columns(as_of_date=day, custodian=pl.lit(None, pl.String))
    days = pl.Series([date(2022, 1, 3), date(2022, 1, 4), date(2022, 1, 5)])
    found = price_as_of(wanted, prices, business_dates=days, source_rank=["price_stream"])
    return found.select("price", "price_currency", "price_date", "price_source").rows()


def test_a_stream_is_collected_landed_and_parsed_and_its_last_price_counts(
    server: StreamServer, tmp_path: Path
) -> None:
    settings(tmp_path, server, subscribe=[{"action": "subscribe", "ids": [APPLE]}])
    server.acts[:] = [both(hear(server, 1), say(*SENT), stay)]
    with listening(tmp_path) as process:
        await_messages(tmp_path, 5, process)
        status, said = ended(process)
    assert server.heard == [{"action": "subscribe", "ids": [APPLE]}]
    assert status == 0, said
    assert "5 messages in 2 segments over 1 connection" in said
    assert names(tmp_path) == ["ticks_000000000001-000000000003.ndjson", "ticks_000000000004-000000000005.ndjson"]
    kept = "".join((tmp_path / "spool/ticks" / name).read_text() for name in names(tmp_path))
    assert kept == "".join(text + "\n" for text in SENT)

    ws = Workspace(tmp_path, str(tmp_path / "lake"), "")
    landed = fetch_files(ws, SHARED_TENANT, ws.connections(SHARED_TENANT)[0])
    assert (landed.new, landed.refused, landed.not_taken) == (2, 0, 0)
    done = ingest(ws, SHARED_TENANT, pending_files(ws, SHARED_TENANT))
    assert (done.files, done.blocked, done.crashed, done.records, done.lost) == (2, 0, 0, 5, 0)
    # Nobody has described the British security: its price waits in quarantine.
    assert dict(done.rejects) == {"unknown_security": 1}
    prices = ws.lake.read(table("canonical.price"), SHARED_TENANT)
    told = [
        (date(2022, 1, 4), Decimal("173.90")),
        (date(2022, 1, 5), Decimal("174.50")),
        (date(2022, 1, 5), Decimal("174.92")),
    ]
    assert sorted(prices.select("price_date", "price").rows()) == told
    # Two segments hold a price of the fifth: the one that came in later counts.
    assert last_price(prices, date(2022, 1, 5)) == [(Decimal("174.92"), "USD", date(2022, 1, 5), "price_stream")]
    assert last_price(prices, date(2022, 1, 4)) == [(Decimal("173.90"), "USD", date(2022, 1, 4), "price_stream")]


def test_of_two_segments_of_a_day_the_later_known_counts_whatever_its_numbers() -> None:
    schema = table("canonical.price").polars_schema
    rows = [
        {"security_key": 1, "price_date": date(2022, 1, 5), "price_source": "price_stream", "currency": "USD",
         "price": Decimal(price), "source_file_id": file_id, "source_line": line,
         "known_at": datetime(2022, 1, 5, hour, tzinfo=UTC)}
        for price, file_id, line, hour in (("3", 7, 1, 20), ("1", 9, 3, 15), ("2", 8, 2, 16))
    ]  # fmt: skip
    prices = pl.DataFrame(
        [{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row", strict=False
    )
    for order in (prices, prices.reverse()):
        assert [row[0] for row in last_price(order, date(2022, 1, 5))] == [Decimal(3)]


def test_ctrl_c_ends_it_with_status_1_when_numbers_stay_missing(server: StreamServer, tmp_path: Path) -> None:
    settings(tmp_path, server)
    server.acts[:] = [both(say(message(3), message(4), message(7)), stay)]

    def interrupt() -> None:
        await_messages(tmp_path, 3)
        os.kill(os.getpid(), signal.SIGINT)

    person = threading.Thread(target=interrupt)
    person.start()
    result = invoke(tmp_path, "stream", "--connection", "ticks", "--seconds", str(PATIENCE_SECONDS))
    person.join()
    assert result.exit_code == 1
    assert "gaps found 2; messages filled 0; missing 4 in 2 ranges" in result.output
    assert "numbers 1 to 2" in result.output
    assert "numbers 5 to 6" in result.output
    assert names(tmp_path) == ["ticks_000000000003-000000000007.ndjson"]


def test_it_ends_after_its_seconds(server: StreamServer, tmp_path: Path) -> None:
    settings(tmp_path, server)
    server.acts[:] = [both(say(message(1), json.dumps({"type": "heartbeat"})), stay)]
    result = invoke(tmp_path, "stream", "--connection", "ticks", "--seconds", "0.6")
    assert result.exit_code == 0, result.output
    assert "1 message in 1 segment" in result.output
    assert "the service's own 1" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--connection", "nothing"), "no connection 'nothing' of transport kind stream; _shared has: ticks"),
        (("--connection", "ticks", "--tenant", "nobody"), "no tenant 'nobody' in the settings"),
    ],
)
def test_a_connection_that_is_not_there_is_told_in_a_sentence(
    server: StreamServer, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    settings(tmp_path, server)
    result = invoke(tmp_path, "stream", *arguments)
    assert (result.exit_code, said in result.output) == (1, True)


def test_a_second_signal_ends_a_process_that_does_not_stop() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals() as stop:
        assert signal.getsignal(signal.SIGTERM) is not before
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
        assert signal.getsignal(signal.SIGTERM) is before
    with stopped_by_signals():
        pass
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_report_names_a_bounded_number_of_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    many: dict[str, Any] = {"2022-01-05": [(n, n) for n in range(0, 100, 2)]}
    tell(Collected(missing=many, faults=["status 503 [again]"]))
    said = capsys.readouterr().out
    assert "missing 50 in 50 ranges" in said
    assert said.count("2022-01-05") == 20
    assert "missing: 30 more" in said
    assert "fault: status 503 [again]" in said
