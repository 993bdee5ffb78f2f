"""The history that a retail client downloads: sentences, blank lines above, a disclaimer below."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.adapter import ParsedFile, RawFile
from connectors.custodians.fidelity.adapter import ADAPTER
from connectors.errors import FeedFault
from tests.connectors.fidelity_fixture import read
from tests.connectors.golden import connection, reasons

COLUMNS = (
    "Run Date,Action,Symbol,Description,Type,Quantity,Price ($),Commission ($),Fees ($),Accrued Interest ($),"
    "Amount ($),Cash Balance ($),Settlement Date"
)
BUY = '01/05/2022,"YOU BOUGHT APPLE INC (AAPL) (Cash)",AAPL,"APPLE, INC",Cash,10,100,4.95,,,-1004.95,1,01/07/2022'


def history(folder: Path, *rows: str, top: str = "\n\n", columns: str = COLUMNS, below: str = "") -> ParsedFile:
    path = folder / "History_for_Account_X99000001.csv"
    body = "".join(f"{row}\n" for row in rows)
    path.write_bytes(f"{top}{columns}\n{body}{below}".encode("cp1252"))
    return read(path)


def test_blank_lines_above_and_the_disclaimer_below_are_no_records(tmp_path: Path) -> None:
    below = '\n"The data, and information, in this sheet\nis provided for your use."\n\nDate downloaded 01/06/2022\n'
    found = history(tmp_path, BUY, below=below)
    assert (found.record_count, found.quarantined_count) == (1, 0)


def test_a_broken_last_row_is_no_disclaimer(tmp_path: Path) -> None:
    assert reasons(history(tmp_path, BUY, BUY.replace("01/05/2022", "someday")))[0][:2] == (5, "impossible_date")


def test_a_sentence_is_known_by_its_longest_beginning_and_an_unknown_one_is_held_back(tmp_path: Path) -> None:
    short = BUY.replace("YOU BOUGHT APPLE", "YOU BOUGHT SHORT COVER")
    found = history(tmp_path, BUY, short, BUY.replace("YOU BOUGHT", "THE MOON BOUGHT"))
    types = found.frames["canonical.transaction"]["transaction_type"].to_list()
    assert types == ["BUY", "BUY_TO_COVER"]
    assert reasons(found) == [(6, "unknown_code", "action")]


@pytest.mark.parametrize(
    ("symbol", "osi"),
    [
        ("-AAPL220121C180", "AAPL  220121C00180000"), ("-SPY220318P452.5", "SPY   220318P00452500"),
        ("-F240119C7.625", "F     240119C00007625"),
    ],
)  # fmt: skip
def test_option_symbols_begin_with_a_dash_and_become_those_of_the_industry(
    tmp_path: Path, symbol: str, osi: str
) -> None:
    found = history(tmp_path, BUY.replace(",AAPL,", f",{symbol},"))
    assert found.frames["canonical.transaction"]["ticker"].to_list() == [osi]
    odd = history(tmp_path, BUY.replace(",AAPL,", ",-AAPL,"))
    assert reasons(odd) == [(4, "contract_violation", "symbol")]


def test_a_download_restates_the_days_from_its_first_to_its_last(tmp_path: Path) -> None:
    found = history(tmp_path, BUY, BUY.replace("01/05/2022,", "12/20/2021,"))
    [window] = found.frames["canonical.statement_window"].to_dicts()
    assert (window["valid_from"], window["valid_to"]) == (date(2021, 12, 20), date(2022, 1, 5))
    assert window["account_number"] == "X99000001"


def test_a_purchase_is_read_to_the_cent(tmp_path: Path) -> None:
    [row] = history(tmp_path, BUY).frames["canonical.transaction"].to_dicts()
    assert (row["quantity"], row["amount"], row["commission"], row["price"]) == (
        Decimal(10), Decimal("-1004.95"), Decimal("4.95"), Decimal(100),
    )  # fmt: skip
    assert (row["trade_date"], row["settle_date"]) == (date(2022, 1, 5), date(2022, 1, 7))


def test_other_columns_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FeedFault) as caught:
        history(tmp_path, BUY, columns=COLUMNS.replace("Fees ($),", ""))
    assert caught.value.reason == "unrecognised_file"


def test_a_download_with_a_row_held_back_restates_no_days(tmp_path: Path) -> None:
    found = history(tmp_path, BUY, BUY.replace("01/05/2022", "someday"))
    assert found.quarantined_count == 1
    assert found.frames["canonical.transaction"].height == 1
    assert not found.frames["canonical.statement_window"].height


def test_columns_are_known_by_their_titles_wherever_they_stand(tmp_path: Path) -> None:
    columns = (
        "Run Date,Symbol,Action,Quantity,Price,Exchange Rate,Commission,Fees ($),Accrued Interest ($),Amount ($),"
        "Settlement Date"
    )
    row = "01/05/2022,AAPL,YOU BOUGHT APPLE INC,10,100,1.1,4.95,,,-1004.95,01/07/2022"
    assert (
        history(tmp_path, row, columns=columns)
        .frames["canonical.transaction"]
        .equals(history(tmp_path, BUY).frames["canonical.transaction"])
    )


def test_a_firm_names_a_column_that_is_not_known(tmp_path: Path) -> None:
    own = tmp_path / "titles.csv"
    own.write_text("title,field\nNet,amount\n")
    columns = COLUMNS.replace("Amount ($)", "Net")
    with pytest.raises(FeedFault, match="history_columns"):
        history(tmp_path, BUY, columns=columns)
    path = tmp_path / "History_for_Account_X99000001.csv"
    kind = ADAPTER.kind_of(path.name)
    assert kind is not None
    feed = connection("fidelity").model_copy(update={"codes": {"history_columns": own}})
    found = ADAPTER.parse(RawFile(path, path.name, *kind), feed).frames["canonical.transaction"]
    assert found["amount"].to_list() == [Decimal("-1004.95")]
