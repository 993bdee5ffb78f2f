"""What the documents name is there: links, paths and commands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "analytics", "assets", "benchmarks", "connectors", "contracts", "dbt_project", "docs",
    "pipelines", "serving_api", "simulation", "tests", "tools", "warehouse",
)  # fmt: skip
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
PATH = re.compile(rf"`((?:{'|'.join(ROOMS)})/[\w./-]+)`")
COMMAND = re.compile(r"\bnexus ([a-z][a-z-]+)")


def _documents() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # Statements of others (samples) are theirs.
    return [ROOT / name for name in listed.split() if "/samples/" not in name]


@pytest.mark.parametrize("document", _documents(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_and_path_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    broken = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    made = set(re.findall(r"nexus connectors new (\w+)", text))  # what a walk makes is not there before it is walked
    absent = [
        path
        for path in PATH.findall(text)
        if "<" not in path and not (ROOT / path).exists() and not any(name in path for name in made - {"NAME"})
    ]
    assert broken + absent == []


@pytest.mark.parametrize("document", _documents(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_command_that_a_document_names_is_one(document: Path) -> None:
    main = (ROOT / "pipelines" / "cli" / "main.py").read_text(encoding="utf-8")
    known = set(re.findall(r'app\.(?:command\(|add_typer\(\w+\.app, name=)"([a-z-]+)"', main))
    text = document.read_text(encoding="utf-8")
    in_code = " ".join(re.findall(r"`[^`\n]+`|^ {4}.*$|^\$.*$", text, flags=re.MULTILINE))
    assert set(COMMAND.findall(in_code)) - known == set()


def test_every_target_that_the_readme_names_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named - targets == set()


def test_every_quirk_has_the_tests_that_the_page_names() -> None:
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    rows = [line for line in (ROOT / "docs" / "quirks.md").read_text(encoding="utf-8").splitlines() if "`test_" in line]
    named = [set(re.findall(r"`(test_\w+)`", row)) for row in rows]
    assert len(rows) > 20
    assert all(named)
    assert set().union(*named) - there == set()
