"""A fault that may pass is tried again with growing pauses; one that a person must mend is not."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from assets.landing import assets as landing
from assets.landing.fetch import Landed
from assets.workspace import WorkspaceResource
from connectors.errors import PermanentError, RetryableError
from connectors.registry import adapter

DAY = str(dg.MultiPartitionKey({"tenant": "me", "date": "2022-01-03"}))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    connections = [
        {"connection_id": name, "adapter": "ofx", "transport": {"kind": "local", "path": str(tmp_path)}}
        for name in ("one", "two")
    ]
    (tmp_path / "tenants").mkdir()
    settings = {"tenant": "me", "name": "me", "connections": connections}
    (tmp_path / "tenants" / "me.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


class Provider:
    """What visits do: ``faults`` are raised one after the other at connection ``one``, then it answers."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.visits: list[str] = []

    def visit(self, _: Any, __: str, connection: Any) -> Landed:
        self.visits.append(connection.connection_id)
        if connection.connection_id == "one" and self.faults:
            raise self.faults.pop(0)
        return Landed(listed=1, new=1)


def landed(home: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> dg.ExecuteInProcessResult:
    """One run of the landing of OFX files, with hundredths of seconds for seconds."""
    monkeypatch.setattr(landing, "fetch_files", provider.visit)
    monkeypatch.setattr(landing, "RETRY_SECONDS", landing.RETRY_SECONDS / 1000)
    with warnings.catch_warnings(), dg.DagsterInstance.ephemeral() as instance:
        warnings.simplefilter("ignore", dg.BetaWarning)
        instance.add_dynamic_partitions("tenant", ["me"])
        return dg.materialize(
            [landing.landing_asset(adapter("ofx"))],
            partition_key=DAY, instance=instance, raise_on_error=False,
            resources={"workspace": WorkspaceResource(home=str(home))},
        )  # fmt: skip


def pauses(result: dg.ExecuteInProcessResult) -> list[float]:
    retried = [e for e in result.all_events if e.event_type == dg.DagsterEventType.STEP_UP_FOR_RETRY]
    return [float(e.step_retry_data.seconds_to_wait or 0) * 1000 for e in retried]


def reached(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == "provider_reachable"]
    return check


def test_a_fault_that_passes_is_tried_again_with_growing_pauses(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(RetryableError("no answer"), RetryableError("no answer"))
    result = landed(home, provider, monkeypatch)
    assert result.success
    assert pauses(result) == pytest.approx([20, 40])
    assert provider.visits == ["one", "one", "one", "two"]
    assert reached(result).passed


def test_a_fault_that_stays_ends_as_a_failed_check_and_the_other_connection_is_visited(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider(*[RetryableError("no answer")] * 9)
    result = landed(home, provider, monkeypatch)
    assert result.success
    assert provider.visits == ["one", "one", "one", "two"]
    assert not reached(result).passed
    assert reached(result).metadata["one"].value == "no answer"


def test_a_fault_that_a_person_must_mend_is_not_tried_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(PermanentError("another host key"))
    result = landed(home, provider, monkeypatch)
    assert result.success
    assert pauses(result) == []
    assert provider.visits == ["one", "two"]
    assert not reached(result).passed


def test_a_fault_of_the_program_ends_the_run_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = landed(home, Provider(ZeroDivisionError()), monkeypatch)
    assert not result.success
    assert pauses(result) == []
