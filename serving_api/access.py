"""Who may ask: an API key names its tenant, and row-level security narrows a transaction to that tenant.

Belongs here: from the Authorization header to a connection that can see one tenant only. Does not belong here: queries.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

import asyncpg
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from serving_api.problems import Problem, unavailable
from warehouse.postgres.api_keys import api_key_digest
from warehouse.postgres.sessions import SET_TENANT_SQL

_bearer = HTTPBearer(auto_error=False, description="An API key of the tenant: `Authorization: Bearer <key>`")
MAX_KEY_LENGTH = 200
ACQUIRE_TIMEOUT_SECONDS = 5.0
"""How long a request waits for a free connection, or for the server to accept a new one, before it is told to retry."""


@dataclass(frozen=True)
class Principal:
    """The tenant that a request speaks for."""

    tenant_key: int
    tenant: str


def pool_of(request: Request) -> asyncpg.Pool:
    """The connection pool; it opens connections on first use, so that the API starts while the database is down."""
    pool: asyncpg.Pool = request.app.state.pool
    return pool


Pool = Annotated[asyncpg.Pool, Depends(pool_of)]


@asynccontextmanager
async def connected(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the pool, which sees no tenant's row until it is narrowed.

    Raises:
        Problem: 503 when the server does not answer or every connection stays busy.
    """
    try:
        connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS)
    except OSError:  # no such host, refused, socket gone, or too late
        raise unavailable() from None
    try:
        yield connection
    finally:
        await pool.release(connection)


@asynccontextmanager
async def narrowed(pool: asyncpg.Pool, tenant_key: int) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a read-only transaction that sees one tenant and nothing else."""
    async with connected(pool) as connection, connection.transaction(readonly=True):
        await connection.execute(SET_TENANT_SQL, str(tenant_key))
        yield connection


async def principal(
    pool: Pool, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
) -> Principal:
    """The principal of the request's key. 401 when there is no key, or none that is valid."""
    key = credentials.credentials if credentials else ""
    if not key or len(key) > MAX_KEY_LENGTH:
        raise _unauthorized()
    async with connected(pool) as connection:
        tenant_key = await connection.fetchval("SELECT core.tenant_of_api_key($1)", api_key_digest(key))
    if tenant_key is None:
        raise _unauthorized()
    async with narrowed(pool, tenant_key) as db:
        slug = await db.fetchval("SELECT slug FROM core.tenants WHERE tenant_key = $1", tenant_key)
    return Principal(tenant_key, slug)


def _unauthorized() -> Problem:
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "a valid API key is needed: Authorization: Bearer <key>",
        {"WWW-Authenticate": "Bearer"},
    )


async def tenant_connection(
    pool: Pool, who: Annotated[Principal, Depends(principal)]
) -> AsyncIterator[asyncpg.Connection]:
    """A connection in a read-only transaction that sees the principal's tenant and nothing else."""
    async with narrowed(pool, who.tenant_key) as connection:
        yield connection


Caller = Annotated[Principal, Depends(principal)]
Database = Annotated[asyncpg.Connection, Depends(tenant_connection)]
