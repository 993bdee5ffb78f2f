"""Short spellings of canonical rows for the tests of this room: what is not said has a harmless value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from contracts.registry import TABLES

TENANT = 7
DAY0 = date(2022, 3, 1)
USD, EUR = 900, 901
CURRENCY_KEYS = pl.DataFrame({"currency": ["USD", "EUR"], "security_key": [USD, EUR]})


def day(n: int) -> date:
    return DAY0 + timedelta(days=n)


def at(n: int, hour: int = 20) -> datetime:
    """Evening of day n: when the files of the day arrive."""
    return datetime(DAY0.year, DAY0.month, DAY0.day, hour, tzinfo=UTC) + timedelta(days=n)


def frame(table: str, rows: Sequence[Mapping[str, Any]], **defaults: Any) -> pl.DataFrame:
    schema = TABLES[table].polars_schema
    full = [{name: row.get(name, defaults.get(name)) for name in schema} for row in rows]
    return pl.DataFrame(full, schema=schema, orient="row")


def transactions(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Rows default to a BUY of 10 units of security 1 for 1000 USD on day 1, natural key 'k'."""
    filled = []
    for line, row in enumerate(rows, start=1):
        known = row.get("known_at", at(1))
        base = {
            "natural_key": "k", "source_file_id": 100, "security_key": 1, "transaction_type": "BUY",
            "trade_date": day(1), "quantity": Decimal(10), "amount": Decimal(-1000), "source_line": line,
            "logical_name": f"file-{row.get('source_file_id', 100)}",
        }  # fmt: skip
        filled.append({**base, **row, "known_at": known})
    zero = Decimal(0)
    return frame(
        "canonical.transaction", filled, tenant_key=TENANT, account_key=1, currency="USD", is_cancel=False,
        occurrence=1,
        connection_id="c", provider_code="X", commission=zero, fees=zero, accrued_interest=zero, tax_withheld=zero,
    )  # fmt: skip


def files(*rows: Mapping[str, Any]) -> pl.DataFrame:
    full = [{"logical_name": f"file-{row['source_file_id']}", **row} for row in rows]
    return frame(
        "landing.file_parse", full, tenant_key=TENANT, parser_version="1", connection_id="c", adapter="a",
        parse_status="parsed", is_refresh=True, record_count=0, parsed_count=0, quarantined_count=0, known_at=at(1),
    )  # fmt: skip


def windows(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame("canonical.statement_window", list(rows), tenant_key=TENANT, account_key=1, connection_id="c")


def custodian_positions(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame(
        "canonical.custodian_position", list(rows), tenant_key=TENANT, account_key=1, security_key=1, as_of_date=day(0),
        position_side="long", sub_account="cash", is_delta=False, source_file_id=50, currency="USD", connection_id="c",
        known_at=at(0), source_line=1,
    )  # fmt: skip


def balances(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame(
        "canonical.custodian_balance", list(rows), tenant_key=TENANT, account_key=1, currency="USD",
        balance_type="cash_trade_date", as_of_date=day(0), source_file_id=51, connection_id="c", known_at=at(0),
        source_line=1,
    )  # fmt: skip


def prices(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame(
        "canonical.price", list(rows), tenant_key=0, security_key=1, price_date=day(0), price_source="vendor",
        source_file_id=60, source_line=1, currency="USD", known_at=at(0),
    )  # fmt: skip


def fx(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame(
        "canonical.fx_rate", list(rows), base_code="EUR", quote_code="USD", rate_date=day(0), rate_source="ecb",
        source_file_id=70, known_at=at(0), source_line=1,
    )  # fmt: skip


def securities(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame(
        "canonical.security", list(rows), tenant_key=0, security_key=1, source_file_id=80, source_line=1,
        security_id="s", security_name="S", security_type="equity", asset_class="equity", currency="USD",
        price_factor=Decimal(1), multiplier=Decimal(1), adapter="a", business_date=day(0), known_at=at(0),
    )  # fmt: skip


def accounts(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame(
        "canonical.account", list(rows), tenant_key=TENANT, account_key=1, source_file_id=90, account_id="a",
        custodian="schwab", account_number="1", tax_status="taxable", account_status="open", base_currency="USD",
        business_date=day(0), known_at=at(0), source_line=1,
    )  # fmt: skip


def entries(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Ledger entries: by default a booked BUY that moves nothing on day 1, known that evening."""
    zero = Decimal(0)
    keyed = [{"natural_key": f"e{n}", **row} for n, row in enumerate(rows)]
    return frame(
        "accounting.ledger_entry", keyed, tenant_key=TENANT, account_key=1, known_from=at(0), methodology_version="1.0",
        entry_type="BUY", entry_status="booked", effective_date=day(1), quantity=zero, amount=zero, currency="USD",
        table_name="canonical.transaction", source_file_id=100, source_line=1,
    )  # fmt: skip
