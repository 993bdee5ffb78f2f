"""Laws of the security master: feeds that name one security differently meet, and nothing is ever merged in doubt."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from contracts.tables.canonical import SECURITY_IDENTIFIER
from warehouse.lake.identifiers import cusip_of_isin, valid_cusip, valid_isin, valid_sedol
from warehouse.lake.keys import KeyIssuer
from warehouse.lake.locks import file_lock
from warehouse.lake.raw import RawStore
from warehouse.lake.securities import SecurityMaster
from warehouse.lake.store import Lake

AT = datetime(2022, 1, 3, 22, tzinfo=UTC)
PLACE = Path(__file__).resolve().parents[3]

# Published identifiers: Apple, Microsoft, Barrick Gold (Canada), BAE Systems (Britain).
APPLE_CUSIP, APPLE_ISIN, APPLE_SEDOL = "037833100", "US0378331005", "2046251"
MICROSOFT_CUSIP, MICROSOFT_ISIN = "594918104", "US5949181045"
BARRICK_CUSIP, BARRICK_ISIN = "067901108", "CA0679011084"
BAE_ISIN, BAE_SEDOL = "GB0002634946", "0263494"

NAMES = dict.fromkeys(("cusip", "isin", "sedol", "ticker", "provider_security_id", "currency"), pl.String)


@pytest.fixture
def master(tmp_path: Path) -> SecurityMaster:
    lake = Lake(str(tmp_path))
    return SecurityMaster(lake, KeyIssuer(lake, RawStore(str(tmp_path)), file_lock(tmp_path / "_locks")))


def rows(*named: dict[str, str]) -> pl.DataFrame:
    """One row per dictionary of identifiers."""
    records: list[dict[str, Any]] = [{"row": n, "source_line": n + 1, **given} for n, given in enumerate(named)]
    return pl.DataFrame(records, schema={"row": pl.Int64, "source_line": pl.Int64, **NAMES})


def told(
    master: SecurityMaster,
    *named: dict[str, str],
    create: bool = False,
    valid_on: date = date(2022, 1, 3),
    file: int = 1,
) -> list[int | str | None]:
    """Key or reason per row."""
    found = master.resolve(rows(*named), create=create, valid_on=valid_on, at=AT, source_file_id=file)
    assert found["row"].to_list() == list(range(len(named)))
    assert (found["security_key"].is_null() == found["security_id"].is_null()).all()
    return [reason or key for key, reason in found.select("security_key", "reason").iter_rows()]


def known(master: SecurityMaster) -> set[tuple[str, str, int]]:
    found = master.lake.read(SECURITY_IDENTIFIER, "_shared")
    return set(found.select(pl.col("scheme").cast(pl.String), "identifier", "security_key").iter_rows())


def test_published_identifiers_have_their_check_digits_right() -> None:
    assert valid_cusip(pl.Series([APPLE_CUSIP, MICROSOFT_CUSIP, BARRICK_CUSIP, "17275R102", "G7945E105"])).all()
    assert valid_isin(pl.Series([APPLE_ISIN, MICROSOFT_ISIN, BARRICK_ISIN, BAE_ISIN, "JP3633400001"])).all()
    assert valid_sedol(pl.Series([APPLE_SEDOL, BAE_SEDOL, "B0WNLY7"])).all()


@settings(deadline=None)
@given(st.sampled_from([APPLE_CUSIP, "17275R102", APPLE_ISIN, BAE_ISIN, BAE_SEDOL]), st.data())
def test_one_wrong_digit_is_always_found_out(identifier: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([n for n, c in enumerate(identifier) if c.isdigit()]))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != identifier[place]]))
    wrong = pl.Series([identifier[:place] + digit + identifier[place + 1 :]])
    check = {9: valid_cusip, 12: valid_isin, 7: valid_sedol}[len(identifier)]
    assert not check(wrong).any()


def test_what_does_not_look_like_an_identifier_is_none() -> None:
    texts = pl.Series(["", "abc", "03783310", "0378331000", "é37833100", None], dtype=pl.String)
    assert not valid_cusip(texts).any()
    assert not valid_isin(texts).any()
    assert not valid_sedol(texts).any()


def test_a_us_or_canadian_isin_holds_its_cusip_and_a_british_one_holds_none() -> None:
    found = cusip_of_isin(pl.Series([APPLE_ISIN, BARRICK_ISIN, BAE_ISIN, None]))
    assert found.to_list() == [APPLE_CUSIP, BARRICK_CUSIP, None, None]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"cusip": APPLE_CUSIP}, {"isin": APPLE_ISIN}),
        ({"isin": APPLE_ISIN}, {"cusip": APPLE_CUSIP}),
        ({"isin": BARRICK_ISIN}, {"cusip": BARRICK_CUSIP}),
        ({"cusip": " 037833100 "}, {"isin": "us0378331005"}),
    ],
)
def test_a_feed_of_cusips_and_a_feed_of_isins_meet(
    master: SecurityMaster, first: dict[str, str], second: dict[str, str]
) -> None:
    (key,) = told(master, first, create=True)
    assert told(master, second) == [key]


def test_only_a_description_creates_a_security(master: SecurityMaster) -> None:
    assert told(master, {"cusip": APPLE_CUSIP}) == ["unknown_security"]
    assert known(master) == set()
    assert told(master, {"cusip": APPLE_CUSIP}, create=True) == [1]
    assert told(master, {"cusip": APPLE_CUSIP}) == [1]


def test_a_row_that_names_nothing_has_neither_key_nor_reason(master: SecurityMaster) -> None:
    assert told(master, {}, {"currency": "USD"}, {"cusip": "  "}, create=True) == [None, None, None]


def test_resolving_again_writes_nothing(master: SecurityMaster) -> None:
    described = ({"cusip": APPLE_CUSIP, "ticker": "schwab:AAPL"}, {"isin": BAE_ISIN})
    first = told(master, *described, create=True)
    version = master.lake.version(SECURITY_IDENTIFIER, "_shared")
    assert told(master, *described, create=True, file=2) == first
    assert master.lake.version(SECURITY_IDENTIFIER, "_shared") == version


def test_an_identifier_is_learnt_with_the_first_line_that_shows_it(master: SecurityMaster) -> None:
    (key,) = told(master, {"cusip": APPLE_CUSIP}, create=True, file=1)
    told(master, {}, {"cusip": APPLE_CUSIP, "sedol": APPLE_SEDOL}, {"sedol": APPLE_SEDOL, "cusip": APPLE_CUSIP}, file=2)
    row = master.lake.read(SECURITY_IDENTIFIER, "_shared", where=pl.col("scheme") == "SEDOL").row(0, named=True)
    assert (row["security_key"], row["source_file_id"], row["source_line"], row["known_at"]) == (key, 2, 2, AT)
    assert told(master, {"sedol": APPLE_SEDOL}, valid_on=date(1999, 1, 4)) == [key]


def test_a_wrong_check_digit_counts_for_nothing(master: SecurityMaster) -> None:
    told(master, {"cusip": APPLE_CUSIP, "ticker": "schwab:AAPL"}, create=True)
    wrong = "037833101"
    assert told(master, {"cusip": wrong, "ticker": "schwab:AAPL"}, {"cusip": wrong}) == [1, "unknown_security"]
    assert told(master, {"cusip": wrong}, create=True) == ["unknown_security"]
    assert not any(identifier == wrong for _, identifier, _ in known(master))


def test_identifiers_of_two_securities_are_ambiguous_and_merge_nothing(master: SecurityMaster) -> None:
    apple, bae = told(master, {"cusip": APPLE_CUSIP}, {"sedol": BAE_SEDOL}, create=True)
    before = known(master)
    assert told(master, {"cusip": APPLE_CUSIP, "sedol": BAE_SEDOL}, create=True) == ["ambiguous_security"]
    assert known(master) == before
    assert told(master, {"cusip": APPLE_CUSIP}, {"sedol": BAE_SEDOL}) == [apple, bae]


def test_a_row_whose_isin_holds_another_cusip_contradicts_itself(master: SecurityMaster) -> None:
    assert told(master, {"cusip": APPLE_CUSIP, "isin": MICROSOFT_ISIN}, create=True) == ["ambiguous_security"]
    assert known(master) == set()


def test_a_new_identifier_that_two_securities_claim_is_learnt_for_neither(master: SecurityMaster) -> None:
    apple, microsoft = told(master, {"cusip": APPLE_CUSIP}, {"cusip": MICROSOFT_CUSIP}, create=True)
    found = told(
        master,
        {"cusip": APPLE_CUSIP, "sedol": BAE_SEDOL},
        {"cusip": MICROSOFT_CUSIP, "sedol": BAE_SEDOL},
        {"sedol": BAE_SEDOL},
        create=True,
    )
    assert found == [apple, microsoft, "ambiguous_security"]
    assert not any(scheme == "SEDOL" for scheme, _, _ in known(master))


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(4)))
def test_rows_that_share_identifiers_are_one_security_in_any_order(order: list[int]) -> None:
    chain = (
        {"sedol": APPLE_SEDOL},
        {"sedol": APPLE_SEDOL, "provider_security_id": "ofx:1"},
        {"provider_security_id": "ofx:1", "cusip": APPLE_CUSIP},
        {"isin": APPLE_ISIN},
    )
    with TemporaryDirectory() as folder:
        lake = Lake(folder)
        master = SecurityMaster(lake, KeyIssuer(lake, RawStore(folder), file_lock(Path(folder) / "_locks")))
        assert told(master, *(chain[n] for n in order), create=True) == [1, 1, 1, 1]
        assert told(master, *chain) == [1, 1, 1, 1]


def test_a_ticker_is_its_providers_alone(master: SecurityMaster) -> None:
    told(master, {"cusip": APPLE_CUSIP, "ticker": "schwab:AAPL"}, create=True)
    assert told(master, {"ticker": "schwab:aapl"}, {"ticker": "ofx:AAPL"})[1] == "unknown_security"
    assert told(master, {"ticker": "schwab:AAPL"}) == [1]
    with pytest.raises(ValueError, match="told apart by its provider"):
        told(master, {"ticker": "AAPL"})


def test_the_column_adapter_gives_tickers_their_provider(master: SecurityMaster) -> None:
    told(master, {"cusip": APPLE_CUSIP, "ticker": "schwab:AAPL"}, create=True)
    frame = rows({"ticker": "AAPL"}).with_columns(adapter=pl.lit("schwab"), source_file_id=pl.lit(3), known_at=AT)
    found = master.resolve(frame)
    assert found["security_key"].to_list() == [1]
    assert_frame_equal(found.select(frame.columns), frame)


def test_a_ticker_never_joins_two_cusips(master: SecurityMaster) -> None:
    told(master, {"cusip": APPLE_CUSIP, "ticker": "schwab:X"}, create=True, valid_on=date(2022, 1, 3))
    second = {"cusip": MICROSOFT_CUSIP, "ticker": "schwab:X"}
    assert told(master, second, valid_on=date(2022, 6, 1)) == ["unknown_security"]
    assert told(master, second, create=True, valid_on=date(2022, 6, 1)) == [2]
    # The ticker changed hands: before, it is the first one's; since, it cannot be told.
    assert told(master, {"ticker": "schwab:X"}, valid_on=date(2022, 5, 31)) == [1]
    assert told(master, {"ticker": "schwab:X"}, valid_on=date(2022, 6, 1)) == ["ambiguous_security"]


def test_a_security_known_by_ticker_alone_takes_the_cusip_that_comes_later(master: SecurityMaster) -> None:
    assert told(master, {"ticker": "schwab:AAPL"}, create=True) == [1]
    assert told(master, {"ticker": "schwab:AAPL", "cusip": APPLE_CUSIP}, create=True) == [1]
    assert told(master, {"isin": APPLE_ISIN}) == [1]


def test_validity_dates_decide_whose_identifier_it_is(master: SecurityMaster) -> None:
    old, new = told(master, {"cusip": APPLE_CUSIP}, {"cusip": MICROSOFT_CUSIP}, create=True)
    spans = [(old, date(2000, 1, 1), date(2021, 12, 31)), (new, date(2022, 1, 1), None)]
    history = pl.DataFrame(
        [
            {"scheme": "SEDOL", "identifier": BAE_SEDOL, "security_key": key, "valid_from": start, "valid_to": end,
             "security_id": "x", "known_at": AT, "source_file_id": 1, "source_line": 1}
            for key, start, end in spans
        ],
        schema_overrides={"valid_to": pl.Date},
    )  # fmt: skip
    master.lake.append(SECURITY_IDENTIFIER, "_shared", history)
    named = {"sedol": BAE_SEDOL}
    days = [date(1999, 12, 31), date(2000, 1, 1), date(2021, 12, 31), date(2022, 1, 1)]
    assert [told(master, named, valid_on=day)[0] for day in days] == ["unknown_security", old, old, new]
    frame = rows(*[named] * 4).with_columns(
        source_file_id=pl.lit(1), known_at=pl.Series(days).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )
    assert master.resolve(frame)["security_key"].to_list() == [None, old, old, new]


def test_currencies_are_securities_issued_once(master: SecurityMaster) -> None:
    euro = master.currency_key("EUR", AT)
    keys = master.currency_keys(pl.Series(["USD", "EUR", "USD"]), AT)
    assert keys["currency"].to_list() == ["EUR", "USD"]
    assert keys["security_key"].to_list() == [euro, euro + 1]
    assert known(master) == {("CURRENCY", "EUR", euro), ("CURRENCY", "USD", euro + 1)}
    version = master.lake.version(SECURITY_IDENTIFIER, "_shared")
    assert master.currency_key("USD", AT) == euro + 1
    assert master.lake.version(SECURITY_IDENTIFIER, "_shared") == version
    with pytest.raises(ValueError, match="three capital letters"):
        master.currency_key("usd", AT)


def test_lineage_is_asked_for(master: SecurityMaster) -> None:
    with pytest.raises(ValueError, match="source_file_id"):
        master.resolve(rows({"cusip": APPLE_CUSIP}), create=True)


def test_no_rows_resolve_to_no_rows(master: SecurityMaster) -> None:
    found = master.resolve(rows(), create=True, valid_on=AT.date(), at=AT, source_file_id=1)
    assert found.is_empty()
    assert found.schema["security_key"] == pl.Int64
    assert found.schema["reason"] == pl.String


def test_two_processes_that_describe_one_security_make_one(tmp_path: Path) -> None:
    code = """
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        import polars as pl
        from warehouse.lake.keys import KeyIssuer
        from warehouse.lake.locks import file_lock
        from warehouse.lake.raw import RawStore
        from warehouse.lake.securities import SecurityMaster
        from warehouse.lake.store import Lake
        root, column, identifier = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
        lake = Lake(str(root))
        master = SecurityMaster(lake, KeyIssuer(lake, RawStore(str(root)), file_lock(root / "_locks")))
        at = datetime(2022, 1, 3, tzinfo=UTC)
        frame = pl.DataFrame({column: [identifier], "source_line": [1]})
        found = master.resolve(frame, create=True, valid_on=at.date(), at=at, source_file_id=int(sys.argv[4]))
        print(found["security_key"][0], master.currency_key("USD", at))
    """
    named = [("cusip", APPLE_CUSIP, "1"), ("isin", APPLE_ISIN, "2")]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), *arguments],
            cwd=PLACE, env={**os.environ, "PYTHONPATH": str(PLACE)}, stdout=subprocess.PIPE, text=True,
        )
        for arguments in named
    ]  # fmt: skip
    outputs = [racer.communicate(timeout=120)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert outputs[0] == outputs[1]
