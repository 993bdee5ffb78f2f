"""The limits on size: modules of 400 lines, functions of 70; and the names that say nothing.

Usage: ``python -m tools.sizes``. Exit status 1 and a line per finding when a limit is broken.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "analytics", "assets", "benchmarks", "connectors", "contracts", "pipelines",
    "serving_api", "simulation", "tests", "tools", "warehouse",
)  # fmt: skip
MODULE_LINES = 400
FUNCTION_LINES = 70
# A dictionary of columns, frozen DDL and generated code are each one list, however long.
LISTS = ("contracts/columns.py", "warehouse/migrations/versions/", "contracts/generated/")
EMPTY_NAMES = {"utils", "helpers", "common", "misc"}


def findings(path: Path) -> Iterator[str]:
    """What is wrong with one module, as ``file:line: text``."""
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    if path.stem in EMPTY_NAMES or path.parent.name in EMPTY_NAMES:
        yield f"{name}:1: a name that says nothing"
    if name.startswith(LISTS):
        return
    if (lines := text.count("\n")) > MODULE_LINES:
        yield f"{name}:1: {lines} lines; a module is one room of at most {MODULE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines of at most {FUNCTION_LINES}"


def main() -> int:
    """Print every finding; 1 when there is one."""
    found = [f for room in ROOMS for p in sorted((ROOT / room).rglob("*.py")) for f in findings(p)]
    print("\n".join(found) or "sizes are within bounds")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
