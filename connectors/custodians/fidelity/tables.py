"""The connector's data: layouts and code tables, read from the files beside it when first needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable
from connectors.formats.flat import FlatLayout, read_layouts
from contracts.vocabularies import (
    ASSET_CLASSES,
    BALANCE_TYPES,
    SECURITY_TYPES,
    SUB_ACCOUNTS,
    TAX_STATUSES,
    TRANSACTION_TYPES,
)

FOLDER: Final = Path(__file__).resolve().parent
LAYOUT_FILE: Final = FOLDER / "layouts.csv"
SIGNS: Final = ("plus", "minus", "any", "zero")

AMOUNTS: Final = CodeTable(
    "amounts", FOLDER / "amounts.csv", ("field",), ("balance_type", "plus_means"),
    {"balance_type": BALANCE_TYPES, "plus_means": ("credit", "debit")},
)  # fmt: skip
BOOKKEEPING: Final = CodeTable(
    "bookkeeping", FOLDER / "bookkeeping.csv", ("key_code", "mnemonic"),
    ("transaction_type", "quantity_sign", "amount_sign"),
    {"transaction_type": TRANSACTION_TYPES, "quantity_sign": SIGNS, "amount_sign": ("any", "zero")},
)  # fmt: skip
SECURITY_TYPE: Final = CodeTable(
    "security_types", FOLDER / "security_types.csv", ("security_type",),
    ("meaning", "asset_class", "price_factor", "multiplier"),
    {"meaning": SECURITY_TYPES, "asset_class": ASSET_CLASSES, "price_factor": ("1", "0.01"),
     "multiplier": ("1", "100")},
)  # fmt: skip
REGISTRATIONS: Final = CodeTable(
    "registrations", FOLDER / "registrations.csv", ("registration",), ("tax_status",), {"tax_status": TAX_STATUSES}
)
ACCOUNT_TYPES: Final = CodeTable(
    "account_types", FOLDER / "account_types.csv", ("account_type",), ("sub_account",), {"sub_account": SUB_ACCOUNTS}
)
DELTAS: Final = CodeTable(
    "deltas", FOLDER / "deltas.csv", ("delta_indicator",), ("state",), {"state": ("stated", "gone")}
)
ACTIONS: Final = CodeTable(
    "actions", FOLDER / "actions.csv", ("prefix",), ("transaction_type", "quantity_sign", "amount_sign"),
    {"transaction_type": TRANSACTION_TYPES, "quantity_sign": SIGNS, "amount_sign": ("any", "zero")},
)  # fmt: skip
HISTORY_COLUMNS: Final = CodeTable(
    "history_columns", FOLDER / "history_columns.csv", ("title",), ("field",),
    {"field": (
        "run_date", "action", "symbol", "description", "type", "quantity", "price", "commission", "fees",
        "accrued_interest", "amount", "cash_balance", "settlement_date",
    )},
)  # fmt: skip
"""Titles of the retail history's columns, to the fields of ``layouts.csv``."""
CODES: Final = (AMOUNTS, BOOKKEEPING, SECURITY_TYPE, REGISTRATIONS, ACCOUNT_TYPES, DELTAS, ACTIONS, HISTORY_COLUMNS)


@cache
def layout(file: str, record: str) -> FlatLayout:
    """The layout of one record of one kind of file, such as ``POSIT``, ``D``."""
    return _layouts()[file, record]


def meanings(table: CodeTable, column: str, connection: Connection) -> dict[str, str]:
    """Code to its meaning in ``column``, the firm's own rows first; blank meanings are left out."""
    return {code: text for code, text in table.meaning(column, connection.codes.get(table.name)).items() if text}


def meant(code: pl.Expr, table: CodeTable, column: str, connection: Connection) -> pl.Expr:
    """What a code means, null for one that the table lacks."""
    known = meanings(table, column, connection)
    return code.replace_strict(
        pl.Series(list(known), dtype=pl.String),
        pl.Series(list(known.values()), dtype=pl.String),
        default=None,
        return_dtype=pl.String,
    )


@cache
def _layouts() -> Mapping[tuple[str, str], FlatLayout]:
    return read_layouts(LAYOUT_FILE)
