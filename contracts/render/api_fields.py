"""The API's row models: pydantic classes, rendered from what the marts promise.

The marts' YAML owns names, types, meaning and nullability; the API picks fields from these models and writes no
description of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

PYTHON_TYPES = {
    "bigint": "int",
    "integer": "int",
    "text": "str",
    "boolean": "bool",
    "date": "date",
    "numeric": "Decimal",
    "timestamp with time zone": "datetime",
}
"""Data type in a mart's contract, without its precision, to the type in Python. Money and ratios stay Decimal from the
warehouse to JSON."""


@dataclass(frozen=True)
class MartColumn:
    """One column as its mart's contract states it; ``unit`` is None where there is none."""

    name: str
    data_type: str
    description: str
    unit: str | None
    is_nullable: bool


@dataclass(frozen=True)
class Mart:
    """One mart: its model's name, its description (grain sentence included) and its columns in order."""

    name: str
    description: str
    columns: tuple[MartColumn, ...]


class UnknownDataTypeError(ValueError):
    """A mart's contract uses a data type that has no agreed form in Python."""


def api_fields_module(marts: Iterable[Mart]) -> str:
    """Source text of ``contracts/generated/marts.py``: one model a mart, fields in the mart's order.

    Raises:
        UnknownDataTypeError: a column's data type has no agreed form; the message names mart and column.
    """
    classes = [_class(mart) for mart in sorted(marts, key=lambda mart: mart.name)]
    head = (
        '"""Rows of the marts, as the API may show them.\n\n'
        "Rendered by tools/render_contracts.py from the contracts in dbt_project/models/marts; change those instead.\n"
        '"""\n\n'
        "from __future__ import annotations\n\n"
        "from datetime import date, datetime\nfrom decimal import Decimal\n\n"
        "from pydantic import BaseModel, ConfigDict, Field\n"
    )
    return head + "".join(f"\n\n{text}" for text in classes)


def class_name(mart: str) -> str:
    """The model's class name: ``fct_position_daily`` is ``FctPositionDaily``."""
    return "".join(part.capitalize() for part in mart.split("_"))


def _class(mart: Mart) -> str:
    fields = "\n".join(_field(mart.name, column) for column in mart.columns)
    return (
        f"class {class_name(mart.name)}(BaseModel):\n"
        f"    {_docstring(mart.description)}\n\n"
        "    model_config = ConfigDict(frozen=True, from_attributes=True)\n\n"
        f"{fields}\n"
    )


def _docstring(text: str) -> str:
    plain = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{plain}"""'


def _field(mart: str, column: MartColumn) -> str:
    python_type = PYTHON_TYPES.get(column.data_type.split("(", 1)[0])
    if python_type is None:
        raise UnknownDataTypeError(f"{mart}.{column.name}: no form in Python for {column.data_type!r}")
    optional = " | None" if column.is_nullable else ""
    extra = f", json_schema_extra={{'unit': {column.unit!r}}}" if column.unit else ""
    return f"    {column.name}: {python_type}{optional} = Field(description={column.description!r}{extra})"
