"""``python -m benchmarks NAME [--size N …] [--json]``: measure, and print a line or a small table for each size."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.registry import BENCHMARKS


def main(arguments: Sequence[str]) -> None:
    """Run one benchmark at each size asked for, in the order given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    parser.add_argument("--size", type=_positive, action="append", help="repeat for several sizes")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    asked = parser.parse_args(arguments)
    benchmark = BENCHMARKS[asked.name]
    for size in asked.size or benchmark.sizes:
        found = benchmark.run(size)
        for measured in found if isinstance(found, tuple) else (found,):
            sys.stdout.write((measured.as_json() if asked.json else measured.as_text()) + "\n")
            sys.stdout.flush()


def _positive(text: str) -> int:
    size = int(text)
    if size < 1:
        raise argparse.ArgumentTypeError("a size is at least 1")
    return size


if __name__ == "__main__":
    main(sys.argv[1:])
