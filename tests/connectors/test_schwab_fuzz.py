"""Whatever the bytes are, a Schwab file is either read under the count law or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.custodians.schwab.adapter import ADAPTER
from tests.connectors.golden import SCHWAB, parsed, parsed_or_refused

NAMES = tuple(f"CRS20220105.{kind}" for kind in ("TRN", "RPS", "SEC", "ACC", "ULT", "RLY", "MXR"))
QUICK = settings(max_examples=35, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def survives(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    parsed_or_refused(ADAPTER, path)


@given(content=st.binary(max_size=400), name=st.sampled_from(NAMES))
@QUICK
def test_random_bytes_are_refused_by_name(tmp_path: Path, content: bytes, name: str) -> None:
    survives(tmp_path / name, content)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@QUICK
def test_a_changed_sample_keeps_the_count_law_or_is_refused_by_name(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    content = bytearray((SCHWAB / "samples" / name).read_bytes())
    body = content.index(b"\n") + 1
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(body, len(content) - 80))
        piece = data.draw(
            st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from([b"|", b" ", b"\n", b"9", b"-", b"."]))
        )
        match data.draw(st.sampled_from(["replace", "insert", "delete"])):
            case "replace":
                content[at : at + len(piece)] = piece
            case "insert":
                content[at:at] = piece
            case _:
                del content[at : at + len(piece)]
    survives(tmp_path / name, bytes(content))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@QUICK
def test_fields_overwritten_with_rubbish_never_crash_the_reader(tmp_path: Path, name: str, data: st.DataObject) -> None:
    lines = (SCHWAB / "samples" / name).read_bytes().split(b"\n")
    for _ in range(data.draw(st.integers(1, 20))):
        row = data.draw(st.integers(1, len(lines) - 3))
        line = bytearray(lines[row])
        if len(line) < 4:
            continue
        at = data.draw(st.integers(3, len(line) - 1))
        printable = st.characters(codec="cp1252", min_codepoint=32, exclude_characters="|\x7f")
        text = data.draw(st.text(printable, min_size=1, max_size=12)).encode("cp1252")
        for offset, byte in enumerate(text):
            if at + offset < len(line) and line[at + offset] not in b"|\r":
                line[at + offset] = byte
        lines[row] = bytes(line)
    path = tmp_path / name
    path.write_bytes(b"\n".join(lines))
    parsed(ADAPTER, path)
