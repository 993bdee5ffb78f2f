"""Fields of answers: meaning from the contracts, decimals as plain text.

The marts' contracts own names, meaning and units; ``serving_api`` picks fields from their row models
(``contracts/generated/marts.py``) and describes only what is its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, Field, PlainSerializer
from pydantic.fields import FieldInfo

from contracts.render.dictionary import dictionary_columns

ORIGIN = "x-column"
"""Key of a field's JSON schema: ``mart.column`` or ``column`` that its meaning comes from."""


def _plain(value: Decimal) -> str:
    return format(value, "f")


Exact = Annotated[
    Decimal,
    PlainSerializer(_plain, return_type=str, when_used="json"),
    Field(examples=["1234.5600"]),
]
"""A decimal that leaves as a string with every digit that the warehouse holds, never with an exponent."""


def of(mart: type[BaseModel], column: str, note: str = "") -> Any:
    """The field of a mart's column: its description and unit.

    Args:
        mart: row model out of ``contracts.generated.marts``.
        column: name of the column.
        note: what the API adds to the column's own meaning, as a sentence.

    Raises:
        KeyError: the mart has no such column.
    """
    return _field(mart.model_fields[column], f"{mart.__name__}.{column}", note)


def meaning(column: str, note: str = "") -> Any:
    """The field of a column out of ``contracts/columns.py`` that no mart shows.

    Raises:
        KeyError: there is no such column.
    """
    described = dictionary_columns()[column]
    return Field(description=_told(described.description, note), json_schema_extra={ORIGIN: column})


def _field(info: FieldInfo, origin: str, note: str) -> Any:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    return Field(description=_told(info.description, note), json_schema_extra={**extra, ORIGIN: origin})


def _told(description: str | None, note: str) -> str:
    return f"{description} {note}".strip()
