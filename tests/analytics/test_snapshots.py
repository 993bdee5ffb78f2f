"""Statements of changes put on whole snapshots are the whole snapshots that the same holdings would have given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from analytics.positions import daily_positions, settled_cash
from analytics.reconciliation import position_breaks
from analytics.snapshots import MAX_AGE_DAYS, Rolled, rolled_forward
from tests.analytics.rows import CURRENCY_KEYS, TENANT, at, balances, custodian_positions, day, entries, files

Part = tuple[int, str, str]
Holdings = dict[Part, int]
PARTS: list[Part] = [
    (1, "long", "cash"), (1, "long", "margin"), (1, "short", "short"), (2, "long", "cash"), (2, "long", "margin"),
]  # fmt: skip
ACCOUNTS = (1, 2)


@dataclass(frozen=True)
class Story:
    """What two accounts of one feed hold day by day, and which files tell of it.

    Attributes:
        held: holdings per account before the first day and on every day.
        is_full: whether the day's file states everything.
        lost: days whose file never came.
    """

    held: dict[int, list[Holdings]]
    is_full: list[bool]
    lost: frozenset[int] = frozenset()

    @property
    def days(self) -> range:
        return range(len(self.is_full))

    def stated(self, account: int, n: int, *, full: bool) -> Holdings:
        """Parts in the file of a day: all that are held, or those that changed, with zero for what is gone."""
        before, now = self.held[account][n], self.held[account][n + 1]
        if full:
            return now
        return {part: now.get(part, 0) for part in {*before, *now} if before.get(part, 0) != now.get(part, 0)}

    def rolled(self) -> Rolled:
        came = [n for n in self.days if n not in self.lost]
        rows = [
            {
                "account_key": account, "as_of_date": day(n), "security_key": security, "position_side": side,
                "sub_account": place, "quantity": Decimal(quantity), "source_file_id": 100 + n, "known_at": at(n),
                "is_delta": not self.is_full[n],
            }
            for n in came for account in ACCOUNTS
            for (security, side, place), quantity in self.stated(account, n, full=self.is_full[n]).items()
        ]  # fmt: skip
        files = [statement(account, n, is_delta=not self.is_full[n]) for n in came for account in ACCOUNTS]
        return rolled_forward(custodian_positions(*rows), statements(*files), missing(*self.lost), dates(*self.days))


@st.composite
def stories(draw: st.DrawFn, *, may_lose: bool = False) -> Story:
    count = draw(st.integers(1, 7))
    some = st.dictionaries(st.sampled_from(PARTS), st.integers(-3, 3).filter(bool), max_size=4)
    held: dict[int, list[Holdings]] = {}
    for account in ACCOUNTS:
        days = [draw(some)]
        for _ in range(count):
            # Most days change nothing; some end a part, some restate all.
            days.append(draw(st.one_of(st.just(days[-1]), some, st.just({}))))
        held[account] = days
    is_full = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    lost = draw(st.frozensets(st.integers(0, count - 1), max_size=2)) if may_lose else frozenset()
    return Story(held, is_full, lost)


def statement(account: int, n: int, *, is_delta: bool, **values: Any) -> dict[str, Any]:
    return {
        "account_key": account, "connection_id": "c", "as_of_date": day(n), "source_file_id": 100 + n,
        "known_at": at(n), "is_delta": is_delta, **values,
    }  # fmt: skip


def statements(*rows: Mapping[str, Any]) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "account_key": pl.Int64, "connection_id": pl.String, "as_of_date": pl.Date, "source_file_id": pl.Int64,
        "known_at": pl.Datetime("us", "UTC"), "is_delta": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def missing(*days: int) -> pl.DataFrame:
    rows = [{"connection_id": "c", "as_of_date": day(n)} for n in days]
    return pl.DataFrame(rows, schema={"connection_id": pl.String, "as_of_date": pl.Date})


def dates(*days: int) -> pl.Series:
    return pl.Series([day(n) for n in days], dtype=pl.Date)


def holdings(found: Rolled, account: int, n: int) -> Holdings:
    rows = found.rows.filter((pl.col("account_key") == account) & (pl.col("as_of_date") == day(n)))
    codes = [pl.col(c).cast(pl.String) for c in ("position_side", "sub_account")]
    return {(r[0], r[1], r[2]): int(r[3]) for r in rows.select("security_key", *codes, "quantity").iter_rows()}


def whole(found: Rolled) -> dict[tuple[int, date], datetime]:
    rows = found.days.filter("is_whole").select("account_key", "as_of_date", "known_at").iter_rows()
    return {(account, on): known for account, on, known in rows}


@given(stories())
def test_changes_on_the_last_whole_snapshot_are_the_whole_snapshot(story: Story) -> None:
    found = story.rolled()
    full = [n for n in story.days if story.is_full[n]]
    known = [n for n in story.days if full and n >= full[0]]
    assert whole(found) == {(account, day(n)): at(n) for n in known for account in ACCOUNTS}
    for n in known:
        for account in ACCOUNTS:
            assert holdings(found, account, n) == story.held[account][n + 1]
    assert not found.rows.filter(pl.col("as_of_date").is_in([day(n) for n in known]))["is_delta"].any()


@given(stories(may_lose=True))
def test_without_a_whole_snapshot_or_after_a_lost_file_only_what_is_named_is_told(story: Story) -> None:
    found = story.rolled()
    is_sound, known = False, whole(found)
    for n in story.days:
        if n in story.lost:
            is_sound = False
        elif story.is_full[n]:
            is_sound = True
        for account in ACCOUNTS:
            told = holdings(found, account, n)
            assert ((account, day(n)) in known) is (is_sound and n not in story.lost)
            if n in story.lost:
                assert told == {}
            elif not is_sound:
                named = story.stated(account, n, full=False)
                assert {security for security, _, _ in told} == {security for security, _, _ in named}
                assert {part: told[part] for part in named} == named


def test_a_part_that_is_not_named_stands_beside_the_one_that_changed() -> None:
    rows = custodian_positions(
        {"quantity": 60, "sub_account": "cash"},
        {"quantity": 40, "sub_account": "margin"},
        {"quantity": 15, "sub_account": "margin", "as_of_date": day(1), "source_file_id": 51, "known_at": at(1),
         "is_delta": True},
    )  # fmt: skip
    found = rolled_forward(rows, statements(), missing(), dates(1))
    assert holdings(found, 1, 1) == {(1, "long", "cash"): 60, (1, "long", "margin"): 15}
    assert found.rows["source_file_id"].to_list() == [51, 51]
    assert found.rows["known_at"].to_list() == [at(1), at(1)]
    booked = entries({"security_key": 1, "quantity": 100}, {"security_key": 1, "quantity": -25})
    breaks = position_breaks(
        daily_positions(booked, dates(1), currency_keys=CURRENCY_KEYS),
        found.rows,
        balances(),
        settled_cash(booked, dates(1), currency_keys=CURRENCY_KEYS),
        currency_keys=CURRENCY_KEYS,
        files=files(),
        tenant_key=TENANT,
    )
    assert breaks.is_empty()


def test_an_empty_file_of_changes_says_that_nothing_changed_and_a_whole_one_that_nothing_is_left() -> None:
    rows = custodian_positions({"quantity": 60})
    unchanged = rolled_forward(rows, statements(statement(1, 1, is_delta=True)), missing(), dates(1))
    assert holdings(unchanged, 1, 1) == {(1, "long", "cash"): 60}
    emptied = rolled_forward(rows, statements(statement(1, 1, is_delta=False)), missing(), dates(1))
    assert holdings(emptied, 1, 1) == {}
    assert whole(unchanged) == whole(emptied) == {(1, day(1)): at(1)}


def test_known_from_is_the_latest_arrival_among_all_that_was_used() -> None:
    rows = custodian_positions(
        {"quantity": 60, "known_at": at(9)},
        {"quantity": 70, "as_of_date": day(1), "source_file_id": 51, "known_at": at(1), "is_delta": True},
        {"quantity": 80, "as_of_date": day(2), "source_file_id": 52, "known_at": at(2)},
    )
    assert whole(rolled_forward(rows, statements(), missing(), dates(1, 2))) == {
        (1, day(1)): at(9),
        (1, day(2)): at(2),
    }


def test_of_one_day_the_whole_statement_known_last_counts_with_the_changes_after_it() -> None:
    base = {"as_of_date": day(0)}
    rows = custodian_positions(
        {**base, "quantity": 10, "source_file_id": 50, "known_at": at(0)},
        {**base, "quantity": 20, "source_file_id": 51, "known_at": at(1)},
        {**base, "quantity": 5, "security_key": 2, "source_file_id": 52, "known_at": at(2), "is_delta": True},
        {**base, "quantity": 7, "source_file_id": 49, "known_at": at(0, hour=1), "is_delta": True},
    )
    found = rolled_forward(rows, statements(), missing(), dates(0))
    assert holdings(found, 1, 0) == {(1, "long", "cash"): 20, (2, "long", "cash"): 5}


def test_a_snapshot_is_not_rolled_further_than_a_month() -> None:
    rows = custodian_positions({"quantity": 60})
    for age, is_known in ((MAX_AGE_DAYS, True), (MAX_AGE_DAYS + 1, False)):
        found = rolled_forward(rows, statements(statement(1, age, is_delta=True)), missing(), dates(age))
        assert bool(whole(found)) is is_known
        assert holdings(found, 1, age) == ({(1, "long", "cash"): 60} if is_known else {})


def test_a_gap_in_one_feed_leaves_another_whole() -> None:
    rows = custodian_positions({"quantity": 60}, {"quantity": 30, "account_key": 2, "connection_id": "d"})
    changes = [statement(1, 2, is_delta=True), statement(2, 2, is_delta=True, connection_id="d")]
    found = rolled_forward(rows, statements(*changes), missing(1), dates(2))
    assert whole(found) == {(2, day(2)): at(2)}
    assert holdings(found, 2, 2) == {(1, "long", "cash"): 30}
