"""``nexus ingest`` on four real statements: what is booked and published is what a person reads in the files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest

from connectors.settings import load_tenant
from contracts.tables.accounting import ACCOUNT_VALUATION, POSITION
from contracts.tables.landing import FILE_PARSE
from pipelines.inbox import connect_inbox
from tests.pipelines.command import SAMPLES
from tests.pipelines.person import Person

pytestmark = pytest.mark.xdist_group("pipelines_ingest")
NAMES = ("fidelity", "td_ameritrade", "investment_medium", "checking")
FIDELITY, AMERITRADE, INVESTMENT, CHECKING = "01234567890", "121212121", "ABC123", "1452687~7"


@pytest.fixture(scope="session")
def output(person: Person) -> str:
    """All four statements in one command, and what it prints."""
    return person.ingest(*(SAMPLES / f"{name}.ofx" for name in NAMES))


@pytest.fixture(scope="session")
def books(person: Person, output: str) -> Mapping[str, pl.DataFrame]:
    return person.books("me")


# --- what is published ------------------------------------------------------------------------------------------------

SUMMARY = """
    SELECT account_number, as_of_date::text, base_currency, total_value_base, cash_value_base, unvalued_count,
           coalesce(readiness_reasons, readiness)
    FROM marts.account_summary s JOIN marts.dim_tenant t USING (tenant_key)
    WHERE t.tenant_slug = 'me' ORDER BY account_number
"""
HELD = """
    SELECT a.account_number, coalesce(d.cusip, d.security_name), p.quantity, p.price, p.price_date::text,
           p.market_value_base
    FROM marts.fct_position_daily p JOIN marts.dim_account a USING (tenant_key, account_key)
    JOIN marts.dim_security d USING (security_key) JOIN marts.dim_tenant t USING (tenant_key)
    WHERE t.tenant_slug = 'me' AND p.as_of_date = '2017-12-04' ORDER BY 1, 2
"""


def test_the_accounts_are_worth_what_the_statements_say(person: Person, output: str) -> None:
    """Fidelity prints 32,993.79: its six market values with the fractions of cents cut off, and 18,073.98 in cash."""
    assert person.rows(SUMMARY) == [
        (FIDELITY, "2017-12-04", "USD", Decimal("32993.7959"), Decimal("18073.9800"), 0, "stale_prices"),
        (AMERITRADE, "2017-12-04", "USD", Decimal("2000.0000"), Decimal("0.0000"), 0, "complete"),
        (CHECKING, "2017-12-04", "USD", Decimal("100.9900"), Decimal("100.9900"), 0, "complete"),
        (INVESTMENT, "2017-12-04", "CAD", Decimal("1.0000"), Decimal("1.0000"), 0, "complete"),
    ]


def test_the_positions_are_those_of_the_statements(person: Person, output: str) -> None:
    """A bond of 1,000 face at 100 is worth 1,000: its price is per hundred."""
    d = Decimal
    expected = [
        (FIDELITY, "19421R200", d("70.573"), d("14.32"), "2012-09-08", d("1010.6054")),
        (FIDELITY, "431571108", d("115"), d("18.93"), "2012-09-08", d("2176.95")),
        (FIDELITY, "458140100", d("100.911"), d("24.19"), "2012-09-08", d("2441.0371")),
        (FIDELITY, "756577102", d("50"), d("59.15"), "2012-09-08", d("2957.5")),
        (FIDELITY, "98417P105", d("390.909"), d("2.82"), "2012-09-08", d("1102.3634")),
        (FIDELITY, "G7945E105", d("128"), d("40.87"), "2012-09-08", d("5231.36")),
        (FIDELITY, "USD", d("18073.98"), d("1"), "2017-12-04", d("18073.98")),
        (AMERITRADE, "023135106", d("1"), d("1000"), "2017-12-03", d("1000")),
        (AMERITRADE, "912810RW0", d("1000"), d("100"), "2017-12-03", d("1000")),
        (CHECKING, "USD", d("100.99"), d("1"), "2017-12-04", d("100.99")),
        (INVESTMENT, "CAD", d("1"), d("1"), "2017-12-04", d("1")),
    ]
    assert person.rows(HELD) == expected


def test_the_transactions_are_those_of_the_statements(person: Person, output: str) -> None:
    found = person.rows(
        "SELECT a.account_number, f.transaction_type, count(*), sum(f.amount) FROM marts.fct_transaction f "
        "JOIN marts.dim_account a USING (tenant_key, account_key) JOIN marts.dim_tenant t USING (tenant_key) "
        "WHERE t.tenant_slug = 'me' GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert found == [
        (FIDELITY, "BUY", 8, Decimal("-11686.1000")),
        (FIDELITY, "DIVIDEND", 4, Decimal("65.9000")),
        (FIDELITY, "INTEREST", 2, Decimal("0.4000")),
        (FIDELITY, "OTHER_FEE", 1, Decimal("-0.9700")),
        (FIDELITY, "SELL", 2, Decimal("1094.1000")),
        (CHECKING, "INTEREST", 1, Decimal("0.0100")),
        (CHECKING, "OTHER_FEE", 1, Decimal("-25.0000")),
        (CHECKING, "WITHDRAWAL", 1, Decimal("-34.5100")),
        (INVESTMENT, "FX", 3, Decimal("-3.9500")),
    ]


@pytest.mark.parametrize(
    ("account", "first"),
    [
        (FIDELITY, date(2012, 9, 10)),  # of a Saturday
        (AMERITRADE, date(2017, 12, 4)),  # of a Sunday
        (CHECKING, date(2013, 5, 28)),  # of the Saturday before Memorial Day
        (INVESTMENT, date(2009, 12, 15)),  # of a business day
    ],
)
def test_a_statement_counts_from_the_first_business_day_on_or_after_it(
    books: Mapping[str, pl.DataFrame], account: str, first: date
) -> None:
    values = books[ACCOUNT_VALUATION.full_name].filter(pl.col("account_number") == account)
    assert values["as_of_date"].min() == first
    assert values["as_of_date"].max() == date(2017, 12, 4)


def test_the_output_names_every_file_account_and_position(output: str) -> None:
    for name in NAMES:
        assert f"{name}.ofx" in output
    for account in (FIDELITY, AMERITRADE, INVESTMENT, CHECKING):
        assert account in output
    for text in ("32,993.80", "2,000.00", "100.99", "INTEL CORP", "390.909", "stale_price", "OTHER_FEE"):
        assert text in output
    assert max(len(line) for line in output.splitlines()) <= 160


# --- again, and in another order --------------------------------------------------------------------------------------


def test_the_same_files_again_change_nothing(person: Person, books: Mapping[str, pl.DataFrame], tmp_path: Path) -> None:
    """As they are, and as copies under other names and of another day."""
    lake = person.workspace.lake
    before = {t: (lake.version(t, "me"), lake.read(t, "me").height) for t in (POSITION, ACCOUNT_VALUATION, FILE_PARSE)}
    loads = person.rows("SELECT count(*), max(load_key) FROM ops.load")
    renamed = tmp_path / "another name (1).qfx"
    renamed.write_bytes((SAMPLES / "checking.ofx").read_bytes())
    said = person.ingest(*(SAMPLES / f"{name}.ofx" for name in NAMES), renamed, publish=False)
    assert said.count("known already") == len(NAMES)
    assert "the same bytes as a file taken before" in said
    assert "books of" not in said
    lake = person.workspace.lake
    assert before == {t: (lake.version(t, "me"), lake.read(t, "me").height) for t in before}
    assert person.rows("SELECT count(*), max(load_key) FROM ops.load") == loads


def test_one_after_another_gives_what_all_together_gave(
    person: Person, books: Mapping[str, pl.DataFrame], tmp_path: Path
) -> None:
    """Also when the bank calls every download alike: a statement takes nothing from the one before."""
    for download, other in (("checking", "td_ameritrade"), ("fidelity", "investment_medium")):
        shutil.copyfile(SAMPLES / f"{download}.ofx", tmp_path / "download.ofx")
        person.ingest(tmp_path / "download.ofx", SAMPLES / f"{other}.ofx", tenant="solo", publish=False)
    for name, frame in person.books("solo").items():
        assert frame.equals(books[name]), name


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_single_files_in_many_orders_give_what_all_together_gave(
    person: Person, books: Mapping[str, pl.DataFrame]
) -> None:
    for i, order in enumerate(permutations(NAMES)):
        if i % 5:  # every file comes first in one of these five orders, and last in another
            continue
        for name in order:
            person.ingest(SAMPLES / f"{name}.ofx", tenant=f"order_{i}", publish=False)
        for name, frame in person.books(f"order_{i}").items():
            assert frame.equals(books[name]), (order, name)


# --- a second statement, a corrected one, a broken one ----------------------------------------------------------------


@pytest.fixture(scope="session")
def later(person: Person, books: Mapping[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fidelity's statement again with 130 of Seadrill for 128; and the next day of the Canadian account, whose one
    transaction takes 3.65 US dollars."""
    folder = tmp_path_factory.mktemp("later")
    corrected = (SAMPLES / "fidelity.ofx").read_text().replace("<UNITS>128.00000<", "<UNITS>130.00000<")
    (folder / "fidelity.ofx").write_text(corrected)
    today = (SAMPLES / "investment_medium.ofx").read_text()
    first, second = today.index("<INVBANKTRAN>"), today.index("<INVBANKTRAN>", today.index("<INVBANKTRAN>") + 1)
    end = today.index("</INVTRANLIST>")
    next_day = (today[:second] + today[end:]).replace("<DTSTART>20091214", "<DTSTART>20091216")
    next_day = next_day.replace("<DTASOF>20091215", "<DTASOF>20091216").replace("<DTEND>20091215", "<DTEND>20091216")
    next_day = next_day.replace("<DTPOSTED>20091215", "<DTPOSTED>20091216").replace("1510480481", "1510480482")
    assert first < second < end
    (folder / "ABC123_20091216.ofx").write_text(next_day)
    return person.ingest(folder / "fidelity.ofx", folder / "ABC123_20091216.ofx")


def test_a_corrected_statement_replaces_the_day_and_keeps_what_was_known(
    person: Person, books: Mapping[str, pl.DataFrame], later: str
) -> None:
    seadrill = [row for row in person.rows(HELD) if row[1] == "G7945E105"]
    assert [(row[2], row[5]) for row in seadrill] == [(Decimal(130), Decimal("5313.1000"))]
    versions = person.workspace.lake.read(POSITION, "me").filter(
        (pl.col("as_of_date") == date(2012, 9, 10)) & pl.col("quantity").is_in([128, 130])
    )
    assert versions.sort("known_from")["quantity"].to_list() == [128, 130]


def test_cash_in_a_currency_without_a_rate_leaves_the_account_unvalued_and_says_why(person: Person, later: str) -> None:
    held = {str(row[1]): (row[2], row[5]) for row in person.rows(HELD) if row[0] == INVESTMENT}
    assert held == {"CAD": (Decimal(1), Decimal(1)), "USD": (Decimal("-3.65"), None)}
    (account,) = [row for row in person.rows(SUMMARY) if row[0] == INVESTMENT]
    assert account[3] is None
    assert account[5] == 1
    assert "missing_fx" in later
    values = person.books("me")[ACCOUNT_VALUATION.full_name].filter(pl.col("account_number") == INVESTMENT)
    assert values.filter(pl.col("as_of_date") == date(2009, 12, 15))["total_value_base"].to_list() == [Decimal(1)]


def test_a_file_that_is_none_is_named_with_its_reason_and_harms_no_other(person: Person, tmp_path: Path) -> None:
    (tmp_path / "empty.ofx").write_text("Your session has expired")
    result = person.nexus("ingest", str(tmp_path / "empty.ofx"), "--tenant", "me", "--no-publish")
    assert result.exit_code == 1
    assert "1 file could not be read" in result.stderr
    assert "empty.ofx" in result.stdout
    assert "Traceback" not in result.output


def test_settings_that_a_person_wrote_keep_their_comments(tmp_path: Path) -> None:
    path = tmp_path / "tenants" / "careful.yaml"
    path.parent.mkdir()
    path.write_text("# ours since 2019\ntenant: careful\nname: Careful  # not Carefree\nconnections: []\n")
    for _ in range(2):
        connect_inbox(tmp_path, "careful", "ofx", "CHF")
    text = path.read_text()
    assert "# ours since 2019" in text
    assert "# not Carefree" in text
    (connection,) = load_tenant(path).connections
    assert (connection.connection_id, connection.base_currency) == ("files_ofx", "CHF")
    assert connection.transport.path == tmp_path / "tenants" / "../inbox/careful/ofx"
