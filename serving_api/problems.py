"""Errors as RFC 9457 problem documents: one shape for every refusal, without internals or client data."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal that the caller may act on.

    Attributes:
        status: HTTP status.
        detail: what is wrong and what to do.
        headers: sent along, such as Retry-After.
    """

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def _document(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> JSONResponse:
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **more}
    return JSONResponse(body, status.value, dict(headers or {}), media_type=MEDIA_TYPE)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Problem):
        raise error
    return _document(error.status, error.detail, error.headers)


async def _http(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return _document(HTTPStatus(error.status_code), str(error.detail), error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [{"where": ".".join(str(p) for p in e["loc"]), "what": e["msg"]} for e in error.errors()]
    return _document(HTTPStatus.UNPROCESSABLE_ENTITY, "the request does not fit; see errors", errors=faults)


async def _unavailable(_: Request, __: Exception) -> JSONResponse:
    return _document(HTTPStatus.SERVICE_UNAVAILABLE, "the warehouse cannot be reached; try again", {"Retry-After": "5"})


def install(app: FastAPI) -> None:
    """Give the app one answer for each kind of failure."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for error in (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError, TimeoutError):
        app.add_exception_handler(error, _unavailable)
