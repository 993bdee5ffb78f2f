"""Accounts that a feed names and no account file describes: they are accounts, of which little is known.

A custodian may deliver holdings before, or without, a file that describes their account. Such an account has figures,
so it must be in the books' list of accounts; what nobody has said of it is unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from assets.workspace import Workspace
from contracts.tables.canonical import ACCOUNT

_TABLE = ACCOUNT.full_name
_NAMING = (
    "canonical.transaction", "canonical.custodian_position", "canonical.custodian_balance",
    "canonical.statement_window", "canonical.custodian_lot", "canonical.custodian_gain",
)  # fmt: skip
_OF_FILE = ["adapter", "connection_id", "logical_name", "is_refresh", "source_file_id", "known_at"]


def with_named_accounts(ws: Workspace, tenant: str, feeds: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The feeds, with a row of ``canonical.account`` for every account that neither they nor the lake describe.

    The row stands at the first line that names the account, and says no more than its number, its custodian and the
    base currency of the connection. A description that comes later is known later, and counts.

    Args:
        ws: the workspace.
        tenant: whose feeds.
        feeds: canonical table to gathered feed rows, with ``account_key`` and ``account_id`` where they name one.
    """
    naming = [feeds[name] for name in _NAMING if name in feeds]
    if not naming:
        return feeds
    columns = ["account_key", "account_id", "account_number", *_OF_FILE, "source_line"]
    named = (
        pl.concat([frame.select(columns) for frame in naming])
        .drop_nulls("account_key")
        .sort("known_at", "source_file_id", "source_line")
        .unique("account_key", keep="first", maintain_order=True)
    )
    if _TABLE in feeds:
        named = named.join(feeds[_TABLE], on="account_key", how="anti")
    if named.is_empty():
        return feeds
    # A file that is read again must not find its own row of before.
    described = ws.lake.scan(ACCOUNT, tenant).select("account_key", described_by="source_file_id").collect()
    others = named.join(described, on="account_key").filter(pl.col("described_by") != pl.col("source_file_id"))
    fresh = named.join(others, on="account_key", how="anti")
    if fresh.is_empty():
        return feeds
    rows = fresh.with_columns(
        _base_currency(ws, tenant).alias("base_currency"),
        pl.lit("unknown").alias("tax_status"),
        pl.lit("unknown").alias("account_status"),
        pl.col("known_at").dt.date().alias("business_date"),
    )
    there = feeds.get(_TABLE)
    joined = rows if there is None else pl.concat([_loose(there), _loose(rows)], how="diagonal_relaxed")
    return {**feeds, _TABLE: joined}


def _base_currency(ws: Workspace, tenant: str) -> pl.Expr:
    currencies: Mapping[str, str] = {c.connection_id: c.base_currency for c in ws.connections(tenant)}
    return pl.col("connection_id").replace_strict(
        pl.Series(list(currencies), dtype=pl.String),
        pl.Series(list(currencies.values()), dtype=pl.String),
        default=None,
        return_dtype=pl.String,
    )


def _loose(frame: pl.DataFrame) -> pl.DataFrame:
    """Codes as text: enumerations of two frames do not join."""
    return frame.cast({name: pl.String for name, kind in frame.schema.items() if isinstance(kind, pl.Enum)})
