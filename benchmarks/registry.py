"""The benchmarks by name. A new one is a module with ``run(size) -> Measurement`` and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchmarks import documents, nightly, parse
from benchmarks.measurement import Benchmark

BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "documents": Benchmark(documents.run, sizes=(50,), unit="MiB"),
    "nightly": Benchmark(nightly.run, sizes=(1_000, 100_000), unit="accounts"),
    "parse": Benchmark(parse.run, sizes=(20_000_000,), unit="rows"),
}
