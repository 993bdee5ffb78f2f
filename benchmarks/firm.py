"""A bulk firm installed in a folder of its own: its files, its settings, and its opening day already run.

Belongs here: everything that must be there before the clock starts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import yaml

from assets.marts.assets import known_until
from assets.workspace import Workspace
from pipelines.definitions import build_definitions
from pipelines.installation import Installation, prepared
from pipelines.runs import Outcome, Runner
from simulation.bulk import CONNECTION, MASTER, TENANT, BulkPlan, write_bulk
from warehouse.postgres.publication import publish


def install(home: Path, accounts: int) -> date:
    """Simulate the firm under ``home``, run and publish its opening day; the day whose nightly is to be measured.

    The files of that day are kept aside until ``deliver``.
    """
    world = home / "world"
    opening, following = write_bulk(BulkPlan(accounts), world)
    for path in sorted(_files_of(world / "sftp", following)):
        _move(path, world / "sftp", world / "tomorrow")
    _write_settings(home)
    runner, installation = runner_of(home)
    _ended_well(opening, market_data=runner.market_data(opening, opening))
    _ended_well(opening, nightly=runner.nightly(TENANT, opening, opening))
    # Published without dbt, which takes seconds and would find the same on the measured night.
    workspace = workspace_of(home, installation)
    known_at = known_until(workspace, TENANT)
    publish(installation.warehouse_url, workspace.tenant_key(TENANT), [opening], known_at, "benchmark")
    return following


def deliver(home: Path) -> None:
    """The files of the measured day arrive."""
    world = home / "world"
    for path in sorted(p for p in (world / "tomorrow").rglob("*") if p.is_file()):
        _move(path, world / "tomorrow", world / "sftp")


def runner_of(home: Path) -> tuple[Runner, Installation]:
    """A runner over the installation in ``home``, with the embedded server there, whatever the environment names."""
    for name in ("DATABASE_URL", "NEXUS_LAKE", "NEXUS_DEPLOYMENT"):
        os.environ.pop(name, None)
    os.environ["NEXUS_HOME"] = str(home)
    installation = prepared()
    instance = installation.instance()
    return Runner(build_definitions(installation.environment, installation.warehouse_url), instance), installation


def workspace_of(home: Path, installation: Installation) -> Workspace:
    """The handles of the installation in ``home``."""
    return Workspace(home, installation.environment.lake_root, installation.warehouse_url)


def night(runner: Runner, day: date) -> dict[str, Outcome]:
    """Everything that a night runs: market data, the tenant's nightly, the marts with their publication.

    Raises:
        RuntimeError: a run failed, or a check did not pass; a wrong night must not be measured.
    """
    started: dict[str, Callable[[], Outcome]] = {
        "market_data": lambda: runner.market_data(day, day),
        "nightly": lambda: runner.nightly(TENANT, day, day),
        "marts": runner.marts,
    }
    outcomes: dict[str, Outcome] = {}
    for name, start in started.items():
        outcomes[name] = start()
        _ended_well(day, **{name: outcomes[name]})
    return outcomes


def _ended_well(day: date, **outcomes: Outcome) -> None:
    for name, outcome in outcomes.items():
        if not outcome.success or outcome.failed_checks:
            raise RuntimeError(f"{name} of {day} did not end well: {outcome}")


def _files_of(folder: Path, day: date) -> list[Path]:
    stamp = f"{day:%Y%m%d}"
    return [p for p in folder.rglob("*") if p.is_file() and stamp in str(p.relative_to(folder)).replace("-", "")]


def _move(path: Path, source: Path, target: Path) -> None:
    place = target / path.relative_to(source)
    place.parent.mkdir(parents=True, exist_ok=True)
    path.rename(place)


def _write_settings(home: Path) -> None:
    root = home / "world" / "sftp"
    feeds: dict[str, list[tuple[str, str, tuple[str, ...]]]] = {
        "_shared": [("ecb", "ecb", ()), ("closing_prices", "closing_prices", ())],
        TENANT: [(CONNECTION, "schwab", (MASTER.number,))],
    }
    (home / "tenants").mkdir(parents=True, exist_ok=True)
    for tenant, connections in feeds.items():
        settings = {
            "tenant": tenant,
            "name": "Bulk Wealth",
            "connections": [
                {
                    "connection_id": name,
                    "adapter": adapter,
                    "transport": {"kind": "local", "path": str(root / tenant / name)},
                    "master_accounts": list(masters),
                    "received_at": "remote_mtime",
                }
                for name, adapter, masters in connections
            ],
        }
        (home / "tenants" / f"{tenant}.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
