"""`.../trace`: from a published figure to the custodian's file and line.

The database is asked first and left before the lake is read: reading files may take seconds, and a connection that
waits for it would be missing elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool

from serving_api.access import Caller, Pool, narrowed
from serving_api.accounts.queries import account_key
from serving_api.accounts.router import AccountId, unknown_account
from serving_api.parameters import Day
from serving_api.problems import Problem, documented
from serving_api.trace import queries
from serving_api.trace.schemas import Trace
from warehouse.lake.raw import RawStore
from warehouse.lake.store import Lake
from warehouse.lake.trace import Trace as LakeTrace
from warehouse.lake.trace import trace_position, trace_valuation

router = APIRouter(prefix="/api/v1/accounts", tags=["trace"])

NOT_FOUND = documented(HTTPStatus.NOT_FOUND)


def lake_of(request: Request) -> tuple[Lake, RawStore]:
    """The lake and its raw files; 503 where the API was set up without."""
    root: str = request.app.state.settings.lake_root
    if not root:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "this API was set up without the lake, which the trace needs")
    return Lake(root), RawStore(root)


LakeAndRaw = Annotated[tuple[Lake, RawStore], Depends(lake_of)]


@router.get("/{account_id}/positions/{security_id}/trace", responses=NOT_FOUND)
async def position_trace(
    pool: Pool,
    who: Caller,
    stores: LakeAndRaw,
    account_id: AccountId,
    security_id: Annotated[UUID, Path(description="Public UUID of the security, out of the list of positions.")],
    as_of: Annotated[Day, Query(description="Published business day of the position.")],
) -> Trace:
    """What a position of one day came from: opening, transactions, price, rate, each with file and line."""
    async with narrowed(pool, who.tenant_key) as db:
        account = await account_key(db, account_id)
        if account is None:
            raise unknown_account()
        published = await queries.published_position(db, account, security_id, as_of)
        ids = await queries.held(db, account, as_of)
    if published is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no published position of this security on this day")
    found = await run_in_threadpool(
        trace_position,
        *stores,
        who.tenant,
        account_key=account,
        security_key=published["security_key"],
        as_of_date=as_of,
        as_known_at=published["known_from"],
    )
    return _shown(found, ids)


@router.get("/{account_id}/valuations/{as_of}/trace", responses=NOT_FOUND)
async def valuation_trace(
    pool: Pool,
    who: Caller,
    stores: LakeAndRaw,
    account_id: AccountId,
    as_of: Annotated[Day, Path(description="Published business day of the valuation.")],
) -> Trace:
    """What an account's value of one day came from: every position's rows, files and lines."""
    async with narrowed(pool, who.tenant_key) as db:
        account = await account_key(db, account_id)
        if account is None:
            raise unknown_account()
        known_from = await queries.published_valuation(db, account, as_of)
        ids = await queries.held(db, account, as_of)
    if known_from is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no published valuation on this day")
    found = await run_in_threadpool(
        trace_valuation, *stores, who.tenant, account_key=account, as_of_date=as_of, as_known_at=known_from
    )
    return _shown(found, ids)


def _shown(found: LakeTrace, ids: Mapping[str, str]) -> Trace:
    """The trace with public ids in the place of surrogate keys."""
    told = found.as_dict()
    figure = [
        {
            **({"security_id": ids[row["security_key"]]} if "security_key" in row else {}),
            **{name: value for name, value in row.items() if not name.endswith("_key")},
        }
        for row in told["figure"]
    ]
    return Trace.model_validate({**told, "figure": figure})
