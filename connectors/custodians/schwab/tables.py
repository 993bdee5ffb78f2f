"""The connector's data: layouts and code tables, read from the files beside it when first needed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from connectors.formats.layouts import Layout, read_layouts

FOLDER: Final = Path(__file__).resolve().parent
DIRECTIONS: Final = ("DEBIT", "CREDIT", "")


@dataclass(frozen=True)
class TransactionCodes:
    """What a transaction's code, sub-code and direction mean, keyed by the three joined with ``/``.

    Attributes:
        types: to our transaction type.
        quantity_signs: to plus, minus, zero, direction (CREDIT adds, DEBIT takes) or split (as direction, else plus).
        amount_signs: to direction or zero.
    """

    types: Mapping[str, str]
    quantity_signs: Mapping[str, str]
    amount_signs: Mapping[str, str]


@cache
def layout(file: str, record: str) -> Layout:
    """The layout of one record type of one file, such as ``CRS.TRN``, ``D1``."""
    return _layouts()[file, record]


@cache
def transaction_codes() -> TransactionCodes:
    """The table ``codes.csv``; a direction of ``any`` stands for both and for none."""
    types: dict[str, str] = {}
    quantity_signs: dict[str, str] = {}
    amount_signs: dict[str, str] = {}
    for row in _rows("codes.csv"):
        for direction in DIRECTIONS if row["direction"] == "any" else (row["direction"],):
            key = f"{row['code']}/{row['sub_code']}/{direction}"
            types[key] = row["transaction_type"]
            quantity_signs[key] = row["quantity_sign"]
            amount_signs[key] = row["amount_sign"]
    return TransactionCodes(types, quantity_signs, amount_signs)


@cache
def security_types() -> Mapping[str, Mapping[str, str]]:
    """The table ``security_types.csv``, keyed by the kind of code and the code, as in ``category/ETF``."""
    return {f"{row['code_of']}/{row['code']}": row for row in _rows("security_types.csv")}


@cache
def tax_statuses() -> Mapping[str, str]:
    """The table ``registrations.csv``: registration to tax status."""
    return {row["registration"]: row["tax_status"] for row in _rows("registrations.csv")}


@cache
def _layouts() -> Mapping[tuple[str, str], Layout]:
    return read_layouts(FOLDER / "layouts.csv")


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
