"""Bulk transfer: frames into PostgreSQL by binary COPY through ADBC, on a connection that also runs plain statements.

One ``BulkSession`` is one transaction: statements and copies in it become visible together, or not at all.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
from psycopg import sql

from contracts.render.sqlalchemy_table import RATIO_PRECISION, RATIO_SCALE
from warehouse.postgres.errors import UnrepresentableValueError
from warehouse.postgres.sessions import LOADER_ROLE, connect

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.table import Table


class BulkSession:
    """A transaction of the loader over ADBC. Made by ``bulk_session``."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, statement: str | sql.Composable, parameters: Sequence[object] = ()) -> None:
        """Runs one statement; placeholders are ``$1``, ``$2``, …"""
        self._cursor.execute(_text(statement), tuple(parameters) or None)

    def rows(self, statement: str | sql.Composable, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs one query and fetches its rows."""
        self._cursor.execute(_text(statement), tuple(parameters) or None)
        return list(self._cursor.fetchall())

    def copy(self, frame: pl.DataFrame, schema: str, table: str) -> int:
        """Appends the frame's rows to a table by COPY, column by name; the others take their default."""
        if frame.is_empty():
            return 0
        return int(self._cursor.adbc_ingest(table, frame.to_arrow(), mode="append", db_schema_name=schema))

    def stage(self, frame: pl.DataFrame, name: str) -> None:
        """Creates the temporary table ``pg_temp.name`` with the frame's rows; it goes with the connection."""
        self._cursor.adbc_ingest(name, frame.to_arrow(), mode="create", temporary=True)


@contextmanager
def bulk_session(url: str) -> Iterator[BulkSession]:
    """One transaction as the loader: committed at the end of the block, rolled back when it raises.

    Raises:
        WarehouseUnreachableError: no server answers.
    """
    with connect(url):
        pass  # says clearly, and without the password, when the server is not there
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(_text(sql.SQL("SET ROLE {}").format(sql.Identifier(LOADER_ROLE))))
        try:
            yield BulkSession(cursor)
        except BaseException:
            connection.rollback()
            raise
        connection.commit()


def warehouse_frame(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as the warehouse stores it: contract columns in order, codes as text, ratios as Decimal.

    A NUL character, which PostgreSQL's text cannot hold, becomes U+FFFD; rubbish in a quarantined line has them.

    Raises:
        UnrepresentableValueError: a ratio is not a finite number, or a column is missing or of a foreign type.
    """
    expressions = []
    for name, dtype in table.polars_schema.items():
        column = pl.col(name)
        if isinstance(dtype, pl.Enum):
            expressions.append(column.cast(pl.String))
        elif isinstance(dtype, pl.Float64):
            decimal = pl.Decimal(RATIO_PRECISION, RATIO_SCALE)
            expressions.append(column.round(RATIO_SCALE, mode="half_to_even").cast(decimal))
        elif isinstance(dtype, pl.String):
            expressions.append(column.cast(pl.String).str.replace_all("\0", "\ufffd", literal=True))
        else:
            expressions.append(column.cast(dtype))
    try:
        return frame.select(expressions)
    except (pl.exceptions.InvalidOperationError, pl.exceptions.ComputeError) as error:
        raise UnrepresentableValueError(f"{table.full_name}: {error}") from None
    except pl.exceptions.ColumnNotFoundError as error:
        raise UnrepresentableValueError(f"{table.full_name} lacks a column: {error}") from None


def _text(statement: str | sql.Composable) -> str:
    return statement if isinstance(statement, str) else statement.as_string(None)
