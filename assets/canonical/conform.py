"""Conforming: from the provider's identifiers to our keys, from files to canonical rows with both clocks.

Belongs here: keys, known_at, lineage, the contract gate, what is already known. Does not belong here: layouts
(``connectors``), which row counts in the books (``analytics.ledger``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from assets.canonical.accounts import with_account_keys
from assets.canonical.identity import with_natural_keys
from assets.canonical.known import only_news
from assets.canonical.named_accounts import with_named_accounts
from assets.canonical.reading import ReadFile
from assets.canonical.rejects import Rejects, contract_gate
from assets.workspace import Workspace
from contracts.feed import FEEDS
from contracts.registry import table

FILE_COLUMNS = ("source_file_id", "known_at", "connection_id", "logical_name", "adapter", "is_refresh")
IDENTIFIERS = ("cusip", "isin", "sedol", "figi", "ticker", "provider_security_id")
WITH_SECURITY = (
    "canonical.security", "canonical.transaction", "canonical.custodian_position", "canonical.price",
    "canonical.custodian_lot", "canonical.custodian_gain", "canonical.corporate_action",
)  # fmt: skip


@dataclass(frozen=True)
class Conformed:
    """Canonical rows of a batch of files, by table name, and what was held back.

    Attributes:
        frames: rows that are news, by table name.
        rejects: rows of ``quality.reject``.
        held: the canonical rows held back, each once (``rejects.HELD_SCHEMA``); several may share a reject.
        lost: feed rows that are neither kept, held back nor repetitions: 0, or a key join went wrong.
    """

    frames: Mapping[str, pl.DataFrame]
    rejects: pl.DataFrame
    held: pl.DataFrame
    lost: int


def conform(ws: Workspace, tenant: str, files: Sequence[ReadFile]) -> Conformed:
    """Canonical rows of the files.

    New account numbers get keys; new securities get keys only from rows that describe them. A row whose security
    cannot be told goes to quarantine, as does one that breaks its contract; the rest of its file goes on.
    """
    tenant_key = ws.tenant_key(tenant)
    rejects = Rejects(tenant_key, files)
    feeds = {name: _gathered(name, files) for name in FEEDS}
    feeds = {name: frame for name, frame in feeds.items() if frame.height}
    feeds = with_named_accounts(ws, tenant, with_account_keys(ws, tenant, feeds, rejects))
    keys = _security_keys(ws, feeds)
    frames: dict[str, pl.DataFrame] = {}
    lost = 0
    for name, feed in feeds.items():
        frame = feed.with_columns(pl.lit(tenant_key, dtype=pl.Int64).alias("tenant_key"))
        if name in WITH_SECURITY:
            frame = rejects.unresolved(
                name, frame.join(keys, on=["adapter", *IDENTIFIERS], how="left", nulls_equal=True)
            )
        resolved = frame.height
        frame = _FINISH.get(name, _as_is)(frame)
        good, bad = contract_gate(table(name), frame)
        rejects.add(name, bad)
        lost += feed.height - rejects.unresolved_count(name) - resolved + frame.height - good.height - bad.height
        frames[name] = only_news(ws.lake, table(name), tenant, good)
    return Conformed(frames, rejects.frame(), rejects.held(), lost)


def _gathered(name: str, files: Sequence[ReadFile]) -> pl.DataFrame:
    """The feed frames of one table over all files, each row with what the ledger knows of its file."""
    parts = [
        file.parsed.frames[name].with_columns(
            pl.lit(file.arrival.source_file_id, dtype=pl.Int64).alias("source_file_id"),
            pl.lit(file.arrival.known_at).dt.cast_time_unit("us").alias("known_at"),
            pl.lit(file.arrival.connection_id).alias("connection_id"),
            pl.lit(file.arrival.logical_name).alias("logical_name"),
            pl.lit(file.arrival.adapter).alias("adapter"),
            pl.lit(file.is_refresh).alias("is_refresh"),
        )
        for file in files
        if name in file.parsed.frames and file.parsed.frames[name].height
    ]
    if not parts:
        return pl.DataFrame()
    gathered = pl.concat(parts, how="vertical_relaxed")
    if "provider_security_id" in gathered.columns:
        prefixed = pl.format("{}:{}", pl.col("adapter"), pl.col("provider_security_id"))
        gathered = gathered.with_columns(
            pl.when(pl.col("provider_security_id").is_not_null()).then(prefixed).alias("provider_security_id")
        )
    return gathered


def _security_keys(ws: Workspace, feeds: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Identifier combination to security_key, security_id and the reason where none can be told.

    Descriptions come first: they may create a security; a position or a trade never does.
    """
    parts = []
    for name in WITH_SECURITY:
        if name not in feeds:
            continue
        combinations = (
            feeds[name]
            .sort("known_at", "source_line")
            .unique(["adapter", *IDENTIFIERS], keep="first", maintain_order=True)
            .select("adapter", *IDENTIFIERS, "source_file_id", "source_line", "known_at")
        )
        parts.append(ws.securities.resolve(combinations, create=name == "canonical.security"))
    empty = {"adapter": pl.String, **dict.fromkeys(IDENTIFIERS, pl.String)}
    if not parts:
        return pl.DataFrame(schema={**empty, "security_key": pl.Int64, "security_id": pl.String, "reason": pl.String})
    columns = ["adapter", *IDENTIFIERS, "security_key", "security_id", "reason"]
    return pl.concat([part.select(columns) for part in parts]).unique(
        ["adapter", *IDENTIFIERS], keep="first", maintain_order=True
    )


def _as_is(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def _account(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("adapter").alias("custodian"))


def _price(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per security, day and price of a file: a holding of many accounts repeats its price."""
    return (
        frame.with_columns(pl.col("adapter").alias("price_source"))
        .sort("source_file_id", "source_line")
        .unique(["source_file_id", "security_key", "price_date", "price"], keep="first", maintain_order=True)
    )


def _fx_rate(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("adapter").alias("rate_source"))


def _held(frame: pl.DataFrame) -> pl.DataFrame:
    """A custodian that knows no parts of an account holds everything in its cash part."""
    return frame.with_columns(pl.col("sub_account").cast(pl.String).fill_null("cash"))


def _position(frame: pl.DataFrame) -> pl.DataFrame:
    return _held(frame).with_columns(pl.col("is_delta").fill_null(False))


_FINISH = {
    "canonical.custodian_position": _position,
    "canonical.custodian_lot": _held,
    "canonical.account": _account,
    "canonical.price": _price,
    "canonical.fx_rate": _fx_rate,
    "canonical.transaction": with_natural_keys,
}
