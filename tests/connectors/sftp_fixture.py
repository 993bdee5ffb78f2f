"""An SFTP server of another make than the client under test: asyncssh, in a thread, over a folder of the test.

Switches make it fail in the ways in which real servers fail.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from connectors.connection import SftpTransport

USERNAME = "alder"
PASSWORD = "correct horse"


@dataclass
class Switches:
    """How the server is to fail, and what it has seen.

    Attributes:
        cut_after_bytes: bytes given before the connection is cut, once for each number in the list.
        short_read_bytes: most that one read request is answered with.
        grow_on_read: a file that gets a byte longer at every read.
        connections: connections that logged in.
        attempts: connections that were opened.
        logins: passwords that were tried.
        given_since_cut: file bytes sent since the last cut.
        bytes_given: file bytes sent in all.
    """

    cut_after_bytes: list[int] = field(default_factory=list)
    short_read_bytes: int | None = None
    grow_on_read: Path | None = None
    connections: int = 0
    attempts: int = 0
    logins: int = 0
    given_since_cut: int = 0
    bytes_given: int = 0


@dataclass
class RunningServer:
    """A server that listens on ``port``; ``transport`` are settings that reach it."""

    root: Path
    home: Path
    port: int
    switches: Switches

    @property
    def secrets_dir(self) -> Path:
        return self.home

    def transport(self, **changes: object) -> SftpTransport:
        settings: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "username": USERNAME,
            "known_hosts": self.home / "known_hosts",
            "password_ref": "file:password",
            "timeout_seconds": 10,
        }
        return SftpTransport.model_validate(settings | changes)

    def know(self, key: asyncssh.SSHKey) -> None:
        """Write ``key`` as the one known host key of this server."""
        public = key.export_public_key().decode().strip()
        (self.home / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}\n")


@contextmanager
def running_server(
    root: Path, home: Path, *, client_key: asyncssh.SSHKey | None = None, host_key_type: str = "ssh-ed25519"
) -> Iterator[RunningServer]:
    """Serve ``root`` by SFTP; password and known_hosts are put into ``home``."""
    root.mkdir(exist_ok=True)
    home.mkdir(exist_ok=True)
    (home / "password").write_text(PASSWORD + "\n")
    (home / "password").chmod(0o600)
    switches = Switches()
    host_key = asyncssh.generate_private_key(host_key_type)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[host_key],
            server_factory=lambda: _Login(switches, client_key),
            sftp_factory=lambda channel: _Files(channel, root, switches),
        )

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    server = RunningServer(root, home, acceptor.get_port(), switches)
    server.know(host_key)
    try:
        yield server
    finally:

        async def stop() -> None:
            acceptor.close()
            await acceptor.wait_closed()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


class _Login(asyncssh.SSHServer):
    def __init__(self, switches: Switches, client_key: asyncssh.SSHKey | None) -> None:
        self._switches = switches
        self._client_key = client_key

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._switches.attempts += 1

    def begin_auth(self, username: str) -> bool:
        return True

    def auth_completed(self) -> None:
        self._switches.connections += 1

    def password_auth_supported(self) -> bool:
        return self._client_key is None

    def validate_password(self, username: str, password: str) -> bool:
        self._switches.logins += 1
        return (username, password) == (USERNAME, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return self._client_key is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._client_key is not None and key == self._client_key.convert_to_public()


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel, root: Path, switches: Switches) -> None:
        super().__init__(channel, chroot=str(root).encode())
        self._switches = switches

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        switches = self._switches
        if switches.short_read_bytes:
            size = min(size, switches.short_read_bytes)
        data = super().read(file_obj, offset, size)
        assert isinstance(data, bytes)
        switches.bytes_given += len(data)
        switches.given_since_cut += len(data)
        if switches.grow_on_read:
            with switches.grow_on_read.open("ab") as grown:
                grown.write(b"+")
        if switches.cut_after_bytes and switches.given_since_cut >= switches.cut_after_bytes[0]:
            switches.cut_after_bytes.pop(0)
            switches.given_since_cut = 0
            self.channel.get_connection().abort()
        return data
