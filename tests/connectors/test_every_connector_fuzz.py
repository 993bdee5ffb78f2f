"""Every connector under mutated bytes of its own samples: no crash, no hang, no silent loss, whatever the bytes.

The laws hold for all: nothing leaves ``parse`` but a ``FeedFault`` with a known reason; what is held back is counted
once a record; no row stands on a line that is held back, where lines are records. Connectors come from the registry.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from connectors.adapter import Adapter, ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from connectors.errors import FeedFault
from connectors.examination import kind_of_file
from connectors.registry import adapters
from contracts.feed import FEEDS, FeedReject
from contracts.vocabularies import FILE_REASONS

ROOT = Path(__file__).resolve().parents[2] / "connectors"
LONGEST_SECONDS = 20.0
"""No sample has more than some hundred lines: a parse that takes longer hangs."""
PIECES = (
    b"", b"\x00", b"\r", b"\n", b"\r\n", b"|", b",", b'"', b"<", b">", b"&", b"&#0;", b"\xff", b"\x1a", b"-", b"+",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"\xef\xbb\xbf", b"9" * 25, b"1e309", b"NaN", b"99991231", b"20220230",
    b"{", b"}", b"J", b";" * 30, b" " * 300, b"\xc3\x89", b"0", b".", b":61:", b"-}", b"[" * 500,
)  # fmt: skip


def samples(source: Adapter) -> list[Path]:
    room = "custodians" if source.market == "custodian" else "market_data"
    folder = ROOT / room / source.slug / "samples"
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith("NOTICE")]
    return [p for p in found if kind_of_file(source, p.name, p)[0] is not None]


def mutated(draw: random.Random, content: bytes, others: list[bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 10)):
        at = draw.randrange(len(changed) + 1)
        piece = draw.choice((*PIECES, draw.randbytes(draw.randint(1, 6))))
        match draw.randrange(6):
            case 0 | 1:
                changed[at : at + len(piece)] = piece
            case 2:
                changed[at:at] = piece
            case 3:
                del changed[at : at + draw.randint(1, 400)]
            case 4:
                end = min(len(changed), at + draw.randint(1, 400))
                changed[at:at] = changed[at:end]
            case _:
                other = draw.choice(others)
                start = draw.randrange(len(other) + 1)
                changed[at:at] = other[start : start + draw.randint(1, 300)]
    return bytes(changed)


def parsed(source: Adapter, file: RawFile, connection: Connection) -> ParsedFile | FeedFault:
    try:
        return source.parse(file, connection)
    except FeedFault as fault:
        return fault


def keeps_the_laws(source: Adapter, path: Path) -> None:
    kind, day, _ = kind_of_file(source, path.name, path)
    assert kind is not None
    connection = Connection(connection_id="fuzz", adapter=source.slug, transport=LocalTransport(path=path.parent))
    began = time.monotonic()
    result = parsed(source, RawFile(path, path.name, kind, day), connection)
    if isinstance(result, FeedFault):
        assert result.reason in FILE_REASONS, result.reason
        assert result.detail
        assert result.record_count >= 0
    else:
        for name, frame in result.frames.items():
            FEEDS[name].validate(frame)
        FeedReject.validate(result.rejects)
        assert 0 <= result.quarantined_count <= result.record_count or result.record_count == 0
        if not source.has_shared_lines:
            held = set(result.rejects["source_line"].to_list())
            assert result.quarantined_count == len(held)
            for frame in result.frames.values():
                assert not held & set(frame["source_line"].to_list())
    assert time.monotonic() - began < LONGEST_SECONDS


def fuzz(source: Adapter, folder: Path, rounds: int | None) -> None:
    draw = random.Random(int(os.environ.get("FUZZ_SEED", "1")))  # noqa: S311
    chosen = samples(source)
    assert chosen, f"{source.slug} has no sample"
    contents = [path.read_bytes() for path in chosen]
    until = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    done = 0
    while done < rounds if rounds is not None else time.monotonic() < until:
        place = draw.randrange(len(chosen))
        path = folder / chosen[place].name
        path.write_bytes(mutated(draw, contents[place], contents))
        if kind_of_file(source, path.name, path)[0] is not None:
            keeps_the_laws(source, path)
        done += 1


@pytest.mark.parametrize("slug", list(adapters()))
def test_a_few_mutated_samples_are_read_or_refused_by_name(slug: str, tmp_path: Path) -> None:
    fuzz(adapters()[slug], tmp_path, 25)


@pytest.mark.full
@pytest.mark.parametrize("slug", list(adapters()))
def test_fuzzing_for_long_neither_crashes_nor_hangs_nor_loses_a_record(slug: str, tmp_path: Path) -> None:
    fuzz(adapters()[slug], tmp_path, None)
