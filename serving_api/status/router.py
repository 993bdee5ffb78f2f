"""`/api/v1/status`, and whether the process itself is well."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter

from serving_api.access import Caller, Database, Pool, connected
from serving_api.problems import documented
from serving_api.status import queries
from serving_api.status.schemas import FeedStatus, Health, Status

health = APIRouter(tags=["health"])
router = APIRouter(tags=["status"])


@health.get("/health")
async def alive() -> Health:
    """The process answers. Says nothing of the warehouse: a restart would not mend that."""
    return Health(status="ok")


@health.get("/health/ready", responses=documented(HTTPStatus.SERVICE_UNAVAILABLE))
async def ready(pool: Pool) -> Health:
    """The process answers and reaches the warehouse; 503 while it does not."""
    async with connected(pool) as connection:
        await connection.fetchval("SELECT 1")
    return Health(status="ok")


@router.get("/api/v1/status")
async def status(db: Database, who: Caller) -> Status:
    """The tenant's morning at a glance: published, arrived, held back, disagreeing."""
    summary = await queries.summary(db, who.tenant_key)
    day = summary["latest_as_of_date"]
    feeds = await queries.feeds(db, day) if day else []
    return Status(**summary, tenant=who.tenant, feeds=[FeedStatus.model_validate(dict(row)) for row in feeds])
