"""An S3 server of another make (moto, over HTTP) with switches for what goes wrong between it and its clients."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

from connectors.connection import S3Transport

ACCESS_KEY, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BUCKET = "deliveries"

Environ = dict[str, Any]


@dataclass
class Switches:
    """What the next answers to clients under test suffer.

    Attributes:
        refuse: (HTTP status, S3 code) of the next answers, one each.
        cut_after_bytes: of the next bodies, one each: only that much comes.
        is_deaf_to_ranges: whether a range is ignored and the whole object given.
        before_get: called before an object is given.
        requests: method, path and query of all requests.
        bytes_given: of all bodies.
    """

    refuse: list[tuple[int, str]] = field(default_factory=list)
    cut_after_bytes: list[int] = field(default_factory=list)
    is_deaf_to_ranges: bool = False
    before_get: Callable[[], None] | None = None
    requests: list[str] = field(default_factory=list)
    bytes_given: int = 0


class _Between:
    """A WSGI application between the server and its clients."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.switches = Switches()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/moto-api") or "test-itself" in environ.get("HTTP_USER_AGENT", ""):
            return list(self.inner(environ, start_response))
        switches = self.switches
        switches.requests.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        if switches.refuse:
            status, code = switches.refuse.pop(0)
            body = f"<Error><Code>{code}</Code><Message>{ACCESS_KEY} {SECRET_KEY}</Message></Error>".encode()
            start_response(f"{status} x", [("Content-Length", str(len(body))), ("Content-Type", "application/xml")])
            return [body]
        is_object = environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].count("/") > 1
        if is_object and switches.is_deaf_to_ranges:
            environ.pop("HTTP_RANGE", None)
        if is_object and switches.before_get is not None:
            act, switches.before_get = switches.before_get, None
            act()
        return self._given(b"".join(self.inner(environ, start_response)), is_object)

    def _given(self, body: bytes, is_object: bool) -> Iterable[bytes]:
        if is_object and self.switches.cut_after_bytes:
            body = body[: self.switches.cut_after_bytes.pop(0)]
        self.switches.bytes_given += len(body)
        return [body[i : i + 65_536] for i in range(0, len(body), 65_536)] or [b""]


@dataclass
class S3Server:
    """A running server."""

    url: str
    between: _Between
    secrets_dir: Path

    @property
    def switches(self) -> Switches:
        return self.between.switches

    @cached_property
    def client(self) -> Any:
        """A client of the test itself, which suffers nothing."""
        return self._client("s3")

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(user_agent_extra="test-itself", s3={"addressing_style": "path"}),
        )

    def reset(self) -> None:
        """Forget all buckets, users and switches; one empty bucket is there."""
        self.between.switches = Switches()
        self._post("reset-auth", b"1000000000")
        self._post("reset", b"")
        self.client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def put_many(self, keys: Iterable[str]) -> None:
        """Empty objects, put where the server keeps them: a thousand requests would take their time."""
        backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        for key in keys:
            backend.put_object(BUCKET, key, b"")

    def demand_keys(self, actions: list[str]) -> tuple[str, str]:
        """From now on only a user with these rights is served, whose keys are given."""
        iam = self._client("iam")
        iam.create_user(UserName="taker")
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.put_user_policy(UserName="taker", PolicyName="taking", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="taker")["AccessKey"]
        self._post("reset-auth", b"0")
        return key["AccessKeyId"], key["SecretAccessKey"]

    def transport(self, **changes: object) -> S3Transport:
        """Settings of a connection to it."""
        settings: dict[str, Any] = {
            "bucket": BUCKET,
            "endpoint_url": self.url,
            "access_key_ref": "file:access",
            "secret_key_ref": "file:secret",
            "path_style": True,
            "timeout_seconds": 10,
        }
        return S3Transport.model_validate(settings | changes)

    def secret(self, name: str, text: str) -> None:
        place = self.secrets_dir / name
        place.write_text(text, encoding="utf-8")
        place.chmod(0o600)

    def _post(self, what: str, body: bytes) -> None:
        sender = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        sender.request("POST", f"/moto-api/{what}", body, {"Content-Type": "text/plain"})
        assert sender.getresponse().status == 200
        sender.close()


@contextmanager
def running_s3(home: Path) -> Iterator[S3Server]:
    """A server on a free port of this machine, until the context ends."""
    between = _Between(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, between, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    secrets_dir = home / "secrets"
    secrets_dir.mkdir(parents=True, exist_ok=True)
    running = S3Server(f"http://127.0.0.1:{server.server_port}", between, secrets_dir)
    running.secret("access", ACCESS_KEY)
    running.secret("secret", SECRET_KEY)
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
