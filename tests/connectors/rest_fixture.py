"""A REST folder over the fixture's server, for tests of what lands and of what fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.connection import Connection
from connectors.services import HttpLimits, RestTransport
from connectors.transport.extraction import Extraction
from connectors.transport.rest import RestFolder
from connectors.transport.scheduled import Schedule
from tests.connectors.http_fixture import TestClock, WebServer, at

TUESDAY = at("2022-12-28T23:00:00")
"""18:00 in New York, an hour after the day is ready."""

SETTINGS: dict[str, object] = {"lookback_days": 0, "ready_at": "17:00 America/New_York"}

Landed = Callable[..., bytes]


def connection(transport: RestTransport, **changes: object) -> Connection:
    return Connection.model_validate(
        {"connection_id": "prices", "adapter": "vendor", "transport": transport, **changes}
    )


@contextmanager
def folder(
    server: WebServer,
    clock: TestClock,
    *extractions: Extraction,
    secrets_dir: Path = Path("/nowhere"),
    max_file_bytes: int = 10_000_000,
    **changes: object,
) -> Iterator[RestFolder]:
    settings = RestTransport.model_validate({"base_url": f"{server.url}/api", **SETTINGS, **changes})
    schedule = Schedule(connection(settings, max_file_bytes=max_file_bytes), lambda _, day: extractions, "XNYS")
    with RestFolder(settings, schedule, secrets_dir, clock) as opened:
        yield opened


def lander(server: WebServer, clock: TestClock, home: Path) -> Landed:
    """What gives the bytes that land of one extraction; nothing but the file may be left in its folder."""

    def land(extraction: Extraction, **changes: object) -> bytes:
        target = home / "landing"
        target.mkdir(exist_ok=True)
        try:
            with folder(server, clock, extraction, **changes) as opened:  # type: ignore[arg-type]
                (remote,) = opened.list_files().files
                opened.fetch(remote, target / "out")
                return (target / "out").read_bytes()
        finally:
            assert [p.name for p in target.iterdir() if p.name != "out"] == []

    return land


def prices(**changes: object) -> Extraction:
    return Extraction(**{"name": "prices_20221228.json", "path": "v1/prices", **changes})  # type: ignore[arg-type]


def limits(**changes: object) -> HttpLimits:
    return HttpLimits.model_validate({"attempts": 3, "requests": 1000, "failures_to_open": 100, **changes})
