"""Statements of changes rolled forward into whole snapshots (docs/methodology.md section 10).

A custodian may state all holdings once a week and, on the days between, only what changed. What an account holds on
such a day is its last whole snapshot with every change since, part by part. That is known only where no statement
between is missing: after a gap, or without a whole snapshot before, a statement of changes tells of what it names and
of nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

MAX_AGE_DAYS: Final = 35
"""Calendar days for which a whole snapshot can be rolled forward: a month, and the days to its last refresh."""

_FEED: Final = ["account_key", "connection_id"]
_PART: Final = ["security_key", "position_side", "sub_account"]
_ORDER: Final = ["as_of_date", "known_at", "source_file_id"]


@dataclass(frozen=True)
class Rolled:
    """What custodians say of accounts that are told of by changes.

    Attributes:
        rows: like canonical.custodian_position. Where ``is_delta`` is false the rows of an account, day and connection
            are all that it holds; where it is true they are the securities that a statement of the day names, in all
            of their known parts, with zero for what is closed. ``source_file_id`` is of the day's statement and
            ``known_at`` the latest of all statements used; other columns are those of the row that stated the part.
        days: ``account_key, connection_id, as_of_date, known_at, is_whole``: every account-day that a statement is of,
            also when it holds nothing.
    """

    rows: pl.DataFrame
    days: pl.DataFrame


def rolled_forward(rows: pl.DataFrame, statements: pl.DataFrame, missing: pl.DataFrame, dates: pl.Series) -> Rolled:
    """The holdings of accounts on the dates, from whole statements and statements of changes.

    Statements count in the order of their days, those of one day in that of their arrival; of two whole ones of a day
    the one known last counts. A part (security, side and part of the account) stands as last stated; zero ends it, and
    so does a whole statement that lacks it.

    Args:
        rows: of canonical.custodian_position, whose files stand, from ``MAX_AGE_DAYS`` before the first date on.
        statements: ``account_key, connection_id, as_of_date, source_file_id, known_at, is_delta``: accounts of which a
            file speaks although it may hold no row of them: all accounts of a feed whose one file holds them all. Where
            the day has rows of the account, these say it themselves.
        missing: ``connection_id, as_of_date`` of statements that were due and are not there.
        dates: of dtype Date, in any order.
    """
    said = chained(_all_statements(rows, statements), missing, _FEED)
    said = said.with_columns(day_no=pl.col("as_of_date").rank("dense").over(_FEED).cast(pl.Int64))
    last = said.unique([*_FEED, "as_of_date"], keep="last", maintain_order=True)
    days = last.filter(pl.col("as_of_date").is_in(dates.implode()))
    parts = _parts(rows, said)
    spans = _spans(parts, said).join(days.group_by(_FEED).agg(first_no=pl.col("day_no").min()), on=_FEED)
    spans = spans.with_columns(day_no=pl.max_horizontal("day_no", "first_no")).filter(
        pl.col("until") > pl.col("day_no")
    )
    spread = spans.with_columns(day_no=pl.int_ranges("day_no", "until")).explode("day_no", empty_as_null=False)
    on_day = days.select(
        *_FEED, "day_no", "is_whole", day="as_of_date", statement="source_file_id", said_at="known_since"
    )
    stated = spread.join(on_day, on=[*_FEED, "day_no"])
    named = parts.select(*_FEED, "day_no", "security_key").unique()
    whole = stated.filter(pl.col("is_whole"), pl.col("quantity") != 0)
    told = stated.filter(
        ~pl.col("is_whole"), pl.col("as_of_date") >= pl.col("day") - timedelta(days=MAX_AGE_DAYS)
    ).join(named, on=[*_FEED, "day_no", "security_key"], how="semi")
    found = pl.concat([whole, told]).with_columns(
        as_of_date="day", source_file_id="statement", known_at="said_at", is_delta=~pl.col("is_whole")
    )
    return Rolled(
        found.select(rows.columns),
        days.select(*_FEED, "as_of_date", pl.col("known_since").alias("known_at"), "is_whole"),
    )


def chained(statements: pl.DataFrame, missing: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """The statements in order, with what each rests on: itself if it is whole, else the last whole one and all since.

    Args:
        statements: ``as_of_date, source_file_id, known_at, is_delta`` and the columns of ``by``.
        missing: as for ``rolled_forward``.
        by: what a statement is of; ``connection_id`` among them.

    Returns:
        The statements with ``chain`` (counts the whole statements up to it; 0: there is none), ``is_whole`` (what it
        rests on is complete and at most ``MAX_AGE_DAYS`` old) and ``known_since`` (the latest known_at of that).
    """
    ordered = _with_missed(statements, missing).sort(*by, *_ORDER)
    ordered = ordered.with_columns(chain=(~pl.col("is_delta")).cast(pl.Int64).cum_sum().over(by))
    chain = [*by, "chain"]
    age = pl.col("as_of_date") - pl.col("as_of_date").first().over(chain)
    return ordered.with_columns(
        is_whole=(pl.col("chain") > 0)
        & (age <= timedelta(days=MAX_AGE_DAYS))
        & (pl.col("missed") == pl.col("missed").first().over(chain)),
        known_since=pl.col("known_at").cum_max().over(chain),
    ).drop("missed")


def _with_missed(statements: pl.DataFrame, missing: pl.DataFrame) -> pl.DataFrame:
    """The statements with the number of missing days of their feed up to their day."""
    gaps = missing.select("connection_id", "as_of_date").unique().sort("connection_id", "as_of_date")
    gaps = gaps.with_columns(missed=pl.int_range(1, pl.len() + 1).over("connection_id")).sort("as_of_date")
    days = statements.select("connection_id", "as_of_date").unique().sort("as_of_date")
    counted = days.join_asof(gaps, on="as_of_date", by="connection_id", strategy="backward", check_sortedness=False)
    return statements.join(counted.with_columns(pl.col("missed").fill_null(0)), on=["connection_id", "as_of_date"])


def _all_statements(rows: pl.DataFrame, statements: pl.DataFrame) -> pl.DataFrame:
    columns = [*_FEED, *_ORDER, "is_delta"]
    own = rows.group_by(*_FEED, "as_of_date", "source_file_id").agg(pl.col("known_at").max(), pl.col("is_delta").any())
    others = statements.join(own, on=[*_FEED, "as_of_date"], how="anti").select(columns).unique()
    return pl.concat([own.select(columns), others.cast({"known_at": own.schema["known_at"]})])


def _parts(rows: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """The rows with the place of their statement; of several of a day that state a part the last one counts."""
    place = said.with_row_index("place").select(*_FEED, "as_of_date", "source_file_id", "place", "chain", "day_no")
    placed = rows.join(place, on=[*_FEED, "as_of_date", "source_file_id"]).sort("place")
    return placed.unique([*_FEED, *_PART, "chain", "day_no"], keep="last", maintain_order=True)


def _spans(parts: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """The parts with the day (its number, exclusive) until which they stand: the next row's, or the chain's end."""
    begins = said.group_by(*_FEED, "chain").agg(begin=pl.col("day_no").min(), last_no=pl.col("day_no").max())
    begins = begins.sort(*_FEED, "chain").with_columns(next_begin=pl.col("begin").shift(-1).over(_FEED))
    ends = begins.select(*_FEED, "chain", ends=pl.coalesce("next_begin", pl.col("last_no") + 1))
    in_order = parts.sort(*_FEED, *_PART, "chain", "place")
    return in_order.join(ends, on=[*_FEED, "chain"], maintain_order="left").with_columns(
        until=pl.coalesce(pl.col("day_no").shift(-1).over([*_FEED, *_PART, "chain"]), "ends")
    )
