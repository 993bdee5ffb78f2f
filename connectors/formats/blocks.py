"""Blocks of a file worked on side by side, their results in file order and few of them at a time.

The compiled readers and Polars release the interpreter's lock, so threads are enough. Memory is bounded by the number
of blocks under way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import polars as pl

from connectors.adapter import ParsedBlock, ParsedFile
from connectors.formats.rejects import ordered
from connectors.formats.taken import no_rows

WORKERS: Final = 2

Block = TypeVar("Block")
Result = TypeVar("Result")


def side_by_side(
    function: Callable[[Block], Result], blocks: Iterable[Block], *, workers: int = WORKERS
) -> Iterator[Result]:
    """``function`` of every block, in order. At most ``workers`` + 1 blocks are under way.

    A fault of reading ``blocks`` or of ``function`` is raised where its block would have come; what is under way then
    is waited for and dropped.
    """
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for block in blocks:
            under_way.append(pool.submit(function, block))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def gathered(blocks: Iterable[ParsedBlock], tables: Iterable[str]) -> ParsedFile:
    """The blocks as one file: a frame for every table, rejects in order, and their counts.

    The caller sets the business date and whatever the end of the file says.
    """
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in tables}
    rejects: list[pl.DataFrame] = []
    count = 0
    for block in blocks:
        count += block.record_count
        rejects.append(block.rejects)
        for name, frame in block.frames.items():
            if frame.height:
                parts[name].append(frame)
    held = ordered(rejects)
    frames = {name: pl.concat(found) if found else no_rows(name) for name, found in parts.items()}
    return ParsedFile(frames, held, count, held["source_line"].n_unique(), None)
