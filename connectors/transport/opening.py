"""From a connection's settings to the folder that they describe.

Here: the choice of kind. Not here: what a folder does (``base``), how a kind does it (``local``, ``sftp``, ``s3``,
``rest``, ``soap``, ``spool``).
"""

from __future__ import annotations

from pathlib import Path

from connectors.connection import Connection, FolderTransport, LocalTransport, S3Transport
from connectors.errors import PermanentError
from connectors.services import RestTransport, SoapTransport, StreamTransport
from connectors.transport.base import Transport

# The kinds are imported where they are chosen because their libraries are slow to import and most processes need none.


def open_connection(connection: Connection, secrets_dir: Path) -> Transport:
    """The folder of a connection; a service is one of what can be asked of it. Nothing is reached before it is entered.

    Raises:
        PermanentError: the connection is over REST or SOAP, and its connector has nothing to ask.
    """
    transport = connection.transport
    if isinstance(transport, StreamTransport):
        from connectors.transport.spool import SpoolFolder

        return SpoolFolder(transport.spool)
    if isinstance(transport, RestTransport | SoapTransport):
        return _open_service(connection, transport, secrets_dir)
    return open_transport(transport, secrets_dir)


def open_transport(transport: FolderTransport, secrets_dir: Path) -> Transport:
    """The folder that a connection's ``transport`` describes. Nothing is reached before it is entered."""
    if isinstance(transport, LocalTransport):
        from connectors.transport.local import LocalFolder

        return LocalFolder(transport.path)
    if isinstance(transport, S3Transport):
        from connectors.transport.s3 import S3Folder

        return S3Folder(transport, secrets_dir)
    from connectors.transport.sftp import SftpFolder

    return SftpFolder(transport, secrets_dir)


def _open_service(connection: Connection, transport: RestTransport | SoapTransport, secrets_dir: Path) -> Transport:
    from connectors.registry import adapter
    from connectors.transport.scheduled import Schedule

    source = adapter(connection.adapter)
    if source.extractions is None:
        raise PermanentError(
            f"{connection.connection_id}: the connector {source.slug} delivers files and asks no service; "
            f"transport.kind {transport.kind} is not for it"
        )
    schedule = Schedule(connection, source.extractions, source.calendar)
    if isinstance(transport, SoapTransport):
        from connectors.transport.soap import SoapFolder

        return SoapFolder(transport, schedule, secrets_dir)
    from connectors.transport.rest import RestFolder

    return RestFolder(transport, schedule, secrets_dir)
