"""The way from a bare python3 to the project's own environment. Standard library only.

Finds or fetches uv, then lets it build ``.venv`` from ``uv.lock``. Nothing is installed into the system's Python, so it
works where the system's pip refuses (PEP 668), and where python3 came without pip or venv.

Usage: ``python3 tools/bootstrap.py [uv sync options]``
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".uv"
UV_VERSION = "0.13.9"
OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 13)


class BootstrapError(Exception):
    """Set-up cannot go on; the message says what to do."""


def suitable_python() -> str:
    """Path of a Python between 3.11 and 3.13: this one if it fits, else the first found on PATH."""
    if OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        return sys.executable
    for minor in range(NEWEST_PYTHON[1], OLDEST_PYTHON[1] - 1, -1):
        if found := shutil.which(f"python3.{minor}"):
            return found
    raise BootstrapError(f"Python 3.11 to 3.13 is needed; this is {platform.python_version()} and PATH has no other.")


def existing_uv() -> str | None:
    """A uv that is already here: the project's own, else one on PATH of at least the wanted version."""
    for candidate in (str(HOME / "bin" / "uv"), shutil.which("uv")):
        if candidate and (version := _version_of(candidate)) and version >= _numbers(UV_VERSION):
            return candidate
    return None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def _version_of(uv: str) -> tuple[int, ...] | None:
    try:
        told = subprocess.run([uv, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return _numbers(told.split()[1])


def uv_by_venv(python: str) -> str | None:
    """Uv installed by pip into an environment of its own; None where python3 came without venv or pip."""
    made = subprocess.run([python, "-m", "venv", "--clear", str(HOME)], capture_output=True, check=False)
    if made.returncode != 0:
        shutil.rmtree(HOME, ignore_errors=True)
        return None
    pip = [str(HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    got = subprocess.run([*pip, f"uv=={UV_VERSION}"], check=False)
    return str(HOME / "bin" / "uv") if got.returncode == 0 else None


def _platform_tag() -> str:
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    libc = "musllinux" if platform.libc_ver()[0] != "glibc" else "manylinux"
    return f"{libc}|{machine}"


def uv_by_wheel() -> str:
    """Uv unpacked from its wheel, fetched from the package index and held to the index's hash."""
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    if not index.startswith(("https://", "http://")):
        raise BootstrapError(f"the package index {index!r} is not a web address")
    request = urllib.request.Request(  # noqa: S310 (the scheme is checked above)
        f"{index.rstrip('/')}/uv/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        files = json.load(answer)["files"]
    libc, machine = _platform_tag().split("|")
    for file in files:
        name = file["filename"]
        if name.startswith(f"uv-{UV_VERSION}-") and libc in name and name.endswith(f"{machine}.whl"):
            return _unpacked(urllib.parse.urljoin(f"{index.rstrip('/')}/uv/", file["url"]), file["hashes"]["sha256"])
    raise BootstrapError(f"no wheel of uv {UV_VERSION} for {libc} {machine}; install uv by other means and try again")


def _unpacked(url: str, sha256: str) -> str:
    with urllib.request.urlopen(url, timeout=300) as answer:  # noqa: S310 (an address given by the index)
        wheel = answer.read()
    if hashlib.sha256(wheel).hexdigest() != sha256:
        raise BootstrapError("the wheel of uv does not have the hash that the index states; nothing was installed")
    target = HOME / "bin" / "uv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        member = next(n for n in archive.namelist() if n.endswith(".data/scripts/uv"))
        target.write_bytes(archive.read(member))
    target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return str(target)


def main(arguments: list[str]) -> int:
    """Build ``.venv`` from the lock; returns uv's exit code."""
    python = suitable_python()
    uv = existing_uv() or uv_by_venv(python) or uv_by_wheel()
    settings = {
        **os.environ,
        "UV_PYTHON_DOWNLOADS": "never",
        # Without compiled modules every process would pay seconds of import.
        "UV_COMPILE_BYTECODE": "1",
        "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy"),
    }
    settings.pop("VIRTUAL_ENV", None)
    command = [uv, "sync", "--frozen", "--quiet", "--python", python, *arguments]
    return subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BootstrapError, OSError) as error:
        sys.exit(f"set-up failed: {error}")
