"""Laws of the raw store and of locks: bytes are kept once, unchanged, under the hash of their content."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from contracts.tables.landing import FILE_ARRIVAL
from warehouse.lake.locks import file_lock
from warehouse.lake.raw import CorruptFileError, RawStore, StoredFile, colliding_sha256, source_file_id

PLACE = Path(__file__).resolve().parents[3]


@pytest.fixture(params=["folder", "url"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RawStore:
    """A local folder, and the same folder by URL, which takes the way of an object store."""
    root = str(tmp_path / "lake")
    return RawStore(root if request.param == "folder" else f"file://{root}", cache=tmp_path / "cache")


@pytest.fixture
def put(store: RawStore, tmp_path: Path) -> Callable[..., StoredFile]:
    def put(content: bytes, tenant: str = "alder", name: str = "feed.txt") -> StoredFile:
        path = tmp_path / name
        path.write_bytes(content)
        return store.put(tenant, path)

    return put


def stored_path(tmp_path: Path, stored: StoredFile, tenant: str = "alder") -> Path:
    return tmp_path / "lake" / tenant / "raw" / stored.sha256[:2] / stored.sha256


def test_the_id_of_abc_is_the_first_63_bits_of_its_published_hash() -> None:
    # FIPS 180-4 example: SHA-256("abc") starts ba7816bf 8f01cfea.
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert source_file_id(digest) == 0xBA7816BF8F01CFEA >> 1 == 0x5D3C0B5FC780E7F5
    with pytest.raises(ValueError, match="64 lower-case"):
        source_file_id("BA7816")


def test_bytes_come_back_under_their_hash(store: RawStore, put: Callable[..., StoredFile], tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    stored = put(content)
    assert stored == StoredFile(hashlib.sha256(content).hexdigest(), 3_000_000, source_file_id(stored.sha256))
    with store.open("alder", stored.sha256) as file:
        assert file.read() == content
    assert store.local_path("alder", stored.sha256).read_bytes() == content
    assert stored_path(tmp_path, stored).read_bytes() == content
    assert store.verify("alder", stored.sha256)
    assert store.contains("alder", stored.sha256)


def test_the_same_bytes_again_under_another_name_add_nothing(put: Callable[..., StoredFile], tmp_path: Path) -> None:
    first = put(b"same")
    before = stored_path(tmp_path, first).stat()
    assert put(b"same", name="other.txt") == first
    after = stored_path(tmp_path, first).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len([p for p in (tmp_path / "lake").rglob("*") if p.is_file()]) == 1


def test_a_file_that_is_taken_is_kept_whole_and_gone_from_where_it_was(store: RawStore, tmp_path: Path) -> None:
    path, content = tmp_path / "arrived", os.urandom(3_000_000)
    path.write_bytes(content)
    stored = store.take("alder", path)
    assert stored == StoredFile(hashlib.sha256(content).hexdigest(), 3_000_000, source_file_id(stored.sha256))
    assert not path.exists()
    assert store.verify("alder", stored.sha256)
    path.write_bytes(content)
    assert store.take("alder", path) == stored
    assert not path.exists()
    assert [p.name for p in (tmp_path / "lake" / "alder" / "raw").rglob("*") if p.is_file()] == [stored.sha256]


def test_a_taken_file_is_read_only(tmp_path: Path) -> None:
    (tmp_path / "arrived").write_bytes(b"abc")
    stored = RawStore(str(tmp_path / "lake")).take("alder", tmp_path / "arrived")
    assert stat.S_IMODE(stored_path(tmp_path, stored).stat().st_mode) == 0o444


def test_an_empty_file_is_a_file(store: RawStore, put: Callable[..., StoredFile]) -> None:
    stored = put(b"")
    assert stored.size_bytes == 0
    assert store.verify("alder", stored.sha256)


def test_a_tenant_sees_its_own_files_alone(store: RawStore, put: Callable[..., StoredFile]) -> None:
    stored = put(b"of alder")
    assert not store.contains("birch", stored.sha256)
    with pytest.raises(FileNotFoundError):
        store.open("birch", stored.sha256)
    with pytest.raises(FileNotFoundError):
        store.local_path("birch", stored.sha256)


def test_a_stored_file_is_read_only(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    stored = RawStore(str(tmp_path / "lake")).put("alder", tmp_path / "f")
    assert stat.S_IMODE(stored_path(tmp_path, stored).stat().st_mode) == 0o444


def test_changed_bytes_are_found_out(store: RawStore, put: Callable[..., StoredFile], tmp_path: Path) -> None:
    stored = put(b"honest")
    path = stored_path(tmp_path, stored)
    path.chmod(0o644)
    path.write_bytes(b"forged")
    assert not store.verify("alder", stored.sha256)
    path.write_bytes(b"cut")
    with pytest.raises(CorruptFileError):
        put(b"honest")


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64])
def test_what_is_no_hash_never_becomes_a_path(store: RawStore, name: str) -> None:
    with pytest.raises(ValueError, match="64 lower-case"):
        store.open("alder", name)


def test_two_contents_of_one_id_are_told_apart() -> None:
    stored = StoredFile("a" * 64, 1, source_file_id("a" * 64))
    other = "a" * 63 + "b"
    arrivals = pl.DataFrame(
        {"source_file_id": [stored.source_file_id, 5], "sha256": ["a" * 64, "c" * 64]},
        schema={name: FILE_ARRIVAL.polars_schema[name] for name in ("source_file_id", "sha256")},
    )
    assert colliding_sha256(arrivals, stored) is None
    more = arrivals.with_columns(sha256=pl.Series([other, "c" * 64]))
    assert colliding_sha256(more, stored) == other


def test_a_put_killed_in_the_middle_leaves_no_file_under_a_final_name(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        from pathlib import Path
        from warehouse.lake.raw import RawStore
        real = os.fsync
        os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
        RawStore(sys.argv[1]).put("alder", Path(sys.argv[2]))
    """
    (tmp_path / "f").write_bytes(b"z" * 100_000)
    root = str(tmp_path / "lake")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), root, str(tmp_path / "f")],
        cwd=PLACE,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=60,
    )
    assert run.returncode == -9
    assert list((tmp_path / "lake/alder/raw").glob("[0-9a-f][0-9a-f]/*")) == []
    store = RawStore(root)
    assert store.verify("alder", store.put("alder", tmp_path / "f").sha256)


def test_threads_take_turns_under_a_lock(tmp_path: Path) -> None:
    lock, counter = file_lock(tmp_path), [0]

    def add() -> None:
        for _ in range(50):
            with lock("count"):
                seen = counter[0]
                threading.Event().wait(0.0001)
                counter[0] = seen + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter == [200]


def test_a_lock_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        from warehouse.lake.locks import file_lock
        with file_lock(sys.argv[1])("keys"):
            os.kill(os.getpid(), signal.SIGKILL)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        cwd=PLACE,
        env={**os.environ, "PYTHONPATH": str(PLACE)},
        timeout=60,
    )
    assert run.returncode == -9
    with file_lock(tmp_path)("keys"):
        pass


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden"])
def test_what_is_no_file_name_is_no_lock_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a lock name"), file_lock(tmp_path)(name):
        pass
