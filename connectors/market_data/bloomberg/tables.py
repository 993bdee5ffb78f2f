"""Bloomberg's tables beside this module: fields, return codes, types, currencies, events."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable, meaning_of
from contracts.vocabularies import ASSET_CLASSES, CORPORATE_ACTION_TYPES, REJECT_REASONS, SECURITY_TYPES

FOLDER: Final = Path(__file__).parent
LAYOUTS: Final = FOLDER / "layouts.csv"

RETCODES: Final = CodeTable(
    "retcodes", FOLDER / "retcodes.csv", ("program", "code"), ("reason", "meaning"), {"reason": REJECT_REASONS}
)
MINOR_UNITS: Final = CodeTable("minor_units", FOLDER / "minor_units.csv", ("code",), ("currency",))
TYPES: Final = CodeTable(
    "security_types",
    FOLDER / "security_types.csv",
    ("code",),
    ("security_type", "asset_class", "price_factor", "multiplier"),
    {"security_type": SECURITY_TYPES, "asset_class": ASSET_CLASSES},
)
EXCHANGES: Final = CodeTable("exchanges", FOLDER / "exchanges.csv", ("code",), ("currency",))
PAIRS: Final = CodeTable("currency_pairs", FOLDER / "currency_pairs.csv", ("code",), ("base_code", "quote_code"))
ACTIONS: Final = CodeTable(
    "actions", FOLDER / "actions.csv", ("code",), ("action_type",), {"action_type": CORPORATE_ACTION_TYPES}
)
CODES: Final = (RETCODES, MINOR_UNITS, TYPES, EXCHANGES, PAIRS, ACTIONS)


def meaning(table: CodeTable, column: str, connection: Connection, code: pl.Expr) -> pl.Expr:
    """What ``column`` of the table says of ``code``; null where it says nothing or the code is not listed."""
    return meaning_of(code, table.meaning(column, connection.codes.get(table.name)))


def is_listed(table: CodeTable, connection: Connection, code: pl.Expr) -> pl.Expr:
    """Whether the table has the code."""
    return code.is_in(list(table.rows(connection.codes.get(table.name)))).fill_null(False)


@cache
def mnemonics(record: str) -> Mapping[str, Sequence[str]]:
    """Our field to the mnemonics that state it, best first, of one kind of record."""
    found: dict[str, list[str]] = {}
    with LAYOUTS.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["record"] == record and row["mnemonic"]:
                found.setdefault(row["field"], []).append(row["mnemonic"])
    return found


@cache
def action_fields() -> tuple[str, ...]:
    """The leading fields of a row of getactions, in order."""
    with LAYOUTS.open(encoding="utf-8", newline="") as stream:
        return tuple(row["field"] for row in csv.DictReader(stream) if row["record"] == "action")
