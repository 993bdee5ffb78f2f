"""A folder of an SFTP server: one session for a whole night's files, taken up again where it was lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, TypeVar

import stamina

from connectors.connection import SftpTransport
from connectors.transport.base import Listing, RemoteFile
from connectors.transport.paths import CHECKSUM_SUFFIX, require_safe_path
from connectors.transport.sftp_session import SessionLost, SftpSession
from connectors.transport.staging import (
    MAX_SIDECAR_BYTES,
    discard,
    identity,
    note_path,
    part_path,
    publish,
    require_unchanged,
    resumable_bytes,
)
from connectors.transport.walk import Folder, walk

ATTEMPTS: Final = 5
"""Sessions in a row that may be lost without a byte of progress before the fault is the caller's."""

RESUMABLE_BYTES: Final = 256 * 1024
"""Files from this size on are taken up where they were left, also by a later process; smaller ones start anew."""

_WAIT_SECONDS: Final = 0.2
_LONGEST_WAIT_SECONDS: Final = 5.0

_T = TypeVar("_T")


class SftpFolder:
    """A ``Transport`` over an SFTP server. Lost sessions are opened again, after a wait that grows."""

    def __init__(self, transport: SftpTransport, secrets_dir: Path) -> None:
        self._transport = transport
        self._secrets_dir = secrets_dir
        self._session: SftpSession | None = None

    def __enter__(self) -> Self:
        """Connect and log in; see ``SftpSession`` for what it raises."""
        self._persistently(lambda session: None)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the session."""
        self._close()

    def list_files(self) -> Listing:
        """Every delivered file under the root; see ``Transport.list_files``."""
        return self._persistently(lambda session: walk(Folder(session.entries, session.target)))

    def fetch(self, remote: RemoteFile, destination: Path) -> None:
        """Bring ``remote`` to ``destination``; see ``Transport.fetch``."""
        require_safe_path(remote.path)
        if not resumable_bytes(remote, destination):
            discard(destination)
        progress = resumable_bytes(remote, destination)
        while True:
            try:
                self._persistently(lambda session: _transfer(session, remote, destination))
                break
            except SessionLost:
                # A large file over a poor line: go on as long as every few sessions bring it further.
                reached = resumable_bytes(remote, destination)
                if reached <= progress:
                    raise
                progress = reached
        fresh, sidecar = self._persistently(lambda session: _proof(session, remote))
        if fresh != remote:
            discard(destination)
        require_unchanged(remote, fresh)
        publish(remote, destination, sidecar)

    def _persistently(self, ask: Callable[[SftpSession], _T]) -> _T:
        """What ``ask`` gives, over a new session as often as one is lost."""
        for attempt in stamina.retry_context(
            on=SessionLost,
            attempts=ATTEMPTS,
            timeout=None,
            wait_initial=_WAIT_SECONDS,
            wait_max=_LONGEST_WAIT_SECONDS,
            wait_jitter=_WAIT_SECONDS,
        ):
            with attempt:
                if self._session is None:
                    self._session = SftpSession(self._transport, self._secrets_dir)
                try:
                    return ask(self._session)
                except SessionLost:
                    self._close()
                    raise
        raise SessionLost("no attempt was made")

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def _transfer(session: SftpSession, remote: RemoteFile, destination: Path) -> None:
    """The bytes that are still wanting, appended to the part."""
    start = resumable_bytes(remote, destination)
    if remote.size_bytes >= RESUMABLE_BYTES and not start:
        note_path(destination).write_text(identity(remote), encoding="utf-8")
    with part_path(destination).open("ab" if start else "wb") as part:
        for chunk in session.chunks(remote.path, start, remote.size_bytes):
            part.write(chunk)


def _proof(session: SftpSession, remote: RemoteFile) -> tuple[RemoteFile, bytes | None]:
    """The file as it is after the transfer, and the content of its sidecar."""
    entry = session.described(remote.path)
    sidecar = None
    if remote.has_checksum:
        sidecar = b"".join(session.chunks(remote.path + CHECKSUM_SUFFIX, 0, MAX_SIDECAR_BYTES))
    return RemoteFile(remote.path, entry.size_bytes, entry.modified_at, remote.has_checksum), sidecar
