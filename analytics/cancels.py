"""Cancels: which row of the ledger a cancel takes back (docs/methodology.md section 3)."""

from __future__ import annotations

import polars as pl

_SIZE = [pl.col("amount").abs().alias("_amount"), pl.col("quantity").abs().alias("_quantity")]
_ALIKE = ["account_key", "security_key", "transaction_type", "trade_date", "_quantity", "_amount"]


def cancel_pairs(booked: pl.DataFrame, cancels: pl.DataFrame) -> pl.DataFrame:
    """Pairs ``booked_row, cancel_row`` (columns ``row`` of the two frames): one cancel takes back one row.

    A cancel that names its row (``reverses``) is paired by provider_transaction_id within the account, and with nothing
    else when that id is not there: taking back a row that merely looks alike would be booking a guess. Only a cancel
    that names nothing is paired by equal account, security, type, trade date, size of quantity and size of amount.
    Among rows that are alike it is the first by natural key, so that the order of arrival decides nothing.

    Args:
        booked: rows of canonical.transaction that are not cancels, with a unique ``row``.
        cancels: rows with ``is_cancel``, with a unique ``row``.
    """
    named = cancels.filter(pl.col("reverses").is_not_null()).with_columns(_id="reverses")
    targets = booked.filter(pl.col("provider_transaction_id").is_not_null()).with_columns(_id="provider_transaction_id")
    by_id = _paired(targets, named, ["account_key", "_id"], sort=["_amount", "_quantity"])
    unnamed = cancels.filter(pl.col("reverses").is_null())
    rest = booked.join(by_id, left_on="row", right_on="booked_row", how="anti")
    return pl.concat([by_id, _paired(rest, unnamed, _ALIKE, sort=[])])


def _paired(booked: pl.DataFrame, cancels: pl.DataFrame, key: list[str], sort: list[str]) -> pl.DataFrame:
    cancels = _ranked(cancels.with_columns(_SIZE), key, sort).select(*key, "_rank", cancel_row="row")
    booked = booked.with_columns(_SIZE).join(cancels.select(key).unique(), on=key, how="semi", nulls_equal=True)
    booked = _ranked(booked, key, sort).select(*key, "_rank", booked_row="row")
    return booked.join(cancels, on=[*key, "_rank"], nulls_equal=True).select("booked_row", "cancel_row")


def _ranked(frame: pl.DataFrame, key: list[str], sort: list[str]) -> pl.DataFrame:
    return frame.sort(*sort, "natural_key").with_columns(_rank=pl.int_range(pl.len()).over(key))
