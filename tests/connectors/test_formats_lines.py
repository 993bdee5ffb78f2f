"""Bytes to numbered lines, and the files that are refused as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import FeedFault
from connectors.formats.lines import iterate_blocks, iterate_lines, read_lines, texts_of


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"one\ntwo\n",
        b"one\r\ntwo\r\n",
        b"one\ntwo",
        b"\xef\xbb\xbfone\ntwo\n",
        b"one\r\ntwo\r\n\x1a",
        b"one\ntwo\x1a",
    ],
)
def test_line_ends_marks_and_a_missing_last_newline_do_not_change_the_lines(tmp_path: Path, content: bytes) -> None:
    assert read_lines(written(tmp_path, content)).rows() == [(1, "one"), (2, "two")]


def test_an_empty_line_keeps_its_number(tmp_path: Path) -> None:
    assert read_lines(written(tmp_path, b"one\n\nthree\n")).rows() == [(1, "one"), (2, ""), (3, "three")]


def test_windows_1252_is_decoded_and_a_mark_makes_the_file_utf_8(tmp_path: Path) -> None:
    assert read_lines(written(tmp_path, "café €\n".encode("cp1252")))["text"][0] == "café €"
    assert read_lines(written(tmp_path, "\ufeffcafé €\n".encode()))["text"][0] == "café €"


def test_a_mark_before_windows_1252_is_taken_off(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + "café €\nname\n".encode("cp1252")
    assert read_lines(written(tmp_path, content))["text"].to_list() == ["café €", "name"]


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (b"", "empty_file", 0),
        (b"\r\n\r\n\x1a", "empty_file", 0),
        (b"\xef\xbb\xbf", "empty_file", 0),
        (b"one\ntw\x00o\n", "binary_content", 2),
        (bytes(range(1, 9)) * 50, "binary_content", 1),
        ("one\ntwo\n".encode("utf-16"), "wrong_encoding", 1),
        ("one line\ntwo\n".encode("utf-16-le"), "wrong_encoding", 1),
        ("one line\ntwo\n".encode("utf-16-be"), "wrong_encoding", 1),
        (b"one\ntwo \x81\n", "wrong_encoding", 2),
        (b"\xef\xbb\xbfone\ntwo \x81\n", "wrong_encoding", 2),
        (b"one\n" + b"x" * 100 + b"\n", "too_large", 2),
        (b"x" * 100_000, "too_large", 1),
    ],
)
def test_a_file_that_is_no_text_of_the_kind_is_refused_with_reason_and_line(
    tmp_path: Path, content: bytes, reason: str, line: int
) -> None:
    with pytest.raises(FeedFault) as fault:
        read_lines(written(tmp_path, content), max_line_bytes=64)
    assert (fault.value.reason, fault.value.line) == (reason, line)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_every_byte_of_an_encoding_is_its_character(tmp_path: Path, encoding: str) -> None:
    """Bytes that the encoding lacks are in the table of faults above."""
    known = [bytes([byte]) for byte in range(32, 256) if bytes([byte]).decode(encoding, "ignore")]
    texts = [b"some words " + byte + b" and more" for byte in known if byte != b"\x7f"]
    read = read_lines(written(tmp_path, b"\n".join(texts)), encoding=encoding)
    assert read["text"].to_list() == [text.decode(encoding) for text in texts]


@given(
    lines=st.lists(st.text(st.characters(codec="cp1252", exclude_characters="\n\r\x1a\x00", min_codepoint=32))),
    block_bytes=st.integers(1, 40),
    end=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_size_of_the_blocks_never_changes_the_lines(
    tmp_path: Path, lines: list[str], block_bytes: int, end: str
) -> None:
    lines = ["first", *(line.replace("\x7f", "") for line in lines)]
    path = written(tmp_path, (end.join(lines) + end).encode("cp1252"))
    blocks = list(iterate_lines(path, block_bytes=block_bytes))
    assert [row for block in blocks for row in block.rows()] == list(enumerate(lines, 1))


def test_lines_can_be_read_again_by_number(tmp_path: Path) -> None:
    path = written(tmp_path, b"one\ntwo\nthree\n")
    assert texts_of(path, [3, 1]).rows() == [(1, "one"), (3, "three")]


@given(st.lists(st.sampled_from(["A", "Ab", "b", "bb", ""]), min_size=1, max_size=30), st.integers(1, 12))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_block_ends_where_a_record_does_and_no_line_is_lost(
    tmp_path: Path, lines: list[str], block_bytes: int
) -> None:
    path = written(tmp_path, ("A\n" + "\n".join(lines)).encode())

    def before_last_record(buffer: npt.NDArray[np.uint8], size: int) -> int:
        return buffer[:size].tobytes().rfind(b"\nA") + 1

    blocks = list(iterate_blocks(path, block_bytes=block_bytes, block_end=before_last_record))
    texts = [block.buffer[: block.size].tobytes() for block in blocks]
    assert b"".join(texts) == path.read_bytes()
    assert all(text.startswith(b"A") for text in texts)
    numbers = [block.first_line for block in blocks]
    assert numbers == [1 + b"".join(texts[:place]).count(b"\n") for place in range(len(texts))]
