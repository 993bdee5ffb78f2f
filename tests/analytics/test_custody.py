"""Accounts that moved, and accounts that come twice: what counts, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from analytics.custody import SCHEMA
from analytics.ledger import effective_ledger
from tests.analytics.rows import TENANT, at, balances, custodian_positions, day, files, transactions, windows

TDA, SCHWAB, SCHWAB_TOO = (
    {"connection_id": "tda_veo", "adapter": "tda"}, {"connection_id": "schwab_main", "adapter": "schwab"},
    {"connection_id": "schwab_two", "adapter": "schwab"},
)  # fmt: skip
OUT = {"natural_key": "out", "transaction_type": "TRANSFER_OUT", "quantity": -10, "amount": 0, "trade_date": day(10)}
IN = {"natural_key": "in", "transaction_type": "TRANSFER_IN", "quantity": 10, "amount": 0, "trade_date": day(12)}
CASH_OUT = OUT | {"natural_key": "cash out", "transaction_type": "WITHDRAWAL", "security_key": None, "quantity": 0,
                  "amount": -75}  # fmt: skip
CASH_IN = IN | {"natural_key": "cash in", "transaction_type": "DEPOSIT", "security_key": None, "quantity": 0,
                "amount": 75}  # fmt: skip
BOUGHT = {"natural_key": "bought", "trade_date": day(2)}


def moved(known: int = 12) -> pl.DataFrame:
    row = {
        "account_key": 1, "former_adapter": "tda", "adapter": "schwab", "held_until": day(9), "held_from": day(12),
        "known_at": at(known),
    }  # fmt: skip
    return pl.DataFrame([row], schema=SCHEMA)


def entries(
    *rows: tuple[Mapping[str, Any], Mapping[str, str], int], moves: pl.DataFrame | None = None, **kw: Any
) -> dict[str, tuple[str, Any]]:
    """natural key to status and known_from of what is in the books; each row with its feed and the day it came."""
    told, parsed = [], []
    for n, (row, feed, came) in enumerate(rows):
        told.append({**row, "source_file_id": n, "connection_id": feed["connection_id"], "known_at": at(came)})
        parsed.append({"source_file_id": n, **feed, "business_date": day(came), "known_at": at(came)})
    canonical = transactions(
        *({k: Decimal(v) if k in ("quantity", "amount") else v for k, v in r.items()} for r in told)
    )
    ledger = effective_ledger(
        canonical, custodian_positions(), balances(), windows(), files(*parsed), tenant_key=TENANT, moves=moves, **kw
    )
    found = ledger.entries.select("natural_key", pl.col("entry_status").cast(pl.String), "known_from")
    return {key: (status, known) for key, status, known in found.rows()}


def test_the_two_legs_of_a_move_do_not_count() -> None:
    legs = [(OUT, TDA, 12), (IN, SCHWAB, 12), (CASH_OUT, TDA, 12), (CASH_IN, SCHWAB, 12), (BOUGHT, TDA, 2)]
    assert entries(*legs, moves=moved()) == {"bought": ("booked", at(2))}
    assert {status for status, _ in entries(*legs).values()} == {"booked"}
    assert len(entries(*legs)) == 5


def test_a_leg_that_was_booked_before_the_move_was_known_counts_until_then() -> None:
    found = entries((OUT, TDA, 10), (IN, SCHWAB, 13), moves=moved(known=12))
    assert found == {"out": ("retracted", at(13))}
    assert entries((OUT, TDA, 10), (IN, SCHWAB, 13), moves=moved(known=12), as_known_at=at(11)) == {
        "out": ("booked", at(10))
    }


def test_a_difference_between_the_legs_is_booked_on_both_sides_for_all_to_see() -> None:
    less = IN | {"quantity": 9}
    assert set(entries((OUT, TDA, 12), (less, SCHWAB, 12), moves=moved())) == {"out", "in"}


@pytest.mark.parametrize(("legs", "feed"), [([OUT, CASH_OUT], TDA), ([IN], SCHWAB)])
def test_where_one_custodian_is_silent_the_legs_of_the_other_do_not_count_either(
    legs: list[dict[str, Any]], feed: dict[str, str]
) -> None:
    assert entries(*((leg, feed, 12) for leg in legs), moves=moved()) == {}


def test_a_deposit_on_the_first_day_at_the_new_custodian_counts() -> None:
    assert set(entries((CASH_IN, SCHWAB, 12), moves=moved())) == {"cash in"}


def test_a_withdrawal_while_the_former_custodian_held_the_account_counts() -> None:
    paid = CASH_OUT | {"trade_date": day(8)}
    assert set(entries((paid, TDA, 8), moves=moved())) == {"cash out"}


def test_transfers_far_from_the_move_count() -> None:
    early, late = OUT | {"trade_date": day(1)}, IN | {"trade_date": day(30)}
    assert set(entries((early, TDA, 1), (late, SCHWAB, 30), moves=moved())) == {"out", "in"}


def test_what_the_new_custodian_restates_of_the_time_before_is_not_booked_again() -> None:
    again = BOUGHT | {"natural_key": "restated"}
    assert set(entries((BOUGHT, TDA, 2), (again, SCHWAB, 12), moves=moved())) == {"bought"}


def test_restated_history_counts_for_the_time_before_the_former_custodian_s_own_begins() -> None:
    older = BOUGHT | {"natural_key": "older", "trade_date": day(1)}
    assert set(entries((BOUGHT, TDA, 2), (older, SCHWAB, 12), moves=moved())) == {"bought", "older"}
    assert set(entries((older, SCHWAB, 12), moves=moved())) == {"older"}


def test_what_happens_at_the_former_custodian_after_the_move_counts() -> None:
    dividend = {"natural_key": "late dividend", "transaction_type": "DIVIDEND", "quantity": 0, "amount": 5,
                "trade_date": day(14)}  # fmt: skip
    assert set(entries((dividend, TDA, 14), moves=moved())) == {"late dividend"}


def test_the_same_account_under_several_masters_is_booked_once() -> None:
    fills = [BOUGHT | {"natural_key": f"one|{n}"} for n in (1, 2)]
    again = [BOUGHT | {"natural_key": f"two|{n}"} for n in (1, 2)]
    rows = [(row, SCHWAB, 2) for row in fills] + [(row, SCHWAB_TOO, 2) for row in again]
    found = entries(*rows)
    assert len({key.split("|")[0] for key in found}) == 1


def test_a_row_that_only_one_master_delivers_counts() -> None:
    other = BOUGHT | {"natural_key": "two", "quantity": 3}
    assert set(entries((BOUGHT, SCHWAB, 2), (other, SCHWAB_TOO, 2))) == {"bought", "two"}


def test_equal_rows_of_two_custodians_are_two_bookings() -> None:
    other = BOUGHT | {"natural_key": "other"}
    assert set(entries((BOUGHT, TDA, 2), (other, SCHWAB, 2))) == {"bought", "other"}


def test_the_order_of_rows_decides_nothing() -> None:
    legs = [(OUT, TDA, 12), (IN, SCHWAB, 12), (BOUGHT, TDA, 2), (BOUGHT | {"natural_key": "r"}, SCHWAB, 12)]
    assert entries(*legs, moves=moved()) == entries(*legs[::-1], moves=moved())
