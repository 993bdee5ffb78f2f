"""Rows of which a file may hold only one per key: accounts, windows, positions, balances and prices.

A broker lists one security once per sub-account (cash, margin), and a document may hold several statements of one
account. Within a statement positions of one key add up; across statements they must agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from connectors.custodians.ofx.records import Row
from connectors.custodians.ofx.securities import identity
from connectors.custodians.ofx.statements import Statement

_LARGEST: Final = {"quantity": Decimal(10) ** 12, "market_value": Decimal(10) ** 16}


@dataclass
class SnapshotRows:
    """The rows gathered so far, by key."""

    _accounts: dict[str, Row] = field(default_factory=dict)
    _windows: dict[str, tuple[int, date, date]] = field(default_factory=dict)
    _positions: dict[tuple[object, ...], tuple[Statement, dict[str, object]]] = field(default_factory=dict)
    _balances: dict[tuple[object, ...], Row] = field(default_factory=dict)

    def add_account(self, statement: Statement) -> None:
        """The account that a statement names; of several statements the one of the latest day describes it."""
        known = self._accounts.get(statement.account_number)
        if known is not None and str(known["business_date"]) >= statement.as_of_date.isoformat():
            return
        self._accounts[statement.account_number] = {
            "source_line": statement.element.line,
            "account_number": statement.account_number,
            "master_account_number": None,
            "account_name": None,
            "account_type": statement.account_type,
            "tax_status": "unknown",
            "account_status": "open",
            "base_currency": statement.currency,
            "opened_date": None,
            "closed_date": None,
            "business_date": statement.as_of_date,
        }

    def add_window(self, line: int, account_number: str, first: date, last: date) -> None:
        """The days that a list covers. Windows that meet become one; of two with a gap between them the later stays."""
        known = self._windows.get(account_number)
        if known is not None:
            known_line, known_first, known_last = known
            one_day = timedelta(days=1)
            if first <= known_last + one_day and known_first <= last + one_day:
                line, first, last = known_line, min(first, known_first), max(last, known_last)
            elif known_last > last:
                return
        self._windows[account_number] = (line, first, last)

    def take(self, table_name: str, row: Row, statement: Statement) -> bool:
        """Whether the position or balance fits what is known: a new key, an equal row, or one more sub-account."""
        if table_name == "canonical.custodian_balance":
            balance_key = (row["account_number"], row["currency"], row["balance_type"], row["as_of_date"])
            return self._balances.setdefault(balance_key, row)["balance"] == row["balance"]
        key = (row["account_number"], *identity(row), row["as_of_date"], row["position_side"])
        known = self._positions.get(key)
        if known is None:
            self._positions[key] = (statement, dict(row))
            return True
        first_statement, merged = known
        if first_statement is not statement:
            return all(merged[name] == row[name] for name in ("quantity", "market_value", "currency"))
        if merged["currency"] != row["currency"]:
            return False
        sums = {name: _sum(merged[name], row[name]) for name in _LARGEST}
        if any(total is not None and abs(total) >= _LARGEST[name] for name, total in sums.items()):
            return False
        merged.update(sums)
        return True

    def tables(self) -> Iterator[tuple[str, list[Row]]]:
        """Every table with its rows; prices are those of the positions, one per security, day and currency."""
        yield "canonical.account", list(self._accounts.values())
        yield (
            "canonical.statement_window",
            [
                {"source_line": line, "account_number": account_number, "valid_from": first, "valid_to": last}
                for account_number, (line, first, last) in self._windows.items()
            ],
        )
        yield "canonical.custodian_position", [row for _, row in self._positions.values()]
        yield "canonical.custodian_balance", list(self._balances.values())
        yield "canonical.price", self._prices()

    def _prices(self) -> list[Row]:
        found: dict[tuple[object, ...], Row] = {}
        for _, row in self._positions.values():
            if row["price"] is None:
                continue
            price_date = row["price_date"] or row["as_of_date"]
            key = (*identity(row), price_date, row["currency"])
            found.setdefault(key, {**row, "price_date": price_date})
        return list(found.values())


def _sum(first: object, second: object) -> Decimal | None:
    if isinstance(first, Decimal) and isinstance(second, Decimal):
        return first + second
    return None
