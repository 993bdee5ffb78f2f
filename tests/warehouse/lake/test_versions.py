"""Laws of versions: current is the last known, and only what differs is appended, against a naive reference."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.tables.accounting import LEDGER_ENTRY, POSITION
from contracts.tables.canonical import ACCOUNT
from contracts.tables.quality import POSITION_BREAK
from warehouse.lake.store import Lake
from warehouse.lake.versions import changed_rows, last_versions

T0 = datetime(2022, 3, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
KEYS = ["tenant_key", "account_key", "security_key", "as_of_date"]
DAY = date(2022, 3, 1)

Row = dict[str, Any]


def broken(
    account: int, difference: int, *, at: int = 0, quantity: int | None = 1, version: str = "1.0", day: date = DAY
) -> Row:
    """A row of quality.position_break; ``at`` is microseconds after T0."""
    return {
        "tenant_key": 1,
        "account_key": account,
        "security_key": 1,
        "as_of_date": day,
        "known_from": T0 + at * TICK,
        "methodology_version": version,
        "quantity": None if quantity is None else Decimal(quantity),
        "custodian_quantity": None,
        "quantity_difference": Decimal(difference),
        "break_cause": None,
    }


def frame(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=POSITION_BREAK.polars_schema)


def key(row: Row) -> tuple[Any, ...]:
    return tuple(row[k] for k in KEYS)


def value(row: Row) -> tuple[Any, ...]:
    return tuple(row[c] for c in ("quantity", "custodian_quantity", "quantity_difference", "break_cause"))


def clocks(row: Row) -> tuple[datetime, str]:
    return row["known_from"], row["methodology_version"]


def naive_current(history: list[Row], until: datetime | None = None) -> dict[tuple[Any, ...], Row]:
    current: dict[tuple[Any, ...], Row] = {}
    for row in history:
        if until is not None and row["known_from"] > until:
            continue
        before = current.get(key(row))
        if before is None or clocks(row) > clocks(before):
            current[key(row)] = row
    return current


def naive_append_changed(history: list[Row], truth: list[Row]) -> list[Row]:
    current, appended = naive_current(history), []
    for row in truth:
        before = current.get(key(row))
        if before is not None and value(before) == value(row):
            continue
        if before is not None and clocks(row) <= clocks(before):
            row = {**row, "known_from": before["known_from"] + TICK}
        appended.append(row)
    return appended


row_strategy = st.builds(
    broken,
    st.integers(1, 4),
    st.integers(0, 2),
    at=st.integers(0, 3),
    quantity=st.sampled_from([None, 1]),
    version=st.sampled_from(["1.0", "1.1"]),
)
history_strategy = st.lists(row_strategy, max_size=25, unique_by=lambda r: (key(r), clocks(r)))
truth_strategy = st.lists(row_strategy, max_size=4, unique_by=key)


def same(found: pl.DataFrame, expected: list[Row]) -> bool:
    return sorted(map(repr, found.to_dicts())) == sorted(map(repr, frame(expected).to_dicts()))


@settings(deadline=None)
@given(history_strategy)
def test_the_last_version_is_the_greatest_by_both_clocks(history: list[Row]) -> None:
    assert same(last_versions(frame(history), KEYS), list(naive_current(history).values()))


@settings(deadline=None)
@given(history_strategy, truth_strategy)
def test_changed_rows_are_those_that_differ_and_they_follow_what_they_replace(
    history: list[Row], truth: list[Row]
) -> None:
    current = frame(list(naive_current(history).values()))
    assert same(changed_rows(POSITION_BREAK, frame(truth), current), naive_append_changed(history, truth))


@settings(max_examples=25, deadline=None)
@given(st.lists(truth_strategy, min_size=1, max_size=4), st.integers(0, 5))
def test_a_series_of_truths_ends_in_the_last_one_and_the_past_stays_readable(
    truths: list[list[Row]], microseconds: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, history = Lake(folder), list[Row]()
        for truth in truths:
            appended = lake.append_changed(POSITION_BREAK, "alder", frame(truth), where=pl.lit(True))
            expected = naive_append_changed(history, truth)
            assert same(appended, expected)
            history += expected
            again = lake.append_changed(POSITION_BREAK, "alder", frame(truth), where=pl.lit(True))
            assert again.is_empty()
        until = T0 + microseconds * TICK
        assert same(lake.read(POSITION_BREAK, "alder"), history)
        assert same(lake.current(POSITION_BREAK, "alder"), list(naive_current(history).values()))
        past = lake.current(POSITION_BREAK, "alder", as_known_at=until)
        assert same(past, list(naive_current(history, until).values()))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def test_where_is_asked_of_the_current_version_not_of_an_older_one(lake: Lake) -> None:
    lake.append(POSITION_BREAK, "alder", frame([broken(1, 5), broken(1, 0, at=1), broken(2, 5)]))
    found = lake.current(POSITION_BREAK, "alder", where=pl.col("quantity_difference") != 0)
    assert found["account_key"].to_list() == [2]


def test_an_entry_whose_day_moved_is_current_on_its_new_day_alone(lake: Lake) -> None:
    lake.append(LEDGER_ENTRY, "alder", entry(DAY, at=0))
    march, april = pl.col("effective_date") < date(2022, 4, 1), pl.col("effective_date") >= date(2022, 4, 1)

    moved = entry(date(2022, 4, 5), at=0)
    appended = lake.append_changed(LEDGER_ENTRY, "alder", moved, where=april)

    assert appended["known_from"].to_list() == [T0 + TICK]
    assert lake.current(LEDGER_ENTRY, "alder", where=march).is_empty()
    assert len(lake.current(LEDGER_ENTRY, "alder", where=april)) == 1
    assert len(lake.current(LEDGER_ENTRY, "alder", where=march, as_known_at=T0)) == 1
    assert lake.append_changed(LEDGER_ENTRY, "alder", moved, where=april).is_empty()


def entry(day: date, *, at: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "tenant_key": 1,
            "account_key": 1,
            "natural_key": "fill|1",
            "known_from": T0 + at * TICK,
            "methodology_version": "1.0",
            "entry_type": "BUY",
            "entry_status": "booked",
            "security_key": 3,
            "effective_date": day,
            "quantity": pl.Series([Decimal(1)], dtype=pl.Decimal(20, 8)),
            "amount": pl.Series([Decimal(-5)], dtype=pl.Decimal(20, 4)),
            "currency": "USD",
            "table_name": "canonical.transaction",
            "source_file_id": 9,
            "source_line": 1,
        }
    )


def closed(rows: pl.DataFrame) -> pl.DataFrame:
    """Tombstones known two microseconds after T0."""
    return rows.with_columns(
        quantity_difference=pl.lit(0).cast(pl.Decimal(20, 8)),
        known_from=pl.lit(T0 + 2 * TICK),
    )


def test_a_vanished_row_gets_one_tombstone_and_no_second_one(lake: Lake) -> None:
    where = pl.col("account_key") <= 2
    lake.append_changed(POSITION_BREAK, "alder", frame([broken(1, 5), broken(2, 6)]), where=where)
    lake.append(POSITION_BREAK, "alder", frame([broken(3, 7)]))

    first = lake.append_changed(POSITION_BREAK, "alder", frame([broken(1, 5)]), where=where, vanished=closed)
    second = lake.append_changed(POSITION_BREAK, "alder", frame([broken(1, 5)]), where=where, vanished=closed)

    assert first.select("account_key", "quantity_difference").rows() == [(2, Decimal(0))]
    assert second.is_empty()
    now = lake.current(POSITION_BREAK, "alder").sort("account_key")
    assert now["quantity_difference"].to_list() == [5, 0, 7]


def test_a_tombstone_of_the_same_instant_still_follows_the_row_it_closes(lake: Lake) -> None:
    lake.append(POSITION_BREAK, "alder", frame([broken(1, 5, at=9)]))
    stones = lake.append_changed(
        POSITION_BREAK, "alder", POSITION_BREAK.empty(), where=pl.col("account_key") == 1, vanished=closed
    )
    assert stones["known_from"].to_list() == [T0 + 10 * TICK]


def test_without_a_word_for_the_vanished_they_stay_current(lake: Lake) -> None:
    lake.append(POSITION_BREAK, "alder", frame([broken(1, 5)]))
    lake.append_changed(POSITION_BREAK, "alder", POSITION_BREAK.empty(), where=pl.lit(True))
    assert len(lake.current(POSITION_BREAK, "alder")) == 1


def test_a_new_methodology_with_the_same_value_is_no_new_version(lake: Lake) -> None:
    lake.append(POSITION_BREAK, "alder", frame([broken(1, 5)]))
    same_value = frame([broken(1, 5, at=4, version="1.1")])
    assert lake.append_changed(POSITION_BREAK, "alder", same_value, where=pl.lit(True)).is_empty()


def test_a_key_that_comes_twice_is_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="comes twice"):
        lake.append_changed(POSITION_BREAK, "alder", frame([broken(1, 5), broken(1, 6, at=1)]), where=pl.lit(True))


def test_a_table_without_versions_has_no_current_rows(lake: Lake) -> None:
    with pytest.raises(ValueError, match="only computed tables"):
        lake.current(ACCOUNT, "alder")


def test_an_instant_without_a_zone_is_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="time zone"):
        lake.current(POSITION, "alder", as_known_at=datetime(2022, 1, 1))
