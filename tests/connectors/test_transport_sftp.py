"""Laws of fetching over SFTP, against a server of another make."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest

from connectors.connection import SftpTransport
from connectors.errors import FeedFault, PermanentError, RetryableError
from connectors.transport import sftp
from connectors.transport.base import FileNotTaken, RemoteFile, Transport
from connectors.transport.opening import open_transport
from connectors.transport.staging import note_path, part_path
from tests.connectors.sftp_fixture import PASSWORD, RunningServer, running_server

LARGE_BYTES = 3_000_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with running_server(tmp_path / "root", tmp_path / "home") as running:
        yield running


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "_WAIT_SECONDS", 0.01)


def opened(server: RunningServer, **changes: object) -> Transport:
    return open_transport(server.transport(**changes), server.secrets_dir)


def put(server: RunningServer, path: str, content: bytes, at: datetime = datetime(2022, 1, 4, 6, tzinfo=UTC)) -> Path:
    target = server.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    os.utime(target, (at.timestamp(), at.timestamp()))
    return target


def noise(size_bytes: int) -> bytes:
    return hashlib.shake_128(b"noise").digest(size_bytes)


def only(folder: Transport) -> RemoteFile:
    (remote,) = folder.list_files().files
    return remote


@pytest.mark.parametrize("size_bytes", [0, 1, 32 * 1024, 32 * 1024 + 1, 262_144, LARGE_BYTES])
def test_a_fetched_file_equals_the_served_bytes(server: RunningServer, tmp_path: Path, size_bytes: int) -> None:
    put(server, "CRS20220103.TRN", noise(size_bytes))
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == noise(size_bytes)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "out", "root"]


def test_a_server_that_answers_reads_in_pieces_gives_the_same_bytes(server: RunningServer, tmp_path: Path) -> None:
    put(server, "a", noise(LARGE_BYTES))
    server.switches.short_read_bytes = 10_000
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == noise(LARGE_BYTES)


def test_the_listing_states_path_size_and_time_oldest_first(server: RunningServer) -> None:
    put(server, "2022/b.csv", b"four", datetime(2022, 1, 3, 5, 30, tzinfo=UTC))
    put(server, "a.csv", b"abc", datetime(2022, 1, 4, 5, 30, tzinfo=UTC))
    with opened(server) as folder:
        assert folder.list_files().files == [
            RemoteFile("2022/b.csv", 4, datetime(2022, 1, 3, 5, 30, tzinfo=UTC)),
            RemoteFile("a.csv", 3, datetime(2022, 1, 4, 5, 30, tzinfo=UTC)),
        ]


def test_a_connection_sees_only_what_is_below_its_path(server: RunningServer, tmp_path: Path) -> None:
    put(server, "alder/schwab/a", b"mine")
    put(server, "birch/schwab/a", b"theirs")
    with opened(server, path="alder/schwab") as folder:
        remote = only(folder)
        folder.fetch(remote, tmp_path / "out")
    assert (remote.path, (tmp_path / "out").read_bytes()) == ("a", b"mine")


def test_an_unsafe_name_is_refused_and_its_neighbours_go_on(server: RunningServer) -> None:
    put(server, "good.csv", b"1")
    put(server, "..\\..\\evil.TRN", b"1")
    put(server, "line\nbreak.csv", b"1")
    put(server, "up..and..away.csv", b"1")
    put(server, os.fsdecode(b"caf\xe9.csv"), b"1")
    (server.root / "way_out").symlink_to("/etc/hostname")
    os.mkfifo(server.root / "pipe")
    with opened(server) as folder:
        listing = folder.list_files()
    assert [file.path for file in listing.files] == ["good.csv"]
    assert listing.refused == sorted(
        ["..\\\\..\\\\evil.TRN", "caf\\xe9.csv", "line\\x0abreak.csv", "pipe", "up..and..away.csv", "way_out"]
    )
    assert {refusal.reason for refusal in listing.refusals} == {"unsafe_path"}


def test_hidden_and_half_written_names_and_checksums_are_not_listed(server: RunningServer) -> None:
    for name in (".hidden", ".git/config", "a.tmp", "a.part", "a.FilePart", "a.partial", "a.sha256", "a.md5", "a"):
        put(server, name, b"1")
    with opened(server) as folder:
        assert [file.path for file in folder.list_files().files] == ["a"]


@pytest.mark.parametrize("path", ["../home/password", "/etc/hostname", "a/../../b", "a\\b", "a//b"])
def test_a_path_that_could_leave_the_root_is_not_fetched(server: RunningServer, tmp_path: Path, path: str) -> None:
    with opened(server) as folder, pytest.raises(FeedFault, match="unsafe_path"):
        folder.fetch(RemoteFile(path, 1, datetime(2022, 1, 3, tzinfo=UTC)), tmp_path / "out")


def test_a_session_cut_in_the_middle_is_resumed_and_ends_with_the_same_bytes(
    server: RunningServer, tmp_path: Path
) -> None:
    put(server, "a", noise(LARGE_BYTES))
    server.switches.cut_after_bytes = [2_200_000]
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == noise(LARGE_BYTES)
    assert server.switches.connections == 2
    # What was on its way when the session was cut is asked for again; what had come is not.
    assert server.switches.bytes_given < 2 * LARGE_BYTES


def test_a_file_that_every_session_brings_further_is_finished_however_many_are_cut(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "ATTEMPTS", 2)
    put(server, "a", noise(12 * 1024**2))
    server.switches.cut_after_bytes = [2_500_000] * 4
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == noise(12 * 1024**2)


def test_a_part_that_another_process_left_is_taken_up(server: RunningServer, tmp_path: Path) -> None:
    put(server, "a", noise(LARGE_BYTES))
    server.switches.cut_after_bytes = [2_200_000] + [0] * 10_000
    out = tmp_path / "out"
    with opened(server) as folder, pytest.raises(RetryableError):
        folder.fetch(only(folder), out)
    assert not out.exists()
    assert 0 < part_path(out).stat().st_size < LARGE_BYTES
    server.switches.cut_after_bytes = []
    server.switches.bytes_given = 0
    kept = part_path(out).stat().st_size
    with opened(server) as folder:
        folder.fetch(only(folder), out)
    assert out.read_bytes() == noise(LARGE_BYTES)
    assert server.switches.bytes_given == LARGE_BYTES - kept
    assert not part_path(out).exists()
    assert not note_path(out).exists()


@pytest.mark.parametrize("part", [b"x" * 500_000, b"x" * (LARGE_BYTES + 1)])
def test_a_part_of_another_version_or_too_large_is_not_taken_up(
    server: RunningServer, tmp_path: Path, part: bytes
) -> None:
    put(server, "a", noise(LARGE_BYTES))
    out = tmp_path / "out"
    part_path(out).write_bytes(part)
    note_path(out).write_text(f"{LARGE_BYTES} 2022-01-03T00:00:00+00:00 a\n")
    with opened(server) as folder:
        folder.fetch(only(folder), out)
    assert out.read_bytes() == noise(LARGE_BYTES)


def test_a_changed_host_key_is_never_talked_to(server: RunningServer) -> None:
    server.know(asyncssh.generate_private_key("ssh-ed25519"))
    with pytest.raises(PermanentError, match="host key has changed"), opened(server):
        pytest.fail("connected")
    assert server.switches.logins == 0
    assert server.switches.attempts == 1


@pytest.mark.parametrize("host_key_type", ["ssh-rsa", "ecdsa-sha2-nistp256"])
def test_a_server_is_known_by_a_host_key_of_any_type(tmp_path: Path, host_key_type: str) -> None:
    with running_server(tmp_path / "root", tmp_path / "home", host_key_type=host_key_type) as server:
        with opened(server) as folder:
            assert folder.list_files().files == []
        server.know(asyncssh.generate_private_key(host_key_type))
        with pytest.raises(PermanentError, match="host key has changed"), opened(server):
            pytest.fail("connected")
        assert server.switches.logins == 1


def test_a_host_key_of_another_type_is_a_changed_one(server: RunningServer) -> None:
    server.know(asyncssh.generate_private_key("ecdsa-sha2-nistp256"))
    with pytest.raises(PermanentError, match="host key has changed"), opened(server):
        pytest.fail("connected")
    assert server.switches.logins == 0


@pytest.mark.parametrize("content", ["", "# nobody\n", "elsewhere.example ssh-ed25519 AAAA\n"])
def test_an_unknown_host_is_never_talked_to(server: RunningServer, content: str) -> None:
    (server.home / "known_hosts").write_text(content)
    with pytest.raises(PermanentError, match="holds no host key"), opened(server):
        pytest.fail("connected")
    assert server.switches.logins == 0


def test_known_hosts_that_cannot_be_read_stop_the_connection(server: RunningServer, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="cannot be read"), opened(server, known_hosts=tmp_path / "nowhere"):
        pytest.fail("connected")
    (server.home / "known_hosts").write_text("@revoked host ssh-ed25519 AAAA\n")
    with pytest.raises(PermanentError, match="not supported"), opened(server):
        pytest.fail("connected")


def test_a_wrong_password_is_tried_once_and_never_shown(server: RunningServer) -> None:
    (server.home / "password").write_text("hunter2")
    with pytest.raises(PermanentError, match="refused the credential of alder") as caught, opened(server):
        pytest.fail("connected")
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"
    assert PASSWORD not in str(caught.value)
    assert server.switches.logins == 1


def test_a_connection_without_credential_is_refused(server: RunningServer) -> None:
    with pytest.raises(PermanentError, match="password_ref or private_key_ref"), opened(server, password_ref=None):
        pytest.fail("connected")


@pytest.mark.parametrize("key_type", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_a_private_key_opens_the_connection(tmp_path: Path, key_type: str) -> None:
    key = asyncssh.generate_private_key(key_type)
    with running_server(tmp_path / "root", tmp_path / "home", client_key=key) as server:
        put(server, "a", b"1")
        (server.home / "key").write_bytes(key.export_private_key())
        (server.home / "key").chmod(0o600)
        with opened(server, password_ref=None, private_key_ref="file:key") as folder:
            assert only(folder).path == "a"


def test_a_private_key_under_a_passphrase_is_unlocked_by_the_password(tmp_path: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    with running_server(tmp_path / "root", tmp_path / "home", client_key=key) as server:
        (server.home / "key").write_bytes(key.export_private_key("openssh", passphrase=PASSWORD))
        (server.home / "key").chmod(0o600)
        with opened(server, private_key_ref="file:key") as folder:
            assert folder.list_files().files == []
        with (
            pytest.raises(PermanentError, match="not a private key"),
            opened(server, private_key_ref="file:key", password_ref=None),
        ):
            pytest.fail("connected")


def test_rubbish_in_place_of_a_private_key_is_refused_without_showing_it(server: RunningServer) -> None:
    (server.home / "key").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----")
    (server.home / "key").chmod(0o600)
    with pytest.raises(PermanentError, match="file:key: not a private key") as caught:
        opened(server, private_key_ref="file:key").__enter__()
    assert "c2VjcmV0" not in str(caught.value)


def test_a_file_that_still_grows_is_not_taken(server: RunningServer, tmp_path: Path) -> None:
    growing = put(server, "a", noise(100_000))
    put(server, "b", b"whole")
    server.switches.grow_on_read = growing
    with opened(server) as folder:
        a, b = folder.list_files().files
        with pytest.raises(FileNotTaken, match="a: still being written"):
            folder.fetch(a, tmp_path / "a_out")
        folder.fetch(b, tmp_path / "b_out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b_out", "home", "root"]


def test_a_file_replaced_since_the_listing_is_not_taken_and_is_taken_after_the_next_one(
    server: RunningServer, tmp_path: Path
) -> None:
    put(server, "a", b"old bytes", datetime(2022, 1, 3, tzinfo=UTC))
    with opened(server) as folder:
        remote = only(folder)
        put(server, "a", b"new bytes", datetime(2022, 1, 4, tzinfo=UTC))
        with pytest.raises(FileNotTaken):
            folder.fetch(remote, tmp_path / "out")
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"new bytes"


def test_a_file_that_vanished_or_shrank_is_not_taken_and_the_session_goes_on(
    server: RunningServer, tmp_path: Path
) -> None:
    gone, shrunk = put(server, "gone", b"1"), put(server, "shrunk", noise(400_000))
    put(server, "whole", b"whole")
    with opened(server) as folder:
        files = {file.path: file for file in folder.list_files().files}
        gone.unlink()
        shrunk.write_bytes(b"less")
        for name in ("gone", "shrunk"):
            with pytest.raises(FileNotTaken, match=name):
                folder.fetch(files[name], tmp_path / "out")
        folder.fetch(files["whole"], tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"whole"
    assert server.switches.connections == 1


@pytest.mark.parametrize("form", ["{0}", "{0}  a\n", "SHA256 (a) = {0}\n"])
def test_a_file_that_matches_its_checksum_is_taken(server: RunningServer, tmp_path: Path, form: str) -> None:
    put(server, "a", noise(1000))
    put(server, "a.sha256", form.format(hashlib.sha256(noise(1000)).hexdigest()).encode())
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == noise(1000)


@pytest.mark.parametrize("sidecar", [b"0" * 64, b"not a checksum", b""])
def test_a_file_that_does_not_match_its_checksum_is_not_taken(
    server: RunningServer, tmp_path: Path, sidecar: bytes
) -> None:
    put(server, "a", noise(1000))
    put(server, "a.sha256", sidecar)
    with opened(server) as folder, pytest.raises(FileNotTaken, match="checksum"):
        folder.fetch(only(folder), tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "root"]


def test_three_hundred_files_come_over_one_connection(server: RunningServer, tmp_path: Path) -> None:
    for i in range(300):
        put(server, f"{i % 3}/{i}.csv", b"%d" % i)
    with opened(server) as folder:
        files = folder.list_files().files
        for file in files:
            folder.fetch(file, tmp_path / "out")
            assert (tmp_path / "out").read_bytes().decode() == Path(file.path).stem
    assert len(files) == 300
    assert server.switches.attempts == 1


def test_a_server_that_is_not_there_is_a_retryable_fault(server: RunningServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        transport = server.transport(port=taken.getsockname()[1])
        with pytest.raises(RetryableError, match="cannot connect"), open_transport(transport, server.secrets_dir):
            pytest.fail("connected")


def test_a_server_that_never_answers_is_given_up_after_the_timeout(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "ATTEMPTS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport: SftpTransport = server.transport(port=silent.getsockname()[1], timeout_seconds=0.3)
        with pytest.raises(RetryableError), open_transport(transport, server.secrets_dir):
            pytest.fail("connected")


def test_a_root_that_is_not_there_is_a_permanent_fault(server: RunningServer) -> None:
    with opened(server, path="nowhere") as folder, pytest.raises(PermanentError, match="not there"):
        folder.list_files()
