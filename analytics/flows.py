"""External flows: value that enters or leaves an account, per business day (docs/methodology.md sections 3 and 7)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from analytics.valuation import valued_positions
from contracts.vocabularies import EXTERNAL_FLOW_TYPES


def to_business_day(frame: pl.DataFrame, column: str, business_dates: pl.Series) -> pl.DataFrame:
    """The frame with ``business_day``: the first business day on or after ``column``; null after the last of them."""
    days = pl.DataFrame({"business_day": business_dates.unique().sort()})
    moved = frame.select(column).unique().sort(column)
    moved = moved.join_asof(
        days, left_on=column, right_on="business_day", strategy="forward", check_sortedness=False, coalesce=False
    )
    return frame.join(moved, on=column, how="left", maintain_order="left")


def external_flows(
    entries: pl.DataFrame,
    dates: pl.Series,
    *,
    accounts: pl.DataFrame,
    prices: pl.DataFrame,
    fx_rates: pl.DataFrame,
    securities: pl.DataFrame,
    currency_keys: pl.DataFrame,
    business_dates: pl.Series,
    source_rank: Sequence[str],
) -> pl.DataFrame:
    """Inflows and outflows per account and business day, in base currency, both positive.

    Cash counts at its amount, securities at market value, each on the effective date itself; a flow of a day that is no
    business day counts on the next one. What has a positive sign comes in, what has a negative one goes out, whatever
    the type; the two are not netted. Amounts and quantities of one security, account and day are summed before they are
    valued, so that splitting a transaction in two changes nothing. One flow that cannot be valued makes that side of
    the day null.

    Args:
        entries: frame of accounting.ledger_entry; only booked ones of the external types count.
        dates: business days to state.
        accounts, prices, fx_rates, securities, currency_keys, business_dates, source_rank: as for
            ``valuation.valued_positions``.

    Returns:
        ``account_key, as_of_date, inflow_base, outflow_base, has_stale_flow, flow_known_from``, only days with a flow.
    """
    booked = pl.col("entry_status").cast(pl.String) == "booked"
    external = entries.filter(booked, pl.col("entry_type").cast(pl.String).is_in(EXTERNAL_FLOW_TYPES))
    external = to_business_day(external, "effective_date", business_dates).filter(
        pl.col("business_day").is_in(dates.implode())
    )
    legs = pl.concat([_security_legs(external), _cash_legs(external, currency_keys)])
    summed = legs.group_by("tenant_key", "account_key", "security_key", "as_of_date", pl.col("quantity") > 0).agg(
        pl.col("quantity").sum().cast(pl.Decimal(20, 8)).alias("total"), pl.col("known_from").max()
    )
    valued = valued_positions(
        summed.drop("quantity").rename({"total": "quantity"}),
        prices=prices, fx_rates=fx_rates, securities=securities, accounts=accounts, currency_keys=currency_keys,
        business_dates=business_dates, source_rank=source_rank,
    )  # fmt: skip
    is_inflow = pl.col("quantity") > 0
    return (
        to_business_day(valued, "as_of_date", business_dates)
        .group_by("account_key", "business_day")
        .agg(
            inflow_base=_sum_or_null(is_inflow),
            outflow_base=-_sum_or_null(~is_inflow),
            has_stale_flow=pl.col("is_price_stale").any(),
            flow_known_from=pl.col("known_from").max(),
        )
        .rename({"business_day": "as_of_date"})
        .with_columns(pl.col("inflow_base", "outflow_base").cast(pl.Decimal(20, 4)))
    )


def _sum_or_null(of: pl.Expr) -> pl.Expr:
    value = pl.col("market_value_base").filter(of)
    return pl.when(value.null_count() == 0).then(value.sum())


def _security_legs(external: pl.DataFrame) -> pl.DataFrame:
    moved = external.filter(pl.col("security_key").is_not_null() & (pl.col("quantity") != 0))
    return moved.select(
        "tenant_key", "account_key", "security_key", "quantity", "known_from", as_of_date="effective_date"
    )


def _cash_legs(external: pl.DataFrame, currency_keys: pl.DataFrame) -> pl.DataFrame:
    keys = currency_keys.select("currency", cash_key="security_key")
    paid = external.filter(pl.col("amount") != 0).join(keys, on="currency")
    return paid.select(
        "tenant_key",
        "account_key",
        pl.col("cash_key").alias("security_key"),
        pl.col("amount").cast(pl.Decimal(20, 8)).alias("quantity"),
        "known_from",
        pl.col("effective_date").alias("as_of_date"),
    )
