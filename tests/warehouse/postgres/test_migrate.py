"""Migrations: the migrated database is what the contracts say, and only a known schema is touched."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import dataframely as dy
import pytest
from sqlalchemy.dialects import postgresql

from contracts.registry import TABLES
from contracts.render.sqlalchemy_table import sqlalchemy_table, warehouse_columns, warehouse_key
from contracts.table import Table
from tests.warehouse.postgres.test_load import rows_of
from warehouse.postgres.errors import SchemaTooNewError
from warehouse.postgres.migrate import current_revision, head_revision, migrate
from warehouse.postgres.sessions import connect

IN_WAREHOUSE = [table for table in TABLES.values() if table.warehouse is not None]
DIALECT = postgresql.dialect()

SEED_TABLES = {
    "tenants", "users", "clients", "households", "household_members", "accounts", "portfolios", "portfolio_accounts",
    "securities", "alternative_investments", "capital_calls", "model_portfolios", "account_model_assignments",
    "fee_schedules", "invoices", "audit_log",
}  # fmt: skip
"""The reference schema without positions, transactions, market_prices and portfolio_valuations: contract tables."""

PG_NAMES = {"TIMESTAMP WITH TIME ZONE": "timestamp with time zone", "VARCHAR": "character varying"}


@pytest.mark.parametrize("table", IN_WAREHOUSE, ids=lambda t: t.full_name)
def test_a_migrated_table_is_what_its_contract_says(shared_url: str, table: Table) -> None:
    stored = rows_of(
        shared_url,
        "SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull, col_description(attrelid, attnum) "
        "FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum",
        [table.full_name],
    )
    expected = [
        (column.name, pg_type(column.type.compile(DIALECT)), column.nullable, column.comment)
        for column in sqlalchemy_table(table).columns
    ]
    assert stored == expected, "write a migration: docs/decisions/0003-reference-schema.md"


@pytest.mark.parametrize("table", IN_WAREHOUSE, ids=lambda t: t.full_name)
def test_keys_and_vocabularies_are_the_contracts(shared_url: str, table: Table) -> None:
    constraints = rows_of(
        shared_url,
        "SELECT contype::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = %s::regclass AND contype IN ('p', 'c')",
        [table.full_name],
    )
    keys = [str(text) for kind, text in constraints if kind == "p"]
    assert keys == [f"PRIMARY KEY ({', '.join(warehouse_key(table))})"]
    checks = {
        re.findall(r"\w+", str(text))[1]: re.findall(r"'([^']*)'", str(text))
        for kind, text in constraints
        if kind == "c"
    }
    columns = warehouse_columns(table).items()
    assert checks == {name: list(column.categories) for name, column in columns if isinstance(column, dy.Enum)}


def test_no_contract_table_is_missing_and_none_is_extra(shared_url: str) -> None:
    stored = rows_of(
        shared_url,
        "SELECT relnamespace::regnamespace || '.' || relname FROM pg_class WHERE relkind IN ('r', 'p') "
        "AND relnamespace::regnamespace::text IN ('landing', 'canonical', 'quality', 'accounting')",
    )
    assert {name for (name,) in stored} == {table.full_name for table in IN_WAREHOUSE}


def test_the_reference_schema_is_there_whole(shared_url: str) -> None:
    stored = rows_of(
        shared_url, "SELECT relname FROM pg_class WHERE relnamespace = 'core'::regnamespace AND relkind = 'r'"
    )
    assert {name for (name,) in stored} == SEED_TABLES | {"security_identifiers", "api_key"}


def test_everything_belongs_to_the_loader(shared_url: str) -> None:
    owners = rows_of(
        shared_url,
        "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace::regnamespace::text IN "
        "('core', 'landing', 'canonical', 'quality', 'accounting', 'ops')",
    )
    assert owners == [("nexus_loader",)]


def test_migrating_again_and_at_the_same_time_is_harmless(empty_url: str) -> None:
    assert current_revision(empty_url) is None
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, [empty_url] * 3))
    migrate(empty_url)
    assert current_revision(empty_url) == head_revision()


def test_a_schema_of_a_newer_release_is_refused_untouched(url: str) -> None:
    with connect(url) as connection:
        connection.execute("UPDATE ops.alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNewError, match="9999"):
        migrate(url)
    assert current_revision(url) == "9999"


def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_url: str) -> None:
    with connect(empty_url, role=None) as connection:
        connection.execute("CREATE SCHEMA accounting")
    with pytest.raises(Exception, match="accounting"):
        migrate(empty_url)
    assert current_revision(empty_url) is None
    assert rows_of(empty_url, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('core', 'landing')") == [(0,)]


def test_a_changed_description_reaches_the_database_without_a_migration(url: str) -> None:
    with connect(url) as connection:
        connection.execute("COMMENT ON COLUMN accounting.position.quantity IS 'stale'")
    migrate(url)
    assert rows_of(
        url, "SELECT col_description('accounting.position'::regclass, attnum) FROM pg_attribute "
        "WHERE attrelid = 'accounting.position'::regclass AND attname = 'quantity'"
    ) == [("Signed quantity; positive adds to the holding. [units]",)]  # fmt: skip


def pg_type(compiled: str) -> str:
    name, bracket, rest = compiled.partition("(")
    return PG_NAMES.get(name, name.lower()) + (bracket + rest).replace(", ", ",")
