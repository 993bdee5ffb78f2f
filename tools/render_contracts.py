"""Writes what is rendered from contracts: dbt sources and staging, doc blocks, API row models, the reference page.

``python -m tools.render_contracts`` writes; with ``--check`` it writes nothing and exits with 1 when a file on disk
differs from its rendering, or carries the rendered header without being one. Rendered files are written whole.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from contracts.registry import TABLES
from contracts.render.api_fields import Mart, MartColumn, api_fields_module
from contracts.render.dbt_sources import HEADER, source_yaml, staging_name, staging_sql, staging_yaml
from contracts.render.dictionary import column_docs, dictionary_columns
from contracts.render.reference_page import reference_page
from contracts.table import Table

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path("dbt_project/models")
_DOC = re.compile(r"^\{\{ doc\('(\w+)'\) \}\}$")


class MartContractError(ValueError):
    """A mart's YAML lacks what the API's row model needs; the message names mart and column."""


def rendered_files(root: Path = ROOT, tables: Mapping[str, Table] = TABLES) -> dict[Path, str]:
    """Every rendered file, as path below the repository's root to its text.

    Raises:
        MartContractError: a mart's YAML is not complete.
    """
    files = {
        Path("docs/reference/tables.md"): reference_page(tables.values()),
        MODELS / "columns.md": column_docs(),
        Path("contracts/generated/marts.py"): api_fields_module(read_marts(root / MODELS / "marts")),
    }
    kept = [table for table in tables.values() if table.warehouse is not None]
    for schema, group in groupby(sorted(kept, key=lambda table: table.layer), key=lambda table: table.layer):
        members = list(group)
        files[MODELS / "sources" / f"{schema}.yml"] = source_yaml(schema, members)
        folder = MODELS / "staging" / schema
        files[folder / f"_{schema}__models.yml"] = staging_yaml(members)
        files |= {folder / f"{staging_name(table)}.sql": staging_sql(table) for table in members}
    return files


def read_marts(folder: Path) -> list[Mart]:
    """The marts whose contracts lie in ``folder``, one YAML file each.

    Raises:
        MartContractError: a column lacks its data type or description, or refers to a meaning that does not exist.
    """
    found = []
    for path in sorted(folder.rglob("*.yml")):
        document: Mapping[str, Any] = YAML(typ="safe").load(path.read_text()) or {}
        for model in document.get("models", ()):
            columns = tuple(_mart_column(model["name"], column) for column in model.get("columns", ()))
            found.append(Mart(model["name"], model.get("description", ""), columns))
    return found


def drift(root: Path = ROOT) -> list[str]:
    """One line per file that is not as rendered: missing, different, or left over."""
    files = rendered_files(root)
    findings = []
    for path, text in files.items():
        present = root / path
        if not present.exists():
            findings.append(f"{path}: missing")
        elif present.read_text() != text:
            findings.append(f"{path}: differs from its contract")
    return findings + [f"{path}: no contract renders it any more" for path in _left_over(root, files)]


def write(root: Path = ROOT) -> list[Path]:
    """Writes every rendered file that differs and removes those left over; the paths touched."""
    files = rendered_files(root)
    touched = []
    for path, text in files.items():
        target = root / path
        if target.exists() and target.read_text() == text:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        touched.append(path)
    for path in _left_over(root, files):
        (root / path).unlink()
        touched.append(path)
    return touched


def _left_over(root: Path, files: Iterable[Path]) -> list[Path]:
    """Files under the models that carry the rendered header but are rendered no more."""
    known = set(files)
    models = (path for path in (root / MODELS).rglob("*") if path.suffix in {".yml", ".sql", ".md"})
    marked = (path.relative_to(root) for path in models if HEADER in path.read_text().split("\n", 1)[0])
    return sorted(path for path in marked if path not in known)


def _mart_column(mart: str, column: Mapping[str, Any]) -> MartColumn:
    name = str(column["name"])
    meta: Mapping[str, Any] = column.get("config", {}).get("meta", {})
    description, unit = str(column.get("description", "")), meta.get("unit")
    reference = _DOC.match(description)
    if reference is not None:
        meaning = dictionary_columns().get(reference.group(1))
        if meaning is None:
            raise MartContractError(f"{mart}.{name}: no column {reference.group(1)!r} in contracts/columns.py")
        description, unit = meaning.description or "", (meaning.metadata or {}).get("unit")
    if not description or not column.get("data_type"):
        raise MartContractError(f"{mart}.{name}: data_type and description are both needed")
    return MartColumn(name, str(column["data_type"]), description, unit, bool(meta.get("nullable", False)))


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Renders or checks; the exit code."""
    parser = argparse.ArgumentParser(description="Render everything that follows from contracts/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when something differs")
    if parser.parse_args(arguments).check:
        findings = drift(root)
        print("\n".join(findings) or "everything is as rendered")
        return 1 if findings else 0
    print("\n".join(str(path) for path in write(root)) or "nothing to do")
    return 0


if __name__ == "__main__":
    sys.exit(main())
