"""Whatever the bytes are, a Veo file is either read under the count law or refused by name."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.custodians.tda.adapter import ADAPTER
from tests.connectors.golden import ROOT, parsed_or_refused

SAMPLES = ROOT / "custodians" / "tda" / "samples"
NAMES = tuple(f"REP 220105.{kind}" for kind in ("TRN", "POS", "PRI", "SEC", "CBL", "TRD"))
QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
PIECES = (b",", b'"', b" ", b"\n", b"9", b"-", b".", b"\r\n", b'""', b"\x1a", b"/", b"\xe9", b",,,,")


def survives(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    parsed_or_refused(ADAPTER, path)


@given(content=st.binary(max_size=300), name=st.sampled_from(NAMES))
@QUICK
def test_random_bytes_are_refused_by_name_or_counted(tmp_path: Path, content: bytes, name: str) -> None:
    survives(tmp_path / name, content)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@QUICK
def test_a_changed_sample_keeps_the_count_law_or_is_refused_by_name(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    content = bytearray((SAMPLES / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
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


@pytest.mark.full
@pytest.mark.timeout(0)
def test_minutes_of_mutations_end_in_rows_or_in_a_name(tmp_path: Path) -> None:
    draw = random.SystemRandom()
    end = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    while time.monotonic() < end:
        name = draw.choice(NAMES)
        content = bytearray((SAMPLES / name).read_bytes())
        for _ in range(draw.randint(1, 12)):
            at = draw.randrange(len(content))
            piece = draw.choice((*PIECES, os.urandom(3)))
            content[at : at + draw.choice((0, len(piece)))] = piece
        try:
            survives(tmp_path / name, bytes(content))
        except BaseException:
            (tmp_path / f"failed {name}").write_bytes(content)
            raise
