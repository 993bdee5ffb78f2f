"""The quirks of Pershing's account and security masters, each by its name."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.adapter import ParsedFile
from connectors.custodians.pershing.tables import redefinition
from tests.connectors.golden import reasons
from tests.connectors.pershing_fixture import ACCOUNT, framed, parsed, placed, written

SECURITY, PRICE = "canonical.security", "canonical.price"


def account(*fields: tuple[int, str]) -> str:
    return placed(750, (1, "CIA"), (4, "00000001"), (12, ACCOUNT), (750, "X"), *fields)


def security(letter: str, *fields: tuple[int, str], cusip: str = "037833100") -> str:
    return placed(132, (1, letter), (2, "000001"), (8, cusip), (132, "X"), *fields)


def accounts(folder: Path, *rows: str) -> ParsedFile:
    return parsed(written(folder, "ACCF.ACCF", framed("ACCT", rows)))


def securities(folder: Path, *rows: str) -> ParsedFile:
    return parsed(written(folder, "20180605.ISCA", framed("ISCA", rows)))


@pytest.mark.parametrize(
    ("registration", "text", "meant"),
    [
        ("JNTN", "JTTN", "joint_tenancy_clause"),
        ("TODJ", "CMPP", "joint_tenancy_clause"),
        ("CUST", "DE20090704", "custodian_gift_data"),
        ("TRST", "L20100115", "trust_type_and_date"),
        ("INDV", "", None),
    ],
)
def test_registration_type_redefines_its_columns_and_spoils_no_other(
    tmp_path: Path, registration: str, text: str, meant: str | None
) -> None:
    result = accounts(tmp_path, account((44, registration), (242, text), (263, "20100201"), (279, "O")))
    assert redefinition(registration) == meant
    [row] = result.frames["canonical.account"].to_dicts()
    assert (row["account_type"], str(row["opened_date"])) == (registration.lower(), "2010-02-01")


def test_an_account_is_all_lines_of_one_sequence_id(tmp_path: Path) -> None:
    letters = [account().replace("CIA", f"CI{letter}", 1) for letter in "BCW4X7V"]
    result = accounts(tmp_path, account((50, "JANE SAMPLE")), *letters)
    assert (result.record_count, result.quarantined_count) == (1, 0)
    assert reasons(accounts(tmp_path, account().replace("CIA", "CIZ", 1))) == [
        (2, "unknown_record_type", "record_indicator")
    ]


def test_lines_with_addresses_and_tax_numbers_stay_out_of_quarantine(tmp_path: Path) -> None:
    tax_number = account((42, "999001234")).replace("CIA", "CIB", 1)
    result = accounts(tmp_path, account((263, "20101301")), tax_number)
    assert reasons(result) == [(2, "impossible_date", "opened_date")]
    assert "999001234" not in str(result.rejects.to_dicts())


def test_zero_pool_factor_means_not_factored(tmp_path: Path) -> None:
    kind = ((17, "500"), (129, "501"))
    result = securities(tmp_path, security("A", *kind), security("D", (88, "0000000000")))
    assert result.frames[SECURITY]["pool_factor"].to_list() == [None]
    result = securities(tmp_path, security("A", *kind), security("D", (88, "0087654321")))
    assert result.frames[SECURITY]["pool_factor"].to_list() == [Decimal("0.87654321")]


def test_expanded_price_has_nine_decimals_and_needs_its_date(tmp_path: Path) -> None:
    kind = security("A", (17, "000"), (129, "001"))
    dated, price = security("B", (87, "1180604")), security("F", (75, "000000191830000000"))
    priced = securities(tmp_path, kind, dated, price).frames[PRICE]
    assert [(str(day), value) for day, value in priced.select("price_date", "price").rows()] == [
        ("2018-06-04", Decimal("191.83"))
    ]
    assert securities(tmp_path, kind, price).frames[PRICE].height == 0
    assert securities(tmp_path, kind, dated, security("F", (75, "0" * 18))).frames[PRICE].height == 0


def test_dates_of_seven_digits_count_centuries_from_1900(tmp_path: Path) -> None:
    rows = [
        security("A", (17, "500"), (129, "501"), (28, text), cusip=f"03783310{n}").replace("000001", f"00000{n}", 1)
        for n, text in enumerate(("0991231", "1000101", "1310615", "0000000"))
    ]
    days = securities(tmp_path, *rows).frames[SECURITY]["maturity_date"].cast(str).to_list()
    assert days == ["1999-12-31", "2000-01-01", "2031-06-15", None]


def test_a_security_of_unknown_type_is_held_back_and_one_stated_twice_too(tmp_path: Path) -> None:
    unknown = securities(tmp_path, security("A", (17, "9Z9"), (129, "999")))
    assert reasons(unknown) == [(2, "unknown_code", "security_type")]
    row = security("A", (17, "000"), (129, "001"))
    twice = securities(tmp_path, row, row.replace("000001", "000002", 1))
    assert reasons(twice) == [(3, "duplicate_key", "provider_security_id")]
