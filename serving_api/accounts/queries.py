"""Queries of the accounts domain. Row-level security has narrowed every table to one tenant."""

from __future__ import annotations

import asyncpg

_COLUMNS = """
    a.account_id, a.custodian, a.account_number, a.account_name, a.account_type, a.tax_status, a.account_status,
    a.base_currency, a.opened_date, s.as_of_date, s.total_value_base, s.linked_return, s.return_reason, s.readiness,
    s.readiness_reasons
"""
_ACCOUNTS = f"""
    SELECT {_COLUMNS}
    FROM marts.dim_account a
    LEFT JOIN marts.account_summary s USING (tenant_key, account_key)
    WHERE ($1::text IS NULL OR a.account_id > $1)
      AND ($3::text IS NULL OR a.custodian = $3)
      AND ($4::text IS NULL OR a.account_number = $4)
    ORDER BY a.account_id
    LIMIT $2
"""  # noqa: S608 (the columns are a constant above)
_ACCOUNT = "SELECT account_key, account_id FROM marts.dim_account WHERE account_id = $1"


async def accounts(
    db: asyncpg.Connection, after: str | None, limit: int, custodian: str | None, account_number: str | None
) -> list[asyncpg.Record]:
    """Accounts after a public id, with their latest published valuation."""
    rows: list[asyncpg.Record] = await db.fetch(_ACCOUNTS, after, limit, custodian, account_number)
    return rows


async def account_key(db: asyncpg.Connection, account_id: str) -> int | None:
    """Surrogate key of a public id, None when the tenant has no such account."""
    row = await db.fetchrow(_ACCOUNT, account_id)
    return row["account_key"] if row else None
