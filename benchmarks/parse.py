"""``parse``: how fast bulk position files are read, against Polars reading the same bytes into the same types.

Two files of as many rows as asked for: a delimited one (TD Ameritrade's POS) and a fixed-width one (Pershing's GCUS,
records of 750 characters, a fifth of the rows). Each is read three ways in turn, each way in a process of its own:

- ``peer``: ``pl.scan_csv`` of the fields that a connector reads, to the same Decimal and Date types, streamed and
  dropped. A fixed-width line is one column there, whose pieces are cut and cast.
- ``reader``: ``connectors.formats.flat``: the same fields typed, line numbers, every fault found and its record parted
  from the others with a reason, in blocks.
- ``connector``: all that an adapter's ``blocks`` does, down to the canonical frames.

One line in 100 000 holds no number, so that quarantine is at work.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.measurement import Measurement, peak_mib

BAD_EVERY: Final = 100_000
CHUNK: Final = 500_000
FIXED_SHARE: Final = 5
"""A fixed-width record is fifteen times as long as a delimited one: a fifth of the rows is work enough."""
DAY: Final = date(2022, 1, 5)
POS, GCUS = "delimited", "fixed_width"
WAYS: Final = ("peer", "reader", "connector")
ROUNDS: Final = 5


def run(size: int) -> tuple[Measurement, ...]:
    """Measure files of ``size`` delimited and ``size / 5`` fixed-width rows; the floor is the peer.

    A figure for each kind of file and each way of ours: medians of ``ROUNDS`` rounds in which the ways take turns, so
    that what else the machine does falls on all alike.
    """
    with tempfile.TemporaryDirectory(prefix="nexus-parse-") as folder:
        files = {POS: Path(folder) / "ABC 220105.POS", GCUS: Path(folder) / "20220105.GCUS"}
        sizes = {POS: size, GCUS: max(1, size // FIXED_SHARE)}
        write_pos(files[POS], sizes[POS])
        write_gcus(files[GCUS], sizes[GCUS])
        return tuple(measured for kind, path in files.items() for measured in _measured(kind, path, sizes[kind]))


def _measured(kind: str, path: Path, size: int) -> list[Measurement]:
    rounds = [{way: _apart(way, kind, path) for way in WAYS} for _ in range(ROUNDS)]
    rows = {tuple(found[way]["rows"] for way in WAYS[1:]) for found in rounds}
    if len(rows) != 1:
        raise RuntimeError(f"rounds disagree on the rows: {rows}")

    def median(way: str, figure: str) -> float:
        return statistics.median(found[way][figure] for found in rounds)

    return [
        Measurement(
            f"parse/{kind}/{way}", size, median(way, "seconds"), median("peer", "seconds"),
            max(found[way]["peak_mib"] for found in rounds), {way: median(way, "seconds")}, path.stat().st_size / 2**20,
        )
        for way in WAYS[1:]
    ]  # fmt: skip


def write_pos(path: Path, rows: int) -> None:
    """A POS file: account, account type, security type, symbol, quantity, amount."""
    draw = np.random.default_rng(7)
    with path.open("wb") as out:
        for first in range(0, rows, CHUNK):
            count = min(CHUNK, rows - first)
            number = pl.Series(range(first, first + count))
            units, cents = draw.integers(1, 99_999_999, count), draw.integers(1, 9_999_999_999, count)
            frame = pl.DataFrame({"n": number, "u": units, "c": cents}).select(
                pl.format("9{}", (pl.col("n") // 20).cast(pl.String).str.zfill(8)),
                pl.lit("C").alias("type"),
                pl.lit("CS").alias("security_type"),
                pl.format("SYM{}", pl.col("n") % 2_000).alias("symbol"),
                pl.when(pl.col("n") % BAD_EVERY == BAD_EVERY - 1).then(pl.lit("1x0"))
                .otherwise(pl.format("{}.{}", pl.col("u") // 1000, (pl.col("u") % 1000).cast(pl.String).str.zfill(3)))
                .alias("quantity"),
                pl.format("{}.{}", pl.col("c") // 100, pl.format("{}", pl.col("c") % 100).str.zfill(2)).alias("amount"),
            )  # fmt: skip
            frame.write_csv(out, include_header=False)


def write_gcus(path: Path, rows: int) -> None:
    """A GCUS file of A records: account, sub-account, CUSIP, dates, quantities, value, factor, ISIN."""
    draw = np.random.default_rng(7)
    title, stamp = "GLOBAL CUST POS   ", "01/05/2022"
    head = f"BOF      PERSHING {title} DATA OF  {stamp} TO REMOTE 3456 BEGINS HERE  {stamp} 22:10:00".ljust(118)
    tail = f"EOF      PERSHING {title} DATA OF  {stamp} TO REMOTE 3456 ENDS HERE. TOTAL DETAIL RECORDS: {rows:010d}"
    with path.open("wb") as out:
        out.write((f"{head}REFRESHED".ljust(749) + "A\n").encode())
        for first in range(0, rows, CHUNK):
            count = min(CHUNK, rows - first)
            out.write(_gcus_chunk(draw, first, count))
        out.write((f"{tail.ljust(118)}REFRESHED".ljust(749) + "Z\n").encode())


def _gcus_chunk(draw: np.random.Generator, first: int, count: int) -> bytes:
    template = np.frombuffer(b" " * 749 + b"X\n", dtype=np.uint8)
    lines = np.tile(template, (count, 1))
    number = np.arange(first, first + count)

    def put(start: int, values: np.ndarray[tuple[int], np.dtype[np.int64]], width: int) -> None:
        for place in range(width):
            lines[:, start - 1 + place] = ord("0") + (values // 10 ** (width - 1 - place)) % 10

    def text(start: int, words: str) -> None:
        lines[:, start - 1 : start - 1 + len(words)] = np.frombuffer(words.encode(), dtype=np.uint8)

    text(1, "GCA")
    put(4, number % 10**8, 8)
    text(12, "JP7")
    put(15, number // 20 % 10**6, 6)
    text(21, "1")
    put(22, number % 2_000 + 100_000_000, 9)
    text(54, "SUSD")
    for start in (58, 66):
        text(start, "20220105")
    quantity = draw.integers(1, 10**12, count)
    for start in (74, 93):
        put(start, quantity, 18)
        text(start + 18, "+")
    text(283, "0" * 18)
    text(301, "+")
    text(538, "SECURITY OF THE BENCH")
    put(665, draw.integers(1, 10**13, count), 18)
    text(683, "+")
    text(684, "0" * 10)
    bad = number % BAD_EVERY == BAD_EVERY - 1
    lines[bad, 80] = ord("x")
    return lines.tobytes()


def _apart(way: str, kind: str, path: Path) -> dict[str, float]:
    """Seconds and peak memory of one way in a process of its own, compiled and imported before the clock starts."""
    command = [sys.executable, "-m", "benchmarks.parse", way, kind, str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def _peer_delimited(path: Path) -> int:
    names = ["account_number", "account_type", "security_type", "symbol", "quantity", "amount"]
    native = pl.scan_csv(
        path, has_header=False, quote_char='"', ignore_errors=True,
        schema={**dict.fromkeys(names[:4], pl.String), "quantity": pl.Decimal(20, 8), "amount": pl.Decimal(20, 4)},
    )  # fmt: skip
    return _drained(native)


def _peer_fixed(path: Path) -> int:
    line = pl.col("line")
    lines = pl.scan_csv(path, has_header=False, separator="\x01", quote_char=None, schema={"line": pl.String})
    body = lines.filter(line.str.starts_with("GC"))

    def cut(start: int, end: int) -> pl.Expr:
        return line.str.slice(start - 1, end - start + 1)

    def number(start: int, end: int, decimals: int, scale: int) -> pl.Expr:
        whole, part = cut(start, end - decimals), cut(end - decimals + 1, end)
        signed = pl.concat_str([cut(end + 1, end + 1), whole, pl.lit("."), part])
        return signed.cast(pl.Decimal(20, scale), strict=False)

    return _drained(
        body.select(
            cut(12, 20).alias("account"),
            cut(21, 21).alias("type"),
            cut(22, 30).str.strip_chars().alias("cusip"),
            cut(54, 54).alias("cash"),
            cut(55, 57).alias("currency"),
            cut(58, 65).str.to_date("%Y%m%d", strict=False).alias("date"),
            number(74, 91, 5, 8).alias("quantity"),
            number(283, 300, 5, 8).alias("split"),
            number(665, 682, 3, 4).alias("value"),
            cut(684, 693).str.strip_chars().alias("factor"),
            cut(435, 443).str.strip_chars().alias("symbol"),
            cut(737, 748).str.strip_chars().alias("isin"),
        )
    )


def _drained(frame: pl.LazyFrame) -> int:
    rows = 0

    def take(batch: pl.DataFrame) -> None:
        nonlocal rows
        rows += batch.height

    sink = frame.sink_batches(take, lazy=True)
    sink.collect(engine="streaming")
    return rows


def _reader(kind: str, path: Path) -> int:
    from connectors.formats.blocks import side_by_side
    from connectors.formats.flat import Day, FlatField, FlatLayout, Number, Text, Wanted, read_records
    from connectors.formats.lines import TextBlock, cut_lines, iterate_blocks
    from connectors.formats.rejects import separated

    wanted: list[Wanted]
    if kind == POS:
        names = ("account_number", "account_type", "security_type", "symbol")
        texts = [FlatField(name, n, 0, 0) for n, name in enumerate(names, 1)]
        layout = FlatLayout((*texts, FlatField("quantity", 5, 0, 0, "F"), FlatField("amount", 6, 0, 0, "F")))
        wanted = [*(Text(name, 64) for name in names), Number("quantity", 8, required=True), Number("amount", 4)]
        separator, quote = ",", '"'
    else:
        layout = FlatLayout((
            FlatField("account", 1, 12, 20), FlatField("type", 2, 21, 21), FlatField("cusip", 3, 22, 30),
            FlatField("cash", 4, 54, 54), FlatField("currency", 5, 55, 57),
            FlatField("date", 6, 58, 65, "D", format="CCYYMMDD"), FlatField("quantity", 7, 74, 91, "N", 5, sign=92),
            FlatField("split", 8, 283, 300, "N", 5, sign=301), FlatField("value", 9, 665, 682, "N", 3, sign=683),
            FlatField("factor", 10, 684, 693), FlatField("symbol", 11, 435, 443), FlatField("isin", 12, 737, 748),
        ))  # fmt: skip
        texts_of = ("account", "type", "cusip", "cash", "currency", "factor", "symbol", "isin")
        wanted = [
            *(Text(name, 64) for name in texts_of), Day("date"), Number("quantity", 8), Number("split", 8),
            Number("value", 4),
        ]  # fmt: skip
        separator, quote = None, None

    def read(block: TextBlock) -> int:
        records, checks = read_records(cut_lines(block), layout, wanted, separator=separator, quote=quote)
        good, rejects = separated(records, checks, "canonical.custodian_position")
        return good.height + rejects["source_line"].n_unique()

    return sum(side_by_side(read, iterate_blocks(path)))


def _connector(kind: str, path: Path) -> int:
    from connectors.adapter import RawFile
    from connectors.connection import Connection, LocalTransport
    from connectors.registry import adapter

    source = adapter("tda" if kind == POS else "pershing")
    found = source.kind_of(path.name)
    assert found is not None  # noqa: S101 (the name is ours)
    connection = Connection(connection_id="bench", adapter=source.slug, transport=LocalTransport(path=path.parent))
    assert source.blocks is not None  # noqa: S101 (both have it)
    blocks: Iterator[object] = source.blocks(RawFile(path, path.name, found[0], DAY), connection)
    return sum(block.record_count for block in blocks)  # type: ignore[attr-defined]


def _main(way: str, kind: str, path: Path) -> None:
    small = path.with_name("warm") / path.name
    small.parent.mkdir(exist_ok=True)
    (write_pos if kind == POS else write_gcus)(small, 1_000)
    ways: dict[str, Callable[[Path], int]] = {
        "peer": _peer_delimited if kind == POS else _peer_fixed,
        "reader": lambda file: _reader(kind, file),
        "connector": lambda file: _connector(kind, file),
    }
    ways[way](small)
    began, busy = time.perf_counter(), time.process_time()
    rows = ways[way](path)
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    sys.stdout.write(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mib": peak_mib(), "rows": rows}) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
