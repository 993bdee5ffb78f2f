"""Bringing a database to the schema of this release, by the migrations in ``warehouse/migrations``.

All of it is one transaction under a lock: two processes that start together migrate once, and a crash leaves the
database as it was. Comments on columns are not part of a migration: they follow the contracts each time.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg import sql

from contracts.registry import TABLES
from contracts.render.sqlalchemy_table import sqlalchemy_table
from warehouse.postgres.errors import SchemaTooNewError
from warehouse.postgres.roles import ensure_roles, prepare_database
from warehouse.postgres.sessions import LOADER_ROLE, Connection, connect, open_connection, place

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_SCHEMA: Final = "ops"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('wealthnexus migrate', 0))"


def migrate(url: str) -> None:
    """Creates or upgrades every object that Python owns; does nothing when the database is up to date.

    Raises:
        SchemaTooNewError: the database stands at a revision that this release does not know; nothing is changed.
        WarehouseUnreachableError: no server answers.
    """
    with _transaction(url) as (alembic_connection, _):
        _refuse_newer(alembic_connection, url)
    with connect(url, role=None, autocommit=True) as connection:
        ensure_roles(connection)
    with _transaction(url) as (alembic_connection, connection):
        connection.execute(_LOCK)
        _refuse_newer(alembic_connection, url)
        prepare_database(connection)
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(LOADER_ROLE)))
        config = _config()
        config.attributes["connection"] = alembic_connection
        command.upgrade(config, "head")
        refresh_comments(connection)


def current_revision(url: str) -> str | None:
    """The revision that the database stands at; None for one that was never migrated."""
    with _transaction(url) as (alembic_connection, _):
        return _revision(alembic_connection)


def head_revision() -> str:
    """The revision that this release migrates to."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the package holds no migrations")
    return head


def refresh_comments(connection: Connection) -> int:
    """Writes the contracts' descriptions onto tables and columns where they differ; returns how many."""
    rows = connection.execute(
        """
        SELECT n.nspname || '.' || r.relname, coalesce(a.attname, ''), d.description
        FROM pg_class r JOIN pg_namespace n ON n.oid = r.relnamespace
        JOIN pg_description d ON d.objoid = r.oid AND d.classoid = 'pg_class'::regclass
        LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.objsubid AND d.objsubid > 0
        WHERE n.nspname = ANY(%s)
        """,
        [sorted({table.layer for table in TABLES.values()})],
    ).fetchall()
    present = {(table, column): text for table, column, text in rows}
    changed = 0
    for table in TABLES.values():
        if table.warehouse is None:
            continue
        rendered = sqlalchemy_table(table)
        for column, text in [("", rendered.comment), *((c.name, c.comment) for c in rendered.columns)]:
            if text and present.get((table.full_name, column)) != text:
                connection.execute(_comment(table.layer, table.name, column, text))
                changed += 1
    return changed


def _comment(schema: str, table: str, column: str, text: str) -> sql.Composed:
    if column:
        return sql.SQL("COMMENT ON COLUMN {} IS {}").format(sql.Identifier(schema, table, column), sql.Literal(text))
    return sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(schema, table), sql.Literal(text))


def _refuse_newer(connection: sa.Connection, url: str) -> None:
    revision = _revision(connection)
    if revision is None:
        return
    try:
        ScriptDirectory.from_config(_config()).get_revision(revision)
    except CommandError:
        raise SchemaTooNewError(
            f"the database at {place(url)} stands at schema revision {revision!r}, which this release does not know "
            f"(its newest is {head_revision()!r}): use the release that migrated it, or a newer one"
        ) from None


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table_schema": VERSION_SCHEMA}).get_current_revision()


@contextmanager
def _transaction(url: str) -> Iterator[tuple[sa.Connection, Connection]]:
    """One transaction, seen both by Alembic and as a plain psycopg connection."""
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: open_connection(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        driver: Connection | None = connection.connection.driver_connection
        if driver is None:
            raise RuntimeError("the connection was closed while it was being opened")
        yield connection, driver


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "warehouse:migrations")
    config.set_main_option("path_separator", "os")
    return config
