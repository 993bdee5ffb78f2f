"""The dbt form of the warehouse tables that Python writes: sources with tests, and staging models of bare selects.

A bulk-loaded table is two sources: ``<table>_published``, which models read, and ``<table>_candidate``, the loads that
nobody sees yet, which carries the tests: a bad load fails before it is published. An appended table is one source.

Belongs here: how a contract is written in dbt's YAML and SQL. Does not belong here: anything with a decision in it,
which starts in ``dbt_project/models/intermediate`` and is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable

import dataframely as dy

from contracts import columns as c
from contracts.render.sqlalchemy_table import CLOCK_COLUMNS
from contracts.render.yaml_text import Plain, yaml_text
from contracts.table import Table

HEADER = "Rendered by tools/render_contracts.py from contracts/; change the contract instead."

_DIMENSIONS = {"dim_account": ("tenant_key", "account_key"), "dim_security": ("security_key",)}

_NEWEST_WAITING_DAY = "as_of_date = (select max(as_of_date) from ops.unpublished_load)"
"""PostgreSQL itself enforces key and nulls of what is loaded; the newest day is looked at lest it should cease to."""

WITHHELD = frozenset({"raw_text"})
"""Columns that stay out of every model: the line as received may hold anything, and is read by the trace alone."""


def source_yaml(schema: str, tables: Iterable[Table]) -> str:
    """The source file of one schema: tables, columns with meaning and unit, and tests of key and nullability."""
    documents: list[Plain] = []
    for table in tables:
        if table.warehouse == "loaded":
            documents += [_source_table(table, "published"), _source_table(table, "candidate")]
        else:
            documents.append(_source_table(table, None))
    source = {"name": schema, "schema": schema, "tables": documents}
    return f"# {HEADER}\n" + yaml_text({"version": 2, "sources": [source]})


def staging_name(table: Table) -> str:
    """Name of the staging model: ``stg_<schema>__<table>``."""
    return f"stg_{table.layer}__{table.name}"


def staging_sql(table: Table) -> str:
    """The staging model: a bare select of the contract's columns, and of ``load_key`` where there are loads."""
    lines = ",\n".join(f"    {name}" for name in staging_columns(table))
    return f"-- {HEADER}\nselect\n{lines}\nfrom {{{{ source('{table.layer}', '{_published_name(table)}') }}}}\n"


def staging_yaml(tables: Iterable[Table]) -> str:
    """Descriptions of the staging models and their columns."""
    models: list[Plain] = [
        {
            "name": staging_name(table),
            "description": _description(table),
            "columns": [_column(name, column) for name, column in staging_columns(table).items()],
        }
        for table in tables
    ]
    return f"# {HEADER}\n" + yaml_text({"version": 2, "models": models})


def staging_columns(table: Table) -> dict[str, dy.Column]:
    """Columns of the staging model by name, in contract order."""
    columns = {name: column for name, column in table.columns.columns().items() if name not in WITHHELD}
    if table.warehouse == "loaded":
        columns["load_key"] = c.load_key()
    return columns


def _published_name(table: Table) -> str:
    return f"{table.name}_published" if table.warehouse == "loaded" else table.name


def _source_table(table: Table, state: str | None) -> Plain:
    """One table of a source; ``state`` is published or candidate for a bulk-loaded table, else None."""
    document: dict[str, Plain] = {
        "name": table.name if state is None else f"{table.name}_{state}",
        "description": _description(table) + (" Loads that wait for publication." if state == "candidate" else ""),
    }
    config: dict[str, Plain] = {}
    if state != "candidate":
        config["meta"] = {"dagster": {"asset_key": [table.layer, table.name]}}
    if table.full_name == "landing.file_arrival":
        config["loaded_at_field"] = "received_at"
        config["freshness"] = {"warn_after": {"count": 36, "period": "hour"}}
    if config:
        document["config"] = config
    columns = dict(table.columns.columns()) | ({"load_key": c.load_key()} if state else {})
    if state != "published":
        document["data_tests"] = _tests(table, columns)
    document["columns"] = [_column(name, column) for name, column in columns.items()]
    return document


def _tests(table: Table, columns: dict[str, dy.Column]) -> list[Plain]:
    """One test of key and nulls, whatever the width; of loads also that their keys are known to the dimensions."""
    key, not_null = list(table.key), [name for name, column in columns.items() if not column.nullable]
    if table.warehouse != "loaded":
        return [_test("grain_holds", key=key, not_null=not_null)]
    key = [*(name for name in key if name not in CLOCK_COLUMNS), "load_key"]
    tests = [_test("grain_holds", where=_NEWEST_WAITING_DAY, key=key, not_null=not_null)]
    for dimension, names in _DIMENSIONS.items():
        if set(names) <= set(columns):
            tests.append(_test("key_is_in", key=list(names), dimension=f"ref('{dimension}')"))
    return tests


def _test(name: str, *, where: str | None = None, **arguments: Plain) -> Plain:
    document: dict[str, Plain] = {"arguments": arguments}
    if where is not None:
        document["config"] = {"where": where}
    return {name: document}


def _column(name: str, column: dy.Column) -> Plain:
    meta = column.metadata or {}
    shown: dict[str, Plain] = {key: meta[key] for key in ("unit", "pii") if meta.get(key)}
    document: dict[str, Plain] = {"name": name, "description": column.description or ""}
    if shown:
        document["config"] = {"meta": shown}
    return document


def _description(table: Table) -> str:
    return f"{(table.columns.__doc__ or '').strip()} Grain: {table.grain}."
