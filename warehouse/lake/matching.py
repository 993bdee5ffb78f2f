"""Which security a combination of identifiers names: pure joins over what is known, no keys issued, nothing written.

CUSIP, ISIN, SEDOL, FIGI and a provider's own id are strong: those of one row must agree. A ticker is never an
identity; it decides only where nothing strong does and nothing strong contradicts it. What a row names beside the
identifier that resolved it is learnt, and may resolve further rows of the batch, whatever their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from warehouse.lake.identifiers import cusip_of_isin, full_cusip, valid_cusip, valid_figi, valid_isin, valid_sedol

SCHEMES: Final = ("CUSIP", "ISIN", "SEDOL", "FIGI", "PROVIDER", "TICKER")
"""Schemes by priority; the first that a new security has names it."""
FIRST_KNOWN_FROM: Final = date(1900, 1, 1)
"""valid_from of an identifier that no other security has had: it is taken to have been its own always."""

COLUMNS: Final = ("cusip", "isin", "sedol", "figi", "provider_security_id", "ticker")
"""Columns that name a security, in the order of ``SCHEMES``."""

_TICKER_RANK: Final = SCHEMES.index("TICKER")
_CHECKS: Final = {"cusip": valid_cusip, "isin": valid_isin, "sedol": valid_sedol, "figi": valid_figi}
_NAME: Final = ["scheme", "identifier"]


@dataclass(frozen=True)
class Matching:
    """What a batch of combinations comes to.

    Attributes:
        verdicts: [combination, security_key, reason], a row per combination; a negative key stands for a security
            that is to be created; both are null where a combination names nothing.
        additions: [scheme, identifier, security_key, valid_from, combinations], identifiers that are to be learnt,
            with the combinations that show them.
        creations: [security_key, issued_for], the negative keys and what they are to be issued for.
    """

    verdicts: pl.DataFrame
    additions: pl.DataFrame
    creations: pl.DataFrame


def match(combinations: pl.DataFrame, known: pl.DataFrame, *, create: bool) -> Matching:
    """The security of each combination.

    Args:
        combinations: [combination Int64 unique, valid_on Date, and ``COLUMNS``]; provider ids and tickers carry the
            provider's slug ('slug:value').
        known: [scheme, identifier, security_key, valid_from, valid_to] of every identifier.
        create: whether a combination that names nothing known makes a new security.
    """
    names, contradicting = _names(combinations)
    known = known.select(*_NAME, "security_key", "valid_from", "valid_to")
    additions: list[pl.DataFrame] = []
    creations: list[pl.DataFrame] = []
    known, verdicts = _settled(names, known, additions, create=create)
    if create:
        # Those with a strong identifier first: a ticker alone may then find one of them.
        for is_strong in (True, False):
            fresh = _unresolved(names, verdicts, is_strong=is_strong)
            if fresh.is_empty():
                continue
            made, learnt = _created(fresh, known, count=sum(map(len, creations)))
            creations.append(made)
            additions.append(learnt)
            known, verdicts = _settled(names, _extended(known, learnt), additions, create=create)
    full = combinations.select("combination", pl.any_horizontal(pl.col(c).is_not_null() for c in COLUMNS).alias("says"))
    reason = (
        pl.when(pl.col("combination").is_in(contradicting.implode()))
        .then(pl.lit("ambiguous_security"))
        .when(pl.col("security_key").is_null() & pl.col("says"))
        .then(pl.coalesce("reason", pl.lit("unknown_security")))
    )
    return Matching(
        full.join(verdicts, on="combination", how="left").select("combination", "security_key", reason.alias("reason")),
        pl.concat(additions) if additions else _NO_ADDITIONS,
        pl.concat(creations) if creations else _NO_CREATIONS,
    )


_NO_ADDITIONS: Final = pl.DataFrame(
    schema={
        "scheme": pl.String,
        "identifier": pl.String,
        "security_key": pl.Int64,
        "valid_from": pl.Date,
        "combinations": pl.List(pl.Int64),
    }
)
_NO_CREATIONS: Final = pl.DataFrame(schema={"security_key": pl.Int64, "issued_for": pl.String})


def _names(combinations: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Valid identifiers in long form [combination, valid_on, scheme, identifier, rank], and who contradicts itself.

    An identifier with a wrong check digit is left out. A US or Canadian ISIN also names the CUSIP inside it, so that a
    feed of CUSIPs and a feed of ISINs meet; a combination whose CUSIP is another one contradicts itself.
    """
    parts = []
    for rank, (scheme, column) in enumerate(zip(SCHEMES, COLUMNS, strict=True)):
        said = combinations.select("combination", "valid_on", pl.col(column).alias("identifier")).drop_nulls()
        if column == "cusip":
            said = said.with_columns(full_cusip(said["identifier"]))
        check = _CHECKS.get(column)
        if check is not None:
            said = said.filter(check(said["identifier"]))
        parts.append(_ranked(said, scheme, rank))
    inner = parts[1].with_columns(cusip_of_isin(parts[1]["identifier"]).alias("identifier")).drop_nulls()
    parts.append(_ranked(inner.select("combination", "valid_on", "identifier"), "CUSIP", 0))
    names = pl.concat(parts).unique()
    doubled = names.filter(pl.col("scheme") == "CUSIP").filter(pl.col("combination").is_duplicated())
    contradicting = doubled["combination"].unique()
    return names.filter(~pl.col("combination").is_in(contradicting.implode())), contradicting


def _ranked(said: pl.DataFrame, scheme: str, rank: int) -> pl.DataFrame:
    return said.with_columns(pl.lit(scheme).alias("scheme"), pl.lit(rank, dtype=pl.Int64).alias("rank"))


def _settled(
    names: pl.DataFrame, known: pl.DataFrame, additions: list[pl.DataFrame], *, create: bool
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Resolve and learn in turns until nothing more is learnt; the known identifiers and the verdicts then.

    It ends: every turn adds identifiers, and there are only so many in the batch.
    """
    while True:
        verdicts = _verdicts(names, known)
        learnt = _learnt(names, verdicts, known, create=create)
        if learnt.is_empty():
            return known, _with_contended(names, verdicts)
        additions.append(learnt)
        known = _extended(known, learnt)


def _extended(known: pl.DataFrame, learnt: pl.DataFrame) -> pl.DataFrame:
    more = learnt.select(*_NAME, "security_key", "valid_from", pl.lit(None, dtype=pl.Date).alias("valid_to"))
    return pl.concat([known, more])


def _matches(names: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Names with the securities that have them on their day."""
    is_valid = (pl.col("valid_from") <= pl.col("valid_on")) & (
        pl.col("valid_to").is_null() | (pl.col("valid_on") <= pl.col("valid_to"))
    )
    return names.join(known, on=_NAME, how="inner").filter(is_valid)


def _verdicts(names: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """[combination, security_key, reason] of the combinations that name something known."""
    matches = _matches(names, known)
    strong = matches.filter(pl.col("rank") < _TICKER_RANK)
    by_ticker = matches.filter(pl.col("rank") == _TICKER_RANK).join(strong, on="combination", how="anti")
    # A security whose own identifier of a scheme is another one than the row's is not the one that the ticker means.
    issuer = pl.when(pl.col("scheme") == "PROVIDER").then(pl.col("identifier").str.split(":").list.first())
    issuers = names.filter(pl.col("rank") < _TICKER_RANK).select("combination", "scheme", issuer.alias("issuer"))
    held = known.join(by_ticker, on="security_key", how="semi").select("security_key", "scheme", issuer.alias("issuer"))
    contradicted = (
        by_ticker.select("combination", "security_key")
        .join(issuers, on="combination")
        .join(held, on=["security_key", "scheme", "issuer"], how="semi", nulls_equal=True)
    )
    by_ticker = by_ticker.join(contradicted, on=["combination", "security_key"], how="anti")
    return (
        pl.concat([strong, by_ticker])
        .group_by("combination")
        .agg(pl.col("security_key").min(), pl.col("security_key").n_unique().alias("count"))
        .select(
            "combination",
            pl.when(pl.col("count") == 1).then("security_key").alias("security_key"),
            pl.when(pl.col("count") > 1).then(pl.lit("ambiguous_security")).alias("reason"),
        )
    )


def _claims(names: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Names of the combinations that resolved, with the security that each claims them for."""
    resolved = verdicts.drop_nulls("security_key").select("combination", "security_key")
    claims = names.join(resolved, on="combination")
    return claims.with_columns(pl.col("security_key").n_unique().over(_NAME).alias("claimants"))


def _learnt(names: pl.DataFrame, verdicts: pl.DataFrame, known: pl.DataFrame, *, create: bool) -> pl.DataFrame:
    """Identifiers that resolved combinations show and that are not known for their security yet.

    A strong identifier that two securities claim is learnt for neither. A ticker may change hands, but only a
    description of securities says so (``create``); from then on it is ambiguous by itself.
    """
    claims = _claims(names, verdicts)
    there = _matches(claims.drop("security_key"), known).select("combination", *_NAME, "security_key")
    claims = claims.join(there, on=["combination", *_NAME, "security_key"], how="anti")
    is_ticker = pl.col("rank") == _TICKER_RANK
    if create:
        return _additions(claims.filter(is_ticker | (pl.col("claimants") == 1)), known)
    claims = claims.filter(pl.col("claimants") == 1)
    taken = claims.filter(is_ticker).join(there, on=["combination", *_NAME], how="semi")
    return _additions(claims.join(taken, on=["combination", *_NAME], how="anti"), known)


def _with_contended(names: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """The verdicts, with ambiguity where a combination is known only by an identifier that two securities claim."""
    strong = pl.col("rank") < _TICKER_RANK
    contended = _claims(names, verdicts).filter(strong & (pl.col("claimants") > 1)).select(_NAME).unique()
    more = names.join(contended, on=_NAME, how="semi").join(verdicts, on="combination", how="anti")
    ambiguous = more.select("combination").unique()
    return pl.concat(
        [
            verdicts,
            ambiguous.select(
                "combination",
                pl.lit(None, dtype=pl.Int64).alias("security_key"),
                pl.lit("ambiguous_security").alias("reason"),
            ),
        ]
    )


def _unresolved(names: pl.DataFrame, verdicts: pl.DataFrame, *, is_strong: bool) -> pl.DataFrame:
    """Names of the combinations without a verdict, of those with (or all) a strong identifier."""
    left = names.join(verdicts, on="combination", how="anti")
    if not is_strong:
        return left
    return left.filter((pl.col("rank") < _TICKER_RANK).any().over("combination"))


def _created(fresh: pl.DataFrame, known: pl.DataFrame, *, count: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """New securities, one per set of combinations that share identifiers, and the identifiers that they start with."""
    edges = fresh.filter((pl.col("rank") < _TICKER_RANK) | ~(pl.col("rank") < _TICKER_RANK).any().over("combination"))
    labels = _components(edges)
    grouped = fresh.join(labels, on="combination").with_columns(
        (-(pl.col("label").rank("dense").cast(pl.Int64)) - count).alias("security_key")
    )
    first = grouped.sort("rank", "identifier").unique("security_key", keep="first", maintain_order=True)
    # An identifier that another security has had names the new one together with the day on which it takes over.
    had = known.select(_NAME).unique().with_columns(pl.lit(True).alias("is_reused"))
    stem = pl.format("{}|{}", pl.col("scheme"), pl.col("identifier"))
    named = first.join(had, on=_NAME, how="left").select(
        "security_key",
        pl.when(pl.col("is_reused"))
        .then(pl.format("{}|{}", stem, pl.col("valid_on").dt.to_string("iso")))
        .otherwise(stem)
        .alias("issued_for"),
    )
    return named, _additions(grouped, known)


def _components(edges: pl.DataFrame) -> pl.DataFrame:
    """[combination, label]: combinations that share an identifier, directly or over others, have one label.

    The smallest number of a component spreads over identifiers and combinations in turns until none changes.
    """
    labels = edges.select("combination", pl.col("combination").alias("label")).unique()
    while True:
        spread = (
            edges.join(labels, on="combination")
            .with_columns(pl.col("label").min().over(_NAME))
            .group_by("combination")
            .agg(pl.col("label").min())
        )
        changed = spread.join(labels, on=["combination", "label"], how="anti")
        labels = spread
        if changed.is_empty():
            return labels


def _additions(claims: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    had = known.select(_NAME).unique().with_columns(pl.lit(True).alias("is_reused"))
    is_contended = pl.col("security_key").n_unique().over(_NAME) > 1
    return (
        claims.join(had, on=_NAME, how="left")
        .with_columns((pl.col("is_reused").fill_null(False) | is_contended).alias("is_reused"))
        .group_by(*_NAME, "security_key")
        .agg(pl.col("valid_on").min(), pl.col("is_reused").any(), pl.col("combination").unique().sort())
        .select(
            *_NAME,
            "security_key",
            pl.when("is_reused").then("valid_on").otherwise(pl.lit(FIRST_KNOWN_FROM)).alias("valid_from"),
            pl.col("combination").alias("combinations"),
        )
        .sort(*_NAME, "security_key")
    )
