"""What the API's login can and cannot do, tried as an attacker who holds its credentials."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from psycopg import sql

from contracts.tables.canonical import PRICE
from contracts.tables.quality import REJECT
from tests.warehouse.postgres.rows import KNOWN, MONDAY, filled, frames, position
from tests.warehouse.postgres.test_append import price
from tests.warehouse.postgres.test_core import ALDER, account, sync
from tests.warehouse.postgres.test_load import rows_of
from warehouse.postgres.api_keys import UnknownTenantError, api_key_digest, issue_api_key, revoke_api_key
from warehouse.postgres.core import TenantDescription
from warehouse.postgres.load import append_files, load_dates
from warehouse.postgres.publication import publish
from warehouse.postgres.sessions import SET_TENANT_PSYCOPG, api_url, connect

HELD_BY_NOBODY = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)


@pytest.fixture(scope="module")
def firm(module_url: str) -> str:
    """Two tenants whose accounts bear the same key and number, published; market data beside them."""
    url = module_url
    for tenant, description in ((1, ALDER), (2, TenantDescription("birch", "Birch", "USD"))):
        sync(url, description, tenant, [account(tenant=tenant)])
        load_dates(url, tenant, frames(position=[position(MONDAY, str(tenant), tenant=tenant)]))
        publish(url, tenant, [MONDAY], KNOWN, "test")
        append_files(url, PRICE, filled(PRICE, [price("5", tenant=tenant, file=tenant)]), [tenant])
    append_files(url, PRICE, filled(PRICE, [price("9")]), [100])
    return url


@pytest.fixture
def api(firm: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with psycopg.connect(api_url(firm)) as connection:
        yield connection


def seen_by(url: str, tenant: object, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(api_url(url)) as connection:
        connection.execute(SET_TENANT_PSYCOPG, [str(tenant)])
        return connection.execute(query).fetchall()


def test_each_tenant_sees_its_own_rows_and_the_shared_ones(firm: str) -> None:
    for tenant in (1, 2):
        assert seen_by(firm, tenant, "SELECT quantity FROM accounting.position_published") == [(Decimal(tenant),)]
        assert seen_by(firm, tenant, "SELECT tenant_key FROM core.accounts") == [(tenant,)]
        assert seen_by(firm, tenant, "SELECT tenant_key FROM core.tenants") == [(tenant,)]
        assert seen_by(firm, tenant, "SELECT tenant_key FROM ops.current_publication") == [(tenant,)]
        prices = seen_by(firm, tenant, "SELECT tenant_key FROM canonical.price ORDER BY 1")
        assert prices == [(0,), (tenant,)]


def test_without_a_tenant_no_table_with_tenants_shows_a_row(
    firm: str, api: psycopg.Connection[tuple[object, ...]]
) -> None:
    readable = rows_of(
        firm,
        # Materialised, for asking the privilege of a table without the column is an error.
        "WITH named AS MATERIALIZED (SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE a.attname = 'tenant_key' AND c.relkind IN ('r', 'p', 'v') "
        "AND c.relnamespace NOT IN ('partitions'::regnamespace, 'pg_catalog'::regnamespace)) "
        "SELECT oid::regclass::text FROM named WHERE has_column_privilege('nexus_api', oid, 'tenant_key', 'SELECT')",
    )
    assert len(readable) > 30
    for (name,) in readable:
        counted = api.execute(sql.SQL("SELECT count(tenant_key) FROM {}").format(sql.SQL(str(name))))
        assert counted.fetchone() == (0,), name


def test_the_setting_ends_with_its_transaction(api: psycopg.Connection[tuple[object, ...]]) -> None:
    api.execute(SET_TENANT_PSYCOPG, ["1"])
    assert api.execute("SELECT count(*) FROM accounting.position").fetchone() == (1,)
    api.commit()
    assert api.execute("SELECT count(*) FROM accounting.position").fetchone() == (0,)


@pytest.mark.parametrize("setting", ["3", "-1", "0"])
def test_a_tenant_that_does_not_exist_sees_no_tenants_row(firm: str, setting: str) -> None:
    assert seen_by(firm, setting, "SELECT quantity FROM accounting.position") == []
    assert seen_by(firm, setting, "SELECT tenant_key FROM canonical.price") == [(0,)]


def test_a_setting_that_is_no_number_is_an_error_and_shows_nothing(firm: str) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        seen_by(firm, "1 OR true", "SELECT quantity FROM accounting.position")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM partitions.accounting_position_t2_l2",
        "SELECT * FROM partitions.accounting_position_t2",
        "SELECT * FROM core.api_key",
        "SELECT * FROM core.users",
        "SELECT * FROM core.audit_log",
        "SELECT tax_id_encrypted FROM core.clients",
        "SELECT raw_text FROM quality.reject",
        "SELECT * FROM quality.reject",
        "SELECT r FROM quality.reject r",
        "SELECT count(*) FROM quality.reject WHERE raw_text LIKE 'A%'",
        "SET ROLE nexus_loader",
        "SET SESSION AUTHORIZATION postgres",
        "INSERT INTO core.tenants (tenant_key, slug, name, base_currency) VALUES (9, 'x', 'x', 'USD')",
        "UPDATE core.accounts SET account_name = 'x'",
        "DELETE FROM ops.publication",
        "TRUNCATE accounting.position",
        "COPY core.accounts TO PROGRAM 'cat'",
        "CREATE TABLE public.x (a int)",
        "CREATE TABLE accounting.x (a int)",
        "CREATE TEMP TABLE x (a int)",
        "CREATE SCHEMA x",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE accounting.position DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_tenant ON accounting.position",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
@pytest.mark.parametrize("mode", ["READ ONLY", "READ WRITE"])
def test_the_api_reads_parents_and_nothing_else(
    api: psycopg.Connection[tuple[object, ...]], statement: str, mode: str
) -> None:
    api.execute(f"SET TRANSACTION {mode}")
    with pytest.raises(HELD_BY_NOBODY):
        api.execute(statement)


def test_the_api_reads_every_column_of_a_reject_but_the_line_itself(shared_url: str) -> None:
    readable = rows_of(
        shared_url,
        "SELECT attname FROM pg_attribute WHERE attrelid = 'quality.reject'::regclass AND attnum > 0 "
        "AND has_column_privilege('nexus_api', attrelid, attnum, 'SELECT')",
    )
    assert {name for (name,) in readable} == set(REJECT.polars_schema) - {"raw_text"}


def test_a_planted_condition_cannot_look_behind_the_policy(firm: str) -> None:
    leak = "SELECT quantity FROM accounting.position WHERE 1 / (tenant_key - 2) IS NOT NULL"
    assert seen_by(firm, 1, leak) == [(Decimal(1),)]  # evaluated on tenant 2's row it would divide by zero


def test_every_table_with_a_tenant_has_a_policy_and_every_view_runs_as_its_reader(shared_url: str) -> None:
    bare = rows_of(
        shared_url,
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE a.attname = 'tenant_key' AND c.relkind IN ('r', 'p') AND c.relnamespace <> 'partitions'::regnamespace "
        "AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))",
    )
    assert bare == []
    views = rows_of(
        shared_url,
        "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'v' AND relnamespace::regnamespace::text IN "
        "('core', 'landing', 'canonical', 'quality', 'accounting', 'ops') "
        "AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)",
    )
    assert views == []


def test_nobody_holds_a_grant_on_a_partition(firm: str) -> None:
    granted = rows_of(
        firm,
        "SELECT relname FROM pg_class WHERE relnamespace = 'partitions'::regnamespace AND relacl IS NOT NULL "
        "AND relacl::text !~ '^\\{nexus_loader=[a-zA-Z]+/nexus_loader\\}$'",
    )
    assert granted == []
    assert rows_of(firm, "SELECT has_schema_privilege('nexus_api', 'partitions', 'USAGE')") == [(False,)]


def test_a_key_opens_its_tenant_until_it_is_revoked_and_is_kept_as_a_digest(firm: str) -> None:
    key = issue_api_key(firm, 2, "reporting")
    opened = "SELECT core.tenant_of_api_key(%s)"
    with psycopg.connect(api_url(firm), autocommit=True) as api:
        assert api.execute(opened, [api_key_digest(key)]).fetchone() == (2,)
        assert api.execute(opened, [api_key_digest(key + "x")]).fetchone() == (None,)
        assert revoke_api_key(firm, key)
        assert not revoke_api_key(firm, key)
        assert api.execute(opened, [api_key_digest(key)]).fetchone() == (None,)
    with connect(firm) as loader:
        stored = loader.execute("SELECT row_to_json(k)::text FROM core.api_key k").fetchone()
    assert stored is not None
    assert key not in stored[0]


def test_a_key_for_a_tenant_that_is_not_there_is_refused(url: str) -> None:
    with pytest.raises(UnknownTenantError, match="77"):
        issue_api_key(url, 77, "x")


def test_two_keys_are_never_alike(firm: str) -> None:
    assert issue_api_key(firm, 1, "same") != issue_api_key(firm, 1, "same")
