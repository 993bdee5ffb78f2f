"""Zip archives whose bytes depend on nothing but their content."""

from __future__ import annotations

import io
import zipfile
from datetime import date


def zipped(member: str, content: bytes, day: date) -> bytes:
    """An archive of one member, dated noon of ``day``. The member's name is written as given, unsafe ones included."""
    return zipped_repeat(member, content, 1, day)


def zipped_repeat(member: str, chunk: bytes, repeats: int, day: date) -> bytes:
    """An archive of one member that holds ``chunk`` repeated, without ever holding it whole in memory."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo("member", (day.year, day.month, day.day, 12, 0, 0))
        info.filename = member  # set afterwards, for the constructor tidies names
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system = 3
        info.external_attr = 0o100644 << 16
        with archive.open(info, "w") as file:
            for _ in range(repeats):
                file.write(chunk)
    return buffer.getvalue()
