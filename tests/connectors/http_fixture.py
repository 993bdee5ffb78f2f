"""A web server of the standard library's make, in a thread, that answers what the test tells it to.

It keeps what it was asked. A script is a list of answers for one path, given in turn; the last one is repeated.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the server answers.

    Attributes:
        cut_after: bytes of the body after which the connection is closed.
        chunked: send the body in chunks instead of stating its length.
        unstated: state neither length nor chunks.
        stall_seconds: before the body.
    """

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    cut_after: int | None = None
    chunked: bool = False
    unstated: bool = False
    stall_seconds: float = 0.0


def json_reply(document: object, **changes: Any) -> Reply:
    return Reply(json.dumps(document).encode(), **changes)


Script = list[Reply] | Callable[[Asked], Reply]


@dataclass
class WebServer:
    """A running server. ``scripts`` by path; ``asked`` in order."""

    url: str
    scripts: dict[str, Script] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        script = self.scripts.get(asked.path)
        if script is None:
            return Reply(b"no such path", 404, content_type="text/plain")
        if callable(script):
            return script(asked)
        return script.pop(0) if len(script) > 1 else script[0]


class TestClock:
    """A clock that a test moves; sleeping moves it, too, and is noted."""

    __test__ = False

    def __init__(self, at: datetime) -> None:
        self._at = at
        self.slept: list[float] = []
        self.elapsed = 0.0

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return 1_000.0 + self.elapsed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@contextmanager
def web_server(tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    running: list[WebServer] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._give(running[0].answer(Asked(self.command, parts.path, query, headers, body)))

        do_GET = do_POST = _serve  # noqa: N815

        def _give(self, reply: Reply) -> None:
            time.sleep(reply.stall_seconds)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif not reply.unstated:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            body = reply.body[: reply.cut_after]
            if reply.chunked:
                body = b"%x\r\n%s\r\n" % (len(body), body) + (b"0\r\n\r\n" if reply.cut_after is None else b"")
            self.wfile.write(body)
            if reply.unstated or reply.cut_after is not None:
                self.wfile.flush()
                self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away is no fault of the server."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    running.append(WebServer(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"))
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield running[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(pem)
    (folder / "server.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context
