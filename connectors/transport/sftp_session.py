"""One SFTP session: what is asked of a server, and what its failures mean. paramiko is known here only."""

from __future__ import annotations

import contextlib
import io
import posixpath
import socket
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_DATA,
    CMD_HANDLE,
    CMD_NAME,
    CMD_OPEN,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    CMD_STATUS,
    SFTP_FLAG_READ,
    SFTPError,
    int64,
)
from paramiko.ssh_exception import IncompatiblePeer

from connectors.connection import SftpTransport
from connectors.errors import PermanentError, RetryableError
from connectors.secrets import resolve
from connectors.transport.base import FileNotTaken
from connectors.transport.walk import Entry, EntryKind, entry_kind

MAX_READ_BYTES: Final = 32 * 1024
"""Bytes per read request; every server answers requests of this size whole (SFTP draft 02, section 3)."""

READS_IN_FLIGHT: Final = 64
"""Read requests that wait for their answer at one time: 2 MiB, enough for 20 MiB/s at 100 ms of distance."""

_LONG_FORM_KINDS: Final[dict[str, EntryKind]] = {"d": "folder", "l": "link", "-": "file", "": "file"}
_KEY_TYPES: Final = (
    (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key, serialization.PrivateFormat.OpenSSH),
    (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey, serialization.PrivateFormat.TraditionalOpenSSL),
    (rsa.RSAPrivateKey, paramiko.RSAKey, serialization.PrivateFormat.TraditionalOpenSSL),
)


class SessionLost(RetryableError):
    """The session ended before its work did. A new one may go on where it stopped."""


class SftpSession:
    """An open SFTP session with a server whose host key is known. Close it.

    Raises:
        SessionLost: the server cannot be reached, or hangs up.
        RetryableError: the server hung up or fell silent while the credential was being checked; not tried again at
            once, because some servers lock an account after a few attempts.
        PermanentError: an unknown or changed host key, a refused credential, settings that make no sense.
    """

    def __init__(self, transport: SftpTransport, secrets_dir: Path) -> None:
        self._where = f"sftp://{transport.host}:{transport.port}"
        self._ssh = paramiko.SSHClient()
        try:
            self._connect(transport, secrets_dir)
            with self._faults("the connection's root folder"):
                self._sftp = _open_client(self._ssh, transport.timeout_seconds)
                self._root = self._sftp.normalize(transport.path)
        except BaseException:
            self._ssh.close()
            raise

    def close(self) -> None:
        """End the session."""
        self._ssh.close()

    def entries(self, at: str) -> Iterator[Entry]:
        """The entries of the folder at a relative path, '' for the root.

        Raises:
            FileNotFoundError: there is none.
            PermissionError: it may not be read.
        """
        with self._faults(at, is_folder=True):
            for entry in self._sftp.entries(self._absolute(at)):
                if entry.name not in (".", ".."):
                    yield entry

    def target(self, path: str) -> Entry | None:
        """What the link at a relative path stands for, None when it leaves the root or ends nowhere."""
        try:
            with self._faults(path):
                real = self._sftp.normalize(self._absolute(path))
                if posixpath.commonpath([real, self._root]) != self._root:
                    return None
                return self._sftp.described(real)
        except (FileNotTaken, UnicodeDecodeError):
            return None

    def described(self, path: str) -> Entry:
        """The file at a relative path, as it is now.

        Raises:
            FileNotTaken: it is not there any more, or may not be read.
        """
        with self._faults(path):
            return self._sftp.described(self._absolute(path))

    def chunks(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a file from ``start`` up to ``end``, fewer when it ends before.

        Raises:
            FileNotTaken: it is not there any more, or may not be read.
        """
        with self._faults(path):
            yield from self._sftp.chunks(self._absolute(path), start, end)

    def _absolute(self, path: str) -> str:
        return posixpath.join(self._root, path) if path else self._root

    def _connect(self, transport: SftpTransport, secrets_dir: Path) -> None:
        _load_known_hosts(self._ssh, transport.known_hosts)
        self._ssh.set_missing_host_key_policy(_RefuseUnknownHost(self._where, transport.known_hosts))
        password = resolve(transport.password_ref, secrets_dir) if transport.password_ref else None
        key = None
        if transport.private_key_ref:
            key = _private_key(transport.private_key_ref, resolve(transport.private_key_ref, secrets_dir), password)
        if password is None and key is None:
            raise PermanentError(f"{self._where}: give password_ref or private_key_ref")
        seconds = transport.timeout_seconds
        try:
            self._ssh.connect(
                transport.host,
                port=transport.port,
                username=transport.username,
                password=password,
                pkey=key,
                timeout=seconds,
                banner_timeout=seconds,
                auth_timeout=seconds,
                channel_timeout=seconds,
                allow_agent=False,
                look_for_keys=False,
            )
        except paramiko.BadHostKeyException as error:
            raise PermanentError(
                f"{self._where}: the host key has changed. The server shows {error.key.fingerprint}, "
                f"{transport.known_hosts} holds {error.expected_key.fingerprint}. No credential was sent. Ask the "
                f"provider whether the change is theirs before putting the new key there"
            ) from None
        except paramiko.AuthenticationException as error:
            raise self._refused_credential(transport.username, error) from None
        except IncompatiblePeer as error:
            raise PermanentError(f"{self._where}: no algorithm in common with the server ({error})") from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise SessionLost(f"{self._where}: cannot connect ({error or type(error).__name__})") from error

    def _refused_credential(self, username: str, error: paramiko.AuthenticationException) -> Exception:
        """The fault of a failed login. paramiko says by its text alone that the server never answered."""
        if "timeout" in str(error) or "EOF" in str(error):
            return RetryableError(f"{self._where}: the server hung up while {username} was logging in")
        return PermanentError(f"{self._where}: the server refused the credential of {username}")

    @contextlib.contextmanager
    def _faults(self, path: str, *, is_folder: bool = False) -> Iterator[None]:
        """Turn what goes wrong while the server is asked about ``path`` into our faults."""
        try:
            yield
        except (paramiko.SSHException, EOFError, SFTPError, TimeoutError, ConnectionError) as error:
            self._ssh.close()
            raise SessionLost(f"{self._where}: the session ended ({error or type(error).__name__})") from error
        except OSError as error:
            ssh = self._ssh.get_transport()
            if ssh is None or not ssh.is_active():
                raise SessionLost(f"{self._where}: the session ended ({error})") from error
            if is_folder and isinstance(error, FileNotFoundError | PermissionError):
                raise
            raise FileNotTaken(f"{path}: the server does not give it ({error.strerror or error})") from error


class _RefuseUnknownHost(paramiko.MissingHostKeyPolicy):
    """Talk to no server whose host key is not known."""

    def __init__(self, where: str, known_hosts: Path) -> None:
        self._where = where
        self._known_hosts = known_hosts

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise PermanentError(
            f"{self._where}: {self._known_hosts} holds no host key for {hostname}. The server shows {key.fingerprint}; "
            f"check that with the provider, then put the key there"
        )


def _load_known_hosts(ssh: paramiko.SSHClient, known_hosts: Path) -> None:
    try:
        lines = known_hosts.read_text(encoding="utf-8").splitlines()
        if any(line.startswith("@") for line in lines):
            raise PermanentError(f"{known_hosts}: lines with @revoked or @cert-authority are not supported")
        ssh.load_host_keys(str(known_hosts))
    except (OSError, UnicodeDecodeError, paramiko.hostkeys.InvalidHostKey) as error:
        raise PermanentError(f"{known_hosts}: the known host keys cannot be read ({error})") from error


def _private_key(ref: str, text: str, password: str | None) -> paramiko.PKey:
    """The key that ``text`` holds.

    The cryptography library reads it, because it knows more forms than paramiko, which then gets its best one.
    """
    data = text.encode() + b"\n"
    load = serialization.load_ssh_private_key if b"BEGIN OPENSSH" in data else serialization.load_pem_private_key
    try:
        try:
            key = load(data, None)
        except TypeError:  # how a key under a passphrase shows
            key = load(data, password.encode() if password else None)
        for key_class, key_type, form in _KEY_TYPES:
            if isinstance(key, key_class):
                pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
                return key_type.from_private_key(io.StringIO(pem.decode()))
    except (ValueError, TypeError, UnsupportedAlgorithm, paramiko.SSHException):
        # The text of these may quote the key.
        pass
    raise PermanentError(
        f"{ref}: not a private key that can be used: an Ed25519, ECDSA or RSA key in OpenSSH or PEM form is needed, "
        f"without a passphrase or with the one that password_ref names"
    )


def _open_client(ssh: paramiko.SSHClient, timeout_seconds: float) -> _Client:
    transport = ssh.get_transport()
    if transport is None:
        raise EOFError("no session")
    # Requests are small and follow each other unanswered; held back until the last one is acknowledged, each costs
    # tens of milliseconds.
    if isinstance(transport.sock, socket.socket):
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    channel = transport.open_session(timeout=timeout_seconds)
    channel.settimeout(timeout_seconds)
    channel.invoke_subsystem("sftp")
    return _Client(channel)


class _Answers:
    """Where answers to read requests are kept until their turn; ``_async_response`` is what paramiko calls."""

    def __init__(self) -> None:
        self.received: dict[int, tuple[int, paramiko.Message]] = {}

    def _async_response(self, kind: int, message: paramiko.Message, number: int) -> None:
        self.received[number] = (kind, message)


class _Client(paramiko.SFTPClient):
    """paramiko's client with two changes, both made over its protocol layer.

    Names that are not UTF-8 are kept, so that one of them can be refused without its neighbours. Files are read with
    a bounded number of requests in flight and without a thread: ``SFTPFile.prefetch`` queues a whole file, and with a
    bound its thread waits for ever when the session is lost.
    """

    _request: Callable[..., tuple[int, paramiko.Message]]
    _async_request: Callable[..., int]
    _read_response: Callable[..., object]
    _convert_status: Callable[[paramiko.Message], None]

    def entries(self, path: str) -> Iterator[Entry]:
        """The entries of a folder, '.' and '..' among them where the server gives them."""
        handle = self._handle(CMD_OPENDIR, path)
        answers = _Answers()
        while message := self._answer(answers, self._async_request(answers, CMD_READDIR, handle), CMD_NAME):
            for _ in range(message.get_int()):
                name = message.get_string().decode("utf-8", "surrogateescape")
                longname = message.get_string().decode("utf-8", "replace")
                yield _entry(name, _attributes(message), longname)
        self._async_request(type(None), CMD_CLOSE, handle)

    def described(self, path: str) -> Entry:
        """What is at a path, links followed."""
        return _entry(posixpath.basename(path), self.stat(path), "")

    def chunks(self, path: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes of a file from ``start`` up to ``end`` in order, fewer when it ends before."""
        if start >= end:
            return
        handle = self._handle(CMD_OPEN, path, SFTP_FLAG_READ, paramiko.SFTPAttributes())
        answers = _Answers()
        waiting: deque[tuple[int, int, int]] = deque()
        asked = start
        while waiting or asked < end:
            while asked < end and len(waiting) < READS_IN_FLIGHT:
                size = min(MAX_READ_BYTES, end - asked)
                waiting.append((self._ask(answers, handle, asked, size), asked, size))
                asked += size
            number, offset, size = waiting.popleft()
            message = self._answer(answers, number, CMD_DATA)
            data = message.get_string() if message else b""
            if not data:
                break
            yield data
            if len(data) < size:
                # Less than was asked for: the rest comes next, before what is already under way.
                offset, size = offset + len(data), size - len(data)
                waiting.appendleft((self._ask(answers, handle, offset, size), offset, size))
        self._async_request(type(None), CMD_CLOSE, handle)

    def _ask(self, answers: _Answers, handle: bytes, offset: int, size: int) -> int:
        return self._async_request(answers, CMD_READ, handle, int64(offset), size)

    def _answer(self, answers: _Answers, number: int, expected: int) -> paramiko.Message | None:
        """The answer to a request, or None when it says that the end is reached.

        The end of a file is told here and not by ``EOFError``, which is also how a lost session shows when a request
        is sent.
        """
        while number not in answers.received:
            self._read_response()
        kind, message = answers.received.pop(number)
        if kind == CMD_STATUS:
            try:
                self._convert_status(message)
            except EOFError:
                return None
        if kind != expected:
            raise SFTPError("the server answered with something else than what was asked for")
        return message

    def _handle(self, command: int, *arguments: object) -> bytes:
        kind, message = self._request(command, *arguments)
        if kind != CMD_HANDLE:
            raise SFTPError("the server gave no handle")
        return message.get_string()


def _attributes(message: paramiko.Message) -> paramiko.SFTPAttributes:
    """The attributes at this place of a message (SFTP draft 02, section 5)."""
    attributes = paramiko.SFTPAttributes()
    flags = message.get_int()
    if flags & attributes.FLAG_SIZE:
        attributes.st_size = message.get_int64()
    if flags & attributes.FLAG_UIDGID:
        attributes.st_uid, attributes.st_gid = message.get_int(), message.get_int()
    if flags & attributes.FLAG_PERMISSIONS:
        attributes.st_mode = message.get_int()
    if flags & attributes.FLAG_AMTIME:
        attributes.st_atime, attributes.st_mtime = message.get_int(), message.get_int()
    if flags & attributes.FLAG_EXTENDED:
        for _ in range(2 * message.get_int()):
            message.get_string()
    return attributes


def _entry(name: str, attributes: paramiko.SFTPAttributes, longname: str) -> Entry:
    """An entry; where the server states no mode, the first letter of its long form tells the kind."""
    kind = _LONG_FORM_KINDS.get(longname[:1], "other")
    if attributes.st_mode is not None:
        kind = entry_kind(attributes.st_mode)
    return Entry(name, kind, attributes.st_size or 0, datetime.fromtimestamp(attributes.st_mtime or 0, UTC))
