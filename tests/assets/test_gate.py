"""The quality gate: what it holds back, what it lets pass, and what it says when it cannot tell."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import dataframely as dy
import polars as pl
import pytest

from assets.quality import gate, rules
from assets.quality.gate import FAILING_SCHEMA, GateResult, gate_rules, run_gate
from assets.quality.rules import BUSINESS_RULES, Rule, derived_columns
from contracts.registry import TABLES, table

TRANSACTION = table("canonical.transaction")
POSITION = table("accounting.position")
VALUATION = table("accounting.account_valuation")
KNOWN = datetime(2022, 1, 4, 6, 30, tzinfo=UTC)
SECRET = "9876543210"


def trades(*rows: dict[str, object]) -> pl.DataFrame:
    """Purchases of ten for a hundred, each on a line of its own, with what a row says otherwise."""
    usual = {
        "tenant_key": 1, "account_key": 1, "source_file_id": 101, "security_key": 7, "transaction_type": "BUY",
        "trade_date": date(2022, 1, 3), "settle_date": date(2022, 1, 5), "quantity": Decimal(10),
        "price": Decimal(10), "amount": Decimal(-100), "currency": "USD", "commission": Decimal(0),
        "fees": Decimal(0), "accrued_interest": Decimal(0), "tax_withheld": Decimal(0), "is_cancel": False,
        "provider_transaction_id": None, "reverses": None, "provider_code": "BY", "occurrence": 1,
        "connection_id": "core", "logical_name": "CRS20220103.TRN", "known_at": KNOWN,
    }  # fmt: skip
    complete = [
        {"natural_key": f"k{line}", "source_line": line, **usual, **row} for line, row in enumerate(rows, start=2)
    ]
    return pl.DataFrame(complete, schema=TRANSACTION.polars_schema, orient="row")


def held(result: GateResult) -> set[tuple[int, str]]:
    return set(result.failing.select("source_line", "field_name").iter_rows())


def test_a_sound_batch_passes_whole() -> None:
    result = run_gate(TRANSACTION, trades({}, {"transaction_type": "SELL", "quantity": -5, "amount": 50}))
    assert result.success
    assert result.with_status("failed") == []
    assert result.with_status("crashed") == []
    assert result.failing.schema == FAILING_SCHEMA
    assert result.failing.is_empty()


@pytest.mark.parametrize(
    ("row", "field_name"),
    [
        ({"amount": Decimal(100)}, "amount"),
        ({"quantity": Decimal(-10)}, "quantity"),
        ({"transaction_type": "SELL", "quantity": Decimal(-10), "amount": Decimal(-100)}, "amount"),
        ({"transaction_type": "SELL", "quantity": Decimal(10), "amount": Decimal(100)}, "quantity"),
        ({"settle_date": date(2022, 1, 2)}, "settle_date"),
        ({"trade_date": date(2022, 1, 5), "settle_date": None}, "trade_date"),
        ({"currency": "usd"}, "currency"),
        ({"amount": None}, "amount"),
    ],
)
def test_a_bad_row_is_held_back_by_file_line_and_field(row: dict[str, object], field_name: str) -> None:
    result = run_gate(TRANSACTION, trades({}, row, {}))
    assert not result.success
    assert held(result) == {(3, field_name)}
    assert result.failing["source_file_id"].to_list() == [101]
    assert result.failing["reason"].to_list() == ["quality_gate"]


@pytest.mark.parametrize(
    "row",
    [
        {"settle_date": None, "price": None, "security_key": None},
        {"is_cancel": True, "amount": Decimal(100), "quantity": Decimal(-10)},
        # the costs of a small sale may exceed what it brings
        {"transaction_type": "SELL", "quantity": Decimal(-1), "amount": Decimal("-4.95"), "commission": Decimal(5)},
        {"transaction_type": "JOURNAL", "quantity": Decimal(-1), "amount": Decimal(0)},
        # already the 5th in Auckland when it is the 4th in UTC
        {"trade_date": date(2022, 1, 5), "known_at": datetime(2022, 1, 4, 12, tzinfo=UTC)},
    ],
)
def test_an_unusual_but_sound_row_passes(row: dict[str, object]) -> None:
    result = run_gate(TRANSACTION, trades({}, row))
    assert result.success
    assert result.failing.is_empty()


def test_the_file_s_own_business_date_bounds_its_dates_where_it_is_given() -> None:
    frame = trades({}, {"trade_date": date(2022, 1, 4)}).with_columns(business_date=pl.lit(date(2022, 1, 3)))
    assert run_gate(TRANSACTION, frame.drop("business_date")).success
    assert held(run_gate(TRANSACTION, frame)) == {(3, "trade_date")}


def test_a_key_that_occurs_twice_is_held_back() -> None:
    result = run_gate(TRANSACTION, trades({"natural_key": "same"}, {"natural_key": "same"}, {}))
    assert {line for line, _ in held(result)} == {2, 3}


def test_a_warning_is_told_and_holds_nothing_back() -> None:
    result = run_gate(TRANSACTION, trades({"price": Decimal(0)}, {}))
    [outcome] = result.with_status("failed")
    assert (outcome.column, outcome.severity, outcome.unexpected_count, outcome.element_count) == (
        "price", "warning", 1, 2,
    )  # fmt: skip
    assert result.success
    assert result.failing.is_empty()


def test_no_value_of_a_client_s_is_in_the_result() -> None:
    frame = trades({"amount": Decimal(SECRET), "natural_key": SECRET * 50, "provider_transaction_id": SECRET})
    result = run_gate(TRANSACTION, frame)
    assert not result.success
    assert SECRET not in repr(result.results)
    assert SECRET not in result.failing.write_csv()


def test_a_null_does_not_turn_a_63_bit_file_id_into_another(monkeypatch: pytest.MonkeyPatch) -> None:
    big = (1 << 62) + 1
    frame = trades({"source_file_id": big, "amount": Decimal(1)}, {"security_key": None, "source_file_id": big})
    assert run_gate(TRANSACTION, frame).failing["source_file_id"].to_list() == [big]


def test_failed_crashed_and_skipped_are_three_things(monkeypatch: pytest.MonkeyPatch) -> None:
    impossible = Rule("ExpectColumnValuesToBeBetween", {"column": "currency", "max_value": 1}, "currency", "nonsense")
    elsewhere = Rule("ExpectColumnValuesToNotBeNull", {"column": "shoe_size"}, "shoe_size", "not a column of ours")
    rule = Rule("ExpectColumnValuesToBeBetween", {"column": "amount", "min_value": 0}, "amount", "below zero")
    monkeypatch.setattr(gate, "gate_rules", lambda _: [impossible, elsewhere, rule])
    result = run_gate(TRANSACTION, trades({}))
    assert [(o.column, o.status, o.success) for o in result.results] == [
        ("currency", "crashed", False),
        ("shoe_size", "skipped", True),
        ("amount", "failed", False),
    ]
    assert not result.success
    assert held(result) == {(2, "amount")}
    assert result.results[0].detail.isidentifier()
    assert result.results[0].unexpected_count == 0


def test_a_crash_alone_does_not_pass_for_success(monkeypatch: pytest.MonkeyPatch) -> None:
    impossible = Rule("ExpectColumnValuesToBeBetween", {"column": "currency", "max_value": 1}, "currency", "nonsense")
    monkeypatch.setattr(gate, "gate_rules", lambda _: [impossible])
    result = run_gate(TRANSACTION, trades({}))
    assert not result.success
    assert result.failing.is_empty()


def test_an_empty_batch_is_skipped_not_passed() -> None:
    result = run_gate(TRANSACTION, TRANSACTION.empty())
    assert {outcome.status for outcome in result.results} == {"skipped"}
    assert result.success


def test_a_column_that_is_missing_fails_the_batch_once() -> None:
    result = run_gate(TRANSACTION, trades({}).drop("connection_id"))
    assert [outcome.name for outcome in result.with_status("failed")] == ["ExpectTableColumnsToMatchSet"]
    assert result.with_status("skipped")
    assert result.with_status("crashed") == []


def test_a_computed_table_fails_as_a_batch_for_its_rows_have_no_line() -> None:
    row = {
        "tenant_key": 1, "account_key": 1, "as_of_date": date(2022, 1, 3), "known_from": KNOWN,
        "methodology_version": "1.0", "base_currency": "USD", "inflow_base": Decimal(-1), "daily_return": 0.75,
        "position_count": 1, "unvalued_count": 2, "stale_count": 0, "readiness": "provisional",
    }  # fmt: skip
    result = run_gate(VALUATION, pl.DataFrame([row], schema=VALUATION.polars_schema))
    assert {(o.column, o.severity) for o in result.with_status("failed")} == {
        ("inflow_base", "critical"), ("unvalued_count", "critical"), ("daily_return", "warning"),
    }  # fmt: skip
    assert result.failing.is_empty()


def test_a_price_of_a_later_day_values_nothing() -> None:
    row = {
        "tenant_key": 1, "account_key": 1, "security_key": 7, "as_of_date": date(2022, 1, 3), "known_from": KNOWN,
        "methodology_version": "1.0", "quantity": Decimal(1), "currency": "USD", "price": Decimal(1),
        "price_date": date(2022, 1, 4), "price_age_days": 0, "is_price_stale": False,
    }  # fmt: skip
    result = run_gate(POSITION, pl.DataFrame([row], schema=POSITION.polars_schema))
    assert [outcome.column for outcome in result.with_status("failed")] == ["price_date"]


@pytest.mark.parametrize("name", list(TABLES))
def test_every_rule_runs_on_a_sample_of_its_contract(name: str) -> None:
    """Sampled rows keep the contract, so the base suite holds; business rules may fail on them but never crash."""
    contract = TABLES[name]
    patterned = {"sha256": "0" * 64} | dict.fromkeys(("currency", "base_currency", "base_code", "quote_code"), "USD")
    patterned["issue_country"] = "US"
    given = {column: [text] * 25 for column, text in patterned.items() if column in contract.polars_schema}
    result = run_gate(contract, contract.columns.sample(25, generator=dy.random.Generator(7), overrides=given or None))
    base = result.results[: len(result.results) - len(BUSINESS_RULES.get(name, ()))]
    assert {outcome.status for outcome in base} == {"passed"}
    assert result.with_status("crashed") == []
    assert result.with_status("skipped") == []


def test_every_rule_is_of_a_table_and_of_columns_that_exist() -> None:
    assert set(BUSINESS_RULES) <= set(TABLES)
    for name in BUSINESS_RULES:
        known = set(TABLES[name].polars_schema) | set(derived_columns(TABLES[name].empty()))
        for rule in gate_rules(TABLES[name]):
            assert gate._columns_of(rule) <= known
            assert rule.field_name in {*known, ""}


def test_a_rule_never_names_a_derived_column_as_the_field_at_fault() -> None:
    shown = {rule.field_name for named in BUSINESS_RULES.values() for rule in named}
    assert shown.isdisjoint(rules._DERIVED)
