"""The trace: from a computed figure back to the canonical rows, files and lines that it came from.

It reads what the figure's own rows say of their inputs (``price_source``, ``price_date``, ``rate_date``, the ledger
entries' file and line); nothing is computed again.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import polars as pl

from contracts.table import SHARED_TENANT
from contracts.tables.accounting import ACCOUNT_VALUATION, LEDGER_ENTRY, POSITION
from contracts.tables.canonical import ACCOUNT, FX_RATE, PRICE, SECURITY_IDENTIFIER
from contracts.tables.landing import FILE_ARRIVAL
from warehouse.lake.lines import stored_lines
from warehouse.lake.raw import RawStore
from warehouse.lake.store import Lake

Role = Literal["opening", "transaction", "cancelled", "price", "fx", "cash"]

_PIVOT: Final = "EUR"
_PLACE: Final = ("role", "table_name", "source_file_id", "source_line", "security_key", "values")


@dataclass(frozen=True)
class TraceLine:
    """One canonical row that a figure rests on, with the line of the file that it was read from.

    Attributes:
        table_name: schema.table of the canonical row.
        role: what it is to the figure; ``cash`` is an entry that moves cash, ``cancelled`` one that does not count.
        values: columns that matter, as text; absent ones are null.
        remote_path: path and name as delivered; empty when the arrival ledger does not know the file.
        connection_id: over which feed.
        received_at: first arrival of the file.
        sha256: of the file as received.
        source_line: 1-based; 0 for the file as a whole.
        line_text: the line, cut at 4000 bytes; None when it cannot be read.
        security_key: the security that the row is about; None for a rate and for cash alone.
    """

    table_name: str
    role: Role
    values: dict[str, str]
    remote_path: str
    connection_id: str
    received_at: datetime | None
    sha256: str
    source_line: int
    line_text: str | None
    security_key: int | None = None


@dataclass(frozen=True)
class Trace:
    """A figure and what it came from.

    Attributes:
        figure: the computed rows as text, nulls left out: the position; or the valuation, then its positions. Empty
            when there is no such figure.
        lines: the canonical rows: openings and transactions first, prices and rates last.
    """

    figure: list[dict[str, str]]
    lines: list[TraceLine]

    def as_dict(self) -> dict[str, Any]:
        """The trace as JSON-ready dictionaries and lists; instants in ISO 8601."""
        lines = [
            {**vars(line), "received_at": line.received_at.isoformat() if line.received_at else None}
            for line in self.lines
        ]
        return {"figure": self.figure, "lines": lines}


def trace_position(
    lake: Lake,
    raw: RawStore,
    tenant: str,
    *,
    account_key: int,
    security_key: int,
    as_of_date: date,
    as_known_at: datetime | None = None,
) -> Trace:
    """What one position of one day came from; for cash, every entry that moved cash of its currency."""
    where = (
        (pl.col("account_key") == account_key)
        & (pl.col("security_key") == security_key)
        & (pl.col("as_of_date") == as_of_date)
    )
    positions = lake.current(POSITION, tenant, as_known_at=as_known_at, where=where)
    if positions.is_empty():
        return Trace([], [])
    entries = _entries(lake, tenant, account_key, as_of_date, as_known_at)
    currency = _currency_of(lake, security_key)
    if currency is None:
        entries = entries.filter(pl.col("security_key") == security_key)
    else:
        entries = entries.filter((pl.col("currency") == currency) & (pl.col("amount") != 0))
    base_currency = _base_currency(lake, tenant, account_key, as_known_at)
    rows = [
        _entry_rows(entries, is_cash=pl.lit(currency is not None)),
        *_market_rows(lake, tenant, positions, base_currency),
    ]
    return Trace(_figures(positions), _lines(lake, raw, tenant, rows))


def trace_valuation(
    lake: Lake,
    raw: RawStore,
    tenant: str,
    *,
    account_key: int,
    as_of_date: date,
    as_known_at: datetime | None = None,
) -> Trace:
    """What the value of one account on one day came from: all its entries until then, and its positions' prices."""
    where = (pl.col("account_key") == account_key) & (pl.col("as_of_date") == as_of_date)
    valuation = lake.current(ACCOUNT_VALUATION, tenant, as_known_at=as_known_at, where=where)
    if valuation.is_empty():
        return Trace([], [])
    positions = lake.current(POSITION, tenant, as_known_at=as_known_at, where=where).sort("security_key")
    positions = positions.filter(pl.col("quantity") != 0)
    entries = _entries(lake, tenant, account_key, as_of_date, as_known_at)
    rows = [
        _entry_rows(entries, is_cash=pl.col("quantity") == 0),
        *_market_rows(lake, tenant, positions, str(valuation["base_currency"][0])),
    ]
    return Trace([*_figures(valuation), *_figures(positions)], _lines(lake, raw, tenant, rows))


def _figures(rows: pl.DataFrame) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in row.items() if value is not None} for row in rows.to_dicts()]


def _entries(lake: Lake, tenant: str, account_key: int, until: date, as_known_at: datetime | None) -> pl.DataFrame:
    where = (pl.col("account_key") == account_key) & (pl.col("effective_date") <= until)
    return lake.current(LEDGER_ENTRY, tenant, as_known_at=as_known_at, where=where)


def _currency_of(lake: Lake, security_key: int) -> str | None:
    where = (pl.col("scheme") == "CURRENCY") & (pl.col("security_key") == security_key)
    found = lake.read(SECURITY_IDENTIFIER, SHARED_TENANT, where=where)
    return None if found.is_empty() else str(found["identifier"][0])


def _base_currency(lake: Lake, tenant: str, account_key: int, as_known_at: datetime | None) -> str | None:
    described = lake.read(ACCOUNT, tenant, where=pl.col("account_key") == account_key).sort("known_at")
    if as_known_at is not None:
        described = described.filter(pl.col("known_at") <= as_known_at)
    return None if described.is_empty() else str(described["base_currency"][-1])


def _values(*columns: str) -> pl.Expr:
    return pl.struct(pl.col(columns).cast(pl.String)).struct.json_encode().alias("values")


def _entry_rows(entries: pl.DataFrame, *, is_cash: pl.Expr) -> pl.DataFrame:
    role = (
        pl.when(pl.col("entry_status") != "booked")
        .then(pl.lit("cancelled"))
        .when(pl.col("entry_type") == "OPENING")
        .then(pl.lit("opening"))
        .when(is_cash)
        .then(pl.lit("cash"))
        .otherwise(pl.lit("transaction"))
    )
    shown = ("entry_type", "entry_status", "effective_date", "settle_date", "quantity", "amount", "currency")
    return entries.sort("effective_date", "natural_key").select(
        role.alias("role"), "table_name", "source_file_id", "source_line", "security_key", _values(*shown)
    )


def _market_rows(
    lake: Lake, tenant: str, positions: pl.DataFrame, base_currency: str | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The price rows and the FX rows that the positions name."""
    keys = ["security_key", "price_date", "price_source"]
    used = positions.select(*keys, "price", "known_from").drop_nulls("price_source")
    wanted = pl.col("security_key").is_in(used["security_key"].implode()) & pl.col("price_date").is_in(
        used["price_date"].unique().implode()
    )
    quoted = pl.concat([lake.read(PRICE, owner, where=wanted) for owner in (tenant, SHARED_TENANT)])
    prices = (
        quoted.join(used.unique(), on=[*keys, "price"], how="inner")
        .filter(pl.col("known_at") <= pl.col("known_from"))
        .sort("known_at", "source_file_id", pl.col("source_line").neg())
        .unique(keys, keep="last", maintain_order=True)
        .sort("security_key", "price_date")
        .select(
            pl.lit("price").alias("role"),
            pl.lit(PRICE.full_name).alias("table_name"),
            "source_file_id",
            "source_line",
            "security_key",
            _values("price", "currency", "price_date", "price_source"),
        )
    )
    return prices, _fx_rows(lake, positions, base_currency)


def _fx_rows(lake: Lake, positions: pl.DataFrame, base_currency: str | None) -> pl.DataFrame:
    foreign = positions.filter((pl.col("currency") != base_currency) & pl.col("rate_date").is_not_null())
    codes = {base_currency, *foreign["currency"]} if len(foreign) else set()
    uses = foreign.group_by(pl.col("currency"), "rate_date").agg(pl.col("known_from").max())
    legs = pl.concat([uses, uses.with_columns(pl.lit(base_currency, dtype=pl.String).alias("currency"))])
    wanted = pl.col("quote_code").is_in(sorted(c for c in codes if c)) | (
        pl.col("base_code").is_in(sorted(c for c in codes if c and c != _PIVOT))
    )
    quotes = lake.read(FX_RATE, SHARED_TENANT, where=wanted)
    # A cross goes over the pivot, so a leg is a quote of the pivot in one of the two currencies, or the pair itself.
    code = pl.when(pl.col("base_code") == _PIVOT).then("quote_code").otherwise("base_code")
    return (
        quotes.with_columns(code.alias("currency"))
        .join(legs, on="currency", suffix="_used")
        .filter(
            (pl.col("rate_date") <= pl.col("rate_date_used")) & (pl.col("known_at") <= pl.col("known_from")),
            pl.col("quote_code").is_in([*sorted(c for c in codes if c), _PIVOT]),
        )
        .sort("rate_date", "known_at", "source_file_id")
        .unique(["base_code", "quote_code", "rate_date_used"], keep="last", maintain_order=True)
        .unique(["base_code", "quote_code", "rate_date", "source_file_id"], maintain_order=True)
        .sort("base_code", "quote_code", "rate_date")
        .select(
            pl.lit("fx").alias("role"),
            pl.lit(FX_RATE.full_name).alias("table_name"),
            "source_file_id",
            "source_line",
            pl.lit(None, pl.Int64).alias("security_key"),
            _values("base_code", "quote_code", "rate", "rate_date", "rate_source"),
        )
    )


def _lines(lake: Lake, raw: RawStore, tenant: str, parts: list[pl.DataFrame]) -> list[TraceLine]:
    rows = pl.concat([part.select(_PLACE) for part in parts])
    wanted = pl.col("source_file_id").is_in(rows["source_file_id"].unique().implode())
    arrivals = (
        pl.concat(
            [
                lake.read(FILE_ARRIVAL, owner, where=wanted).with_columns(pl.lit(owner).alias("owner"))
                for owner in (tenant, SHARED_TENANT)
            ]
        )
        .sort("received_at")
        .unique("source_file_id", keep="first", maintain_order=True)
        .select("source_file_id", "owner", "remote_path", "connection_id", "received_at", "sha256")
    )
    placed = rows.join(arrivals, on="source_file_id", how="left", maintain_order="left")
    texts: dict[str, dict[int, str]] = {}
    for owner, sha256, numbers in (
        placed.drop_nulls("sha256").group_by("owner", "sha256").agg("source_line").iter_rows()
    ):
        texts[sha256] = _texts(raw, owner, sha256, numbers)
    return [
        TraceLine(
            table_name=row["table_name"],
            role=row["role"],
            values=_decoded(row["values"]),
            remote_path=row["remote_path"] or "",
            connection_id=row["connection_id"] or "",
            received_at=row["received_at"],
            sha256=row["sha256"] or "",
            source_line=row["source_line"],
            line_text=texts.get(row["sha256"] or "", {}).get(row["source_line"]),
            security_key=row["security_key"],
        )
        for row in placed.iter_rows(named=True)
    ]


def _decoded(values: str) -> dict[str, str]:
    said: dict[str, str | None] = json.loads(values)
    return {name: value for name, value in said.items() if value is not None}


def _texts(raw: RawStore, owner: str, sha256: str, numbers: list[int]) -> dict[int, str]:
    """Lines of one file; none when the file is gone or cannot be opened: the rest of the trace still stands."""
    try:
        return stored_lines(raw, owner, sha256, numbers)
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error):
        return {}
