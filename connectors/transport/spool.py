"""The spool of a stream as a folder: the segments that the collector has closed."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from connectors.errors import PermanentError
from connectors.transport.local import LocalFolder


class SpoolFolder(LocalFolder):
    """A ``Transport`` over a spool. A segment that is still being written has another name and is not listed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._spool = root

    def __enter__(self) -> Self:
        """Make the folder where no collector has run yet: then there is nothing to land.

        Raises:
            PermanentError: it cannot be made.
        """
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PermanentError(f"spool: cannot be made ({error.strerror})") from None
        return super().__enter__()
