"""Queries of the positions domain."""

from __future__ import annotations

from datetime import date

import asyncpg

_DAY = """
    SELECT max(as_of_date) AS day FROM marts.fct_account_valuation_daily
    WHERE account_key = $1 AND ($2::date IS NULL OR as_of_date <= $2)
"""
_POSITIONS = """
    SELECT s.security_id, s.security_name, s.security_type, s.asset_class, s.cusip, s.isin, s.ticker, p.quantity,
           p.currency, p.price, p.price_date, p.price_source, p.price_age_days, p.is_price_stale, p.market_value_local,
           p.rate_date, p.market_value_base, p.value_reason
    FROM marts.fct_position_daily p
    LEFT JOIN marts.dim_security s USING (security_key)
    WHERE p.account_key = $1 AND p.as_of_date = $2 AND p.quantity <> 0
    ORDER BY p.market_value_base DESC NULLS LAST, p.security_key
"""


async def last_day(db: asyncpg.Connection, account_key: int, as_of: date | None) -> date | None:
    """The last published valuation day on or before ``as_of``."""
    day: date | None = await db.fetchval(_DAY, account_key, as_of)
    return day


async def positions(db: asyncpg.Connection, account_key: int, day: date) -> list[asyncpg.Record]:
    """Published positions of one account and day, largest first."""
    rows: list[asyncpg.Record] = await db.fetch(_POSITIONS, account_key, day)
    return rows
