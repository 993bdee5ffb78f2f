"""From a service to the arrival ledger: what was answered is landed once, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import yaml

from assets.landing.fetch import fetch_files, unseen_files
from assets.workspace import Workspace
from connectors import registry
from connectors.connection import Connection
from connectors.errors import PermanentError
from connectors.transport import rest
from connectors.transport.extraction import Extraction
from connectors.transport.guard import forget_states
from tests.connectors.http_fixture import Asked, Reply, TestClock, WebServer, web_server

SECRET = "Zq7-correct-horse"


def requests(connection: Connection, day: date) -> list[Extraction]:
    return [Extraction(f"prices_{day:%Y%m%d}.json", "prices", query={"day": str(day)})]


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        running.scripts["/prices"] = lambda asked: Reply(f'{{"day": "{asked.query["day"]}"}}'.encode())
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> TestClock:
    made = TestClock(datetime(2022, 12, 28, 22, tzinfo=UTC))
    monkeypatch.setattr(rest, "SystemClock", lambda: made)
    forget_states()
    return made


@pytest.fixture
def ws(tmp_path: Path, server: WebServer, clock: TestClock, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    source = replace(registry.adapter("closing_prices"), extractions=requests)
    monkeypatch.setattr(registry, "adapter", lambda slug: source)
    return workspace(tmp_path, server)


def workspace(home: Path, server: WebServer, **transport: object) -> Workspace:
    settings = {
        "kind": "rest",
        "base_url": server.url,
        "lookback_days": 1,
        "ready_at": "16:30 America/New_York",
        "auth": {"kind": "api_key", "key_ref": "file:vendor"},
        **transport,
    }
    connection = {"connection_id": "vendor", "adapter": "closing_prices", "transport": settings}
    (home / "tenants").mkdir(exist_ok=True)
    (home / "secrets").mkdir(exist_ok=True)
    (home / "secrets/vendor").write_text(SECRET)
    (home / "secrets/vendor").chmod(0o600)
    tenant = {"tenant": "_shared", "name": "Shared", "connections": [connection]}
    (home / "tenants/_shared.yaml").write_text(yaml.safe_dump(tenant))
    return Workspace(home, str(home / "lake"), "")


def visit(ws: Workspace) -> tuple[int, int, int]:
    (connection,) = ws.connections("_shared")
    landed = fetch_files(ws, "_shared", connection)
    return landed.new, landed.duplicate, landed.not_taken


def ledger(ws: Workspace) -> pl.DataFrame:
    from contracts.tables.landing import FILE_ARRIVAL

    return ws.lake.read(FILE_ARRIVAL, "_shared").sort("remote_modified_at")


def test_an_answer_is_landed_once_byte_for_byte_with_its_size(ws: Workspace, server: WebServer) -> None:
    assert len(unseen_files(ws, "_shared")) == 2
    assert visit(ws) == (2, 0, 0)
    assert visit(ws) == (0, 0, 0)
    assert unseen_files(ws, "_shared") == []
    assert len(server.asked) == 2
    rows = ledger(ws).select("remote_path", "size_bytes", "remote_modified_at").rows()
    assert rows == [
        ("prices_20221227.json", 21, datetime(2022, 12, 27, 21, 30, tzinfo=UTC)),
        ("prices_20221228.json", 21, datetime(2022, 12, 28, 21, 30, tzinfo=UTC)),
    ]
    with ws.raw.open("_shared", ledger(ws)["sha256"][0]) as stream:
        assert stream.read() == b'{"day": "2022-12-27"}'


def test_a_day_that_is_asked_for_again_lands_under_its_name_only_if_it_changed(
    ws: Workspace, server: WebServer, clock: TestClock, tmp_path: Path
) -> None:
    ws = workspace(tmp_path, server, lookback_days=2, ask_again_days=1)
    visit(ws)
    clock.elapsed += 24 * 3600
    server.scripts["/prices"] = lambda asked: Reply(
        f'{{"day": "{asked.query["day"]}"{", " if asked.query["day"].endswith("27") else ""}}}'.encode()
    )
    new, duplicate, _ = visit(ws)
    # The 27th is beyond its day of grace, the 28th came again with the same bytes, the 29th is new.
    assert (new, duplicate) == (1, 1)
    assert ledger(ws)["logical_name"].to_list().count("prices_20221228.json") == 2


def test_what_was_answered_before_a_refusal_is_in_the_ledger_and_not_asked_for_again(
    ws: Workspace, server: WebServer
) -> None:
    def refuse_the_28th(asked: Asked) -> Reply:
        return Reply(b"", 403) if asked.query["day"] == "2022-12-28" else Reply(b"{}")

    server.scripts["/prices"] = refuse_the_28th
    with pytest.raises(PermanentError, match="GET prices: 403"):
        visit(ws)
    assert ledger(ws)["remote_path"].to_list() == ["prices_20221227.json"]
    server.scripts["/prices"] = [Reply(b"[]")]
    assert visit(ws) == (1, 0, 0)
    assert len(server.asked) == 3


def test_no_credential_is_in_anything_that_is_kept(ws: Workspace, server: WebServer, tmp_path: Path) -> None:
    visit(ws)
    assert server.asked[0].headers["x-api-key"] == SECRET
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "vendor"]
    assert len(kept) > 4
    assert not any(SECRET.encode() in path.read_bytes() for path in kept)
    assert not any(SECRET in str(row) for row in ledger(ws).rows())


def test_a_connector_that_asks_no_service_is_named(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: WebServer
) -> None:
    source = replace(registry.adapter("closing_prices"), extractions=None)
    monkeypatch.setattr(registry, "adapter", lambda slug: source)
    with pytest.raises(PermanentError, match="closing_prices delivers files and asks no service"):
        visit(ws)
