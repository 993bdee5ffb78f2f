"""Queries of the accounts domain. Row-level security has narrowed every table to one tenant."""

from __future__ import annotations

from uuid import UUID

import asyncpg

# The page is chosen first, and each of its accounts looked up by itself (LIMIT keeps the planner from joining the
# summary as a whole), so that a page costs as much as the page.
_ACCOUNTS = """
    WITH page AS MATERIALIZED (
        SELECT a.tenant_key, a.account_key, a.account_id, a.custodian, a.account_number, a.account_name, a.account_type,
               a.tax_status, a.account_status, a.base_currency, a.opened_date
        FROM marts.dim_account a
        WHERE ($1::text IS NULL OR a.account_id > $1)
          AND ($3::text IS NULL OR a.custodian = $3)
          AND ($4::text IS NULL OR a.account_number = $4)
        ORDER BY a.account_id
        LIMIT $2
    )
    SELECT p.account_id, p.custodian, p.account_number, p.account_name, p.account_type, p.tax_status, p.account_status,
           p.base_currency, p.opened_date, s.as_of_date, s.total_value_base, s.linked_return, s.return_reason,
           s.readiness, s.readiness_reasons
    FROM page p
    LEFT JOIN LATERAL (
        SELECT * FROM marts.account_summary l
        WHERE l.tenant_key = p.tenant_key AND l.account_key = p.account_key
        LIMIT 1
    ) s ON true
    ORDER BY p.account_id
"""
_ACCOUNT = "SELECT account_key FROM marts.dim_account WHERE account_id = $1"


async def accounts(
    db: asyncpg.Connection, after: UUID | None, limit: int, custodian: str | None, account_number: str | None
) -> list[asyncpg.Record]:
    """Accounts after a public id, with their latest published valuation."""
    begin = None if after is None else str(after)
    rows: list[asyncpg.Record] = await db.fetch(_ACCOUNTS, begin, limit, custodian, account_number)
    return rows


async def account_key(db: asyncpg.Connection, account_id: UUID) -> int | None:
    """Surrogate key of a public id, None when the tenant has no such account."""
    key: int | None = await db.fetchval(_ACCOUNT, str(account_id))
    return key
