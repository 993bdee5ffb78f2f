"""The application: routes listed by hand, so that publication is deliberate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from serving_api import problems
from serving_api.accounts.router import router as accounts
from serving_api.envelope import Envelope
from serving_api.positions.router import router as positions
from serving_api.settings import ApiSettings
from serving_api.status.router import health
from serving_api.status.router import router as status
from serving_api.trace.router import router as trace
from serving_api.valuations.router import router as valuations

ROUTERS = (status, accounts, positions, valuations, trace)
REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
DESCRIPTION = """
Read-only access to one tenant's published figures. Every figure is the custodian's files, booked and valued by the
platform; `/trace` lists the files and lines that it came from. Decimals are strings, dates are ISO 8601.
"""


def create_app(settings: ApiSettings | None = None) -> FastAPI:
    """The API.

    Args:
        settings: default: from the environment.
    """
    chosen = settings or ApiSettings()  # type: ignore[call-arg]  # the values come from the environment

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(
            chosen.database_url,
            min_size=0,
            max_size=chosen.pool_size,
            command_timeout=chosen.statement_timeout_ms / 1000 + 5,
            server_settings={"statement_timeout": str(chosen.statement_timeout_ms), "application_name": "nexus_api"},
        ) as pool:
            app.state.pool = pool
            app.state.settings = chosen
            yield

    app = FastAPI(title="WealthNexus", version="1", description=DESCRIPTION, lifespan=lifespan)
    problems.install(app)
    app.add_middleware(Envelope)
    app.include_router(health)
    for router in ROUTERS:
        app.include_router(router, responses=problems.documented(*REFUSALS))
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # FastAPI's own way to extend the document
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the problem documents that the responses refer to."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, schemas = models_json_schema(
            [(problems.ProblemDocument, "serialization")], ref_template="#/components/schemas/{model}"
        )
        described["components"]["schemas"] |= schemas["$defs"]
        app.openapi_schema = described
    return app.openapi_schema
