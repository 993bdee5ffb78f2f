"""Laws of fetching from a bucket, against a server of another make."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from connectors.errors import FeedFault, PermanentError, RetryableError
from connectors.transport import s3
from connectors.transport.base import FileNotTaken, RemoteFile, Transport
from connectors.transport.opening import open_transport
from connectors.transport.staging import note_path, part_path
from tests.s3_fixture import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server, running_s3

LARGE_BYTES = 3_000_000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def server(running: S3Server) -> S3Server:
    running.reset()
    return running


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_WAIT_SECONDS", 0.01)


def opened(server: S3Server, **changes: object) -> Transport:
    return open_transport(server.transport(**changes), server.secrets_dir)


def noise(size_bytes: int) -> bytes:
    return hashlib.shake_128(b"noise").digest(size_bytes)


def only(folder: Transport) -> RemoteFile:
    (remote,) = folder.list_files().files
    return remote


def shown(error: BaseException) -> str:
    """All that an error would show, with those that it came from."""
    return f"{error} {error.args} {error.__cause__ and shown(error.__cause__)}"


@pytest.mark.parametrize("size_bytes", [0, 1, LARGE_BYTES])
def test_a_fetched_file_equals_the_object(server: S3Server, tmp_path: Path, size_bytes: int) -> None:
    server.put("2022/CRS20220103.TRN", noise(size_bytes))
    with opened(server) as folder:
        remote = only(folder)
        folder.fetch(remote, tmp_path / "out")
    assert (remote.path, remote.size_bytes, remote.modified_at.microsecond) == ("2022/CRS20220103.TRN", size_bytes, 0)
    assert (tmp_path / "out").read_bytes() == noise(size_bytes)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_connection_sees_only_what_is_below_its_prefix(server: S3Server) -> None:
    server.put("alder/a", b"mine")
    server.put("alder-old/b", b"another's")
    server.put("birch/c", b"another's")
    for prefix in ("alder", "alder/", "/alder"):
        with opened(server, prefix=prefix) as folder:
            assert only(folder).path == "a"


def test_an_empty_prefix_is_an_empty_folder(server: S3Server) -> None:
    with opened(server, prefix="nothing/here") as folder:
        assert folder.list_files().files == []


def test_a_listing_of_more_objects_than_a_page_holds_is_whole(server: S3Server) -> None:
    names = {f"{i:04}.csv" for i in range(1203)}
    server.put_many(f"day/{name}" for name in names)
    with opened(server) as folder:
        listing = folder.list_files()
    assert {file.path for file in listing.files} == {f"day/{name}" for name in names}
    assert len(listing.files) == len(names)
    assert sum("continuation-token" in request for request in server.switches.requests) == 1


def test_a_page_that_is_lost_is_asked_for_again(server: S3Server) -> None:
    server.put("a", b"1")
    server.switches.refuse = [(503, "SlowDown"), (500, "InternalError"), (429, "TooManyRequests")]
    with opened(server) as folder:
        assert only(folder).path == "a"


def test_hidden_and_half_written_names_and_checksums_are_not_listed(server: S3Server) -> None:
    for name in (".hidden", ".git/config", "a.tmp", "a.part", "a.FilePart", "a.sha256", "a.md5", "empty/", "a"):
        server.put(name, b"" if name.endswith("/") else b"1")
    with opened(server) as folder:
        listing = folder.list_files()
    assert ([file.path for file in listing.files], listing.refused) == (["a"], [])


def test_an_unsafe_key_is_refused_and_its_neighbours_go_on(server: S3Server) -> None:
    for key in ("good.csv", "..\\evil.TRN", "bell\x07.csv", "up..and..away.csv", "a/../../b", "c//d", "e/\x7f"):
        server.put(key, b"1")
    with opened(server) as folder:
        listing = folder.list_files()
    assert [file.path for file in listing.files] == ["good.csv"]
    assert listing.refused == ["..\\\\evil.TRN", "a/..", "bell\\x07.csv", "c/", "e/\\x7f", "up..and..away.csv"]


@pytest.mark.parametrize("path", ["../a", "/a", "a/../../b", "a\\b", "a//b"])
def test_a_path_that_could_leave_the_prefix_is_not_fetched(server: S3Server, tmp_path: Path, path: str) -> None:
    with opened(server) as folder, pytest.raises(FeedFault, match="unsafe_path"):
        folder.fetch(RemoteFile(path, 1, datetime(2022, 1, 3, tzinfo=UTC)), tmp_path / "out")


def test_a_cut_answer_is_taken_up_where_it_ended(server: S3Server, tmp_path: Path) -> None:
    server.put("a", noise(LARGE_BYTES))
    server.switches.cut_after_bytes = [2_200_000]
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == noise(LARGE_BYTES)
    assert server.switches.bytes_given < 1.5 * LARGE_BYTES


def test_a_later_process_goes_on_where_an_earlier_one_stopped(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    server.put("a", noise(LARGE_BYTES))
    server.switches.cut_after_bytes = [2_200_000, 0]
    with opened(server) as folder, pytest.raises(RetryableError):
        folder.fetch(only(folder), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    kept = part_path(tmp_path / "out").stat().st_size
    assert 0 < kept <= 2_200_000
    before = server.switches.bytes_given
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == noise(LARGE_BYTES)
    assert server.switches.bytes_given - before < LARGE_BYTES - kept + 10_000


def test_a_part_of_an_older_version_is_not_mixed_with_a_new_one(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    server.put("a", b"x" * LARGE_BYTES)
    server.switches.cut_after_bytes = [2_200_000, 0]
    with opened(server) as folder, pytest.raises(RetryableError):
        folder.fetch(only(folder), tmp_path / "out")
    server.put("a", b"y" * LARGE_BYTES)  # of the same size, within the same second
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"y" * LARGE_BYTES


def test_an_object_that_is_replaced_between_two_answers_is_left_for_the_next_visit(
    server: S3Server, tmp_path: Path
) -> None:
    server.put("a", b"x" * LARGE_BYTES)
    server.switches.cut_after_bytes = [2_200_000]
    with opened(server) as folder:
        remote = only(folder)
        replaced = partial(server.put, "a", b"y" * LARGE_BYTES)
        server.switches.before_get = lambda: setattr(server.switches, "before_get", replaced)
        with pytest.raises(FileNotTaken, match="replaced by another version"):
            folder.fetch(remote, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_gone_is_left_alone(server: S3Server, tmp_path: Path) -> None:
    server.put("a", b"1")
    with opened(server) as folder:
        remote = only(folder)
        server.client.delete_object(Bucket=BUCKET, Key="a")
        with pytest.raises(FileNotTaken, match="not there any more"):
            folder.fetch(remote, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_ignores_ranges_never_puts_bytes_in_the_wrong_place(server: S3Server, tmp_path: Path) -> None:
    server.put("a", noise(LARGE_BYTES))
    server.switches.cut_after_bytes = [2_200_000]
    server.switches.is_deaf_to_ranges = True
    with opened(server) as folder, pytest.raises(FileNotTaken, match="parts"):
        folder.fetch(only(folder), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_bytes_must_match_the_checksum_beside_them(server: S3Server, tmp_path: Path) -> None:
    server.put("good", b"abc")
    server.put("good.sha256", f"{hashlib.sha256(b'abc').hexdigest()}  good\n".encode())
    server.put("wrong", b"abd")
    server.put("wrong.sha256", f"{hashlib.sha256(b'abc').hexdigest()}  wrong\n".encode())
    with opened(server) as folder:
        good, wrong = sorted(folder.list_files().files, key=lambda file: file.path)
        folder.fetch(good, tmp_path / "good")
        with pytest.raises(FileNotTaken, match="checksum"):
            folder.fetch(wrong, tmp_path / "wrong")
    assert [p.name for p in tmp_path.iterdir()] == ["good"]


def test_a_missing_bucket_stops_the_connection_at_once(server: S3Server) -> None:
    with opened(server, bucket="nobodys") as folder, pytest.raises(PermanentError, match="no such bucket"):
        folder.list_files()
    assert len(server.switches.requests) == 1


def test_a_wrong_key_stops_the_connection_at_once_and_is_not_shown(server: S3Server) -> None:
    server.demand_keys(["s3:*"])
    with opened(server) as folder, pytest.raises(PermanentError, match="refused the credential") as caught:
        folder.list_files()
    assert len(server.switches.requests) == 1
    assert ACCESS_KEY not in shown(caught.value)
    assert SECRET_KEY not in shown(caught.value)


def test_the_keys_that_the_references_name_are_those_that_sign(server: S3Server) -> None:
    server.put("a", b"1")
    access, secret = server.demand_keys(["s3:ListBucket", "s3:GetObject"])
    server.secret("other_access", access)
    server.secret("other_secret", secret)
    with opened(server, access_key_ref="file:other_access", secret_key_ref="file:other_secret") as folder:
        assert only(folder).path == "a"


def test_an_anonymous_connection_signs_nothing(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    server.client.put_bucket_acl(Bucket=BUCKET, ACL="public-read")
    server.put("a", b"1")
    changes = {"credentials": "anonymous", "access_key_ref": None, "secret_key_ref": None}
    with opened(server, **changes) as folder:
        assert only(folder).path == "a"


def test_a_machine_without_a_role_is_told_so(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    changes = {"credentials": "role", "access_key_ref": None, "secret_key_ref": None}
    with opened(server, **changes) as folder, pytest.raises(PermanentError, match="no role"):
        folder.list_files()


@pytest.mark.parametrize(
    ("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (429, "Throttling"), (400, "RequestTimeout")]
)
def test_a_server_that_is_busy_for_long_is_a_fault_that_may_pass(server: S3Server, status: int, code: str) -> None:
    server.switches.refuse = [(status, code)] * 20
    with opened(server) as folder, pytest.raises(RetryableError, match=code) as caught:
        folder.list_files()
    assert SECRET_KEY not in shown(caught.value)
    assert len(server.switches.requests) == s3.ATTEMPTS


@pytest.mark.parametrize(("status", "code"), [(403, "SignatureDoesNotMatch"), (400, "Bad")])
def test_a_refusal_is_not_tried_again(server: S3Server, status: int, code: str) -> None:
    server.switches.refuse = [(status, code)] * 20
    with opened(server) as folder, pytest.raises(PermanentError) as caught:
        folder.list_files()
    assert SECRET_KEY not in shown(caught.value)
    assert len(server.switches.requests) == 1


def test_a_server_that_sends_every_request_elsewhere_is_left(server: S3Server) -> None:
    server.switches.refuse = [(301, "PermanentRedirect")] * 1000
    with opened(server) as folder, pytest.raises(PermanentError, match="region"):
        folder.list_files()


def test_a_server_that_cannot_be_reached_is_a_fault_that_may_pass(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 2)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with opened(server, endpoint_url=f"http://127.0.0.1:{port}") as folder, pytest.raises(RetryableError):
        folder.list_files()


def test_a_silent_server_is_given_up_after_the_time_set(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with opened(server, endpoint_url=url, timeout_seconds=0.2) as folder, pytest.raises(RetryableError):
            folder.list_files()


def test_a_small_object_leaves_no_note_of_a_part(server: S3Server, tmp_path: Path) -> None:
    server.put("a", b"1")
    with opened(server) as folder:
        folder.fetch(only(folder), tmp_path / "out")
    assert not note_path(tmp_path / "out").exists()
