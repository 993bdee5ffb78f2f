"""The Great Expectations form of a table contract: the base suite, as plain data.

Belongs here: which expectation a column's dtype, nullability, bounds or the table's key becomes. Does not belong here:
Great Expectations itself (only ``assets/quality`` imports it), nor business rules, which are written by hand there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal, TypedDict

import dataframely as dy

from contracts.table import Table


class Expectation(TypedDict):
    """One expectation: the name of its class, its arguments, and what its failure means for the batch."""

    type: str
    kwargs: dict[str, Any]
    severity: Literal["critical", "warning", "info"]


def base_suite(table: Table) -> list[Expectation]:
    """What every batch of the table must satisfy, in contract order; JSON-serialisable.

    The contract has refused bad rows before; the suite states the same of the batch as a whole, so that a change of
    either shows in the other.
    """
    columns = table.columns.columns()
    suite = [_critical("ExpectTableColumnsToMatchSet", column_set=list(columns), exact_match=False)]
    for name, column in columns.items():
        suite += _column_expectations(name, column)
    if len(table.key) == 1:
        suite.append(_critical("ExpectColumnValuesToBeUnique", column=table.key[0]))
    else:
        suite.append(_critical("ExpectCompoundColumnsToBeUnique", column_list=list(table.key)))
    return suite


def _column_expectations(name: str, column: dy.Column) -> list[Expectation]:
    found = []
    if not column.nullable:
        found.append(_critical("ExpectColumnValuesToNotBeNull", column=name))
    match column:
        case dy.Enum():
            found.append(_critical("ExpectColumnValuesToBeInSet", column=name, value_set=list(column.categories)))
        case dy.String():
            if column.max_length is not None:
                found.append(_critical("ExpectColumnValueLengthsToBeBetween", column=name, max_value=column.max_length))
            if column.regex is not None:
                found.append(_critical("ExpectColumnValuesToMatchRegex", column=name, regex=column.regex))
        case dy.Int64() | dy.Decimal():
            if column.min is not None:
                found.append(_critical("ExpectColumnValuesToBeBetween", column=name, min_value=_whole(column.min)))
            if column.min_exclusive is not None:
                found.append(
                    _critical(
                        "ExpectColumnValuesToBeBetween",
                        column=name,
                        min_value=_whole(column.min_exclusive),
                        strict_min=True,
                    )
                )
    return found


def _critical(kind: str, **kwargs: Any) -> Expectation:
    return {"type": kind, "kwargs": kwargs, "severity": "critical"}


def _whole(bound: int | Decimal) -> int:
    """The bound as an integer, which JSON holds exactly.

    Raises:
        ValueError: the bound has a fraction; it would need a form of its own.
    """
    if bound != int(bound):
        raise ValueError(f"a bound with a fraction has no form in the suite: {bound}")
    return int(bound)
