"""A WebSocket server in a thread that plays a script, and what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

Act = Callable[[ServerConnection], None]


@dataclass
class StreamServer:
    """A running server.

    Attributes:
        acts: what it does on each connection in turn; the last one is repeated.
        heard: messages that it was sent, in order.
        headers: of each handshake, names in lower case.
        refusals: statuses (and headers) with which handshakes are refused, in turn.
    """

    url: str
    acts: list[Act]
    heard: list[object] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)


def price(number: int, **more: object) -> str:
    return json.dumps({"type": "price", "seq": number, "px": "1.10", **more})


def say(*messages: str | bytes | int) -> Act:
    """Send these messages; a number stands for a price of that number."""

    def act(socket: ServerConnection) -> None:
        for message in messages:
            socket.send(price(message) if isinstance(message, int) else message)

    return act


def stay(socket: ServerConnection) -> None:
    """Keep the connection open until the client closes it."""
    for _ in socket:
        pass


def both(*acts: Act) -> Act:
    def act(socket: ServerConnection) -> None:
        for one in acts:
            one(socket)

    return act


@contextmanager
def stream_server(*acts: Act) -> Iterator[StreamServer]:
    running: list[StreamServer] = []

    def handle(socket: ServerConnection) -> None:
        script = running[0].acts
        act = script.pop(0) if len(script) > 1 else script[0]
        with suppress(ConnectionClosed):
            act(socket)

    def process(socket: ServerConnection, request: Request) -> Response | None:
        running[0].headers.append({name.lower(): value for name, value in request.headers.raw_items()})
        if not running[0].refusals:
            return None
        status, headers = running[0].refusals.pop(0)
        response = socket.respond(status, "refused")
        for name, value in headers.items():
            response.headers[name] = value
        return response

    with serve(handle, "127.0.0.1", 0, process_request=process, close_timeout=0.2) as server:
        running.append(StreamServer(f"ws://127.0.0.1:{server.socket.getsockname()[1]}", list(acts)))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield running[0]
        finally:
            server.shutdown()
            thread.join()


def hear(server: StreamServer, count: int) -> Act:
    """Note so many messages of the client."""

    def act(socket: ServerConnection) -> None:
        for _ in range(count):
            server.heard.append(json.loads(socket.recv(timeout=5)))

    return act
