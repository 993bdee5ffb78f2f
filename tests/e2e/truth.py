"""The simulator's truth in the form of the published figures."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulation.world import World
from tests.e2e.house import TENANTS

CUSTODIANS = {"schwab_main": "schwab", "ofx_direct": "ofx"}
_KEY = ["tenant_slug", "custodian", "account_number"]


def positions(world: World) -> pl.DataFrame:
    """What is held and not zero: key, security (ISIN or currency), as_of_date, quantity, market_value_base."""
    parts = []
    for tenant in TENANTS:
        frames = world.frames(tenant)
        held = frames["positions"].select(
            *_named(tenant), pl.col("isin").alias("security"), "as_of_date", "quantity", "market_value_base"
        )
        money = frames["cash"].filter(pl.col("cash_trade_date") != 0)
        cash = money.select(
            *_named(tenant),
            pl.col("currency").alias("security"),
            "as_of_date",
            pl.col("cash_trade_date").cast(pl.Decimal(20, 8)).alias("quantity"),
            pl.col("cash_trade_date").alias("market_value_base"),
        )
        parts += [held, cash]
    return _sorted(parts)


def values(world: World) -> pl.DataFrame:
    """Account values: key, as_of_date, base_currency, total, cash, inflow, outflow, daily_return, linked_return."""
    parts = [
        world.frames(tenant)["valuations"].select(
            *_named(tenant),
            "as_of_date",
            "base_currency",
            pl.col("total_value").alias("total_value_base"),
            pl.col("cash_value").alias("cash_value_base"),
            pl.col("inflow").alias("inflow_base"),
            pl.col("outflow").alias("outflow_base"),
            pl.col("daily_return"),
            pl.col("linked_return"),
            "return_reason",
        )
        for tenant in TENANTS
    ]
    return _sorted(parts)


def transactions(world: World) -> pl.DataFrame:
    """Bookings as a multiset; a cancelled one is there, and so is its cancel."""
    parts = []
    for tenant in TENANTS:
        booked = world.frames(tenant)["transactions"].select(
            *_named(tenant),
            pl.col("isin").alias("security"),
            "transaction_type",
            "trade_date",
            "settle_date",
            "quantity",
            "amount",
            "currency",
            "commission",
            "accrued_interest",
            pl.lit(False).alias("is_cancel"),
            "is_cancelled",
        )
        cancels = booked.filter("is_cancelled").with_columns(pl.lit(True).alias("is_cancel"))
        parts += [booked.drop("is_cancelled"), cancels.drop("is_cancelled")]
    return _sorted(parts)


def breaks(world: World) -> pl.DataFrame:
    """Where the custodian's files differ from what is true: key, security, as_of_date, ours less theirs."""
    market, firm = world.market, world.firm
    rows: list[tuple[object, ...]] = []
    units = np.nonzero(world.held.quantities - world.reported.quantities)
    for place, day, security in zip(*(axis.tolist() for axis in units), strict=True):
        difference = int(world.held.quantities[place, day, security] - world.reported.quantities[place, day, security])
        rows.append((place, market.securities[security].isin, market.days[day], difference * 1000))
    money = np.nonzero(world.held.settled_cash - world.reported.settled_cash)
    for place, day in zip(*(axis.tolist() for axis in money), strict=True):
        difference = int(world.held.settled_cash[place, day] - world.reported.settled_cash[place, day])
        rows.append((place, firm.accounts[place].base_currency, market.days[day], difference * 10_000))
    accounts = [firm.accounts[int(str(row[0]))] for row in rows]
    return pl.DataFrame(
        {
            "tenant_slug": [account.tenant for account in accounts],
            "custodian": [CUSTODIANS[account.connection] for account in accounts],
            "account_number": [account.account_number for account in accounts],
            "security": [row[1] for row in rows],
            "as_of_date": [row[2] for row in rows],
            "difference": pl.Series([row[3] for row in rows], dtype=pl.Int64),
        }
    ).sort(*_KEY, "security", "as_of_date")


def _named(tenant: str) -> list[pl.Expr]:
    custodian = pl.col("connection_id").replace_strict(CUSTODIANS)
    return [pl.lit(tenant).alias("tenant_slug"), custodian.alias("custodian"), pl.col("account_number")]


def _sorted(parts: list[pl.DataFrame]) -> pl.DataFrame:
    frame = pl.concat(parts, how="vertical_relaxed")
    return frame.sort(frame.columns)
