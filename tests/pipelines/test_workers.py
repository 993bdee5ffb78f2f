"""A worker does not outlive the process that it works for."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

WAIT_SECONDS = 60


def _is_running(process_id: int) -> bool:
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


def test_a_worker_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_PARENT)], stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert _is_running(worker)
    parent.kill()
    parent.wait()
    until = time.monotonic() + WAIT_SECONDS
    while _is_running(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _is_running(worker)


_PARENT = """
    import multiprocessing, os
    from concurrent.futures import ProcessPoolExecutor
    from pipelines.workers import end_with_parent

    if __name__ == "__main__":
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, mp_context=context, initializer=end_with_parent)
        print(pool.submit(os.getpid).result(), flush=True)
        multiprocessing.Event().wait()
"""
