"""Holdings and cash per day: running sums of the ledger. Cash is a position in the security of its currency."""

from __future__ import annotations

import polars as pl

_HOLDING = ["account_key", "security_key"]


def daily_positions(entries: pl.DataFrame, dates: pl.Series, *, currency_keys: pl.DataFrame) -> pl.DataFrame:
    """What each account holds at the close of each date, on trade-date basis; zero holdings have no row.

    known_from is the latest among the entries up to the date, cancelled and retracted ones included: taking an entry
    back changes the holding no less than booking one, and it is known no sooner.

    Args:
        entries: frame of accounting.ledger_entry, the whole ledger of the accounts up to the last date.
        dates: the days to state, of dtype Date, in any order; an entry of a day between two of them counts from the
            later one.
        currency_keys: ``currency, security_key``.

    Returns:
        ``tenant_key, account_key, security_key, as_of_date, quantity, known_from``, sorted by key and date.

    Raises:
        ValueError: a currency of the ledger has no key.
        OverflowError: a quantity does not fit Decimal(20, 8).
    """
    return _running(_movements(entries, pl.col("effective_date"), currency_keys), dates)


def settled_cash(entries: pl.DataFrame, dates: pl.Series, *, currency_keys: pl.DataFrame) -> pl.DataFrame:
    """Cash that has changed hands by the close of each date: by settle date, else by effective date.

    Arguments, result and errors as for ``daily_positions``; only rows of currencies.
    """
    return _running(_cash_movements(entries, pl.coalesce("settle_date", "effective_date"), currency_keys), dates)


def with_movements_known(gone: pl.DataFrame, entries: pl.DataFrame, *, currency_keys: pl.DataFrame) -> pl.DataFrame:
    """The rows with known_from no earlier than the last entry that moved their holding up to their day.

    A holding that is no more has no row in ``daily_positions``, yet since when that is known rests on the entry that
    ended it, or that took back the one that made it.

    Args:
        gone: rows with ``account_key, security_key, as_of_date, known_from``.
        entries, currency_keys: as for ``daily_positions``.
    """
    key = [*_HOLDING, "as_of_date"]
    moved = (
        _movements(entries, pl.col("effective_date"), currency_keys)
        .join(gone.select(key), on=_HOLDING)
        .filter(pl.col("moved_date") <= pl.col("as_of_date"))
        .group_by(key)
        .agg(pl.col("known_from").max().alias("moved_known_from"))
    )
    return gone.join(moved, on=key, how="left", maintain_order="left").with_columns(
        pl.max_horizontal("known_from", "moved_known_from").alias("known_from")
    ).drop("moved_known_from")  # fmt: skip


def _movements(entries: pl.DataFrame, day: pl.Expr, currency_keys: pl.DataFrame) -> pl.DataFrame:
    holdings = entries.filter(pl.col("security_key").is_not_null() & (pl.col("quantity") != 0)).select(
        "tenant_key", *_HOLDING, moved_date=day, moved=_if_booked("quantity"), known_from="known_from"
    )
    return pl.concat([holdings, _cash_movements(entries, day, currency_keys)])


def _cash_movements(entries: pl.DataFrame, day: pl.Expr, currency_keys: pl.DataFrame) -> pl.DataFrame:
    paid = entries.filter(pl.col("amount") != 0)
    unknown = paid.select("currency").unique().join(currency_keys, on="currency", how="anti")
    if not unknown.is_empty():
        raise ValueError(f"currencies without a security key: {sorted(unknown.get_column('currency').to_list())}")
    keys = currency_keys.select("currency", cash_key="security_key")
    return paid.join(keys, on="currency").select(
        "tenant_key",
        "account_key",
        security_key="cash_key",
        moved_date=day,
        moved=_if_booked("amount"),
        known_from="known_from",
    )


def _if_booked(column: str) -> pl.Expr:
    booked = pl.col("entry_status").cast(pl.String) == "booked"
    wide = pl.col(column).cast(pl.Decimal(38, 8))
    return pl.when(booked).then(wide).otherwise(pl.lit(0).cast(pl.Decimal(38, 8)))


def _running(movements: pl.DataFrame, dates: pl.Series) -> pl.DataFrame:
    """Cumulative movements, spread over the dates: each movement day holds until the next one of its holding."""
    days = pl.DataFrame({"as_of_date": dates.unique().sort()}).with_columns(day=pl.int_range(pl.len()))
    moved = movements.select("moved_date").unique().sort("moved_date")
    moved = moved.join_asof(
        days, left_on="moved_date", right_on="as_of_date", strategy="forward", check_sortedness=False
    ).drop_nulls("day")
    steps = (
        movements.join(moved.select("moved_date", "day"), on="moved_date")
        .group_by("tenant_key", *_HOLDING, "day")
        .agg(pl.col("moved").sum().alias("quantity"), pl.col("known_from").max())
    )
    held = _narrow(_accumulated(steps, days.height))
    single = held.filter(pl.col("until") == pl.col("day") + 1)
    spread = held.filter(pl.col("until") > pl.col("day") + 1).with_columns(day=pl.int_ranges("day", "until"))
    spread = spread.explode("day", empty_as_null=False)
    columns = ["tenant_key", *_HOLDING, "as_of_date", "quantity", "known_from"]
    return pl.concat([single, spread]).join(days, on="day").select(columns).sort(columns[:4])


def _accumulated(steps: pl.DataFrame, day_count: int) -> pl.DataFrame:
    """Steps with running quantity and known_from, and ``until``: the day of the holding's next step.

    Windows over many small groups are slow, and in a nightly run nearly every holding has one step: only the holdings
    with more of them go that way.
    """
    steps = steps.sort(*_HOLDING, "day")
    begins = pl.any_horizontal(pl.col(c).ne_missing(pl.col(c).shift(1)) for c in _HOLDING)
    steps = steps.with_columns(alone=begins & begins.shift(-1, fill_value=True))
    alone = steps.filter("alone").with_columns(until=pl.lit(day_count, dtype=pl.Int64))
    rest = steps.filter(~pl.col("alone")).with_columns(
        quantity=pl.col("quantity").cum_sum().over(_HOLDING),
        known_from=pl.col("known_from").cum_max().over(_HOLDING),
        until=pl.col("day").shift(-1).over(_HOLDING).fill_null(day_count),
    )
    return pl.concat([alone, rest]).drop("alone")


def _narrow(held: pl.DataFrame) -> pl.DataFrame:
    held = held.filter(pl.col("quantity") != 0).with_columns(pl.col("quantity").cast(pl.Decimal(20, 8), strict=False))
    if held.get_column("quantity").null_count():
        raise OverflowError("a position's quantity has more than 12 digits before the point")
    return held
