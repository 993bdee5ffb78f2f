"""`/api/v1/accounts/{account_id}/positions`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from serving_api.access import Database
from serving_api.accounts.router import UNKNOWN_ACCOUNT, AccountId, AccountKey
from serving_api.parameters import Day
from serving_api.positions import queries
from serving_api.positions.schemas import Position, Positions

router = APIRouter(prefix="/api/v1/accounts", tags=["positions"])

AsOf = Annotated[
    Day | None, Query(description="Shows the last published business day on or before; default: the latest.")
]


@router.get("/{account_id}/positions", responses=UNKNOWN_ACCOUNT)
async def list_positions(db: Database, account_id: AccountId, account_key: AccountKey, as_of: AsOf = None) -> Positions:
    """What the account holds, valued, at the close of one business day; the largest value first."""
    day = await queries.last_day(db, account_key, as_of)
    rows = await queries.positions(db, account_key, day) if day else []
    items = [Position.model_validate(dict(row)) for row in rows]
    return Positions(account_id=str(account_id), as_of_date=day, items=items)
