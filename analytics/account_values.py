"""An account at the close of each business day: value, flows, gain and return (docs/methodology.md section 7)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from analytics.flows import external_flows, to_business_day
from analytics.returns import with_daily_return, with_linked_return
from analytics.valuation import NO_CURRENCY, account_terms
from analytics.versions import contract_rows
from contracts.tables.accounting import ACCOUNT_VALUATION
from contracts.vocabularies import METHODOLOGY_VERSION

_DAY = ["account_key", "as_of_date"]
_MONEY = pl.Decimal(20, 4)
_ZERO = pl.lit(0).cast(_MONEY)


def account_values(
    valued: pl.DataFrame,
    entries: pl.DataFrame,
    previous: pl.DataFrame,
    accounts: pl.DataFrame,
    dates: pl.Series,
    *,
    prices: pl.DataFrame,
    fx_rates: pl.DataFrame,
    securities: pl.DataFrame,
    currency_keys: pl.DataFrame,
    business_dates: pl.Series,
    source_rank: Sequence[str],
) -> pl.DataFrame:
    """One row per account and date from the account's first day on, also when it holds nothing.

    A total is the sum of all positions, cash included, and null as soon as one of them is. The first day is the
    business day of the account's first booked entry: its whole value at the close enters as inflow, the return is null
    with ``first_day`` and the linked return 0. A first day that cannot be valued is ``missing_valuation``, and then
    there is nothing to link from. An account with history before the range but without a row for the business day
    before it has ``missing_previous_valuation``.

    known_from is the latest among everything that the row rests on: the account's entries up to the day, its positions
    and flows, and the row before, since the linked return carries it.

    Readiness is complete, or provisional with ``unvalued_positions``, ``stale_prices`` (of a position or of a flow),
    ``no_opening_snapshot`` (no OPENING entry); the caller may add reasons.

    Args:
        valued: from ``valuation.valued_positions``, for these dates.
        entries: frame of accounting.ledger_entry: the whole ledger of the accounts.
        previous: rows of accounting.account_valuation; those of the last business day before the dates are used.
        accounts: rows of canonical.account.
        dates: consecutive business days.
        prices, fx_rates, securities, currency_keys, business_dates, source_rank: as for
            ``valuation.valued_positions``; business_dates must reach back to the business day before the dates.

    Raises:
        ValueError: the dates are not consecutive among business_dates.
    """
    ordered = dates.unique().sort()
    calendar = business_dates.unique().sort()
    _require_consecutive(ordered, calendar)
    flows = external_flows(
        entries, ordered, accounts=accounts, prices=prices, fx_rates=fx_rates, securities=securities,
        currency_keys=currency_keys, business_dates=calendar, source_rank=source_rank,
    )  # fmt: skip
    days = _account_days(entries, ordered, calendar)
    days = days.join(_totals(valued, currency_keys), on=_DAY, how="left").join(flows, on=_DAY, how="left")
    days = _with_previous(days, previous, ordered, calendar)
    days = _with_first_day_flows(days)
    days = with_linked_return(with_daily_return(days), "account_key")
    terms = account_terms(accounts).select("account_key", "base_currency")
    days = days.join(terms, on="account_key", how="left", maintain_order="left")
    days = days.with_columns(pl.col("base_currency").fill_null(NO_CURRENCY), **_readiness())
    return contract_rows(days.rename({"end_value": "total_value_base"}), ACCOUNT_VALUATION)


def _require_consecutive(dates: pl.Series, calendar: pl.Series) -> None:
    if dates.is_empty():
        return
    between = calendar.filter((calendar >= dates[0]) & (calendar <= dates[-1]))
    if between.to_list() != dates.to_list():
        raise ValueError(f"{len(dates)} dates from {dates[0]} to {dates[-1]} are not consecutive business days")


def _account_days(entries: pl.DataFrame, dates: pl.Series, calendar: pl.Series) -> pl.DataFrame:
    """Accounts × dates from each first day on: ``is_first_day``, ``has_opening`` ``ledger_known_from``."""
    moved = to_business_day(entries, "effective_date", calendar).drop_nulls("business_day")
    booked = pl.col("entry_status").cast(pl.String) == "booked"
    owned = moved.group_by("tenant_key", "account_key").agg(
        first_day=pl.col("business_day").filter(booked).min(),
        has_opening=(booked & (pl.col("entry_type").cast(pl.String) == "OPENING")).any(),
    )
    grid = owned.join(pl.DataFrame({"as_of_date": dates}), how="cross").filter(
        pl.col("as_of_date") >= pl.col("first_day")
    )
    known = (
        moved.group_by("account_key", "business_day")
        .agg(pl.col("known_from").max())
        .sort("business_day")
        .with_columns(ledger_known_from=pl.col("known_from").cum_max().over("account_key"))
        .drop("known_from")
    )
    return grid.sort("as_of_date").join_asof(
        known, left_on="as_of_date", right_on="business_day", by="account_key", strategy="backward",
        check_sortedness=False,
    ).with_columns(is_first_day=pl.col("as_of_date") == pl.col("first_day")).sort(_DAY)  # fmt: skip


def _totals(valued: pl.DataFrame, currency_keys: pl.DataFrame) -> pl.DataFrame:
    value = pl.col("market_value_base")
    cash = pl.col("is_cash")
    held = valued.with_columns(is_cash=pl.col("security_key").is_in(currency_keys.get_column("security_key").implode()))
    return held.group_by(_DAY).agg(
        end_value=pl.when(value.null_count() == 0).then(value.sum()).cast(_MONEY),
        cash_value_base=pl.when(value.filter(cash).null_count() == 0).then(value.filter(cash).sum()).cast(_MONEY),
        position_count=pl.len().cast(pl.Int64),
        unvalued_count=value.null_count().cast(pl.Int64),
        stale_count=pl.col("is_price_stale").sum().cast(pl.Int64),
        position_known_from=pl.col("known_from").max(),
    )


def _with_previous(days: pl.DataFrame, previous: pl.DataFrame, dates: pl.Series, calendar: pl.Series) -> pl.DataFrame:
    """Days completed with zeros where nothing is held or moved, and with what stands the day before."""
    day_before = calendar.filter(calendar < dates[0]).max() if len(dates) else None
    last = previous.filter(pl.col("as_of_date") == pl.lit(day_before, dtype=pl.Date)).select(
        "account_key", value_before="total_value_base", linked_before="linked_return", known_before="known_from"
    )
    holds_nothing = pl.col("position_count").is_null()
    no_flow = pl.col("flow_known_from").is_null()
    days = (
        days.join(last, on="account_key", how="left")
        .sort(_DAY)
        .with_columns(
            *(pl.when(holds_nothing).then(_ZERO).otherwise(c).alias(c) for c in ("end_value", "cash_value_base")),
            *(pl.when(no_flow).then(_ZERO).otherwise(c).alias(c) for c in ("inflow_base", "outflow_base")),
            pl.col("position_count", "unvalued_count", "stale_count").fill_null(0),
            pl.col("has_stale_flow").fill_null(value=False),
        )
    )
    begins = pl.col("account_key").ne_missing(pl.col("account_key").shift(1))
    rests_on = pl.max_horizontal("ledger_known_from", "position_known_from", "flow_known_from", "known_before")
    return days.with_columns(
        begin_value=pl.when(begins).then("value_before").otherwise(pl.col("end_value").shift(1)),
        known_from=rests_on.cum_max().over("account_key"),
    )


def _with_first_day_flows(days: pl.DataFrame) -> pl.DataFrame:
    """On an account's first day all that it is worth comes in; one that starts in debt starts with an outflow."""
    first = pl.col("is_first_day")
    value, out = pl.col("end_value"), pl.col("outflow_base")
    return days.with_columns(
        begin_value=pl.when(first).then(_ZERO).otherwise("begin_value"),
        inflow_base=pl.when(first).then(out + value.clip(lower_bound=0)).otherwise("inflow_base"),
        outflow_base=pl.when(first).then(out - value.clip(upper_bound=0)).otherwise("outflow_base"),
    )


def _readiness() -> dict[str, pl.Expr]:
    # alphabetical, as the joined text must be
    reasons = pl.concat_str(
        [
            pl.when(~pl.col("has_opening")).then(pl.lit("no_opening_snapshot")),
            pl.when((pl.col("stale_count") > 0) | pl.col("has_stale_flow")).then(pl.lit("stale_prices")),
            pl.when(pl.col("unvalued_count") > 0).then(pl.lit("unvalued_positions")),
        ],
        separator=";",
        ignore_nulls=True,
    )
    complete = reasons == ""
    return {
        "readiness": pl.when(complete).then(pl.lit("complete")).otherwise(pl.lit("provisional")),
        "readiness_reasons": pl.when(~complete).then(reasons),
        "methodology_version": pl.lit(METHODOLOGY_VERSION),
    }
