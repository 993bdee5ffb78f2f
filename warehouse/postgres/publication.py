"""The act of publishing: a load becomes what readers see, day by day, by one row; and what it replaced goes away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psycopg
from psycopg import sql

from contracts.vocabularies import METHODOLOGY_VERSION
from warehouse.postgres.partitions import LOADED_TABLES, SCHEMA, detach_leaf, leaf, tenant_lock
from warehouse.postgres.sessions import Connection, connect

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

DETACH_TIMEOUT: Final = "30s"
"""How long a detach waits for readers who began before it; then the load is left for the next time."""


def publish(
    url: str,
    tenant_key: int,
    dates: Collection[date],
    known_at: datetime,
    code_version: str,
    *,
    load_keys: Collection[int] | None = None,
) -> int:
    """Makes the newest load of each day the visible one, all days at once.

    A day whose newest load is published already gets no row, so publishing twice changes nothing. A day that was never
    loaded has nothing to publish. A day whose newest load is none of ``load_keys`` is left as it is: tests that began
    before the load came have seen it in part or not at all, and what they saw is not the newest any more.

    Args:
        url: connection string.
        tenant_key: the tenant.
        dates: the days.
        known_at: the knowledge that the figures are based on [UTC instant].
        code_version: release or commit of the code that computed them.
        load_keys: the loads that may be published; None for all.

    Returns:
        Number of publications written.
    """
    tested = None if load_keys is None else sorted(set(load_keys))
    with connect(url) as connection:
        connection.execute(tenant_lock(tenant_key))
        written = connection.execute(
            """
            INSERT INTO ops.publication
              (tenant_key, as_of_date, load_key, known_at, code_version, methodology_version)
            SELECT tenant_key, as_of_date, load_key, %s, %s, %s
            FROM ops.unpublished_load
            WHERE tenant_key = %s AND as_of_date = ANY(%s) AND (%s::bigint[] IS NULL OR load_key = ANY(%s))
            ORDER BY as_of_date
            """,
            [known_at, code_version, METHODOLOGY_VERSION, tenant_key, sorted(set(dates)), tested, tested],
        )
        return written.rowcount


def unpublished(url: str) -> list[tuple[int, date, int]]:
    """(tenant_key, as_of_date, load_key) of every day whose newest load is not the published one, in order."""
    with connect(url) as connection:
        rows = connection.execute(
            "SELECT tenant_key, as_of_date, load_key FROM ops.unpublished_load ORDER BY tenant_key, as_of_date"
        ).fetchall()
    return [(tenant, day, load) for tenant, day, load in rows]


def drop_superseded(url: str) -> int:
    """Drops the partitions of every load that no reader can come to see again; returns the number of loads.

    Such a load is not the current publication of any day, and each of its days has a newer load. Readers are not
    stopped; a load that a long reader still holds is left for the next time.
    """
    with connect(url, autocommit=True) as connection:
        loads = connection.execute(
            """
            SELECT l.tenant_key, l.load_key FROM ops.load l
            WHERE l.dropped_at IS NULL
              AND NOT EXISTS (SELECT FROM ops.current_publication p
                              WHERE p.tenant_key = l.tenant_key AND p.load_key = l.load_key)
              AND NOT EXISTS (SELECT FROM ops.last_load d
                              WHERE d.tenant_key = l.tenant_key AND d.load_key = l.load_key)
            ORDER BY l.load_key
            """
        ).fetchall()
        connection.execute(sql.SQL("SET lock_timeout = {}").format(DETACH_TIMEOUT))
        return sum(_drop_load(connection, tenant_key, load_key) for tenant_key, load_key in loads)


def _drop_load(connection: Connection, tenant_key: int, load_key: int) -> bool:
    try:
        for table in LOADED_TABLES:
            name = leaf(table, tenant_key, load_key)
            detach_leaf(connection, name)
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(SCHEMA, name)))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.UndefinedTable):
        return False  # a reader holds it, or the tenant's next load swept it between the two statements
    done = connection.execute(
        "UPDATE ops.load SET dropped_at = now() WHERE load_key = %s AND dropped_at IS NULL", [load_key]
    )
    return done.rowcount == 1
