"""``nexus bench``: the entry point of ``benchmarks/``, which nothing imports; it runs as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer


def bench(
    name: Annotated[str, typer.Argument(help="Name of the benchmark, such as nightly.")],
    accounts: Annotated[list[int] | None, typer.Option(help="Sizes; repeat for several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Run a benchmark and print name, size, seconds, floor_seconds, ratio and peak_mib."""
    sizes = [argument for size in accounts or [] for argument in ("--size", str(size))]
    command = [sys.executable, "-m", "benchmarks", name, *sizes, *(["--json"] if as_json else [])]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
