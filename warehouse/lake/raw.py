"""The raw store: every file as it was received, immutable and named by the hash of its content.

Layout: ``<root>/<tenant>/raw/<first two hex digits>/<sha256>``. Bytes land here before anything reads them; nothing
here is ever changed or overwritten. What a file is called and where it came from is in ``landing.file_arrival``. What
was made of a file (``texts``) lies beside it under its name and an ending.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import polars as pl

from warehouse.lake import object_store
from warehouse.lake.tenants import tenant_folder

_CHUNK_BYTES: Final = 1 << 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class CorruptFileError(Exception):
    """A stored file whose bytes are not those that its name promises. Restore it from a backup."""


@dataclass(frozen=True)
class StoredFile:
    """A file in the raw store.

    Attributes:
        sha256: of the content, in hexadecimal; its name in the store.
        size_bytes: of the content.
        source_file_id: the first 63 bits of the hash; what canonical rows carry.
    """

    sha256: str
    size_bytes: int
    source_file_id: int


def source_file_id(sha256_hex: str) -> int:
    """Identity of a file in rows: the first 63 bits of its content's SHA-256, never negative.

    Raises:
        ValueError: not a SHA-256 in lower-case hexadecimal.
    """
    if not _SHA256.fullmatch(sha256_hex):
        raise ValueError("a SHA-256 has 64 lower-case hexadecimal digits")
    return int(sha256_hex[:16], 16) >> 1


def colliding_sha256(arrivals: pl.DataFrame, stored: StoredFile) -> str | None:
    """The hash of another content that has the same source_file_id, if the arrival ledger knows one.

    A chance of one in about 10^19 per pair, but one that would mix the rows of two files: the caller refuses the file.

    Args:
        arrivals: rows of ``landing.file_arrival`` of one tenant.
        stored: the file just put.
    """
    others = arrivals.filter((pl.col("source_file_id") == stored.source_file_id) & (pl.col("sha256") != stored.sha256))
    return None if others.is_empty() else str(others["sha256"].min())


class RawStore:
    """Files under one root, by content.

    Args:
        root: folder, or URL of an object store such as ``s3://bucket/lake``.
        storage_options: as for the lake; see ``object_store``.
        cache: folder for local copies of remote files; default: one of this user's under the temporary folder.
    """

    def __init__(
        self, root: str, storage_options: Mapping[str, str] | None = None, *, cache: Path | None = None
    ) -> None:
        self.root = root.rstrip("/")
        self.storage_options = object_store.storage_options(self.root, storage_options)
        self._cache = cache
        self._is_remote = "://" in self.root

    def put(self, tenant: str, path: Path) -> StoredFile:
        """Keep the file's bytes; bytes that are there already are left alone.

        The content is hashed while it is copied to a temporary name beside its place, synced and renamed: a killed put
        leaves no file under a final name.

        Raises:
            CorruptFileError: the store holds a file of this name with another size.
        """
        if self._is_remote:
            return self._put_remote(tenant, path)
        incoming = self._folder(tenant) / ".incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=incoming)
        temporary = Path(name)
        try:
            with path.open("rb") as source, os.fdopen(descriptor, "wb") as target:
                stored = _copied(source, cast(BinaryIO, target))
                target.flush()
                os.fsync(target.fileno())
            final = self._place(tenant, stored.sha256)
            if final.exists():
                _require_size(stored, final.stat().st_size)
                return stored
            temporary.chmod(0o444)
            final.parent.mkdir(exist_ok=True)
            temporary.replace(final)
            _sync_folder(final.parent)
            return stored
        finally:
            temporary.unlink(missing_ok=True)

    def take(self, tenant: str, path: Path) -> StoredFile:
        """Keep the file itself, which must be complete and on disk: ``path`` is gone afterwards.

        On the store's own file system it is moved after it was hashed, and no byte is written twice; otherwise as
        ``put``. A killed take leaves the file in one of the two places.

        Raises:
            CorruptFileError: the store holds a file of this name with another size.
        """
        if self._is_remote or not self._is_same_disk(tenant, path):
            stored = self.put(tenant, path)
            path.unlink()
            return stored
        with path.open("rb") as source:
            stored = _hashed(source)
        final = self._place(tenant, stored.sha256)
        if final.exists():
            _require_size(stored, final.stat().st_size)
            path.unlink()
            return stored
        path.chmod(0o444)
        final.parent.mkdir(exist_ok=True)
        path.replace(final)
        _sync_folder(final.parent)
        return stored

    def open(self, tenant: str, sha256: str) -> BinaryIO:
        """The file's bytes as received, to be read and closed by the caller.

        Raises:
            FileNotFoundError: the store has no such file.
        """
        if self._is_remote:
            filesystem, place = self._remote(tenant, sha256)
            return cast(BinaryIO, filesystem.open_input_file(place))
        return self._place(tenant, sha256).open("rb")

    def contains(self, tenant: str, sha256: str) -> bool:
        """Whether the store holds a file of this content."""
        if self._is_remote:
            filesystem, place = self._remote(tenant, sha256)
            return bool(filesystem.get_file_info(place).is_file)
        return self._place(tenant, sha256).is_file()

    def put_beside(self, tenant: str, sha256: str, suffix: str, path: Path) -> None:
        """Keep what was made of a raw file as ``<sha256><suffix>``, in place of an older one, whole or not at all.

        Raises:
            FileNotFoundError: the store has no such raw file.
        """
        if not self.contains(tenant, sha256):
            raise FileNotFoundError(sha256)
        if self._is_remote:
            filesystem, place = self._remote(tenant, sha256)
            self._upload(filesystem, path, place + suffix)
            return
        final = self._beside(tenant, sha256, suffix)
        incoming = self._folder(tenant) / ".incoming"
        incoming.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=incoming)
        temporary = Path(name)
        try:
            with path.open("rb") as source, os.fdopen(descriptor, "wb") as target:
                shutil.copyfileobj(source, target, _CHUNK_BYTES)
                target.flush()
                os.fsync(target.fileno())
            temporary.chmod(0o444)
            temporary.replace(final)
            _sync_folder(final.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def open_beside(self, tenant: str, sha256: str, suffix: str) -> BinaryIO:
        """What was put beside a raw file; with an empty suffix the raw file itself. It can be sought in.

        Raises:
            FileNotFoundError: nothing was.
        """
        if self._is_remote:
            filesystem, place = self._remote(tenant, sha256)
            return cast(BinaryIO, filesystem.open_input_file(place + suffix))
        return self._beside(tenant, sha256, suffix).open("rb")

    def has_beside(self, tenant: str, sha256: str, suffix: str) -> bool:
        """Whether that was put beside the raw file."""
        if self._is_remote:
            filesystem, place = self._remote(tenant, sha256)
            return bool(filesystem.get_file_info(place + suffix).is_file)
        return self._beside(tenant, sha256, suffix).is_file()

    def local_path(self, tenant: str, sha256: str) -> Path:
        """A local path of the file's bytes: the stored file itself, or for a remote root a copy kept in the cache.

        Raises:
            FileNotFoundError: the store has no such file.
            CorruptFileError: the copy of a remote file does not have the hash of its name.
        """
        if not self._is_remote:
            place = self._place(tenant, sha256)
            if not place.is_file():
                raise FileNotFoundError(place)
            return place
        folder = self._cache_folder() / tenant_folder(tenant)
        source_file_id(sha256)
        copy = folder / sha256
        if copy.is_file():
            return copy
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=folder)
        temporary = Path(name)
        try:
            with self.open(tenant, sha256) as source, os.fdopen(descriptor, "wb") as target:
                stored = _copied(source, cast(BinaryIO, target))
            if stored.sha256 != sha256:
                raise CorruptFileError(f"raw file {sha256} of {tenant} has the bytes of {stored.sha256}")
            temporary.chmod(0o444)
            temporary.replace(copy)
        finally:
            temporary.unlink(missing_ok=True)
        return copy

    def verify(self, tenant: str, sha256: str) -> bool:
        """Whether the stored bytes are those that the name promises. Reads the whole file.

        Raises:
            FileNotFoundError: the store has no such file.
        """
        digest = hashlib.sha256()
        with self.open(tenant, sha256) as source:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest() == sha256

    # --- inside -------------------------------------------------------------------------------------------------------

    def _is_same_disk(self, tenant: str, path: Path) -> bool:
        folder = self._folder(tenant)
        folder.mkdir(parents=True, exist_ok=True)
        return folder.stat().st_dev == path.stat().st_dev

    def _put_remote(self, tenant: str, path: Path) -> StoredFile:
        with path.open("rb") as source:
            stored = _hashed(source)
        filesystem, place = self._remote(tenant, stored.sha256)
        info = filesystem.get_file_info(place)
        if info.is_file:
            _require_size(stored, info.size)
            return stored
        self._upload(filesystem, path, place)
        return stored

    def _upload(self, filesystem: Any, path: Path, place: str) -> None:
        """An object appears only when its upload is complete; a file system gets a temporary name of its own."""
        temporary = place if self.root.startswith("s3://") else f"{place}.{os.getpid()}.incoming"
        if temporary != place:
            filesystem.create_dir(place.rsplit("/", 1)[0], recursive=True)
        try:
            with path.open("rb") as source, filesystem.open_output_stream(temporary) as target:
                shutil.copyfileobj(source, target, _CHUNK_BYTES)
        except BaseException:
            # Leaving the block completes the upload, also of a half-read file.
            with contextlib.suppress(OSError):
                filesystem.delete_file(temporary)
            raise
        if temporary != place:
            filesystem.move(temporary, place)

    def _folder(self, tenant: str) -> Path:
        return Path(self.root) / tenant_folder(tenant) / "raw"

    def _place(self, tenant: str, sha256: str) -> Path:
        source_file_id(sha256)
        return self._folder(tenant) / sha256[:2] / sha256

    def _beside(self, tenant: str, sha256: str, suffix: str) -> Path:
        return self._place(tenant, sha256).with_name(sha256 + suffix)

    def _remote(self, tenant: str, sha256: str) -> tuple[Any, str]:
        source_file_id(sha256)
        filesystem, base = object_store.filesystem(self.root, self.storage_options)
        return filesystem, f"{base}/{tenant_folder(tenant)}/raw/{sha256[:2]}/{sha256}"

    def _cache_folder(self) -> Path:
        if self._cache is not None:
            return self._cache
        folder = Path(tempfile.gettempdir()) / f"wealthnexus-raw-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to another user")
        return folder


def _copied(source: BinaryIO, target: BinaryIO) -> StoredFile:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)
        size += len(chunk)
    sha256 = digest.hexdigest()
    return StoredFile(sha256, size, source_file_id(sha256))


def _hashed(source: BufferedReader) -> StoredFile:
    digest = hashlib.file_digest(source, "sha256").hexdigest()
    return StoredFile(digest, source.tell(), source_file_id(digest))


def _require_size(stored: StoredFile, size_bytes: int) -> None:
    if size_bytes != stored.size_bytes:
        raise CorruptFileError(f"raw file {stored.sha256} is stored with {size_bytes} of {stored.size_bytes} bytes")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
