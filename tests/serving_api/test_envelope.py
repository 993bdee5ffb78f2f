"""What surrounds every request: an id, headers, one line in the log, and no word of a client or a key."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from serving_api.envelope import Envelope
from tests.serving_api.client import Api

SECRET = "nxs_secret 48120001 ADA QUINN"


def asked(app: Any, headers: dict[str, str] | None = None, path: str = "/x") -> list[dict[str, Any]]:
    """Messages that the application sends for one request."""
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing may be read")

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": SECRET.encode(), "headers": sent}
    asyncio.run(app(scope, receive, send))
    return messages


async def breaking(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError(SECRET)


async def breaking_midway(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError(SECRET)


async def answering(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def header(messages: list[dict[str, Any]], name: str) -> str:
    return dict(messages[0]["headers"])[name.encode()].decode()


def test_an_error_that_nobody_foresaw_is_a_problem_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    messages = asked(Envelope(breaking), {"Authorization": f"Bearer {SECRET}"})
    body = json.loads(messages[1]["body"])
    assert messages[0]["status"] == body["status"] == 500
    assert header(messages, "content-type") == "application/problem+json"
    assert SECRET not in str(body)
    said, logged = capsys.readouterr()
    line = json.loads(logged)
    assert said == ""
    assert line["level"] == "error"
    assert line["request_id"] == header(messages, "x-request-id")
    assert line["cause"].startswith("RuntimeError at test_envelope.py:")
    assert not [word for word in SECRET.split() if word in logged]


def test_an_error_after_the_answer_began_ends_it_and_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    messages = asked(Envelope(breaking_midway))
    assert [m["type"] for m in messages] == ["http.response.start"]
    assert "RuntimeError" in json.loads(capsys.readouterr().err)["cause"]


def test_a_body_that_nobody_asked_for_is_refused_before_it_is_read() -> None:
    messages = asked(Envelope(answering), {"Content-Length": str(10**9)})
    assert messages[0]["status"] == 413
    assert asked(Envelope(answering), {"Content-Length": "2"})[0]["status"] == 200


@pytest.mark.parametrize("given", ["abc-123", "a" * 64])
def test_a_request_keeps_the_id_that_it_came_with(given: str) -> None:
    assert header(asked(Envelope(answering), {"X-Request-ID": given}), "x-request-id") == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", 'a"b', "{}", "a\nb"])
def test_an_id_that_is_no_plain_word_is_replaced(given: str) -> None:
    found = header(asked(Envelope(answering), {"X-Request-ID": given}), "x-request-id")
    assert found != given
    assert found.isalnum()


def test_answers_stay_out_of_caches() -> None:
    messages = asked(Envelope(answering))
    assert header(messages, "cache-control") == "no-store"
    assert header(messages, "x-content-type-options") == "nosniff"


def test_the_log_names_the_route_and_not_what_was_asked(capsys: pytest.CaptureFixture[str]) -> None:
    api = Api("postgresql://nexus_api@/none?host=/nonexistent").open()
    try:
        api.get("/api/v1/accounts/7a2b7a2b-0000-0000-0000-000000000000/valuations", "nxs_secret", limit=48120001)
    finally:
        api.close()
    logged = capsys.readouterr().err
    line = json.loads(logged)
    assert line["route"] == "/api/v1/accounts/{account_id}/valuations"
    assert line["status"] == 503
    assert not [word for word in ("nxs_secret", "48120001", "7a2b7a2b") if word in logged]
