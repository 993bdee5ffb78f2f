"""A folder of this machine, under the same rules as a remote one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Self

from connectors.errors import PermanentError
from connectors.transport.base import FileNotTaken, Listing, RemoteFile
from connectors.transport.paths import CHECKSUM_SUFFIX, require_safe_path
from connectors.transport.staging import MAX_SIDECAR_BYTES, discard, part_path, publish, require_unchanged
from connectors.transport.walk import Entry, Folder, entry_kind, walk

_CHUNK_BYTES = 1 << 20


class LocalFolder:
    """A ``Transport`` over the folder ``root``. Links that leave it are refused."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> Self:
        """Check that the folder is there.

        Raises:
            PermanentError: it is not.
        """
        if not self._root.is_dir():
            raise PermanentError(f"no folder at {self._root}")
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Nothing to close."""

    def list_files(self) -> Listing:
        """Every delivered file under the root; see ``Transport.list_files``."""
        return walk(Folder(self._entries, self._target))

    def fetch(self, remote: RemoteFile, destination: Path) -> None:
        """Copy ``remote`` to ``destination``; see ``Transport.fetch``."""
        require_safe_path(remote.path)
        discard(destination)
        with self._opened(remote.path) as source:
            require_unchanged(remote, _described(remote, os.fstat(source.fileno())))
            with part_path(destination).open("wb") as part:
                left = remote.size_bytes
                while left and (chunk := source.read(min(left, _CHUNK_BYTES))):
                    part.write(chunk)
                    left -= len(chunk)
        with self._opened(remote.path) as source:
            fresh = _described(remote, os.fstat(source.fileno()))
        if fresh != remote:
            discard(destination)
        require_unchanged(remote, fresh)
        publish(remote, destination, self._sidecar(remote))

    def _entries(self, at: str) -> Iterator[Entry]:
        with os.scandir(self._root / at) as entries:
            for entry in entries:
                try:
                    yield _entry(entry.name, entry.stat(follow_symlinks=False))
                except FileNotFoundError:
                    continue

    def _target(self, path: str) -> Entry | None:
        try:
            real = self._inside(path)
            return _entry(real.name, real.stat()) if real else None
        except OSError:
            return None

    def _inside(self, path: str) -> Path | None:
        """The real path, or None when it lies outside the root."""
        real = Path(os.path.realpath(self._root / path, strict=True))
        return real if real.is_relative_to(self._root.resolve()) else None

    def _opened(self, path: str) -> BinaryIO:
        try:
            real = self._inside(path)
            if real is None:
                raise FileNotTaken(f"{path}: the link leaves the root")
            # NOFOLLOW and NONBLOCK: what was a file a moment ago may be a link or a pipe now.
            descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise FileNotTaken(f"{path}: cannot be opened ({error.strerror})") from error
        stream = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            stream.close()
            raise FileNotTaken(f"{path}: not a file any more")
        return stream

    def _sidecar(self, remote: RemoteFile) -> bytes | None:
        if not remote.has_checksum:
            return None
        with self._opened(remote.path + CHECKSUM_SUFFIX) as stream:
            return stream.read(MAX_SIDECAR_BYTES)


def _described(remote: RemoteFile, status: os.stat_result) -> RemoteFile:
    return RemoteFile(remote.path, status.st_size, _time(status), remote.has_checksum)


def _time(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime_ns // 1_000_000_000, UTC)


def _entry(name: str, status: os.stat_result) -> Entry:
    return Entry(name, entry_kind(status.st_mode), status.st_size, _time(status))
