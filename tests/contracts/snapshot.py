"""Writes the snapshots anew: ``python -m tests.contracts.snapshot``, after a change of contracts that is meant."""

from __future__ import annotations

import json

from tests.contracts.test_rendering import SNAPSHOTS, polars_schemas, suites


def main() -> None:
    for name, current in (("polars_schemas", polars_schemas()), ("gx_suites", suites())):
        (SNAPSHOTS / f"{name}.json").write_text(json.dumps(current, indent=1) + "\n")


if __name__ == "__main__":
    main()
