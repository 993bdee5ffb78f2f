"""``nexus status``, ``accounts``, ``quarantine``: what is published, held and held back."""

from __future__ import annotations

from typing import Annotated, Any

import psycopg
import typer
from psycopg.rows import tuple_row

from pipelines.cli.console import console, percent, show
from pipelines.installation import prepared

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
_TOTALS = """
    SELECT t.tenant_slug, s.base_currency, max(s.as_of_date), count(*), sum(s.total_value_base),
           count(*) FILTER (WHERE s.readiness = 'complete'), count(*) FILTER (WHERE s.total_value_base IS NULL)
    FROM marts.account_summary s JOIN marts.dim_tenant t USING (tenant_key)
    GROUP BY t.tenant_slug, s.base_currency ORDER BY t.tenant_slug, s.base_currency
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
    """Rows of a query as the owner of the installation."""
    with psycopg.connect(url, row_factory=tuple_row) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def show_accounts(url: str, tenant: str | None, limit: int) -> None:
    """The accounts table, largest first."""
    found = rows(url, _ACCOUNTS, {"tenant": tenant, "limit": limit})
    show(
        f"Accounts ({len(found)} largest per tenant order)" if len(found) == limit else "Accounts",
        ("tenant", "custodian", "account", "ccy", "as of", "market value", "return", "readiness"),
        [(*r[:6], percent(r[6]), r[7]) for r in found],
        numeric=("market value", "return"),
    )


def show_totals(url: str) -> None:
    """Totals per tenant and currency."""
    show(
        "Published",
        ("tenant", "ccy", "as of", "accounts", "market value", "complete", "not valued"),
        rows(url, _TOTALS),
        numeric=("accounts", "market value", "complete", "not valued"),
    )


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
    show_quality(url)


def accounts(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 1000,
) -> None:
    """Accounts with their latest published value and return."""
    show_accounts(prepared().warehouse_url, tenant, limit)


def quarantine() -> None:
    """Rows and files that are held back, by reason."""
    show_quality(prepared().warehouse_url)
