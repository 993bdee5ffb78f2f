"""What is already known: a full-refresh file that repeats yesterday's rows adds nothing.

Belongs here: descriptions, whose unchanged repetition carries no news. Does not belong here: transactions, snapshots
and prices, where each file's rows are kept whole (a later delivery that lacks a row says something by its silence).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from contracts.table import Table
from warehouse.lake.store import Lake

SUBJECT: Final[Mapping[str, tuple[str, ...]]] = {
    "canonical.account": ("account_key",),
    "canonical.security": ("security_key", "adapter"),
}
"""Table to what its rows are about; a row is news when it differs from the last one known of the same."""

_NO_NEWS = {"known_at", "source_file_id", "source_line", "business_date"}


def only_news(lake: Lake, contract: Table, tenant: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that say something new about their subject, in the order in which they became known.

    Rows of the same files that an interrupted run already wrote do not count as known: the files are written whole.
    """
    subject = SUBJECT.get(contract.full_name)
    if subject is None or rows.is_empty():
        return rows
    own = rows["source_file_id"].unique()
    values = [c for c in rows.columns if c not in _NO_NEWS and c not in subject]
    older = (
        lake.scan(contract, tenant)
        .filter(~pl.col("source_file_id").is_in(own.implode()))
        .join(rows.lazy().select(subject).unique(), on=list(subject), how="semi")
        .select(rows.columns)
        .collect()
    )
    together = pl.concat(
        [older.with_columns(pl.lit(False).alias("_is_new")), rows.with_columns(pl.lit(True).alias("_is_new"))]
    ).sort("known_at", "source_file_id", "source_line")
    differs = pl.any_horizontal(pl.col(v).ne_missing(pl.col(v).shift(1).over(subject)) for v in values)
    is_first = pl.int_range(pl.len()).over(subject) == 0
    return together.filter(pl.col("_is_new") & (is_first | differs)).drop("_is_new")
