"""Custody: which accounts moved from one custodian to another, and which of the two held them on a day.

Belongs here: reading what aliases and balances say. Does not belong here: which rows count (``analytics.custody``).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from analytics.custody import SCHEMA
from assets.workspace import Workspace
from contracts.tables.canonical import ACCOUNT_ALIAS, CUSTODIAN_BALANCE
from contracts.tables.landing import FILE_PARSE

LOOKAROUND_DAYS = 45
"""Calendar days around an alias in which the last and the first balances are looked for."""


def moves(ws: Workspace, tenant: str) -> pl.DataFrame:
    """The accounts that moved, as a frame of ``analytics.custody.SCHEMA``.

    A custodian holds an account while it states balances of it that are not nought: the new one may list it before,
    and the former one after. Where no balance says it, the day of the alias does.
    """
    adapters = _adapters(ws, tenant)
    aliases = (
        ws.lake.read(ACCOUNT_ALIAS, tenant)
        .join(adapters, on="connection_id")
        .group_by("account_key", "former_adapter", "adapter")
        .agg(pl.col("known_at").min(), pl.col("business_date").min().alias("told_on"))
    )
    if aliases.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    told = aliases["told_on"]
    around = timedelta(days=LOOKAROUND_DAYS)
    stated = (
        ws.lake.scan(CUSTODIAN_BALANCE, tenant)
        .filter(
            pl.col("as_of_date").is_between(told.min() - around, told.max() + around),  # type: ignore[operator]
            pl.col("balance") != 0,
        )
        .join(aliases.lazy().select("account_key").unique(), on="account_key", how="semi")
        .group_by("account_key", "connection_id")
        .agg(pl.col("as_of_date").min().alias("held_from"), pl.col("as_of_date").max().alias("held_until"))
        .collect()
        .join(adapters, on="connection_id")
        .group_by("account_key", "adapter")
        .agg(pl.col("held_from").min(), pl.col("held_until").max())
    )
    former = stated.select("account_key", "held_until", former_adapter="adapter")
    later = stated.select("account_key", "adapter", "held_from")
    return (
        aliases.join(former, on=["account_key", "former_adapter"], how="left")
        .join(later, on=["account_key", "adapter"], how="left")
        .with_columns(pl.coalesce("held_from", "told_on").alias("held_from"))
        .with_columns(
            pl.min_horizontal("held_until", pl.col("held_from") - timedelta(days=1)).alias("held_until"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
        .sort("account_key", "held_from")
    )


def of_holder(ws: Workspace, tenant: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without what a custodian says of an account on days on which it does not hold it.

    Args:
        ws: the workspace.
        tenant: the tenant.
        rows: with ``account_key, as_of_date, connection_id``.
    """
    moved = moves(ws, tenant)
    if moved.is_empty() or rows.is_empty():
        return rows
    feeds = moved.join(_adapters(ws, tenant).rename({"adapter": "feed"}), how="cross").filter(
        (pl.col("feed") == pl.col("former_adapter")) | (pl.col("feed") == pl.col("adapter"))
    )
    is_former = pl.col("feed") == pl.col("former_adapter")
    day = pl.col("as_of_date")
    outside = (is_former & (day > pl.col("held_until"))) | (~is_former & (day < pl.col("held_from")))
    keys = ["account_key", "connection_id"]
    not_held = rows.select(*keys, "as_of_date").unique().join(feeds, on=keys).filter(outside)
    return rows.join(not_held, on=[*keys, "as_of_date"], how="anti")


def owners_by_move(ws: Workspace, tenant: str) -> pl.DataFrame:
    """``account_key, connection_id``: the feeds to which accounts moved."""
    adapters = _adapters(ws, tenant)
    return moves(ws, tenant).join(adapters, on="adapter").select("account_key", "connection_id").unique()


def moved_from(aliases: pl.LazyFrame) -> pl.LazyFrame:
    """``account_key, day``: from when on the books of accounts with new aliases may change."""
    return aliases.group_by("account_key").agg(
        (pl.col("business_date").min() - timedelta(days=LOOKAROUND_DAYS)).alias("day")
    )


def _adapters(ws: Workspace, tenant: str) -> pl.DataFrame:
    """connection_id and adapter of every feed that ever delivered, also of one that was taken out of the settings."""
    return ws.lake.scan(FILE_PARSE, tenant).select("connection_id", "adapter").unique().collect()
