"""A folder of an S3 bucket: the objects below a prefix, under the rules of every other folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

import stamina

from connectors.connection import S3Transport
from connectors.transport.base import FileNotTaken, Listing, RemoteFile
from connectors.transport.paths import CHECKSUM_SUFFIX, require_safe_path
from connectors.transport.s3_session import AnswerLost, S3Session
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
from connectors.transport.walk import Entry, Folder, walk

ATTEMPTS: Final = 5
"""Answers in a row that may be lost without a byte of progress before the fault is the caller's."""

RESUMABLE_BYTES: Final = 256 * 1024
"""Objects from this size on are taken up where they were left, also by a later process; smaller ones start anew."""

_WAIT_SECONDS: Final = 0.2
_LONGEST_WAIT_SECONDS: Final = 5.0

_T = TypeVar("_T")


class S3Folder:
    """A ``Transport`` over a bucket. Lost answers are asked for again, after a wait that grows."""

    def __init__(self, transport: S3Transport, secrets_dir: Path) -> None:
        self._transport = transport
        self._secrets_dir = secrets_dir
        self._opened: S3Session | None = None

    def __enter__(self) -> Self:
        """Read the credential; see ``S3Session`` for what it raises. The server is first asked by the listing."""
        self._opened = S3Session(self._transport, self._secrets_dir)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Let go of the connections."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def list_files(self) -> Listing:
        """Every delivered object under the prefix; see ``Transport.list_files``."""
        return walk(Folder(self._entries, lambda path: None))

    def fetch(self, remote: RemoteFile, destination: Path) -> None:
        """Bring ``remote`` to ``destination``; see ``Transport.fetch``."""
        require_safe_path(remote.path)
        if not resumable_bytes(remote, destination):
            discard(destination)
        progress = resumable_bytes(remote, destination)
        while True:
            try:
                _persistently(lambda: self._transfer(remote, destination))
                break
            except AnswerLost:
                # A large object over a poor line: go on as long as every few answers bring it further.
                reached = resumable_bytes(remote, destination)
                if reached <= progress:
                    raise
                progress = reached
            except FileNotTaken:
                discard(destination)
                raise
        fresh, sidecar = _persistently(lambda: self._proof(remote))
        if fresh != remote:
            discard(destination)
        require_unchanged(remote, fresh)
        publish(remote, destination, sidecar)

    @property
    def _session(self) -> S3Session:
        if self._opened is None:
            raise RuntimeError("the folder is used outside of its context")
        return self._opened

    def _entries(self, at: str) -> Iterator[Entry]:
        """The entries of one folder; a page that is lost is asked for again alone."""
        token = ""
        while True:
            entries, token = _persistently(partial(self._session.page, at, token))
            yield from entries
            if not token:
                return

    def _transfer(self, remote: RemoteFile, destination: Path) -> None:
        """The bytes that are still wanting, appended to the part."""
        start = resumable_bytes(remote, destination)
        if start and start == remote.size_bytes:
            return
        if remote.size_bytes >= RESUMABLE_BYTES and not start:
            note_path(destination).write_text(identity(remote), encoding="utf-8")
        with part_path(destination).open("ab" if start else "wb") as part:
            left = remote.size_bytes - start
            for chunk in self._session.chunks(remote.path, start, remote.version):
                part.write(chunk[:left])
                left -= min(left, len(chunk))
                if not left:
                    break
            if left:
                raise AnswerLost(f"{remote.path}: the answer ended {left} bytes too early")

    def _proof(self, remote: RemoteFile) -> tuple[RemoteFile, bytes | None]:
        """The object as it is after the transfer, and the content of its sidecar."""
        entry = self._session.described(remote.path)
        sidecar = None
        if remote.has_checksum:
            sidecar = b""
            for chunk in self._session.chunks(remote.path + CHECKSUM_SUFFIX, 0, ""):
                sidecar = (sidecar + chunk)[:MAX_SIDECAR_BYTES]
                if len(sidecar) == MAX_SIDECAR_BYTES:
                    break
        fresh = RemoteFile(remote.path, entry.size_bytes, entry.modified_at, remote.has_checksum, entry.version)
        return fresh, sidecar


def _persistently(ask: Callable[[], _T]) -> _T:
    """What ``ask`` gives, asked again as often as its answer is lost."""
    for attempt in stamina.retry_context(
        on=AnswerLost,
        attempts=ATTEMPTS,
        timeout=None,
        wait_initial=_WAIT_SECONDS,
        wait_max=_LONGEST_WAIT_SECONDS,
        wait_jitter=_WAIT_SECONDS,
    ):
        with attempt:
            return ask()
    raise AnswerLost("no attempt was made")
