"""Publication: one row per day makes a load visible; doing it again changes nothing; what it replaced goes."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from tests.warehouse.postgres.rows import KNOWN, MONDAY, TUESDAY, WEDNESDAY, frames, position
from tests.warehouse.postgres.test_load import leaves, rows_of
from warehouse.postgres.load import load_dates
from warehouse.postgres.publication import drop_superseded, publish, unpublished

PUBLISHED = "SELECT as_of_date, quantity::bigint FROM accounting.position_published ORDER BY as_of_date"


def test_publishing_again_writes_no_row(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY), position(TUESDAY)]))
    assert publish(url, 1, [MONDAY, TUESDAY], KNOWN, "a") == 2
    assert publish(url, 1, [MONDAY, TUESDAY], KNOWN, "b") == 0
    assert rows_of(url, "SELECT DISTINCT code_version, methodology_version, known_at FROM ops.publication") == [
        ("a", "1.0", KNOWN)
    ]


def test_days_are_published_one_by_one_and_those_never_loaded_not_at_all(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY), position(TUESDAY)]))
    assert unpublished(url) == [(1, MONDAY, 1), (1, TUESDAY, 1)]
    assert publish(url, 1, [TUESDAY, WEDNESDAY], KNOWN, "a") == 1
    assert unpublished(url) == [(1, MONDAY, 1)]
    assert rows_of(url, PUBLISHED) == [(TUESDAY, 10)]


def test_a_publication_of_one_tenant_shows_nothing_of_another(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY)]))
    load_dates(url, 2, frames(position=[position(MONDAY, "20", tenant=2)]))
    assert publish(url, 1, [MONDAY], KNOWN, "a") == 1
    assert rows_of(url, PUBLISHED) == [(MONDAY, 10)]
    assert unpublished(url) == [(2, MONDAY, 2)]


def test_a_newer_load_shows_only_once_published_and_then_wholly(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY), position(TUESDAY)]))
    publish(url, 1, [MONDAY, TUESDAY], KNOWN, "a")
    load_dates(url, 1, frames(position=[position(TUESDAY, "11"), position(TUESDAY, "5", security=8)]))
    assert rows_of(url, PUBLISHED) == [(MONDAY, 10), (TUESDAY, 10)]
    publish(url, 1, [TUESDAY], KNOWN, "b")
    assert sorted(rows_of(url, PUBLISHED)) == [(MONDAY, 10), (TUESDAY, 5), (TUESDAY, 11)]


def test_only_loads_that_nobody_can_see_again_are_dropped(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY), position(TUESDAY)]))
    publish(url, 1, [MONDAY, TUESDAY], KNOWN, "a")
    load_dates(url, 1, frames(position=[position(TUESDAY, "11")]))
    load_dates(url, 1, frames(position=[position(TUESDAY, "12")]))
    assert drop_superseded(url) == 1  # load 2: never published, and load 3 is newer
    assert leaves(url) == ["accounting_position_t1_l1", "accounting_position_t1_l3"]
    publish(url, 1, [TUESDAY], KNOWN, "b")
    assert drop_superseded(url) == 0  # load 1 still shows Monday
    load_dates(url, 1, frames(position=[position(MONDAY, "13")]))
    publish(url, 1, [MONDAY], KNOWN, "c")
    assert drop_superseded(url) == 1
    assert drop_superseded(url) == 0
    assert rows_of(url, PUBLISHED) == [(MONDAY, 13), (TUESDAY, 12)]
    assert rows_of(url, "SELECT load_key FROM ops.load WHERE dropped_at IS NOT NULL ORDER BY 1") == [(1,), (2,)]


def test_only_the_loads_that_were_tested_are_published(url: str) -> None:
    """Load 2 came while load 1 was being tested: Tuesday waits for the tests of load 2."""
    load_dates(url, 1, frames(position=[position(MONDAY), position(TUESDAY)]))
    tested = {load_key for _, _, load_key in unpublished(url)}
    load_dates(url, 1, frames(position=[position(TUESDAY, "11")]))
    assert publish(url, 1, [MONDAY, TUESDAY], KNOWN, "a", load_keys=tested) == 1
    assert rows_of(url, PUBLISHED) == [(MONDAY, 10)]
    assert publish(url, 1, [MONDAY, TUESDAY], KNOWN, "a", load_keys=[]) == 0
    assert publish(url, 1, [MONDAY, TUESDAY], KNOWN, "a", load_keys=[2]) == 1
    assert rows_of(url, PUBLISHED) == [(MONDAY, 10), (TUESDAY, 11)]


def test_readers_go_on_while_a_day_is_loaded_and_published(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY)]))
    publish(url, 1, [MONDAY], KNOWN, "a")
    with psycopg.connect(url) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute(PUBLISHED).fetchall() == [(MONDAY, 10)]
        load_dates(url, 1, frames(position=[position(MONDAY, "11"), position(TUESDAY)]))
        load_dates(url, 2, frames(position=[position(MONDAY, "9", tenant=2)]))
        publish(url, 1, [MONDAY], KNOWN, "b")
        assert reader.execute(PUBLISHED).fetchall() == [(MONDAY, 10)]
    assert rows_of(url, PUBLISHED) == [(MONDAY, 11)]


def test_a_detach_that_a_crash_cut_short_is_finished(url: str) -> None:
    load_dates(url, 1, frames(position=[position(MONDAY)]))
    load_dates(url, 1, frames(position=[position(MONDAY, "11")]))
    with psycopg.connect(url) as reader:
        assert reader.execute("SELECT sum(quantity) FROM accounting.position").fetchone() == (Decimal(21),)
        with psycopg.connect(url, autocommit=True) as crashing:
            crashing.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                crashing.execute(
                    "ALTER TABLE partitions.accounting_position_t1 "
                    "DETACH PARTITION partitions.accounting_position_t1_l1 CONCURRENTLY"
                )
    assert rows_of(url, "SELECT inhdetachpending FROM pg_inherits WHERE inhdetachpending") == [(True,)]
    assert drop_superseded(url) == 1
    assert leaves(url) == ["accounting_position_t1_l2"]
