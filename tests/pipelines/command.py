"""The command line as tests run it: in this process, with an installation and an environment of its own."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from typer.testing import CliRunner, Result

from pipelines.cli.main import app

SAMPLES = Path(__file__).resolve().parents[2] / "connectors" / "custodians" / "ofx" / "samples"


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """These variables and no other of ours, restored at the end."""
    before = dict(os.environ)
    ours = [name for name in before if name.startswith(("NEXUS_", "DAGSTER_")) or name == "DATABASE_URL"]
    try:
        for name in ours:
            del os.environ[name]
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def invoke(home: Path, *arguments: str, **variables: str) -> Result:
    """``nexus`` with these arguments."""
    with environment(NEXUS_HOME=str(home), **variables), warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # as assets.partitions decided for every process
        return CliRunner().invoke(app, list(arguments))
