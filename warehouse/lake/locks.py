"""Locks between processes and threads of one machine, for the few steps that must not interleave.

A lock is a file in a folder, held with ``flock``: the kernel releases it when its holder ends, however it ends, so a
killed run never leaves the next one waiting. Several machines over one object store need a lock of their own; whoever
needs a lock takes it as a parameter for that reason.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

Lock = Callable[[str], AbstractContextManager[None]]
"""Name of what is locked to a context that holds it. Not re-entrant: taking a held name again waits for ever."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def file_lock(folder: Path | str) -> Lock:
    """A lock whose names are files in ``folder``, which is made on first use.

    Raises (on use):
        ValueError: the name is not a plain file name.
    """
    place = Path(folder)

    @contextmanager
    def held(name: str) -> Iterator[None]:
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a lock name: {name!r}")
        place.mkdir(parents=True, exist_ok=True)
        # An open file description of its own for every holder makes flock hold between threads as well.
        descriptor = os.open(place / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    return held
