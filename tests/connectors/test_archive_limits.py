"""Archives at the limits: names as long as names can be, members without one, two gigabytes out of two megabytes."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import pytest

from connectors import archive
from connectors.archive import MAX_RATIO, RATIO_FREE_BYTES, expand
from connectors.errors import FeedFault

MIB = 1024**2
GIB = 1024**3


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def delivered(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "delivered"
    path.write_bytes(content)
    return path


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def zip_of_zeros(mebibytes: int, checksum: int = 0) -> bytes:
    """A zip of zeros that states its size. Its deflate stream is put together from equal blocks, so it is soon made."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = block * mebibytes + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    name = b"CRS20220103.TRN"
    fields = (20, 0, 8, 0, 0x21, checksum, len(packed), mebibytes * MIB, len(name))
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", *fields, 0) + name
    central = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, *fields, 0, 0, 0, 0, 0, 0) + name
    start = len(local) + len(packed)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central), start, 0)
    return local + packed + central + end


@pytest.mark.parametrize("name", [".", "a/..", "..part", "b.part"])
def test_a_member_stays_in_its_folder_whatever_it_is_called(tmp_path: Path, out: Path, name: str) -> None:
    before = {path.name for path in tmp_path.iterdir()} | {"delivered"}
    if PurePosixPath(name).suffix == ".part" and name != "..part":
        expanded = expand(delivered(tmp_path, zipped(name, b"content")), "a.zip", out, MIB)
        assert (expanded.path.parent, expanded.path.read_bytes()) == (out, b"content")
    else:
        with pytest.raises(FeedFault, match="unsafe_path"):
            expand(delivered(tmp_path, zipped(name, b"content")), "a.zip", out, MIB)
        assert list(out.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "資" * 85])
def test_a_member_may_have_the_longest_name_that_there_is(tmp_path: Path, out: Path, name: str) -> None:
    assert expand(delivered(tmp_path, zipped(name, b"x")), "a.zip", out, MIB).path.read_bytes() == b"x"


def test_a_zip_that_states_two_gigabytes_is_refused_before_a_byte_is_written(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zip_of_zeros(2048)
    assert len(bomb) < 4 * MIB

    def no_chunks(*_: object) -> None:
        raise AssertionError("the bomb was opened")

    monkeypatch.setattr(archive, "_zip_chunks", no_chunks)
    with pytest.raises(FeedFault, match="archive_bomb"):
        expand(delivered(tmp_path, bomb), "a.zip", out, 8 * GIB)
    assert list(out.iterdir()) == []


def test_the_zip_of_zeros_is_a_sound_archive(tmp_path: Path, out: Path) -> None:
    path = delivered(tmp_path, zip_of_zeros(3, zlib.crc32(bytes(3 * MIB))))
    assert expand(path, "a.zip", out, 8 * GIB).path.read_bytes() == bytes(3 * MIB)


def test_a_gzip_bomb_writes_no_more_than_the_bound(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(bytes(16 * MIB), mtime=0) * 128
    written = 0
    seen = archive._gzip_chunks

    def counted(path: Path) -> object:
        nonlocal written
        for chunk in seen(path):
            written += len(chunk)
            yield chunk

    monkeypatch.setattr(archive, "_gzip_chunks", counted)
    monkeypatch.setattr(archive, "MAX_RATIO", 20)
    with pytest.raises(FeedFault, match="archive_bomb"):
        expand(delivered(tmp_path, bomb), "a.gz", out, 8 * GIB)
    assert written <= max(RATIO_FREE_BYTES, 20 * len(bomb)) + MIB
    assert MAX_RATIO * len(bomb) < 2 * GIB
    assert list(out.iterdir()) == []
