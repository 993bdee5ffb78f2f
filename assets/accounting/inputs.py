"""Inputs: what valuation reads, as the pure functions want it.

Belongs here: reading and picking the last known description. Does not belong here: arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from assets.accounting.scope import Segment
from assets.workspace import Workspace
from connectors.registry import adapters
from contracts.table import SHARED_TENANT
from contracts.tables.accounting import LEDGER_ENTRY
from contracts.tables.canonical import ACCOUNT, FX_RATE, PRICE, SECURITY


@dataclass(frozen=True)
class Market:
    """Reference and market data of one run.

    Attributes:
        accounts: account_key, base_currency, custodian.
        securities: security_key, currency, security_type, price_factor, multiplier, known_at; currencies included.
        currency_keys: currency, security_key.
        prices: rows of ``canonical.price`` of the securities held.
        fx_rates: rows of ``canonical.fx_rate``.
        source_rank: price sources, best first: custodians before vendors.
    """

    accounts: pl.DataFrame
    securities: pl.DataFrame
    currency_keys: pl.DataFrame
    prices: pl.DataFrame
    fx_rates: pl.DataFrame
    source_rank: tuple[str, ...]


def market(ws: Workspace, tenant: str, last: date) -> Market:
    """What is known of the tenant's accounts and holdings, with prices and rates up to ``last``."""
    entries = ws.lake.scan(LEDGER_ENTRY, tenant)
    held = entries.select("security_key").drop_nulls().unique().collect()
    currencies = entries.select("currency").unique().collect()["currency"]
    currency_keys = ws.securities.currency_keys(currencies)
    prices = pl.concat(
        [
            ws.lake.scan(PRICE, owner)
            .filter(pl.col("price_date") <= last)
            .join(held.lazy(), on="security_key", how="semi")
            .collect()
            for owner in (tenant, SHARED_TENANT)
        ]
    )
    rates = ws.lake.read(FX_RATE, SHARED_TENANT, where=pl.col("rate_date") <= last)
    ranked = sorted(adapters().values(), key=lambda a: (a.market != "custodian", a.slug))
    return Market(
        accounts=_accounts(ws, tenant, entries),
        securities=_securities(ws, tenant, currency_keys),
        currency_keys=currency_keys,
        prices=prices,
        fx_rates=rates,
        source_rank=tuple(a.slug for a in ranked),
    )


def booked_entries(ws: Workspace, tenant: str, segment: Segment) -> pl.DataFrame:
    """Current booked ledger entries of the segment's accounts up to its last day."""
    return ws.lake.current(
        LEDGER_ENTRY, tenant, where=segment.chosen & (pl.col("effective_date") <= segment.dates.max())
    ).filter(pl.col("entry_status") == "booked")


def _accounts(ws: Workspace, tenant: str, entries: pl.LazyFrame) -> pl.DataFrame:
    """Every account in the books; one that no account file describes is valued in the tenant's currency."""
    described = _last_known(ws.lake.read(ACCOUNT, tenant), ["account_key"])
    return (
        entries.select("account_key")
        .unique()
        .collect()
        .join(described.select("account_key", "base_currency", "custodian"), on="account_key", how="left")
        .with_columns(pl.col("base_currency").fill_null(ws.tenants[tenant].base_currency))
        .sort("account_key")
    )


def _securities(ws: Workspace, tenant: str, currency_keys: pl.DataFrame) -> pl.DataFrame:
    """The last description of each security, the tenant's own before that of market data, and the currencies."""
    columns = ["security_key", "currency", "security_type", "price_factor", "multiplier", "known_at"]
    own = _last_known(ws.lake.read(SECURITY, tenant), ["security_key"]).select(columns)
    shared = _last_known(ws.lake.read(SECURITY, SHARED_TENANT), ["security_key"]).select(columns)
    schema = SECURITY.polars_schema
    cash = currency_keys.select(
        "security_key",
        "currency",
        pl.lit("currency", dtype=schema["security_type"]).alias("security_type"),
        pl.lit(1, dtype=schema["price_factor"]).alias("price_factor"),
        pl.lit(1, dtype=schema["multiplier"]).alias("multiplier"),
        pl.lit(None, dtype=schema["known_at"]).alias("known_at"),
    )
    return pl.concat([own, shared, cash]).unique("security_key", keep="first", maintain_order=True)


def _last_known(rows: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return rows.sort("known_at", "source_file_id", "source_line").unique(key, keep="last", maintain_order=True)
