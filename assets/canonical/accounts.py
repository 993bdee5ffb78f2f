"""Account keys: from a custodian's account number to the account, also where it came from another custodian.

Belongs here: issuing keys, and what an alias says. Does not belong here: what a moved account's rows count for
(``analytics.custody``).

An account that moved keeps its key: its new number gets the key of its former one, or the former one that of the new,
whichever was seen first. Two numbers that have keys of their own already are two accounts until a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import polars as pl

from assets.canonical.rejects import Rejects
from assets.workspace import Workspace
from contracts.tables.canonical import ACCOUNT_ALIAS
from contracts.tables.landing import FILE_PARSE, ISSUED_KEY

ALIAS: Final = ACCOUNT_ALIAS.full_name
_ORDER: Final = ("known_at", "source_file_id", "source_line")
_DETAIL: Final = (
    "the two numbers are accounts with keys of their own, or one of them is said to be another's; nothing is merged. "
    "Let a person decide which account it is."
)


def with_account_keys(
    ws: Workspace, tenant: str, feeds: Mapping[str, pl.DataFrame], rejects: Rejects
) -> dict[str, pl.DataFrame]:
    """The feeds with account_key and account_id where they name an account; refused aliases go to ``rejects``.

    An alias is refused (``account_already_keyed``) when both of its numbers have keys that differ, and when an earlier
    one gives either of its numbers to another account: of a swap that is stated after the first, nothing is merged.
    """
    named = [f.select("adapter", "account_number").unique() for f in feeds.values() if "account_number" in f.columns]
    if not named:
        return dict(feeds)
    accounts = pl.concat(named).unique().with_columns(_name("adapter", "account_number").alias("issued_for"))
    told = dict(feeds)
    known = _known(ws, tenant, feeds)
    pairs = known.select("issued_for", "same_as")
    if ALIAS in feeds:
        told[ALIAS], refused = _sound(ws, tenant, feeds[ALIAS], known)
        rejects.add(ALIAS, refused)
        pairs = pl.concat([pairs, _pairs(told[ALIAS])])
    issued = ws.issuer.issue("account", tenant, accounts["issued_for"], _first_known(feeds), same=pairs)
    keys = accounts.join(issued, on="issued_for").select(
        "adapter",
        "account_number",
        pl.col("surrogate_key").alias("account_key"),
        pl.col("public_id").alias("account_id"),
    )
    return {
        name: feed.join(keys, on=["adapter", "account_number"], how="left")
        if "account_number" in feed.columns
        else feed
        for name, feed in told.items()
    }


def _first_known(feeds: Mapping[str, pl.DataFrame]) -> datetime:
    return min(f["known_at"].min() for f in feeds.values() if "account_number" in f.columns)  # type: ignore[type-var, return-value]


def _known(ws: Workspace, tenant: str, feeds: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """What aliases of other files than these have said: [issued_for, same_as, account_key, adapter].

    ``issued_for`` is the former number, ``same_as`` a name that has its key, ``adapter`` that of the later number.
    """
    own = feeds[ALIAS]["source_file_id"].unique() if ALIAS in feeds else pl.Series([], dtype=pl.Int64)
    rows = ws.lake.read(ACCOUNT_ALIAS, tenant).filter(~pl.col("source_file_id").is_in(own.implode()))
    if rows.is_empty():
        return _NOTHING_KNOWN
    adapters = ws.lake.scan(FILE_PARSE, tenant).select("connection_id", "adapter").unique().collect()
    names = _issued(ws, tenant).unique("account_key", keep="any").rename({"name": "same_as"})
    return (
        rows.select(
            "account_key",
            "connection_id",
            _name("former_adapter", "former_account_number").alias("issued_for"),
        )
        .join(adapters, on="connection_id")
        .join(names, on="account_key")
        .select(_NOTHING_KNOWN.columns)
        .unique()
    )


def _sound(ws: Workspace, tenant: str, aliases: pl.DataFrame, known: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The aliases that contradict nothing said or issued before, and the others as ``Rejects.add`` wants them."""
    keys: dict[str, int] = dict(_issued(ws, tenant).select("name", "account_key").iter_rows())
    became: dict[str, str | int] = {}
    came_from: dict[tuple[str, str | int], str] = {}

    def account(name: str) -> str | int:
        return keys.get(name, name)

    for former, _, key, adapter in known.iter_rows():
        became[former] = key
        came_from[adapter, key] = former
    ordered = aliases.with_columns(_pairs(aliases)).sort(_ORDER)
    good: list[bool] = []
    for former, now, adapter in ordered.select("issued_for", "same_as", "adapter").iter_rows():
        differ = former in keys and now in keys and keys[former] != keys[now]
        here = (adapter, account(now))
        is_good = not differ and became.get(former, account(now)) == account(now)
        is_good = is_good and came_from.get(here, former) == former
        if is_good:
            became[former], came_from[here] = account(now), former
        good.append(is_good)
    is_sound = pl.Series(good, dtype=pl.Boolean)
    refused = ordered.filter(~is_sound).select(
        "source_file_id",
        "source_line",
        pl.lit("account_already_keyed").alias("reason"),
        pl.lit("former_account_number").alias("field_name"),
        pl.lit(_DETAIL).alias("detail"),
    )
    return ordered.filter(is_sound).drop("issued_for", "same_as"), refused


def _issued(ws: Workspace, tenant: str) -> pl.DataFrame:
    rows = ws.lake.read(ISSUED_KEY, tenant, where=pl.col("key_kind") == "account")
    return rows.select(pl.col("issued_for").alias("name"), pl.col("surrogate_key").alias("account_key"))


def _pairs(aliases: pl.DataFrame) -> pl.DataFrame:
    return aliases.select(
        _name("former_adapter", "former_account_number").alias("issued_for"),
        _name("adapter", "account_number").alias("same_as"),
    )


def _name(adapter: str, number: str) -> pl.Expr:
    return pl.format("{}|{}", pl.col(adapter), pl.col(number))


_NOTHING_KNOWN: Final = pl.DataFrame(
    schema={"issued_for": pl.String, "same_as": pl.String, "account_key": pl.Int64, "adapter": pl.String}
)
