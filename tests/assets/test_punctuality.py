"""Punctuality: what a connection owes for a day, and what the ledger says came of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import yaml
from dagster._core.definitions.sensor_definition import SensorExecutionData

from assets.landing.fetch import fetch_files
from assets.landing.punctuality import by_connection, deliveries
from assets.workspace import Workspace, WorkspaceResource
from contracts.tables.landing import FILE_ARRIVAL, FILE_PARSE
from pipelines.alerts import FILE, Alert, open_alerts, raise_alerts, recent_alerts
from pipelines.automation import missing_files

MONDAY = date(2022, 1, 3)
DUE = datetime(2022, 1, 4, 11, 0, tzinfo=UTC)
"""Six in the morning in New York, the day after."""
KINDS = ("TRN", "RPS", "SEC", "ACC")


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    (tmp_path / "tenants").mkdir()
    connection = {"connection_id": "main", "adapter": "schwab", "transport": {"kind": "local", "path": str(tmp_path)}}
    settings = {"tenant": "alder", "name": "Alder", "connections": [connection]}
    (tmp_path / "tenants" / "alder.yaml").write_text(yaml.safe_dump(settings))
    return Workspace(tmp_path, str(tmp_path / "lake"), "")


def arrive(ws: Workspace, kind: str, at: datetime, day: date | None = MONDAY, status: str | None = None) -> None:
    """A row of the arrival ledger, and of the reading of the file where ``status`` says how it ended."""
    number = int(at.timestamp()) * 10 + KINDS.index(kind)
    base = {"tenant_key": 1, "source_file_id": number, "connection_id": "main", "adapter": "schwab", "file_kind": kind,
            "logical_name": f"{kind}{number}", "business_date": day}  # fmt: skip
    row = base | {"remote_path": f"{kind}{number}", "received_at": at, "sha256": f"{number:064x}", "size_bytes": 1,
                  "arrival_status": "landed", "remote_modified_at": at}  # fmt: skip
    ws.lake.append(FILE_ARRIVAL, "alder", pl.DataFrame([row], schema=FILE_ARRIVAL.polars_schema, strict=False))
    if status is not None:
        read = base | {"parser_version": "1", "parse_status": status, "is_refresh": True, "known_at": at,
                       "record_count": 0, "parsed_count": 0, "quarantined_count": 0,
                       "business_date": day or MONDAY}  # fmt: skip
        ws.lake.append(FILE_PARSE, "alder", pl.DataFrame([read], schema=FILE_PARSE.polars_schema, strict=False))


def states(ws: Workspace, now: datetime, first: date = MONDAY, last: date = MONDAY) -> dict[str, str]:
    found = deliveries(ws, "alder", ws.connections("alder"), first, last, now)
    return {f"{kind}": state for kind, state in found.select("data_type", "state").rows()}


def test_a_file_is_awaited_until_its_cut_off_and_missing_from_then_on(ws: Workspace) -> None:
    assert states(ws, DUE) == dict.fromkeys(KINDS, "awaited")
    assert states(ws, DUE + timedelta(seconds=1)) == dict.fromkeys(KINDS, "missing")


def test_a_file_that_came_is_arrived_late_or_incomplete(ws: Workspace) -> None:
    arrive(ws, "TRN", DUE - timedelta(minutes=1), status="parsed")
    arrive(ws, "RPS", DUE + timedelta(minutes=1))
    arrive(ws, "SEC", DUE - timedelta(hours=1), status="blocked")
    expected = {"TRN": "arrived", "RPS": "late", "SEC": "incomplete", "ACC": "missing"}
    assert states(ws, DUE + timedelta(hours=1)) == expected


def test_a_broken_file_that_was_sent_again_is_no_longer_incomplete(ws: Workspace) -> None:
    arrive(ws, "SEC", DUE - timedelta(hours=1), status="blocked")
    arrive(ws, "SEC", DUE - timedelta(minutes=30), status="parsed")
    assert states(ws, DUE)["SEC"] == "arrived"


def test_the_day_that_the_content_says_counts_before_that_of_the_name(ws: Workspace) -> None:
    arrive(ws, "TRN", DUE - timedelta(minutes=1), day=None, status="parsed")
    assert states(ws, DUE)["TRN"] == "arrived"


def test_nothing_is_owed_on_a_day_that_the_calendar_has_no_session_on(ws: Workspace) -> None:
    assert states(ws, DUE, date(2022, 1, 1), date(2022, 1, 2)) == {}
    assert states(ws, DUE, date(2022, 1, 17), date(2022, 1, 17)) == {}  # Martin Luther King Day


def test_connections_are_told_by_counts_and_their_newest_whole_day(ws: Workspace) -> None:
    for kind in KINDS:
        arrive(ws, kind, DUE - timedelta(minutes=1), status="parsed")
    arrive(ws, "TRN", DUE + timedelta(days=1), day=date(2022, 1, 4), status="parsed")
    found = deliveries(ws, "alder", ws.connections("alder"), MONDAY, date(2022, 1, 4), DUE + timedelta(days=2))
    assert by_connection(found).to_dicts() == [
        {"connection_id": "main", "expected": 8, "arrived": 5, "late": 0, "incomplete": 0, "missing": 3, "awaited": 0,
         "newest_date": MONDAY}
    ]  # fmt: skip


def test_an_alert_is_told_once_and_again_only_after_it_was_closed(ws: Workspace) -> None:
    alert = Alert("alder", "main", "TRN", "2022-01-03", "missing", "2022-01-04T11:00+00:00")
    told = raise_alerts(ws.home, [alert], {}, DUE)
    assert raise_alerts(ws.home, [alert], told, DUE + timedelta(minutes=5)) == told
    assert len(recent_alerts(ws.home, 9)) == 1
    closed = raise_alerts(ws.home, [], told, DUE)
    raise_alerts(ws.home, [alert], closed, DUE + timedelta(days=1))
    assert [found["data_type"] for found in recent_alerts(ws.home, 9)] == ["TRN", "TRN"]


class Receiver:
    """A webhook that keeps what it is told and answers as it is told to."""

    def __init__(self) -> None:
        receiver = self
        self.bodies: list[dict[str, str]] = []
        self.status = 200

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *args: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_missing_file_reaches_the_webhook_once_even_when_it_was_down_at_first(
    ws: Workspace, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{receiver.server.server_port}/secret-path")
    monkeypatch.setenv("NEXUS_ALERT_WEBHOOK_REF", "env:HOOK")
    alerts = open_alerts(ws, datetime.now(UTC))
    assert {a.data_type for a in alerts} == set(KINDS)
    receiver.status = 503
    assert raise_alerts(ws.home, alerts[:1], {}, DUE) == {}
    assert recent_alerts(ws.home, 9) == []
    receiver.status = 200
    told = raise_alerts(ws.home, alerts[:1], {}, DUE)
    raise_alerts(ws.home, alerts[:1], told, DUE)
    assert len(receiver.bodies) == 2
    assert "secret-path" not in (ws.home / FILE).read_text()


def test_the_sensor_alerts_for_what_is_missing_past_its_cut_off_and_starts_nothing(ws: Workspace) -> None:
    def tick(instance: dg.DagsterInstance, cursor: str | None) -> SensorExecutionData:
        resources = {"workspace": WorkspaceResource(home=str(ws.home))}
        with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources) as context:
            return missing_files.evaluate_tick(context)

    with dg.DagsterInstance.ephemeral() as instance:
        first = tick(instance, None)
        again = tick(instance, first.cursor)
    count = len(open_alerts(ws, datetime.now(UTC)))
    assert count > 0
    assert not first.run_requests
    assert str(first.skip_message).endswith(f"{count} of them new")
    assert str(again.skip_message).endswith("0 of them new")
    assert len(recent_alerts(ws.home, 999)) == count


def test_equal_bytes_of_two_days_are_two_files_where_only_the_name_says_the_day(tmp_path: Path) -> None:
    """A day without bookings is an empty file, like that of the day before; both days must be complete."""
    (tmp_path / "tenants").mkdir()
    (tmp_path / "in").mkdir()
    connection = {
        "connection_id": "veo",
        "adapter": "tda",
        "transport": {"kind": "local", "path": str(tmp_path / "in")},
    }
    settings = {"tenant": "alder", "name": "Alder", "connections": [connection]}
    (tmp_path / "tenants" / "alder.yaml").write_text(yaml.safe_dump(settings))
    ws = Workspace(tmp_path, str(tmp_path / "lake"), "")
    for name in ("ABC 220103.TRN", "ABC 220104.TRN", "again/ABC 220104.TRN"):
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"")
    fetch_files(ws, "alder", ws.connections("alder")[0])
    ledger = ws.lake.read(FILE_ARRIVAL, "alder").select("business_date", pl.col("arrival_status").cast(pl.String))
    assert sorted(ledger.rows()) == [
        (date(2022, 1, 3), "landed"), (date(2022, 1, 4), "duplicate"), (date(2022, 1, 4), "landed"),
    ]  # fmt: skip
