"""``nexus status``, ``accounts``, ``quarantine``: what is published, held and held back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import psycopg
import typer

from pipelines.cli.console import console, exact, fail, percent, show
from pipelines.cli.run import require_tenant
from pipelines.environment import Environment
from pipelines.installation import prepared
from warehouse.postgres.sessions import connect

_ACCOUNTS = """
    SELECT t.tenant_slug, a.custodian, a.account_number, a.base_currency, s.as_of_date, s.total_value_base,
           s.linked_return,
           coalesce(s.readiness_reasons, s.readiness)
    FROM marts.account_summary s
    JOIN marts.dim_account a USING (tenant_key, account_key)
    JOIN marts.dim_tenant t USING (tenant_key)
    WHERE %(tenant)s::text IS NULL OR t.tenant_slug = %(tenant)s
    ORDER BY t.tenant_slug, s.total_value_base DESC NULLS LAST
    LIMIT %(limit)s
"""
_POSITIONS = """
    SELECT a.account_number, coalesce(d.ticker, d.cusip, d.isin, d.sedol, d.security_name),
           nullif(d.security_name, coalesce(d.ticker, d.cusip, d.isin, d.sedol, d.security_name)),
           p.quantity, p.price, p.currency, p.price_date, p.market_value_base, s.base_currency,
           coalesce(p.value_reason, CASE WHEN p.is_price_stale THEN 'stale_price' END)
    FROM marts.account_summary s
    JOIN marts.dim_account a USING (tenant_key, account_key)
    JOIN marts.dim_tenant t USING (tenant_key)
    JOIN marts.fct_position_daily p USING (tenant_key, account_key, as_of_date)
    LEFT JOIN marts.dim_security d ON d.security_key = p.security_key
    WHERE t.tenant_slug = %(tenant)s AND a.account_key = ANY(%(accounts)s) AND p.quantity <> 0
    ORDER BY a.account_number, d.asset_class = 'cash', p.market_value_base DESC NULLS LAST, 2
    LIMIT %(limit)s
"""
_TRANSACTIONS = """
    SELECT f.trade_date, a.account_number, f.transaction_type,
           coalesce(d.ticker, d.cusip, d.isin, d.sedol, d.security_name),
           f.quantity, f.price, f.amount, f.currency, count(*) OVER ()
    FROM marts.fct_transaction f
    JOIN marts.dim_account a USING (tenant_key, account_key)
    JOIN marts.dim_tenant t USING (tenant_key)
    LEFT JOIN marts.dim_security d ON d.security_key = f.security_key
    WHERE t.tenant_slug = %(tenant)s AND a.account_key = ANY(%(accounts)s)
    ORDER BY f.trade_date DESC, a.account_number, f.natural_key
    LIMIT %(limit)s
"""
_TOTALS = """
    SELECT t.tenant_slug, s.base_currency, max(s.as_of_date), count(*), sum(s.total_value_base),
           count(*) FILTER (WHERE s.readiness = 'complete'), count(*) FILTER (WHERE s.total_value_base IS NULL)
    FROM marts.account_summary s JOIN marts.dim_tenant t USING (tenant_key)
    GROUP BY t.tenant_slug, s.base_currency ORDER BY t.tenant_slug, s.base_currency
"""
_CUSTODIANS = """
    WITH held AS (
        SELECT a.custodian, p.price_source, count(*) AS positions
        FROM marts.account_summary s
        JOIN marts.dim_account a USING (tenant_key, account_key)
        JOIN marts.fct_position_daily p USING (tenant_key, account_key, as_of_date)
        WHERE p.price_source IS NOT NULL AND p.quantity <> 0
        GROUP BY 1, 2
    ), accounts AS (
        SELECT a.custodian, count(*) AS accounts, count(*) FILTER (WHERE s.readiness = 'complete') AS complete
        FROM marts.account_summary s JOIN marts.dim_account a USING (tenant_key, account_key) GROUP BY 1
    )
    SELECT c.custodian, c.accounts, c.complete, sum(h.positions)::bigint,
           string_agg(h.price_source || ' ' || h.positions, ', ' ORDER BY h.positions DESC, h.price_source)
    FROM accounts c LEFT JOIN held h USING (custodian) GROUP BY 1, 2, 3 ORDER BY 1
"""
_FEEDS = """
    SELECT t.tenant_slug, r.connection_id, r.data_type, r.as_of_date, r.readiness, r.readiness_reasons
    FROM marts.fct_feed_readiness r JOIN marts.dim_tenant t USING (tenant_key)
    WHERE r.as_of_date = (SELECT max(as_of_date) FROM marts.fct_feed_readiness x WHERE x.tenant_key = r.tenant_key)
    ORDER BY 1, 2, 3
"""
_REASONS = """
    SELECT coalesce(t.tenant_slug, '_shared'), r.connection_id, r.reason, count(*), min(r.logical_name),
           min(r.source_line)
    FROM marts.fct_reject r LEFT JOIN marts.dim_tenant t USING (tenant_key)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def rows(url: str, query: str, parameters: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Rows of a query over the marts, as the owner of the installation."""
    try:
        with connect(url) as connection:
            return connection.execute(query.encode(), parameters).fetchall()
    except psycopg.errors.UndefinedTable:
        fail("nothing has been published yet; see `nexus demo`, `nexus ingest` and `nexus run`")


def show_accounts(url: str, tenant: str | None, limit: int) -> None:
    """The accounts table, largest first."""
    found = rows(url, _ACCOUNTS, {"tenant": tenant, "limit": limit})
    show(
        f"Accounts (first {limit})" if len(found) == limit else "Accounts",
        ("tenant", "custodian", "account", "ccy", "as of", "market value", "return", "readiness"),
        [(*r[:6], percent(r[6]), r[7]) for r in found],
        numeric=("market value", "return"),
    )


def show_positions(url: str, tenant: str, accounts: Sequence[int], limit: int) -> None:
    """What the accounts hold on their latest published day."""
    found = rows(url, _POSITIONS, {"tenant": tenant, "accounts": list(accounts), "limit": limit})
    show(
        f"Positions (first {limit})" if len(found) == limit else "Positions",
        ("account", "security", "name", "quantity", "price", "ccy", "price of", "value", "in", "remark"),
        [(*r[:3], exact(r[3]), exact(r[4]), *r[5:9], r[9] or "") for r in found],
        numeric=("quantity", "price", "value"),
    )


def show_transactions(url: str, tenant: str, accounts: Sequence[int], limit: int) -> None:
    """The accounts' latest transactions."""
    found = rows(url, _TRANSACTIONS, {"tenant": tenant, "accounts": list(accounts), "limit": limit})
    count = int(found[0][8]) if found else 0
    show(
        f"Transactions (last {limit} of {count})" if count > limit else "Transactions",
        ("date", "account", "type", "security", "quantity", "price", "amount", "ccy"),
        [(*r[:4], exact(r[4]) if r[4] else None, exact(r[5]), r[6], r[7]) for r in found],
        numeric=("quantity", "price", "amount"),
    )


def show_totals(url: str) -> None:
    """Totals per tenant and currency."""
    show(
        "Published",
        ("tenant", "ccy", "as of", "accounts", "market value", "complete", "not valued"),
        rows(url, _TOTALS),
        numeric=("accounts", "market value", "complete", "not valued"),
    )


def show_custodians(url: str) -> None:
    """Where the accounts sit, and whose prices their positions are valued at."""
    columns = ("custodian", "accounts", "complete", "positions", "priced by")
    show("Custodians and prices", columns, rows(url, _CUSTODIANS), numeric=("accounts", "complete", "positions"))


def show_quality(url: str) -> None:
    """Feed readiness of the last day, and what is in quarantine."""
    show("Feeds of the last day", ("tenant", "connection", "file", "day", "readiness", "reasons"), rows(url, _FEEDS))
    held = rows(url, _REASONS)
    if held:
        columns = ("tenant", "connection", "reason", "rows", "first file", "first line")
        show("Quarantine", columns, held, numeric=("rows", "first line"))
    else:
        console.print("Quarantine: empty")


def status() -> None:
    """What arrived, what is ready, what is held back, for all tenants."""
    url = prepared().warehouse_url
    show_totals(url)
    show_custodians(url)
    show_quality(url)


def accounts(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 1000,
) -> None:
    """Accounts with their latest published value and return."""
    if tenant is not None:
        require_tenant(Environment(), tenant)
    show_accounts(prepared().warehouse_url, tenant, limit)


def quarantine() -> None:
    """Rows and files that are held back, by reason."""
    show_quality(prepared().warehouse_url)
