"""Laws of opening archives. The archives are made by the standard library, or broken by hand."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.archive import RATIO_FREE_BYTES, Expanded, expand, stem_of
from connectors.errors import FeedFault

MIB = 1024**2


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "delivered"
    path.write_bytes(content)
    return path


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            member = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            member.compress_type = compression
            archive.writestr(member, content)
    return buffer.getvalue()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def fault_of(tmp_path: Path, out: Path, content: bytes, name: str = "a.zip", max_bytes: int = 64 * MIB) -> FeedFault:
    with pytest.raises(FeedFault) as caught:
        expand(written(tmp_path, content), name, out, max_bytes)
    assert list(out.iterdir()) == []
    return caught.value


@pytest.mark.parametrize("content", [b"", b"P", b"DT|1", b"\x1f", b"PK not an archive"])
def test_a_plain_file_passes_through_without_a_copy(tmp_path: Path, out: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    assert expand(path, "2022/CRS20220103.TRN", out, MIB) == Expanded(path, "CRS20220103.TRN", is_archive=False)
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_one_member_of_a_zip_is_expanded_under_its_own_name(tmp_path: Path, out: Path, compression: int) -> None:
    path = written(tmp_path, zipped(("eurofxref-hist.csv", b"Date,USD"), compression=compression))
    expanded = expand(path, "daily/eurofxref-hist.zip", out, MIB)
    assert expanded == Expanded(out / "eurofxref-hist.csv", "eurofxref-hist.csv", is_archive=True)
    assert expanded.path.read_bytes() == b"Date,USD"


def test_a_member_in_a_folder_is_expanded_under_its_base_name(tmp_path: Path, out: Path) -> None:
    expanded = expand(written(tmp_path, zipped(("daily/a.csv", b"1"))), "a.zip", out, MIB)
    assert expanded.path == out / "a.csv"


def test_a_gzip_stream_is_expanded_under_its_name_without_the_ending(tmp_path: Path, out: Path) -> None:
    path = written(tmp_path, gzipped(b"first ") + gzipped(b"second"))
    expanded = expand(path, "prices_20220103.csv.GZ", out, MIB)
    assert expanded == Expanded(out / "prices_20220103.csv", "prices_20220103.csv", is_archive=True)
    assert expanded.path.read_bytes() == b"first second"


@pytest.mark.parametrize("content", [gzipped(b"text"), zipped(("a.TRN", b"text"))])
def test_an_archive_is_known_by_its_bytes_whatever_it_is_called(tmp_path: Path, out: Path, content: bytes) -> None:
    expanded = expand(written(tmp_path, content), "a.TRN", out, MIB)
    assert (expanded.name, expanded.path.read_bytes()) == ("a.TRN", b"text")


@pytest.mark.parametrize("name", ["a.zip", "a.gz", "A.ZIP"])
def test_a_plain_file_that_is_called_an_archive_stays_plain(tmp_path: Path, out: Path, name: str) -> None:
    assert not expand(written(tmp_path, b"text"), name, out, MIB).is_archive


@pytest.mark.parametrize(
    "content", [zipped(("a", bytes(RATIO_FREE_BYTES + MIB))), gzipped(bytes(RATIO_FREE_BYTES + MIB))]
)
def test_a_bomb_is_not_expanded(tmp_path: Path, out: Path, content: bytes) -> None:
    assert fault_of(tmp_path, out, content).reason == "archive_bomb"


@pytest.mark.parametrize("content", [zipped(("a", bytes(2 * MIB))), gzipped(bytes(2 * MIB))])
def test_what_expands_beyond_the_bound_of_the_connection_is_a_bomb(tmp_path: Path, out: Path, content: bytes) -> None:
    assert fault_of(tmp_path, out, content, max_bytes=MIB).reason == "archive_bomb"
    assert expand(written(tmp_path, content), "b.zip", out, 2 * MIB).path.stat().st_size == 2 * MIB


def test_a_zip_that_understates_its_size_is_not_believed(tmp_path: Path, out: Path) -> None:
    content = bytearray(zipped(("a", bytes(2 * MIB))))
    for at in (content.rfind(b"PK\x01\x02") + 24, 22):
        content[at : at + 4] = struct.pack("<I", 10)
    assert fault_of(tmp_path, out, bytes(content)).reason == "malformed_document"


def test_a_plain_file_beyond_the_bound_is_too_large(tmp_path: Path, out: Path) -> None:
    assert fault_of(tmp_path, out, b"12345", max_bytes=4).reason == "too_large"


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../b", "..\\evil", "C:\\evil", "a\nb", "a\x00b", "x" * 256]
)
def test_a_member_that_could_leave_its_folder_is_refused(tmp_path: Path, out: Path, name: str) -> None:
    # zipfile makes member names safe when it writes them, so the name is put in afterwards, at equal length.
    placeholder = "n" * len(name)
    content = zipped((placeholder, b"1")).replace(placeholder.encode(), name.encode())
    assert fault_of(tmp_path, out, content).reason == "unsafe_path"


@pytest.mark.parametrize("name", ["..", "a\\b.zip", "a\x07.zip", "x" * 256])
def test_a_delivered_name_that_is_unsafe_is_refused(tmp_path: Path, out: Path, name: str) -> None:
    assert fault_of(tmp_path, out, b"1", name=name).reason == "unsafe_path"


def test_a_member_that_is_a_link_is_refused(tmp_path: Path, out: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert fault_of(tmp_path, out, zipped((link, b"/etc/passwd"))).reason == "unsafe_path"


def test_an_encrypted_member_is_refused(tmp_path: Path, out: Path) -> None:
    content = bytearray(zipped(("a", b"secret")))
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    fault = fault_of(tmp_path, out, bytes(content))
    assert fault.reason == "malformed_document"
    assert "encrypted" in fault.detail


@pytest.mark.parametrize(
    "content",
    [zipped(), zipped(("a", b"1"), ("b", b"2")), zipped(("folder/", b"")), zipped(("f/", b""), ("f/a", b"1"))],
)
def test_a_zip_that_is_not_of_exactly_one_file_is_refused(tmp_path: Path, out: Path, content: bytes) -> None:
    assert fault_of(tmp_path, out, content).reason == "malformed_document"


def test_a_zip_that_hides_many_members_behind_a_count_of_one_is_refused(tmp_path: Path, out: Path) -> None:
    content = bytearray(zipped(*((f"{i:04}", b"") for i in range(5000))))
    end = content.rfind(b"PK\x05\x06")
    content[end + 8 : end + 12] = struct.pack("<HH", 1, 1)
    assert fault_of(tmp_path, out, bytes(content)).reason == "malformed_document"


@pytest.mark.parametrize("inner", [zipped(("a", b"1")), gzipped(b"1")])
def test_an_archive_in_an_archive_is_refused(tmp_path: Path, out: Path, inner: bytes) -> None:
    for content in (zipped(("inner", inner)), gzipped(inner)):
        fault = fault_of(tmp_path, out, content)
        assert (fault.reason, fault.detail) == ("malformed_document", "the archive holds another archive")


@pytest.mark.parametrize("whole", [zipped(("a", bytes(range(256)) * 40)), gzipped(bytes(range(256)) * 40)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_an_archive_that_is_cut_short_is_refused(tmp_path: Path, out: Path, whole: bytes, share: float) -> None:
    assert fault_of(tmp_path, out, whole[: int(len(whole) * share)]).reason == "malformed_document"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    whole=st.sampled_from(
        [
            gzipped(b"1,2,3\n" * 40),
            zipped(("a.csv", b"1,2,3\n" * 40)),
            zipped(("a.csv", b"1,2,3\n" * 40), compression=zipfile.ZIP_BZIP2),
            zipped(("a.csv", b"1,2,3\n" * 40), compression=zipfile.ZIP_LZMA),
        ]
    ),
    place=st.integers(0, 10_000),
    value=st.integers(0, 255),
)
def test_a_damaged_archive_gives_its_bytes_or_a_named_fault(
    tmp_path: Path, out: Path, whole: bytes, place: int, value: int
) -> None:
    damaged = bytearray(whole)
    damaged[place % len(whole)] = value
    path = written(tmp_path, bytes(damaged))
    try:
        expanded = expand(path, "a.csv", out, MIB)
    except FeedFault as caught:
        reason = caught.reason
    else:
        reason = "none"
        assert expanded.path.read_bytes() == (b"1,2,3\n" * 40 if expanded.is_archive else bytes(damaged))
    assert reason in ("none", "malformed_document", "unsafe_path", "archive_bomb")


@pytest.mark.parametrize(
    ("name", "stem"), [("a.csv", "a.csv"), ("a.csv.gz", "a.csv"), ("a.ZIP", "a"), (".gz", ".gz"), ("a.gz.zip", "a.gz")]
)
def test_the_stem_of_a_name_is_without_one_archive_ending(name: str, stem: str) -> None:
    assert stem_of(name) == stem
