"""The one set of definitions: complete, under one policy, named as the contracts are, and as reviewed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.partitions.context import partition_loading_context

from assets.partitions import DATES, TENANT_DATES, tenant_and_dates
from assets.workspace import business_dates
from connectors.registry import adapters
from contracts.registry import TABLES
from pipelines.environment import REPOSITORY
from tests.pipelines.snapshot import SNAPSHOT, definitions, described

pytestmark = pytest.mark.xdist_group("pipelines_definitions")


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return definitions()


@pytest.fixture(scope="module")
def told(defs: dg.Definitions) -> Mapping[str, Any]:
    return described(defs)


def specs(defs: dg.Definitions) -> list[dg.AssetSpec]:
    return [
        spec for spec in defs.resolve_all_asset_specs() if defs.resolve_asset_graph().get(spec.key).is_materializable
    ]


def test_definitions_load_and_validate_without_a_warehouse(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)
    assert {job.name for job in defs.jobs or ()} == {"market_data", "nightly", "marts"}


def test_the_graph_is_as_reviewed(told: Mapping[str, Any]) -> None:
    """After a change that is meant: ``python -m tests.pipelines.snapshot``, and read the difference."""
    assert told == json.loads(SNAPSHOT.read_text())


def test_every_asset_has_an_owner_a_freshness_policy_and_a_description(defs: dg.Definitions) -> None:
    without = {
        spec.key.to_user_string()
        for spec in specs(defs)
        if not spec.owners or spec.freshness_policy is None or not (spec.description or "").strip() or not spec.kinds
    }
    assert without == set()


def test_every_asset_key_is_the_name_of_a_table(defs: dg.Definitions) -> None:
    """Python's assets are named as the contracts' tables; the landings of files and market data are told by prefix."""
    landings = {f"landing/{slug}_files" for slug in adapters()}
    tables = {name.replace(".", "/") for name in TABLES}
    for spec in specs(defs):
        key = spec.key.to_user_string()
        if spec.group_name in {"staging", "intermediate", "marts"} or key in landings or spec.group_name == "ops":
            continue
        schema, name = key.split("/")
        assert key in tables or (schema == "shared" and any(t.endswith(f"/{name}") for t in tables)), key


def test_every_computed_table_is_an_asset(told: Mapping[str, Any]) -> None:
    computed = {name.replace(".", "/") for name, table in TABLES.items() if table.kind == "computed"}
    assert computed
    assert computed <= set(told["assets"])


def test_publication_comes_after_every_model_and_the_load_before_none(told: Mapping[str, Any]) -> None:
    models = {name for name, asset in told["assets"].items() if "dbt" in asset["kinds"]}
    assert set(told["assets"]["ops/publication"]["deps"]) == models
    assert set(told["jobs"]["marts"]["assets"]) == {*models, "ops/publication"}


def test_every_asset_runs_in_exactly_one_job(told: Mapping[str, Any]) -> None:
    in_jobs = [name for job in told["jobs"].values() for name in job["assets"]]
    assert sorted(in_jobs) == sorted(told["assets"])


def test_a_run_works_on_one_tenant() -> None:
    keys = [str(dg.MultiPartitionKey({"tenant": t, "date": d})) for t, d in (("a", "2022-01-04"), ("a", "2022-01-03"))]
    assert tenant_and_dates([str(dg.MultiPartitionKey({"tenant": "me", "date": "2022-01-03"}))])[0] == "me"
    assert tenant_and_dates(keys) == ("a", date(2022, 1, 3), date(2022, 1, 4))
    strangers = [*keys, str(dg.MultiPartitionKey({"tenant": "b", "date": "2022-01-03"}))]
    with pytest.raises(ValueError, match="one tenant; its partitions name 2"):
        tenant_and_dates(strangers)


def test_the_key_of_a_partition_is_date_then_tenant() -> None:
    """``tenant_and_dates`` takes a key apart in the order that the orchestrator puts it together."""
    assert [d.name for d in TENANT_DATES.partitions_defs] == ["date", "tenant"]


def test_a_statement_of_any_day_finds_its_business_day_among_the_partitions() -> None:
    """A download of a Saturday counts on the next session, which lies ahead; the last key is never in the past."""
    sessions = business_dates("XNYS", date(2020, 1, 1), date(2026, 12, 31)).to_list()
    for day in (date(2020, 1, 1) + timedelta(days=n) for n in range(365 * 6)):
        counts_on = next(session for session in sessions if session >= day)
        with partition_loading_context(datetime.combine(day, time(1), UTC)):
            assert DATES.has_partition_key(counts_on.isoformat()), day


def test_the_queue_runs_a_tenant_a_marts_job_and_market_data_one_at_a_time(tmp_path: Any) -> None:
    settings = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())
    runs = settings["concurrency"]["runs"]
    assert runs["max_concurrent_runs"] >= 2
    limits = {(limit["key"], str(limit.get("value"))): limit["limit"] for limit in runs["tag_concurrency_limits"]}
    assert limits == {
        ("nexus/tenant", "{'applyLimitPerUniqueValue': True}"): 1,
        ("nexus/job", "marts"): 1,
        ("nexus/job", "market_data"): 1,
    }
    assert settings["telemetry"] == {"enabled": False}


def test_the_instance_reads_its_settings(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_DAGSTER_STORAGE", str(tmp_path))
    with dg.DagsterInstance.from_config(str(REPOSITORY)) as instance:
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert queue.max_concurrent_runs >= 2
        assert len(queue.tag_concurrency_limits or []) == 3
        assert not instance.nux_enabled
        assert not instance.telemetry_enabled


def test_the_jobs_carry_the_tags_that_the_queue_limits(told: Mapping[str, Any]) -> None:
    assert {name: job["tags"]["nexus/job"] for name, job in told["jobs"].items()} == {
        name: name for name in ("market_data", "marts", "nightly")
    }
