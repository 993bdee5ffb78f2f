"""The content hash: same rows same hash, whatever the order; any difference another hash."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.tables.accounting import POSITION
from tests.warehouse.postgres.rows import MONDAY, REPOSITORY, TUESDAY, filled, position
from warehouse.postgres.content import UnsupportedContentError, content_hash, content_hashes

SCHEMA = {
    "day": pl.Date,
    "count": pl.Int64,
    "money": pl.Decimal(20, 4),
    "ratio": pl.Float64,
    "name": pl.String,
    "flag": pl.Boolean,
}

row = st.fixed_dictionaries(
    {
        "day": st.dates(date(2022, 1, 1), date(2022, 1, 4)),
        "count": st.none() | st.integers(-(2**63), 2**63 - 1),
        "money": st.none() | st.decimals(-(10**15), 10**15, places=4),
        "ratio": st.none() | st.floats(allow_nan=False).map(lambda x: x or 0.0),
        "name": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        "flag": st.none() | st.booleans(),
    }
)


def frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(row, max_size=12), shuffled=st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_does_not_matter(rows: list[dict[str, object]], shuffled: object) -> None:
    other = list(rows)
    shuffled.shuffle(other)  # type: ignore[attr-defined]
    assert content_hash(frame(rows)) == content_hash(frame(other).select(sorted(SCHEMA, reverse=True)))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(row, min_size=1, max_size=12))
def test_each_days_hash_is_that_of_its_rows_alone(rows: list[dict[str, object]]) -> None:
    whole = frame(rows)
    expected = {
        day: (part.height, content_hash(part)) for (day,), part in whole.partition_by("day", as_dict=True).items()
    }
    assert content_hashes(whole, "day") == expected


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(row, min_size=1, max_size=6), changed=row)
def test_a_row_more_or_another_row_gives_another_hash(
    rows: list[dict[str, object]], changed: dict[str, object]
) -> None:
    whole = frame(rows)
    assert content_hash(whole) != content_hash(frame([*rows, rows[0]]))
    replaced = frame([changed, *rows[1:]])
    same = sorted(map(repr, replaced.rows())) == sorted(map(repr, whole.rows()))
    assert same or content_hash(replaced) != content_hash(whole)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pl.Series(["", None]), pl.Series([None, None], dtype=pl.String)),
        (pl.Series(["ab", "c"]), pl.Series(["a", "bc"])),
        (pl.Series([0, None]), pl.Series([None, None], dtype=pl.Int64)),
        (pl.Series([True, None]), pl.Series([True, False])),
        (pl.Series([Decimal("1.0")]), pl.Series([Decimal("1.1")])),
        (pl.Series([0.1 + 0.2]), pl.Series([0.3])),
    ],
)
def test_values_that_differ_a_little_differ(left: pl.Series, right: pl.Series) -> None:
    assert content_hash(left.alias("x").to_frame()) != content_hash(right.alias("x").to_frame())


def test_an_enumeration_hashes_as_its_text_and_minus_zero_as_zero() -> None:
    text = pl.DataFrame({"x": ["b", "a"], "y": [0.0, 1.0]})
    coded = pl.DataFrame({"x": ["b", "a"], "y": [-0.0, 1.0]}, schema={"x": pl.Enum(["b", "a"]), "y": pl.Float64})
    assert content_hash(text) == content_hash(coded)


def test_the_hash_is_the_same_in_every_process_and_release() -> None:
    days = filled(POSITION, [position(MONDAY), position(TUESDAY, "0.1")])
    pinned = "e7dceac6c6b6197eae4d6d3819ccd92f1efb8856eaea0e84af61c4816554face"
    assert content_hash(days) == pinned
    program = (
        "from contracts.tables.accounting import POSITION\n"
        "from tests.warehouse.postgres.rows import *\n"
        "from warehouse.postgres.content import content_hash\n"
        "print(content_hash(filled(POSITION, [position(TUESDAY, '0.1'), position(MONDAY)])))"
    )
    other = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == pinned


def test_a_nested_column_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedContentError, match="'x'"):
        content_hash(pl.DataFrame({"x": [[1]]}))


def test_no_rows_hash_and_have_no_days() -> None:
    assert len(content_hash(POSITION.empty())) == 64
    assert content_hashes(POSITION.empty(), "as_of_date") == {}


def test_days_far_apart_keep_their_dates() -> None:
    far = [date(1970, 1, 1) - timedelta(days=1), date(2099, 12, 31)]
    assert list(content_hashes(pl.DataFrame({"day": far}), "day")) == far
