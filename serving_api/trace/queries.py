"""Queries of the trace domain: a figure must be published before it is traced."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import asyncpg

_POSITION = """
    SELECT p.security_key, p.known_from
    FROM marts.fct_position_daily p JOIN marts.dim_security s USING (security_key)
    WHERE p.account_key = $1 AND s.security_id = $2 AND p.as_of_date = $3
"""
_HELD = """
    SELECT p.security_key, s.security_id
    FROM marts.fct_position_daily p JOIN marts.dim_security s USING (security_key)
    WHERE p.account_key = $1 AND p.as_of_date = $2
"""
_VALUATION = "SELECT known_from FROM marts.fct_account_valuation_daily WHERE account_key = $1 AND as_of_date = $2"


async def published_position(
    db: asyncpg.Connection, account_key: int, security_id: UUID, as_of: date
) -> asyncpg.Record | None:
    """Key and known_from of a published position."""
    return await db.fetchrow(_POSITION, account_key, str(security_id), as_of)


async def published_valuation(db: asyncpg.Connection, account_key: int, as_of: date) -> datetime | None:
    """known_from of a published valuation."""
    known_from: datetime | None = await db.fetchval(_VALUATION, account_key, as_of)
    return known_from


async def held(db: asyncpg.Connection, account_key: int, as_of: date) -> dict[str, str]:
    """Public id of each security that the account holds on a day, by its surrogate key as text."""
    return {str(row["security_key"]): row["security_id"] for row in await db.fetch(_HELD, account_key, as_of)}
