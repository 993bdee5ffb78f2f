"""Runs of several tenants at once, each in a process of its own, as the queue's run workers would work on them.

The processes stay for the next runs: what Python and the orchestrator take to start is paid once.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from datetime import date
from functools import cache

from pipelines.definitions import build_definitions
from pipelines.installation import prepared
from pipelines.runs import Outcome, Runner


class Workers(AbstractContextManager["Workers"]):
    """Processes of the installation that the environment names; they end with the block, or when this process does.

    Args:
        count: how many runs are worked on at once.
    """

    def __init__(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, mp_context=context, initializer=end_with_parent)
        self._starting = [self._pool.submit(_runner_is_ready) for _ in range(count)]

    def __exit__(self, *exc_info: object) -> None:
        """Let the runs under way end."""
        self._pool.shutdown(cancel_futures=True)

    def nightly(self, tenants: Iterable[str], first: date, last: date) -> Iterator[tuple[str, Outcome]]:
        """One run per tenant from ``first`` to ``last``, at once; tenant and outcome, in the order given."""
        runs: dict[str, Future[Outcome]] = {t: self._pool.submit(_nightly, t, first, last) for t in tenants}
        for tenant, run in runs.items():
            yield tenant, run.result()


@cache
def _runner() -> Runner:
    """This worker's runner."""
    installation = prepared()
    definitions = build_definitions(installation.environment, installation.warehouse_url)
    return Runner(definitions, installation.instance())


def _runner_is_ready() -> bool:
    return _runner() is not None


def _nightly(tenant: str, first: date, last: date) -> Outcome:
    return _runner().nightly(tenant, first, last)


def end_with_parent() -> None:
    """Do not outlive a parent that was killed: the pool's own queue would be waited on for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def leave() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()
