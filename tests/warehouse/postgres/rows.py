"""Rows for the warehouse's tests: small days of two tables, valid by their contracts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from contracts.registry import TABLES
from contracts.table import Table

MONDAY = date(2022, 1, 3)
TUESDAY = date(2022, 1, 4)
WEDNESDAY = date(2022, 1, 5)
KNOWN = datetime(2022, 1, 5, 6, 30, tzinfo=UTC)

REPOSITORY = Path(__file__).parents[3]
"""Where another process finds these rows as ``tests.warehouse.postgres.rows``."""

LOADED = [name for name, table in TABLES.items() if table.warehouse == "loaded"]


def filled(table: Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    """A frame of the contract's dtypes; columns that a row leaves out are null."""
    complete = [{name: row.get(name) for name in table.polars_schema} for row in rows]
    return pl.DataFrame(complete, schema=table.polars_schema, orient="row")


def position(
    day: date, quantity: str = "10", *, tenant: int = 1, account: int = 1, security: int = 7
) -> dict[str, object]:
    return {
        "tenant_key": tenant, "account_key": account, "security_key": security, "as_of_date": day,
        "known_from": KNOWN, "methodology_version": "1.0", "quantity": Decimal(quantity), "currency": "USD",
        "price": Decimal("12.5"), "price_date": day, "price_source": "vendor", "price_age_days": 0,
        "is_price_stale": False, "market_value_local": Decimal(quantity) * Decimal("12.5"),
        "market_value_base": Decimal(quantity) * Decimal("12.5"),
    }  # fmt: skip


def valuation(day: date, value: str = "125", *, tenant: int = 1, account: int = 1, **more: object) -> dict[str, object]:
    return {
        "tenant_key": tenant, "account_key": account, "as_of_date": day, "known_from": KNOWN,
        "methodology_version": "1.0", "base_currency": "USD", "total_value_base": Decimal(value),
        "cash_value_base": Decimal(0), "position_count": 1, "unvalued_count": 0, "stale_count": 0,
        "readiness": "complete", **more,
    }  # fmt: skip


def frames(**rows: list[dict[str, object]]) -> dict[str, pl.DataFrame]:
    """Every bulk-loaded table, those given with rows: ``frames(position=[...], account_valuation=[...])``."""
    return {name: filled(TABLES[name], rows.get(name.split(".")[1], [])) for name in LOADED}
