"""The warehouse form of a table contract: a SQLAlchemy table with comments, lengths, keys and closed vocabularies.

Belongs here: how a contract's dtype is written in PostgreSQL. Does not belong here: partitions' leaves, policies and
grants (``warehouse``), or anything that needs a connection. Migrations are frozen text and never call this; a test
compares the migrated database with it.
"""

from __future__ import annotations

from typing import Any

import dataframely as dy
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable, SetColumnComment, SetTableComment

from contracts import columns as c
from contracts.table import Table

RATIO_PRECISION = 20
RATIO_SCALE = 8
"""Ratios are Decimal with 8 places in the warehouse (docs/methodology.md section 1). The precision leaves room for a
return on a residue of one cent, which exceeds 9 999 and must not stop a tenant's load."""

CLOCK_COLUMNS = ("known_from", "methodology_version")


class UnsupportedDtypeError(TypeError):
    """A contract uses a column type that has no agreed form in the warehouse."""


def column_comment(column: dy.Column) -> str:
    """The column's description, with its unit in brackets where it has one."""
    unit = (column.metadata or {}).get("unit")
    description = column.description or ""
    return f"{description} [{unit}]" if unit else description


def warehouse_columns(table: Table) -> dict[str, dy.Column]:
    """The contract's columns in order, followed by ``load_key`` for a bulk-loaded table."""
    columns = dict(table.columns.columns())
    if table.warehouse == "loaded":
        columns["load_key"] = c.load_key()
    return columns


def warehouse_key(table: Table) -> tuple[str, ...]:
    """The primary key in the warehouse.

    An appended table keeps the contract's key. A bulk-loaded one holds one version per load, so the clocks go and
    ``load_key`` comes; the entity and the date lead, since that is how readers look rows up, and the partition keys,
    which are constant within a leaf, stand last.
    """
    if table.warehouse != "loaded":
        return table.key
    grain = [name for name in table.key if name not in {*CLOCK_COLUMNS, "tenant_key"}]
    if table.date_column in grain:
        grain.remove(table.date_column)
        grain.insert(1, table.date_column)
    return (*grain, "tenant_key", "load_key")


def sqlalchemy_table(table: Table, metadata: sa.MetaData | None = None) -> sa.Table:
    """The contract as a SQLAlchemy table in the schema of its layer.

    Enumerations are text with a CHECK, so that a new code is a constraint to replace and never a type to migrate.
    Bulk-loaded tables are partitioned by tenant; the lower level, by load, belongs to the loader.

    Raises:
        UnsupportedDtypeError: a column's type has no agreed form in the warehouse.
    """
    columns = warehouse_columns(table)
    checks = [
        sa.CheckConstraint(_membership(name, column), name=f"ck_{table.name}_{name}")
        for name, column in columns.items()
        if isinstance(column, dy.Enum)
    ]
    indexes = [sa.Index(f"ix_{table.name}_source_file_id", "source_file_id")] if table.warehouse == "appended" else []
    return sa.Table(
        table.name,
        metadata if metadata is not None else sa.MetaData(),
        *(
            sa.Column(name, _type(column), nullable=column.nullable, comment=column_comment(column))
            for name, column in columns.items()
        ),
        sa.PrimaryKeyConstraint(*warehouse_key(table), name=f"pk_{table.name}"),
        *checks,
        *indexes,
        schema=table.layer,
        comment=f"{(table.columns.__doc__ or '').strip()} Grain: {table.grain}.",
        postgresql_partition_by="LIST (tenant_key)" if table.warehouse == "loaded" else None,
    )


def create_statements(table: Table) -> list[str]:
    """The DDL of the table as text: for writing the next migration by hand, never for running it unseen."""
    rendered = sqlalchemy_table(table)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves the constructor untyped
    clauses: list[sa.schema.ExecutableDDLElement] = [
        CreateTable(rendered),
        *(sa.schema.CreateIndex(index) for index in rendered.indexes),
        SetTableComment(rendered),
        *(SetColumnComment(column) for column in rendered.columns),
    ]
    return [str(clause.compile(dialect=dialect)).strip() for clause in clauses]


def _membership(name: str, column: dy.Enum) -> str:
    values = ", ".join(f"'{value}'" for value in column.categories)
    return f"{name} IN ({values})"


def _type(column: dy.Column) -> sa.types.TypeEngine[Any]:
    match column:
        case dy.Int64():
            return sa.BigInteger()
        case dy.String():
            return sa.String(column.max_length)
        case dy.Enum():
            return sa.Text()
        case dy.Date():
            return sa.Date()
        case dy.Datetime():
            return sa.TIMESTAMP(timezone=column.time_zone is not None)
        case dy.Decimal():
            return sa.Numeric(column.precision, column.scale)
        case dy.Float64():
            return sa.Numeric(RATIO_PRECISION, RATIO_SCALE)
        case dy.Bool():
            return sa.Boolean()
        case _:
            raise UnsupportedDtypeError(f"no warehouse form for {type(column).__name__}")
