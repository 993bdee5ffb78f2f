"""Punctuality: which file of which connection was expected for a day, and whether it came, in time and whole.

Belongs here: expected against arrived, from the connectors' calendars and cut-offs and the arrival ledger. Does not
belong here: what the files say (``canonical``), which figures may be relied on (``assets.quality.readiness``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from assets.quality.readiness import due_at
from assets.workspace import Workspace, business_dates
from connectors.connection import Connection
from connectors.registry import adapter
from contracts.tables.landing import FILE_ARRIVAL, FILE_PARSE

STATES: Final = ("arrived", "late", "incomplete", "missing", "awaited")
"""late: came after its cut-off; incomplete: came, and is broken as a whole; missing: its cut-off has passed without it;
awaited: its cut-off is still to come."""

_UTC: Final = pl.Datetime("us", "UTC")
_OWED: Final = pl.Schema(
    {
        "connection_id": pl.String(),
        "adapter": pl.String(),
        "data_type": pl.String(),
        "as_of_date": pl.Date(),
        "due_at": _UTC,
    }
)
_SCHEMA: Final = pl.Schema({**_OWED, "arrived_at": _UTC, "state": pl.String()})


def deliveries(
    ws: Workspace, tenant: str, connections: Sequence[Connection], first: date, last: date, now: datetime
) -> pl.DataFrame:
    """A row for every file that the connections owe for the days from ``first`` to ``last``.

    Args:
        ws: the workspace.
        tenant: whose connections.
        connections: those to look at.
        first, last: business days; of each connector's own calendar those count that are sessions.
        now: an instant; cut-offs before it have passed.

    Returns:
        ``connection_id, adapter, data_type, as_of_date, due_at, arrived_at, state`` (see ``STATES``), ordered by
        day and connection. A file that a connection owes on no day has no row.
    """
    expected = _expected(connections, first, last)
    if expected.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    key = ["connection_id", "data_type", "as_of_date"]
    found = expected.join(_arrived(ws, tenant), on=key, how="left").with_columns(
        pl.when(pl.col("arrived_at").is_null())
        .then(pl.when(pl.col("due_at") < now).then(pl.lit("missing")).otherwise(pl.lit("awaited")))
        .when(~pl.col("is_whole"))
        .then(pl.lit("incomplete"))
        .when(pl.col("arrived_at") > pl.col("due_at"))
        .then(pl.lit("late"))
        .otherwise(pl.lit("arrived"))
        .alias("state")
    )
    return found.select(list(_SCHEMA)).sort("as_of_date", "connection_id", "data_type")


def by_connection(found: pl.DataFrame) -> pl.DataFrame:
    """``connection_id, expected, arrived, late, incomplete, missing, awaited, newest_date`` of ``deliveries``.

    ``arrived`` counts all that came, late ones among them; ``newest_date`` is the last day of which all that was owed
    is there.
    """
    whole = found.group_by("connection_id", "as_of_date").agg(
        pl.col("state").is_in(["arrived", "late"]).all().alias("is_whole")
    )
    newest = whole.filter("is_whole").group_by("connection_id").agg(pl.col("as_of_date").max().alias("newest_date"))
    counts = [pl.col("state").eq(state).sum().alias(state) for state in STATES if state != "arrived"]
    return (
        found.group_by("connection_id")
        .agg(pl.len().alias("expected"), pl.col("state").is_in(["arrived", "late"]).sum().alias("arrived"), *counts)
        .join(newest, on="connection_id", how="left")
        .sort("connection_id")
    )


def _expected(connections: Sequence[Connection], first: date, last: date) -> pl.DataFrame:
    rows = []
    for connection in connections:
        source = adapter(connection.adapter)
        kinds = [kind.name for kind in source.kinds if kind.is_expected]
        if not kinds:
            continue
        for day in business_dates(source.calendar, first, last):
            due = due_at(source, day).astimezone(UTC)
            rows += [(connection.connection_id, source.slug, kind, day, due) for kind in kinds]
    return pl.DataFrame(rows, schema=_OWED, orient="row")


def _arrived(ws: Workspace, tenant: str) -> pl.DataFrame:
    """First arrival of every connection, kind and day, and whether a whole file of it is in.

    What was not read yet counts as whole until reading shows otherwise. The day is the content's where it is known.
    """
    read = ws.lake.read(FILE_PARSE, tenant).select(
        "source_file_id",
        pl.col("business_date").alias("read_date"),
        (pl.col("parse_status") == "parsed").alias("is_read"),
    )
    return (
        ws.lake.read(FILE_ARRIVAL, tenant)
        .select(
            "source_file_id", "connection_id", pl.col("file_kind").alias("data_type"), "business_date", "received_at"
        )
        .join(read, on="source_file_id", how="left")
        .with_columns(pl.coalesce("read_date", "business_date").alias("as_of_date"))
        .drop_nulls(["as_of_date", "data_type"])
        .group_by("connection_id", "data_type", "as_of_date")
        .agg(
            pl.col("received_at").min().cast(_UTC).alias("arrived_at"),
            pl.col("is_read").fill_null(True).any().alias("is_whole"),
        )
    )
