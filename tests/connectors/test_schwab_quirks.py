"""Schwab's quirks, a test for each, and what a firm may teach the connector."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from connectors.adapter import RawFile
from connectors.connection import Connection
from connectors.custodians.schwab.adapter import ADAPTER
from connectors.errors import FeedFault
from connectors.registry import adapter as registered
from tests.connectors.golden import connection, core_file, edited, keeps_the_law, parsed, reasons, sample_lines

TRANSACTION, POSITION = "canonical.transaction", "canonical.custodian_position"
BUY, SEC_AAPL = sample_lines("CRS20220105.TRN")[1], sample_lines("CRS20220105.SEC")[1]
DESCRIPTION = 580
OTHER_MASTER = {13: "  08777777"}


def with_codes(name: str, path: Path, text: str) -> Connection:
    path.write_text(text)
    return connection("schwab").model_copy(update={"codes": {name: path}})


def read(path: Path, feed: Connection) -> pl.DataFrame:
    found = ADAPTER.kind_of(path.name)
    assert found is not None
    result = ADAPTER.parse(RawFile(path, path.name, *found), feed)
    keeps_the_law(result)
    return next(iter(result.frames.values()))


def test_the_same_account_under_several_masters_is_kept_once_in_a_file(tmp_path: Path) -> None:
    account = sample_lines("CRS20220105.ACC")[1]
    path = core_file(tmp_path, "ACC", [account, edited(account, OTHER_MASTER)])
    result = parsed(ADAPTER, path, ["08123456", "08777777"])
    assert result.frames["canonical.account"]["master_account_number"].to_list() == ["08123456"]
    assert reasons(result) == [(3, "duplicate_key", "account_number")]


def test_a_pipe_inside_a_description_moves_no_field(tmp_path: Path) -> None:
    plain = parsed(ADAPTER, core_file(tmp_path, "TRN", [BUY])).frames[TRANSACTION]
    piped = parsed(ADAPTER, core_file(tmp_path, "TRN", [edited(BUY, {DESCRIPTION: "A|B||C"})])).frames[TRANSACTION]
    assert piped.equals(plain)


@pytest.mark.parametrize("end", [1906, 1955, 2205, 2260])
def test_lines_of_every_version_marker_are_read_and_longer_ones_too(tmp_path: Path, end: int) -> None:
    plain = parsed(ADAPTER, core_file(tmp_path, "TRN", [BUY])).frames[TRANSACTION]
    for line in (BUY[:end], BUY[:end].rstrip("|") if end == 2260 else BUY[:end], f"{BUY}20260101|A NEW FIELD|"):
        assert parsed(ADAPTER, core_file(tmp_path, "TRN", [line])).frames[TRANSACTION].equals(plain)


def test_taxable_and_non_taxable_duplicates_of_a_security_are_one_security_with_one_price(tmp_path: Path) -> None:
    other = edited(SEC_AAPL, {64: "EQT2", 78: "NONTAX  "})
    result = parsed(ADAPTER, core_file(tmp_path, "SEC", [SEC_AAPL, other]))
    described = result.frames["canonical.security"]
    assert described.height == 2
    assert described.drop("source_line").n_unique() == 1
    assert result.frames["canonical.price"].height == 1
    assert result.quarantined_count == 0


def test_bank_sweep_is_a_balance_of_the_account_and_no_position(tmp_path: Path) -> None:
    balances = [line for line in sample_lines("CRS20220105.RPS") if line.startswith("D2")]
    result = parsed(ADAPTER, core_file(tmp_path, "RPS", balances[1:2]))
    sweep = result.frames["canonical.custodian_balance"].filter(pl.col("balance_type") == "sweep")
    assert sweep["balance"].to_list() == [Decimal(300)]
    assert result.frames[POSITION].is_empty()


def test_header_and_trailer_are_no_records(tmp_path: Path) -> None:
    assert parsed(ADAPTER, core_file(tmp_path, "TRN", [BUY])).record_count == 1


@pytest.mark.parametrize("kind", ["UPT", "UPN", "TCF", "TOA", "FAM"])
def test_a_kind_that_is_not_read_is_whole_or_refused_and_brings_no_record(tmp_path: Path, kind: str) -> None:
    result = parsed(ADAPTER, core_file(tmp_path, kind, ["DP|ANYTHING|", "D1|AT|ALL|"]))
    assert (result.record_count, result.frames, result.business_date) == (0, {}, date(2022, 1, 5))
    cut = core_file(tmp_path, kind, ["DP|ANYTHING|"], trailer=f"TR|SCHWAB  |  08123456|20220105|{7:010d}|")
    with pytest.raises(FeedFault, match="trailer_mismatch"):
        parsed(ADAPTER, cut)


@pytest.mark.parametrize(("at", "text"), [(2234, "factor"), (2215, "unfactored")])
def test_what_a_transaction_says_of_factors_moves_nothing(tmp_path: Path, at: int, text: str) -> None:
    plain = parsed(ADAPTER, core_file(tmp_path, "TRN", [BUY])).frames[TRANSACTION]
    assert parsed(ADAPTER, core_file(tmp_path, "TRN", [edited(BUY, {at: text})])).frames[TRANSACTION].equals(plain)


def test_a_holding_s_factor_must_be_a_number_and_its_price_has_it_already(tmp_path: Path) -> None:
    holding = sample_lines("CRS20220105.RPS")[1].rstrip("|").split("|")
    holding += [""] * (50 - len(holding))
    good, bad = list(holding), list(holding)
    good[44:49] = ["1.02", "0.5", "", "349.84", "0.5"]
    bad[48] = "half"
    plain = parsed(ADAPTER, core_file(tmp_path, "RPS", ["|".join(holding) + "|"])).frames[POSITION]
    assert parsed(ADAPTER, core_file(tmp_path, "RPS", ["|".join(good) + "|"])).frames[POSITION].equals(plain)
    assert reasons(parsed(ADAPTER, core_file(tmp_path, "RPS", ["|".join(bad) + "|"]))) == [
        (2, "unparsable_number", "factor")
    ]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("BY,,DEBIT,TRANSFER_IN,plus,zero", [("TRANSFER_IN", Decimal(0))]),
        ("BY,,any,JOURNAL,zero,direction", [("JOURNAL", Decimal("-1004.95"))]),
        ("QQ,,any,JOURNAL,zero,direction", [("BUY", Decimal("-1004.95"))]),
    ],
)
def test_a_firm_s_own_codes_come_before_the_connector_s(
    tmp_path: Path, own: str, expected: list[tuple[str, Decimal]]
) -> None:
    header = "code,sub_code,direction,transaction_type,quantity_sign,amount_sign\n"
    feed = with_codes("transactions", tmp_path / "own.csv", f"{header}{own}\n")
    found = read(core_file(tmp_path, "TRN", [BUY]), feed)
    assert found.select(pl.col("transaction_type").cast(pl.String), "amount").rows() == expected


def test_a_firm_s_own_types_and_registrations_are_used(tmp_path: Path) -> None:
    unknown = sample_lines("CRS20220105.SEC")[4]
    category = unknown[68:76].strip()
    feed = with_codes(
        "security_types", tmp_path / "types.csv",
        f"code_of,code,security_type,asset_class,price_factor,multiplier\ncategory,{category},bond,fixed_income,0.01,1\n",
    )  # fmt: skip
    assert read(core_file(tmp_path, "SEC", [unknown]), feed)["security_type"].to_list() == ["bond"]
    feed = with_codes("registrations", tmp_path / "own.csv", "registration,tax_status\nXYZ,tax_exempt\n")
    assert read(core_file(tmp_path, "ACC", [sample_lines("CRS20220105.ACC")[3]]), feed)["tax_status"].to_list() == [
        "tax_exempt"
    ]


def test_every_kind_is_told_by_its_header() -> None:
    sniff: Callable[[str], str | None] | None = registered("schwab").sniff
    assert sniff is not None
    for kind in ("TRN", "RPS", "ULT", "RLY", "MXR"):
        assert sniff("\n".join(sample_lines(f"CRS20220105.{kind}")[:1])) == kind
    assert sniff("REP,01/05/2022,1") is None
    assert sniff("") is None
