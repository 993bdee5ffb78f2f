"""Queries of the status domain: the tenant's own feeds; market data, which all tenants share, is not counted."""

from __future__ import annotations

from datetime import date

import asyncpg

_SUMMARY = """
    WITH last AS (
        SELECT as_of_date, known_at, published_at FROM ops.current_publication ORDER BY as_of_date DESC LIMIT 1
    )
    SELECT (SELECT as_of_date FROM last) AS latest_as_of_date,
           (SELECT published_at FROM last) AS published_at,
           (SELECT known_at FROM last) AS known_at,
           (SELECT count(*) FROM marts.dim_account) AS account_count,
           (SELECT count(*) FROM marts.account_summary WHERE readiness <> 'complete') AS provisional_account_count,
           (SELECT count(*) FROM marts.fct_feed_arrival
             WHERE tenant_key = $1 AND arrival_status = 'landed') AS files_landed,
           (SELECT max(received_at) FROM marts.fct_feed_arrival WHERE tenant_key = $1) AS last_received_at,
           (SELECT count(*) FROM marts.fct_reject WHERE tenant_key = $1) AS quarantined_row_count,
           (SELECT count(*) FROM marts.fct_position_break b, last
             WHERE b.as_of_date = last.as_of_date) AS open_break_count
"""
_FEEDS = """
    SELECT connection_id, data_type, as_of_date, readiness, readiness_reasons
    FROM marts.fct_feed_readiness
    WHERE as_of_date = $1
    ORDER BY connection_id, data_type
"""


async def summary(db: asyncpg.Connection, tenant_key: int) -> asyncpg.Record:
    """One row: what is published and what is open."""
    return await db.fetchrow(_SUMMARY, tenant_key)


async def feeds(db: asyncpg.Connection, day: date) -> list[asyncpg.Record]:
    """Readiness of every feed on one published day."""
    rows: list[asyncpg.Record] = await db.fetch(_FEEDS, day)
    return rows
