"""Laws that hold for any history: order never matters, splitting changes no total, parts sum to the whole."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.ledger import Ledger, effective_ledger
from tests.analytics.market import account_rows, value
from tests.analytics.rows import TENANT, accounts, at, balances, custodian_positions, day, entries, files, fx, prices

from tests.analytics.rows import transactions, windows  # isort: skip

small = st.integers(1, 3)
row = st.fixed_dictionaries({
    "natural_key": st.sampled_from(["a", "b", "c", "d"]),
    "source_file_id": st.integers(1, 5),
    "account_key": st.integers(1, 2),
    "security_key": st.sampled_from([1, 2, None]),
    "trade_date": st.integers(-1, 4).map(day),
    "quantity": small.map(Decimal),
    "amount": small.map(lambda n: Decimal(-100 * n)),
    "is_cancel": st.sampled_from([False, False, True]),
    "provider_transaction_id": st.sampled_from([None, "i", "j"]),
    "reverses": st.sampled_from([None, None, "i"]),
})  # fmt: skip
span = st.fixed_dictionaries({"source_file_id": st.integers(1, 5), "account_key": st.integers(1, 2)})


@st.composite
def deliveries(draw: st.DrawFn) -> dict[str, pl.DataFrame]:
    """Five files of two names, in some order of arrival, with transactions, windows and snapshots."""
    arrival = {n: at(draw(st.integers(1, 4))) for n in range(1, 6)}
    name = {n: draw(st.sampled_from(["x", "y", f"z{n}"])) for n in range(1, 6)}
    rows = draw(
        st.lists(row, max_size=12, unique_by=lambda r: (r["account_key"], r["natural_key"], r["source_file_id"]))
    )
    spans = draw(st.lists(span, max_size=4, unique_by=lambda r: (r["account_key"], r["source_file_id"])))
    return {
        "transactions": transactions(*[
            r | {"known_at": arrival[n], "logical_name": name[n]} for r in rows for n in [r["source_file_id"]]
        ]),
        "positions": custodian_positions(*draw(st.sampled_from([[], [{"quantity": Decimal(5)}]]))),
        "balances": balances(*draw(st.sampled_from([[], [{"balance": Decimal(9), "balance_type": "cash_settled"}]]))),
        "windows": windows(*[
            s | {"known_at": arrival[s["source_file_id"]], "valid_from": day(0), "valid_to": day(3)} for s in spans
        ]),
        "files": files(*[
            {"source_file_id": n, "known_at": arrival[n], "logical_name": name[n]} for n in range(1, 6)
        ]),
    }  # fmt: skip


def books(given_rows: dict[str, pl.DataFrame]) -> Ledger:
    return effective_ledger(**given_rows, tenant_key=TENANT)


def same(one: Ledger, two: Ledger) -> bool:
    return one.entries.equals(two.entries) and one.findings.equals(two.findings)


@settings(max_examples=20)
@given(deliveries(), st.integers(0, 99))
def test_the_order_of_rows_never_matters(rows: dict[str, pl.DataFrame], seed: int) -> None:
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=seed) for name, frame in rows.items()}
    assert same(books(rows), books(shuffled))


@settings(max_examples=20)
@given(deliveries())
def test_everything_twice_adds_nothing(rows: dict[str, pl.DataFrame]) -> None:
    doubled = {name: pl.concat([frame, frame]) for name, frame in rows.items()}
    assert same(books(rows), books(doubled))


@settings(max_examples=20)
@given(deliveries())
def test_no_entry_is_known_before_its_rows_and_none_is_lost(rows: dict[str, pl.DataFrame]) -> None:
    ledger = books(rows)
    keys = ["account_key", "natural_key"]
    assert ledger.entries.select(keys).is_unique().all()
    earliest = rows["transactions"].group_by(keys).agg(pl.col("known_at").min())
    joined = ledger.entries.join(earliest, on=keys)
    assert (joined["known_from"] >= joined["known_at"]).all()
    booked_cancels = ledger.entries.filter(pl.col("entry_status").cast(pl.String) == "booked").join(
        rows["transactions"], on=[*keys, "source_file_id", "source_line"]
    )
    assert not booked_cancels["is_cancel"].any()


@settings(max_examples=20)
@given(deliveries())
def test_what_was_known_then_is_what_the_rows_of_then_give(rows: dict[str, pl.DataFrame]) -> None:
    then = {name: frame.filter(pl.col("known_at") <= at(2)) for name, frame in rows.items()}
    assert same(effective_ledger(**rows, tenant_key=TENANT, as_known_at=at(2)), books(then))


@settings(max_examples=20)
@given(st.permutations([1, 2, 3, 4]))
def test_the_order_in_which_independent_files_arrive_changes_no_booked_entry(order: list[int]) -> None:
    arrival = {n: at(order.index(n) + 1) for n in (1, 2, 3, 4)}
    rows = [
        {"natural_key": "a", "source_file_id": 1}, {"natural_key": "b", "source_file_id": 2},
        {"natural_key": "x", "source_file_id": 3, "is_cancel": True}, {"natural_key": "c", "source_file_id": 4},
    ]  # fmt: skip
    tx = transactions(*[{**r, "known_at": arrival[r["source_file_id"]]} for r in rows])
    ledger = books({
        "transactions": tx, "positions": custodian_positions(), "balances": balances(), "windows": windows(),
        "files": files(*[{"source_file_id": n, "known_at": known} for n, known in arrival.items()]),
    })  # fmt: skip
    status = dict(ledger.entries.select("natural_key", "entry_status").rows())
    assert status == {"a": "cancelled", "b": "booked", "c": "booked", "x": "cancelled"}


def parts_of(whole: dict[str, Any], share: int) -> list[dict[str, Any]]:
    split = {c: Decimal(whole[c]) * share / 100 for c in ("quantity", "amount")}
    return [{**whole, **split}, {**whole, **{c: Decimal(whole[c]) - split[c] for c in split}}]


@settings(max_examples=20)
@given(
    st.sampled_from(["BUY", "TRANSFER_IN", "DEPOSIT", "JOURNAL"]),
    st.integers(-(10**6), 10**6),
    st.integers(-(10**6), 10**6),
    st.integers(0, 100),
    st.sampled_from(["USD", "EUR"]),
)
def test_splitting_a_transaction_in_two_changes_no_total(
    kind: str, units: int, cents: int, share: int, cur: str
) -> None:
    whole = {
        "entry_type": kind, "security_key": 1, "quantity": Decimal(units).scaleb(-2),
        "amount": Decimal(cents).scaleb(-2), "currency": cur,
    }  # fmt: skip
    opening = {"entry_type": "OPENING", "effective_date": day(0), "amount": 100}
    quotes = {"prices": prices({"price": Decimal("3.337")}), "fx_rates": fx({"rate": Decimal("1.1162")})}
    one = account_rows(entries(opening, whole), [day(0), day(1)], **quotes)
    two = account_rows(entries(opening, *parts_of(whole, share)), [day(0), day(1)], **quotes)
    assert one.equals(two)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(-500, 500)), min_size=1, max_size=8))
def test_account_totals_equal_the_sum_of_their_positions(moves: list[tuple[int, int]]) -> None:
    booked = entries(
        {"entry_type": "OPENING", "effective_date": day(0), "amount": 1},
        *[{"security_key": key, "quantity": Decimal(units).scaleb(-3), "amount": -units} for key, units in moves],
    )
    quotes = prices(*[{"security_key": key, "price": Decimal(key) / 7} for key in (1, 2, 3)])
    rates = fx({"rate": Decimal("1.1162")})
    in_euro = accounts({"base_currency": "EUR"})
    dates = [day(0), day(1)]
    total = account_rows(booked, dates, base=in_euro, prices=quotes, fx_rates=rates)["total_value_base"][1]
    parts = value(booked, dates, base=in_euro, prices=quotes, fx_rates=rates).filter(pl.col("as_of_date") == day(1))
    assert parts["value_reason"].null_count() == parts.height
    assert total == parts["market_value_base"].sum()


def test_importing_the_kernel_compiles_nothing() -> None:
    code = "from analytics import money_kernel as m, money; print(len(m.scaled_quotients.signatures))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
