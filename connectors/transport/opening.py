"""From a connection's settings to the folder that they describe.

Here: the choice of kind. Not here: what a folder does (``base``), how a kind does it (``local``, ``sftp``).
"""

from __future__ import annotations

from pathlib import Path

from connectors.connection import LocalTransport, SftpTransport
from connectors.transport.base import Transport


def open_transport(transport: LocalTransport | SftpTransport, secrets_dir: Path) -> Transport:
    """The folder that a connection's ``transport`` describes. Nothing is reached before it is entered."""
    # The kinds are imported here because paramiko is slow to import and most processes never need it.
    if isinstance(transport, LocalTransport):
        from connectors.transport.local import LocalFolder

        return LocalFolder(transport.path)
    from connectors.transport.sftp import SftpFolder

    return SftpFolder(transport, secrets_dir)
