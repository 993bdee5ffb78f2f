"""Errors as RFC 9457 problem documents: one shape for every refusal, without internals or client data."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "5"}
CAUSE = "serving_api.cause"
"""Key of a request's scope: kind of the error behind an answer, for the log and not for the caller."""

UNREACHABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, or the query was ended after its time
    asyncpg.InsufficientResourcesError,  # too many connections, out of memory
    asyncpg.InvalidAuthorizationSpecificationError,  # the API's own login was refused
    asyncpg.InvalidCatalogNameError,
    ConnectionError,
    TimeoutError,
)
NOT_BUILT = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.FeatureNotSupportedError,  # a view changed its columns under a prepared query
)
"""What a query meets while the marts are built for the first time, or anew with other columns."""


class Fault(BaseModel):
    """One part of a request that does not fit."""

    where: str = Field(description="Place in the request, such as `query.limit`.")
    what: str = Field(description="What is wrong with it. Never repeats what was sent.")


class ProblemDocument(BaseModel):
    """A refusal, as RFC 9457 shapes it."""

    type: str = Field(description="Always `about:blank`: the status says what kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What is wrong and what to do.")
    errors: list[Fault] | None = Field(default=None, description="Parts of the request that do not fit; with 422 only.")


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


def unavailable() -> Problem:
    """The warehouse does not answer."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the warehouse cannot be reached; try again", RETRY_AFTER)


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The responses of a router, for its OpenAPI description: these statuses are problem documents."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
    return {s.value: {"description": s.phrase, "content": {MEDIA_TYPE: schema}} for s in statuses}


def document(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> JSONResponse:
    """The answer that tells of a problem."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **more}
    return JSONResponse(body, status.value, dict(headers or {}), media_type=MEDIA_TYPE)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Problem):
        raise error
    return document(error.status, error.detail, error.headers)


async def _http(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    return document(HTTPStatus(error.status_code), str(error.detail), error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [Fault(where=".".join(str(p) for p in e["loc"]), what=e["msg"]).model_dump() for e in error.errors()]
    return document(HTTPStatus.UNPROCESSABLE_ENTITY, "the request does not fit; see errors", errors=faults)


async def _unreachable(request: Request, error: Exception) -> JSONResponse:
    request.scope[CAUSE] = type(error).__name__
    problem = unavailable()
    return document(problem.status, problem.detail, problem.headers)


async def _not_built(request: Request, error: Exception) -> JSONResponse:
    request.scope[CAUSE] = type(error).__name__
    detail = "the marts are not built, or are being built anew; try again after the next publication"
    return document(HTTPStatus.SERVICE_UNAVAILABLE, detail, RETRY_AFTER)


def install(app: FastAPI) -> None:
    """Give the app one answer for each kind of failure."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for error in UNREACHABLE:
        app.add_exception_handler(error, _unreachable)
    for error in NOT_BUILT:
        app.add_exception_handler(error, _not_built)
