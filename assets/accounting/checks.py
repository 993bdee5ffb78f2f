"""Conservation laws on real data: sums that must hold, computed by another road than the figures themselves."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from assets.accounting.inputs import Market
from assets.accounting.scope import Segment
from assets.workspace import Workspace
from contracts.tables.accounting import ACCOUNT_VALUATION, LEDGER_ENTRY, POSITION


def positions_are_sums_of_entries(ws: Workspace, tenant: str, segments: Sequence[Segment], known: Market) -> int:
    """Number of positions of the last computed day whose quantity is not the sum of their booked entries."""
    if not segments:
        return 0
    day = max(segment.dates.max() for segment in segments)  # type: ignore[type-var]
    entries = ws.lake.current(LEDGER_ENTRY, tenant, where=pl.col("effective_date") <= day).filter(
        pl.col("entry_status") == "booked"
    )
    securities = entries.drop_nulls("security_key").select("account_key", "security_key", "quantity")
    cash = entries.join(known.currency_keys.rename({"security_key": "cash_key"}), on="currency").select(
        "account_key",
        pl.col("cash_key").alias("security_key"),
        pl.col("amount").cast(pl.Decimal(38, 8)).alias("quantity"),
    )
    sums = (
        pl.concat([securities.with_columns(pl.col("quantity").cast(pl.Decimal(38, 8))), cash])
        .group_by("account_key", "security_key")
        .agg(pl.col("quantity").sum().alias("entered"))
    )
    held = ws.lake.current(POSITION, tenant, where=pl.col("as_of_date") == day)
    both = held.select("account_key", "security_key", "quantity").join(
        sums, on=["account_key", "security_key"], how="full", coalesce=True
    )
    return both.filter(pl.col("quantity").fill_null(0) != pl.col("entered").fill_null(0)).height


def values_are_sums_of_positions(ws: Workspace, tenant: str, segments: Sequence[Segment]) -> int:
    """Number of account values of the computed days that are not the sum of their positions' values."""
    wrong = 0
    for segment in segments:
        # One that is held no more still has a row, which says so.
        positions = ws.lake.current(POSITION, tenant, where=segment.rows).filter(pl.col("quantity") != 0)
        values = ws.lake.current(ACCOUNT_VALUATION, tenant, where=segment.rows)
        sums = positions.group_by("account_key", "as_of_date").agg(
            pl.col("market_value_base").sum().alias("summed"),
            pl.col("value_reason").is_not_null().any().alias("is_open"),
        )
        both = values.select("account_key", "as_of_date", "total_value_base").join(
            sums, on=["account_key", "as_of_date"], how="left"
        )
        expected = pl.when(pl.col("is_open").fill_null(False)).then(None).otherwise(pl.col("summed").fill_null(0))
        wrong += both.filter(pl.col("total_value_base").ne_missing(expected)).height
    return wrong
