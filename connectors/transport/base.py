"""The transport contract: a folder of delivered files, wherever it is.

Here: what a listing and a fetch are, and the rules that hold for every kind of folder. The kinds themselves are in
``local`` and ``sftp``. Paths are relative to the connection's root and '/'-separated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

from connectors.connection import LocalTransport, SftpTransport
from connectors.errors import RetryableError


class FileNotTaken(RetryableError):
    """One file that cannot be taken now: it still changes, has vanished, or does not match its checksum.

    The session is unharmed and the other files can be fetched. A later listing may find the file in order.
    """


@dataclass(frozen=True)
class RemoteFile:
    """A delivered file as the last listing saw it.

    Attributes:
        path: relative to the root, '/'-separated, safe.
        size_bytes: what the server says.
        modified_at: UTC, whole seconds; what the server says.
        has_checksum: whether ``<path>.sha256`` lies beside it.
    """

    path: str
    size_bytes: int
    modified_at: datetime
    has_checksum: bool = False


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


class Transport(Protocol):
    """An open folder of delivered files. A context manager: entering connects, leaving closes."""

    @property
    def refused(self) -> Sequence[RefusedFile]:
        """What the last listing refused, in order of path."""

    def list_files(self) -> list[RemoteFile]:
        """Every delivered file under the root, oldest first (by ``modified_at``, then path).

        Hidden entries, names of half-written files and checksum sidecars are left out; unsafe entries are in
        ``refused``.

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


def open_transport(transport: LocalTransport | SftpTransport, secrets_dir: Path) -> Transport:
    """The folder that a connection's ``transport`` describes. Nothing is reached before it is entered."""
    # The kinds are imported here because paramiko is slow to import and most processes never need it.
    if isinstance(transport, LocalTransport):
        from connectors.transport.local import LocalFolder

        return LocalFolder(transport.path)
    from connectors.transport.sftp import SftpFolder

    return SftpFolder(transport, secrets_dir)
