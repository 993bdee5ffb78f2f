"""Whatever the bytes are, a Fidelity file is either read under the count law or refused by name."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.custodians.fidelity.adapter import ADAPTER
from connectors.errors import FeedFault
from tests.connectors.fidelity_fixture import CLIENT, FIDELITY
from tests.connectors.golden import keeps_the_law, parsed_or_refused
from tests.connectors.golden import parsed as parsed_by

SAMPLES = sorted(path.name for path in (FIDELITY / "samples").iterdir())
QUICK = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
PIECES = (b"*", b" ", b"\n", b"9", b"-", b"D", b"T", b"CT", b'"', b",", b"\xe9")


def survives(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    parsed_or_refused(ADAPTER, path)
    try:
        keeps_the_law(parsed_by(ADAPTER, path, [CLIENT]))
    except FeedFault:
        return


@given(content=st.binary(max_size=300), name=st.sampled_from(SAMPLES))
@QUICK
def test_random_bytes_are_refused_by_name(tmp_path: Path, content: bytes, name: str) -> None:
    survives(tmp_path / name, content)


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
@QUICK
def test_a_changed_sample_keeps_the_count_law_or_is_refused_by_name(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    content = bytearray((FIDELITY / "samples" / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from(PIECES)))
        match data.draw(st.sampled_from(["replace", "overwrite", "insert", "delete"])):
            case "replace" | "overwrite" if b"\n" not in piece:
                content[at : at + len(piece)] = piece
            case "insert":
                content[at:at] = piece
            case _:
                del content[at : at + len(piece)]
    survives(tmp_path / name, bytes(content))


@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
@QUICK
def test_fields_overwritten_with_rubbish_never_crash_the_reader(tmp_path: Path, name: str, data: st.DataObject) -> None:
    survives(tmp_path / name, spoilt(name, data.draw(st.randoms(use_true_random=True))))


@pytest.mark.full
def test_a_long_spell_of_spoilt_files_crashes_nothing(tmp_path: Path) -> None:
    ends = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    draw = random.SystemRandom()
    while time.monotonic() < ends:
        name = draw.choice(SAMPLES)
        survives(tmp_path / name, spoilt(name, draw))


def spoilt(name: str, draw: random.Random) -> bytes:
    """The sample with texts written over places of its data lines, lines swapped, doubled and lost, counts kept."""
    lines = (FIDELITY / "samples" / name).read_bytes().split(b"\n")
    body = list(range(1, len(lines) - 2))
    for _ in range(draw.randint(1, 25)):
        row = draw.choice(body)
        line = bytearray(lines[row])
        if len(line) < 4:
            continue
        if draw.random() < 0.1:
            lines[row] = lines[draw.choice(body)]
            continue
        at = draw.randrange(1, len(line) - 1)
        for offset in range(draw.randint(1, 14)):
            if at + offset < len(line) - 1:
                line[at + offset] = draw.choice(b"0123456789 +-*DABZ\xe9")
        lines[row] = bytes(line)
    return b"\n".join(lines)
