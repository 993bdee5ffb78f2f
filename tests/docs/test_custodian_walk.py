"""The newcomer's walk through a new custodian, followed to the letter in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "newcomers" / "custodian.md"
OUTSIDE = "$DELIVERY"
"""What the page calls the folder in which a delivery lies, outside of the project."""

pytestmark = [pytest.mark.xdist_group("walk"), pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Step:
    """One fenced block of the page: what it is, what its first line says of it, and its text."""

    language: str
    options: dict[str, str]
    text: str


def steps() -> Iterator[Step]:
    for head, text in re.findall(
        r"^```([^\n]*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        language, *options = head.split()
        yield Step(language, dict(option.partition("=")[::2] for option in options), text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's files as they are, with the environment of this one."""
    copy = tmp_path / "project"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "nexus", "ruff"):
        wrapper = copy / ".venv" / "bin" / name
        wrapper.write_text(f'#!/bin/sh\nexec "{Path(sys.executable).parent / name}" "$@"\n')
        wrapper.chmod(0o755)
    (tmp_path / "delivery").mkdir()
    return copy


def write(project: Path, step: Step) -> None:
    place = step.options["file"]
    path = project.parent / "delivery" / Path(place).name if place.startswith(OUTSIDE) else project / place
    if "append" in step.options:
        assert path.is_file(), f"{place} is to be added to and is not there"
        path.write_text(path.read_text() + step.text)
    elif "replace" in step.options:
        old, new = step.text.split("---\n")
        assert path.read_text().count(old) == 1, f"{place} does not hold what is to be replaced"
        path.write_text(path.read_text().replace(old, new))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text)


def run(project: Path, step: Step) -> str:
    """Run a block's commands as a shell would; its status must be the one that the page states."""
    environment = os.environ | {
        "PYTHONPATH": str(project), "NEXUS_HOME": str(project / ".nexus"), "COLUMNS": "200", "NO_COLOR": "1",
        "DELIVERY": str(project.parent / "delivery"),
    }  # fmt: skip
    environment.pop("DATABASE_URL", None)
    done = subprocess.run(
        ["bash", "-e", "-c", step.text], cwd=project, env=environment, capture_output=True, text=True, timeout=300
    )
    said = done.stdout + done.stderr
    assert done.returncode == int(step.options.get("status", "0")), f"{step.text}\n{said}"
    return said


def test_the_page_is_followed_to_the_letter(project: Path) -> None:
    said, count = "", 0
    try:
        for step in steps():
            count += 1
            if step.language == "bash":
                said = run(project, step)
            elif step.language == "output":
                for line in filter(None, map(str.strip, step.text.splitlines())):
                    assert line in re.sub(r"\s+", " ", said), f"{line!r} is not in:\n{said}"
            else:
                write(project, step)
    finally:
        subprocess.run(
            [sys.executable, "-m", "pipelines.cli.main", "down"], cwd=project, check=False, capture_output=True,
            env=os.environ | {"PYTHONPATH": str(project), "NEXUS_HOME": str(project / ".nexus")},
        )  # fmt: skip
    assert count > 20
