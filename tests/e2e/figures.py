# ruff: noqa: S608 (names of tables cannot be parameters; they are constants of this file)
"""What an installation shows, by the names that custodians give to things: never by a key of the platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import polars as pl
import polars.selectors as cs

from contracts.table import SHARED_TENANT
from tests.e2e.house import TENANTS, House
from warehouse.lake.store import Lake
from warehouse.postgres.content import content_hash

MARTS: Final = (
    "account_summary", "dim_account", "dim_date", "dim_security", "dim_tenant", "fct_account_valuation_daily",
    "fct_feed_arrival", "fct_feed_readiness", "fct_position_break", "fct_position_daily", "fct_reject",
    "fct_transaction",
)  # fmt: skip

_ACCOUNT: Final = "t.tenant_slug, a.custodian, a.account_number"
_BY_ACCOUNT: Final = """
    JOIN marts.dim_tenant t USING (tenant_key) JOIN marts.dim_account a USING (tenant_key, account_key)
"""
_SECURITY: Final = "CASE WHEN s.security_type = 'currency' THEN s.security_name ELSE s.isin END AS security"
_QUERIES: Final[Mapping[str, str]] = {
    "accounts": f"""
        SELECT {_ACCOUNT}, a.account_name, a.account_type, a.tax_status, a.account_status, a.base_currency,
               a.opened_date, a.closed_date, s.as_of_date, s.total_value_base, s.linked_return, s.readiness
        FROM marts.account_summary s {_BY_ACCOUNT}""",
    "breaks": f"""
        SELECT {_ACCOUNT}, {_SECURITY}, f.as_of_date, f.quantity, f.custodian_quantity, f.break_cause
        FROM marts.fct_position_break f {_BY_ACCOUNT} JOIN marts.dim_security s USING (security_key)""",
    "positions": f"""
        SELECT {_ACCOUNT}, {_SECURITY}, f.as_of_date, f.quantity, f.currency, f.price, f.price_date, f.price_source,
               f.price_age_days, f.is_price_stale, f.market_value_local, f.rate_date, f.market_value_base,
               f.value_reason, f.known_from
        FROM marts.fct_position_daily f {_BY_ACCOUNT} JOIN marts.dim_security s USING (security_key)""",
    "readiness": """
        SELECT t.tenant_slug, f.connection_id, f.data_type, f.as_of_date, f.readiness, f.readiness_reasons
        FROM marts.fct_feed_readiness f JOIN marts.dim_tenant t USING (tenant_key)""",
    "transactions": f"""
        SELECT {_ACCOUNT}, f.connection_id, {_SECURITY}, f.transaction_type, f.trade_date, f.settle_date, f.quantity,
               f.price, f.amount, f.currency, f.commission, f.fees, f.accrued_interest, f.tax_withheld, f.is_cancel,
               f.known_at, f.source_file_id, f.source_line
        FROM marts.fct_transaction f {_BY_ACCOUNT} LEFT JOIN marts.dim_security s USING (security_key)""",
    "values": f"""
        SELECT {_ACCOUNT}, f.as_of_date, f.base_currency, f.total_value_base, f.cash_value_base, f.inflow_base,
               f.outflow_base, f.gain_base, f.daily_return, f.linked_return, f.return_reason, f.position_count,
               f.unvalued_count, f.stale_count, f.readiness, f.readiness_reasons, f.known_from
        FROM marts.fct_account_valuation_daily f {_BY_ACCOUNT}""",
}  # fmt: skip


def figures(house: House, name: str, without: Iterable[str] = ()) -> pl.DataFrame:
    """Published rows by natural names, sorted: accounts, breaks, positions, readiness, transactions or values."""
    shown = house.rows(_QUERIES[name])
    shown = shown.drop([c for c in without if c in shown.columns])
    return shown.sort(shown.columns, nulls_last=False)


def all_figures(house: House, without: Iterable[str] = ()) -> dict[str, pl.DataFrame]:
    """All of them."""
    return {name: figures(house, name, without) for name in _QUERIES}


def mart_hashes(house: House, without: Iterable[str] = ()) -> dict[str, str]:
    """A content hash of each mart's rows."""
    hashes = {}
    for name in MARTS:
        rows = house.rows(f"SELECT * FROM marts.{name}")
        rows = rows.with_columns(cs.by_dtype(pl.Null).cast(pl.String))  # a column of nothing but nulls
        hashes[name] = content_hash(rows.drop([c for c in without if c in rows.columns]))
    return hashes


def warehouse_counts(house: House) -> dict[str, int]:
    """Rows of every table, leaves of partitions included."""
    tables = house.rows(
        """
        SELECT n.nspname || '.' || c.relname AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        """
    )["name"]
    return {name: int(house.rows(f"SELECT count(*) FROM {name}")["count"][0]) for name in sorted(tables)}


def lake_counts(house: House) -> dict[str, int]:
    """Rows of every lake table."""
    from contracts.registry import TABLES

    lake = Lake(str(house.home / "lake"))
    return {
        f"{tenant}/{name}": lake.read(TABLES[name], tenant).height
        for tenant in (SHARED_TENANT, *TENANTS)
        for name in lake.tables(tenant)
    }


def lake_versions(house: House) -> dict[str, int | None]:
    """Number of commits of every lake table: a run with nothing to say commits nothing."""
    from contracts.registry import TABLES

    lake = Lake(str(house.home / "lake"))
    return {
        f"{tenant}/{name}": lake.version(TABLES[name], tenant)
        for tenant in (SHARED_TENANT, *TENANTS)
        for name in lake.tables(tenant)
    }
