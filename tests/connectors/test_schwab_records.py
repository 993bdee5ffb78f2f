"""Single Schwab records: what is held back and why, and how signs, codes and shapes are read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from connectors.adapter import ParsedFile
from connectors.custodians.schwab.adapter import ADAPTER
from tests.connectors.golden import core_file, edited, parsed, reasons, sample_lines

BUY, SELL, DIVIDEND, DEPOSIT, FEE, TRANSFER = sample_lines("CRS20220105.TRN")[1:7]
POSITION, SHORT, BOND = sample_lines("CRS20220105.RPS")[1:4]
BALANCE = sample_lines("CRS20220105.RPS")[8]
SECURITY = sample_lines("CRS20220105.SEC")[1]
TRN, RPS, SEC = "canonical.transaction", "canonical.custodian_position", "canonical.security"


def read(folder: Path, extension: str, *records: str) -> ParsedFile:
    return parsed(ADAPTER, core_file(folder, extension, records))


@pytest.mark.parametrize(
    ("at", "reason", "field"),
    [
        ({670: "20220230"}, "impossible_date", "trade_date"),
        ({679: "2022013 "}, "impossible_date", "settlement_date"),
        ({670: " " * 8}, "missing_value", "trade_date"),
        ({706: "       12.3.4    "}, "unparsable_number", "quantity"),
        ({706: " " * 17}, "missing_value", "quantity"),
        ({706: "       -10.00000 "}, "number_out_of_range", "quantity"),
        ({706: "1234567890123.000"}, "number_out_of_range", "quantity"),
        ({767: " " * 17}, "missing_value", "net_amount"),
        ({767: "         1.00001 "}, "number_out_of_range", "net_amount"),
        ({785: "         FREE    "}, "unparsable_number", "commission"),
        ({524: "  "}, "missing_value", "transaction_type_code"),
        ({524: "XX"}, "unknown_code", "transaction_type_code"),
        ({527: "XX"}, "unknown_code", "transaction_type_code"),
        ({760: "CREDIT"}, "unknown_code", "transaction_type_code"),
        ({760: "      "}, "unknown_code", "transaction_type_code"),
        ({668: "Q"}, "unknown_code", "cancel_code"),
        ({13: "  08999999"}, "foreign_account", "master_account_number"),
        ({13: " " * 10}, "missing_value", "master_account_number"),
        ({64: " " * 10}, "missing_value", "account_number"),
        ({55: "20220104"}, "impossible_date", "business_date"),
        ({723: "X"}, "wrong_field_count", "record_type"),
        ({1: "D7"}, "unknown_record_type", "record_type"),
        ({1: "D1 "}, "unknown_record_type", "record_type"),
    ],
)
def test_a_bad_transaction_is_held_back_by_name_and_the_rest_goes_on(
    tmp_path: Path, at: dict[int, str], reason: str, field: str
) -> None:
    bad = edited(BUY, at)
    result = read(tmp_path, "TRN", SELL, bad, DIVIDEND)
    assert reasons(result) == [(3, reason, field)]
    assert result.frames[TRN]["source_line"].to_list() == [2, 4]
    assert result.rejects["raw_text"][0] == bad
    assert result.rejects["table_name"][0] == TRN


def test_an_unknown_code_is_named(tmp_path: Path) -> None:
    detail = read(tmp_path, "TRN", edited(BUY, {524: "QX", 527: "7"})).rejects["detail"][0]
    assert "QX/7/DEBIT" in detail
    assert "codes.csv" in detail


def test_a_record_with_two_faults_is_one_record_with_two_rejects(tmp_path: Path) -> None:
    result = read(tmp_path, "TRN", edited(BUY, {670: "20229999", 785: "XXXX"}))
    assert [reason for _, reason, _ in reasons(result)] == ["impossible_date", "unparsable_number"]
    assert (result.record_count, result.quarantined_count) == (1, 1)


@pytest.mark.parametrize("length", [1, 2, 3, 10, 600, 775, 1870])
def test_a_line_cut_in_the_middle_is_a_misfit_and_never_a_smaller_number(tmp_path: Path, length: int) -> None:
    assert reasons(read(tmp_path, "TRN", BUY[:length], SELL))[0][1] in {"wrong_field_count", "unknown_record_type"}


@pytest.mark.parametrize("length", [1905, 1906, 1954, 2204, 2258, 2259])
def test_a_line_of_an_older_layout_or_without_its_last_blanks_is_read(tmp_path: Path, length: int) -> None:
    assert not read(tmp_path, "TRN", BUY[:length].rstrip(" ")).rejects.height


def test_a_longer_line_of_a_later_layout_is_read(tmp_path: Path) -> None:
    assert not read(tmp_path, "TRN", BUY + "NEW FIELD|ANOTHER|").rejects.height


def test_a_stray_pipe_inside_a_description_does_not_hurt_a_fixed_record(tmp_path: Path) -> None:
    assert not read(tmp_path, "TRN", edited(BUY, {580: "||| BUY | OF |"})).rejects.height


@pytest.mark.parametrize(
    ("record", "at", "type_", "quantity", "amount"),
    [
        (BUY, {}, "BUY", "10", "-1004.95"),
        (BUY, {524: "RI"}, "REINVESTMENT", "10", "-1004.95"),
        (SELL, {}, "SELL", "-7.5", "749.98"),
        (DIVIDEND, {524: "IN"}, "INTEREST", "0", "8.5"),
        (DIVIDEND, {524: "CGST"[:2], 527: "ST"}, "CAPITAL_GAIN_SHORT", "0", "8.5"),
        (DIVIDEND, {524: "CG", 527: "LT"}, "CAPITAL_GAIN_LONG", "0", "8.5"),
        (DEPOSIT, {524: "WD", 760: "DEBIT "}, "WITHDRAWAL", "0", "-25000"),
        (DEPOSIT, {524: "JN"}, "JOURNAL", "0", "25000"),
        (DEPOSIT, {524: "JN", 760: "DEBIT "}, "JOURNAL", "0", "-25000"),
        (BUY, {524: "JN"}, "JOURNAL", "-10", "-1004.95"),
        (FEE, {527: "OT"}, "OTHER_FEE", "0", "-312.5"),
        (FEE, {524: "TX", 527: "  "}, "TAX_WITHHELD", "0", "-312.5"),
        (TRANSFER, {524: "TO"}, "TRANSFER_OUT", "-3.125", "0"),
        (TRANSFER, {524: "SP"}, "SPLIT", "3.125", "0"),
        (TRANSFER, {524: "SP", 760: "DEBIT "}, "SPLIT", "-3.125", "0"),
    ],
)
def test_codes_and_direction_give_type_and_signs(
    tmp_path: Path, record: str, at: dict[int, str], type_: str, quantity: str, amount: str
) -> None:
    frame = read(tmp_path, "TRN", edited(record, at)).frames[TRN]
    assert frame.select("transaction_type", "quantity", "amount").rows() == [
        (type_, Decimal(quantity), Decimal(amount))
    ]


def test_fees_and_withholding_are_sums_of_their_fields(tmp_path: Path) -> None:
    one = "          1.01000"
    fields = dict.fromkeys((803, 821, 839, 857, 875, 893, 911, 929, 1841, 1859), one)
    frame = read(tmp_path, "TRN", edited(SELL, fields)).frames[TRN]
    assert frame.select("fees", "tax_withheld").rows() == [(Decimal("6.06"), Decimal("4.04"))]


def test_three_identical_fills_stay_three_rows(tmp_path: Path) -> None:
    assert read(tmp_path, "TRN", BUY, BUY, BUY).frames[TRN].height == 3


def test_the_account_number_is_the_right_eight_of_its_field(tmp_path: Path) -> None:
    numbers = ["  50000001", "9950000001", "50000001  ", "   1234567"]
    records = [edited(DEPOSIT, {64: number}) for number in numbers]
    taken = read(tmp_path, "TRN", *records).frames[TRN]["account_number"].to_list()
    assert taken == ["50000001", "50000001", "50000001", "1234567"]


def test_a_connection_without_master_accounts_takes_every_one(tmp_path: Path) -> None:
    path = core_file(tmp_path, "TRN", [edited(BUY, {13: "  07777777"})])
    assert parsed(ADAPTER, path, masters=()).frames[TRN].height == 1
    assert parsed(ADAPTER, path, masters=("7777777", "1")).frames[TRN].height == 1
    assert parsed(ADAPTER, path, masters=("17777777",)).rejects["reason"].to_list() == ["foreign_account"]


def test_accented_text_does_not_move_the_fields_behind_it(tmp_path: Path) -> None:
    frame = read(tmp_path, "TRN", edited(BUY, {75: "ÉMILE ZOLÀ", 580: "€€€€"})).frames[TRN]
    assert frame.select("quantity", "amount").rows() == [(Decimal(10), Decimal("-1004.95"))]


def place(record: str, number: int, text: str) -> str:
    parts = record.split("|")
    parts[number - 1] = text
    return "|".join(parts)


@pytest.mark.parametrize(
    ("number", "text", "reason", "field"),
    [
        (20, "A|B CORP", "wrong_field_count", "record_type"),
        (35, "1.2.3", "unparsable_number", "closing_price"),
        (35, "-1", "number_out_of_range", "closing_price"),
        (36, "20220230", "impossible_date", "price_update_date"),
        (37, "", "missing_value", "quantity_settled_and_unsettled"),
        (38, "", "missing_value", "long_short_indicator"),
        (38, "N", "unknown_code", "long_short_indicator"),
        (39, "1.00001", "number_out_of_range", "market_value_settled_and_unsettled"),
        (3, "00000009", "foreign_account", "master_account_number"),
        (13, "03783310000", "contract_violation", "cusip"),
    ],
)
def test_a_bad_position_is_held_back_with_its_price(
    tmp_path: Path, number: int, text: str, reason: str, field: str
) -> None:
    result = read(tmp_path, "RPS", place(POSITION, number, text), BOND, SHORT, BALANCE)
    assert reasons(result) == [(2, reason, field)]
    assert result.frames["canonical.price"]["source_line"].to_list() == [3, 4]
    assert result.frames["canonical.custodian_balance"].height == 3


def test_a_padded_reconciliation_file_survives_a_stray_pipe(tmp_path: Path) -> None:
    def padded(record: str, description: str) -> str:
        parts = record.split("|")
        parts[19] = description
        widths = [2, 8, 10, 30, 8, 10, *[30] * 44]
        return "|".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)) + "|"

    def other(number: int) -> str:
        return place(POSITION, 6, f"  6000000{number}")

    good = [padded(other(number), "PLAIN") for number in range(4)]
    stray = padded(POSITION, "X" * 30).replace("X" * 30, "A|B".ljust(30))
    result = read(tmp_path, "RPS", *good, stray)
    assert not result.rejects.height
    assert result.frames[RPS].filter(account_number="50000001")["quantity"].to_list() == [Decimal("42.5")]


def test_one_price_is_given_once_however_many_accounts_hold_it(tmp_path: Path) -> None:
    records = [place(POSITION, 6, f"  6000000{number}") for number in range(5)]
    result = read(tmp_path, "RPS", *records)
    assert result.frames[RPS].height == 5
    assert result.frames["canonical.price"].height == 1


def test_a_position_or_balance_stated_twice_counts_once(tmp_path: Path) -> None:
    result = read(tmp_path, "RPS", POSITION, POSITION, BALANCE, BALANCE)
    assert reasons(result) == [(3, "duplicate_key", "account_number"), (5, "duplicate_key", "account_number")]
    assert result.rejects["raw_text"].to_list() == [POSITION, BALANCE]


@pytest.mark.parametrize(
    ("category", "legacy", "expected"),
    [
        ("EQUITY  ", "  ", ("equity", Decimal(1), Decimal(1))),
        ("FIXEDINC", "??", ("bond", Decimal("0.01"), Decimal(1))),
        ("        ", "CB", ("bond", Decimal("0.01"), Decimal(1))),
        ("UNHEARD ", "OP", ("option", Decimal(1), Decimal(100))),
        ("mutfund ", "  ", ("mutual_fund", Decimal(1), Decimal(1))),
    ],
)
def test_the_type_gives_factor_and_multiplier(
    tmp_path: Path, category: str, legacy: str, expected: tuple[str, Decimal, Decimal]
) -> None:
    frame = read(tmp_path, "SEC", edited(SECURITY, {69: category, 87: legacy})).frames[SEC]
    assert frame.select("security_type", "price_factor", "multiplier").rows() == [expected]


@pytest.mark.parametrize(
    ("at", "reason"), [({69: "        ", 87: "  "}, "missing_value"), ({69: "NEWTYPE ", 87: "ZZ"}, "unknown_code")]
)
def test_a_security_of_unknown_type_is_held_back_rather_than_priced_wrongly(
    tmp_path: Path, at: dict[int, str], reason: str
) -> None:
    result = read(tmp_path, "SEC", edited(SECURITY, at))
    assert reasons(result) == [(2, reason, "product_category_code")]
    assert not result.frames["canonical.price"].height
