"""Two small firms in the warehouse, worth knowing by heart: same account number, two securities, two days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from contracts.registry import TABLES, table
from contracts.table import Table
from warehouse.postgres.core import TenantDescription, sync_core
from warehouse.postgres.load import append_files, load_dates
from warehouse.postgres.publication import publish

MONDAY, TUESDAY, WEDNESDAY = date(2022, 1, 3), date(2022, 1, 4), date(2022, 1, 5)
KNOWN = datetime(2022, 1, 4, 6, 30, tzinfo=UTC)
ALDER, BIRCH = 1, 2
ACCOUNT, STOCK, USD = 1, 7, 8
FILE_OLD, FILE_NEW, FILE_BLOCKED, FILE_SHARED = 101, 102, 103, 104
LOADED = [name for name, t in TABLES.items() if t.warehouse == "loaded"]

Row = dict[str, object]


def filled(contract: Table, rows: list[Row]) -> pl.DataFrame:
    """A frame of the contract's dtypes; columns that a row leaves out are null."""
    complete = [{name: row.get(name) for name in contract.polars_schema} for row in rows]
    return pl.DataFrame(complete, schema=contract.polars_schema, orient="row")


def position(tenant: int, day: date, security: int, quantity: str, value: str, **more: object) -> Row:
    return {
        "tenant_key": tenant, "account_key": ACCOUNT, "security_key": security, "as_of_date": day, "known_from": KNOWN,
        "methodology_version": "1.0", "quantity": Decimal(quantity), "currency": "USD", "price_source": "vendor",
        "price": Decimal(1), "price_date": day, "price_age_days": 0, "is_price_stale": False,
        "market_value_local": Decimal(value), "market_value_base": Decimal(value), **more,
    }  # fmt: skip


def valuation(tenant: int, day: date, value: str, **more: object) -> Row:
    return {
        "tenant_key": tenant, "account_key": ACCOUNT, "as_of_date": day, "known_from": KNOWN,
        "methodology_version": "1.0", "base_currency": "USD", "total_value_base": Decimal(value),
        "cash_value_base": Decimal(25), "linked_return": 0.05, "position_count": 2, "unvalued_count": 0,
        "stale_count": 0, "readiness": "complete", **more,
    }  # fmt: skip


def day_of(tenant: int, day: date, stock: str, total: str) -> dict[str, pl.DataFrame]:
    """Every bulk-loaded table of one day: stock, 25 in cash, and what the account is said to be worth."""
    rows: dict[str, list[Row]] = {
        "accounting.position": [
            position(tenant, day, STOCK, "10", stock),
            position(tenant, day, USD, "25", "25"),
        ],
        "accounting.account_valuation": [valuation(tenant, day, total)],
        "quality.feed_readiness": [
            {
                "tenant_key": tenant, "connection_id": "core", "data_type": "TRN", "as_of_date": day,
                "known_from": KNOWN, "methodology_version": "1.0", "readiness": "complete",
            }
        ],
    }  # fmt: skip
    return {name: filled(table(name), rows.get(name, [])) for name in LOADED}


def load(url: str, tenant: int, day: date, stock: str, total: str) -> None:
    """Loads one day without publishing it."""
    load_dates(url, tenant, day_of(tenant, day, stock, total))


def founded(url: str) -> None:
    """Describes both firms, loads Monday and Tuesday of both, and publishes Monday alone."""
    for tenant, slug in ((ALDER, "alder"), (BIRCH, "birch")):
        accounts = filled(table("canonical.account"), [_account(tenant)])
        sync_core(
            url, TenantDescription(slug, slug.title(), "USD"), tenant, accounts,
            filled(table("canonical.security"), [_stock()]),
            filled(table("canonical.security_identifier"), _identifiers()),
        )  # fmt: skip
        append_files(url, table("canonical.account"), accounts, [FILE_OLD])
    for name, rows, files in (
        ("landing.file_arrival", _arrivals(), [FILE_OLD, FILE_NEW, FILE_BLOCKED]),
        ("landing.file_parse", _readings(), [FILE_OLD, FILE_NEW, FILE_BLOCKED]),
        ("canonical.transaction", _transactions(), [FILE_OLD, FILE_NEW]),
        ("quality.reject", _rejects(), [FILE_BLOCKED]),
        ("canonical.security", [_stock()], [FILE_SHARED]),
        ("canonical.security_identifier", _identifiers(), [FILE_SHARED]),
    ):
        append_files(url, table(name), filled(table(name), rows), files)
    for tenant, stock in ((ALDER, 100), (BIRCH, 900)):
        load(url, tenant, MONDAY, str(stock), str(stock + 25))
        publish(url, tenant, [MONDAY], KNOWN, "test")
        load(url, tenant, TUESDAY, str(stock + 10), str(stock + 35))


def _account(tenant: int) -> Row:
    return {
        "tenant_key": tenant, "account_key": ACCOUNT, "source_file_id": FILE_OLD, "source_line": 1,
        "account_id": f"00000000-0000-0000-0000-00000000000{tenant}", "custodian": "schwab",
        "account_number": "12345678", "account_name": f"Firm {tenant}", "tax_status": "taxable",
        "account_status": "open", "base_currency": "USD", "business_date": MONDAY, "known_at": KNOWN,
    }  # fmt: skip


def _stock() -> Row:
    return {
        "tenant_key": 0, "security_key": STOCK, "source_file_id": FILE_SHARED, "source_line": 1,
        "security_id": "00000000-0000-0000-0000-0000000000a7", "security_name": "Example Corp",
        "security_type": "equity", "asset_class": "equity", "currency": "USD", "price_factor": Decimal(1),
        "multiplier": Decimal(1), "adapter": "schwab", "business_date": MONDAY, "known_at": KNOWN,
    }  # fmt: skip


def _identifiers() -> list[Row]:
    named = [("CUSIP", "037833100", STOCK), ("TICKER", "schwab:EXM", STOCK), ("CURRENCY", "USD", USD)]
    return [
        {
            "scheme": scheme, "identifier": identifier, "security_key": key, "valid_from": MONDAY,
            "security_id": f"00000000-0000-0000-0000-0000000000a{key}", "known_at": KNOWN,
            "source_file_id": FILE_SHARED, "source_line": line,
        }
        for line, (scheme, identifier, key) in enumerate(named, start=1)
    ]  # fmt: skip


def _file(source_file_id: int, known_at: datetime, logical_name: str) -> Row:
    return {
        "tenant_key": ALDER, "source_file_id": source_file_id, "connection_id": "core", "adapter": "schwab",
        "file_kind": "TRN", "logical_name": logical_name, "business_date": MONDAY, "known_at": known_at,
        "received_at": known_at,
    }  # fmt: skip


def _files() -> list[Row]:
    """A day's file, its correction the next morning, and a correction of the correction that is broken."""
    return [
        _file(FILE_OLD, KNOWN, "CRS20220103.TRN"),
        _file(FILE_NEW, KNOWN.replace(day=5), "CRS20220103.TRN"),
        _file(FILE_BLOCKED, KNOWN.replace(day=6), "CRS20220103.TRN"),
    ]


def _arrivals() -> list[Row]:
    return [
        {
            **row, "remote_path": f"in/{row['source_file_id']}", "sha256": f"{row['source_file_id']:064d}",
            "size_bytes": 10, "arrival_status": "landed",
        }
        for row in _files()
    ]  # fmt: skip


def _readings() -> list[Row]:
    counts = {FILE_OLD: (2, 0), FILE_NEW: (1, 0), FILE_BLOCKED: (0, 0)}
    return [
        {
            **row, "parser_version": "1.0", "parse_status": "blocked" if key == FILE_BLOCKED else "parsed",
            "is_refresh": False,
            "record_count": sum(counts[key]), "parsed_count": counts[key][0], "quarantined_count": counts[key][1],
        }
        for row, key in zip(_files(), counts, strict=True)
    ]  # fmt: skip


def _transactions() -> list[Row]:
    def buy(natural_key: str, source_file_id: int, amount: str, known_at: datetime) -> Row:
        return {
            "tenant_key": ALDER, "account_key": ACCOUNT, "natural_key": natural_key, "source_file_id": source_file_id,
            "security_key": STOCK, "transaction_type": "BUY", "trade_date": MONDAY, "quantity": Decimal(10),
            "amount": Decimal(amount), "currency": "USD", "commission": Decimal(0), "fees": Decimal(0),
            "accrued_interest": Decimal(0), "tax_withheld": Decimal(0), "is_cancel": False, "provider_code": "BY",
            "occurrence": 1, "connection_id": "core", "logical_name": "CRS20220103.TRN", "known_at": known_at,
            "source_line": 2,
        }  # fmt: skip

    return [
        buy("kept", FILE_OLD, "-100", KNOWN),
        buy("withdrawn", FILE_OLD, "-999", KNOWN),
        buy("kept", FILE_NEW, "-101", KNOWN.replace(day=5)),
    ]


def _rejects() -> list[Row]:
    return [
        {
            "tenant_key": ALDER, "source_file_id": FILE_BLOCKED, "source_line": 0, "reason": "trailer_mismatch",
            "field_name": "count", "disposition": "quarantined", "detail": "the trailer counts other lines",
            "raw_text": "A SECRET LINE", "connection_id": "core", "logical_name": "CRS20220103.TRN", "known_at": KNOWN,
        }
    ]  # fmt: skip
