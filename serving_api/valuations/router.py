"""`/api/v1/accounts/{account_id}/valuations`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from serving_api.access import Database
from serving_api.accounts.router import UNKNOWN_ACCOUNT, AccountKey
from serving_api.paging import Cursor, Limit, Page, decode, page
from serving_api.parameters import Day
from serving_api.valuations import queries
from serving_api.valuations.schemas import Valuation

router = APIRouter(prefix="/api/v1/accounts", tags=["valuations"])


@router.get("/{account_id}/valuations", responses=UNKNOWN_ACCOUNT)
async def list_valuations(
    db: Database,
    account_key: AccountKey,
    from_date: Annotated[Day | None, Query(description="First day.")] = None,
    to_date: Annotated[Day | None, Query(description="Last day.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Valuation]:
    """The account's value, flows and return, newest day first."""
    before = decode(cursor, date.fromisoformat)
    rows = await queries.valuations(db, account_key, from_date, to_date, before, limit + 1)
    return page([Valuation.model_validate(dict(row)) for row in rows], lambda item: item.as_of_date, limit)
