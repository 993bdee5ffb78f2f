"""`/api/v1/accounts`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from serving_api.access import Database
from serving_api.accounts import queries
from serving_api.accounts.schemas import Account
from serving_api.paging import Cursor, Limit, Page, decode, page
from serving_api.problems import Problem

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])


async def known_account(db: Database, account_id: UUID) -> int:
    """Surrogate key of the account in the path; 404 when the tenant has none such."""
    key = await queries.account_key(db, str(account_id))
    if key is None:
        raise Problem(HTTPStatus.NOT_FOUND, "no account with this id")
    return key


AccountKey = Annotated[int, Depends(known_account)]


@router.get("")
async def list_accounts(
    db: Database,
    limit: Limit = 100,
    cursor: Cursor = None,
    custodian: Annotated[str | None, Query(max_length=64, description="Slug of the custodian.")] = None,
    account_number: Annotated[str | None, Query(max_length=64, description="The custodian's number, exact.")] = None,
) -> Page[Account]:
    """The tenant's accounts with their latest published value and return."""
    rows = await queries.accounts(db, decode(cursor), limit + 1, custodian, account_number)
    items = [Account.model_validate(dict(row)) for row in rows]
    return page(items, [item.account_id for item in items], limit)
