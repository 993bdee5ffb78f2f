"""Laws of credentials: named, read, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import PermanentError
from connectors.secrets import resolve


def put(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_secret_is_read_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALDER_PASSWORD", "hunter2")
    assert resolve("env:ALDER_PASSWORD", tmp_path) == "hunter2"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_secret_is_read_from_its_file_without_the_line_end(tmp_path: Path, mode: int) -> None:
    put(tmp_path / "alder", b" hunter2 \r\n", mode)
    assert resolve("file:alder", tmp_path) == " hunter2 "


def test_a_secret_behind_a_link_inside_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    put(tmp_path / "..data/alder", b"hunter2")
    (tmp_path / "alder").symlink_to("..data/alder")
    assert resolve("file:alder", tmp_path) == "hunter2"


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o602, 0o666])
def test_a_file_that_is_open_to_all_is_refused(tmp_path: Path, mode: int) -> None:
    put(tmp_path / "alder", b"hunter2", mode)
    with pytest.raises(PermanentError, match=r"file:alder.*chmod 600") as caught:
        resolve("file:alder", tmp_path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "ref", ["hunter2", "file:../alder", "file:/etc/passwd", "file:a/b", "file:", "env:", "vault:x", "file:.hidden", ""]
)
def test_a_reference_of_another_form_is_refused_and_not_repeated(tmp_path: Path, ref: str) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    put(tmp_path / "alder", b"1")
    with pytest.raises(PermanentError, match="env:NAME or file:NAME") as caught:
        resolve(ref, folder)
    assert not ref or ref in ("file:", "env:") or ref not in str(caught.value)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "alder").symlink_to(put(tmp_path / "outside", b"hunter2"))
    with pytest.raises(PermanentError, match="outside the secrets folder"):
        resolve("file:alder", folder)


def test_what_is_missing_empty_or_no_text_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALDER_PASSWORD", raising=False)
    put(tmp_path / "empty", b"\n")
    put(tmp_path / "binary", b"\xff\xfe")
    put(tmp_path / "huge", b"x" * 70_000)
    (tmp_path / "folder").mkdir()
    for ref in ("env:ALDER_PASSWORD", "file:missing", "file:empty", "file:binary", "file:huge", "file:folder"):
        with pytest.raises(PermanentError, match=ref):
            resolve(ref, tmp_path)
