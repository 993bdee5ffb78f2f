"""A range run's events are all in the log, whichever way they are written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from assets.partitions import SINGLE_RUN
from pipelines.environment import REPOSITORY
from pipelines.event_log import BatchedSqliteEventLogStorage

DAYS = dg.DailyPartitionsDefinition(start_date="2022-01-01", end_date="2022-02-01")


def _graph() -> dg.Definitions:
    # The orchestrator reads the annotation, so it must be a type and not a text: hence no annotation of the context.
    @dg.asset(
        partitions_def=DAYS,
        backfill_policy=SINGLE_RUN,
        check_specs=[dg.AssetCheckSpec("sound", asset="daily")],
    )
    def daily(context):  # type: ignore[no-untyped-def]
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="sound", passed=True)])

    return dg.Definitions(assets=[daily], jobs=[dg.define_asset_job("days", executor_def=dg.in_process_executor)])


@pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")
@pytest.mark.parametrize("batch", ["0", "7", "500"])
def test_every_partition_of_a_range_is_logged_whatever_the_batch(
    batch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
    monkeypatch.setenv("NEXUS_DAGSTER_STORAGE", str(tmp_path / "storage"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text((REPOSITORY / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance.event_log_storage, BatchedSqliteEventLogStorage)
        tags = {"dagster/asset_partition_range_start": "2022-01-01", "dagster/asset_partition_range_end": "2022-01-31"}
        result = _graph().resolve_job_def("days").execute_in_process(instance=instance, tags=tags)
        assert result.success
        key = dg.AssetKey("daily")
        assert len(instance.get_materialized_partitions(key)) == 31
        records = instance.get_records_for_run(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        assert [r.event_log_entry.get_dagster_event().partition for r in records] == list(DAYS.get_partition_keys())
        assert instance.get_latest_materialization_event(key) is not None
        checks = [e for e in result.all_events if e.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION]
        assert checks


INDEX = {
    "events": "SELECT dagster_event_type, asset_key, partition, step_key FROM event_logs",
    "assets": "SELECT asset_key, last_materialization IS NOT NULL FROM asset_keys",
    # The data version is drawn anew in every run.
    "tags": "SELECT asset_key, key, CASE WHEN key LIKE 'dagster/partition/%' THEN value END FROM asset_event_tags",
    "checks": "SELECT asset_key, check_name, partition, execution_status FROM asset_check_executions",
}


def _index_after_a_range(storage: Path, monkeypatch: pytest.MonkeyPatch, batch: str) -> dict[str, list[Any]]:
    """What the index holds of a range over two dimensions, in no order."""
    tenants = dg.StaticPartitionsDefinition(["alder"])
    both = dg.MultiPartitionsDefinition({"date": DAYS, "tenant": tenants})
    specs = [dg.AssetSpec(name, partitions_def=both) for name in ("first", "second")]
    checks = [dg.AssetCheckSpec("sound", asset="first")]

    @dg.multi_asset(specs=specs, check_specs=checks, partitions_def=both, backfill_policy=SINGLE_RUN)
    def _tables(context):  # type: ignore[no-untyped-def]
        yield dg.MaterializeResult("first", check_results=[dg.AssetCheckResult(check_name="sound", passed=True)])
        yield dg.MaterializeResult("second")

    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
    monkeypatch.setenv("NEXUS_DAGSTER_STORAGE", str(storage))
    storage.mkdir()
    (storage / "dagster.yaml").write_text((REPOSITORY / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    job = dg.define_asset_job("range", executor_def=dg.in_process_executor)
    definitions = dg.Definitions(assets=[_tables], jobs=[job])
    ends = ("2022-01-03|alder", "2022-01-20|alder")
    tags = {f"dagster/asset_partition_range_{end}": key for end, key in zip(("start", "end"), ends, strict=True)}
    with dg.DagsterInstance.from_config(str(storage)) as instance:
        assert definitions.resolve_job_def("range").execute_in_process(instance=instance, tags=tags).success
    [index] = storage.rglob("index.db")
    with sqlite3.connect(index) as connection:
        return {name: sorted(connection.execute(query).fetchall(), key=repr) for name, query in INDEX.items()}


@pytest.mark.filterwarnings("ignore:Parameter `backfill_policy`")
def test_the_index_is_the_same_in_batches_as_event_by_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    singly = _index_after_a_range(tmp_path / "singly", monkeypatch, "0")
    assert {name: len(rows) > 0 for name, rows in singly.items()} == dict.fromkeys(INDEX, True)
    assert _index_after_a_range(tmp_path / "together", monkeypatch, "500") == singly
    assert _index_after_a_range(tmp_path / "in_parts", monkeypatch, "7") == singly


def test_the_queue_works_on_one_run_a_tenant_at_a_time() -> None:
    settings = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text(encoding="utf-8"))
    limits = settings["concurrency"]["runs"]["tag_concurrency_limits"]
    assert {"key": "nexus/tenant", "limit": 1, "value": {"applyLimitPerUniqueValue": True}} in limits
