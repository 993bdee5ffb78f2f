"""The connector's tables: sections, layouts and codes. All of them are data beside this module."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from connectors.connection import Connection
from connectors.formats.codes import CodeTable
from contracts.vocabularies import ASSET_CLASSES, SECURITY_TYPES, TAX_STATUSES, TRANSACTION_TYPES

FOLDER: Final = Path(__file__).parent
LAYOUTS: Final = FOLDER / "layouts.csv"
_TYPE: Final = {"transaction_type": TRANSACTION_TYPES}


def _table(name: str, key: tuple[str, ...], **meanings: tuple[str, ...]) -> CodeTable:
    closed = {meaning: allowed for meaning, allowed in meanings.items() if allowed}
    return CodeTable(name, FOLDER / f"{name}.csv", key, tuple(meanings), closed)


SECTIONS: Final = _table("sections", ("element",), section=(), use=("read", "ignored"))
ASSETS: Final = _table(
    "assets", ("category", "sub_category"), security_type=SECURITY_TYPES, asset_class=ASSET_CLASSES, price_factor=()
)
CASH_TYPES: Final = _table("cash_types", ("type", "sign"), **_TYPE)
DIVIDEND_WORDINGS: Final = _table("dividend_wordings", ("wording",), **_TYPE)
TRADE_TYPES: Final = _table("trade_types", ("type",), action=("trade", "cancel"))
TRADE_NOTES: Final = _table("trade_notes", ("instrument", "note"), **_TYPE)
OPTION_EVENTS: Final = _table("option_events", ("type",), **_TYPE)
TRANSFER_TYPES: Final = _table("transfer_types", ("type",), kind=("transfer", "journal"))
CORPORATE_ACTIONS: Final = _table("corporate_actions", ("type",), **_TYPE)
CUSTOMERS: Final = _table("customers", ("customer_type",), tax_status=TAX_STATUSES)
CODES: Final = (
    SECTIONS, ASSETS, CASH_TYPES, DIVIDEND_WORDINGS, TRADE_TYPES, TRADE_NOTES, OPTION_EVENTS, TRANSFER_TYPES,
    CORPORATE_ACTIONS, CUSTOMERS,
)  # fmt: skip


def meaning(table: CodeTable, column: str, connection: Connection) -> dict[str, str]:
    """Code to what ``column`` says of it, the firm's own rows first; without the codes of which it says nothing."""
    found = table.meaning(column, connection.codes.get(table.name))
    return {code: said for code, said in found.items() if said}


@cache
def needs() -> Mapping[str, Mapping[str, str]]:
    """Element to its attributes, each with what is asked of it.

    value: it must be there and not blank; column: the query must give it, and it may be blank; option: neither.
    """
    found: dict[str, dict[str, str]] = {}
    with LAYOUTS.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found.setdefault(row["record"], {})[row["field"]] = row["need"]
    return found
