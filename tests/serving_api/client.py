"""A caller of the API without a network: real requests into the real ASGI application, on an event loop of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlencode

from fastapi import FastAPI

from serving_api.app import create_app
from serving_api.settings import ApiSettings


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The document; a number with a fraction is an error, for the API writes decimals as strings."""
        return json.loads(self.text, parse_float=_no_fraction)

    def problem(self, status: int) -> dict[str, Any]:
        """The problem document that the answer must be."""
        assert self.status == status, self.text
        assert self.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = self.json
        assert document["status"] == status
        assert document["title"]
        assert document["detail"]
        return document


def _no_fraction(text: str) -> NoReturn:
    raise AssertionError(f"a number with a fraction in JSON: {text}")


class Api:
    """The application between ``open`` and ``close``; one request at a time."""

    def __init__(self, url: str, lake_root: str = "", **settings: Any) -> None:
        self.app: FastAPI = create_app(ApiSettings(database_url=url, lake_root=lake_root, **settings))
        self._loop = asyncio.Runner()
        self._life = AsyncExitStack()

    def open(self) -> Api:
        """Starts the application, as a server does."""
        self._loop.run(self._life.enter_async_context(self.app.router.lifespan_context(self.app)))
        return self

    def close(self) -> None:
        """Ends it."""
        self._loop.run(self._life.aclose())
        self._loop.close()

    def get(
        self,
        path: str,
        key: str | bytes | None = None,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        **query: object,
    ) -> Answer:
        """One request. ``key`` goes into the Authorization header; ``query`` is encoded, None left out."""
        sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        if key is not None:
            sent.append((b"authorization", b"Bearer " + (key if isinstance(key, bytes) else key.encode("latin-1"))))
        asked = urlencode({name: str(value) for name, value in query.items() if value is not None})
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": unquote(path), "raw_path": quote(path, safe="/%").encode(), "query_string": asked.encode(),
            "root_path": "", "headers": sent, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000),
        }  # fmt: skip
        return self._loop.run(self._ask(scope))

    async def _ask(self, scope: dict[str, Any]) -> Answer:
        messages: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        await self.app(scope, receive, send)
        body = b"".join(m.get("body", b"") for m in messages if m["type"] == "http.response.body")
        headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
        return Answer(messages[0]["status"], headers, body.decode())
