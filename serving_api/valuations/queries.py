"""Queries of the valuations domain."""

from __future__ import annotations

from datetime import date

import asyncpg

_VALUATIONS = """
    SELECT as_of_date, base_currency, total_value_base, cash_value_base, inflow_base, outflow_base, gain_base,
           daily_return, linked_return, return_reason, position_count, unvalued_count, stale_count, readiness,
           readiness_reasons, known_from, methodology_version
    FROM marts.fct_account_valuation_daily
    WHERE account_key = $1
      AND ($2::date IS NULL OR as_of_date >= $2) AND ($3::date IS NULL OR as_of_date <= $3)
      AND ($4::date IS NULL OR as_of_date < $4)
    ORDER BY as_of_date DESC
    LIMIT $5
"""


async def valuations(
    db: asyncpg.Connection, account_key: int, first: date | None, last: date | None, before: date | None, limit: int
) -> list[asyncpg.Record]:
    """Published valuations of one account, newest first."""
    rows: list[asyncpg.Record] = await db.fetch(_VALUATIONS, account_key, first, last, before, limit)
    return rows
