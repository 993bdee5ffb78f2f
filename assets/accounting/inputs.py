"""Inputs: what valuation reads, as the pure functions want it.

Belongs here: reading what stands. Does not belong here: arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from analytics.versions import standing
from assets.accounting.scope import Segment
from assets.workspace import Workspace
from connectors.registry import adapters
from contracts.table import SHARED_TENANT
from contracts.tables.accounting import LEDGER_ENTRY
from contracts.tables.canonical import ACCOUNT, FX_RATE, PRICE, SECURITY
from contracts.tables.landing import FILE_PARSE, ISSUED_KEY

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Market:
    """Reference and market data of one run.

    Attributes:
        accounts: rows of ``canonical.account``, one at least for every account in the books.
        securities: rows of ``canonical.security`` of the tenant and shared.
        currency_keys: currency, security_key.
        prices: rows of ``canonical.price`` of the securities held, of files that stand.
        fx_rates: rows of ``canonical.fx_rate``, of files that stand.
        files: rows of ``landing.file_parse`` of the tenant.
        source_rank: price sources, best first; a custodian's own price comes before all of them.
    """

    accounts: pl.DataFrame
    securities: pl.DataFrame
    currency_keys: pl.DataFrame
    prices: pl.DataFrame
    fx_rates: pl.DataFrame
    files: pl.DataFrame
    source_rank: tuple[str, ...]


def market(ws: Workspace, tenant: str, last: date) -> Market:
    """What is known of the tenant's accounts and holdings, with prices and rates up to ``last``."""
    entries = ws.lake.scan(LEDGER_ENTRY, tenant)
    held = entries.select("security_key").drop_nulls().unique()
    currencies = entries.group_by("currency").agg(pl.col("known_from").min()).collect()
    first_known = currencies["known_from"].to_list() or [EPOCH]
    files = {owner: ws.lake.read(FILE_PARSE, owner) for owner in (tenant, SHARED_TENANT)}
    prices = [
        standing(
            ws.lake.scan(PRICE, owner)
            .filter(pl.col("price_date") <= last)
            .join(held, on="security_key", how="semi")
            .collect(),
            parsed,
        )
        for owner, parsed in files.items()
    ]
    rates = ws.lake.read(FX_RATE, SHARED_TENANT, where=pl.col("rate_date") <= last)
    return Market(
        accounts=_accounts(ws, tenant, entries),
        securities=described_securities(ws, tenant),
        currency_keys=ws.securities.currency_keys(currencies["currency"], min(first_known)),
        prices=pl.concat(prices),
        fx_rates=standing(rates, files[SHARED_TENANT]),
        files=files[tenant],
        source_rank=source_rank(ws.tenants[tenant].price_sources),
    )


def source_rank(preferred: Sequence[str]) -> tuple[str, ...]:
    """Price sources, best first: the tenant's own order, then the vendors that it leaves out, then custodians.

    A custodian's own price of what it holds comes before all of them (``analytics.prices``); for what others hold it is
    the last to be asked.
    """
    rest = sorted((a.market == "custodian", a.slug) for a in adapters().values() if a.slug not in preferred)
    return (*preferred, *(slug for _, slug in rest))


def described_securities(ws: Workspace, tenant: str) -> pl.DataFrame:
    """Rows of ``canonical.security``: the tenant's own, and market data's where no custodian describes the security.

    A price vendor knows neither a bond's factor nor an option's multiplier, so it must not have the last word: a
    description that cannot say what the security is (type other) counts only where no source can.
    """
    own, shared = ws.lake.read(SECURITY, tenant), ws.lake.read(SECURITY, SHARED_TENANT)
    return pl.concat([_telling(own), _telling(shared).join(own, on="security_key", how="anti")])


def _telling(described: pl.DataFrame) -> pl.DataFrame:
    says = pl.col("security_type").cast(pl.String) != "other"
    return described.filter(says | ~says.any().over("security_key"))


def ledger_entries(ws: Workspace, tenant: str, segment: Segment) -> pl.DataFrame:
    """Current ledger entries of the segment's accounts up to its last day, of every status."""
    return ws.lake.current(
        LEDGER_ENTRY, tenant, where=segment.chosen & (pl.col("effective_date") <= segment.dates.max())
    )


def _accounts(ws: Workspace, tenant: str, entries: pl.LazyFrame) -> pl.DataFrame:
    """Every account in the books; one that no account file describes is valued in the tenant's currency."""
    described = ws.lake.read(ACCOUNT, tenant)
    issued = ws.lake.read(ISSUED_KEY, tenant, where=pl.col("key_kind") == "account")
    custodian = pl.col("issued_for").str.split("|").list.first()
    bare = (
        entries.select("account_key")
        .unique()
        .collect()
        .join(described, on="account_key", how="anti")
        .join(issued.select("known_at", pl.col("surrogate_key").alias("account_key"), custodian.alias("custodian"))
              .sort("known_at", "custodian").unique("account_key", keep="last", maintain_order=True),
              on="account_key", how="left")
        .with_columns(pl.lit(ws.tenants[tenant].base_currency).alias("base_currency"))
    )  # fmt: skip
    return pl.concat([described, bare.cast({"known_at": described.schema["known_at"]})], how="diagonal")
