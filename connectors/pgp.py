"""OpenPGP: a delivery decrypted and its signature verified before anything reads it.

What a file is shows in its first bytes, armored or binary, not in its name. Keys come by reference, like every secret.
The library (Sequoia) reads a message of any size in constant memory; it works in a process of its own (``pgp_child``).
A compressed and signed message is taken out of its encryption first (``pgp_unwrap``), for the library does not verify
it there. Not done: messages under a password, cleartext-signed texts, signatures in a file beside the message, BZip2,
and GnuPG's own form of authenticated encryption (packet 20); of a private key one encryption subkey is tried.
"""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from connectors.connection import PgpSettings
from connectors.errors import FeedFault, PermanentError
from connectors.pgp_unwrap import unwrap
from connectors.secrets import MAX_SECRET_BYTES, resolve

ENDINGS: Final = (".pgp", ".gpg", ".asc")

_ARMOR: Final = b"-----BEGIN PGP "
_HEAD_BYTES: Final = 64
_CHUNK_BYTES: Final = 1 << 20
_CHILD: Final = Path(__file__).with_name("pgp_child.py")

_FAULTS: Final = {
    10: ("pgp_wrong_key", "it is encrypted for another key than the connection's; ask the provider which one it uses"),
    11: (
        "pgp_wrong_key",
        "the connection's private key has expired, or pgp.passphrase_ref does not unlock it",
    ),
    12: ("pgp_wrong_key", "pgp.private_key_ref names no armored OpenPGP private key that can decrypt"),
    13: ("pgp_wrong_key", "pgp.signer_keys names something that is no OpenPGP public key"),
    14: ("pgp_bad_signature", "it is not signed, and the connection demands that it is"),
    15: ("pgp_bad_signature", "no signature on it is valid and by one of the connection's signer_keys"),
    16: ("malformed_document", "the OpenPGP message is corrupt, cut short, weakly protected or of an unsupported kind"),
}
"""Exit status of the child (``pgp_child``) to what it says of the file."""


Chunks = Generator[bytes, None, None]


class _Layered(Exception):
    """The signature lies inside a compression layer inside the encryption layer."""


@dataclass(frozen=True)
class PgpKeys:
    """The keys of one connection, read. No field that is secret is ever shown.

    Attributes:
        mark: eight hexadecimal digits that change with the keys and with what is demanded.
        fault: why the keys cannot be used, or empty; never a secret.
    """

    require_signature: bool
    mark: str
    private_keys: tuple[str, ...] = field(default=(), repr=False)
    passphrase: str | None = field(default=None, repr=False)
    signer_keys: tuple[str, ...] = field(default=(), repr=False)
    fault: str = ""


def load_keys(settings: PgpSettings | None, secrets_dir: Path) -> PgpKeys | None:
    """The keys that a connection's settings name; a reference that cannot be used is told by ``fault``.

    It is not raised, because it must not hold up files that need no key.
    """
    if settings is None:
        return None
    try:
        private = resolve(settings.private_key_ref, secrets_dir)
        passphrase = resolve(settings.passphrase_ref, secrets_dir) if settings.passphrase_ref else None
        signers = tuple(_public_key(i, named, secrets_dir) for i, named in enumerate(settings.signer_keys))
    except PermanentError as error:
        return PgpKeys(settings.require_signature, _mark(settings, str(error)), fault=str(error))
    mark = _mark(settings, private, passphrase or "", *signers)
    return PgpKeys(settings.require_signature, mark, (private,), passphrase, signers)


def is_pgp(path: Path) -> bool:
    """Whether a file is an OpenPGP message (RFC 4880 and 9580), armored or binary."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_ARMOR) or _is_packet(head)


def decrypt(path: Path, keys: PgpKeys | None, scratch: Path, write: Callable[[Chunks], None]) -> None:
    """Hand the text of a message to ``write``, which must take it all and begin anew when it is called again.

    The text is proven only when this returns.

    Args:
        path: the message.
        keys: of the connection.
        scratch: where a file may be put meanwhile.
        write: sets the bound: what it raises ends the decryption.

    Raises:
        FeedFault: ``pgp_wrong_key`` for a message that the connection cannot open, ``pgp_bad_signature`` for one whose
            signature is missing, invalid or a stranger's, ``malformed_document`` for anything else that is wrong.
    """
    if keys is None:
        raise FeedFault("pgp_wrong_key", "it is an OpenPGP message, and the connection has no pgp settings")
    if keys.fault:
        raise FeedFault("pgp_wrong_key", f"the connection's OpenPGP keys cannot be read: {keys.fault}")
    try:
        write(_chunks(path, keys))
    except _Layered:
        try:
            unwrap(path, keys.private_keys, keys.passphrase, scratch)
            _require_compressed(scratch)
            write(_chunks(scratch, keys))
        finally:
            scratch.unlink(missing_ok=True)


def _chunks(path: Path, keys: PgpKeys) -> Chunks:
    request = json.dumps(
        {
            "path": str(path.absolute()),
            "private_keys": keys.private_keys,
            "passphrase": keys.passphrase,
            "signer_keys": keys.signer_keys,
            "require_signature": keys.require_signature,
        }
    )
    command = [sys.executable, "-I", str(_CHILD)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            if child.stdin is None or child.stdout is None:
                raise RuntimeError("a process without its pipes")
            child.stdin.write(request.encode())
            child.stdin.close()
            while chunk := child.stdout.read(_CHUNK_BYTES):
                yield chunk
            status = child.wait()
        finally:
            child.kill()
    if status:
        raise _fault(status)


def _require_compressed(inner: Path) -> None:
    """What was wrapped must be a compressed message, or the library would have read it: never another encryption."""
    with inner.open("rb") as stream:
        first = stream.read(1)
    if not first or (first[0] & 0x3F if first[0] & 0x40 else first[0] >> 2 & 0xF) != 8:
        raise FeedFault("malformed_document", "the layers of the OpenPGP message are in an order that is not read")


def _fault(status: int) -> Exception:
    if status == 17:
        return _Layered()
    if status in _FAULTS:
        return FeedFault(*_FAULTS[status])
    if -status in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        # The machine, or a person, ended it: that says nothing of the file.
        return ChildProcessError(f"the decrypting process was ended by signal {-status}")
    return FeedFault("malformed_document", f"the OpenPGP message made its reader fail (status {status})")


def _mark(settings: PgpSettings, *texts: str) -> str:
    stated = json.dumps([settings.model_dump(mode="json"), *texts])
    return hashlib.sha256(stated.encode()).hexdigest()[:8]


def _public_key(i: int, named: str, secrets_dir: Path) -> str:
    """A signer's key: behind a reference, or in a file of its own, which need not be secret."""
    if named.startswith(("env:", "file:")):
        return resolve(named, secrets_dir)
    try:
        with Path(named).open("rb") as stream:
            return stream.read(MAX_SECRET_BYTES).decode("ascii")
    except (OSError, ValueError):
        # Not named: it may be a key that was put here by mistake.
        raise PermanentError(
            f"pgp.signer_keys[{i}] is neither a reference nor an armored file that can be read"
        ) from None


def _is_packet(head: bytes) -> bool:
    """Whether a message's first packet begins here: encrypted, or signed, with a version that exists.

    The high bit alone would take accented text and EBCDIC for a message.
    """
    if len(head) < 8 or not head[0] & 0x80:
        return False
    if head[0] & 0x40:
        tag = head[0] & 0x3F
        first = head[1]
        at = 2 if first < 192 or 224 <= first < 255 else (6 if first == 255 else 3)
    else:
        tag = head[0] >> 2 & 0xF
        at = (2, 3, 5, 1)[head[0] & 0x3]
    body = head[at:]
    versions = {1: (3, 6), 3: (4, 5, 6), 4: (3, 6), 8: (1, 2, 3), 18: (1, 2)}
    # A marker packet, which some writers put first, says "PGP".
    return (tag == 10 and body[:3] == b"PGP") or (bool(body) and body[0] in versions.get(tag, ()))
