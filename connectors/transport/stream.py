"""Collecting a price stream: a WebSocket is listened to, its messages go to the spool, gaps are asked for again.

``collect`` runs until it is stopped; landing takes the closed segments from the spool (``spool.SpoolFolder``).
"""

from __future__ import annotations

import json
import logging
import random
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import orjson
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    SecurityError,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, reconnect

from connectors.connection import Connection
from connectors.errors import PermanentError, RetryableError
from connectors.services import HttpBackfill, MessageBackfill, StreamTransport
from connectors.transport.clock import Clock, SystemClock
from connectors.transport.guard import retry_after, state_for
from connectors.transport.http_auth import Authorized
from connectors.transport.http_client import Call, HttpClient, linked, refusal, trusted
from connectors.transport.pointer import pointed
from connectors.transport.rest import state_key
from connectors.transport.segments import Spool

_LABEL: Final = "stream"
_LOOK_SECONDS: Final = 0.25
"""How often a silent stream is looked away from, to see whether to stop."""

_TOO_BIG: Final = 1009

# The library writes headers and messages to its log.
_quiet = logging.getLogger("websockets.client")
_quiet.setLevel(logging.WARNING)


@dataclass
class Collected:
    """What one run of a collector did; nothing of a message's content.

    Attributes:
        messages: kept, backfilled ones among them.
        filled: of those, messages that had been missing.
        duplicates: dropped, because their number had come before.
        controls: the service's own messages.
        strays: kept apart, because they state no number.
        connections: that were made.
        gaps: ranges of numbers that were found missing (session, first, last), whether or not they came later.
        missing: session to the ranges that are missing at the end.
        segments: names of the segments that were closed.
        faults: why connections and backfills failed, each text once, in order.
    """

    messages: int = 0
    filled: int = 0
    duplicates: int = 0
    controls: int = 0
    strays: int = 0
    connections: int = 0
    gaps: list[tuple[str, int, int]] = field(default_factory=list)
    missing: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    segments: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def note(self, fault: str) -> None:
        """Add a fault that is not among them yet."""
        if fault not in self.faults:
            self.faults.append(fault)


class _Lost(Exception):
    """The connection is gone or could not be made; ``wait_seconds`` is what the service asks to wait."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


def collect(
    connection: Connection,
    secrets_dir: Path,
    *,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    clock: Clock | None = None,
) -> Collected:
    """Listen to a connection's stream and fill its spool. Lost connections are made again, after a wait that grows.

    Args:
        connection: of transport kind stream.
        secrets_dir: the folder of secret files.
        seconds: how long; None: until ``stop``.
        stop: ends the run when it is set, within a moment; what has come is then closed under its name.
        clock: for tests.

    Raises:
        PermanentError: a secret, the spool or the service refuses, in a way that no retry cures.
        RetryableError: no connection was had in all of ``seconds``, or the spool cannot be written.
    """
    settings = connection.transport
    if not isinstance(settings, StreamTransport):
        raise PermanentError(f"{connection.connection_id}: transport.kind is {settings.kind}, not stream")
    clock = clock or SystemClock()
    state = state_for(state_key(connection, secrets_dir), settings.limits)
    try:
        with Spool(settings, clock) as spool, HttpClient(settings.limits, settings.ca_file, state, clock) as client:
            asker = Authorized(client, settings.auth, secrets_dir)
            asker.check()
            run = _Run(settings, spool, asker, clock, seconds, stop or threading.Event())
            run.until_done()
            spool.rotate()
            run.report.missing, run.report.segments = spool.all_missing(), list(spool.closed)
    except OSError as error:
        raise RetryableError(f"spool: cannot be written ({error.strerror})") from None
    if not run.report.connections and seconds is not None and not run.stop.is_set():
        raise RetryableError(f"{_LABEL}: no connection in {seconds:g} s: {'; '.join(run.report.faults)}")
    return run.report


class _Run:
    """One run of a collector."""

    def __init__(
        self,
        settings: StreamTransport,
        spool: Spool,
        asker: Authorized,
        clock: Clock,
        seconds: float | None,
        stop: threading.Event,
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._asker = asker
        self._clock = clock
        self._ends_at = None if seconds is None else clock.monotonic() + seconds
        self._asked: set[tuple[int, int]] = set()
        self._tail: int | None = None
        self._tls = trusted(settings.ca_file) if settings.url.startswith("wss:") else None
        self.stop = stop
        self.report = Collected()

    def until_done(self) -> None:
        """Listen over one connection after the other."""
        failures = 0
        while not self._is_done():
            before = self.report.messages
            try:
                with self._connected() as socket:
                    self.report.connections += 1
                    self._greet(socket)
                    self._listen(socket)
            except _Lost as lost:
                self.report.note(str(lost))
                failures = 0 if self.report.messages > before else failures + 1
                self._pause(lost, failures)

    def _is_done(self) -> bool:
        return self.stop.is_set() or (self._ends_at is not None and self._clock.monotonic() >= self._ends_at)

    def _pause(self, lost: _Lost, failures: int) -> None:
        limits = self._settings.limits
        wait = min(limits.longest_wait_seconds, limits.first_wait_seconds * 2 ** min(failures, 30))
        wait *= random.uniform(0.75, 1.0)  # noqa: S311 (spreads the load; no secret)
        if lost.wait_seconds is not None:
            wait = min(limits.longest_wait_seconds, lost.wait_seconds)
        if self._ends_at is not None:
            wait = min(wait, max(0.0, self._ends_at - self._clock.monotonic()))
        self.stop.wait(wait)

    @contextmanager
    def _connected(self) -> Iterator[ClientConnection]:
        try:
            socket = self._connect()
        except InvalidStatus as error:
            if error.response.status_code != 401 or not self._asker.renew():
                raise self._refused(error) from None
            try:
                socket = self._connect()
            except InvalidStatus as again:
                raise self._refused(again) from None
        try:
            yield socket
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == _TOO_BIG:
                bound = self._settings.max_message_bytes
                raise PermanentError(f"{_LABEL}: a message is larger than the bound of {bound} bytes") from None
            raise _Lost("the connection was closed") from None
        finally:
            socket.close()

    def _connect(self) -> ClientConnection:
        settings = self._settings
        connecting = _NoRedirect(
            settings.url,
            ssl=self._tls,
            additional_headers=self._headers(),
            open_timeout=settings.limits.connect_seconds,
            close_timeout=1,
            max_size=settings.max_message_bytes,
            logger=_quiet,
        )
        try:
            return connecting.connect()
        except InvalidStatus:
            raise
        except ssl.SSLCertVerificationError:
            raise PermanentError(f"{_LABEL}: the server's certificate is not trusted; no credential was sent") from None
        except (InvalidProxy, SecurityError):
            raise PermanentError(f"{_LABEL}: no connection can be made from these settings") from None
        except TimeoutError:
            raise _Lost("no connection in time") from None
        except (OSError, EOFError, InvalidHandshake, WebSocketException):
            raise _Lost("no connection") from None

    def _headers(self) -> dict[str, str]:
        try:
            return self._asker.headers()
        except RetryableError as error:
            raise _Lost(str(error)) from None

    def _refused(self, error: InvalidStatus) -> Exception:
        status = error.response.status_code
        if status == 429 or status >= 500:
            wait = retry_after(error.response.headers.get("Retry-After"), self._clock.now())
            return _Lost(f"no connection: status {status}", wait)
        if 300 <= status < 400:
            return PermanentError(f"{_LABEL}: {status}, a redirect is not followed")
        return refusal(_LABEL, status)

    def _greet(self, socket: ClientConnection) -> None:
        """Subscribe, and ask for what was missed since the last connection."""
        for message in self._settings.subscribe:
            socket.send(json.dumps(message))
        self._asked.clear()
        self._tail = None
        backfill = self._settings.backfill
        if isinstance(backfill, MessageBackfill) and (begin := self._spool.resume_at()) is not None:
            self._asked.update(self._spool.missing())
            self._tail = self._spool.next_number()
            socket.send(json.dumps({**backfill.message, backfill.field: begin}))
        elif isinstance(backfill, HttpBackfill):
            self._ask_for_missing(socket)

    def _listen(self, socket: ClientConnection) -> None:
        heard_at = self._clock.monotonic()
        while not self._is_done():
            try:
                content = socket.recv(timeout=_LOOK_SECONDS, decode=False)
            except TimeoutError:
                self._spool.tick()
                self._spool.flush()
                if self._clock.monotonic() - heard_at > self._settings.heartbeat_seconds:
                    raise _Lost("the stream was silent for too long") from None
                continue
            heard_at = self._clock.monotonic()
            if self._keep(content):
                self._ask_for_missing(socket)
            self._spool.tick()

    def _keep(self, content: bytes) -> bool:
        """Put a message where it belongs; whether it shows a gap."""
        try:
            message = orjson.loads(content)
        except orjson.JSONDecodeError:
            self._spool.add_stray(content, is_json=False)
            self.report.strays += 1
            return False
        if pointed(message, self._settings.control_field) in self._settings.control_values:
            self.report.controls += 1
            return False
        place = self._spool.place(message)
        if place is None:
            self._spool.add_stray(content, is_json=True)
            self.report.strays += 1
            return False
        verdict = self._spool.add(content, place)
        if verdict == "duplicate":
            self.report.duplicates += 1
            return False
        self.report.messages += 1
        self.report.filled += verdict == "filled"
        if verdict == "gap":
            first, last = self._spool.all_missing()[place[0]][-1]
            self.report.gaps.append((place[0], first, last))
        return verdict == "gap"

    def _ask_for_missing(self, socket: ClientConnection) -> None:
        """Ask for the ranges that are missing, each once over one connection."""
        backfill = self._settings.backfill
        wanted = [found for found in self._spool.missing() if found not in self._asked and found[0] != self._tail]
        if backfill is None or not wanted:
            return
        self._asked.update(wanted)
        if isinstance(backfill, MessageBackfill):
            socket.send(json.dumps({**backfill.message, backfill.field: wanted[0][0]}))
            return
        for first, last in wanted:
            try:
                self._fetch(backfill, first, last)
            except (RetryableError, PermanentError) as error:
                # The numbers stay missing and are asked for over the next connection; the stream goes on.
                self.report.note(str(error))
                return

    def _fetch(self, backfill: HttpBackfill, first: int, last: int) -> None:
        label = f"GET {backfill.path} (backfill)"
        base = httpx.URL(backfill.base_url + "/")
        url = linked(label, base, backfill.path.lstrip("/"), "the path")
        query = httpx.QueryParams({backfill.from_parameter: str(first), backfill.to_parameter: str(last)})
        headers = {"Accept": "application/x-ndjson"}
        for content in self._asker.ask(Call(label, "GET", url.copy_merge_params(query), headers)).body.splitlines():
            if content.strip():
                self._keep(content)


class _NoRedirect(reconnect):
    """A connection to the address of the settings alone: the library would take a key header along to another host."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc
