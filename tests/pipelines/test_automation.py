"""When things run: mornings after business days, once per new set of files, after a load."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.asset_sensor_definition import AssetSensorDefinition
from dagster._utils.schedules import schedule_execution_time_iterator

from assets.marts.assets import LOAD
from assets.workspace import WorkspaceResource
from connectors.errors import PermanentError, RetryableError
from connectors.registry import adapters
from pipelines import automation
from pipelines.automation import late_files, market_data_schedule, marts_after_load, nightly_schedule

pytestmark = pytest.mark.xdist_group("pipelines_automation")
NEW_YORK = ZoneInfo("America/New_York")
TENANTS = ("alder", "birch")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        found.add_dynamic_partitions("tenant", list(TENANTS))
        yield found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance on disk: a schedule's context opens its own from there. Nothing is written to it."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as found:
        found.add_dynamic_partitions("tenant", list(TENANTS))
        yield found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An installation whose tenants read a folder of this machine each."""
    (tmp_path / "tenants").mkdir()
    for tenant in TENANTS:
        inbox = tmp_path / "inbox" / tenant
        inbox.mkdir(parents=True)
        connection = {"connection_id": "ofx", "adapter": "ofx", "transport": {"kind": "local", "path": str(inbox)}}
        settings = {"tenant": tenant, "name": tenant, "connections": [connection]}
        (tmp_path / "tenants" / f"{tenant}.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def morning(home: Path, kept: dg.DagsterInstance, at: datetime) -> list[tuple[str | None, dict[str, str], Any]]:
    """What the nightly schedule asks for at an instant: run key, tags, partition."""
    context = dg.build_schedule_context(instance=kept, scheduled_execution_time=at)
    asked = nightly_schedule(context, workspace=WorkspaceResource(home=str(home)))
    return [(request.run_key, request.tags, request.partition_key) for request in asked]


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2022, 11, 23, 6, 30, tzinfo=NEW_YORK), "2022-11-22"),  # Wednesday, after Tuesday
        (datetime(2022, 11, 19, 6, 30, tzinfo=NEW_YORK), "2022-11-18"),  # Saturday, after Friday
        (datetime(2022, 11, 26, 6, 30, tzinfo=NEW_YORK), "2022-11-25"),  # after the half day that follows Thanksgiving
        (datetime(2022, 3, 15, 10, 30, tzinfo=UTC), "2022-03-14"),  # 06:30 in summer time, two days after the change
        (datetime(2022, 11, 8, 11, 30, tzinfo=UTC), "2022-11-07"),  # 06:30 in winter time, two days after the change
    ],
)
def test_the_morning_after_a_business_day_runs_that_day_once_for_each_tenant(
    home: Path, kept: dg.DagsterInstance, at: datetime, day: str
) -> None:
    asked = morning(home, kept, at)
    assert [str(key) for _, _, key in asked] == [f"{day}|{tenant}" for tenant in TENANTS]
    assert [key for key, _, _ in asked] == [f"nightly-{tenant}-{day}" for tenant in TENANTS]
    assert [tags["nexus/tenant"] for _, tags, _ in asked] == list(TENANTS)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2022, 11, 25, 6, 30, tzinfo=NEW_YORK),  # after Thanksgiving
        datetime(2022, 7, 5, 6, 30, tzinfo=NEW_YORK),  # after Independence Day, a Monday
        datetime(2022, 6, 21, 6, 30, tzinfo=NEW_YORK),  # after Juneteenth observed
        datetime(2022, 4, 16, 6, 30, tzinfo=NEW_YORK),  # after Good Friday
    ],
)
def test_the_morning_after_a_holiday_runs_nothing(home: Path, kept: dg.DagsterInstance, at: datetime) -> None:
    assert morning(home, kept, at) == []
    context = dg.build_schedule_context(instance=kept, scheduled_execution_time=at)
    skipped = market_data_schedule(context, workspace=WorkspaceResource(home=str(home)))
    assert isinstance(skipped, dg.SkipReason)


@pytest.mark.parametrize("schedule", [nightly_schedule, market_data_schedule])
def test_schedules_fire_on_the_mornings_after_weekdays_at_one_hour_in_new_york_all_year(
    schedule: dg.ScheduleDefinition,
) -> None:
    """Over both changes of the clocks: Tuesdays to Saturdays, at the same hour of the wall clock."""
    for start in (datetime(2022, 3, 8, tzinfo=UTC), datetime(2022, 11, 1, tzinfo=UTC)):
        ticks = schedule_execution_time_iterator(
            start.timestamp(), schedule.cron_schedule, schedule.execution_timezone, ascending=True
        )
        fortnight = [next(ticks) for _ in range(10)]
        assert {tick.weekday() for tick in fortnight} == {1, 2, 3, 4, 5}
        assert len({tick.astimezone(NEW_YORK).time() for tick in fortnight}) == 1
        assert len({tick.astimezone(UTC).time() for tick in fortnight}) == 2


def clock(schedule: dg.ScheduleDefinition) -> time:
    minute, hour = str(schedule.cron_schedule).split()[:2]
    return time(int(hour), int(minute))


def test_market_data_is_fetched_before_the_nightly_and_both_after_the_cut_offs() -> None:
    assert market_data_schedule.execution_timezone == nightly_schedule.execution_timezone == "America/New_York"
    assert clock(market_data_schedule) < clock(nightly_schedule)
    custodians = [source.cut_off.split() for source in adapters().values() if source.market == "custodian"]
    assert custodians
    for cut_off, zone in custodians:
        assert zone == "America/New_York"
        assert time.fromisoformat(cut_off) <= clock(nightly_schedule)


def test_the_market_data_of_a_business_day_is_asked_for_once(home: Path, kept: dg.DagsterInstance) -> None:
    at = datetime(2022, 11, 23, 6, 0, tzinfo=NEW_YORK)
    context = dg.build_schedule_context(instance=kept, scheduled_execution_time=at)
    asked = market_data_schedule(context, workspace=WorkspaceResource(home=str(home)))
    assert isinstance(asked, dg.RunRequest)
    assert (asked.run_key, asked.partition_key) == ("market-2022-11-22", "2022-11-22")


# --- late files -------------------------------------------------------------------------------------------------------


def looked(home: Path, instance: dg.DagsterInstance) -> dict[str, str]:
    """What the sensor asks for now: run key to partition."""
    context = dg.build_sensor_context(instance=instance)
    asked = list(late_files(context, workspace=WorkspaceResource(home=str(home))))
    return {str(r.run_key): str(r.partition_key) for r in asked if isinstance(r, dg.RunRequest)}


def test_a_new_set_of_files_is_one_run_however_often_one_looks(home: Path, instance: dg.DagsterInstance) -> None:
    assert looked(home, instance) == {}
    (home / "inbox" / "birch" / "a.ofx").write_text("one")
    first = looked(home, instance)
    assert len(first) == 1
    assert looked(home, instance) == first
    (partition,) = first.values()
    day, tenant = partition.split("|")
    assert tenant == "birch"
    today = datetime.now(NEW_YORK).date()
    assert (today - timedelta(days=14)).isoformat() <= day < today.isoformat()


def test_one_more_file_is_a_new_set(home: Path, instance: dg.DagsterInstance) -> None:
    (home / "inbox" / "birch" / "a.ofx").write_text("one")
    first = looked(home, instance)
    (home / "inbox" / "birch" / "b.ofx").write_text("two")
    second = looked(home, instance)
    assert len(second) == 1
    assert not first.keys() & second.keys()


def test_the_name_of_a_run_tells_no_file(home: Path, instance: dg.DagsterInstance) -> None:
    """Custodians put account numbers into names."""
    (home / "inbox" / "birch" / "12345678_20220105.ofx").write_text("one")
    assert all("12345678" not in key for key in looked(home, instance))


@pytest.mark.parametrize("fault", [RetryableError("no answer"), PermanentError("another host key")])
def test_a_provider_that_cannot_be_reached_hides_no_other_tenant(
    home: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def unseen(_: object, tenant: str) -> list[str]:
        if tenant == "alder":
            raise fault
        return ["ofx/late.ofx"]

    monkeypatch.setattr(automation, "unseen_files", unseen)
    assert [partition.split("|")[1] for partition in looked(home, instance).values()] == ["birch"]


def test_a_folder_that_is_gone_hides_no_other_tenant(home: Path, instance: dg.DagsterInstance) -> None:
    (home / "inbox" / "alder").rmdir()
    (home / "inbox" / "birch" / "a.ofx").write_text("one")
    assert [partition.split("|")[1] for partition in looked(home, instance).values()] == ["birch"]


# --- marts ------------------------------------------------------------------------------------------------------------


def test_a_load_asks_for_the_marts_once(instance: dg.DagsterInstance) -> None:
    assert isinstance(marts_after_load, AssetSensorDefinition)
    assert marts_after_load.asset_key == LOAD
    assert marts_after_load.job_name == "marts"

    @dg.op
    def load(context):  # type: ignore[no-untyped-def]  # the orchestrator reads annotations; here they are texts
        context.log_event(dg.AssetMaterialization(LOAD))

    @dg.job
    def loading() -> None:
        load()

    loaded = loading.execute_in_process(instance=instance)
    found = marts_after_load.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert [request.run_key for request in found.run_requests or []] == [f"marts-{loaded.run_id}"]
    again = marts_after_load.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=found.cursor))
    assert not again.run_requests
