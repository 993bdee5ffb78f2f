"""The transport contract: a folder of delivered files, wherever it is.

Here: what a listing and a fetch are, and the rules that hold for every kind of folder. The kinds themselves are in
``local``, ``sftp`` and ``s3``. Paths are relative to the connection's root and '/'-separated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, Self

from connectors.errors import RetryableError

UNKNOWN_SIZE: Final = -1
"""Size of a file that exists only once it is fetched: the answer of a service."""


class FileNotTaken(RetryableError):
    """One file that cannot be taken now: it still changes, has vanished, or does not match its checksum.

    The session is unharmed and the other files can be fetched. A later listing may find the file in order.
    """


@dataclass(frozen=True)
class RemoteFile:
    """A delivered file as the last listing saw it.

    Attributes:
        path: relative to the root, '/'-separated, safe.
        size_bytes: what the server says, or ``UNKNOWN_SIZE``.
        modified_at: UTC, whole seconds; what the server says.
        has_checksum: whether ``<path>.sha256`` lies beside it.
        version: the server's own mark of this content, such as an ETag; empty where it gives none.
    """

    path: str
    size_bytes: int
    modified_at: datetime
    has_checksum: bool = False
    version: str = ""


@dataclass(frozen=True)
class RefusedFile:
    """An entry that is not taken because its name or kind is unsafe.

    Attributes:
        path: the path in printable form: control characters, backslashes and undecodable bytes are escaped; a long
            one is cut.
        reason: a code of ``contracts.vocabularies.FILE_REASONS``.
        detail: what is wrong with it.
    """

    path: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Listing:
    """What one look at a folder found.

    Attributes:
        files: the deliveries, oldest first (by ``modified_at``, then path).
        refusals: what was refused and why, in order of path.
    """

    files: list[RemoteFile]
    refusals: list[RefusedFile]

    @property
    def refused(self) -> list[str]:
        """The printable paths of ``refusals``."""
        return [refusal.path for refusal in self.refusals]


class Transport(Protocol):
    """An open folder of delivered files. A context manager: entering connects, leaving closes."""

    def list_files(self) -> Listing:
        """Every delivered file under the root.

        Hidden entries, names of half-written files and checksum sidecars are left out; unsafe entries are
        refused by name, their neighbours go on.

        Raises:
            RetryableError: the folder cannot be reached now.
            PermanentError: it is not there, may not be read, or holds more files than ``walk.MAX_FILES``.
        """

    def fetch(self, remote: RemoteFile, destination: Path) -> None:
        """Put the bytes of ``remote`` at ``destination``, which appears whole or not at all.

        They are written to ``<destination>.part``, checked against a fresh size and time and against the sidecar
        where there is one, forced to disk and renamed.

        Raises:
            FileNotTaken: this file cannot be taken now.
            RetryableError: the folder cannot be reached now; what was fetched so far is kept and resumed.
            PermanentError: a fault that no retry cures.
            FeedFault: ``unsafe_path``.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...
