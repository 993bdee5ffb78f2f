"""Archives: a landed file made safe to open.

A delivery may be an OpenPGP message, and it or the text in that may be a zip archive or a gzip stream around one file;
what it is shows in its first bytes, not its name. Any other nesting is refused.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from connectors.errors import FeedFault
from connectors.pgp import ENDINGS as PGP_ENDINGS
from connectors.pgp import PgpKeys, decrypt, is_pgp
from connectors.transport.paths import name_fault, path_fault, printable

MAX_RATIO: Final = 300
"""Expanded bytes per packed byte. Blank-padded fixed-width files reach about 100, a deflate bomb about 1 000."""

RATIO_FREE_BYTES: Final = 16 * 1024**2
"""Output up to which the ratio does not matter."""

_ZIP_MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ENDINGS: Final = (".zip", ".gz")
_CHUNK_BYTES: Final = 1 << 20
_MAX_DIRECTORY_BYTES: Final = 46 + 3 * 0xFFFF
_END_RECORD: Final = struct.Struct("<4sHHHHIIH")
_ENCRYPTED_FLAG: Final = 0x1
_PART_NAME: Final = "..part"
"""A name that no member can have, for it holds '..', and shorter than the longest name that a member can have."""
_DECRYPTED_NAME: Final = "..text"
_SCRATCH_NAME: Final = "..open"


@dataclass(frozen=True)
class Expanded:
    """A file to parse.

    Attributes:
        path: where its bytes are.
        name: base name; of an archive, that of the file inside.
        is_archive: whether the delivery was one, or an OpenPGP message: the bytes at ``path`` are not those delivered.
    """

    path: Path
    name: str
    is_archive: bool


def stem_of(name: str) -> str:
    """A base name without the ending of OpenPGP and of an archive: what the kinds of an adapter are matched against."""
    for endings in (PGP_ENDINGS, _ENDINGS):
        for ending in endings:
            if name.lower().endswith(ending) and len(name) > len(ending):
                name = name[: -len(ending)]
                break
    return name


def expand(path: Path, name: str, destination_dir: Path, max_bytes: int, keys: PgpKeys | None = None) -> Expanded:
    """The one file inside a delivery, written to ``destination_dir``; one that holds no other as it is, not copied.

    A gzip stream of several members is one file (RFC 1952 section 2.2). Its name, and that of what is decrypted, is
    ``name`` without its endings; that of a zip member is the base name that the archive states.

    Args:
        path: the delivered bytes.
        name: the name under which they were delivered; its folder is ignored.
        destination_dir: an existing folder of the caller's own.
        max_bytes: bound on the delivery and on what it expands to.
        keys: of the connection, for OpenPGP. With ``require_signature`` no other file is taken.

    Raises:
        FeedFault: ``too_large`` for a delivery beyond ``max_bytes``; ``archive_bomb`` for one that expands beyond it or
            more than ``MAX_RATIO`` times; ``unsafe_path`` for a member that is absolute, leaves its folder or is a
            link; ``malformed_document`` for an archive that is corrupt, encrypted, nested, or not of exactly one file;
            ``pgp_wrong_key`` and ``pgp_bad_signature`` as ``connectors.pgp`` says.
    """
    base_name = PurePosixPath(name).name
    if fault := name_fault(base_name):
        raise FeedFault("unsafe_path", f"{printable(name)}: {fault}")
    packed_bytes = path.stat().st_size
    if packed_bytes > max_bytes:
        raise FeedFault("too_large", f"{packed_bytes} bytes, more than the connection's bound of {max_bytes}")
    bound = _bound(packed_bytes, max_bytes)
    if is_pgp(path):
        decrypted = destination_dir / _DECRYPTED_NAME
        try:
            scratch = destination_dir / _SCRATCH_NAME
            decrypt(path, keys, scratch, lambda chunks: _write(chunks, decrypted, packed_bytes, bound))
            opened = _unpacked(decrypted, base_name, destination_dir, bound)
            if opened is None:
                if is_pgp(decrypted):
                    raise FeedFault("malformed_document", "the OpenPGP message holds another one")
                opened = destination_dir / stem_of(base_name)
                decrypted.replace(opened)
        finally:
            decrypted.unlink(missing_ok=True)
        return Expanded(opened, opened.name, is_archive=True)
    if keys is not None and keys.require_signature:
        raise FeedFault("pgp_bad_signature", "it is not OpenPGP, and the connection demands signed files")
    opened = _unpacked(path, base_name, destination_dir, bound)
    if opened is None:
        return Expanded(path, base_name, is_archive=False)
    return Expanded(opened, opened.name, is_archive=True)


def _unpacked(path: Path, base_name: str, destination_dir: Path, bound: int) -> Path | None:
    """The one file inside a zip or gzip file, written out; None when it is neither."""
    packed_bytes = path.stat().st_size
    magic = _magic(path)
    if magic in _ZIP_MAGICS:
        _require_small_directory(path)
        member = _zip_member(path)
        if member.file_size > bound:
            detail = f"{packed_bytes} bytes state that they expand to {member.file_size}, more than {bound}"
            raise FeedFault("archive_bomb", detail)
        inner_name = PurePosixPath(member.filename).name
        return _expanded(_zip_chunks(path, member), destination_dir / inner_name, packed_bytes, bound)
    if magic.startswith(_GZIP_MAGIC):
        return _expanded(_gzip_chunks(path), destination_dir / stem_of(base_name), packed_bytes, bound)
    return None


def _magic(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(4)


def _require_small_directory(path: Path) -> None:
    """Refuse a zip whose directory lists more than one entry, before zipfile reads the directory into memory."""
    size_bytes = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size_bytes - _END_RECORD.size - 0xFFFF - 20))
        tail = stream.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < _END_RECORD.size:
            raise FeedFault("malformed_document", "the zip archive is cut short: it has no directory")
        *_, member_count, directory_bytes, _, _ = _END_RECORD.unpack_from(tail, at)
        if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":
            stream.seek(min(struct.unpack_from("<Q", tail, at - 12)[0], size_bytes))
            record = stream.read(56)
            if len(record) < 56:
                raise FeedFault("malformed_document", "the zip archive's directory is corrupt")
            member_count, directory_bytes = struct.unpack_from("<QQ", record, 32)
    if member_count != 1 or directory_bytes > _MAX_DIRECTORY_BYTES:
        raise FeedFault(
            "malformed_document", f"the zip archive lists {member_count} members; exactly one file is expected"
        )


def _zip_member(path: Path) -> zipfile.ZipInfo:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError) as error:
        raise FeedFault("malformed_document", f"the zip archive is corrupt: {error}") from error
    except OSError as error:
        raise _content_fault(error) from error
    if len(members) != 1 or members[0].filename.endswith("/"):
        raise FeedFault(
            "malformed_document", f"the zip archive lists {len(members)} members; exactly one file is expected"
        )
    member = members[0]
    if fault := path_fault(member.orig_filename):
        raise FeedFault("unsafe_path", f"member {printable(member.orig_filename)}: {fault}")
    if not PurePosixPath(member.filename).name:
        raise FeedFault("unsafe_path", f"member {printable(member.orig_filename)} has no name")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise FeedFault("unsafe_path", f"member {printable(member.filename)} is a link")
    if member.flag_bits & _ENCRYPTED_FLAG:
        raise FeedFault("malformed_document", f"member {printable(member.filename)} is encrypted")
    return member


def _zip_chunks(path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _gzip_chunks(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _expanded(chunks: Iterator[bytes], destination: Path, packed_bytes: int, bound: int) -> Path:
    """Stream the content to ``destination`` within the bounds; nothing is left there on a fault."""
    part = destination.with_name(_PART_NAME)
    try:
        _write(_sound(chunks), part, packed_bytes, bound)
        magic = _magic(part)
        if magic in _ZIP_MAGICS or magic.startswith(_GZIP_MAGIC):
            raise FeedFault("malformed_document", "the archive holds another archive")
        if is_pgp(part):
            raise FeedFault("malformed_document", "the archive holds an OpenPGP message; that must be the outer layer")
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)
    return destination


def _bound(packed_bytes: int, max_bytes: int) -> int:
    """Bytes that a delivery of ``packed_bytes`` may expand to."""
    return min(max_bytes, max(RATIO_FREE_BYTES, packed_bytes * MAX_RATIO))


def _write(chunks: Generator[bytes, None, None], part: Path, packed_bytes: int, bound: int) -> None:
    written = 0
    with part.open("wb") as target, contextlib.closing(chunks) as closing:
        for chunk in closing:
            written += len(chunk)
            if written > bound:
                raise FeedFault("archive_bomb", f"{packed_bytes} bytes expand to more than {bound}")
            target.write(chunk)


def _sound(chunks: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The chunks, with every way in which an archive shows that it is corrupt turned into one fault."""
    try:
        yield from chunks
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise FeedFault("malformed_document", f"the archive is corrupt: {error}") from error
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise FeedFault("malformed_document", f"the archive cannot be opened: {error}") from error
    except OSError as error:
        raise _content_fault(error) from error


def _content_fault(error: OSError) -> Exception:
    """The fault of an archive whose content makes reading fail; an ``error`` of the machine itself stays what it is.

    bz2 raises a bare OSError for bad data, and an offset before the beginning of the file gives EINVAL.
    """
    if error.errno not in (None, errno.EINVAL):
        return error
    return FeedFault("malformed_document", f"the archive is corrupt: {error}")
