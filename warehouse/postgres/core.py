"""Keeping the reference schema's tenants, accounts and securities in step with what the custodians describe.

The canonical tables hold every description that ever came; ``core`` holds the one that counts: of the latest business
day, ties by arrival. Whatever people add there (client, metadata) is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
from psycopg import sql

from contracts.tables.canonical import ACCOUNT, SECURITY, SECURITY_IDENTIFIER
from warehouse.postgres.bulk import BulkSession, bulk_session, warehouse_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

_ORDER: Final = ("business_date", "known_at", "source_file_id", "source_line")

_ACCOUNT_COLUMNS: Final = (
    "tenant_key", "account_key", "account_id", "custodian", "account_number", "master_account_number", "account_name",
    "account_type", "tax_status", "account_status", "base_currency", "opened_date", "closed_date", "business_date",
    "known_at",
)  # fmt: skip
_SECURITY_COLUMNS: Final = (
    "security_key", "security_id", "security_name", "security_type", "asset_class", "currency", "price_factor",
    "multiplier", "business_date", "known_at",
)  # fmt: skip
_IDENTIFIER_COLUMNS: Final = ("scheme", "identifier", "security_key", "valid_from", "valid_to", "known_at")


@dataclass(frozen=True)
class TenantDescription:
    """A tenant as configured: slug in paths, name for people, currency of its totals (ISO 4217)."""

    slug: str
    name: str
    base_currency: str


def sync_core(
    url: str,
    tenant: TenantDescription,
    tenant_key: int,
    accounts: pl.DataFrame,
    securities: pl.DataFrame,
    identifiers: pl.DataFrame,
) -> None:
    """Brings ``core`` up to what the canonical rows say, in one transaction; rows that agree are not touched.

    Args:
        url: connection string.
        tenant: its description.
        tenant_key: its key.
        accounts: rows of ``canonical.account`` of this tenant, any number of descriptions each.
        securities: rows of ``canonical.security``, of the tenant and shared.
        identifiers: rows of ``canonical.security_identifier``; for each identifier that occurs, all of them. Where two
            securities had the same identifier one after the other, the first ends the day before the second begins.
            A currency needs no description; any other security without one waits until it is described.
    """
    described = _last(warehouse_frame(SECURITY, securities), ("security_key",)).select(_SECURITY_COLUMNS)
    history = warehouse_frame(SECURITY_IDENTIFIER, identifiers)
    with bulk_session(url) as session:
        session.execute("SELECT pg_advisory_xact_lock(hashtextextended('wealthnexus core', 0))")
        _sync_tenant(session, tenant, tenant_key)
        rows = _last(warehouse_frame(ACCOUNT, accounts), ("tenant_key", "account_key")).select(_ACCOUNT_COLUMNS)
        _upsert(session, "accounts", rows, ("tenant_key", "account_key"))
        _upsert(session, "securities", _with_currencies(described, history), ("security_key",))
        _sync_identifiers(session, history)


def _last(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    return frame.sort(_ORDER).unique(key, keep="last", maintain_order=True).sort(key)


def _sync_tenant(session: BulkSession, tenant: TenantDescription, tenant_key: int) -> None:
    session.execute(
        """
        INSERT INTO core.tenants AS t (tenant_key, slug, name, base_currency) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_key) DO UPDATE
        SET slug = excluded.slug, name = excluded.name, base_currency = excluded.base_currency
        WHERE (t.slug, t.name, t.base_currency) IS DISTINCT FROM (excluded.slug, excluded.name, excluded.base_currency)
        """,
        [tenant_key, tenant.slug, tenant.name, tenant.base_currency],
    )


def _upsert(session: BulkSession, name: str, frame: pl.DataFrame, key: Sequence[str]) -> None:
    """Inserts or updates by key; an older description never replaces a newer one."""
    if frame.is_empty():
        return
    values = [column for column in frame.columns if column not in key]
    statement = sql.SQL(
        """
        INSERT INTO {table} AS t ({columns}) SELECT {columns} FROM pg_temp.{staged}
        ON CONFLICT ({key}) DO UPDATE SET ({values}) = ROW({new})
        WHERE (excluded.business_date, excluded.known_at) >= (t.business_date, t.known_at)
          AND ({old}) IS DISTINCT FROM ({new})
        """
    ).format(
        table=sql.Identifier("core", name),
        staged=_stage(session, name, frame),
        columns=_list(frame.columns),
        key=_list(key),
        values=_list(values),
        old=_list(values, "t"),
        new=_list(values, "excluded"),
    )
    session.execute(statement)


def _stage(session: BulkSession, name: str, frame: pl.DataFrame) -> sql.Identifier:
    """A temporary table shaped like the target, so that texts become UUIDs on the way in."""
    staged = f"staged_{name}"
    session.stage(frame, f"raw_{name}")
    session.execute(
        sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            sql.Identifier(staged), _list(frame.columns), sql.Identifier("core", name)
        )
    )
    casts = [
        sql.SQL("CAST({} AS uuid)").format(sql.Identifier(c))
        if c in {"account_id", "security_id"}
        else sql.Identifier(c)
        for c in frame.columns
    ]
    session.execute(
        sql.SQL("INSERT INTO pg_temp.{} ({}) SELECT {} FROM pg_temp.{}").format(
            sql.Identifier(staged), _list(frame.columns), sql.SQL(", ").join(casts), sql.Identifier(f"raw_{name}")
        )
    )
    return sql.Identifier(staged)


def _with_currencies(described: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """The described securities, and each currency that has an identifier but no description."""
    currencies = (
        history.filter(pl.col("scheme") == "CURRENCY")
        .sort("valid_from", "known_at")
        .unique("security_key", keep="first", maintain_order=True)
        .join(described, on="security_key", how="anti")
        .select(
            "security_key",
            "security_id",
            pl.col("identifier").alias("security_name"),
            pl.lit("currency").alias("security_type"),
            pl.lit("cash").alias("asset_class"),
            pl.col("identifier").alias("currency"),
            pl.lit(1).cast(described.schema["price_factor"]).alias("price_factor"),
            pl.lit(1).cast(described.schema["multiplier"]).alias("multiplier"),
            pl.col("valid_from").alias("business_date"),
            "known_at",
        )
    )
    return pl.concat([described, currencies]).sort("security_key")


def _without_overlap(history: pl.DataFrame) -> pl.DataFrame:
    """Validities of one identifier follow each other: a later holder ends the earlier one's."""
    following = pl.col("valid_from").shift(-1).over("scheme", "identifier", order_by="valid_from")
    return (
        history.sort("known_at", "security_key")
        .unique(["scheme", "identifier", "valid_from"], keep="last", maintain_order=True)
        .with_columns(pl.min_horizontal("valid_to", following.dt.offset_by("-1d")).alias("valid_to"))
        .select(_IDENTIFIER_COLUMNS)
        .sort("scheme", "identifier", "valid_from")
    )


def _sync_identifiers(session: BulkSession, history: pl.DataFrame) -> None:
    if history.is_empty():
        return
    session.stage(_without_overlap(history), "raw_identifiers")
    session.execute(
        "CREATE TEMP TABLE staged_identifiers ON COMMIT DROP AS "
        "SELECT r.* FROM pg_temp.raw_identifiers r JOIN core.securities USING (security_key)"
    )
    session.execute(
        """
        DELETE FROM core.security_identifiers t
        USING (SELECT DISTINCT scheme, identifier FROM pg_temp.staged_identifiers) s
        WHERE t.scheme = s.scheme AND t.identifier = s.identifier
          AND NOT EXISTS (SELECT FROM pg_temp.staged_identifiers n
                          WHERE n.scheme = t.scheme AND n.identifier = t.identifier
                            AND n.security_key = t.security_key AND n.valid_from = t.valid_from)
        """
    )
    session.execute(
        """
        INSERT INTO core.security_identifiers AS t (scheme, identifier, security_key, valid_from, valid_to, known_at)
        SELECT scheme, identifier, security_key, valid_from, valid_to, known_at FROM pg_temp.staged_identifiers
        ON CONFLICT (scheme, identifier, security_key, valid_from) DO UPDATE
        SET valid_to = excluded.valid_to, known_at = excluded.known_at
        WHERE (t.valid_to, t.known_at) IS DISTINCT FROM (excluded.valid_to, excluded.known_at)
        """
    )


def _list(names: Sequence[str], alias: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names)
