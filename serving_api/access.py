"""Who may ask: an API key names its tenant, and row-level security narrows a transaction to that tenant.

Belongs here: from the Authorization header to a connection that can see one tenant only. Does not belong here: queries.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import asyncpg
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from serving_api.problems import Problem

_bearer = HTTPBearer(auto_error=False, description="An API key of the tenant: `Authorization: Bearer <key>`")
MAX_KEY_LENGTH = 200


@dataclass(frozen=True)
class Principal:
    """The tenant that a request speaks for."""

    tenant_key: int
    tenant: str


def pool_of(request: Request) -> asyncpg.Pool:
    """The connection pool; opened on first use, so that the API starts while the database is down."""
    pool: asyncpg.Pool = request.app.state.pool
    return pool


async def principal(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Principal:
    """The principal of the request's key. 401 when there is no key, or none that is valid."""
    key = credentials.credentials if credentials else ""
    if not key or len(key) > MAX_KEY_LENGTH:
        raise _unauthorized()
    digest = hashlib.sha256(key.encode()).hexdigest()
    async with pool_of(request).acquire() as connection:
        tenant_key = await connection.fetchval("SELECT core.tenant_of_api_key($1)", digest)
        if tenant_key is None:
            raise _unauthorized()
        async with connection.transaction(readonly=True):
            await narrow(connection, tenant_key)
            slug = await connection.fetchval("SELECT slug FROM core.tenants WHERE tenant_key = $1", tenant_key)
    return Principal(tenant_key, slug)


async def narrow(connection: asyncpg.Connection, tenant_key: int) -> None:
    """Narrow the open transaction to one tenant."""
    await connection.execute("SELECT set_config('app.tenant_key', $1, true)", str(tenant_key))


def _unauthorized() -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "a valid API key is needed: Authorization: Bearer <key>",
        {"WWW-Authenticate": "Bearer"},
    )


async def tenant_connection(
    request: Request, who: Annotated[Principal, Depends(principal)]
) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a read-only transaction that sees the principal's tenant and nothing else."""
    async with pool_of(request).acquire() as connection, connection.transaction(readonly=True):
        await narrow(connection, who.tenant_key)
        yield connection


Caller = Annotated[Principal, Depends(principal)]
Database = Annotated[asyncpg.Connection, Depends(tenant_connection)]
