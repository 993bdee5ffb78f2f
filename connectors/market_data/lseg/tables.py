"""DataScope's tables beside this module: columns, types, events, currencies, what notes say."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable, meaning_of
from connectors.formats.named_columns import Names, read_names
from contracts.vocabularies import ASSET_CLASSES, CORPORATE_ACTION_TYPES, REJECT_REASONS, SECURITY_TYPES

FOLDER: Final = Path(__file__).parent
LAYOUTS: Final = FOLDER / "layouts.csv"

TYPES: Final = CodeTable(
    "asset_types",
    FOLDER / "asset_types.csv",
    ("code",),
    ("security_type", "asset_class", "price_factor", "multiplier"),
    {"security_type": SECURITY_TYPES, "asset_class": ASSET_CLASSES},
)
ACTIONS: Final = CodeTable(
    "actions", FOLDER / "actions.csv", ("code",), ("action_type",), {"action_type": CORPORATE_ACTION_TYPES}
)
STATUSES: Final = CodeTable(
    "statuses", FOLDER / "statuses.csv", ("code",), ("is_cancelled",), {"is_cancelled": ("yes", "no")}
)
MINOR_UNITS: Final = CodeTable("minor_units", FOLDER / "minor_units.csv", ("code",), ("currency",))
PAIRS: Final = CodeTable("currency_rics", FOLDER / "currency_rics.csv", ("code",), ("base_code", "quote_code"))
NOTES: Final = CodeTable("notes", FOLDER / "notes.csv", ("phrase",), ("reason", "meaning"), {"reason": REJECT_REASONS})
UNIVERSE: Final = CodeTable(
    "universe",
    FOLDER / "universe.csv",
    ("identifier",),
    ("identifier_type", "asset_class"),
    {"identifier_type": ("Ric", "Isin", "Cusip", "Sedol"), "asset_class": ("security", "index", "currency")},
)
"""The firm's own list of what to ask for; the connector's is empty."""
CODES: Final = (TYPES, ACTIONS, STATUSES, MINOR_UNITS, PAIRS, NOTES, UNIVERSE)


@cache
def names(record: str) -> Names:
    """What the columns of a kind of record mean."""
    return read_names(LAYOUTS)[record]


def told(table: CodeTable, column: str, connection: Connection) -> Mapping[str, str]:
    """Code to what the table says of it, completed by the firm."""
    return table.meaning(column, connection.codes.get(table.name))


def meaning(table: CodeTable, column: str, connection: Connection, code: pl.Expr) -> pl.Expr:
    """What ``column`` of the table says of ``code``; null where it says nothing or the code is not listed."""
    return meaning_of(code, told(table, column, connection))
