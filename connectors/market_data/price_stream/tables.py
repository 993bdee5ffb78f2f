"""The tables beside this module: members of messages, what types mean, exchanges and their time zones, classes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from connectors.connection import Connection
from connectors.formats.codes import CodeTable, Row
from connectors.formats.named_columns import Names, read_names
from contracts.vocabularies import ASSET_CLASSES, SECURITY_TYPES

FOLDER: Final = Path(__file__).parent
FIELDS: Final = FOLDER / "fields.csv"
MESSAGES: Final = CodeTable(
    "messages", FOLDER / "messages.csv", ("type",), ("reads",), {"reads": ("price", "close", "security", "nothing")}
)
EXCHANGES: Final = CodeTable("exchanges", FOLDER / "exchanges.csv", ("exchange",), ("time_zone",))
CLASSES: Final = CodeTable(
    "classes",
    FOLDER / "classes.csv",
    ("class",),
    ("security_type", "asset_class", "price_factor"),
    {"security_type": SECURITY_TYPES, "asset_class": ASSET_CLASSES, "price_factor": ("1", "0.01")},
)
CODES: Final = (MESSAGES, EXCHANGES, CLASSES)


@cache
def names() -> Names:
    """Our fields to the members of a message, over all records of ``fields.csv``."""
    return {field: sources for record in read_names(FIELDS).values() for field, sources in record.items()}


def readings(connection: Connection) -> Mapping[str, str]:
    """Type of a message to how it is read: price, close, security or nothing."""
    return MESSAGES.meaning("reads", connection.codes.get(MESSAGES.name))


def zones(connection: Connection) -> Mapping[str, str]:
    """Exchange to its time zone. An exchange whose zone does not exist is left out, as if it were not listed."""
    found = EXCHANGES.meaning("time_zone", connection.codes.get(EXCHANGES.name))
    return {exchange: zone for exchange, zone in found.items() if _is_zone(zone)}


def classes(connection: Connection) -> Mapping[str, Row]:
    """Class of a security to the row that says what it is."""
    return CLASSES.rows(connection.codes.get(CLASSES.name))


@cache
def _is_zone(name: str) -> bool:
    try:
        return ZoneInfo(name).key == name and "/" in name
    except (KeyError, ValueError, OSError):
        return False
