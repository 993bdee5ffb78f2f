from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from simulation.broken_files import Correction
from simulation.world import Manifest, World, write_day, write_world

Build = Callable[..., World]
_LAST = date(2022, 1, 14)


def _digests(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted((folder / "sftp").rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(build: Build, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_world(build(seed=seed, last_date=_LAST), tmp_path / name)
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()
    assert _digests(tmp_path / "a") != _digests(tmp_path / "c")
    truth = [pl.read_parquet(tmp_path / name / "truth" / "alder" / "valuations.parquet") for name in ("a", "b", "c")]
    assert truth[0].equals(truth[1])
    assert not truth[0].equals(truth[2])


def test_night_by_night_ends_where_all_at_once_ends(build: Build, tmp_path: Path) -> None:
    world = build(Correction("alder", "schwab_main", "RPS", date(2022, 1, 6)), last_date=_LAST)
    whole = write_world(world, tmp_path / "whole")
    write_world(world, tmp_path / "nights", until=date(2022, 1, 5))
    wrong = None
    for night in world.market.days:
        if night > date(2022, 1, 5):
            write_day(world, tmp_path / "nights", night)
            path = tmp_path / "nights" / "sftp" / "alder" / "schwab_main" / "CRS20220106.RPS"
            wrong = wrong or path.read_bytes()
    assert _digests(tmp_path / "whole") == _digests(tmp_path / "nights")
    assert Manifest.read(tmp_path / "nights") == whole
    assert wrong != path.read_bytes()


def test_the_folder_until_a_day_holds_no_later_file(build: Build, tmp_path: Path) -> None:
    manifest = write_world(build(last_date=_LAST), tmp_path, until=date(2022, 1, 5))
    assert {entry.night for entry in manifest.entries} == {"2022-01-03", "2022-01-04", "2022-01-05"}
    assert len(_digests(tmp_path)) == len(manifest.entries)


def test_every_file_is_in_the_manifest_with_its_arrival_as_modification_time(build: Build, tmp_path: Path) -> None:
    manifest = write_world(build(last_date=_LAST), tmp_path)
    assert {entry.path for entry in manifest.entries} == set(_digests(tmp_path))
    arrivals = [entry.arrived_at for entry in manifest.entries]
    assert arrivals == sorted(arrivals)
    for entry in manifest.entries:
        stat = (tmp_path / entry.path).stat()
        assert datetime.fromtimestamp(stat.st_mtime, UTC) == datetime.fromisoformat(entry.arrived_at)
        assert stat.st_size == entry.size_bytes
        assert entry.fault is None


def test_files_arrive_when_their_providers_deliver(world: World) -> None:
    friday = date(2022, 1, 14)
    by_connection = {delivery.connection: delivery for delivery in world.deliveries(friday)}
    new_york, berlin = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")
    custodian = by_connection["schwab_main"].arrived_at.astimezone(new_york)
    assert custodian.date() == date(2022, 1, 18)  # Monday the 17th is a holiday
    assert time(5, 10) <= custodian.time() <= time(5, 50)
    assert by_connection["ecb"].arrived_at.astimezone(berlin) == datetime(2022, 1, 14, 16, 5, tzinfo=berlin)
    prices = by_connection["closing_prices"].arrived_at.astimezone(new_york)
    assert (prices.date(), prices.time()) == (friday, time(18, 0))


def test_a_day_has_one_file_of_each_kind_for_each_tenant(world: World) -> None:
    kinds = Counter((d.tenant, d.connection, d.kind) for d in world.deliveries(date(2022, 1, 12)))
    daily = [(tenant, "schwab_main", kind) for tenant in ("alder", "birch") for kind in ("ACC", "RPS", "SEC", "TRN")]
    assert {key: n for key, n in kinds.items() if key[2] != "OFX"} == dict.fromkeys(
        [*daily, ("_shared", "ecb", "DAILY"), ("_shared", "closing_prices", "PRICES")], 1
    )


def test_every_fixing_is_delivered_once_even_on_days_without_trading(world: World) -> None:
    rates = [d for night in world.market.days for d in world.deliveries(night) if d.connection == "ecb"]
    assert sum(d.kind == "HIST" for d in rates) == 1
    fixings = [d.business_date for d in rates if d.kind == "DAILY"]
    assert fixings == [day for day in world.market.euro.days if world.market.days[0] <= day <= world.market.days[-1]]
    assert date(2022, 1, 17) in fixings


def test_custodian_files_state_the_truth(world: World) -> None:
    day = date(2022, 2, 10)
    (delivery,) = [d for d in world.deliveries(day) if d.path == "birch/schwab_main/CRS20220210.RPS"]
    lines = delivery.content.decode("cp1252").split("\r\n")
    stated = {
        (parts[5].strip(), parts[12]): parts[36].strip()
        for parts in (line.split("|") for line in lines if line.startswith("D1|"))
    }
    frames = world.frames("birch")
    held = frames["positions"].filter(as_of_date=day)
    rows = zip(held["account_number"], held["cusip"], held["quantity"], strict=True)
    assert stated == {(account, cusip): f"{quantity:.5f}" for account, cusip, quantity in rows}
    cash = {line[63:73].strip(): line[548:565].strip() for line in lines if line.startswith("D2|")}
    settled = frames["cash"].filter(as_of_date=day)
    assert cash == {a: f"{c:.5f}" for a, c in zip(settled["account_number"], settled["cash_settled"], strict=True)}
