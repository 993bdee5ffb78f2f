"""Readiness of an account's figures: what breaks and feeds say about them, beside what valuation found.

Belongs here: joining reasons. Does not belong here: finding them.
"""

from __future__ import annotations

import polars as pl


def with_reasons(
    valuations: pl.DataFrame,
    *,
    breaks: pl.DataFrame,
    feeds: pl.DataFrame,
    connections: pl.DataFrame,
    accounts: pl.DataFrame,
    moves: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The valuations with the reasons of breaks and feeds added to their own.

    Args:
        valuations: rows of ``accounting.account_valuation`` with the readiness that valuation found.
        breaks: current rows of ``quality.position_break``; those without a cause are closed and give no reason.
        feeds: current rows of ``quality.feed_readiness``.
        connections: connection_id, custodian.
        accounts: account_key, custodian (null: no feed is expected for the account), known_at; any number of rows each.
        moves: accounts that moved between custodians (``custody.SCHEMA``): up to then the former one's feeds count.

    Returns:
        The same rows; ``readiness`` is provisional wherever there is a reason, and ``readiness_reasons`` lists each
        once, sorted and joined by semicolons. An account is never worse than provisional by a feed alone: its last
        known figure stands, labelled. ``known_from`` is the latest of the row's own and of what the labels rest on:
        that nothing is missing and nothing disagrees is known no sooner than the last file is in and the last break
        closed.
    """
    is_open = pl.col("break_cause").is_not_null()
    found_breaks = breaks.group_by("account_key", "as_of_date").agg(
        pl.when(is_open.any()).then(pl.lit("position_break")).alias("break_reason"),
        pl.col("known_from").max().alias("break_known"),
    )
    by_custodian = (
        feeds.join(connections, on="connection_id")
        .group_by("custodian", "as_of_date")
        .agg(
            pl.col("readiness_reasons").drop_nulls().unique().sort().str.join(";").alias("feed_reasons"),
            pl.col("known_from").max().alias("feed_known"),
        )
    )
    told = (
        _with_custodian(valuations, accounts, moves)
        .join(found_breaks, on=["account_key", "as_of_date"], how="left")
        .join(by_custodian, on=["custodian", "as_of_date"], how="left")
        .with_columns(
            pl.concat_list(
                pl.col(c).fill_null("").str.split(";") for c in ("readiness_reasons", "break_reason", "feed_reasons")
            )
            .list.eval(pl.element().filter(pl.element() != ""))
            .list.unique()
            .list.sort()
            .alias("_reasons")
        )
    )
    has_reason = pl.col("_reasons").list.len() > 0
    return told.with_columns(
        pl.when(has_reason).then(pl.col("_reasons").list.join(";")).alias("readiness_reasons"),
        pl.when(has_reason & (pl.col("readiness").cast(pl.String) == "complete"))
        .then(pl.lit("provisional"))
        .otherwise(pl.col("readiness").cast(pl.String))
        .cast(valuations.schema["readiness"])
        .alias("readiness"),
        pl.max_horizontal("known_from", "break_known", "feed_known").alias("known_from"),
    ).select(valuations.columns)


def _with_custodian(valuations: pl.DataFrame, accounts: pl.DataFrame, moves: pl.DataFrame | None) -> pl.DataFrame:
    """The valuations with the custodian that holds the account on the day: the last known, or before a move another."""
    last = accounts.sort("known_at").unique("account_key", keep="last", maintain_order=True)
    told = valuations.join(last.select("account_key", "custodian"), on="account_key", how="left")
    if moves is None or moves.is_empty():
        return told
    day, until = pl.col("as_of_date"), pl.col("held_until")
    before = (
        told.select("account_key", "as_of_date")
        .join(moves.select("account_key", "former_adapter", "adapter", "held_until"), on="account_key")
        .sort("held_until")
    )
    # The first move that is still ahead says who held it; after the last one it is who it went to.
    former = before.filter(day <= until).unique(["account_key", "as_of_date"], keep="first", maintain_order=True)
    later = before.filter(day > until).unique(["account_key", "as_of_date"], keep="last", maintain_order=True)
    keys = ["account_key", "as_of_date"]
    return (
        told.join(former.select(*keys, held_by="former_adapter"), on=keys, how="left")
        .join(later.select(*keys, moved_to="adapter"), on=keys, how="left")
        .with_columns(pl.coalesce("held_by", "moved_to", "custodian").alias("custodian"))
        .drop("held_by", "moved_to")
    )
