"""The floor of a nightly: the least that anybody must do to bring the day's holdings from the file into PostgreSQL.

The position file is read by Polars' own CSV reader and typed as our canonical rows are; then the very rows that the
nightly loaded are copied into a table without indexes, in the transaction that makes the table, so that the server
writes no log for them. No check, no key, no history, no valuation.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import adbc_driver_postgresql.dbapi as adbc
import polars as pl

_WIDTH: Final = 50
"""Fields of a D1 record; a D2 record has fewer."""
_TEXTS: Final = {
    "account_number": 5, "ticker": 10, "cusip": 12, "schwab_security_number": 13, "item_issue_id": 14, "isin": 16,
    "sedol": 17, "long_short_indicator": 37,
}  # fmt: skip
_DATES: Final = {"business_date": 4, "price_update_date": 35}
_NUMBERS: Final = {"closing_price": (34, 8), "quantity": (36, 8), "market_value": (38, 4)}
_BALANCES: Final = {
    "net_credit_debit": 11, "margin_balance": 12, "money_market_funds": 15, "cash_balance_settled": 29,
    "bank_sweep": 32,
}  # fmt: skip
"""Fields that the connector takes, to their places from 0 and the decimals of their canonical type."""
RUNS: Final = 2
_TABLE: Final = "benchmark_floor"


def floor_seconds(positions_file: Path, rows: pl.DataFrame, url: str) -> float:
    """Seconds of parsing the file and copying the rows, the faster of two runs.

    Args:
        positions_file: a reconciliation file (RPS).
        rows: what the nightly loaded into ``accounting.position``, as the warehouse stores it.
        url: the nightly's own server.
    """
    return min(_parse(positions_file) + _copy(rows, url) for _ in range(RUNS))


def _parse(path: Path) -> float:
    began = time.perf_counter()
    names = [f"column_{n}" for n in range(_WIDTH)]
    read = pl.read_csv(
        path, separator="|", has_header=False, quote_char=None, truncate_ragged_lines=True, missing_columns="insert",
        schema=dict.fromkeys(names, pl.String), columns=_taken(), encoding="utf8",
    )  # fmt: skip
    kind = pl.col("column_0")
    positions = read.filter(kind == "D1").select(
        *(_text(place).alias(name) for name, place in _TEXTS.items()),
        *(_text(place).str.to_date("%Y%m%d").alias(name) for name, place in _DATES.items()),
        *(_number(place, scale).alias(name) for name, (place, scale) in _NUMBERS.items()),
    )
    balances = read.filter(kind == "D2").select(
        _text(_TEXTS["account_number"]).alias("account_number"),
        _text(_DATES["business_date"]).str.to_date("%Y%m%d").alias("business_date"),
        *(_number(place, 4).alias(name) for name, place in _BALANCES.items()),
    )
    spent = time.perf_counter() - began
    if positions.is_empty() or balances.is_empty():
        raise RuntimeError(f"{path.name} holds no positions or no balances: there is nothing to compare with")
    return spent


def _taken() -> list[str]:
    places = {0, *_TEXTS.values(), *_DATES.values(), *(place for place, _ in _NUMBERS.values()), *_BALANCES.values()}
    return [f"column_{n}" for n in sorted(places)]


def _text(place: int) -> pl.Expr:
    text = pl.col(f"column_{place}").str.strip_chars(" ")
    return pl.when(text != "").then(text)


def _number(place: int, scale: int) -> pl.Expr:
    return _text(place).cast(pl.Decimal(20, scale))


def _copy(rows: pl.DataFrame, url: str) -> float:
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {_TABLE} (LIKE accounting.position)")
        cursor.execute(f"ALTER TABLE {_TABLE} DROP COLUMN load_key")
        began = time.perf_counter()
        cursor.adbc_ingest(_TABLE, rows.to_arrow(), mode="append")
        connection.commit()
        spent = time.perf_counter() - began
        cursor.execute(f"DROP TABLE {_TABLE}")
        connection.commit()
    return spent
