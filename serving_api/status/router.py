"""`/api/v1/status`, and whether the process itself is well."""

from __future__ import annotations

from fastapi import APIRouter

from serving_api.access import Caller, Database
from serving_api.status import queries
from serving_api.status.schemas import FeedStatus, Status

router = APIRouter(tags=["status"])


@router.get("/health")
async def health() -> dict[str, str]:
    """The process answers. Says nothing of the warehouse."""
    return {"status": "ok"}


@router.get("/api/v1/status")
async def status(db: Database, who: Caller) -> Status:
    """The tenant's morning at a glance: published, arrived, held back, disagreeing."""
    summary = await queries.summary(db)
    feeds = [FeedStatus.model_validate(dict(row)) for row in await queries.feeds(db)]
    return Status.model_validate({**dict(summary), "tenant": who.tenant, "feeds": feeds})
