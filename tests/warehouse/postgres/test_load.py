"""Loads: whole days, all or nothing, unseen until published."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import polars as pl
import psycopg
import pytest

from contracts.registry import TABLES
from tests.warehouse.postgres.rows import (
    KNOWN,
    LOADED,
    MONDAY,
    REPOSITORY,
    TUESDAY,
    WEDNESDAY,
    frames,
    position,
    valuation,
)
from warehouse.postgres.errors import IncompleteLoadError, UnrepresentableValueError
from warehouse.postgres.load import changed_dates, content_hashes, load_dates
from warehouse.postgres.publication import publish
from warehouse.postgres.sessions import connect


def rows_of(url: str, query: str, parameters: list[object] | None = None) -> list[tuple[object, ...]]:
    with connect(url) as connection:
        return connection.execute(query, parameters).fetchall()


def leaves(url: str) -> list[str]:
    found = rows_of(
        url, "SELECT relname FROM pg_class WHERE relnamespace = 'partitions'::regnamespace AND relkind = 'r' ORDER BY 1"
    )
    return [str(name) for (name,) in found]


def hashes(given: dict[str, pl.DataFrame]) -> dict[tuple[str, date], tuple[int, str]]:
    return {
        (name, day): entry
        for name, frame in given.items()
        for day, entry in content_hashes(frame, TABLES[name].date_column or "").items()
    }


def test_loaded_rows_come_back_digit_for_digit(url: str) -> None:
    day = frames(
        position=[position(MONDAY, "0.12345678")],
        account_valuation=[valuation(MONDAY, daily_return=0.012345675, linked_return=-0.5)],
    )
    load_dates(url, 1, day)
    assert rows_of(url, "SELECT quantity, price, market_value_base, value_reason FROM accounting.position") == [
        (Decimal("0.12345678"), Decimal("12.50000000"), Decimal("1.5432"), None)
    ]
    assert rows_of(url, "SELECT daily_return, linked_return FROM accounting.account_valuation") == [
        (Decimal("0.01234568"), Decimal("-0.50000000"))
    ]


def test_a_load_is_invisible_until_it_is_published(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY)]))
    assert rows_of(url, "SELECT quantity FROM accounting.position_published") == []
    assert rows_of(url, "SELECT quantity FROM accounting.position_candidate") == [(Decimal(10),)]
    publish(url, 1, [MONDAY], KNOWN, "test")
    assert rows_of(url, "SELECT quantity FROM accounting.position_published") == [(Decimal(10),)]
    assert rows_of(url, "SELECT quantity FROM accounting.position_candidate") == []


def test_nothing_to_load_writes_nothing(url: str) -> None:
    assert load_dates(url, 1, frames()) is None
    assert rows_of(url, "SELECT count(*) FROM ops.load") == [(0,)]


def test_a_load_records_every_table_for_each_of_its_days(url: str) -> None:
    given = frames(position=[position(MONDAY), position(TUESDAY)], account_valuation=[valuation(TUESDAY)])
    key = load_dates(url, 1, given)
    recorded = rows_of(url, "SELECT as_of_date, table_name, row_count FROM ops.load_date WHERE load_key = 1")
    assert key == 1
    assert {(day, table) for day, table, _ in recorded} == {(d, t) for d in (MONDAY, TUESDAY) for t in LOADED}
    assert sum(int(str(count)) for _, _, count in recorded) == 3
    assert rows_of(url, "SELECT from_date, to_date FROM ops.load") == [(MONDAY, TUESDAY)]


@pytest.mark.parametrize("break_it", ["missing", "unknown", "tenant"])
def test_frames_that_are_not_whole_days_of_one_tenant_are_refused(url: str, break_it: str) -> None:
    given = frames(position=[position(MONDAY, tenant=2 if break_it == "tenant" else 1)])
    if break_it == "missing":
        del given["quality.feed_readiness"]
    if break_it == "unknown":
        given["accounting.ledger_entry"] = pl.DataFrame()
    with pytest.raises(IncompleteLoadError):
        load_dates(url, 1, given)
    assert leaves(url) == []


def test_a_ratio_that_is_no_number_is_refused_by_name(url: str) -> None:
    with pytest.raises(UnrepresentableValueError, match=r"accounting\.account_valuation"):
        load_dates(url, 1, frames(account_valuation=[valuation(MONDAY, daily_return=float("nan"))]))


def test_a_return_on_a_residue_of_one_cent_is_held(url: str) -> None:
    load_dates(url, 1, frames(account_valuation=[valuation(MONDAY, daily_return=15_000.25)]))
    assert rows_of(url, "SELECT daily_return FROM accounting.account_valuation") == [(Decimal("15000.25"),)]


def test_a_load_that_fails_in_its_last_table_leaves_nothing(url: str) -> None:
    twice = [valuation(MONDAY), valuation(MONDAY)]
    with pytest.raises(Exception, match="account_valuation"):
        load_dates(url, 1, frames(position=[position(MONDAY)], account_valuation=twice))
    assert leaves(url) == []
    assert rows_of(url, "SELECT count(*) FROM ops.load") == [(0,)]


def test_a_loader_killed_before_its_commit_leaves_nothing_and_the_next_load_succeeds(url: str) -> None:
    program = textwrap.dedent(
        f"""
        from tests.warehouse.postgres.rows import MONDAY, frames, position
        from warehouse.postgres.load import load_dates
        load_dates({url!r}, 1, frames(position=[position(MONDAY)]))
        """
    )
    waiting = (
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = "
    )
    waiting += "current_database()"
    with psycopg.connect(url) as blocker:
        blocker.execute("LOCK TABLE accounting.position IN SHARE UPDATE EXCLUSIVE MODE")  # what an attach needs
        with subprocess.Popen([sys.executable, "-c", program], cwd=REPOSITORY) as loader:
            try:
                while rows_of(url, waiting) == [(0,)]:
                    assert loader.poll() is None
                    time.sleep(0.02)
            finally:
                loader.send_signal(signal.SIGKILL)
    assert load_dates(url, 1, frames(position=[position(MONDAY, "11")])) is not None
    assert rows_of(url, "SELECT quantity FROM accounting.position") == [(Decimal(11),)]
    assert len(leaves(url)) == 1


def test_an_orphan_leaf_goes_with_the_tenants_next_load_and_no_other_tenants(url: str) -> None:
    for name in ("accounting_position_t1_l900", "accounting_position_t11_l900"):
        with connect(url) as connection:
            connection.execute(f"CREATE TABLE partitions.{name} (LIKE accounting.position)")
    load_dates(url, 1, frames(position=[position(MONDAY)]))
    assert leaves(url) == ["accounting_position_t11_l900", "accounting_position_t1_l1"]


def test_tenants_loading_at_the_same_time_do_not_mix(url: str) -> None:
    def load(tenant: int) -> int | None:
        return load_dates(url, tenant, frames(position=[position(MONDAY, str(tenant), tenant=tenant)]))

    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(load, [1, 2, 3, 4, 1, 2]))
    assert len(set(keys)) == 6
    stored = rows_of(url, "SELECT tenant_key, quantity::bigint, count(*) FROM accounting.position GROUP BY 1, 2")
    assert sorted(stored) == [(1, 1, 2), (2, 2, 2), (3, 3, 1), (4, 4, 1)]


def test_only_days_that_differ_from_their_last_load_have_changed(url: str) -> None:
    given = frames(
        position=[position(MONDAY), position(TUESDAY), position(WEDNESDAY)], account_valuation=[valuation(MONDAY)]
    )
    assert changed_dates(url, 1, hashes(given)) == {MONDAY, TUESDAY, WEDNESDAY}
    load_dates(url, 1, given)
    assert changed_dates(url, 1, hashes(given)) == set()
    assert changed_dates(url, 2, hashes(given)) == {MONDAY, TUESDAY, WEDNESDAY}
    corrected = frames(
        position=[position(MONDAY), position(TUESDAY, "12"), position(WEDNESDAY)], account_valuation=[valuation(MONDAY)]
    )
    assert changed_dates(url, 1, hashes(corrected)) == {TUESDAY}


def test_a_table_whose_rows_of_a_day_vanished_makes_the_day_changed(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY)], account_valuation=[valuation(MONDAY)]))
    assert changed_dates(url, 1, hashes(frames(position=[position(MONDAY)]))) == {MONDAY}


def test_a_callers_own_fingerprint_is_kept_and_compared(url: str) -> None:
    given = frames(position=[position(MONDAY)])
    own = {("accounting.position", MONDAY): (3, "3@1641364200"), ("quality.position_break", MONDAY): (1, "1@164136")}
    load_dates(url, 1, given, hashes=own)
    assert changed_dates(url, 1, own) == set()  # also for the table of which nothing is left but a fingerprint
    assert changed_dates(url, 1, own | {("quality.position_break", MONDAY): (2, "2@164137")}) == {MONDAY}
    counted = "SELECT row_count FROM ops.load_date WHERE table_name = 'accounting.position'"
    assert rows_of(url, counted) == [(1,)]


def test_a_day_whose_rows_have_all_vanished_is_loaded_empty(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY)]))
    publish(url, 1, [MONDAY], KNOWN, "test")
    assert load_dates(url, 1, frames(), dates=[MONDAY]) == 2
    publish(url, 1, [MONDAY], KNOWN, "test")
    assert rows_of(url, "SELECT count(*) FROM accounting.position_published") == [(0,)]


def test_a_query_for_one_day_reads_only_the_loads_that_cover_it(url: str) -> None:
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        load_dates(url, 1, frames(position=[position(day)]))
    plan = rows_of(url, "EXPLAIN SELECT * FROM accounting.position WHERE tenant_key = 1 AND as_of_date = '2022-01-04'")
    scanned = {str(line).split(" on ")[1].split()[0] for (line,) in plan if " on " in str(line)}
    assert scanned == {"accounting_position_t1_l2"}
