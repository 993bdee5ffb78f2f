"""`.../trace`: from a published figure to the custodian's file and line."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from serving_api.access import Caller, Database
from serving_api.accounts.router import AccountKey
from serving_api.problems import Problem
from serving_api.trace import queries
from serving_api.trace.schemas import Trace
from warehouse.lake.raw import RawStore
from warehouse.lake.store import Lake
from warehouse.lake.trace import trace_position, trace_valuation

router = APIRouter(prefix="/api/v1/accounts", tags=["trace"])


def lake_of(request: Request) -> tuple[Lake, RawStore]:
    """The lake and its raw files; 503 where the API was set up without."""
    root: str = request.app.state.settings.lake_root
    if not root:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "this API was set up without the lake, which the trace needs")
    return Lake(root), RawStore(root)


LakeAndRaw = Annotated[tuple[Lake, RawStore], Depends(lake_of)]


@router.get("/{account_id}/positions/{security_id}/trace")
async def position_trace(
    db: Database, who: Caller, stores: LakeAndRaw, account_key: AccountKey, security_id: UUID, as_of: date
) -> Trace:
    """What a position of one day came from: opening, transactions, price, rate, each with file and line."""
    published = await queries.published_position(db, account_key, str(security_id), as_of)
    if published is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no published position of this security on this day")
    found = await run_in_threadpool(
        trace_position,
        *stores,
        who.tenant,
        account_key=account_key,
        security_key=published["security_key"],
        as_of_date=as_of,
        as_known_at=published["known_from"],
    )
    return Trace.model_validate(found.as_dict())


@router.get("/{account_id}/valuations/{as_of}/trace")
async def valuation_trace(db: Database, who: Caller, stores: LakeAndRaw, account_key: AccountKey, as_of: date) -> Trace:
    """What an account's value of one day came from: every position's rows, files and lines."""
    known_from = await queries.published_valuation(db, account_key, as_of)
    if known_from is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no published valuation on this day")
    found = await run_in_threadpool(
        trace_valuation, *stores, who.tenant, account_key=account_key, as_of_date=as_of, as_known_at=known_from
    )
    return Trace.model_validate(found.as_dict())
