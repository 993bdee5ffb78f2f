"""Laws of keys: dense, never reused, the same for everybody who asks, and again the same from the files alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import uuid
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contracts.tables.landing import FILE_ARRIVAL, ISSUED_KEY
from warehouse.lake.keys import KeyIssuer, rebuild_issued_keys
from warehouse.lake.locks import file_lock
from warehouse.lake.raw import RawStore
from warehouse.lake.store import Lake

AT = datetime(2022, 1, 3, 23, 59, 59, 999999, tzinfo=UTC)
PLACE = Path(__file__).resolve().parents[3]


def opened(root: Path) -> KeyIssuer:
    return KeyIssuer(Lake(str(root)), RawStore(str(root)), file_lock(root / "_locks"))


@pytest.fixture
def issuer(tmp_path: Path) -> KeyIssuer:
    return opened(tmp_path)


def issued(lake: Lake, tenant: str) -> pl.DataFrame:
    return lake.read(ISSUED_KEY, tenant).sort("key_kind", "surrogate_key")


def test_tenants_are_counted_from_one_and_what_is_shared_is_zero(issuer: KeyIssuer) -> None:
    assert issuer.tenant_key("_shared", AT) == 0
    assert issuer.tenant_key("alder", AT) == 1
    assert issuer.tenant_key("birch", AT) == 2
    assert issuer.tenant_key("alder", AT) == 1


def test_keys_are_dense_sorted_by_what_they_are_for_and_never_given_twice(issuer: KeyIssuer) -> None:
    first = issuer.issue("account", "alder", pl.Series(["schwab|30", "schwab|10", "schwab|20", "schwab|10"]), AT)
    second = issuer.issue("account", "alder", pl.Series(["schwab|05", "schwab|20"]), AT)
    assert first.select("issued_for", "surrogate_key").rows() == [("schwab|10", 1), ("schwab|20", 2), ("schwab|30", 3)]
    assert second.select("issued_for", "surrogate_key").rows() == [("schwab|05", 4), ("schwab|20", 2)]
    assert issued(issuer.lake, "alder")["surrogate_key"].to_list() == [1, 2, 3, 4]


def test_asking_again_writes_nothing(issuer: KeyIssuer) -> None:
    wanted = pl.Series(["schwab|1", "schwab|2"])
    first = issuer.issue("account", "alder", wanted, AT)
    versions = issuer.lake.version(ISSUED_KEY, "alder"), issuer.lake.version(FILE_ARRIVAL, "alder")
    assert_frame_equal(issuer.issue("account", "alder", wanted, AT.replace(year=2023)), first)
    assert (issuer.lake.version(ISSUED_KEY, "alder"), issuer.lake.version(FILE_ARRIVAL, "alder")) == versions


def test_the_same_account_number_of_two_tenants_gets_two_public_ids(issuer: KeyIssuer) -> None:
    ours = issuer.issue("account", "alder", pl.Series(["schwab|1"]), AT)
    theirs = issuer.issue("account", "birch", pl.Series(["schwab|1"]), AT)
    assert ours["surrogate_key"].to_list() == theirs["surrogate_key"].to_list() == [1]
    assert ours["public_id"][0] != theirs["public_id"][0]
    assert uuid.UUID(ours["public_id"][0]).version == 5


def test_an_issue_lands_like_any_other_arrival(issuer: KeyIssuer) -> None:
    keys = issuer.issue("account", "alder", pl.Series(["schwab|1", "schwab|2"]), AT)
    arrival = issuer.lake.read(FILE_ARRIVAL, "alder").row(0, named=True)
    rows = issued(issuer.lake, "alder")
    assert arrival["connection_id"] == "nexus_keys"
    assert arrival["tenant_key"] == 1
    assert arrival["received_at"] == AT
    assert rows["known_at"].to_list() == [AT, AT]
    assert rows["source_line"].to_list() == [1, 2]
    assert rows["source_file_id"].unique().to_list() == [arrival["source_file_id"]]
    with issuer.raw.open("alder", arrival["sha256"]) as file:
        lines = file.read().decode().splitlines()
    assert len(lines) == 2
    assert all(key in line for key, line in zip(keys["public_id"], lines, strict=True))


def test_the_files_alone_give_the_same_keys(issuer: KeyIssuer, tmp_path: Path) -> None:
    for accounts in (["schwab|9"], ["schwab|1", "ofx|ä „x“"], ["schwab|5"]):
        issuer.issue("account", "alder", pl.Series(accounts), AT)
    before = issued(issuer.lake, "alder")
    shutil.rmtree(tmp_path / "alder" / "landing" / "issued_key")

    assert rebuild_issued_keys(issuer.lake, issuer.raw, "alder") == 4
    assert_frame_equal(issued(issuer.lake, "alder"), before)
    assert rebuild_issued_keys(issuer.lake, issuer.raw, "alder") == 0


def test_an_issue_killed_before_its_rows_is_completed_and_its_keys_are_not_given_again(
    issuer: KeyIssuer, tmp_path: Path
) -> None:
    issuer.issue("account", "alder", pl.Series(["schwab|1"]), AT)
    shutil.copytree(tmp_path / "alder" / "landing" / "issued_key", tmp_path / "kept")
    issuer.issue("account", "alder", pl.Series(["schwab|2"]), AT)
    # As after a kill between the arrival row and the key rows.
    shutil.rmtree(tmp_path / "alder" / "landing" / "issued_key")
    shutil.move(tmp_path / "kept", tmp_path / "alder" / "landing" / "issued_key")

    keys = issuer.issue("account", "alder", pl.Series(["schwab|3", "schwab|2"]), AT)
    assert keys.select("issued_for", "surrogate_key").rows() == [("schwab|2", 2), ("schwab|3", 3)]


def test_a_file_of_issue_without_its_arrival_was_never_issued_from(issuer: KeyIssuer, tmp_path: Path) -> None:
    issuer.issue("account", "alder", pl.Series(["schwab|1"]), AT)
    shutil.rmtree(tmp_path / "alder" / "landing")
    keys = issuer.issue("account", "alder", pl.Series(["schwab|0"]), AT)
    assert keys.select("issued_for", "surrogate_key").rows() == [("schwab|0", 1)]


@pytest.mark.parametrize("wanted", [["schwab|1", None], ["schwab|1", ""]])
def test_no_key_is_issued_for_nothing(issuer: KeyIssuer, wanted: list[str | None]) -> None:
    with pytest.raises(ValueError, match="not issued for nothing"):
        issuer.issue("account", "alder", pl.Series(wanted, dtype=pl.String), AT)


def test_no_key_is_issued_in_the_wrong_place_or_without_a_zone(issuer: KeyIssuer) -> None:
    with pytest.raises(ValueError, match="not issued under"):
        issuer.issue("security", "alder", pl.Series(["CUSIP|037833100"]), AT)
    with pytest.raises(ValueError, match="not issued under"):
        issuer.issue("account", "_shared", pl.Series(["schwab|1"]), AT)
    with pytest.raises(ValueError, match="time zone"):
        issuer.tenant_key("alder", datetime(2022, 1, 1))


def test_nothing_asked_is_nothing_issued(issuer: KeyIssuer) -> None:
    keys = issuer.issue("account", "alder", pl.Series([], dtype=pl.String), AT)
    assert keys.schema == {"issued_for": pl.String, "surrogate_key": pl.Int64, "public_id": pl.String}
    assert keys.is_empty()


def test_two_processes_that_race_agree_on_every_key(tmp_path: Path) -> None:
    code = """
        import sys
        from datetime import UTC, datetime
        from pathlib import Path
        import polars as pl
        from warehouse.lake.keys import KeyIssuer
        from warehouse.lake.locks import file_lock
        from warehouse.lake.raw import RawStore
        from warehouse.lake.store import Lake
        root = Path(sys.argv[1])
        issuer = KeyIssuer(Lake(str(root)), RawStore(str(root)), file_lock(root / "_locks"))
        for part in range(8):
            wanted = pl.Series([f"schwab|{n:04d}" for n in range(part * 25, part * 25 + 60)])
            keys = issuer.issue("account", "alder", wanted, datetime(2022, 1, 3, tzinfo=UTC))
            for row in keys.iter_rows():
                print(*row)
    """
    environment = {**os.environ, "PYTHONPATH": str(PLACE)}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
            cwd=PLACE, env=environment, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    outputs = [set(racer.communicate(timeout=120)[0].splitlines()) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0]
    assert outputs[0] == outputs[1]
    rows = issued(Lake(str(tmp_path)), "alder")
    assert rows["surrogate_key"].to_list() == list(range(1, 236))
    assert rows["issued_for"].n_unique() == 235


def same(*pairs: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(list(pairs), schema=["issued_for", "same_as"], orient="row")


def test_a_new_name_of_a_thing_gets_its_key_by_a_record_of_its_own(issuer: KeyIssuer, tmp_path: Path) -> None:
    issuer.issue("account", "alder", pl.Series(["tda|1", "tda|2"]), AT)
    pairs = same(("tda|1", "schwab|1"), ("schwab|1", "pershing|1"))
    found = issuer.issue("account", "alder", pl.Series(["pershing|1", "schwab|9", "schwab|1"]), AT, same=pairs)
    assert found.select("issued_for", "surrogate_key").rows() == [("pershing|1", 1), ("schwab|1", 1), ("schwab|9", 3)]
    before = issued(issuer.lake, "alder")
    shutil.rmtree(tmp_path / "alder" / "landing" / "issued_key")
    rebuild_issued_keys(issuer.lake, issuer.raw, "alder")
    assert issued(issuer.lake, "alder").sort("issued_for").equals(before.sort("issued_for"))


def test_two_names_of_one_thing_that_come_together_get_one_key(issuer: KeyIssuer) -> None:
    names = pl.Series(["schwab|1", "tda|1", "tda|2"])
    found = issuer.issue("account", "alder", names, AT, same=same(("tda|1", "schwab|1")))
    assert found["surrogate_key"].to_list() == [1, 1, 2]


def test_what_is_said_to_be_two_things_gets_a_key_of_its_own(issuer: KeyIssuer) -> None:
    issuer.issue("account", "alder", pl.Series(["tda|1", "schwab|1"]), AT)
    pairs = same(("tda|1", "x|1"), ("x|1", "schwab|1"))
    found = issuer.issue("account", "alder", pl.Series(["x|1", "tda|1", "schwab|1"]), AT, same=pairs)
    assert found["surrogate_key"].n_unique() == 3
