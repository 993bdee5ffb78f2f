"""FactSet's tables beside this module: members of records, events, currencies, and the firm's universe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable, meaning_of
from connectors.formats.named_columns import Names, read_names
from contracts.vocabularies import CORPORATE_ACTION_TYPES

FOLDER: Final = Path(__file__).parent
LAYOUTS: Final = FOLDER / "layouts.csv"
EVENTS: Final = CodeTable(
    "events", FOLDER / "events.csv", ("code",), ("action_type",), {"action_type": CORPORATE_ACTION_TYPES}
)
MINOR_UNITS: Final = CodeTable("minor_units", FOLDER / "minor_units.csv", ("code",), ("currency",))
UNIVERSE: Final = CodeTable(
    "universe", FOLDER / "universe.csv", ("identifier",), ("asset_class",), {"asset_class": ("equity", "index", "bond")}
)
"""The firm's own list of what to ask for; the connector's is empty."""
CODES: Final = (EVENTS, MINOR_UNITS, UNIVERSE)


@cache
def names(record: str) -> Names:
    """What the members of a kind of record mean."""
    return read_names(LAYOUTS)[record]


def hundredths(connection: Connection) -> Mapping[str, str]:
    """Code of a minor unit to its currency."""
    return MINOR_UNITS.meaning("currency", connection.codes.get(MINOR_UNITS.name))


def event_type(connection: Connection, code: pl.Expr) -> pl.Expr:
    """Our type of an event code; null where it is not listed."""
    return meaning_of(code, EVENTS.meaning("action_type", connection.codes.get(EVENTS.name)))
