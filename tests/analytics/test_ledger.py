"""What is booked, cancelled and retracted, and since when."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl

from analytics.ledger import Ledger, effective_ledger
from contracts.tables.accounting import LEDGER_ENTRY
from tests.analytics.rows import TENANT, at, balances, custodian_positions, day, files, transactions, windows


def books(
    tx: pl.DataFrame | None = None,
    *,
    held: pl.DataFrame | None = None,
    cash: pl.DataFrame | None = None,
    spans: pl.DataFrame | None = None,
    deliveries: pl.DataFrame | None = None,
    **kw: Any,
) -> Ledger:
    return effective_ledger(
        transactions() if tx is None else tx,
        custodian_positions() if held is None else held,
        balances() if cash is None else cash,
        windows() if spans is None else spans,
        files() if deliveries is None else deliveries,
        tenant_key=TENANT,
        **kw,
    )


def summary(ledger: Ledger) -> dict[str, tuple[str, Decimal, Decimal]]:
    rows = ledger.entries.select("natural_key", "entry_status", "quantity", "amount").rows()
    return {key: (status, quantity, amount) for key, status, quantity, amount in rows}


def entry(ledger: Ledger, key: str) -> dict[str, Any]:
    return ledger.entries.row(by_predicate=pl.col("natural_key") == key, named=True)


def test_nothing_gives_an_empty_ledger_of_the_contract() -> None:
    ledger = books()
    assert ledger.entries.schema == LEDGER_ENTRY.polars_schema
    assert ledger.entries.is_empty()
    assert ledger.findings.columns == ["source_file_id", "source_line", "reason"]


def test_the_ledger_satisfies_its_contract() -> None:
    ledger = books(
        transactions({"natural_key": "a"}, {"natural_key": "b", "security_key": None, "transaction_type": "DEPOSIT"}),
        held=custodian_positions({"quantity": 5}),
        cash=balances({"balance": 100}),
    )
    assert LEDGER_ENTRY.conform(ledger.entries).equals(ledger.entries)
    assert ledger.entries.height == 4


def test_three_identical_fills_stay_three_rows() -> None:
    fills = [{"natural_key": f"fill|{n}", "occurrence": n} for n in (1, 2, 3)]
    ledger = books(transactions(*fills))
    assert ledger.entries["quantity"].sum() == 30


def test_the_same_file_twice_adds_nothing() -> None:
    once = transactions(*[{"natural_key": f"fill|{n}", "occurrence": n} for n in (1, 2, 3)])
    assert books(pl.concat([once, once])).entries.equals(books(once).entries)


def test_a_refresh_that_repeats_a_row_leaves_it_and_its_knowledge_alone() -> None:
    first = {"natural_key": "p|1", "source_file_id": 1, "known_at": at(1)}
    again = {"natural_key": "p|1", "source_file_id": 2, "known_at": at(2)}
    got = entry(books(transactions(first, again)), "p|1")
    assert (got["known_from"], got["source_file_id"]) == (at(1), 1)


def test_a_correction_under_the_same_key_counts_from_its_arrival() -> None:
    wrong = {"natural_key": "p|1", "source_file_id": 1, "known_at": at(1)}
    right = {**wrong, "source_file_id": 2, "known_at": at(3), "quantity": Decimal(11)}
    got = entry(books(transactions(right, wrong)), "p|1")
    assert (got["quantity"], got["known_from"], got["source_file_id"]) == (11, at(3), 2)
    before = entry(books(transactions(right, wrong), as_known_at=at(2)), "p|1")
    assert (before["quantity"], before["known_from"]) == (10, at(1))


def test_a_correction_taken_back_counts_from_the_last_arrival() -> None:
    rows = [
        {"natural_key": "p|1", "source_file_id": n, "known_at": at(n), "quantity": Decimal(q)}
        for n, q in ((1, 10), (2, 11), (3, 10), (4, 10))
    ]
    got = entry(books(transactions(*rows)), "p|1")
    assert (got["quantity"], got["known_from"], got["source_file_id"]) == (10, at(3), 3)


def replaced(status: str = "parsed") -> Ledger:
    """File n.TRN with rows a and b, delivered again with a and c."""
    name = {"logical_name": "n.TRN"}
    old = {"source_file_id": 1, "known_at": at(1), **name}
    new = {"source_file_id": 2, "known_at": at(4), **name}
    rows = [{"natural_key": "a", **old}, {"natural_key": "b", **old}]
    if status == "parsed":
        rows += [{"natural_key": "a", **new}, {"natural_key": "c", **new}]
    return books(transactions(*rows), deliveries=files(old, {**new, "parse_status": status}))


def test_a_new_delivery_of_a_file_retracts_what_it_lacks_at_its_own_arrival() -> None:
    ledger = replaced()
    got = {key: (row[0], entry(ledger, key)["known_from"]) for key, row in summary(ledger).items()}
    assert got == {"a": ("booked", at(1)), "b": ("retracted", at(4)), "c": ("booked", at(4))}


def test_a_blocked_delivery_replaces_nothing() -> None:
    assert {key: row[0] for key, row in summary(replaced("blocked")).items()} == {"a": "booked", "b": "booked"}


def test_a_row_that_comes_back_counts_from_its_return() -> None:
    name = {"logical_name": "n.TRN"}
    deliveries = [{"source_file_id": n, "known_at": at(n), **name} for n in (1, 2, 3)]
    rows = [{"natural_key": "a", **deliveries[0]}, {"natural_key": "a", **deliveries[2]}]
    got = entry(books(transactions(*rows), deliveries=files(*deliveries)), "a")
    assert (got["entry_status"], got["known_from"], got["source_file_id"]) == ("booked", at(3), 3)


def test_the_same_name_on_another_connection_replaces_nothing() -> None:
    name = {"logical_name": "n.TRN"}
    deliveries = files(
        {"source_file_id": 1, "known_at": at(1), **name},
        {"source_file_id": 2, "known_at": at(2), "connection_id": "other", **name},
    )
    assert (
        entry(books(transactions({"source_file_id": 1, "natural_key": "a"}), deliveries=deliveries), "a")[
            "entry_status"
        ]
        == "booked"
    )


def refreshed(*spans: tuple[int, int, int], carrying: tuple[int, ...] = ()) -> dict[str, Any]:
    """A row of day 1 delivered in file 1, then windows (file, from day, to day), some of which carry the row."""
    rows = [{"natural_key": "p|1", "source_file_id": n, "known_at": at(n)} for n in (1, *carrying)]
    window_rows = [
        {"source_file_id": n, "valid_from": day(first), "valid_to": day(last), "known_at": at(n)}
        for n, first, last in ((1, 0, 1), *spans)
    ]
    return entry(books(transactions(*rows), spans=windows(*window_rows)), "p|1")


def test_a_row_missing_from_a_later_window_over_its_day_is_retracted_at_that_file() -> None:
    got = refreshed((2, 0, 2), (3, 0, 3))
    assert (got["entry_status"], got["known_from"]) == ("retracted", at(2))


def test_both_ends_of_a_window_belong_to_it() -> None:
    assert refreshed((2, 1, 1))["entry_status"] == "retracted"


def test_a_window_that_does_not_cover_the_day_says_nothing() -> None:
    assert refreshed((2, 2, 5), (3, 2, 6))["entry_status"] == "booked"


def test_a_later_window_retracts_although_a_nearer_one_does_not_cover_the_day() -> None:
    got = refreshed((2, 2, 5), (3, 0, 6))
    assert (got["entry_status"], got["known_from"]) == ("retracted", at(3))


def test_a_window_that_carries_the_row_keeps_it() -> None:
    got = refreshed((2, 0, 2), (3, 0, 3), carrying=(2, 3))
    assert (got["entry_status"], got["known_from"]) == ("booked", at(1))


def test_a_row_that_one_window_lacked_counts_from_the_next_that_has_it() -> None:
    got = refreshed((2, 0, 2), (3, 0, 3), carrying=(3,))
    assert (got["entry_status"], got["known_from"]) == ("booked", at(3))


def test_windows_of_another_account_or_connection_retract_nothing() -> None:
    row = transactions({"natural_key": "p|1", "source_file_id": 1})
    span = {"source_file_id": 2, "valid_from": day(0), "valid_to": day(5), "known_at": at(5)}
    for stranger in ({"account_key": 2}, {"connection_id": "other"}):
        assert entry(books(row, spans=windows({**span, **stranger})), "p|1")["entry_status"] == "booked"


CANCEL = {"natural_key": "x", "is_cancel": True, "source_file_id": 200, "known_at": at(5), "trade_date": day(1)}


def test_a_cancel_and_the_row_it_takes_back_are_both_cancelled_from_the_cancels_arrival() -> None:
    ledger = books(transactions({"natural_key": "a"}, CANCEL))
    assert {key: row[0] for key, row in summary(ledger).items()} == {"a": "cancelled", "x": "cancelled"}
    assert {entry(ledger, key)["known_from"] for key in ("a", "x")} == {at(5)}
    assert ledger.findings.is_empty()


def test_a_cancel_of_opposite_sign_is_the_same_cancel() -> None:
    opposite = {**CANCEL, "quantity": Decimal(-10), "amount": Decimal(1000)}
    assert summary(books(transactions({"natural_key": "a"}, opposite)))["a"][0] == "cancelled"


def test_a_cancel_takes_back_one_of_three_alike() -> None:
    ledger = books(transactions(*[{"natural_key": f"fill|{n}"} for n in (1, 2, 3)], CANCEL))
    booked = ledger.entries.filter(pl.col("entry_status").cast(pl.String) == "booked")
    assert booked["quantity"].sum() == 20


def test_a_rebill_stands_beside_the_cancelled_pair() -> None:
    ledger = books(transactions({"natural_key": "a"}, CANCEL, {"natural_key": "r", "quantity": Decimal(12)}))
    assert {key: row[:2] for key, row in summary(ledger).items()} == {
        "a": ("cancelled", 10), "r": ("booked", 12), "x": ("cancelled", 10),
    }  # fmt: skip


def test_a_cancel_that_names_its_row_takes_that_one() -> None:
    one, two = ({"natural_key": f"id{n}", "provider_transaction_id": f"id{n}"} for n in (1, 2))
    ledger = books(transactions(one, two, {**CANCEL, "reverses": "id2", "amount": Decimal(0)}))
    assert {key: row[0] for key, row in summary(ledger).items()} == {
        "id1": "booked", "id2": "cancelled", "x": "cancelled",
    }  # fmt: skip


def test_an_unmatched_cancel_is_a_finding_and_is_not_booked() -> None:
    for stray in ({"quantity": Decimal(9)}, {"account_key": 2}, {"trade_date": day(2)}, {"reverses": "nobody"}):
        ledger = books(transactions({"natural_key": "a"}, {**CANCEL, **stray}))
        assert {key: row[0] for key, row in summary(ledger).items()} == {"a": "booked"}
        assert ledger.findings.rows() == [(200, 2, "unmatched_cancel")]


def test_a_second_cancel_of_a_cancelled_row_is_unmatched() -> None:
    ledger = books(transactions({"natural_key": "a"}, CANCEL, {**CANCEL, "natural_key": "y"}))
    assert ledger.findings.height == 1
    assert ledger.entries.height == 2


def test_a_cash_row_without_a_security_can_be_cancelled() -> None:
    fee = {"natural_key": "a", "security_key": None, "transaction_type": "OTHER_FEE", "quantity": Decimal(0)}
    ledger = books(transactions(fee, {**fee, **CANCEL}))
    assert ledger.entries["entry_status"].to_list() == ["cancelled", "cancelled"]


def test_a_retracted_cancel_gives_its_row_back_from_the_retraction() -> None:
    name = {"logical_name": "c.TRN"}
    deliveries = [
        {"source_file_id": 200, "known_at": at(5), **name},
        {"source_file_id": 201, "known_at": at(7), **name},
    ]
    ledger = books(transactions({"natural_key": "a"}, CANCEL | name), deliveries=files(*deliveries))
    got = {key: (row[0], entry(ledger, key)["known_from"]) for key, row in summary(ledger).items()}
    assert got == {"a": ("booked", at(7)), "x": ("retracted", at(7))}


def test_the_opening_is_the_earliest_snapshot() -> None:
    held = custodian_positions(
        {"quantity": 5}, {"quantity": 7, "as_of_date": day(1), "source_file_id": 52, "known_at": at(1)}
    )
    ledger = books(held=held, cash=balances({"balance": 100}))
    assert summary(ledger) == {"opening|1": ("booked", 5, 0), "opening|USD": ("booked", 0, 100)}
    assert entry(ledger, "opening|1")["effective_date"] == day(0)


def test_long_and_short_sides_of_an_opening_add_up() -> None:
    held = custodian_positions({"quantity": 5}, {"quantity": -2, "position_side": "short"})
    assert summary(books(held=held))["opening|1"][1] == 3


def test_a_corrected_snapshot_opens_in_place_of_the_first() -> None:
    held = custodian_positions(
        {"quantity": 5, "security_key": 1}, {"quantity": 6, "security_key": 2, "source_file_id": 55, "known_at": at(2)}
    )
    ledger = books(held=held)
    assert summary(ledger) == {"opening|2": ("booked", 6, 0)}
    assert entry(ledger, "opening|2")["known_from"] == at(2)


def test_opening_cash_is_settled_cash_where_there_is_any_plus_sweep_and_money_market() -> None:
    kinds = {"cash_settled": 100, "cash_trade_date": 90, "sweep": 10, "money_market": 1, "margin": -500}
    cash = balances(*[{"balance": value, "balance_type": kind} for kind, value in kinds.items()])
    assert summary(books(cash=cash))["opening|USD"][2] == 111
    without = cash.filter(pl.col("balance_type").cast(pl.String) != "cash_settled")
    assert summary(books(cash=without))["opening|USD"][2] == 101


def test_what_lies_inside_the_opening_is_left_out() -> None:
    tx = transactions({"natural_key": "in", "trade_date": day(0)}, {"natural_key": "out", "trade_date": day(1)})
    got = summary(books(tx, held=custodian_positions({"quantity": 5}), cash=balances({"balance": 100})))
    assert set(got) == {"opening|1", "opening|USD", "out"}


def test_a_trade_that_settles_after_settled_opening_cash_still_pays() -> None:
    trade = {"natural_key": "t", "trade_date": day(-1), "settle_date": day(1)}
    settled = balances({"balance": 100, "balance_type": "cash_settled"})
    ledger = books(transactions(trade), held=custodian_positions({"quantity": 5}), cash=settled)
    assert summary(ledger)["t"] == ("booked", 0, -1000)
    assert entry(ledger, "t")["effective_date"] == day(0)
    by_trade_date = books(transactions(trade), held=custodian_positions({"quantity": 5}), cash=balances({"balance": 1}))
    assert "t" not in summary(by_trade_date)


def test_without_a_snapshot_everything_counts_from_zero() -> None:
    assert set(summary(books(transactions({"trade_date": day(-400)})))) == {"k"}


def test_an_earlier_snapshot_that_comes_late_moves_the_opening_from_its_arrival_on() -> None:
    held = custodian_positions(
        {"quantity": 5, "as_of_date": day(3), "source_file_id": 53, "known_at": at(3)},
        {"quantity": 2, "as_of_date": day(0), "source_file_id": 50, "known_at": at(9)},
    )
    tx = transactions(
        {"natural_key": "a", "trade_date": day(2), "known_at": at(2)},
        {"natural_key": "b", "trade_date": day(4), "known_at": at(4)},
    )
    ledger = books(tx, held=held)
    assert {key: entry(ledger, key)["known_from"] for key in summary(ledger)} == {
        "opening|1": at(9), "a": at(9), "b": at(4),
    }  # fmt: skip
    assert set(summary(books(tx, held=held, as_known_at=at(8)))) == {"opening|1", "b"}


def test_accounts_never_mix() -> None:
    tx = transactions({"natural_key": "a"}, {"natural_key": "a", "account_key": 2, "quantity": Decimal(3)})
    assert books(tx).entries.select("account_key", "quantity").rows() == [(1, 10), (2, 3)]
