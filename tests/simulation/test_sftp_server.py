"""The simulated server, asked by a client of another library."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
import pytest

from simulation.sftp_server import ServerInfo, serve, serve_apart

CONTENT = bytes(range(256)) * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "alder" / "schwab_main").mkdir(parents=True)
    (folder / "alder" / "schwab_main" / "file.bin").write_bytes(CONTENT)
    (tmp_path / "outside.txt").write_text("secret")
    return folder


@contextmanager
def _session(server: ServerInfo, *, is_by_key: bool = False) -> Iterator[paramiko.SFTPClient]:
    client = paramiko.SSHClient()
    client.load_host_keys(str(server.known_hosts_path))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(server.secrets["sftp_private_key"]))
    try:
        client.connect(
            server.host, server.port, server.username, look_for_keys=False, allow_agent=False,
            pkey=key if is_by_key else None, password=None if is_by_key else server.secrets["sftp_password"],
        )  # fmt: skip
        yield client.open_sftp()
    finally:
        client.close()


@pytest.mark.parametrize("is_by_key", [True, False])
def test_password_and_key_both_open_the_door(root: Path, tmp_path: Path, is_by_key: bool) -> None:
    with serve(root, tmp_path / "state") as server, _session(server, is_by_key=is_by_key) as sftp:
        assert sftp.listdir("alder/schwab_main") == ["file.bin"]
        with sftp.open("alder/schwab_main/file.bin") as file:
            assert file.read() == CONTENT
    assert server.switches.bytes_served == len(CONTENT)


def test_a_wrong_password_is_refused(root: Path, tmp_path: Path) -> None:
    with serve(root, tmp_path / "state") as server:
        client = paramiko.SSHClient()
        client.load_host_keys(str(server.known_hosts_path))
        with pytest.raises(paramiko.AuthenticationException):
            client.connect(server.host, server.port, "nexus", "wrong", look_for_keys=False, allow_agent=False)
        client.close()


def test_a_server_started_again_is_the_same_server(root: Path, tmp_path: Path) -> None:
    with serve(root, tmp_path / "state") as first:
        pass
    with serve(root, tmp_path / "state", port=first.port) as second, _session(second, is_by_key=True) as sftp:
        assert sftp.listdir(".") == ["alder"]
    assert dict(first.secrets) == dict(second.secrets)
    assert first.secrets_dir == second.secrets_dir
    assert (second.secrets_dir / "sftp_password").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda sftp: sftp.remove("alder/schwab_main/file.bin"),
        lambda sftp: sftp.open("alder/schwab_main/new", "w"),
        lambda sftp: sftp.open("alder/schwab_main/file.bin", "r+"),
        lambda sftp: sftp.mkdir("new"),
        lambda sftp: sftp.rename("alder", "birch"),
        lambda sftp: sftp.stat("../outside.txt"),
        lambda sftp: sftp.truncate("alder/schwab_main/file.bin", 0),
    ],
)
def test_clients_can_only_read_below_the_root(
    root: Path, tmp_path: Path, forbidden: Callable[[paramiko.SFTPClient], object]
) -> None:
    with serve(root, tmp_path / "state") as server, _session(server) as sftp:
        with pytest.raises(OSError, match=r"read-only|No such file"):
            forbidden(sftp)
        assert (root / "alder" / "schwab_main" / "file.bin").read_bytes() == CONTENT


def test_a_changed_host_key_is_seen_by_a_client_that_checks(root: Path, tmp_path: Path) -> None:
    with serve(root, tmp_path / "state") as server:
        server.change_host_key()
        with pytest.raises(paramiko.BadHostKeyException), _session(server):
            pass


def test_the_server_hangs_up_in_the_middle_of_a_file_as_often_as_told(root: Path, tmp_path: Path) -> None:
    with serve(root, tmp_path / "state") as server:
        server.switches.close_after_bytes = 100_000
        with (
            _session(server) as sftp,
            sftp.open("alder/schwab_main/file.bin") as file,
            pytest.raises((OSError, EOFError, paramiko.SSHException)),
        ):
            file.read()
        assert 0 < server.switches.bytes_served <= 100_000
        with _session(server) as sftp, sftp.open("alder/schwab_main/file.bin") as file:
            assert file.read() == CONTENT
        assert server.switches.sessions == 2


def test_a_half_written_file_shows_and_serves_its_first_half(root: Path, tmp_path: Path) -> None:
    name = "alder/schwab_main/file.bin"
    with serve(root, tmp_path / "state") as server, _session(server) as sftp:
        server.switches.half_written.add(name)
        assert [entry.st_size for entry in sftp.listdir_attr("alder/schwab_main")] == [len(CONTENT) // 2]
        assert sftp.stat(name).st_size == len(CONTENT) // 2
        with sftp.open(name) as file:
            assert file.read() == CONTENT[: len(CONTENT) // 2]
        server.switches.half_written.clear()
        assert sftp.stat(name).st_size == len(CONTENT)


def test_a_port_in_use_is_reported(root: Path, tmp_path: Path) -> None:
    with (
        serve(root, tmp_path / "state") as first,
        pytest.raises(RuntimeError, match="did not come up"),
        serve(root, tmp_path / "other", port=first.port),
    ):
        pass


def test_a_server_apart_serves_the_same_and_ends_with_its_block(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with serve_apart(tmp_path / "root", tmp_path / "state") as server:
        with socket.create_connection((server.host, server.port), timeout=10) as line:
            assert line.recv(8) == b"SSH-2.0-"
        assert f"[{server.host}]:{server.port} " in server.known_hosts_path.read_text()
        assert server.secrets["sftp_password"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), timeout=10)
