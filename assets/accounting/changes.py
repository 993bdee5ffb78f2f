"""Files of changes: feeds whose positions come whole on some days and, on the others, as what changed.

Belongs here: which deliveries of such feeds there are, which are missing, and on which days what accounts hold is not
wholly known for it. Does not belong here: putting changes on snapshots (``analytics.snapshots``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final

import polars as pl

from analytics.snapshots import MAX_AGE_DAYS, chained
from analytics.versions import standing
from assets.workspace import Workspace
from connectors.registry import adapters
from contracts.tables.canonical import CUSTODIAN_BALANCE, CUSTODIAN_POSITION

_DAY: Final = ["connection_id", "as_of_date"]
_STATEMENT: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "connection_id": pl.String, "as_of_date": pl.Date, "source_file_id": pl.Int64,
    "known_at": pl.Datetime("us", "UTC"), "is_delta": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Changes:
    """The feeds that deliver changes; none where no connection of the tenant does.

    Attributes:
        statements: ``connection_id, as_of_date, source_file_id, known_at, is_delta``: their positions files that stand,
            whole ones and files of changes.
        missing: ``connection_id, as_of_date``: business days between a feed's first and last file of any kind without
            such a file.
    """

    statements: pl.DataFrame
    missing: pl.DataFrame

    @property
    def connections(self) -> pl.Series:
        """Their connections."""
        return self.statements["connection_id"].unique().sort()

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return self.statements.is_empty()

    @cached_property
    def uncertain(self) -> pl.DataFrame:
        """``connection_id, as_of_date`` of the days on which what accounts hold is not wholly known."""
        days = chained(self.statements, self.missing, ["connection_id"]).unique(_DAY, keep="last", maintain_order=True)
        return pl.concat([days.filter(~pl.col("is_whole")).select(_DAY), self.missing.select(_DAY)])


def files_of_changes(ws: Workspace, tenant: str, files: pl.DataFrame) -> Changes:
    """The feeds of the tenant that deliver changes.

    A feed does when a file that is due every day, of a kind that restates everything, said of itself that it does not.

    Args:
        ws: the workspace.
        tenant: the tenant.
        files: rows of ``landing.file_parse``.
    """
    parsed = files.filter(pl.col("parse_status").cast(pl.String) == "parsed", pl.col("business_date").is_not_null())
    kinds = pl.DataFrame(
        [(a.slug, k.name) for a in adapters().values() for k in a.kinds if k.is_expected and k.is_refresh],
        schema={"adapter": pl.String, "file_kind": pl.String},
        orient="row",
    )
    feeds = (
        parsed.filter(~pl.col("is_refresh"))
        .join(kinds, on=["adapter", "file_kind"], how="semi")
        .select("connection_id", "file_kind")
        .unique()
    )
    if feeds.is_empty():
        return Changes(pl.DataFrame(schema=_STATEMENT), pl.DataFrame(schema={n: _STATEMENT[n] for n in _DAY}))
    statements = (
        standing(parsed, files)
        .join(feeds, on=["connection_id", "file_kind"], how="semi")
        .with_columns(pl.col("business_date").alias("as_of_date"), is_delta=~pl.col("is_refresh"))
        .select(pl.col(name).cast(dtype) for name, dtype in _STATEMENT.items())
    )
    spans = (
        parsed.join(feeds, on="connection_id", how="semi")
        .group_by("connection_id")
        .agg(pl.col("business_date").min().alias("first"), pl.col("business_date").max().alias("last"))
    )
    due = ws.business_dates(tenant, spans["first"].min(), spans["last"].max())  # type: ignore[arg-type]
    missing = (
        spans.join(pl.DataFrame({"as_of_date": due}), how="cross")
        .filter(pl.col("as_of_date").is_between("first", "last"))
        .select(_DAY)
        .join(statements, on=_DAY, how="anti")
    )
    return Changes(statements, missing)


def rows_that_open(positions: pl.DataFrame, balances: pl.DataFrame, changes: Changes) -> tuple[pl.DataFrame, ...]:
    """The positions and balances of accounts' opening days that tell of everything.

    An account that a file of changes names first held nothing in the snapshot before, for that one spoke of all
    accounts: what the file names of it is all that it holds. On a day on which that is not known, neither holdings nor
    balances open anything: a balance beside unknown holdings does not say that there are none.
    """
    if changes.is_empty:
        return positions, balances
    positions, balances = (rows.join(changes.uncertain, on=_DAY, how="anti") for rows in (positions, balances))
    of_feed = pl.col("connection_id").is_in(changes.connections.implode())
    day = ["account_key", *_DAY]
    restated = positions.filter(~pl.col("is_delta")).select(day).unique()
    first = positions.filter(of_feed & pl.col("is_delta")).join(restated, on=day, how="anti")
    others = positions.filter(~(of_feed & pl.col("is_delta")))
    return pl.concat([others, first.with_columns(pl.lit(value=False).alias("is_delta"))]), balances


def snapshot_days(ws: Workspace, tenant: str, changes: Changes, ids: pl.Series) -> pl.LazyFrame:
    """Lazily, ``account_key, as_of_date`` of what a feed of changes said on the days that the files may make certain.

    A positions file that comes late completes the days after it, up to the next whole one: accounts that were first
    named there may open on another day.

    Args:
        ws: the workspace.
        tenant: the tenant.
        changes: of the tenant.
        ids: of the files that are new and of those that they replace.
    """
    first = changes.statements.filter(pl.col("source_file_id").is_in(ids.implode()))["as_of_date"].min()
    if first is None:
        return pl.LazyFrame(schema={"account_key": pl.Int64, "as_of_date": pl.Date})
    until = first + timedelta(days=MAX_AGE_DAYS)  # type: ignore[operator]
    reached = pl.col("as_of_date").is_between(first, until) & _of(changes)
    return _said(ws, tenant, reached).select("account_key", "as_of_date")


def first_certain_days(ws: Workspace, tenant: str, accounts: Iterable[int], changes: Changes) -> pl.DataFrame:
    """``account_key, first_date``: the first day on which all that an account holds is known, for accounts of feeds of
    changes; null where there is none."""
    chosen = pl.Series(accounts, dtype=pl.Int64)
    said = _said(ws, tenant, pl.col("account_key").is_in(chosen.implode())).collect()
    own = said.filter(_of(changes)).select("account_key").unique()
    certain = said.join(changes.uncertain, on=_DAY, how="anti")
    return own.join(
        certain.group_by("account_key").agg(pl.col("as_of_date").min().alias("first_date")),
        on="account_key",
        how="left",
    )


def _of(changes: Changes) -> pl.Expr:
    return pl.col("connection_id").is_in(changes.connections.implode())


def _said(ws: Workspace, tenant: str, where: pl.Expr) -> pl.LazyFrame:
    tables = (CUSTODIAN_POSITION, CUSTODIAN_BALANCE)
    return pl.concat([ws.lake.scan(t, tenant).filter(where).select("account_key", *_DAY).unique() for t in tables])
