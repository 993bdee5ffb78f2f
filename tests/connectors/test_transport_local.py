"""Laws of fetching from a folder of this machine: those of a remote one, and its links."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.connection import LocalTransport
from connectors.errors import FeedFault, PermanentError
from connectors.transport.base import FileNotTaken, RemoteFile, Transport
from connectors.transport.opening import open_transport
from connectors.transport.staging import part_path
from connectors.transport.walk import Entry, Folder, walk

AT = datetime(2022, 1, 4, 6, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def opened(root: Path) -> Transport:
    return open_transport(LocalTransport(path=root), root.parent)


def put(path: Path, content: bytes, at: datetime = AT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def test_a_fetched_file_equals_the_one_in_the_folder(root: Path, tmp_path: Path) -> None:
    put(root / "2022/a.csv", b"bytes")
    with opened(root) as folder:
        (remote,) = folder.list_files().files
        folder.fetch(remote, tmp_path / "out")
    assert remote == RemoteFile("2022/a.csv", 5, AT)
    assert (tmp_path / "out").read_bytes() == b"bytes"
    assert (root / "2022/a.csv").read_bytes() == b"bytes"
    assert not part_path(tmp_path / "out").exists()


def test_names_that_are_no_deliveries_are_left_out_and_unsafe_ones_refused(root: Path) -> None:
    for name in (
        "a",
        "a.tmp",
        "a.PART",
        "a.filepart",
        "a.partial",
        "a.sha256",
        ".hidden",
        ".folder/a",
        "b\\c",
        "d\x1be",
    ):
        put(root / name, b"1")
    put(root / os.fsdecode(b"\xff"), b"1")
    with opened(root) as folder:
        listing = folder.list_files()
    assert [(file.path, file.has_checksum) for file in listing.files] == [("a", True)]
    assert listing.refused == ["\\xff", "b\\\\c", "d\\x1be"]


def test_a_link_inside_the_root_is_followed_and_one_that_leaves_it_is_refused(root: Path, tmp_path: Path) -> None:
    put(root / "folder/a", b"inside")
    put(tmp_path / "secret", b"outside")
    (root / "link").symlink_to("folder/a")
    (root / "folder_link").symlink_to("folder")
    (root / "way_out").symlink_to(tmp_path / "secret")
    (root / "dangling").symlink_to("nowhere")
    (root / "circle").symlink_to("circle")
    (root / "all").symlink_to(tmp_path)
    with opened(root) as folder:
        listing = folder.list_files()
        folder.fetch(next(file for file in listing.files if file.path == "link"), tmp_path / "out")
        with pytest.raises(FileNotTaken, match="way_out"):
            folder.fetch(RemoteFile("way_out", 7, AT), tmp_path / "stolen")
        with pytest.raises(FileNotTaken):
            folder.fetch(RemoteFile("all/secret", 7, AT), tmp_path / "stolen")
    assert [file.path for file in listing.files] == ["folder/a", "link"]
    assert listing.refused == ["all", "circle", "dangling", "way_out"]
    assert (tmp_path / "out").read_bytes() == b"inside"
    assert not (tmp_path / "stolen").exists()


@pytest.mark.parametrize("path", ["../secret", "/etc/hostname", "", "a/./../b", "a\x00b", "x" * 256, "x/" * 600 + "x"])
def test_an_unsafe_path_is_not_fetched(root: Path, tmp_path: Path, path: str) -> None:
    with opened(root) as folder, pytest.raises(FeedFault, match="unsafe_path"):
        folder.fetch(RemoteFile(path, 1, AT), tmp_path / "out")


def test_a_file_that_changed_or_vanished_since_the_listing_is_not_taken(root: Path, tmp_path: Path) -> None:
    put(root / "a", b"old")
    put(root / "b", b"old")
    put(root / "c", b"old")
    with opened(root) as folder:
        a, b, c = folder.list_files().files
        put(root / "a", b"older and larger")
        put(root / "b", b"new", datetime(2022, 1, 5, tzinfo=UTC))
        (root / "c").unlink()
        for remote in (a, b, c):
            with pytest.raises(FileNotTaken, match=remote.path):
                folder.fetch(remote, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["root"]


def test_a_checksum_beside_the_file_is_proven(root: Path, tmp_path: Path) -> None:
    put(root / "a", b"good")
    put(root / "a.sha256", hashlib.sha256(b"good").hexdigest().upper().encode())
    put(root / "b", b"bad")
    put(root / "b.sha256", hashlib.sha256(b"good").hexdigest().encode())
    with opened(root) as folder:
        a, b = folder.list_files().files
        folder.fetch(a, tmp_path / "a_out")
        with pytest.raises(FileNotTaken, match="checksum"):
            folder.fetch(b, tmp_path / "b_out")
    assert (tmp_path / "a_out").read_bytes() == b"good"
    assert not (tmp_path / "b_out").exists()


def test_a_folder_that_is_not_there_is_a_permanent_fault(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="no folder"), opened(tmp_path / "nowhere"):
        pytest.fail("opened")


def test_a_listing_beyond_its_bound_is_refused_whole(root: Path) -> None:
    entries = [Entry(f"{i}", "file", 1, AT) for i in range(11)]
    folder = Folder(lambda at: entries, lambda path: None)
    assert len(walk(folder, max_files=11).files) == 11
    with pytest.raises(PermanentError, match="more than 10 files"):
        walk(folder, max_files=10)


def test_a_folder_without_bottom_is_refused_where_it_gets_too_deep() -> None:
    folder = Folder(lambda at: [Entry("deeper", "folder", 0, AT), Entry("a", "file", 1, AT)], lambda path: None)
    listing = walk(folder, max_depth=2)
    assert [file.path for file in listing.files] == ["a", "deeper/a", "deeper/deeper/a"]
    assert listing.refused == ["deeper/deeper/deeper"]


def test_a_locked_folder_is_refused_and_its_neighbours_go_on() -> None:
    def read(at: str) -> list[Entry]:
        if at == "locked":
            raise PermissionError
        if at == "vanished":
            raise FileNotFoundError
        return [Entry("a", "file", 1, AT), Entry("locked", "folder", 0, AT), Entry("vanished", "folder", 0, AT)]

    listing = walk(Folder(read, lambda path: None))
    assert [file.path for file in listing.files] == ["a"]
    assert listing.refused == ["locked"]


def test_a_name_that_a_server_makes_up_cannot_climb() -> None:
    names = [".", "..", "../../etc/passwd", "/etc/passwd", "a/b", ""]
    listing = walk(Folder(lambda at: [Entry(name, "file", 1, AT) for name in names], lambda path: None))
    assert listing.files == []
    assert listing.refused == ["", "..", "../../etc/passwd", "/etc/passwd", "a/b"]
