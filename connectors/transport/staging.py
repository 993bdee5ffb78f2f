"""The last steps of every fetch: a part file, its proof, and its appearance under its own name in one move."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Final

from connectors.transport.base import FileNotTaken, RemoteFile

MAX_SIDECAR_BYTES: Final = 4096
_SHA256: Final = re.compile(rb"(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])")


def part_path(destination: Path) -> Path:
    """Where the bytes are gathered before they are proven."""
    return destination.with_name(destination.name + ".part")


def note_path(destination: Path) -> Path:
    """Where it is noted which version of which file the part belongs to, so that two versions are never mixed."""
    return destination.with_name(destination.name + ".part.of")


def identity(remote: RemoteFile) -> str:
    """The version of a remote file, as noted beside its part."""
    return f"{remote.size_bytes} {remote.modified_at.isoformat()} {remote.version} {remote.path}\n"


def resumable_bytes(remote: RemoteFile, destination: Path) -> int:
    """How much of ``remote`` the part already holds; 0 when there is none or it is of another version.

    A part that is larger than the file cannot be a beginning of it and counts as none.
    """
    part, note = part_path(destination), note_path(destination)
    try:
        is_same = note.read_text(encoding="utf-8") == identity(remote)
        size_bytes = part.stat().st_size
    except (FileNotFoundError, UnicodeDecodeError):
        return 0
    return size_bytes if is_same and size_bytes <= remote.size_bytes else 0


def discard(destination: Path) -> None:
    """Forget the part."""
    part_path(destination).unlink(missing_ok=True)
    note_path(destination).unlink(missing_ok=True)


def require_unchanged(remote: RemoteFile, fresh: RemoteFile) -> None:
    """Refuse a file that is not what the listing saw.

    Raises:
        FileNotTaken: its size, its time or its version changed.
    """
    if fresh.version != remote.version:
        raise FileNotTaken(f"{remote.path}: replaced by another version since the listing")
    if (fresh.size_bytes, fresh.modified_at) != (remote.size_bytes, remote.modified_at):
        raise FileNotTaken(
            f"{remote.path}: still being written or replaced (listed: {remote.size_bytes} bytes, "
            f"{remote.modified_at.isoformat()}; now: {fresh.size_bytes} bytes, {fresh.modified_at.isoformat()})"
        )


def publish(remote: RemoteFile, destination: Path, sidecar: bytes | None) -> None:
    """Prove the part and give it its name: size, checksum, force to disk, rename.

    Raises:
        FileNotTaken: the size or the checksum is not as stated; the part is discarded.
    """
    part = part_path(destination)
    with part.open("rb") as stream:
        size_bytes = os.fstat(stream.fileno()).st_size
        fault = None
        if size_bytes != remote.size_bytes:
            fault = f"{size_bytes} bytes came of {remote.size_bytes}"
        elif sidecar is not None:
            fault = _checksum_fault(hashlib.file_digest(stream, "sha256").hexdigest(), sidecar)
        if fault is None:
            os.fsync(stream.fileno())
    if fault is not None:
        discard(destination)
        raise FileNotTaken(f"{remote.path}: {fault}")
    part.replace(destination)
    note_path(destination).unlink(missing_ok=True)


def _checksum_fault(actual: str, sidecar: bytes) -> str | None:
    stated = _SHA256.search(sidecar[:MAX_SIDECAR_BYTES])
    if stated is None:
        return "its checksum file holds no SHA-256"
    if stated.group().decode().lower() != actual:
        return "the bytes do not match its checksum file"
    return None
