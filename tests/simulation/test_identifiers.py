"""Check digits against identifiers that their issuers published."""

from __future__ import annotations

import pytest

from simulation.identifiers import cusip, cusip_check_digit, isin, isin_check_digit, sedol, sedol_check_digit
from simulation.securities import securities


@pytest.mark.parametrize("number", ["037833100", "594918104", "46625H100", "38259P508", "68389X105", "17275R102"])
def test_a_cusip_ends_in_its_check_digit(number: str) -> None:
    assert cusip(number[:8]) == number


@pytest.mark.parametrize("number", ["US0378331005", "GB0002634946", "DE0007164600", "FR0000120271", "US38259P5089"])
def test_an_isin_ends_in_its_check_digit(number: str) -> None:
    assert isin(number[:2], number[2:11]) == number


@pytest.mark.parametrize("number", ["0263494", "B0YBKJ7", "2046251", "0709954"])
def test_a_sedol_ends_in_its_check_digit(number: str) -> None:
    assert sedol(number[:6]) == number


def test_a_stem_of_the_wrong_length_or_alphabet_is_refused() -> None:
    for function, stem in ((cusip_check_digit, "03783310X"), (isin_check_digit, "US03"), (sedol_check_digit, "02634")):
        with pytest.raises(ValueError, match="characters"):
            function(stem)
    with pytest.raises(ValueError, match="cannot stand"):
        cusip_check_digit("0378-310")


def test_every_security_of_the_market_has_sound_identifiers() -> None:
    listed = securities()
    for security in listed:
        assert isin(security.isin[:2], security.isin[2:11]) == security.isin
        if security.cusip is not None:
            assert cusip(security.cusip[:8]) == security.cusip
            assert security.isin[:11] == f"US{security.cusip}"
        if security.sedol is not None:
            assert sedol(security.sedol[:6]) == security.sedol
    for name in ("ticker", "isin", "custodian_number", "issue_id"):
        assert len({getattr(security, name) for security in listed}) == len(listed)


def test_invented_securities_cannot_be_taken_for_real_ones() -> None:
    for security in securities():
        if not security.is_real:
            private_issuer = security.cusip is not None and security.cusip[3:6] == "995"
            assert private_issuer or security.isin.startswith("QZ")
