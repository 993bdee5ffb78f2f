"""Makes groups of tests hold, and keeps one test's orchestrator from the next.

One worker for the tests that share an expensive fixture:

pytest-xdist 3.8 tells a test's group by writing it behind its name, into a field that pytest 9.2 does not read any
more; without this, each worker would build every shared fixture for itself. To be removed with the next pytest-xdist.
"""

from __future__ import annotations

import sys

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take over the names that pytest-xdist has given."""
    for item in items:
        grouped = vars(item).get("_nodeid")
        if grouped is not None and grouped != item.nodeid:
            item._id = type(item.id).parse(grouped)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Forget the orchestrator's instance of an earlier test.

    Every instance leaves its storage in a context variable when instances end in another order than they began; the
    next definitions that are built would ask that dead instance.
    """
    base = sys.modules.get("dagster._core.storage.defs_state.base")
    if base is not None:
        base._current_storage.set(None)
