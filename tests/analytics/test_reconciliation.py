"""Breaks between our ledger and the custodian."""

from __future__ import annotations

from typing import Any

import polars as pl

from analytics.positions import daily_positions, settled_cash
from analytics.reconciliation import covered_days, position_breaks
from contracts.tables.quality import POSITION_BREAK
from tests.analytics.rows import (
    CURRENCY_KEYS,
    EUR,
    TENANT,
    USD,
    at,
    balances,
    custodian_positions,
    day,
    entries,
    files,
)

HOLDS = {"security_key": 1, "quantity": 10, "effective_date": day(0)}


def breaks(
    booked: pl.DataFrame, theirs: pl.DataFrame | None = None, cash: pl.DataFrame | None = None, **kw: Any
) -> pl.DataFrame:
    days = pl.Series([day(n) for n in range(3)], dtype=pl.Date)
    return position_breaks(
        daily_positions(booked, days, currency_keys=CURRENCY_KEYS),
        custodian_positions() if theirs is None else theirs,
        balances() if cash is None else cash,
        settled_cash(booked, days, currency_keys=CURRENCY_KEYS),
        **{"currency_keys": CURRENCY_KEYS, "files": files(), "tenant_key": TENANT, **kw},
    )


def table(rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    return rows.select(
        "security_key", "as_of_date", "quantity", "custodian_quantity", "quantity_difference", "break_cause"
    ).rows()


def test_agreement_gives_no_row() -> None:
    assert breaks(entries(HOLDS), custodian_positions({"quantity": 10})).is_empty()


def test_a_difference_is_ours_less_theirs_and_satisfies_the_contract() -> None:
    rows = breaks(entries(HOLDS), custodian_positions({"quantity": 12}))
    assert table(rows) == [(1, day(0), 10, 12, -2, "quantity_difference")]
    assert POSITION_BREAK.conform(rows).equals(rows)


def test_a_holding_that_vanished_from_the_snapshot_is_a_break() -> None:
    other = {"security_key": 2, "quantity": 3}
    rows = breaks(entries(HOLDS, {**HOLDS, **other}), custodian_positions(other))
    assert table(rows) == [(1, day(0), 10, None, 10, "missing_at_custodian")]


def test_a_holding_unknown_to_the_ledger_is_a_break() -> None:
    rows = breaks(entries(HOLDS), custodian_positions({"quantity": 10}, {"security_key": 2, "quantity": 3}))
    assert table(rows) == [(2, day(0), None, 3, -3, "missing_in_ledger")]


def test_a_day_without_a_snapshot_is_silent_and_a_covered_day_without_rows_is_not() -> None:
    assert breaks(entries(HOLDS)).is_empty()
    delivered = pl.DataFrame({"connection_id": ["c"], "as_of_date": [day(1)], "known_at": [at(1)]})
    owners = pl.DataFrame({"account_key": [1, 2], "connection_id": ["c", "other"]})
    rows = breaks(entries(HOLDS), covered=covered_days(delivered, owners))
    assert table(rows) == [(1, day(1), 10, None, 10, "missing_at_custodian")]
    assert rows["known_from"].to_list() == [at(1)]


def test_the_snapshot_known_last_counts_whole() -> None:
    first = [{"quantity": 12}, {"security_key": 2, "quantity": 1}]
    rows = breaks(
        entries(HOLDS), custodian_positions(*first, {"quantity": 10, "source_file_id": 55, "known_at": at(1)})
    )
    assert rows.is_empty()


def test_cash_of_one_currency_in_a_file_of_its_own_does_not_silence_the_other() -> None:
    booked = entries(
        {"amount": 100, "effective_date": day(0)}, {"amount": 7, "currency": "EUR", "effective_date": day(0)}
    )
    dollars = {"balance": 100, "balance_type": "cash_trade_date", "source_file_id": 50}
    euros = {
        "balance": 7,
        "balance_type": "cash_trade_date",
        "currency": "EUR",
        "source_file_id": 55,
        "known_at": at(1),
    }
    assert breaks(booked, cash=balances(dollars, euros)).is_empty()


def test_a_replaced_file_does_not_speak_any_more() -> None:
    name = {"logical_name": "n.RPS"}
    deliveries = files(
        {"source_file_id": 50, "known_at": at(0), **name}, {"source_file_id": 55, "known_at": at(1), **name}
    )
    assert breaks(entries(HOLDS), custodian_positions({"quantity": 12}), files=deliveries).is_empty()


def test_both_sides_of_a_custodians_position_add_up() -> None:
    theirs = custodian_positions({"quantity": 13}, {"quantity": -3, "position_side": "short"})
    assert breaks(entries(HOLDS), theirs).is_empty()


UNSETTLED = (
    {"amount": 100, "effective_date": day(0), "entry_type": "OPENING"},
    {"amount": -30, "effective_date": day(0), "settle_date": day(2)},
)


def test_cash_is_compared_on_the_custodians_own_basis() -> None:
    settled, traded = {"balance_type": "cash_settled"}, {"balance_type": "cash_trade_date"}
    booked = entries(*UNSETTLED)
    assert breaks(booked, cash=balances({"balance": 100, **settled}, {"balance": 70, **traded})).is_empty()
    assert breaks(booked, cash=balances({"balance": 70, **traded})).is_empty()
    assert table(breaks(booked, cash=balances({"balance": 70, **settled}))) == [
        (USD, day(0), 100, 70, 30, "quantity_difference")
    ]


def test_sweep_and_money_market_are_cash_and_margin_is_not() -> None:
    kinds = {"cash_trade_date": 50, "sweep": 15, "money_market": 5, "margin": -500}
    cash = balances(*[{"balance": value, "balance_type": kind} for kind, value in kinds.items()])
    assert breaks(entries(*UNSETTLED), cash=cash).is_empty()


def test_a_currency_that_the_custodian_does_not_state_is_a_break() -> None:
    booked = entries(*UNSETTLED, {"amount": 9, "currency": "EUR", "effective_date": day(0)})
    rows = breaks(booked, cash=balances({"balance": 70}))
    assert table(rows) == [(EUR, day(0), 9, None, 9, "missing_at_custodian")]


def test_no_cash_on_one_side_and_zero_on_the_other_agree() -> None:
    assert breaks(entries(), cash=balances({"balance": 0})).is_empty()


def test_known_from_is_the_later_of_both_sides() -> None:
    ours_late = entries({**HOLDS, "known_from": at(5)})
    assert breaks(ours_late, custodian_positions({"quantity": 12}))["known_from"].to_list() == [at(5)]
    theirs_late = custodian_positions({"quantity": 12, "known_at": at(6)})
    assert breaks(entries(HOLDS), theirs_late)["known_from"].to_list() == [at(6)]
