"""``nexus up`` and ``nexus down``: the UI, the daemon and the API as one foreground command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pipelines.cli.console import console, fail
from pipelines.environment import Environment
from pipelines.installation import Installation, prepared, repository_file
from warehouse.postgres.server import stop
from warehouse.postgres.sessions import api_url

BIN = Path(sys.executable).parent


def api_environment(installation: Installation) -> dict[str, str]:
    """The API's settings: the role that row-level security narrows, never the owner's."""
    return {
        **os.environ,
        "NEXUS_API_DATABASE_URL": api_url(installation.warehouse_url),
        "NEXUS_API_LAKE_ROOT": installation.environment.lake_root,
    }


def up() -> None:
    """Serve the Dagster UI and the API until interrupted."""
    installation = prepared()
    installation.instance()
    environment = installation.environment
    workspace = ["-w", str(repository_file("workspace.yaml"))]
    api = ["-m", "uvicorn", "serving_api.app:create_app", "--factory", "--host", "127.0.0.1"]
    commands = {
        "Dagster UI": [str(BIN / "dagster-webserver"), *workspace, "-h", "127.0.0.1", "-p", str(environment.ui_port)],
        "Dagster daemon": [str(BIN / "dagster-daemon"), "run", *workspace],
        "API": [sys.executable, *api, "--port", str(environment.api_port)],
    }
    settings = api_environment(installation)
    running = {
        name: subprocess.Popen(command, env=settings, cwd=repository_file(".")) for name, command in commands.items()
    }
    console.print(f"Dagster UI  http://127.0.0.1:{environment.ui_port}")
    console.print(f"API         http://127.0.0.1:{environment.api_port}/docs   (stop with Ctrl-C)")
    _wait(running)


def _wait(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Until one of the processes ends or the user stops them; then end those that were started here."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ended: str | None = None
    try:
        while ended is None:
            time.sleep(0.5)
            ended = next((name for name, process in running.items() if process.poll() is not None), None)
    except (KeyboardInterrupt, SystemExit):
        ended = None
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
    if ended:
        fail(f"{ended} ended by itself; its message is above")


def down() -> None:
    """Stop the embedded PostgreSQL of this installation."""
    stop(Environment().home)
    console.print("stopped")
