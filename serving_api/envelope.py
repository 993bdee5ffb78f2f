"""Around every request: an id, headers that keep answers out of caches, one line in the log, and the last resort.

The log names the route's template and never the path, the query or a header: identifiers of clients and keys stay out
of it. An error that nobody foresaw is logged by kind and place alone, for its message may quote a client's data.
"""

from __future__ import annotations

import re
import sys
import time
import traceback
import uuid
from http import HTTPStatus
from pathlib import Path
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving_api.problems import CAUSE, document

REQUEST_ID: Final = "X-Request-ID"
MAX_BODY_BYTES: Final = 16 * 1024
"""No endpoint takes a body; a request that announces a larger one is refused before anything is read."""

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def request_log() -> structlog.typing.WrappedLogger:
    """A logger of one JSON object a line on standard error, whatever else the process has configured."""
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[structlog.processors.add_log_level, stamp, structlog.processors.JSONRenderer()],
    )


class Envelope:
    """ASGI middleware. See the module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = request_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(Headers(scope=scope))
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, REQUEST_ID: request_id}.items():
                    headers[name] = value
            await send(message)

        try:
            if _announced_bytes(Headers(scope=scope)) > MAX_BODY_BYTES:
                refusal = document(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "no endpoint takes a body")
                await refusal(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001  # the last resort: whatever it is, it must not reach the caller or the log
            scope[CAUSE] = f"{type(error).__name__} at {_place(error)}"
            if status is None:
                told = f"this should not have happened; quote the {REQUEST_ID} when you report it"
                await document(HTTPStatus.INTERNAL_SERVER_ERROR, told)(scope, receive, answer)
        finally:
            self._record(scope, request_id, status, time.perf_counter() - began)

    def _record(self, scope: Scope, request_id: str, status: int | None, seconds: float) -> None:
        told = {
            "request_id": request_id,
            "method": scope["method"],
            "route": getattr(scope.get("route"), "path", None),
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
        }
        if CAUSE in scope:
            self._log.error("request", **told, cause=scope[CAUSE])
        else:
            self._log.info("request", **told)


def _request_id(headers: Headers) -> str:
    """The caller's id where it is a plain word, else a new one."""
    given = headers.get(REQUEST_ID, "")
    return given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex


def _announced_bytes(headers: Headers) -> int:
    announced = headers.get("Content-Length", "0")
    return int(announced) if announced.isascii() and announced.isdigit() else 0


def _place(error: BaseException) -> str:
    """File, line and function in which an error arose."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else "?"
