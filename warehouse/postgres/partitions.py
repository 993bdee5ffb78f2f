"""Partitions of the bulk-loaded tables: one level by tenant, below it one leaf per load.

Names in schema ``partitions``: ``<schema>_<table>_t<tenant>`` and ``<schema>_<table>_t<tenant>_l<load>``. A leaf is
made and filled while it is detached, so readers never see half of it, and is attached under a lock that does not stop
them. Its CHECK constraints say what the attach would otherwise have to find out by reading it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from psycopg import sql

from contracts.registry import TABLES
from contracts.render.sqlalchemy_table import warehouse_key

if TYPE_CHECKING:
    from contracts.table import Table
    from warehouse.postgres.bulk import BulkSession
    from warehouse.postgres.sessions import Connection

SCHEMA: Final = "partitions"

LOADED_TABLES: Final = tuple(table for table in TABLES.values() if table.warehouse == "loaded")
"""The tables that every load carries, in the order in which data flows."""

_LEAF: Final = re.compile(r"^(?P<parent>.+_t\d+)_l(?P<load_key>\d+)$")


def tenant_lock(tenant_key: int) -> sql.Composed:
    """Statement that holds the tenant's warehouse lock to the end of the transaction: one loader or publisher each."""
    return sql.SQL("SELECT pg_advisory_xact_lock(hashtextextended({}, 0))").format(f"wealthnexus tenant {tenant_key}")


def tenant_partition(table: Table, tenant_key: int) -> str:
    """Name of the tenant's partition of a table."""
    return f"{table.layer}_{table.name}_t{tenant_key}"


def leaf(table: Table, tenant_key: int, load_key: int) -> str:
    """Name of the partition that one load fills."""
    return f"{tenant_partition(table, tenant_key)}_l{load_key}"


def create_leaf(session: BulkSession, table: Table, tenant_key: int, load_key: int) -> str:
    """Creates the empty leaf of a load, detached and without indexes; ``load_key`` has a default. Returns its name."""
    name = leaf(table, tenant_key, load_key)
    session.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING CONSTRAINTS)").format(_in_partitions(name), _parent(table))
    )
    session.execute(
        sql.SQL("ALTER TABLE {} ALTER COLUMN load_key SET DEFAULT {}").format(_in_partitions(name), load_key)
    )
    return name


def attach_leaf(session: BulkSession, table: Table, tenant_key: int, load_key: int, span: tuple[date, date]) -> None:
    """Indexes the filled leaf, states what is in it, and attaches it below the tenant's partition."""
    name = leaf(table, tenant_key, load_key)
    key = sql.SQL(", ").join(map(sql.Identifier, warehouse_key(table)))
    date_column = sql.Identifier(table.date_column or "")
    first, last = span
    session.execute(
        sql.SQL(
            "ALTER TABLE {leaf} ALTER COLUMN load_key DROP DEFAULT, ADD PRIMARY KEY ({key}), "
            "ADD CONSTRAINT of_load CHECK (tenant_key = {tenant} AND load_key = {load}), "
            "ADD CONSTRAINT of_dates CHECK ({date} >= {first} AND {date} <= {last})"
        ).format(
            leaf=_in_partitions(name),
            key=key,
            tenant=tenant_key,
            load=load_key,
            date=date_column,
            first=first.isoformat(),
            last=last.isoformat(),
        )
    )
    if first != last:
        # rows are laid down by date, so block ranges find a day at almost no cost
        session.execute(
            sql.SQL("CREATE INDEX ON {} USING brin ({}) WITH (pages_per_range = 32)").format(
                _in_partitions(name), date_column
            )
        )
    session.execute(sql.SQL("ANALYZE {}").format(_in_partitions(name)))
    ensure_tenant_partition(session, table, tenant_key)
    session.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(
            _in_partitions(tenant_partition(table, tenant_key)), _in_partitions(name), load_key
        )
    )


def ensure_tenant_partition(session: BulkSession, table: Table, tenant_key: int) -> None:
    """Creates the tenant's partition when there is none. The tenant's lock must be held."""
    name = tenant_partition(table, tenant_key)
    found = session.rows("SELECT 1 FROM pg_class WHERE oid = to_regclass($1)", [f"{SCHEMA}.{name}"])
    if found:
        return
    # ATTACH lets readers of the parent go on; CREATE TABLE ... PARTITION OF would not.
    session.execute(
        sql.SQL(
            "CREATE TABLE {} (LIKE {} INCLUDING CONSTRAINTS INCLUDING INDEXES) PARTITION BY LIST (load_key)"
        ).format(_in_partitions(name), _parent(table))
    )
    session.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(
            _parent(table), _in_partitions(name), tenant_key
        )
    )


def orphans(connection: Connection, tenant_key: int) -> list[str]:
    """Leaves of a tenant that hang on no table: left by a crash between a detach and a drop."""
    rows = connection.execute(
        """
        SELECT r.relname FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
        WHERE n.nspname = %s AND r.relkind = 'r' AND NOT r.relispartition AND r.relname ~ %s ORDER BY r.relname
        """,
        [SCHEMA, f"_t{tenant_key}_l[0-9]+$"],
    ).fetchall()
    return [name for (name,) in rows]


def drop_orphans(connection: Connection, tenant_key: int) -> int:
    """Drops them, in the transaction of ``connection``, which must hold the tenant's lock; returns how many."""
    names = orphans(connection, tenant_key)
    for name in names:
        connection.execute(sql.SQL("DROP TABLE {}").format(_in_partitions(name)))
    return len(names)


def detach_leaf(connection: Connection, name: str) -> None:
    """Takes a leaf off its parent without stopping readers; finishes a detach that a crash cut short.

    Needs an autocommit connection: PostgreSQL does it in two transactions.
    """
    matched = _LEAF.match(name)
    if matched is None:
        raise ValueError(f"{name!r} is not the name of a leaf")
    pending = connection.execute(
        "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass(%s)", [f"{SCHEMA}.{name}"]
    ).fetchone()
    if pending is None:
        return
    connection.execute(
        sql.SQL("ALTER TABLE {} DETACH PARTITION {} {}").format(
            _in_partitions(matched["parent"]),
            _in_partitions(name),
            sql.SQL("FINALIZE" if pending[0] else "CONCURRENTLY"),
        )
    )


def _parent(table: Table) -> sql.Identifier:
    return sql.Identifier(table.layer, table.name)


def _in_partitions(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)
