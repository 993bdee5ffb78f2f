"""The reference schema: kept in step with the canonical rows, and strict about what may stand in it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest

from contracts.tables.canonical import ACCOUNT, SECURITY, SECURITY_IDENTIFIER
from tests.warehouse.postgres.rows import KNOWN, MONDAY, TUESDAY, filled
from tests.warehouse.postgres.test_load import rows_of
from warehouse.postgres.core import TenantDescription, sync_core
from warehouse.postgres.sessions import connect

ALDER = TenantDescription("alder", "Alder Partners", "USD")


def account(
    day: date = MONDAY, *, tenant: int = 1, key: int = 1, number: str = "12345678", **more: object
) -> dict[str, object]:
    return {
        "tenant_key": tenant, "account_key": key, "source_file_id": 1, "custodian": "schwab", "account_number": number,
        "account_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{tenant}/{key}")), "account_name": "Smith",
        "tax_status": "taxable", "account_status": "open", "base_currency": "USD", "business_date": day,
        "known_at": KNOWN, "source_line": 1, **more,
    }  # fmt: skip


def security(day: date = MONDAY, *, key: int = 7, **more: object) -> dict[str, object]:
    return {
        "tenant_key": 0, "security_key": key, "source_file_id": 1, "source_line": 1, "security_name": "Acme",
        "security_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"s{key}")), "security_type": "equity",
        "asset_class": "equity", "currency": "USD", "price_factor": Decimal(1), "multiplier": Decimal(1),
        "adapter": "schwab", "business_date": day, "known_at": KNOWN, **more,
    }  # fmt: skip


def identifier(
    value: str, key: int = 7, start: date = MONDAY, scheme: str = "TICKER", **more: object
) -> dict[str, object]:
    return {
        "scheme": scheme, "identifier": value, "security_key": key, "valid_from": start, "known_at": KNOWN,
        "security_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"s{key}")), "source_file_id": 1, "source_line": 1, **more,
    }  # fmt: skip


def sync(
    url: str,
    tenant: TenantDescription,
    tenant_key: int,
    accounts: list[dict[str, object]],
    securities: list[dict[str, object]] | None = None,
    identifiers: list[dict[str, object]] | None = None,
) -> None:
    sync_core(
        url, tenant, tenant_key,
        filled(ACCOUNT, accounts), filled(SECURITY, securities or []), filled(SECURITY_IDENTIFIER, identifiers or []),
    )  # fmt: skip


def test_the_latest_description_counts_whatever_the_order_of_arrival(url: str) -> None:
    sync(url, ALDER, 1, [account(TUESDAY, account_name="New"), account(MONDAY)])
    sync(url, ALDER, 1, [account(MONDAY - timedelta(days=3), account_name="Old")], [security(TUESDAY)])
    sync(url, ALDER, 1, [], [security(MONDAY, security_name="Old"), security(TUESDAY, security_name="Acme")])
    assert rows_of(url, "SELECT account_name FROM core.accounts") == [("New",)]
    assert rows_of(url, "SELECT security_name FROM core.securities") == [("Acme",)]


def test_what_agrees_is_not_touched_and_what_changes_says_when(url: str) -> None:
    given = ([account()], [security()], [identifier("ACME")])
    sync(url, ALDER, 1, *given)
    touched = "SELECT xmin::text, updated_at FROM core.{} "
    tables = ("tenants", "accounts", "securities", "security_identifiers")
    before = {name: rows_of(url, touched.format(name)) for name in tables}
    sync(url, ALDER, 1, *given)
    assert {name: rows_of(url, touched.format(name)) for name in tables} == before
    sync(url, ALDER, 1, [account(account_status="closed")])
    assert rows_of(url, "SELECT account_status, updated_at > created_at FROM core.accounts") == [("closed", True)]


def test_what_people_added_to_an_account_stays(url: str) -> None:
    sync(url, ALDER, 1, [account()])
    with connect(url) as connection:
        connection.execute("INSERT INTO core.clients (tenant_key, client_type, name) VALUES (1, 'individual', 'Smith')")
        connection.execute("UPDATE core.accounts SET client_id = (SELECT client_id FROM core.clients)")
    sync(url, ALDER, 1, [account(TUESDAY, account_name="Smith & Smith")])
    assert rows_of(url, "SELECT account_name, client_id IS NOT NULL FROM core.accounts") == [("Smith & Smith", True)]


def test_two_tenants_may_hold_the_same_account_number(url: str) -> None:
    sync(url, ALDER, 1, [account()])
    sync(url, TenantDescription("birch", "Birch", "EUR"), 2, [account(tenant=2)])
    assert rows_of(url, "SELECT tenant_key, account_number FROM core.accounts ORDER BY 1") == [
        (1, "12345678"),
        (2, "12345678"),
    ]


def test_a_ticker_that_changes_hands_has_one_holder_at_a_time(url: str) -> None:
    later = MONDAY + timedelta(days=100)
    both = [security(key=7), security(key=8)]
    sync(url, ALDER, 1, [], both, [identifier("ACME")])
    sync(url, ALDER, 1, [], both, [identifier("ACME", 8, later), identifier("ACME")])
    held = rows_of(url, "SELECT security_key, valid_from, valid_to FROM core.security_identifiers ORDER BY 2")
    assert held == [(7, MONDAY, later - timedelta(days=1)), (8, later, None)]


def test_a_currency_is_a_security_without_any_description(url: str) -> None:
    sync(url, ALDER, 1, [], [], [identifier("USD", 3, scheme="CURRENCY"), identifier("UNDESCRIBED", 9)])
    assert rows_of(url, "SELECT security_key, security_type, currency FROM core.securities") == [(3, "currency", "USD")]
    assert rows_of(url, "SELECT identifier FROM core.security_identifiers") == [("USD",)]


HOUSEHOLD = "INSERT INTO core.households (tenant_key, household_id, name) VALUES ({t}, '{h}', 'Smiths')"
CLIENT = "INSERT INTO core.clients (tenant_key, client_id, client_type, name) VALUES ({t}, '{c}', 'individual', 'S')"
MEMBER = (
    "INSERT INTO core.household_members (tenant_key, household_id, client_id, valid_from, valid_to, ownership_weight) "
    "VALUES (1, '{h}', '{c}', '{start}', {end}, {weight})"
)
FOREIGN_CONTACT = "UPDATE core.households SET primary_contact_id = '{c}', tenant_key = 2 WHERE household_id = '{h}'"
H, C = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.fixture(scope="module")
def members(module_url: str) -> str:
    url = module_url
    sync(url, ALDER, 1, [])
    sync(url, TenantDescription("birch", "Birch", "USD"), 2, [])
    with connect(url) as connection:
        connection.execute(HOUSEHOLD.format(t=1, h=H))
        connection.execute(CLIENT.format(t=1, c=C))
        connection.execute(MEMBER.format(h=H, c=C, start="2022-01-01", end="'2022-06-30'", weight="0.5"))
    return url


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (MEMBER.format(h=H, c=C, start="2022-06-30", end="NULL", weight=1), psycopg.errors.ExclusionViolation),
        (MEMBER.format(h=H, c=C, start="2023-01-01", end="'2022-12-31'", weight=1), psycopg.errors.CheckViolation),
        (MEMBER.format(h=H, c=C, start="2023-01-01", end="NULL", weight="1.1"), psycopg.errors.CheckViolation),
        (
            FOREIGN_CONTACT.format(h=H, c=C),
            psycopg.errors.ForeignKeyViolation,
        ),
        (CLIENT.format(t=1, c=uuid.UUID(int=9)).replace("individual", "robot"), psycopg.errors.CheckViolation),
    ],
    ids=["overlap", "backwards", "more than all", "another tenant's client", "unknown word"],
)
def test_the_schema_refuses_what_cannot_be(members: str, statement: str, error: type[Exception]) -> None:
    with pytest.raises(error), connect(members) as connection:
        connection.execute(statement)


def test_a_membership_may_begin_the_day_after_another_ended(members: str) -> None:
    with connect(members) as connection:
        connection.execute(MEMBER.format(h=H, c=C, start="2022-07-01", end="NULL", weight=1))
        connection.rollback()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE core.audit_log SET action = 'x'", "DELETE FROM core.audit_log", "TRUNCATE core.audit_log"],
)
def test_the_audit_trail_only_grows(members: str, statement: str) -> None:
    with connect(members) as connection:
        connection.execute("INSERT INTO core.audit_log (tenant_key, action, entity_type) VALUES (1, 'login', 'user')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), connect(members) as connection:
        connection.execute(statement)
