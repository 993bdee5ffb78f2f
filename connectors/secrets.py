"""Credentials: settings name them, this module reads them, nothing shows them."""

from __future__ import annotations

import os
import re
import stat
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
