"""``nexus stream``: listen to a price stream and fill its spool until told to stop; landing takes the segments."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.connection import Connection
from connectors.errors import PermanentError
from connectors.services import StreamTransport
from connectors.settings import load_tenants
from contracts.table import SHARED_TENANT
from pipelines.cli.console import console, plural
from pipelines.environment import Environment

if TYPE_CHECKING:
    from connectors.transport.stream import Collected

SHOWN_RANGES = 20
"""Ranges of missing numbers that are named; all of them are in the spool's state."""


def stream(
    connection: Annotated[str, typer.Option(help="The connection, of transport kind stream.")],
    tenant: Annotated[str, typer.Option(help="Whose connection it is; _shared: market data.")] = SHARED_TENANT,
    seconds: Annotated[float | None, typer.Option(min=0, help="How long; default: until SIGTERM or Ctrl-C.")] = None,
) -> None:
    """Listen to a price stream and fill its spool. Status 1 when numbers are missing at the end."""
    from connectors.transport.stream import collect  # its libraries are slow to import, and no other command needs them

    environment = Environment()
    chosen = _connection(environment, tenant, connection)
    with stopped_by_signals() as stop:
        console.print(f"listening: {tenant}/{connection}")
        report = collect(chosen, environment.home / "secrets", seconds=seconds, stop=stop)
    tell(report)
    if report.missing:
        raise typer.Exit(1)


def _connection(environment: Environment, tenant: str, name: str) -> Connection:
    settings = load_tenants(environment.home / "tenants").get(tenant)
    if settings is None:
        raise PermanentError(f"no tenant {tenant!r} in the settings")
    streams = {c.connection_id: c for c in settings.connections if isinstance(c.transport, StreamTransport)}
    if name not in streams:
        names = ", ".join(sorted(streams)) or "none"
        raise PermanentError(f"no connection {name!r} of transport kind stream; {tenant} has: {names}")
    return streams[name]


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; what they did before holds again after the first of them, and at the end.

    So the first asks for a clean end, and a second one ends the process where that does not come.
    """
    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()
        restore()

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()


def tell(report: Collected) -> None:
    """What a run of the collector did: counts, numbers, faults; nothing of a message's content."""
    missing = [(session, *found) for session, ranges in report.missing.items() for found in ranges]
    console.print(
        f"{plural(report.messages, 'message')} in {plural(len(report.segments), 'segment')} "
        f"over {plural(report.connections, 'connection')}"
    )
    console.print(
        f"  gaps found {len(report.gaps):,}; messages filled {report.filled:,}; "
        f"missing {sum(last - first + 1 for _, first, last in missing):,} in {plural(len(missing), 'range')}"
    )
    console.print(
        f"  dropped as repeated {report.duplicates:,}; the service's own {report.controls:,}; "
        f"without a number {report.strays:,}"
    )
    _list("fault", report.faults)
    _list("missing", [f"{session or 'numbers'} {first} to {last}" for session, first, last in missing])


def _list(what: str, texts: Sequence[str]) -> None:
    for text in texts[:SHOWN_RANGES]:
        console.print(f"  {what}: {text}", markup=False)
    if len(texts) > SHOWN_RANGES:
        console.print(f"  {what}: {len(texts) - SHOWN_RANGES:,} more")
