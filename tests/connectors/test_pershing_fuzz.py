"""Whatever the bytes are, a Standard File is either read under the count law or refused by name."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.errors import FeedFault
from tests.connectors.pershing_fixture import PERSHING, parsed_or_refused

NAMES = ("20180604.GCUS", "20180605.GCUS", "20180605.GACT", "20180604.GMON", "ACCF.ACCF", "20180604.ISCA")
QUICK = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
PIECES = (
    b"X",
    b"A",
    b"Z",
    b" ",
    b"\n",
    b"9",
    b"-",
    b"+",
    b"0000",
    b"EOF      PERSHING ",
    b"\xe9",
    b"USD999997",
    b"PER",
)


def survives(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    parsed_or_refused(path)


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
    content = bytearray((PERSHING / "samples" / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from(PIECES)))
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
def test_records_overwritten_with_rubbish_lose_nothing(tmp_path: Path, name: str, data: st.DataObject) -> None:
    """Header, trailer and the length of lines are left alone, so every file must be read and every record told."""
    lines = (PERSHING / "samples" / name).read_bytes().replace(b"\r", b"").split(b"\n")
    end = next(n for n, line in enumerate(lines) if line.startswith(b"EOF"))
    for _ in range(data.draw(st.integers(1, 12))):
        place = data.draw(st.integers(1, end - 1))
        row = bytearray(lines[place])
        at = data.draw(st.integers(0, len(row) - 2))
        text = data.draw(st.text(st.characters(codec="cp1252", min_codepoint=32), min_size=1, max_size=9))
        raw = text.encode("cp1252").replace(b"\x7f", b"?")[: len(row) - 1 - at]
        row[at : at + len(raw)] = raw
        lines[place] = bytes(row)
    path = tmp_path / name
    path.write_bytes(b"\n".join(lines))
    result = parsed_or_refused(path)
    # A count of accounts changes with their keys, and a line may have become a header's or trailer's.
    assert not isinstance(result, FeedFault) or result.reason in ("trailer_mismatch", "malformed_document")


@pytest.mark.full
def test_long_fuzzing_neither_crashes_nor_hangs_nor_loses_a_record(tmp_path: Path) -> None:
    seed = int(os.environ.get("FUZZ_SEED", "1"))
    until = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    draw = random.Random(seed)  # noqa: S311
    samples = {name: (PERSHING / "samples" / name).read_bytes() for name in NAMES}
    while time.monotonic() < until:
        name = draw.choice(NAMES)
        content = bytearray(samples[name])
        for _ in range(draw.randint(1, 12)):
            at = draw.randrange(len(content))
            piece = draw.choice((*PIECES, draw.randbytes(draw.randint(1, 5))))
            match draw.randrange(4):
                case 0 | 1:
                    content[at : at + len(piece)] = piece
                case 2:
                    content[at:at] = piece
                case _:
                    del content[at : at + draw.randint(1, 800)]
            if not content:
                break
        survives(tmp_path / name, bytes(content))
