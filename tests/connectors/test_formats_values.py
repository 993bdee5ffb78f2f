"""Texts as exact values: what is taken, what is none, and what is refused by name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats import values
from connectors.formats.rejects import ordered, separated
from connectors.formats.values import Field, checks_of, typed, with_values
from contracts.feed import FeedReject


def outcome(field: Field, text: str | None) -> object:
    """The value, or the reason for which the record is held back."""
    frame = pl.DataFrame({"line": [7], "text": ["whole line"], "x": pl.Series([text], dtype=pl.String)})
    good, rejects = separated(with_values(frame, [field]), checks_of([field]), "canonical.price")
    if rejects.height:
        assert rejects["source_line"].to_list() == [7]
        assert rejects["raw_text"].to_list() == ["whole line"]
        return str(rejects["reason"][0])
    return good.select(typed("x")).item()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5", Decimal("1.5")),
        ("+3", Decimal(3)),
        ("-.5", Decimal("-0.5")),
        ("5.", Decimal(5)),
        ("0001.10000000000000", Decimal("1.1")),
        ("999999999999.99999999", Decimal("999999999999.99999999")),
        (None, None),
        ("1000000000000", "number_out_of_range"),
        ("0.000000005", "number_out_of_range"),
        ("1.123456789", "number_out_of_range"),
        ("9" * 60, "number_out_of_range"),
        ("1e3", "unparsable_number"),
        ("1,000", "unparsable_number"),
        ("nan", "unparsable_number"),
        ("inf", "unparsable_number"),
        ("--1", "unparsable_number"),
        (".", "unparsable_number"),
        ("-", "unparsable_number"),
        ("1 2", "unparsable_number"),
        ("\u0661", "unparsable_number"),
        ("*********", "unparsable_number"),
    ],
)
def test_a_number_is_taken_exactly_or_refused(text: str | None, expected: object) -> None:
    assert outcome(values.decimal("x", scale=8), text) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**16) + 1, max_value=10**16 - 1))
def test_every_number_that_fits_survives_to_the_last_digit(number: Decimal) -> None:
    assert outcome(values.decimal("x", scale=4), f"{number:f}") == number


def test_a_minus_is_refused_where_direction_is_stated_apart() -> None:
    assert outcome(values.decimal("x", scale=4, unsigned=True), "-1") == "number_out_of_range"
    assert outcome(values.decimal("x", scale=4, unsigned=True), "-0.00") == Decimal(0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20220105", date(2022, 1, 5)),
        ("20240229", date(2024, 2, 29)),
        ("00000000", None),
        ("99991231", None),
        (None, None),
        ("20220231", "impossible_date"),
        ("20221301", "impossible_date"),
        ("2022015", "impossible_date"),
        ("202201055", "impossible_date"),
        ("2022-1-5", "impossible_date"),
        ("+2022015", "impossible_date"),
        ("00010101", "impossible_date"),
        ("ABCDEFGH", "impossible_date"),
    ],
)
def test_a_day_of_the_calendar_is_taken_and_none_is_none(text: str | None, expected: object) -> None:
    assert outcome(values.date("x"), text) == expected


@pytest.mark.parametrize("text", [None, "00000000", "99991231"])
def test_a_required_day_must_be_there(text: str | None) -> None:
    assert outcome(values.date("x", required=True), text) == "missing_value"


def test_a_required_blank_is_missing() -> None:
    assert outcome(values.decimal("x", scale=4, required=True), None) == "missing_value"
    assert outcome(values.text("x", max_length=3, required=True), None) == "missing_value"
    assert outcome(values.code("x", {"L": "long"}, required=True, where="codes"), None) == "missing_value"


def test_a_text_that_is_too_long_breaks_the_contract() -> None:
    assert outcome(values.text("x", max_length=3), "four") == "contract_violation"


def test_an_unknown_code_is_named_with_where_to_add_it() -> None:
    field = values.code("x", {"L": "long"}, where="codes.csv")
    assert outcome(field, "L") == "long"
    frame = with_values(pl.DataFrame({"line": [1], "text": ["t"], "x": ["Q"]}), [field])
    _, rejects = separated(frame, field.checks, "canonical.price")
    assert "Q" in rejects["detail"][0]
    assert "codes.csv" in rejects["detail"][0]


def test_a_record_with_two_faults_has_two_rejects_and_a_long_line_is_cut_at_4000() -> None:
    frame = pl.DataFrame({"line": [3], "text": ["x" * 9000], "a": ["bad"], "b": ["20229999"]})
    fields = [values.decimal("a", scale=4), values.date("b")]
    good, rejects = separated(with_values(frame, fields), checks_of(fields), "canonical.price")
    assert not good.height
    assert ordered([rejects, rejects]).select("reason", "field_name").rows() == [
        ("unparsable_number", "a"),
        ("impossible_date", "b"),
    ]
    assert rejects["raw_text"].str.len_chars().to_list() == [4000, 4000]


@pytest.mark.parametrize("character", ["x", "é", "€", "😀"])
def test_the_cut_of_a_line_never_splits_a_character_nor_exceeds_the_contract(character: str) -> None:
    frame = pl.DataFrame({"line": [1], "text": ["y" + character * 5000], "x": ["bad"]})
    field = values.decimal("x", scale=4)
    _, rejects = separated(with_values(frame, [field]), field.checks, "canonical.price")
    FeedReject.validate(rejects)
    assert rejects["raw_text"].str.len_bytes()[0] >= 2000
