"""One real server process, as it is started in production."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving_api.world import REPOSITORY, SHARED_NUMBER, World
from warehouse.postgres.sessions import api_url

pytestmark = pytest.mark.xdist_group("serving_api")


@pytest.fixture
def served(world: World, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Port and log of a server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "log"
    settings = {"NEXUS_API_DATABASE_URL": api_url(world.url), "NEXUS_API_LAKE_ROOT": world.lake_root}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "uvicorn", "serving_api.app:create_app", "--factory", "--host", "127.0.0.1",
                "--port", str(port), "--no-access-log",
            ],
            env={**os.environ, **settings}, cwd=REPOSITORY, stdout=sink, stderr=sink,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield port, log
        finally:
            process.terminate()
            process.wait(20)


def test_a_server_answers_and_its_log_keeps_keys_and_account_numbers_out(
    world: World, served: tuple[int, Path]
) -> None:
    port, log = served
    key = world.keys["alder"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(
        "GET", f"/api/v1/accounts?account_number={SHARED_NUMBER}", headers={"Authorization": f"Bearer {key}"}
    )
    answer = connection.getresponse()
    assert answer.status == 200
    assert [a["account_number"] for a in json.loads(answer.read())["items"]] == [SHARED_NUMBER]

    connection.request("POST", "/api/v1/accounts", body=b"x" * 1_000_000, headers={"Authorization": f"Bearer {key}"})
    refused = connection.getresponse()
    assert refused.status == 413
    refused.read()
    connection.close()

    deadline = time.monotonic() + 30  # the line is written after the answer has left
    while (told := log.read_text()).count('"event": "request"') < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert {(line["route"], line["status"]) for line in lines} == {("/api/v1/accounts", 200), (None, 413)}
    assert key not in told
    assert SHARED_NUMBER not in told
