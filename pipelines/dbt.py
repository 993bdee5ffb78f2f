"""dbt in the graph: every model an asset, every test a check, one invocation at a time.

Belongs here: where the project is, how its connection is told, how its names map to asset keys. Does not belong here:
SQL (``dbt_project``).
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets
from dagster_dbt.compat import DBT_PYTHON_VERSION

from assets.marts.assets import note_candidates
from assets.workspace import WorkspaceResource

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"
MANIFEST = PROJECT / "target" / "manifest.json"
KEPT_DAYS = 7
"""How long the folder that each build leaves behind (logs, compiled SQL, results) is kept."""


def connection_environment(url: str) -> dict[str, str]:
    """The warehouse's address as the variables that ``dbt_project/profiles.yml`` reads."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    socket = query.get("host", [""])[0]
    port = query.get("port", [str(parts.port or 5432)])[0]
    return {
        "NEXUS_DBT_HOST": socket or parts.hostname or "localhost",
        "NEXUS_DBT_PORT": port,
        "NEXUS_DBT_USER": unquote(parts.username or "postgres"),
        "NEXUS_DBT_PASSWORD": unquote(parts.password or ""),
        "NEXUS_DBT_DBNAME": parts.path.lstrip("/"),
    }


def dbt_executable() -> str:
    """dbt of the environment that this process runs in."""
    return str(Path(sys.executable).parent / "dbt")


def prepare_manifest() -> Path:
    """The project's manifest, parsed anew when a file of the project is younger.

    Raises:
        RuntimeError: the project does not parse; the message is dbt's.
    """
    sources = [p for p in PROJECT.rglob("*") if p.suffix in {".sql", ".yml", ".yaml"} and "target" not in p.parts]
    newest = max(p.stat().st_mtime for p in sources)
    if MANIFEST.exists() and MANIFEST.stat().st_mtime >= newest:
        return MANIFEST
    settings = {**connection_environment("postgresql://postgres@localhost/none"), **os.environ}
    command = [dbt_executable(), "--quiet", "parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"dbt parse failed; mend the project first:\n{done.stdout}{done.stderr}")
    return MANIFEST


def forget_old_builds(target: Path, now: float) -> None:
    """Remove what builds of more than ``KEPT_DAYS`` ago left: four megabytes each.

    Args:
        target: dbt's target folder.
        now: seconds since the epoch.
    """
    for folder in target.glob("dbt_build-*"):
        with contextlib.suppress(FileNotFoundError):  # another run may forget it at the same time
            if now - folder.stat().st_mtime > KEPT_DAYS * 86_400:
                shutil.rmtree(folder, ignore_errors=True)


class Names(DagsterDbtTranslator):
    """dbt's names as asset keys: schema and table, the same word as everywhere."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Sources are the tables that Python writes; models stand under their layer."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([self.get_group_name(dbt_resource_props) or "marts", dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer: staging, intermediate or marts."""
        folders = dbt_resource_props.get("fqn", [])
        return folders[1] if len(folders) > 2 else None


def warehouse_models() -> dg.AssetsDefinition:
    """All models and their tests as one dbt build."""

    @dbt_assets(
        manifest=prepare_manifest(),
        name="dbt_build",
        dagster_dbt_translator=Names(DagsterDbtTranslatorSettings(enable_asset_checks=True)),
    )
    def _build(context: dg.AssetExecutionContext, dbt: DbtCliResource, workspace: WorkspaceResource) -> Iterator[Any]:
        forget_old_builds(PROJECT / "target", time.time())
        note_candidates(context, workspace.warehouse_url)
        yield from dbt.cli(["build", "--exclude-resource-type", "unit_test"], context=context).stream()

    return _build


class InstalledDbt(DbtCliResource):
    """The dbt command line of this environment, without two seconds-long steps before each command.

    The base class starts dbt once more to ask for its version, which is the installed package's, and imports dbt into
    this process for the row counts of a feature that is not used here.
    """

    @property
    def _cli_version(self) -> Any:
        return DBT_PYTHON_VERSION

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


def dbt_resource() -> DbtCliResource:
    """The dbt command line; the warehouse's address is in the process environment when a run starts."""
    return InstalledDbt(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=dbt_executable())
