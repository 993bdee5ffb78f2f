"""Which custodian's rows count for an account that moved, or that comes over several connections (section 2).

An account that moves from one custodian to another stays one account with one key. What the two say of the move itself
is no flow: the holdings never left the account. What the new custodian restates of the time before is known already.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import polars as pl

SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "account_key": pl.Int64(), "former_adapter": pl.String(), "adapter": pl.String(), "held_until": pl.Date(),
    "held_from": pl.Date(), "known_at": pl.Datetime("us", "UTC"),
}  # fmt: skip
"""A move: the last day of which the former custodian stated balances, the first of which the new one did."""

WINDOW: Final = timedelta(days=7)
"""How far from the move its two legs may be dated; weekends and the custodians' own clocks are in it."""

_OUT: Final = ("TRANSFER_OUT", "WITHDRAWAL", "JOURNAL")
_IN: Final = ("TRANSFER_IN", "DEPOSIT", "JOURNAL")
_LEG: Final = ["account_key", "former_adapter", "adapter", "security_key", "currency", "_quantity", "_amount"]
_MOVE: Final = ["account_key", "former_adapter", "adapter"]
_FACT: Final = (
    "account_key", "adapter", "business_date", "security_key", "transaction_type", "trade_date", "settle_date",
    "quantity", "amount", "currency", "is_cancel", "reverses", "provider_transaction_id",
)  # fmt: skip


def with_custody(rows: pl.DataFrame, moves: pl.DataFrame | None, files: pl.DataFrame) -> pl.DataFrame:
    """The transactions without those that never counted, and ``ended_at`` of those that ceased to count.

    1. The legs of a move do not count: a delivery out at the former custodian and a receipt at the new one of the same
       security and quantity, or of the same cash, both about the time of the move. If one custodian says nothing of
       its legs, those of the other are the move's: receipts in kind up to its first day, deliveries out after the
       former one's last day. 2. What the new custodian says of days on which the former one held the account has been
       said already. 3. Of equal rows of one account and business day that come over several connections of one
       custodian, as over several of its master accounts, those of one connection count.

    A row that was known before the reason to leave it out ends when that becomes known; the others are left out as if
    they had not come.

    Args:
        rows: canonical.transaction with ``ended_at``, from ``retractions.with_ended_at``.
        moves: frame of ``SCHEMA``, a row per move; None: no account moved.
        files: landing.file_parse rows: the adapter and business day of each file.
    """
    if (moves is None or moves.is_empty()) and not _has_several(rows):
        return rows
    of_file = files.select("source_file_id", "adapter", "business_date").unique("source_file_id", keep="any")
    numbered = rows.with_columns(row=pl.int_range(pl.len()))
    told = numbered.join(of_file, on="source_file_id", how="left", maintain_order="left")
    ends = [_repeated(told)]
    if moves is not None and moves.height:
        ends.append(_of_moves(told.filter(~pl.col("is_cancel")), moves))
    left_out = pl.concat(ends).group_by("row").agg(pl.col("since").min())
    if left_out.is_empty():
        return rows
    since = pl.col("since")
    return (
        numbered.join(left_out, on="row", how="left", maintain_order="left")
        .filter(since.is_null() | (since > pl.col("known_at")))
        .with_columns(
            ended_at=pl.min_horizontal("ended_at", "since"),
            is_new_key=pl.struct("account_key", "natural_key").ne_missing(
                pl.struct("account_key", "natural_key").shift(1)
            ),
        )
        .drop("row", "since")
    )


def _has_several(rows: pl.DataFrame) -> bool:
    """Whether some account comes over more than one connection."""
    return bool(rows.select("account_key", "connection_id").unique()["account_key"].is_duplicated().any())


def _repeated(told: pl.DataFrame) -> pl.DataFrame:
    """Rows of which another connection of the custodian says the same for the day, and since when."""
    several = told.group_by("account_key", "adapter").agg(pl.col("connection_id").n_unique().alias("connections"))
    shared = told.join(several.filter(pl.col("connections") > 1), on=["account_key", "adapter"], how="semi")
    if shared.is_empty():
        return _NO_ENDS
    nth = pl.int_range(pl.len()).over(*_FACT, "connection_id", "source_file_id")
    fact = [*_FACT, "nth"]
    ranked = shared.with_columns(nth=nth).sort("connection_id", "known_at", "source_file_id", "source_line")
    first = ranked.unique(fact, keep="first", maintain_order=True)
    kept = first.select(*fact, pl.col("connection_id").alias("kept"), pl.col("known_at").alias("since"))
    others = ranked.join(kept, on=fact, nulls_equal=True).filter(pl.col("connection_id") != pl.col("kept"))
    return others.select("row", pl.max_horizontal("since", "known_at").alias("since"))


def _of_moves(told: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    facts = moves.rename({"known_at": "move_known_at"})
    former = told.rename({"adapter": "former_adapter"}).join(facts, on=["account_key", "former_adapter"])
    later = told.join(facts, on=["account_key", "adapter"])
    sent = former.filter(_about_the_move(), _is_leg(_OUT, pl.col("quantity") <= 0, pl.col("amount") <= 0))
    received = later.filter(_about_the_move(), _is_leg(_IN, pl.col("quantity") >= 0, pl.col("amount") >= 0))
    pairs = _pairs(sent, received)
    restated = later.filter(pl.col("trade_date") <= pl.col("held_until")).join(pairs, on="row", how="anti")
    first_said = former.group_by("account_key").agg(pl.col("trade_date").min().alias("first_said"))
    return pl.concat(
        [
            pairs,
            *_of_one_side(sent, received),
            # Before the former custodian's own history begins, the new one's is the only one.
            restated.join(first_said, on="account_key")
            .filter(pl.col("trade_date") >= pl.col("first_said"))
            .select("row", since="move_known_at"),
        ]
    )


def _pairs(sent: pl.DataFrame, received: pl.DataFrame) -> pl.DataFrame:
    """Legs that are each other's, and since when that is known: the later of the two and of the move."""
    left = _ranked(sent).select(*_LEG, "nth", "move_known_at", "known_at", pl.col("row").alias("sent_row"))
    right = _ranked(received).select(*_LEG, "nth", pl.col("known_at").alias("received_at"), "row")
    both = left.join(right, on=[*_LEG, "nth"], nulls_equal=True).with_columns(
        since=pl.max_horizontal("move_known_at", "known_at", "received_at")
    )
    return pl.concat([both.select("row", "since"), both.select(pl.col("sent_row").alias("row"), "since")])


def _of_one_side(sent: pl.DataFrame, received: pl.DataFrame) -> list[pl.DataFrame]:
    """Legs of a move of which the other custodian says nothing."""
    in_kind = pl.col("quantity") != 0
    alone = received.filter(in_kind).join(sent.filter(in_kind), on=_MOVE, how="anti")
    arrived = alone.filter(pl.col("trade_date") <= pl.col("held_from"))
    found = [arrived.select("row", since="move_known_at")]
    for kind in (in_kind, ~in_kind):
        gone = sent.filter(kind, pl.col("trade_date") > pl.col("held_until"))
        found.append(gone.join(received.filter(kind), on=_MOVE, how="anti").select("row", since="move_known_at"))
    return found


def _ranked(legs: pl.DataFrame) -> pl.DataFrame:
    sized = legs.with_columns(_quantity=pl.col("quantity").abs(), _amount=pl.col("amount").abs())
    return sized.sort("trade_date", "natural_key").with_columns(nth=pl.int_range(pl.len()).over(_LEG))


def _about_the_move() -> pl.Expr:
    first = pl.min_horizontal("held_until", "held_from") - WINDOW
    return pl.col("trade_date").is_between(first, pl.max_horizontal("held_until", "held_from") + WINDOW)


def _is_leg(types: tuple[str, ...], moves: pl.Expr, pays: pl.Expr) -> pl.Expr:
    return pl.col("transaction_type").cast(pl.String).is_in(types) & moves & pays


_NO_ENDS: Final = pl.DataFrame(schema={"row": pl.Int64, "since": pl.Datetime("us", "UTC")})
