"""Identity of a transaction: the natural key of docs/methodology.md section 2.

Belongs here: what makes two rows the same fact. Does not belong here: which of them counts (``analytics.ledger``).
"""

from __future__ import annotations

import polars as pl

VALUES = (
    "account_key", "transaction_type", "trade_date", "settle_date", "security_key", "quantity", "price", "amount",
    "currency", "is_cancel", "provider_code", "reverses",
)  # fmt: skip


def with_natural_keys(transactions: pl.DataFrame) -> pl.DataFrame:
    """The transactions with ``occurrence`` and ``natural_key``.

    Args:
        transactions: rows of ``canonical.transaction`` without the two columns, plus ``is_refresh`` (Boolean: the file
            restates its window) as scratch; any number of files.

    A refresh feed's row is named by the provider's id where that is unique within its account and file, else by its
    values and occurrence, so that tomorrow's statement names it alike. A delta feed's row is named by file, values and
    occurrence: two files of one day may hold equal rows, and both count; the same file again is the same rows.
    """
    within_file = ["source_file_id", *VALUES]
    has_own_id = (
        pl.col("provider_transaction_id").is_not_null()
        & pl.col("is_refresh")
        & (pl.len().over("source_file_id", "account_key", "provider_transaction_id", "is_cancel") == 1)
    )
    values = pl.concat_str(
        [pl.col(c).cast(pl.String).fill_null("") for c in VALUES if c != "account_key"], separator="|"
    )
    return (
        transactions.sort("source_file_id", "source_line", maintain_order=True)
        .with_columns(pl.int_range(1, pl.len() + 1).over(within_file).cast(pl.Int64).alias("occurrence"))
        .with_columns(
            pl.when(has_own_id)
            .then(pl.format("id|{}|{}", pl.col("provider_transaction_id"), pl.col("is_cancel")))
            .when(pl.col("is_refresh"))
            .then(pl.format("{}|{}", values, pl.col("occurrence")))
            .otherwise(pl.format("{}|{}|{}", pl.col("logical_name"), values, pl.col("occurrence")))
            .alias("natural_key")
        )
        .drop("is_refresh")
    )
