"""How to open a connection: as the loader, who owns everything, or as the API, which sees one tenant.

A connection string is anything that libpq takes as a URI, such as ``postgresql://user@host/db`` or, for a Unix socket,
``postgresql://user@/db?host=/folder``. Nothing here is kept open or pooled; whoever opens a connection closes it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from warehouse.postgres.errors import WarehouseUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADER_ROLE: Final = "nexus_loader"
"""Owner of every table: loads, migrates, builds the marts. A group without login."""

API_ROLE: Final = "nexus_api"
"""The API's login: reads, one tenant at a time."""

SET_TENANT_SQL: Final = "SELECT set_config('app.tenant_key', $1, true)"
"""First statement of each of the API's transactions, in asyncpg's notation; the argument is ``str(tenant_key)``.

``true`` ties the setting to the transaction: a pooled connection cannot carry it to the next request.
"""

SET_TENANT_PSYCOPG: Final = "SELECT set_config('app.tenant_key', %s, true)"
"""The same in psycopg's notation."""

CONNECT_TIMEOUT_SECONDS: Final = 10

Connection = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def connect(url: str, *, role: str | None = LOADER_ROLE, autocommit: bool = False) -> Iterator[Connection]:
    """A psycopg connection that commits at the end of the block, rolls back on an error, and is closed after it.

    Args:
        url: connection string.
        role: role to take on, the loader by default; None keeps the login's own.
        autocommit: each statement is its own transaction.

    Raises:
        WarehouseUnreachableError: the server does not answer or refuses the login.
    """
    with open_connection(url, autocommit=autocommit) as connection:
        if role is not None:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            if not autocommit:
                connection.commit()
        yield connection


def open_connection(url: str, *, autocommit: bool = False) -> Connection:
    """A psycopg connection under the login's own role, which the caller closes. Prefer ``connect``.

    Raises:
        WarehouseUnreachableError: the server does not answer or refuses the login.
    """
    where = place(url)
    try:
        return psycopg.connect(url, autocommit=autocommit, connect_timeout=CONNECT_TIMEOUT_SECONDS)
    except psycopg.OperationalError as error:
        raise WarehouseUnreachableError(f"PostgreSQL cannot be reached at {where}: {error}") from None


def api_url(url: str, password: str | None = None) -> str:
    """The same server and database, as the API's login. The embedded server asks for no password."""
    parts = _parts(url)
    login = quote(API_ROLE, safe="") + (f":{quote(password, safe='')}" if password else "")
    parts.pop("user", None)
    parts.pop("password", None)
    return _uri(login, parts)


def with_database(url: str, name: str) -> str:
    """The same server and login, another database."""
    parts = _parts(url)
    password = parts.pop("password", None)
    login = quote(parts.pop("user", ""), safe="") + (f":{quote(password, safe='')}" if password else "")
    return _uri(login, {**parts, "dbname": name})


def place(url: str) -> str:
    """Host, port and database of a connection string, for messages; never the password."""
    parts = _parts(url)
    host = parts.get("host") or parts.get("hostaddr") or "the default socket"
    return f"{host} port {parts.get('port', '5432')} database {parts.get('dbname', '(default)')}"


def _parts(url: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        # libpq quotes the string, password and all, in its own message
        raise WarehouseUnreachableError("the connection string is not one that PostgreSQL understands") from None


def _uri(login: str, parts: dict[str, str]) -> str:
    rest = dict(parts)
    host, port, database = rest.pop("host", ""), rest.pop("port", ""), rest.pop("dbname", "")
    if host.startswith("/"):
        rest["host"] = host
        host = ""
        if port:
            rest["port"] = port
            port = ""
    address = f"[{host}]" if ":" in host else host
    address += f":{port}" if port else ""
    query = f"?{urlencode(rest, quote_via=quote, safe='/')}" if rest else ""
    return f"postgresql://{login}@{address}/{quote(database, safe='')}{query}"
