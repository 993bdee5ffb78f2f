"""`/api/v1/accounts`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from serving_api.access import Database
from serving_api.accounts import queries
from serving_api.accounts.schemas import Account
from serving_api.paging import Cursor, Limit, Page, decode, page
from serving_api.problems import Problem, documented

router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"])

UNKNOWN_ACCOUNT = documented(HTTPStatus.NOT_FOUND)
AccountId = Annotated[UUID, Path(description="Public UUID of the account, out of the list of accounts.")]
Custodian = Annotated[
    str | None, Query(max_length=64, pattern=r"^[a-z0-9_]+$", description="Only accounts at this custodian, by slug.")
]
AccountNumber = Annotated[
    str | None,
    Query(max_length=64, pattern=r"^[\x20-\x7e]+$", description="Only accounts with the custodian's number, exactly."),
]


async def known_account(db: Database, account_id: AccountId) -> int:
    """Surrogate key of the account in the path; 404 when the tenant has none such."""
    key = await queries.account_key(db, account_id)
    if key is None:
        raise unknown_account()
    return key


def unknown_account() -> Problem:
    """The tenant has no such account; whether another has one is not said."""
    return Problem(HTTPStatus.NOT_FOUND, "no account with this id")


AccountKey = Annotated[int, Depends(known_account)]


@router.get("")
async def list_accounts(
    db: Database,
    limit: Limit = 100,
    cursor: Cursor = None,
    custodian: Custodian = None,
    account_number: AccountNumber = None,
) -> Page[Account]:
    """The tenant's accounts with their latest published value and return, in the order of their ids."""
    rows = await queries.accounts(db, decode(cursor, UUID), limit + 1, custodian, account_number)
    return page([Account.model_validate(dict(row)) for row in rows], lambda item: item.account_id, limit)
