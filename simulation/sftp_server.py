"""A provider's SFTP server for demo and tests: asyncssh, read-only, on 127.0.0.1, in a thread of its own.

    with serve(Path("sandbox/sftp"), Path("sandbox/server")) as server:
        ...  # server.host, server.port, server.known_hosts_path, server.username, server.secrets

Independent of the client that the platform uses. Host key, client key and password are generated into ``state_dir`` and
kept there, so that a server started again is the same server.
"""

from __future__ import annotations

import asyncio
import os
import secrets as random_secrets
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

_T = TypeVar("_T")

HOST = "127.0.0.1"
_KEY_TYPE = "ssh-ed25519"
_START_SECONDS = 20.0
_WRITE_FLAGS = asyncssh.FXF_WRITE | asyncssh.FXF_APPEND | asyncssh.FXF_CREAT | asyncssh.FXF_TRUNC


@dataclass
class Switches:
    """What a test can make the running server do; read at every request.

    Attributes:
        close_after_bytes: hang up in the middle of a file once a session has been served so many bytes.
        closes_left: how many times to do so; sessions after that are served whole.
        half_written: paths below the root that are still being written: their first half is shown and served.
        bytes_served: file bytes sent so far.
        sessions: SFTP sessions opened so far.
    """

    close_after_bytes: int | None = None
    closes_left: int = 1
    half_written: set[str] = field(default_factory=set)
    bytes_served: int = 0
    sessions: int = 0


@dataclass(frozen=True)
class ServerInfo:
    """A running server.

    Attributes:
        host: always 127.0.0.1.
        port: chosen by the system unless asked for.
        known_hosts_path: file with the host key that a client must insist on.
        username: the one user.
        secrets: ``sftp_password`` and ``sftp_private_key`` (OpenSSH text), as a secrets folder would hold them.
        secrets_dir: folder with one file for each secret.
        switches: faults to turn on and off.
    """

    host: str
    port: int
    known_hosts_path: Path
    username: str
    secrets: Mapping[str, str] = field(repr=False)
    secrets_dir: Path
    switches: Switches
    _thread: _ServerThread = field(repr=False)

    def change_host_key(self) -> None:
        """Present another host key from now on; the known_hosts file keeps the first one."""
        self._thread.change_host_key()


@contextmanager
def serve(
    root: Path, state_dir: Path, *, port: int = 0, username: str = "nexus", switches: Switches | None = None
) -> Iterator[ServerInfo]:
    """Serve the folder ``root`` until the block ends.

    Args:
        root: what clients see as ``/``; they can read and list, nothing else, and cannot leave it.
        state_dir: where keys, password and known_hosts are kept; created when missing.
        port: 0 for any free one.
        username: the one user.
        switches: shared with the caller; a fresh set by default.

    Raises:
        RuntimeError: when the server does not come up.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    secrets_dir = state_dir / "secrets"
    secrets_dir.mkdir(mode=0o700, exist_ok=True)
    host_key = _kept_key(state_dir / "host_key")
    key_path, password_path = secrets_dir / "sftp_private_key", secrets_dir / "sftp_password"
    client_key = _kept_key(key_path)
    password = _kept_text(password_path, random_secrets.token_urlsafe(24))
    active = switches or Switches()
    thread = _ServerThread(root, port, host_key, _Login(username, password, client_key.convert_to_public()), active)
    bound = thread.start()
    known_hosts = state_dir / "known_hosts"
    public = host_key.export_public_key("openssh").decode("ascii").strip()
    known_hosts.write_text(f"[{HOST}]:{bound} {public}\n", encoding="ascii")
    kept = {path.name: path.read_text(encoding="ascii") for path in (key_path, password_path)}
    try:
        yield ServerInfo(HOST, bound, known_hosts, username, kept, secrets_dir, active, thread)
    finally:
        thread.stop()


@dataclass(frozen=True)
class ServerApart:
    """A running server in a process of its own, which no test can make misbehave. Fields as in ``ServerInfo``."""

    host: str
    port: int
    known_hosts_path: Path
    username: str
    secrets: Mapping[str, str] = field(repr=False)


@contextmanager
def serve_apart(root: Path, state_dir: Path, *, username: str = "nexus") -> Iterator[ServerApart]:
    """Serve as ``serve`` does, in a process of its own: on two processors, client and server do not take turns.

    The process ends with the block, and with the death of this process.

    Raises:
        RuntimeError: when the server does not come up.
    """
    command = [sys.executable, "-m", "simulation.sftp_server", str(root), str(state_dir), username]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the SFTP server has no pipes")
        try:
            stated = process.stdout.readline()
            if not stated:
                raise RuntimeError("the SFTP server did not come up")
            names = ("sftp_private_key", "sftp_password")
            kept = {name: (state_dir / "secrets" / name).read_text(encoding="ascii") for name in names}
            yield ServerApart(HOST, int(stated), state_dir / "known_hosts", username, kept)
        finally:
            process.stdin.close()


def _serve_until_left(root: Path, state_dir: Path, username: str) -> None:
    """Say the port, and serve until nobody holds the other end of standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us gets it too, and closes the pipe
    with serve(root, state_dir, username=username) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        sys.stdin.read()


@dataclass(frozen=True)
class _Login:
    """Who may come in."""

    username: str
    password: str
    public_key: asyncssh.SSHKey


class _Door(asyncssh.SSHServer):
    """Checks a login by password or public key."""

    def __init__(self, login: _Login) -> None:
        self._login = login

    def begin_auth(self, username: str) -> bool:
        """Every login must prove itself."""
        return True

    def password_auth_supported(self) -> bool:
        """Passwords are accepted."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Whether user and password are the ones generated."""
        known = random_secrets.compare_digest(password.encode(), self._login.password.encode())
        return known and username == self._login.username

    def public_key_auth_supported(self) -> bool:
        """Keys are accepted."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether user and key are the ones generated."""
        return username == self._login.username and key == self._login.public_key


class _Folder(asyncssh.SFTPServer):
    """Shows one folder, read-only, with the faults that are switched on."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], root: Path, switches: Switches) -> None:
        super().__init__(chan, chroot=os.fsencode(root))
        self._root = os.path.realpath(root)
        self._switches = switches
        self._served = 0
        switches.sessions += 1

    def _size(self, local_path: str, size: int) -> int:
        shown = os.path.relpath(local_path, self._root)
        return size // 2 if shown in self._switches.half_written else size

    def _attrs(self, local_path: str, result: os.stat_result) -> asyncssh.SFTPAttrs:
        attrs = asyncssh.SFTPAttrs.from_local(result)
        attrs.size = self._size(local_path, result.st_size)
        return attrs

    def _local(self, path: bytes) -> str:
        return os.fsdecode(self.map_path(path))

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Attributes, following links."""
        local_path = self._local(path)
        return self._attrs(local_path, Path(local_path).stat())

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """Attributes of the entry itself."""
        local_path = self._local(path)
        return self._attrs(local_path, Path(local_path).lstat())

    def fstat(self, file_obj: Any) -> asyncssh.SFTPAttrs:
        """Attributes of an open file."""
        return self._attrs(os.fsdecode(file_obj.name), os.fstat(file_obj.fileno()))

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """Entries of a folder, with the sizes that are shown."""
        async for entry in super().scandir(path):
            if entry.attrs.size is not None and isinstance(entry.filename, bytes):
                local_path = os.path.join(self._local(path), os.fsdecode(entry.filename))  # noqa: PTH118  # '.' and '..' are entries too
                entry.attrs.size = self._size(local_path, entry.attrs.size)
            yield entry

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Open for reading."""
        if pflags & _WRITE_FLAGS:
            raise asyncssh.SFTPPermissionDenied("this server is read-only")
        return super().open(path, pflags, attrs)

    def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        """Bytes of an open file; hangs up when told to."""
        shown = self._size(os.fsdecode(file_obj.name), os.fstat(file_obj.fileno()).st_size)
        file_obj.seek(offset)
        found: bytes = file_obj.read(max(0, min(size, shown - offset)))
        limit = self._switches.close_after_bytes
        if limit is not None and self._switches.closes_left > 0 and self._served + len(found) > limit:
            self._switches.closes_left -= 1
            self.connection.abort()
            raise asyncssh.SFTPConnectionLost("the server hung up")
        self._served += len(found)
        self._switches.bytes_served += len(found)
        return found

    def _refuse(self, *_args: Any, **_kwargs: Any) -> None:
        raise asyncssh.SFTPPermissionDenied("this server is read-only")

    open56 = setstat = lsetstat = fsetstat = remove = mkdir = rmdir = rename = symlink = link = posix_rename = _refuse


class _ServerThread:
    """The thread in which the server's event loop runs."""

    def __init__(self, root: Path, port: int, host_key: asyncssh.SSHKey, login: _Login, switches: Switches) -> None:
        self._root, self._port, self._host_key = root, port, host_key
        self._login, self._switches = login, switches
        self._loop = asyncio.new_event_loop()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp-server", daemon=True)

    def start(self) -> int:
        """Come up; returns the port."""
        self._thread.start()
        try:
            self._acceptor = self._wait(self._listen())
        except (OSError, TimeoutError, asyncssh.Error) as error:
            self._end_loop()
            raise RuntimeError(f"the SFTP server did not come up: {error}") from error
        return self._acceptor.get_port()

    def stop(self) -> None:
        """Go down; open sessions are ended."""
        if self._acceptor is not None:
            self._wait(self._close(self._acceptor))
        self._end_loop()

    def change_host_key(self) -> None:
        """Present a new host key to the sessions that follow."""

        async def changed() -> None:
            if self._acceptor is not None:
                self._acceptor.update(server_host_keys=[asyncssh.generate_private_key(_KEY_TYPE)])

        self._wait(changed())

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            HOST,
            self._port,
            server_factory=lambda: _Door(self._login),
            server_host_keys=[self._host_key],
            sftp_factory=lambda chan: _Folder(chan, self._root, self._switches),
            allow_scp=False,
        )

    async def _close(self, acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        await acceptor.wait_closed()

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)

    def _end_loop(self) -> None:
        async def cancelled() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._wait(cancelled())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_SECONDS)
        self._loop.close()


def _kept_key(path: Path) -> asyncssh.SSHKey:
    if path.exists():
        return asyncssh.read_private_key(path)
    key = asyncssh.generate_private_key(_KEY_TYPE)
    _write_private(path, key.export_private_key("openssh"))
    return key


def _kept_text(path: Path, fresh: str) -> str:
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    _write_private(path, fresh.encode("ascii"))
    return fresh


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


if __name__ == "__main__":
    _serve_until_left(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
