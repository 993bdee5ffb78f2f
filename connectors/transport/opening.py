"""From a connection's settings to the folder that they describe.

Here: the choice of kind. Not here: what a folder does (``base``), how a kind does it (``local``, ``sftp``, ``s3``).
"""

from __future__ import annotations

from pathlib import Path

from connectors.connection import AnyTransport, LocalTransport, S3Transport
from connectors.transport.base import Transport


def open_transport(transport: AnyTransport, secrets_dir: Path) -> Transport:
    """The folder that a connection's ``transport`` describes. Nothing is reached before it is entered."""
    # The kinds are imported here because their libraries are slow to import and most processes need none of them.
    if isinstance(transport, LocalTransport):
        from connectors.transport.local import LocalFolder

        return LocalFolder(transport.path)
    if isinstance(transport, S3Transport):
        from connectors.transport.s3 import S3Folder

        return S3Folder(transport, secrets_dir)
    from connectors.transport.sftp import SftpFolder

    return SftpFolder(transport, secrets_dir)
