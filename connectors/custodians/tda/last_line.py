"""Holding back a file's last line where no line end follows it: no trailer says that it is whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from connectors.custodians.tda.positions import BALANCE, POSITION, ReadBlock
from connectors.formats.line_ends import cut_line
from connectors.formats.lines import texts_of
from connectors.formats.rejects import rejected
from connectors.formats.taken import Taken


def without_line(taken: Taken, line: pl.DataFrame, table_name: str) -> Taken:
    """What was taken, without the rows of ``line`` (its number and text), which is held back."""
    return Taken(_others(taken.frames, int(line["line"][0])), [*taken.rejects, *_held(line, table_name)])


def block_without_line(read: ReadBlock, line: int, path: Path) -> ReadBlock:
    """The block without what the line gave, if the line is in it and was taken."""
    is_held, is_cash = read.held["source_line"] == line, read.cash["is_good"] & (read.cash["line"] == line)
    if not (is_held.any() or is_cash.any()):
        return read
    found = _held(texts_of(path, [line]), POSITION if is_held.any() else BALANCE)
    return replace(
        read,
        held=read.held.filter(~is_held),
        cash=read.cash.with_columns(read.cash["is_good"] & ~is_cash),
        rejects=pl.concat([read.rejects, *found]),
    )


def _others(frames: Mapping[str, pl.DataFrame], line: int) -> dict[str, pl.DataFrame]:
    return {name: frame.filter(pl.col("source_line") != line) for name, frame in frames.items()}


def _held(line: pl.DataFrame, table_name: str) -> Sequence[pl.DataFrame]:
    return [rejected(line, cut_line(int(line["line"][0])), table_name)]
