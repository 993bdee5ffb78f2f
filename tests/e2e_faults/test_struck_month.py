"""A month in which every kind of bad input comes once: each is named, none harms another, all can be healed."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import PurePosixPath

import polars as pl
import pytest

from contracts.vocabularies import FILE_REASONS
from tests.e2e_faults.conftest import FIRST, HALF_WRITTEN, REFUSED, SECOND_EMPTY, STRANGER, TOO_LARGE, Struck
from tests.e2e_faults.damage import cases
from tests.e2e_faults.provider import SHARED

pytestmark = pytest.mark.xdist_group("e2e_faults_fast")
NAMES = [case.name for case in cases("")]
KEY = ["account_number", "as_of_date"]


def below_connection(path: str) -> str:
    return str(PurePosixPath(*PurePosixPath(path).parts[2:]))


# --- named ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_bad_input_is_named_by_reason_file_and_line(struck: Struck, name: str) -> None:
    (case,) = (case for case in struck.cases if case.name == name)
    delivery = case.delivery(struck.deliveries)
    path = below_connection(delivery.path)
    tenant = delivery.tenant
    (arrival,) = struck.provider.read("landing.file_arrival", tenant).filter(
        (pl.col("remote_path") == path) & (pl.col("connection_id") == delivery.connection)
    ).rows(named=True)  # fmt: skip
    assert arrival["sha256"] == hashlib.sha256(delivery.content).hexdigest()
    held = struck.provider.read("quality.reject", tenant).filter(pl.col("source_file_id") == arrival["source_file_id"])
    assert held["reason"].unique().to_list() == [case.reason]
    assert held["disposition"].unique().to_list() == [case.disposition]
    assert set(held["connection_id"]) == {delivery.connection}
    assert set(held["logical_name"]) == {path}
    assert held["detail"].str.len_chars().min() > 20
    if case.line is not None:
        assert held["source_line"].unique().to_list() == [case.line(delivery.content)]
    (parse,) = struck.provider.read("landing.file_parse", tenant).filter(
        pl.col("source_file_id") == arrival["source_file_id"]
    ).rows(named=True)  # fmt: skip
    assert parse["parse_status"] == ("blocked" if case.blocks else "parsed")
    assert case.blocks == (case.reason in FILE_REASONS)
    if not case.blocks:
        assert parse["quarantined_count"] == (1 if case.disposition == "quarantined" else 0)


def test_what_lies_wrongly_on_the_server_is_named(struck: Struck) -> None:
    assert struck.provider.rejects("alder", TOO_LARGE) == {("too_large", 0)}
    assert struck.provider.rejects("alder", STRANGER) == {("unrecognised_file", 0)}
    refused = struck.provider.read("quality.reject", "alder").filter(pl.col("field_name") == "remote_path")
    assert refused.sort("logical_name")["logical_name"].to_list() == list(REFUSED)
    assert refused["reason"].unique().to_list() == ["unsafe_path"]
    details = dict(refused.select("logical_name", "detail").iter_rows())
    assert "link" in details["extra/way_out.TRN"]
    assert "control characters" in details["extra/bell\\x07.TRN"]
    assert "'..'" in details["extra/two..dots.TRN"]


def test_nothing_is_written_outside_and_nothing_of_outside_is_read(struck: Struck) -> None:
    hashes = set(struck.provider.read("landing.file_arrival", "alder")["sha256"])
    assert hashlib.sha256(b"of another tenant").hexdigest() not in hashes
    outside = {path.name for path in struck.provider.home.parent.iterdir()}
    assert not {name for name in outside if name.startswith("CRS")}


def test_a_half_written_file_is_not_taken(struck: Struck) -> None:
    taken = struck.provider.read("landing.file_arrival", "alder")["remote_path"]
    assert not taken.str.starts_with(HALF_WRITTEN).any()
    assert readiness(struck, "RPS", date(2022, 11, 16)) == ("blocked", "file_missing")


def test_the_text_of_another_tenants_line_is_not_kept(struck: Struck) -> None:
    held = struck.provider.read("quality.reject", "alder")
    assert held.filter(pl.col("reason") == "foreign_account")["raw_text"].to_list() == [None]
    assert held.filter(pl.col("reason") == "impossible_date")["raw_text"].null_count() == 0
    assert not held["raw_text"].fill_null("").str.contains("08765432").any()


def readiness(struck: Struck, kind: str, day: date) -> tuple[str, str | None]:
    feeds = struck.provider.current("quality.feed_readiness", "alder")
    (row,) = feeds.filter((pl.col("data_type") == kind) & (pl.col("as_of_date") == day)).rows(named=True)
    return row["readiness"], row["readiness_reasons"]


def test_readiness_says_which_feed_of_which_day_is_broken(struck: Struck) -> None:
    for case in struck.cases:
        if case.fault.connection != "schwab_main" or case.reason in ("archive_bomb", "unsafe_path"):
            continue
        expected = ("blocked", "file_broken") if case.blocks else ("provisional", "rows_quarantined")
        if case.disposition == "flagged":
            expected = ("complete", None)
        assert readiness(struck, case.fault.kind, case.fault.business_date) == expected, case.name


def test_a_second_empty_file_is_broken_too_although_its_bytes_came_before(struck: Struck) -> None:
    arrivals = struck.provider.read("landing.file_arrival", "alder").filter(pl.col("remote_path") == SECOND_EMPTY)
    assert arrivals["arrival_status"].to_list() == ["landed"]  # of another kind than the first: read on its own
    assert readiness(struck, "RPS", date(2022, 11, 4)) == ("blocked", "file_broken")


# --- nothing lost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tenant", [SHARED, "alder"])
def test_every_record_is_kept_or_held_back_and_every_byte_can_be_proven(struck: Struck, tenant: str) -> None:
    parsed = struck.provider.read("landing.file_parse", tenant)
    law = pl.col("record_count") == pl.col("parsed_count") + pl.col("quarantined_count")
    assert parsed.select(law.all()).item()
    files, blocked, crashed, lost = struck.counts[tenant]
    assert (files, crashed, lost) == (parsed.height, 0, 0)
    assert blocked == parsed.filter(pl.col("parse_status") == "blocked").height
    arrivals = struck.provider.read("landing.file_arrival", tenant)
    raw = struck.provider.workspace.raw
    for sha256, size_bytes in arrivals.select("sha256", "size_bytes").unique().iter_rows():
        with raw.open(tenant, sha256) as stream:
            content = stream.read()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (sha256, size_bytes)
    landed = arrivals.filter((pl.col("arrival_status") == "landed") & (pl.col("adapter") != "nexus"))
    assert set(landed["source_file_id"]) == set(parsed["source_file_id"])


# --- the others unharmed ----------------------------------------------------------------------------------------------


def numbered(struck: Struck, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.join(struck.provider.account_numbers("alder"), on="account_key")


def test_every_other_holding_of_the_custodian_is_taken(struck: Struck) -> None:
    blocked = [case.fault.business_date for case in struck.cases if case.blocks and case.fault.kind == "RPS"]
    missing = [*blocked, date(2022, 11, 4), date(2022, 11, 16)]
    taken = numbered(struck, struck.provider.read("canonical.custodian_position", "alder"))
    columns = ["account_number", "as_of_date", "quantity"]
    truth = struck.calm.frames("alder")["positions"].filter(
        (pl.col("connection_id") == "schwab_main") & ~pl.col("as_of_date").is_in(missing)
    )
    assert_same(taken.filter(pl.col("custodian") == "schwab").select(columns), truth.select(columns))


def test_every_other_booking_is_taken(struck: Struck) -> None:
    blocked = [
        case.fault.business_date for case in struck.cases
        if case.blocks and case.fault.kind == "TRN" and case.reason not in ("archive_bomb", "unsafe_path")
    ]  # fmt: skip
    taken = numbered(struck, struck.provider.read("canonical.transaction", "alder"))
    columns = ["account_number", "trade_date", "transaction_type", "quantity", "amount"]
    truth = struck.calm.frames("alder")["transactions"].filter(
        (pl.col("connection_id") == "schwab_main") & ~pl.col("reported_date").is_in(blocked)
    )
    mine = taken.filter((pl.col("custodian") == "schwab") & ~pl.col("is_cancel"))
    assert_same(mine.select(columns), truth.select(columns))


def assert_same(found: pl.DataFrame, truth: pl.DataFrame) -> None:
    columns = found.columns
    assert truth.height > 0
    assert found.sort(columns).rows() == truth.sort(columns).rows()


def values(struck: Struck) -> pl.DataFrame:
    """Our value of every account and day beside the truth."""
    ours = numbered(struck, struck.provider.current("accounting.account_valuation", "alder"))
    truth = struck.calm.frames("alder")["valuations"]
    return truth.join(
        ours.select(*KEY, "total_value_base", "daily_return", "readiness", "readiness_reasons"),
        on=KEY, how="full", coalesce=True, suffix="_ours",
    )  # fmt: skip


def touched_accounts(struck: Struck) -> list[str]:
    """Accounts of which a booking stands in a file that was not taken, and those whose statements were broken."""
    days = [case.fault.business_date for case in struck.cases if case.blocks and case.fault.kind == "TRN"]
    booked = struck.calm.frames("alder")["transactions"].filter(
        pl.col("reported_date").is_in(days) | (pl.col("connection_id") == "ofx_direct")
    )
    statements = struck.calm.frames("alder")["accounts"].filter(pl.col("connection_id") == "ofx_direct")
    return sorted({*booked["account_number"], *statements["account_number"]})


def test_the_figures_of_untouched_accounts_are_the_truth(struck: Struck) -> None:
    others = values(struck).filter(~pl.col("account_number").is_in(touched_accounts(struck)))
    assert others["account_number"].n_unique() >= 3
    assert others["total_value_base"].to_list() == others["total_value"].to_list()


def test_figures_of_days_with_bad_input_are_labelled_and_others_are_not(struck: Struck) -> None:
    labels = values(struck).filter(~pl.col("account_number").is_in(touched_accounts(struck)))
    spoilt = {
        case.fault.business_date for case in struck.cases
        if case.fault.connection == "schwab_main" and case.reason not in ("archive_bomb", "unsafe_path")
        and case.disposition == "quarantined"
    } | {date(2022, 11, 4), date(2022, 11, 16)}  # fmt: skip
    for (day,), rows in labels.group_by("as_of_date"):
        assert set(rows["readiness"]) == ({"provisional"} if day in spoilt else {"complete"}), day


# --- healed -----------------------------------------------------------------------------------------------------------


def test_a_repaired_delivery_under_the_same_name_is_parsed(healed: Struck) -> None:
    for delivery in healed.deliveries:
        parse = healed.provider.parse(delivery.tenant, below_connection(delivery.path))
        assert (parse["parse_status"], parse["quarantined_count"]) == ("parsed", 0), delivery.path


def test_after_the_repair_every_figure_is_the_truth(healed: Struck) -> None:
    both = values(healed)
    assert both["total_value_base"].to_list() == both["total_value"].to_list()
    rounded = both["daily_return_ours"].cast(pl.Float64), both["daily_return"].cast(pl.Float64)
    assert both["daily_return_ours"].is_null().to_list() == both["daily_return"].is_null().to_list()
    assert (rounded[0] - rounded[1]).abs().max() < 1e-8


def test_after_the_repair_every_figure_is_complete(healed: Struck) -> None:
    both = values(healed)
    assert both.group_by("readiness", "readiness_reasons").len().rows() == [("complete", None, both.height)]


def test_after_the_repair_every_feed_is_ready(healed: Struck) -> None:
    feeds = healed.provider.current("quality.feed_readiness", "alder")
    assert feeds.filter(pl.col("readiness") != "complete").is_empty()
    assert feeds["as_of_date"].min() == FIRST
