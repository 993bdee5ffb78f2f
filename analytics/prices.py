"""Which price and which FX quote count on a day (docs/methodology.md section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from analytics.versions import last_versions

STALE_AFTER_DAYS: Final = 5
"""A price or rate older than this many business days is stale."""
REFERENCE_CURRENCY: Final = "EUR"
"""The currency through which crosses go: the published quotes are against it."""

_ONE = pl.lit(1).cast(pl.Decimal(20, 10))


def price_as_of(
    wanted: pl.DataFrame, prices: pl.DataFrame, *, business_dates: pl.Series, source_rank: Sequence[str]
) -> pl.DataFrame:
    """The price that counts for each security on each day: newest price date, then rank of source, then known last.

    A custodian's own price comes first for what it holds, then ``source_rank`` from best to worst, then sources that it
    does not list, by name. A price repeated by a later delivery counts since its first.

    Args:
        wanted: ``custodian, security_key, as_of_date``; custodian may be null.
        prices: rows of canonical.price whose files stand.
        business_dates: sorted business days; only their count between two dates matters.
        source_rank: slugs of price sources, best first.

    Returns:
        The rows of ``wanted`` in order, with ``price, price_currency, price_date, price_source, price_known_at,
        price_age_days``, all null where no price is known on or before the day.
    """
    key = ["security_key", "price_date", "price_source"]
    columns = [*key, "price", "currency", "known_at", "source_file_id", "source_line"]
    known = prices.select(columns).join(wanted.select("security_key").unique(), on="security_key", how="semi")
    known = last_versions(known, key, ["price", "currency"]).with_columns(
        rank=_rank(pl.col("price_source"), source_rank)
    )
    found = [
        _newest(part, known, custodian)
        for (custodian,), part in wanted.with_row_index("row").group_by("custodian", maintain_order=True)
    ]
    if not found:
        found = [_newest(wanted.with_row_index("row"), known, None)]
    age = business_days_between("price_date", "as_of_date", business_dates)
    return pl.concat(found).sort("row").drop("row").with_columns(price_age_days=age)


def _newest(wanted: pl.DataFrame, known: pl.DataFrame, custodian: object) -> pl.DataFrame:
    own = pl.col("price_source") == pl.lit(custodian, dtype=pl.String)
    best = (
        known.sort("security_key", "price_date", own.fill_null(value=False).not_(), "rank", "price_source")
        .unique(["security_key", "price_date"], keep="first", maintain_order=True)
        .select(
            "security_key",
            "price_date",
            "price",
            "price_source",
            price_currency="currency",
            price_known_at="known_at",
        )
    )
    return wanted.sort("as_of_date").join_asof(
        best.sort("price_date"),
        left_on="as_of_date",
        right_on="price_date",
        by="security_key",
        strategy="backward",
        check_sortedness=False,
        coalesce=False,
    )


def rate_as_of(
    wanted: pl.DataFrame, fx_rates: pl.DataFrame, *, business_dates: pl.Series, source_rank: Sequence[str]
) -> pl.DataFrame:
    """The two published quotes that turn one currency into another on each day, never their quotient.

    Value in ``to_currency`` = value × rate_above ÷ rate_below. Both are quotes against EUR of one fixing: the newest
    day on or before the wanted one that has both. Between equal currencies both are 1 and of the day itself.

    Args:
        wanted: ``from_currency, to_currency, as_of_date``, each once.
        fx_rates: rows of canonical.fx_rate whose files stand; only quotes with base_code EUR are used.
        business_dates: sorted business days, for the age.
        source_rank: as for prices.

    Returns:
        The rows of ``wanted`` with ``rate_above, rate_below, rate_date, rate_known_at, rate_age_days``; null where
        there is no quote.
    """
    pair = ["from_currency", "to_currency"]
    same = pl.col("from_currency") == pl.col("to_currency")
    crosses = _crosses(wanted.filter(~same).select(pair).unique(), _quotes(fx_rates, source_rank))
    crossed = (
        wanted.filter(~same)
        .sort("as_of_date")
        .join_asof(
            crosses.sort("rate_date"), left_on="as_of_date", right_on="rate_date", by=pair, strategy="backward",
            check_sortedness=False, coalesce=False,
        )
    )  # fmt: skip
    par = wanted.filter(same).with_columns(
        rate_above=_ONE, rate_below=_ONE, rate_date="as_of_date", rate_known_at=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    columns = [*pair, "as_of_date", "rate_above", "rate_below", "rate_date", "rate_known_at"]
    age = business_days_between("rate_date", "as_of_date", business_dates)
    return pl.concat([crossed.select(columns), par.select(columns)]).with_columns(rate_age_days=age)


def _quotes(fx_rates: pl.DataFrame, source_rank: Sequence[str]) -> pl.DataFrame:
    key = ["quote_code", "rate_date", "rate_source"]
    published = fx_rates.filter(pl.col("base_code") == REFERENCE_CURRENCY)
    return (
        last_versions(published, key, ["rate"])
        .with_columns(rank=_rank(pl.col("rate_source"), source_rank))
        .sort("quote_code", "rate_date", "rank", "rate_source")
        .unique(["quote_code", "rate_date"], keep="first", maintain_order=True)
        .select("quote_code", "rate_date", "rate", "known_at")
    )


def _crosses(pairs: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    reference = quotes.select("rate_date").unique()
    reference = reference.select(
        pl.lit(REFERENCE_CURRENCY).alias("quote_code"),
        "rate_date",
        _ONE.alias("rate"),
        pl.lit(None, dtype=quotes.schema["known_at"]).alias("known_at"),
    )
    legs = pl.concat([quotes.filter(pl.col("quote_code") != REFERENCE_CURRENCY), reference])
    below = legs.select(from_currency="quote_code", rate_date="rate_date", rate_below="rate", below_at="known_at")
    above = legs.select(to_currency="quote_code", rate_date="rate_date", rate_above="rate", above_at="known_at")
    return (
        pairs.join(below, on="from_currency")
        .join(above, on=["to_currency", "rate_date"])
        .with_columns(rate_known_at=pl.max_horizontal("below_at", "above_at"))
    )


def business_days_between(first: str, last: str, business_dates: pl.Series) -> pl.Expr:
    """Business days after ``first`` up to and including ``last``; null where ``first`` is.

    Days before the first of ``business_dates`` are counted as if every weekday were one, so that a calendar that starts
    too late can make a price look older, never younger.
    """
    days = business_dates.sort()
    until = pl.lit(days).search_sorted(pl.col(last), side="right").cast(pl.Int64)
    since = pl.lit(days).search_sorted(pl.col(first), side="right").cast(pl.Int64)
    counted = until - since
    if not days.is_empty():
        start = days[0]
        before = pl.business_day_count(pl.col(first).clip(upper_bound=pl.lit(start)), pl.lit(start)).cast(pl.Int64)
        # business_day_count takes the start day in and leaves the end day out; here it is the other way round
        is_weekday = (pl.col(first).dt.weekday() <= 5).cast(pl.Int64)
        counted = counted + pl.when(pl.col(first) < start).then(before - is_weekday).otherwise(0)
    return pl.when(pl.col(first).is_not_null()).then(counted)


def _rank(source: pl.Expr, source_rank: Sequence[str]) -> pl.Expr:
    return source.replace_strict(
        list(source_rank), list(range(len(source_rank))), default=len(source_rank), return_dtype=pl.Int64
    )
