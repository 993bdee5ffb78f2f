"""The reference page of all tables: one heading a table, with grain, key, unit and meaning of every column."""

from __future__ import annotations

from collections.abc import Iterable

import dataframely as dy
import polars as pl

from contracts.table import Table

_KEEPING = {
    "loaded": "lake and warehouse; visible once published",
    "appended": "lake and warehouse",
    None: "lake",
}
_SCOPE = {"tenant": "per tenant", "shared": "shared by all tenants", "either": "per tenant or shared"}
_KIND = {
    "ledger": "appended once per event",
    "canonical": "replaced whole per source file",
    "computed": "versioned by known_from",
}


def reference_page(tables: Iterable[Table]) -> str:
    """The page as Markdown, tables in the order in which data flows."""
    sections = [_section(table) for table in tables]
    head = (
        "# Tables\n\nRendered by `tools/render_contracts.py` from `contracts/`; change the contract instead.\n"
        "What the numbers mean is stated in docs/methodology.md. Every table's name is the same in the lake, the\n"
        "warehouse, the asset graph and dbt.\n"
    )
    return "\n".join([head, *sections])


def type_name(dtype: pl.DataType) -> str:
    """The column's type in words that hold in every store, such as ``decimal(20, 4)``."""
    match dtype:
        case pl.Decimal():
            return f"decimal({dtype.precision}, {dtype.scale})"
        case pl.Enum():
            return "code"
        case pl.Datetime():
            return "instant"
        case pl.String():
            return "text"
        case pl.Boolean():
            return "boolean"
        case _:
            return type(dtype).__name__.lower()


def _section(table: Table) -> str:
    key = ", ".join(f"`{name}`" for name in table.key)
    rows = [_row(name, column) for name, column in table.columns.columns().items()]
    return "\n".join(
        [
            f"## {table.full_name}\n",
            f"{(table.columns.__doc__ or '').strip()}\n",
            f"- Grain: {table.grain}.",
            f"- Key: {key}.",
            f"- Kept: {_KEEPING[table.warehouse]}; {_SCOPE[table.scope]}; {_KIND[table.kind]}.",
            f"- Effective date: {f'`{table.date_column}`' if table.date_column else 'none'}.\n",
            "| column | type | unit | null | meaning |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _row(name: str, column: dy.Column) -> str:
    unit = (column.metadata or {}).get("unit") or ""
    text = column.description or ""
    if isinstance(column, dy.Enum):
        text += " One of " + ", ".join(f"`{value}`" for value in column.categories) + "."
    cells = (f"`{name}`", type_name(column.dtype), unit, "yes" if column.nullable else "", text.replace("|", "\\|"))
    return "| " + " | ".join(cells) + " |"
