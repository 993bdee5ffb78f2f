"""Who may do what: the two roles of the cluster, and what the database grants before any table exists.

Roles belong to the cluster, not to one database, so they are made here and not in a migration; grants on tables are
in the migrations, beside the tables. A password for the API's login is set by whoever runs the server.
"""

from __future__ import annotations

from typing import Final

from psycopg import sql

from warehouse.postgres.sessions import API_ROLE, LOADER_ROLE, Connection

API_SETTINGS: Final = {
    "default_transaction_read_only": "on",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "jit": "off",
}
"""Defaults of the API's sessions; what it may see is decided by grants and policies, not by these."""


def ensure_roles(connection: Connection) -> None:
    """Creates the loader and the API's role when the cluster lacks them; the login becomes a member of the loader.

    Needs an autocommit connection of a superuser or of a login that may create roles. Safe beside another process
    that does the same for another database of the cluster.
    """
    _create_role(connection, LOADER_ROLE, "NOLOGIN")
    if _create_role(connection, API_ROLE, "LOGIN"):
        for name, value in API_SETTINGS.items():
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(
                    sql.Identifier(API_ROLE), sql.Identifier(name), sql.Literal(value)
                )
            )
    member = connection.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [LOADER_ROLE]).fetchone()
    if member is not None and not member[0]:
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(LOADER_ROLE)))


def prepare_database(connection: Connection) -> None:
    """Lets the loader make schemas, and nobody else anything: no temporary tables, nothing in ``public``."""
    name = connection.info.dbname
    database, loader, api = sql.Identifier(name), sql.Identifier(LOADER_ROLE), sql.Identifier(API_ROLE)
    for statement in (
        "GRANT CREATE, TEMPORARY, CONNECT ON DATABASE {database} TO {loader}",
        "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {api}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "CREATE SCHEMA IF NOT EXISTS ops AUTHORIZATION {loader}",
    ):
        connection.execute(sql.SQL(statement).format(database=database, loader=loader, api=api))


def _create_role(connection: Connection, role: str, login: str) -> bool:
    """True when the role was created now. Two databases may race for it: the loser finds it there."""
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is not None:
        return False
    statement = sql.SQL(
        "DO $$ BEGIN CREATE ROLE {role} {login}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    connection.execute(statement.format(role=sql.Identifier(role), login=sql.SQL(login)))
    return True
