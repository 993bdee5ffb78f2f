"""Laws of a lake in a bucket, against an S3 server: those of a folder hold, and the environment says where it is."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from contracts.tables.canonical import CUSTODIAN_BALANCE
from contracts.tables.quality import POSITION_BREAK
from tests.s3_fixture import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, running_s3
from warehouse.lake.duck import views
from warehouse.lake.keys import KeyIssuer
from warehouse.lake.locks import file_lock
from warehouse.lake.raw import CorruptFileError, RawStore
from warehouse.lake.store import Lake

AT = datetime(2022, 3, 1, 22, 5, tzinfo=UTC)
ROOT = f"s3://{BUCKET}/lake"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def server(running: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    running.reset()
    settings = {
        "AWS_ENDPOINT_URL": running.url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return running


def balances(file_id: int, *values: int) -> pl.DataFrame:
    """Balances of one file, one per day from the first of January 2022 on."""
    days = [date(2022, 1, 1) + timedelta(days=20 * n) for n in range(len(values))]
    return pl.DataFrame(
        {
            "tenant_key": 1,
            "account_key": 1,
            "currency": "USD",
            "balance_type": "cash_settled",
            "as_of_date": pl.Series(days, dtype=pl.Date),
            "source_file_id": pl.Series([file_id] * len(values), dtype=pl.Int64),
            "balance": pl.Series([Decimal(v) for v in values], dtype=pl.Decimal(20, 4)),
            "connection_id": "custody",
            "known_at": AT,
            "source_line": pl.Series(range(1, len(values) + 1), dtype=pl.Int64),
        }
    )


def broken(difference: int, at: datetime) -> pl.DataFrame:
    row = {
        "tenant_key": 1, "account_key": 1, "security_key": 1, "as_of_date": date(2022, 3, 1), "known_from": at,
        "methodology_version": "1.0", "quantity": Decimal(1), "custodian_quantity": None,
        "quantity_difference": Decimal(difference), "break_cause": None,
    }  # fmt: skip
    return pl.DataFrame([row], schema=POSITION_BREAK.polars_schema)


def amounts(lake: Lake) -> list[tuple[int, Decimal]]:
    rows = lake.read(CUSTODIAN_BALANCE, "alder").sort("source_file_id", "as_of_date")
    return list(rows.select("source_file_id", "balance").iter_rows())


def test_files_are_replaced_whole_in_a_bucket(server: S3Server) -> None:
    lake = Lake(ROOT)
    assert lake.version(CUSTODIAN_BALANCE, "alder") is None
    lake.replace_files(CUSTODIAN_BALANCE, "alder", balances(1, 10, 11), [1])
    lake.replace_files(CUSTODIAN_BALANCE, "alder", balances(2, 20), [2])
    lake.replace_files(CUSTODIAN_BALANCE, "alder", balances(1, 12), [1])
    lake.compact(CUSTODIAN_BALANCE, "alder", keep_hours=0)

    assert amounts(Lake(ROOT)) == [(1, Decimal(12)), (2, Decimal(20))]
    in_january = lake.read(CUSTODIAN_BALANCE, "alder", where=pl.col("as_of_date") < date(2022, 1, 15))
    assert len(in_january) == 2
    assert lake.tables("alder") == ["canonical.custodian_balance"]
    assert lake.tables("birch") == []


def test_what_was_known_before_stays_readable_in_a_bucket(server: S3Server) -> None:
    lake, later = Lake(ROOT), AT + timedelta(days=1)
    for difference, at in ((5, AT), (7, later), (7, later + timedelta(days=1))):
        lake.append_changed(POSITION_BREAK, "alder", broken(difference, at), where=pl.lit(True))
    assert len(lake.read(POSITION_BREAK, "alder")) == 2
    assert lake.current(POSITION_BREAK, "alder")["quantity_difference"].to_list() == [Decimal(7)]
    assert lake.current(POSITION_BREAK, "alder", as_known_at=AT)["quantity_difference"].to_list() == [Decimal(5)]


def test_writers_that_race_for_a_commit_lose_no_row_in_a_bucket(server: S3Server) -> None:
    Lake(ROOT).append(CUSTODIAN_BALANCE, "alder", balances(1, 1))

    def write(first: int) -> None:
        for file_id in range(first, first + 3):
            Lake(ROOT).replace_files(CUSTODIAN_BALANCE, "alder", balances(file_id, 1, 2), [file_id])

    writers = [threading.Thread(target=write, args=(first,)) for first in (100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    expected = [1, *(n for n in (100, 101, 102, 200, 201, 202) for _ in range(2))]
    assert [file_id for file_id, _ in amounts(Lake(ROOT))] == expected


def test_analysts_query_a_lake_in_a_bucket(server: S3Server) -> None:
    Lake(ROOT).append(CUSTODIAN_BALANCE, "alder", balances(1, 10, 11))
    with views(ROOT, "alder") as connection:
        assert connection.execute("SELECT sum(balance) FROM canonical.custodian_balance").fetchone() == (Decimal(21),)


def test_keys_are_issued_once_over_a_bucket(server: S3Server, tmp_path: Path) -> None:
    def issuer() -> KeyIssuer:
        return KeyIssuer(Lake(ROOT), RawStore(ROOT, cache=tmp_path / "cache"), file_lock(tmp_path / "locks"))

    first = issuer().issue("account", "alder", pl.Series(["schwab|1", "schwab|2"]), AT)
    again = issuer().issue("account", "alder", pl.Series(["schwab|2", "schwab|3"]), AT)
    both = pl.concat([first, again]).unique()
    assert sorted(both["surrogate_key"]) == [1, 2, 3]


def test_a_raw_file_comes_back_from_a_bucket_byte_for_byte(server: S3Server, tmp_path: Path) -> None:
    content = hashlib.shake_128(b"raw").digest(7_000_000)  # more than one part of an upload
    (tmp_path / "in").write_bytes(content)
    store = RawStore(ROOT, cache=tmp_path / "cache")
    stored = store.put("alder", tmp_path / "in")
    assert store.put("alder", tmp_path / "in") == stored
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert store.contains("alder", stored.sha256)
    assert not store.contains("birch", stored.sha256)
    assert store.local_path("alder", stored.sha256).read_bytes() == content
    with store.open("alder", stored.sha256) as stream:
        assert (stream.seek(6_000_000), stream.read(3)) == (6_000_000, content[6_000_000:6_000_003])
    assert store.verify("alder", stored.sha256)
    store.take("alder", tmp_path / "in")
    assert not (tmp_path / "in").exists()
    with pytest.raises(FileNotFoundError):
        store.local_path("birch", stored.sha256)


def test_a_raw_file_that_the_bucket_lost_bytes_of_is_not_handed_out(server: S3Server, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"as received")
    store = RawStore(ROOT, cache=tmp_path / "cache")
    sha256 = store.put("alder", tmp_path / "in").sha256
    server.put(f"lake/alder/raw/{sha256[:2]}/{sha256}", b"as mangled")
    assert not store.verify("alder", sha256)
    with pytest.raises(CorruptFileError):
        store.local_path("alder", sha256)
    with pytest.raises(CorruptFileError):
        store.put("alder", tmp_path / "in")


def test_a_put_that_fails_half_way_leaves_no_object(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").write_bytes(b"x" * 1000)
    store = RawStore(ROOT)

    def failing(source: object, target: object, length: int) -> None:
        target.write(b"half")  # type: ignore[attr-defined]
        raise OSError("the disk is gone")

    monkeypatch.setattr("warehouse.lake.raw.shutil.copyfileobj", failing)
    with pytest.raises(OSError, match="the disk is gone"):
        store.put("alder", tmp_path / "in")
    assert not store.contains("alder", hashlib.sha256(b"x" * 1000).hexdigest())
