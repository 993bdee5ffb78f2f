"""``nexus up``: the UI and the API answer, and whatever ends it ends all that it started, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.pipelines.command import environment
from tests.pipelines.person import Person

pytestmark = [pytest.mark.xdist_group("pipelines_ingest"), pytest.mark.full]
PATIENCE_SECONDS = 240


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def answer(address: str, body: dict[str, str] | None = None) -> dict[str, object] | None:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 (our own)
    with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
        found: dict[str, object] = json.load(reply)
        return found
    return None


def await_true(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        if time.monotonic() > deadline:
            pytest.fail("it did not come about")
        time.sleep(0.5)


def session_of(leader: int) -> dict[int, str]:
    """Processes of the session that the command leads: id to command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            state = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(state[3]) == leader and state[0] != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    return found


@contextmanager
def served(person: Person, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    ui, api = free_ports()
    variables = {
        "NEXUS_HOME": str(person.home), "DATABASE_URL": person.url,
        "NEXUS_UI_PORT": str(ui), "NEXUS_API_PORT": str(api),
    }  # fmt: skip
    with environment(**variables), log.open("wb") as out:
        command = [str(Path(sys.executable).parent / "nexus"), "up"]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        await_true(lambda: process.poll() is not None or answer(f"http://127.0.0.1:{api}/health"))
        await_true(lambda: process.poll() is not None or b"API  " in log.read_bytes())
        assert process.poll() is None, log.read_text()
        yield process, ui, api
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def test_the_ui_and_the_api_answer_until_a_signal_ends_all(person: Person, tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    with served(person, log) as (process, ui, api):
        query = {"query": "{ assetNodes { assetKey { path } } }"}
        graph = answer(f"http://127.0.0.1:{ui}/graphql", query)
        assert graph is not None
        assert "account_valuation" in json.dumps(graph)
        assert answer(f"http://127.0.0.1:{api}/health/ready") is not None
        assert len(session_of(process.pid)) >= 4
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0
        await_true(lambda: not session_of(process.pid))
    assert "stopping" in log.read_text()
    assert person.rows("SELECT 1") == [(1,)]


@pytest.mark.parametrize("ending", ["the command is terminated", "the API ends by itself"])
def test_all_end_together(person: Person, tmp_path: Path, ending: str) -> None:
    log = tmp_path / "up.log"
    with served(person, log) as (process, _, __):
        started = session_of(process.pid)
        if ending == "the command is terminated":
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
        else:
            (api,) = [pid for pid, command in started.items() if "uvicorn" in command]
            os.kill(api, signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 1
            assert "nexus: API ended by itself" in log.read_text()
        await_true(lambda: not session_of(process.pid))
