"""``nexus up`` and ``nexus down``: the UI, the daemon and the API as one foreground command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.cli.console import console, fail
from pipelines.environment import Environment
from pipelines.installation import Installation, prepared, repository_file
from warehouse.postgres.server import stop
from warehouse.postgres.sessions import api_url

BIN = Path(sys.executable).parent
HOST = "127.0.0.1"
POLL_SECONDS = 0.3
END_SECONDS = 30

Running = Mapping[str, subprocess.Popen[bytes]]


def api_environment(installation: Installation) -> dict[str, str]:
    """The API's settings: the role that row-level security narrows, never the owner's."""
    return {
        **os.environ,
        "NEXUS_API_DATABASE_URL": api_url(installation.warehouse_url),
        "NEXUS_API_LAKE_ROOT": installation.environment.lake_root,
    }


def up() -> None:
    """Serve the Dagster UI and the API until interrupted."""
    environment = Environment()
    for variable, port in (("NEXUS_UI_PORT", environment.ui_port), ("NEXUS_API_PORT", environment.api_port)):
        if not _is_free(port):
            fail(f"port {port} is in use; set {variable} to another")
    if environment.ui_port == environment.api_port:
        fail(f"NEXUS_UI_PORT and NEXUS_API_PORT are both {environment.ui_port}; set one of them to another")
    installation = prepared()
    installation.instance()
    workspace = ["-w", str(repository_file("workspace.yaml"))]
    api = ["-m", "uvicorn", "serving_api.app:create_app", "--factory", "--host", HOST, "--no-access-log"]
    commands = {
        "Dagster UI": [str(BIN / "dagster-webserver"), *workspace, "-h", HOST, "-p", str(environment.ui_port)],
        "Dagster daemon": [str(BIN / "dagster-daemon"), "run", *workspace],
        "API": [sys.executable, *api, "--port", str(environment.api_port)],
    }
    settings = api_environment(installation)
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell's background job is born with SIGINT ignored
        signal.signal(number, lambda *_: sys.exit(0))
    running: dict[str, subprocess.Popen[bytes]] = {}
    ended: str | None = None
    try:
        for name, command in commands.items():
            running[name] = subprocess.Popen(command, env=settings, cwd=repository_file("."))
        ended = _until_answering(running, (environment.ui_port, environment.api_port))
        if ended is None:
            console.print(f"Dagster UI  http://{HOST}:{environment.ui_port}")
            console.print(f"API         http://{HOST}:{environment.api_port}/docs   (stop with Ctrl-C)")
            ended = _until_one_ends(running)
    except (KeyboardInterrupt, SystemExit):
        console.print("stopping")
    finally:
        _end(running)
    if ended:
        fail(f"{ended} ended by itself; its message is above")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _ended(running: Running) -> str | None:
    return next((name for name, process in running.items() if process.poll() is not None), None)


def _until_answering(running: Running, ports: Sequence[int]) -> str | None:
    """Wait until all ports are listened on; the name of a process that ended before that."""
    while (ended := _ended(running)) is None and any(_is_free(port) for port in ports):
        time.sleep(POLL_SECONDS)
    return ended


def _until_one_ends(running: Running) -> str:
    while (ended := _ended(running)) is None:
        time.sleep(POLL_SECONDS)
    return ended


def _end(running: Running) -> None:
    """End the processes that were started here, and only those."""
    for process in running.values():
        process.terminate()
    for process in running.values():
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def down() -> None:
    """Stop the embedded PostgreSQL of this installation."""
    home = Environment().home
    console.print("stopped" if stop(home) else f"no server of {home} was running")
