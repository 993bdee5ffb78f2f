"""Names of delivered files: which are safe, which are deliveries, and how an unsafe one is shown."""

from __future__ import annotations

import re
from typing import Final

from connectors.errors import FeedFault

MAX_NAME_BYTES: Final = 255
MAX_PATH_BYTES: Final = 1024

CHECKSUM_SUFFIX: Final = ".sha256"
_SIDECAR_SUFFIXES: Final = (CHECKSUM_SUFFIX, ".sha1", ".sha512", ".md5")
_HALF_WRITTEN_SUFFIXES: Final = (".tmp", ".part", ".filepart", ".partial")

# C0 and C1 controls, line and paragraph separators, marks that reverse the reading direction, undecodable bytes.
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def name_fault(name: str) -> str | None:
    """Why one component of a path is unsafe, or None. Undecodable bytes are expected as lone surrogates."""
    if not name:
        return "the name is empty"
    if "/" in name or "\\" in name:
        return "the name holds a path separator"
    if ".." in name:
        return "the name holds '..'"
    if _UNPRINTABLE.search(name):
        return "the name holds control characters or bytes that are not UTF-8"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"the name is longer than {MAX_NAME_BYTES} bytes"
    return None


def path_fault(path: str) -> str | None:
    """Why a relative path is unsafe, or None."""
    if path.startswith("/"):
        return "the path is absolute"
    for name in path.split("/"):
        if fault := name_fault(name):
            return fault
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"the path is longer than {MAX_PATH_BYTES} bytes"
    return None


def require_safe_path(path: str) -> None:
    """Refuse a path that could leave its root.

    Raises:
        FeedFault: ``unsafe_path``.
    """
    if fault := path_fault(path):
        raise FeedFault("unsafe_path", f"{printable(path)}: {fault}")


def is_hidden(name: str) -> bool:
    """Whether a name is hidden; its folder, too, is then not looked into."""
    return name.startswith(".")


def is_delivery(name: str) -> bool:
    """Whether a visible name is that of a delivered file, not of a half-written one or a checksum sidecar."""
    return not name.lower().endswith(_HALF_WRITTEN_SUFFIXES + _SIDECAR_SUFFIXES)


def printable(path: str) -> str:
    """A path as it may be shown and stored: what is unprintable escaped, at most 255 characters."""
    escaped = _UNPRINTABLE.sub(_escape, path.replace("\\", "\\\\"))
    return escaped if len(escaped) <= MAX_NAME_BYTES else escaped[: MAX_NAME_BYTES - 1] + "…"


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
