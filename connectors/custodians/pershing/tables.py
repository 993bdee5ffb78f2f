"""The connector's data: layouts, which way each signed field counts, and code tables, from the files beside it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats.codes import CodeTable, meaning_of
from connectors.formats.flat import FlatLayout, read_layouts
from contracts.vocabularies import ASSET_CLASSES, SECURITY_TYPES, SUB_ACCOUNTS, TAX_STATUSES, TRANSACTION_TYPES

FOLDER: Final = Path(__file__).resolve().parent
LAYOUTS: Final = FOLDER / "layouts.csv"

TRANSACTIONS: Final = CodeTable(
    "transactions",
    FOLDER / "transactions.csv",
    ("par_key", "source", "maxx_key"),
    ("transaction_type", "quantity_sign", "amount_sign"),
    {
        "transaction_type": TRANSACTION_TYPES,
        "quantity_sign": ("plus", "minus", "stated", "none"),
        "amount_sign": ("stated", "none"),
    },
)
"""The triple that is a transaction's type. plus, minus: the size, added or taken; stated: as signed in the file."""
SECURITY_TYPE_CODES: Final = CodeTable(
    "security_types",
    FOLDER / "security_types.csv",
    ("security_type_code", "modifier", "calculation", "minor_product"),
    ("security_type", "asset_class", "price_factor", "multiplier"),
    {"security_type": SECURITY_TYPES, "asset_class": ASSET_CLASSES},
)
REGISTRATIONS: Final = CodeTable(
    "registrations", FOLDER / "registrations.csv", ("registration",), ("tax_status",), {"tax_status": TAX_STATUSES}
)
ACCOUNT_TYPES: Final = CodeTable(
    "account_types", FOLDER / "account_types.csv", ("account_type",), ("sub_account",), {"sub_account": SUB_ACCOUNTS}
)
INTERNAL_CUSIPS: Final = CodeTable("internal_cusips", FOLDER / "internal_cusips.csv", ("prefix",), ("meaning",))
CODE_TABLES: Final = (TRANSACTIONS, SECURITY_TYPE_CODES, REGISTRATIONS, ACCOUNT_TYPES, INTERNAL_CUSIPS)


def layout(form: str, record: str) -> FlatLayout:
    """The layout of one record of one form, such as ``GCUS``, ``A``."""
    return _layouts()[form, record]


@cache
def counts_for_us(form: str, record: str, field: str) -> int:
    """1 where a field's ``+`` is the client's (long, credit), -1 where it is a debit.

    Raises:
        KeyError: the layout does not say which way the field counts.
    """
    return {"long": 1, "credit": 1, "positive": 1, "debit": -1}[_plus()[form, record, field]]


def redefinition(registration: str) -> str | None:
    """What columns 242 to 262 of an account are for its registration type: the name of the field, None if unknown."""
    found = (name for name, registrations in _redefined().items() if registration in registrations)
    return next(found, None)


def meaning(
    table: CodeTable, connection: Connection, code: pl.Expr, column: str, dtype: pl.DataType | None = None
) -> pl.Expr:
    """What a column of a code table says of a code, as String or ``dtype``; null where it lacks it or says nothing."""
    known = table.meaning(column, connection.codes.get(table.name))
    return meaning_of(code, known, dtype).alias(column)


def joined_text(names: Sequence[str]) -> pl.Expr:
    """Lines of a description as one text; null when all are blank."""
    text = pl.concat_str([pl.col(name) for name in names], separator=" ", ignore_nulls=True)
    return pl.when(text != "").then(text)


@cache
def _layouts() -> Mapping[tuple[str, str], FlatLayout]:
    return read_layouts(LAYOUTS)


@cache
def _plus() -> Mapping[tuple[str, str, str], str]:
    return {(row["file"], row["record"], row["field"]): row["plus"] for row in _rows() if row["plus"]}


@cache
def _redefined() -> Mapping[str, Sequence[str]]:
    return {row["field"]: row["applies_when"].split() for row in _rows() if row["applies_when"]}


def _rows() -> list[dict[str, str]]:
    with LAYOUTS.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
