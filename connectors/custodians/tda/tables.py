"""The connector's data: layouts and tables of codes, read from the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable, meaning_of
from connectors.formats.flat import FlatLayout, read_layouts
from contracts.vocabularies import ASSET_CLASSES, SECURITY_TYPES, SUB_ACCOUNTS, TAX_STATUSES, TRANSACTION_TYPES

FOLDER: Final = Path(__file__).resolve().parent
LAYOUTS_PATH: Final = FOLDER / "layouts.csv"
SIGNS: Final = ("plus", "minus", "zero", "stated")

TRANSACTIONS: Final = CodeTable(
    "transactions",
    FOLDER / "codes.csv",
    ("code",),
    ("transaction_type", "short_type", "cash_type", "quantity_sign", "amount_sign"),
    {
        "transaction_type": TRANSACTION_TYPES, "short_type": TRANSACTION_TYPES, "cash_type": TRANSACTION_TYPES,
        "quantity_sign": SIGNS, "amount_sign": SIGNS,
    },
)  # fmt: skip
"""Transaction code to its type (in the short part, and for cash, to another one) and to where its signs come from."""
SECURITY_TYPE_CODES: Final = CodeTable(
    "security_types",
    FOLDER / "security_types.csv",
    ("code",),
    ("security_type", "asset_class", "price_factor", "multiplier"),
    {"security_type": SECURITY_TYPES, "asset_class": ASSET_CLASSES},
)
ACCOUNT_TYPES: Final = CodeTable(
    "account_types", FOLDER / "account_types.csv", ("code",), ("sub_account",), {"sub_account": SUB_ACCOUNTS}
)
FLAGS: Final = CodeTable("flags", FOLDER / "flags.csv", ("code",), ("is_set",), {"is_set": ("true", "false")})
REGISTRATIONS: Final = CodeTable(
    "registrations", FOLDER / "registrations.csv", ("code",), ("tax_status",), {"tax_status": TAX_STATUSES}
)
SYMBOLS: Final = CodeTable("symbols", FOLDER / "symbols.csv", ("symbol",), ("cusip",))
"""Symbol to CUSIP: the files name shares by symbol alone, so only the firm can say; the connector's table is empty."""

TABLES: Final = (TRANSACTIONS, SECURITY_TYPE_CODES, ACCOUNT_TYPES, FLAGS, REGISTRATIONS, SYMBOLS)


@cache
def layout(file: str, record: str = "plain") -> FlatLayout:
    """The layout of one record type of one file, such as ``TRN``, ``activity``."""
    return _layouts()[file, record]


def meanings(table: CodeTable, column: str, connection: Connection) -> dict[str, str]:
    """Code to what ``column`` says of it, as this connection has it; codes without such a meaning are left out."""
    found = table.meaning(column, connection.codes.get(table.name))
    return {code: meaning for code, meaning in found.items() if meaning}


def mapped(text: pl.Expr, meaning: Mapping[str, str], dtype: pl.DataType | None = None) -> pl.Expr:
    """The meaning of each text, as String or the Enum ``dtype``; null where there is none."""
    return meaning_of(text, meaning, dtype)


@cache
def _layouts() -> Mapping[tuple[str, str], FlatLayout]:
    return read_layouts(LAYOUTS_PATH)
