"""What the tests of market-data vendors share: a golden sample's comparison, mutated bytes, rows of a table."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from connectors.adapter import Adapter, ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from contracts.feed import FEEDS
from tests.connectors.golden import ROOT, _rows, agrees_with_expected, keeps_the_law, parsed, parsed_or_refused

VENDORS = ROOT / "market_data"


def agrees(source: Adapter, sample: str) -> None:
    """The sample gives the rows, rejects and counts written beside it; tables without a file there are empty."""
    folder = VENDORS / source.slug
    result = parsed(source, folder / "samples" / sample)
    expected = folder / "expected" / sample
    filled = {name: frame for name, frame in result.frames.items() if frame.height}
    agrees_with_expected(
        ParsedFile(
            filled,
            result.rejects,
            result.record_count,
            result.quarantined_count,
            result.business_date,
            result.is_refresh,
        ),
        expected,
    )


def expected_rows(table: str, path: Path) -> list[dict[str, Any]]:
    import polars as pl

    schema = pl.Schema({name: column.dtype for name, column in FEEDS[table].columns().items()})
    return _rows(path, schema)


def read(source: Adapter, folder: Path, name: str, content: bytes | str, **codes: Path) -> ParsedFile:
    """What the connector makes of a file of this content; ``codes`` are the firm's own tables."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = source.kind_of(name)
    assert found is not None, name
    feed = Connection(
        connection_id="feed", adapter=source.slug, transport=LocalTransport(path=Path()), codes=dict(codes)
    )
    result = source.parse(RawFile(path, name, *found), feed)
    keeps_the_law(result)
    return result


def mutations(content: bytes, seed: int) -> Iterator[bytes]:
    """Copies of the content with a few bytes replaced, put in or taken out, without end."""
    draw = Random(seed)  # noqa: S311 (bytes to spoil a file with, not a secret)
    pieces = [
        b"|",
        b",",
        b'"',
        b"\n",
        b"\r",
        b" ",
        b"9",
        b"-",
        b".",
        b"{",
        b"}",
        b"[",
        b"]",
        b"null",
        b"\xff",
        b"\0",
        b";",
    ]
    while True:
        changed = bytearray(content)
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(changed))
            piece = draw.choice([draw.randbytes(draw.randint(1, 4)), draw.choice(pieces)])
            match draw.choice(["replace", "insert", "delete", "cut"] if draw.random() < 0.1 else ["replace", "insert"]):
                case "replace":
                    changed[at : at + len(piece)] = piece
                case "insert":
                    changed[at:at] = piece
                case "delete":
                    del changed[at : at + len(piece)]
                case _:
                    del changed[at:]
            if not changed:
                changed = bytearray(b"x")
        yield bytes(changed)


def survive(source: Adapter, samples: list[Path], folder: Path, *, rounds: int | None, seed: int = 11) -> None:
    """Mutated samples are read under the count law or refused by name: so many rounds, else for FUZZ_SECONDS."""
    until = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "60"))
    streams = [(path.name, mutations(path.read_bytes(), seed + place)) for place, path in enumerate(samples)]
    done = 0
    while done < rounds if rounds is not None else time.monotonic() < until:
        name, stream = streams[done % len(streams)]
        target = folder / name
        target.write_bytes(next(stream))
        parsed_or_refused(source, target)
        done += 1
