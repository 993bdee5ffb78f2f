"""The process that decrypts one OpenPGP message. Run by path; it imports nothing of this project.

The request comes as JSON on standard input: where the message is, the keys and what is demanded of its signature. The
text goes to standard output and must not be used before the process has ended with 0: a signature is proven last.
How it ended is said by its exit status alone, for the library's messages may quote what it read.

A process of its own, because the library writes to a path without a bound: whoever reads the pipe sets one, and ends
this process. Its memory is bounded, and it leaves no core file that would hold a key.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from typing import Any, Final

import pysequoia

WRONG_KEY: Final = 10
LOCKED_KEY: Final = 11
NO_PRIVATE_KEY: Final = 12
NO_SIGNER_KEY: Final = 13
UNSIGNED: Final = 14
BAD_SIGNATURE: Final = 15
CORRUPT: Final = 16
LAYERED: Final = 17
"""A signature inside a compression layer inside the encryption layer, which the library does not verify."""

_MEMORY_BYTES: Final = 512 * 1024**2
"""Of addresses: the library maps a message that fits into them and reads a larger one piece by piece (175 MiB)."""
_PRIVATE_END: Final = "-----END PGP PRIVATE KEY BLOCK-----"


class _Unsigned(Exception):
    """The message carries no signature."""


class _Signers:
    """What the library asks for the certificates of a message's signers."""

    def __init__(self, certificates: list[Any]) -> None:
        self.certificates = certificates
        self.is_unsigned = False

    def __call__(self, key_ids: list[str]) -> list[Any]:
        # Asked before any text is given out, so a message without a signature is known in time.
        if not key_ids:
            self.is_unsigned = True
            raise _Unsigned
        return self.certificates


def main() -> int:
    """Decrypt as standard input says; the exit status."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # not every system can bound it
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    request = json.load(sys.stdin)
    decryptors, fault = _decryptors(request["private_keys"], request["passphrase"])
    if not decryptors:
        return fault
    try:
        certificates = [one for text in request["signer_keys"] for one in pysequoia.Cert.split_bytes(text.encode())]
    except Exception:  # noqa: BLE001 (the library raises what it likes)
        return NO_SIGNER_KEY
    for decryptor in decryptors:
        fault = _decrypt(request["path"], decryptor, certificates, request["require_signature"])
        if fault != WRONG_KEY:
            return fault
    return WRONG_KEY


def _decryptors(texts: list[str], passphrase: str | None) -> tuple[list[Any], int]:
    """What the private keys open, and why one of them opens nothing."""
    found, fault = [], NO_PRIVATE_KEY
    for block in (block for text in texts for block in text.split(_PRIVATE_END)[:-1]):
        at = NO_PRIVATE_KEY
        try:
            key = pysequoia.Tsk.from_bytes(f"{block.strip()}\n{_PRIVATE_END}\n".encode())
            at = LOCKED_KEY
            found.append(_decryptor(key, passphrase))
        except Exception:  # noqa: BLE001
            fault = at
    return found, fault


def _decryptor(key: Any, passphrase: str | None) -> Any:
    """What a private key opens; of several keys, one may be without the passphrase of the others."""
    try:
        return key.decryptor(passphrase)
    except Exception:
        if passphrase is None:
            raise
        return key.decryptor(None)


def _decrypt(path: str, decryptor: Any, certificates: list[Any], require_signature: bool) -> int:
    signers = _Signers(certificates) if certificates or require_signature else None
    try:
        done = pysequoia.decrypt_file(path, "/dev/fd/1", decryptor, store=signers)
    except Exception as error:  # noqa: BLE001
        if signers is not None and signers.is_unsigned:
            return UNSIGNED if require_signature else _decrypt(path, decryptor, [], False)
        said = str(error)
        if said.startswith("No key to decrypt message"):
            return WRONG_KEY
        if said.startswith("Unexpected message structure"):
            return LAYERED
        return BAD_SIGNATURE if said.startswith("Signature verification failed") else CORRUPT
    return 0 if signers is None or done.valid_sigs else BAD_SIGNATURE


if __name__ == "__main__":
    # At once, so that nothing of the interpreter's end is said.
    os._exit(main())
