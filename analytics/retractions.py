"""When a delivered row stopped standing: because its file, or a window over its day, came again without it."""

from __future__ import annotations

import polars as pl

_OWNER = ["account_key", "connection_id"]
_LATER = pl.col("next_known_at").is_null() | (pl.col("window_known_at") < pl.col("next_known_at"))
_COVERS = pl.col("trade_date").is_between("valid_from", "valid_to")


def with_ended_at(ordered: pl.DataFrame, replaced: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """The transactions with ``ended_at``: from when no delivery held the row any more; null while it stands.

    Two ways to end. The next delivery of the same file lacks the row's natural key; or a full-refresh file of the row's
    connection, strictly later than the row and covering its account and trade date, lacks it. Files that arrived at the
    same instant do not retract each other's rows by window: which of them is newer cannot be told.

    Args:
        ordered: canonical.transaction rows from ``versions.in_order`` by account and natural key.
        replaced: from ``versions.replacements``.
        windows: canonical.statement_window rows.
    """
    key = ["account_key", "natural_key"]
    is_last = pl.col("is_new_key").shift(-1, fill_value=True)
    rows = ordered.with_columns(
        row=pl.int_range(pl.len()), next_known_at=pl.when(~is_last).then(pl.col("known_at").shift(-1))
    )
    by_file = rows.select("row", *key, "source_file_id").join(replaced, on="source_file_id")
    by_file = by_file.join(
        rows.select(*key, next_file_id="source_file_id"), on=[*key, "next_file_id"], how="anti"
    ).select("row", ended_at="replaced_at")
    ends = pl.concat([by_file, _ended_by_window(rows, windows)]).group_by("row").agg(pl.col("ended_at").min())
    return rows.join(ends, on="row", how="left", maintain_order="left").drop("row", "next_known_at")


def _ended_by_window(rows: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """First window after each row, and before its next delivery, that covers it. Such a window lacks the row.

    A daily feed has as many windows as days, so pairing every row with every window is out of the question. The first
    later window settles most rows; the envelope of all later ones tells which of the rest are worth pairing.
    """
    spans = (
        windows.select(*_OWNER, "valid_from", "valid_to", window_known_at="known_at")
        .unique()
        .sort("window_known_at", "valid_from", "valid_to")
    )
    envelope = spans.group_by(*_OWNER, "window_known_at").agg(pl.col("valid_from").min(), pl.col("valid_to").max())
    envelope = envelope.sort("window_known_at").with_columns(
        earliest=pl.col("valid_from").cum_min(reverse=True).over(_OWNER),
        latest=pl.col("valid_to").cum_max(reverse=True).over(_OWNER),
    )
    candidates = (
        rows.select("row", *_OWNER, "trade_date", "known_at", "next_known_at")
        .join(spans.select(_OWNER).unique(), on=_OWNER, how="semi")
        .sort("known_at")
        .join_asof(
            envelope.drop("valid_from", "valid_to"),
            left_on="known_at",
            right_on="window_known_at",
            by=_OWNER,
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .filter(_LATER, pl.col("trade_date").is_between("earliest", "latest"))
        .select("row", *_OWNER, "trade_date", "known_at", "next_known_at")
    )
    return (
        candidates.join(spans, on=_OWNER)
        .filter(pl.col("window_known_at") > pl.col("known_at"), _LATER, _COVERS)
        .select("row", ended_at="window_known_at")
    )
