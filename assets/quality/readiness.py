"""Readiness of feeds: which expected file of which connection is in for a day.

Belongs here: expected against arrived. Does not belong here: whether figures are right (reconciliation, valuation).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from connectors.adapter import Adapter
from connectors.connection import Connection
from connectors.registry import adapter
from contracts.tables.quality import FEED_READINESS
from contracts.vocabularies import METHODOLOGY_VERSION


def due_at(source: Adapter, day: date) -> datetime:
    """The instant by which the files of a day are due: the cut-off on the following weekday, in its own time zone."""
    clock, zone = source.cut_off.split()
    following = day + timedelta(days=3 if day.weekday() == 4 else 1)
    return datetime.combine(following, time.fromisoformat(clock), ZoneInfo(zone))


def with_repeated_faults(read: pl.DataFrame, repetitions: pl.DataFrame) -> pl.DataFrame:
    """The parse results, and those of bytes that say the same under every name, for every other file that has them.

    Bytes that were landed before are not read again. Of a good file they bring nothing to another day; a broken one is
    broken under every name, and one that is sound without a record, as of a day without bookings, is so too.

    Args:
        read: rows of ``landing.file_parse``.
        repetitions: rows of ``landing.file_arrival`` of bytes that were landed before.
    """
    own = ["connection_id", "file_kind", "business_date", "logical_name"]
    is_broken = pl.col("parse_status").cast(pl.String) != "parsed"
    alike = read.filter(is_broken | (pl.col("record_count") == 0))
    alike = alike.with_columns(is_broken.alias("is_broken"), pl.col("file_kind").alias("kind_read"))
    again = (
        repetitions.select("source_file_id", *own, pl.col("received_at").alias("known_at"))
        .join(alike.drop(own, "known_at"), on="source_file_id")
        # That no record is no fault was found of one kind of file, and holds of no other.
        .filter(pl.col("is_broken") | (pl.col("file_kind") == pl.col("kind_read")))
    )
    return pl.concat([read, again.select(read.columns)])


def feed_readiness(
    tenant_key: int, connections: Sequence[Connection], parsed: pl.DataFrame, dates: pl.Series
) -> pl.DataFrame:
    """Rows of ``quality.feed_readiness``: complete, provisional (rows are held back) or blocked (missing or broken).

    Args:
        tenant_key: the tenant.
        connections: its connections.
        parsed: rows of ``landing.file_parse``; the last known of a connection, kind and day counts.
        dates: business days.

    A file that never came is known to be missing from its cut-off on. Kinds that are not due daily have no row.
    """
    due = [
        {
            "connection_id": c.connection_id,
            "data_type": kind.name,
            "as_of_date": day,
            "due_at": due_at(adapter(c.adapter), day),
        }
        for c in connections
        for kind in adapter(c.adapter).kinds
        if kind.is_expected
        for day in dates
    ]
    if not due:
        return FEED_READINESS.empty()
    utc = pl.Datetime("us", "UTC")
    expected = pl.DataFrame(due, schema_overrides={"due_at": utc})
    arrived = (
        parsed.select(
            "connection_id",
            pl.col("file_kind").alias("data_type"),
            pl.col("business_date").alias("as_of_date"),
            pl.col("parse_status").cast(pl.String),
            "quarantined_count",
            "known_at",
        )
        .drop_nulls("as_of_date")
        # A broken redelivery does not take away what an earlier good file brought.
        .sort(pl.col("parse_status") == "parsed", "known_at")
        .unique(["connection_id", "data_type", "as_of_date"], keep="last", maintain_order=True)
    )
    is_parsed = pl.col("parse_status") == "parsed"
    has_held = pl.col("quarantined_count") > 0
    return (
        expected.join(arrived, on=["connection_id", "data_type", "as_of_date"], how="left")
        .with_columns(
            pl.when(is_parsed & ~has_held)
            .then(pl.lit("complete"))
            .when(is_parsed)
            .then(pl.lit("provisional"))
            .otherwise(pl.lit("blocked"))
            .alias("readiness"),
            pl.when(pl.col("parse_status").is_null())
            .then(pl.lit("file_missing"))
            .when(pl.col("parse_status") == "crashed")
            .then(pl.lit("connector_crashed"))
            .when(~is_parsed)
            .then(pl.lit("file_broken"))
            .when(has_held)
            .then(pl.lit("rows_quarantined"))
            .alias("readiness_reasons"),
            pl.coalesce("known_at", "due_at").alias("known_from"),
            pl.lit(tenant_key, dtype=pl.Int64).alias("tenant_key"),
            pl.lit(METHODOLOGY_VERSION).alias("methodology_version"),
        )
        .select(FEED_READINESS.columns.column_names())
    )
