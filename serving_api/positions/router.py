"""`/api/v1/accounts/{account_id}/positions`."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from serving_api.access import Database
from serving_api.accounts.router import AccountKey
from serving_api.positions import queries
from serving_api.positions.schemas import Position, Positions

router = APIRouter(prefix="/api/v1/accounts", tags=["positions"])


@router.get("/{account_id}/positions")
async def list_positions(
    db: Database,
    account_id: UUID,
    account_key: AccountKey,
    as_of: Annotated[
        date | None, Query(description="Last published business day on or before; default the latest.")
    ] = None,
) -> Positions:
    """What the account holds, valued, at the close of one business day."""
    day = await queries.last_day(db, account_key, as_of)
    rows = await queries.positions(db, account_key, day) if day else []
    items = [Position.model_validate(dict(row)) for row in rows]
    return Positions(account_id=str(account_id), as_of_date=day, items=items)
