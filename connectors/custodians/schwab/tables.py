"""The connector's data: layouts and tables of codes, read from the files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable, Row
from connectors.formats.layouts import Layout, read_layouts
from contracts.vocabularies import ASSET_CLASSES, HOLDING_TERMS, SECURITY_TYPES, TAX_STATUSES, TRANSACTION_TYPES

FOLDER: Final = Path(__file__).resolve().parent
LAYOUTS_PATH: Final = FOLDER / "layouts.csv"
DIRECTIONS: Final = ("DEBIT", "CREDIT", "")
ANY: Final = "any"
"""A direction of a code that stands for both and for none."""

TRANSACTIONS: Final = CodeTable(
    "transactions",
    FOLDER / "codes.csv",
    ("code", "sub_code", "direction"),
    ("transaction_type", "quantity_sign", "amount_sign"),
    {
        "transaction_type": TRANSACTION_TYPES,
        "quantity_sign": ("plus", "minus", "zero", "direction", "split"),
        "amount_sign": ("direction", "zero"),
        "direction": ("DEBIT", "CREDIT", ANY),
    },
)
"""quantity_sign: plus, minus, zero, direction (CREDIT adds, DEBIT takes) or split (as direction, else plus)."""
SECURITY_TYPE_CODES: Final = CodeTable(
    "security_types",
    FOLDER / "security_types.csv",
    ("code_of", "code"),
    ("security_type", "asset_class", "price_factor", "multiplier"),
    {"code_of": ("category", "legacy"), "security_type": SECURITY_TYPES, "asset_class": ASSET_CLASSES},
)
REGISTRATIONS: Final = CodeTable(
    "registrations", FOLDER / "registrations.csv", ("registration",), ("tax_status",), {"tax_status": TAX_STATUSES}
)
TERMS: Final = CodeTable("terms", FOLDER / "terms.csv", ("code",), ("holding_term",), {"holding_term": HOLDING_TERMS})
FLAGS: Final = CodeTable("flags", FOLDER / "flags.csv", ("code",), ("is_set",), {"is_set": ("true", "false")})

TABLES: Final = (TRANSACTIONS, SECURITY_TYPE_CODES, REGISTRATIONS, TERMS, FLAGS)


@dataclass(frozen=True)
class TransactionCodes:
    """What a transaction's code, sub-code and direction mean, keyed by the three joined with ``/``.

    Attributes:
        types: to our transaction type.
        quantity_signs: to plus, minus, zero, direction or split.
        amount_signs: to direction or zero.
    """

    types: Mapping[str, str]
    quantity_signs: Mapping[str, str]
    amount_signs: Mapping[str, str]


@cache
def layout(file: str, record: str) -> Layout:
    """The layout of one record type of one file, such as ``CRS.TRN``, ``D1``."""
    return _layouts()[file, record]


def rows(table: CodeTable, connection: Connection) -> Mapping[str, Row]:
    """Code to its row, as this connection has it."""
    return table.rows(connection.codes.get(table.name))


def transaction_codes(connection: Connection) -> TransactionCodes:
    """The table of transactions, a direction of ``any`` spread over both and none.

    A firm's own row wins over the connector's for every direction that it covers; within one table a row for the
    direction itself wins over one for any.
    """
    ours, all_rows = TRANSACTIONS.rows(), rows(TRANSACTIONS, connection)
    own = {code: row for code, row in all_rows.items() if ours.get(code) != row}
    found: dict[str, Row] = {}
    for part in (ours, own):
        for is_exact in (False, True):
            for row in part.values():
                if (row["direction"] != ANY) == is_exact:
                    directions = (row["direction"],) if is_exact else DIRECTIONS
                    found.update({f"{row['code']}/{row['sub_code']}/{way}": row for way in directions})
    said = {name: {code: row[name] for code, row in found.items()} for name in TRANSACTIONS.meanings}
    return TransactionCodes(said["transaction_type"], said["quantity_sign"], said["amount_sign"])


def mapped(text: pl.Expr, meaning: Mapping[str, str]) -> pl.Expr:
    """The meaning of each text; null where there is none."""
    return text.replace_strict(
        pl.Series(list(meaning), dtype=pl.String),
        pl.Series(list(meaning.values()), dtype=pl.String),
        default=None,
        return_dtype=pl.String,
    )


@cache
def _layouts() -> Mapping[tuple[str, str], Layout]:
    return read_layouts(LAYOUTS_PATH)
