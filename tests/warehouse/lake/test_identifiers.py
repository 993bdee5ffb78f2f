"""Identifiers as text: completed, or left to name nothing."""

from __future__ import annotations

import polars as pl

from warehouse.lake.identifiers import full_cusip, valid_cusip, valid_figi


def test_cusip_without_its_check_digit_is_completed_and_one_with_it_stays() -> None:
    """Apple, Berkshire's class B, a CINS; of AT&T's 00206R102 the leading zeros are there and stay."""
    given = pl.Series(["03783310", "037833100", "08467070", "G0177J10", "00206R10", None, "", "ABC"])
    found = full_cusip(given).to_list()
    assert found == ["037833100", "037833100", "084670702", "G0177J108", "00206R102", None, "", "ABC"]


def test_a_cusip_that_may_have_lost_a_leading_zero_names_nothing() -> None:
    """37833100 is Apple's without its zero, and could be eight characters of another: no reading is taken."""
    assert full_cusip(pl.Series(["37833100"])).to_list() == ["37833100"]
    assert valid_cusip(full_cusip(pl.Series(["37833100"]))).to_list() == [False]


def test_a_figi_has_its_check_digit_and_is_no_isin() -> None:
    """Published FIGIs (OpenFIGI): Apple, IBM; with one digit changed they are none."""
    figis = pl.Series(["BBG000B9XRY4", "BBG000BLNNH6", "BBG000B9XRY5", "BSG000B9XRY4", None])
    assert valid_figi(figis).to_list() == [True, True, False, False, False]
