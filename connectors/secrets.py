"""Credentials: settings name them, this module reads them, nothing shows them."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from connectors.errors import PermanentError

MAX_SECRET_BYTES: Final = 64 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def resolve(ref: str, secrets_dir: Path) -> str:
    """The secret that ``ref`` names, without the line ends at its end.

    Args:
        ref: ``env:NAME`` for an environment variable, ``file:NAME`` for a file directly inside ``secrets_dir`` that
            others than its owner and group may not read.
        secrets_dir: the folder of secret files.

    Raises:
        PermanentError: the reference is not of these forms, or names nothing that may be used. The text never holds
            the secret, nor a reference of the wrong form, which may be a secret put there by mistake.
    """
    kind, colon, name = ref.partition(":")
    if not colon or kind not in ("env", "file") or not _NAME.fullmatch(name):
        raise PermanentError("a reference to a secret must read env:NAME or file:NAME (letters, digits, '_', '-', '.')")
    secret = os.environ.get(name) if kind == "env" else _file_secret(ref, secrets_dir / name, secrets_dir)
    if secret is None:
        raise PermanentError(f"{ref}: no such environment variable")
    secret = secret.rstrip("\r\n")
    if not secret:
        raise PermanentError(f"{ref}: the secret is empty")
    return secret


def replace(ref: str, secret: str, secrets_dir: Path) -> None:
    """Put a new secret in the place of an old one, whole or not at all, readable by its owner alone.

    Args:
        ref: ``file:NAME``; a link inside the folder is followed.
        secret: the new one.
        secrets_dir: the folder of secret files.

    Raises:
        PermanentError: the reference names no file that may be written.
    """
    path = _writable(ref, secrets_dir)
    try:
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(secrets_dir.resolve()):
            raise PermanentError(f"{ref}: the file lies outside the secrets folder")
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=real.parent)  # created with mode 600
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(secret.encode())
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(real)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PermanentError(f"{ref}: the new secret cannot be written ({error.strerror})") from None


@contextmanager
def held(ref: str, secrets_dir: Path) -> Iterator[None]:
    """Keep every other process that asks for the same from using the secret meanwhile.

    Raises:
        PermanentError: the reference names no file that may be written.
    """
    path = _writable(ref, secrets_dir)
    try:
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PermanentError(f"{ref}: cannot be locked in the secrets folder ({error.strerror})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _writable(ref: str, secrets_dir: Path) -> Path:
    kind, _, name = ref.partition(":")
    if kind != "file" or not _NAME.fullmatch(name):
        raise PermanentError("a secret that is written back must be referred to as file:NAME")
    return secrets_dir / name


def _file_secret(ref: str, path: Path, secrets_dir: Path) -> str:
    try:
        # Links inside the folder are how container platforms mount secrets; links out of it are not followed.
        real = Path(os.path.realpath(path, strict=True))
        if not real.is_relative_to(secrets_dir.resolve()):
            raise PermanentError(f"{ref}: the file lies outside the secrets folder")
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PermanentError(f"{ref}: not a file")
        if status.st_mode & stat.S_IRWXO:
            raise PermanentError(f"{ref}: the file is open to every user of this machine; chmod 600 it")
        if status.st_size > MAX_SECRET_BYTES:
            raise PermanentError(f"{ref}: the file is larger than {MAX_SECRET_BYTES} bytes")
        return real.read_bytes().decode("utf-8")
    except OSError as error:
        raise PermanentError(f"{ref}: cannot be read from the secrets folder ({error.strerror})") from None
    except UnicodeDecodeError:
        raise PermanentError(f"{ref}: the file is not UTF-8 text") from None
