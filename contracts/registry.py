"""Every table, by its one name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from contracts.table import Table
from contracts.tables import accounting, canonical, landing, quality

_MODULES = (landing, canonical, quality, accounting)

TABLES: Final = MappingProxyType(
    {table.full_name: table for module in _MODULES for table in vars(module).values() if isinstance(table, Table)}
)
"""``schema.table`` to its contract, in the order in which data flows."""


def table(full_name: str) -> Table:
    """The contract called ``full_name``.

    Raises:
        KeyError: there is none; the message lists those that exist.
    """
    try:
        return TABLES[full_name]
    except KeyError:
        raise KeyError(f"no contract {full_name!r}; there are: {', '.join(TABLES)}") from None
