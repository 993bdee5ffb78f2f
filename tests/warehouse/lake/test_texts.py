"""Laws of kept texts: every line through the index is the line of the text, and an index is never ahead of its text."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.lake import lines, texts
from warehouse.lake.lines import MAX_LINE_BYTES, stored_lines
from warehouse.lake.raw import RawStore
from warehouse.lake.texts import LINES, TEXT, copy_text, keep_text, line_index

REPOSITORY = Path(__file__).resolve().parents[3]


def kept(
    root: Path, content: bytes, *, is_decoded: bool = True, received: bytes = b"as received"
) -> tuple[RawStore, str]:
    """A store that holds ``received``, of which ``content`` is the text."""
    store = RawStore(str(root / "lake"))
    (root / "received").write_bytes(received if is_decoded else content)
    (root / "content").write_bytes(content)
    sha256 = store.put("alder", root / "received").sha256
    keep_text(store, "alder", sha256, root / "content", is_decoded=is_decoded)
    return store, sha256


def naive(content: bytes) -> dict[int, str]:
    """Number to text of every line that holds something or is ended."""
    found = content.split(b"\n")
    last = len(found) if found[-1] else len(found) - 1
    return {n: line[:MAX_LINE_BYTES].rstrip(b"\r").decode("latin-1") for n, line in enumerate(found[:last], 1)}


@given(
    content=st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"bc", b"def" * 5, b"\n\n\n"]), max_size=120).map(b"".join),
    block=st.integers(1, 40),
    is_decoded=st.booleans(),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_a_line_through_the_index_is_the_line_of_the_text(
    content: bytes, block: int, is_decoded: bool, data: st.DataObject
) -> None:
    expected = naive(content)
    numbers = data.draw(st.sets(st.integers(-1, len(expected) + 2), max_size=8))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "BLOCK_BYTES", block)
        patch.setattr(texts, "LARGE_BYTES", 0)
        store, sha256 = kept(Path(folder), content, is_decoded=is_decoded)
        index = line_index(store, "alder", sha256)
        assert index is not None
        assert index.has_own_text == is_decoded
        wanted = {n: text for n, text in expected.items() if n in numbers}
        assert stored_lines(store, "alder", sha256, numbers) == wanted
        if is_decoded:
            assert copy_text(store, "alder", sha256, Path(folder) / "copy")
            assert (Path(folder) / "copy").read_bytes() == content


def test_a_line_is_reached_without_reading_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"".join(b"%07d %s\n" % (n, b"x" * 92) for n in range(1, 200_001))
    store, sha256 = kept(tmp_path, content)
    spent = 0
    read = lines._found

    def counted(stream, wanted, first=1):  # type: ignore[no-untyped-def]
        nonlocal spent

        class Counting:
            def read(self, size: int) -> bytes:
                nonlocal spent
                chunk = stream.read(min(size, texts.BLOCK_BYTES))
                spent += len(chunk)
                return chunk  # type: ignore[no-any-return]

        return read(Counting(), wanted, first)

    monkeypatch.setattr(lines, "_found", counted)
    assert stored_lines(store, "alder", sha256, [199_000])[199_000].startswith("0199000 x")
    assert spent <= 2 * texts.BLOCK_BYTES


def test_the_kept_text_is_plain_gzip(tmp_path: Path) -> None:
    content = os.urandom(700_000)
    store, sha256 = kept(tmp_path, content)
    with store.open_beside("alder", sha256, TEXT) as stream:
        assert gzip.decompress(stream.read()) == content


def test_keeping_twice_writes_once_and_a_lost_half_is_written_again(tmp_path: Path) -> None:
    store, sha256 = kept(tmp_path, b"one\ntwo\n")
    content = tmp_path / "content"
    assert not keep_text(store, "alder", sha256, content, is_decoded=True)
    for suffix in (TEXT, LINES):
        place = tmp_path / "lake" / "alder" / "raw" / sha256[:2] / (sha256 + suffix)
        place.unlink()
        assert keep_text(store, "alder", sha256, content, is_decoded=True)
        assert stored_lines(store, "alder", sha256, [2]) == {2: "two"}


def test_a_small_plain_file_needs_no_index_and_a_large_one_has_one_into_itself(tmp_path: Path) -> None:
    store, sha256 = kept(tmp_path, b"one\ntwo\n", is_decoded=False)
    assert not store.has_beside("alder", sha256, LINES)
    assert stored_lines(store, "alder", sha256, [2]) == {2: "two"}
    large = b"line\n" * (texts.LARGE_BYTES // 5 + 1)
    (tmp_path / "large").mkdir()
    store, sha256 = kept(tmp_path / "large", large, is_decoded=False)
    assert store.has_beside("alder", sha256, LINES)
    assert not store.has_beside("alder", sha256, TEXT)
    assert stored_lines(store, "alder", sha256, [len(large) // 5]) == {len(large) // 5: "line"}


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
def test_a_text_of_two_bytes_a_character_is_shown_as_it_reads(tmp_path: Path, codec: str) -> None:
    content = ("\ufeff" if codec != "utf-16" else "").encode(codec) + "erste\nzwölf €\nĊ\n".encode(codec)
    store, sha256 = kept(tmp_path, content, is_decoded=False)
    # The last letter holds the byte of a line feed.
    assert stored_lines(store, "alder", sha256, [2, 3, 4]) == {2: "zwölf €", 3: "Ċ"}


def test_a_damaged_index_is_not_believed(tmp_path: Path) -> None:
    plain = b"one\ntwo\n"
    store, sha256 = kept(tmp_path, plain, received=gzip.compress(plain))
    for damage in (b"", b"WNLINES1", b"x" * 40):
        (tmp_path / "damage").write_bytes(damage)
        store.put_beside("alder", sha256, LINES, tmp_path / "damage")
        assert stored_lines(store, "alder", sha256, [2]) == {2: "two"}


def test_an_openpgp_message_without_a_kept_text_has_no_line(tmp_path: Path) -> None:
    samples = REPOSITORY / "tests" / "connectors" / "pgp"
    store = RawStore(str(tmp_path / "lake"))
    for name in ("gnupg_signed.pgp", "gnupg_signed.asc"):
        sha256 = store.put("alder", samples / name).sha256
        with pytest.raises(ValueError, match="OpenPGP"):
            stored_lines(store, "alder", sha256, [1])


def test_nothing_is_kept_beside_a_file_that_is_not_there(tmp_path: Path) -> None:
    store, sha256 = kept(tmp_path, b"one\n")
    with pytest.raises(FileNotFoundError):
        keep_text(store, "birch", sha256, tmp_path / "content", is_decoded=True)
    assert not (tmp_path / "lake" / "birch" / "raw" / sha256[:2]).exists()


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from warehouse.lake import texts
    from warehouse.lake.raw import RawStore

    real = RawStore.put_beside
    def put_beside(self, tenant, sha256, suffix, path):
        if suffix == sys.argv[3]:
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, tenant, sha256, suffix, path)
    RawStore.put_beside = put_beside
    store = RawStore(sys.argv[1])
    sha256 = store.put("alder", Path(sys.argv[2])).sha256
    texts.keep_text(store, "alder", sha256, Path(sys.argv[2]), is_decoded=True)
"""


@pytest.mark.parametrize("suffix", [TEXT, LINES])
def test_a_killed_keeping_leaves_no_index_and_the_next_one_makes_it(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "content").write_bytes(b"one\ntwo\n")
    arguments = [str(tmp_path / "lake"), str(tmp_path / "content"), suffix]
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), *arguments], cwd=REPOSITORY, check=False)
    assert killed.returncode == -signal.SIGKILL
    store = RawStore(str(tmp_path / "lake"))
    sha256 = store.put("alder", tmp_path / "content").sha256
    assert line_index(store, "alder", sha256) is None
    assert keep_text(store, "alder", sha256, tmp_path / "content", is_decoded=True)
    assert stored_lines(store, "alder", sha256, [1]) == {1: "one"}
