"""The listing: one walk for every kind of folder, so that all of them obey the same rules and bounds."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from connectors.errors import PermanentError
from connectors.transport.base import Listing, RefusedFile, RemoteFile
from connectors.transport.paths import CHECKSUM_SUFFIX, is_delivery, is_hidden, name_fault, path_fault, printable

MAX_FILES: Final = 200_000
"""Deliveries in one listing. A folder beyond it is refused whole: half a listing would lose files in silence."""

MAX_DEPTH: Final = 8
"""Folders below the root."""

MAX_ENTRIES: Final = 1_000_000
"""Entries of every kind, in all folders together."""


EntryKind = Literal["file", "folder", "link", "other"]


@dataclass(frozen=True)
class Entry:
    """One entry of a folder.

    Attributes:
        name: as delivered, undecodable bytes as lone surrogates.
        version: as of ``RemoteFile``.
    """

    name: str
    kind: EntryKind
    size_bytes: int
    modified_at: datetime
    version: str = ""


@dataclass(frozen=True)
class Folder:
    """How a walk asks a folder.

    Attributes:
        read: entries of the folder at a relative path ('' is the root); may raise ``FileNotFoundError`` and
            ``PermissionError``.
        follow: the entry that a link at a relative path stands for, or None when it leaves the root or ends nowhere.
    """

    read: Callable[[str], Iterable[Entry]]
    follow: Callable[[str], Entry | None]


def walk(folder: Folder, *, max_files: int = MAX_FILES, max_depth: int = MAX_DEPTH) -> Listing:
    """Every delivery under the root, oldest first, and what was refused.

    A link to a file inside the root is that file; a link to a folder inside the root is left out, because the walk
    meets that folder itself.

    Raises:
        PermanentError: the root is not there or may not be read, or it holds more than ``max_files`` deliveries or
            ``MAX_ENTRIES`` entries.
    """
    files: list[RemoteFile] = []
    refused: list[RefusedFile] = []
    pending = [""]
    entry_count = 0
    while pending:
        at = pending.pop()
        found: list[tuple[str, Entry]] = []
        sidecars: set[str] = set()
        for entry in _entries(folder, at, refused):
            entry_count += 1
            if entry_count > MAX_ENTRIES:
                raise _too_many(f"{MAX_ENTRIES} entries")
            path = f"{at}/{entry.name}" if at else entry.name
            fault, taken = _judged(folder, path, entry, max_depth)
            if fault:
                refused.append(RefusedFile(printable(path), "unsafe_path", fault))
            elif taken is None:
                continue
            elif taken.kind == "folder":
                pending.append(path)
            elif path.endswith(CHECKSUM_SUFFIX):
                sidecars.add(path)
            elif is_delivery(entry.name):
                found.append((path, taken))
                if len(files) + len(found) > max_files:
                    raise _too_many(f"{max_files} files")
        files += [
            RemoteFile(path, e.size_bytes, e.modified_at, path + CHECKSUM_SUFFIX in sidecars, e.version)
            for path, e in found
        ]
    files.sort(key=lambda file: (file.modified_at, file.path))
    refused.sort(key=lambda file: file.path)
    return Listing(files, refused)


def _too_many(bound: str) -> PermanentError:
    return PermanentError(f"more than {bound} under the connection's root; archive old ones or narrow its path")


def entry_kind(mode: int) -> EntryKind:
    """The kind that a POSIX mode states."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"


def _entries(folder: Folder, at: str, refused: list[RefusedFile]) -> Iterator[Entry]:
    """The entries of one folder. A folder below the root that has vanished has none; a locked one is refused."""
    try:
        yield from folder.read(at)
    except FileNotFoundError:
        if not at:
            raise PermanentError("the connection's root folder is not there") from None
    except PermissionError:
        if not at:
            raise PermanentError("the connection's root folder may not be read") from None
        refused.append(RefusedFile(printable(at), "unsafe_path", "the folder may not be read"))


def _judged(folder: Folder, path: str, entry: Entry, max_depth: int) -> tuple[str | None, Entry | None]:
    """Why an entry is refused, and otherwise the entry to take, None to pass it over."""
    if fault := name_fault(entry.name) or path_fault(path):
        return fault, None
    if is_hidden(entry.name):
        return None, None
    if entry.kind == "link":
        target = folder.follow(path)
        if target is None:
            return "the link leaves the root or ends nowhere", None
        if target.kind == "folder":
            return None, None
        entry = target
    if entry.kind == "other":
        return "neither a file nor a folder", None
    if entry.kind == "folder" and path.count("/") + 1 > max_depth:
        return f"the folder lies deeper than {max_depth} levels", None
    return None, entry
