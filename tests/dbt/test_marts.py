"""What the marts show: published rows of one's own tenant, whole, and with the meaning that their contracts promise."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.dbt.conftest import PROJECT, Project
from tests.dbt.firm import ALDER, BIRCH, KNOWN, MONDAY, TUESDAY, WEDNESDAY, load
from warehouse.postgres.publication import publish
from warehouse.postgres.sessions import connect

pytestmark = pytest.mark.xdist_group("dbt")

AsTenant = Callable[[int | None, str], list[tuple[object, ...]]]
VIEWS = """
SELECT n.nspname || '.' || c.relname, c.oid::bigint, c.reloptions
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND n.nspname IN ('staging', 'intermediate', 'marts')
ORDER BY 1
"""


def test_every_mart_holds_the_published_day_and_no_other(built: Project) -> None:
    assert built.rows("SELECT DISTINCT as_of_date FROM marts.fct_position_daily") == [(MONDAY,)]
    assert built.rows(
        "SELECT tenant_key, total_value_base, cash_value_base, linked_return, base_currency "
        "FROM marts.account_summary ORDER BY 1"
    ) == [
        (ALDER, Decimal("125.0000"), Decimal("25.0000"), Decimal("0.05000000"), "USD"),
        (BIRCH, Decimal("925.0000"), Decimal("25.0000"), Decimal("0.05000000"), "USD"),
    ]
    assert built.rows("SELECT count(*) FROM marts.fct_feed_readiness") == [(2,)]


def test_the_last_delivery_of_a_day_s_transactions_is_the_one_shown(built: Project) -> None:
    assert built.rows("SELECT natural_key, amount FROM marts.fct_transaction") == [("kept", Decimal("-101.0000"))]


def test_a_security_shows_its_identifiers_and_a_currency_is_a_security(built: Project) -> None:
    assert built.rows(
        "SELECT security_name, asset_class, cusip, isin, ticker, price_factor FROM marts.dim_security ORDER BY 1"
    ) == [
        ("Example Corp", "equity", "037833100", None, "EXM", Decimal(1)),
        ("USD", "cash", None, None, None, Decimal(1)),
    ]


def test_a_file_s_arrival_shows_how_reading_it_ended(built: Project) -> None:
    assert built.rows(
        "SELECT remote_path, parse_status, record_count FROM marts.fct_feed_arrival ORDER BY received_at"
    ) == [("in/101", "parsed", 2), ("in/102", "parsed", 1), ("in/103", "blocked", 0)]


def test_two_tenants_with_the_same_account_number_never_mix(built: Project, as_tenant: AsTenant) -> None:
    query = "SELECT tenant_key, account_number, total_value_base FROM marts.account_summary"
    assert as_tenant(ALDER, query) == [(ALDER, "12345678", Decimal("125.0000"))]
    assert as_tenant(BIRCH, query) == [(BIRCH, "12345678", Decimal("925.0000"))]


@pytest.mark.parametrize(
    "mart",
    [
        "dim_account", "dim_tenant", "fct_position_daily", "fct_account_valuation_daily", "account_summary",
        "fct_transaction", "fct_reject", "fct_position_break", "fct_feed_readiness", "fct_feed_arrival",
    ],
)  # fmt: skip
def test_without_a_tenant_the_api_sees_nothing(built: Project, as_tenant: AsTenant, mart: str) -> None:
    assert as_tenant(None, f"TABLE marts.{mart}") == []
    assert {tenant_key for tenant_key, *_ in as_tenant(ALDER, f"TABLE marts.{mart}")} <= {ALDER}


def test_the_line_as_received_is_in_no_view(built: Project) -> None:
    assert (
        built.rows(
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'raw_text' "
            "AND table_schema IN ('staging', 'intermediate', 'marts')"
        )
        == []
    )


def test_every_view_reads_with_the_rights_of_whoever_asks(built: Project) -> None:
    views = built.rows(VIEWS)
    assert len(views) > 25
    assert [name for name, _, options in views if "security_invoker=true" not in (options or [])] == []


def test_a_second_build_changes_nothing_and_never_takes_a_view_away(built: Project) -> None:
    before = built.rows(VIEWS)
    code, output = built.run("build", "--exclude-resource-type", "unit_test")
    assert code == 0, output
    assert built.rows(VIEWS) == before


def test_a_load_whose_parts_do_not_make_the_whole_fails_before_it_is_published(built: Project) -> None:
    load(built.url, ALDER, WEDNESDAY, "100", "126")
    code, output = built.run("build", "--select", "source:accounting", "test_type:singular")
    with connect(built.url) as connection:
        connection.execute("DELETE FROM ops.load_date WHERE as_of_date = %s", [WEDNESDAY])
    assert code != 0
    assert "Failure in test account_is_the_sum_of_its_positions" in output
    assert output.count("Failure in test") == 1
    assert built.rows("SELECT count(*) FROM marts.fct_position_daily WHERE as_of_date = '2022-01-05'") == [(0,)]


def test_a_broken_contract_is_refused_by_model_and_column(built: Project, tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    model = project / "models/marts/holdings/fct_position_daily.sql"
    model.write_text(model.read_text().replace("    quantity,\n", "    quantity::text as quantity,\n"))
    broken = Project(built.url, tmp_path / "target")
    code, output = broken.run("run", "--select", "fct_position_daily", project=project)
    assert code != 0
    assert "fct_position_daily" in output
    assert "| quantity " in output
    assert "contract" in output
    assert built.rows("SELECT count(*) FROM marts.fct_position_daily WHERE as_of_date = '2022-01-03'") == [(4,)]


def test_publication_shows_a_day_at_once_without_a_build(built: Project, as_tenant: AsTenant) -> None:
    query = "SELECT as_of_date, total_value_base FROM marts.account_summary"
    with connect(built.url) as connection:
        assert as_tenant(ALDER, query) == [(MONDAY, Decimal("125.0000"))]
        publish(built.url, ALDER, [TUESDAY], KNOWN, "test")
        shown = as_tenant(ALDER, query)
        connection.execute("DELETE FROM ops.publication WHERE as_of_date = %s", [TUESDAY])
    assert shown == [(TUESDAY, Decimal("135.0000"))]
    assert as_tenant(BIRCH, query) == [(MONDAY, Decimal("925.0000"))]
