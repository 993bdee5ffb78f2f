"""`/api/v1/accounts/{account_id}/valuations`."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from serving_api.access import Database
from serving_api.accounts.router import AccountKey
from serving_api.paging import Cursor, Limit, Page, decode, page
from serving_api.problems import Problem
from serving_api.valuations import queries
from serving_api.valuations.schemas import Valuation

router = APIRouter(prefix="/api/v1/accounts", tags=["valuations"])


@router.get("/{account_id}/valuations")
async def list_valuations(
    db: Database,
    account_key: AccountKey,
    from_date: Annotated[date | None, Query(description="First day.")] = None,
    to_date: Annotated[date | None, Query(description="Last day.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Valuation]:
    """The account's value, flows and return, newest day first."""
    before = _day(decode(cursor))
    rows = await queries.valuations(db, account_key, from_date, to_date, before, limit + 1)
    items = [Valuation.model_validate(dict(row)) for row in rows]
    return page(items, [item.as_of_date.isoformat() for item in items], limit)


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "cursor: not one that this API gave") from None
