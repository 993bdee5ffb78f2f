"""A range run's events are all in the log, whichever way they are written."""

from __future__ import annotations

from pathlib import Path

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


def test_the_queue_works_on_one_run_a_tenant_at_a_time() -> None:
    settings = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text(encoding="utf-8"))
    limits = settings["concurrency"]["runs"]["tag_concurrency_limits"]
    assert {"key": "nexus/tenant", "limit": 1, "value": {"applyLimitPerUniqueValue": True}} in limits
