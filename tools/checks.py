"""The static checks, each as its own process, all run before the verdict.

Usage: ``python -m tools.checks``
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKS = (
    ("format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]),
    ("lint", [str(BIN / "ruff"), "check", "--quiet", "."]),
    ("types", [str(BIN / "mypy")]),
    ("rooms", [str(BIN / "lint-imports")]),
    ("sizes", [sys.executable, "-m", "tools.sizes"]),
    ("rendered contracts", [sys.executable, "-m", "tools.render_contracts", "--check"]),
)


def main() -> int:
    """Run every check; print a line each and the output of those that fail. Returns the number that failed."""
    failed = 0
    for name, command in CHECKS:
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        verdict = "ok" if done.returncode == 0 else "FAILED"
        print(f"check {name:<20} {verdict:<7} {time.monotonic() - started:5.1f} s", flush=True)
        if done.returncode != 0:
            failed += 1
            print(done.stdout, done.stderr, sep="\n", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
