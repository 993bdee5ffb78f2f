"""The ledger that counts: what our own books hold of everything that custodians have delivered.

Canonical tables keep every delivery of every row; this module says which of them are booked, cancelled or retracted,
and since when that was known. Positions, cash and flows are sums over the booked entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl

from analytics.cancels import cancel_pairs
from analytics.custody import with_custody
from analytics.openings import Openings, openings
from analytics.retractions import with_ended_at
from analytics.versions import contract_rows, in_order, last_runs, replacements, standing
from contracts.tables.accounting import LEDGER_ENTRY
from contracts.tables.canonical import TRANSACTION
from contracts.vocabularies import METHODOLOGY_VERSION

_VALUES: Final = (
    "security_key", "transaction_type", "trade_date", "settle_date", "quantity", "amount", "currency",
    "is_cancel", "reverses", "provider_transaction_id",
)  # fmt: skip
"""What a delivery must repeat to have said nothing new of the entry."""


@dataclass(frozen=True)
class Ledger:
    """The books, and what could not be booked.

    Attributes:
        entries: frame of accounting.ledger_entry, one row per account and natural key.
        findings: ``source_file_id, source_line, reason`` of canonical rows that are kept but not booked.
    """

    entries: pl.DataFrame
    findings: pl.DataFrame


def effective_ledger(
    transactions: pl.DataFrame,
    positions: pl.DataFrame,
    balances: pl.DataFrame,
    windows: pl.DataFrame,
    files: pl.DataFrame,
    *,
    tenant_key: int,
    moves: pl.DataFrame | None = None,
    as_known_at: datetime | None = None,
) -> Ledger:
    """The ledger of some accounts as known at an instant (docs/methodology.md sections 2 and 3).

    1. A row that is missing from a later delivery of its file, or from a later window over its day, is retracted at the
       arrival of that file (``retractions``). 2. Of several deliveries of one natural key the last known counts, since
       the first of the unbroken run that says the same, so a repetition adds nothing. 3. A cancel and the row that it
       takes back are both cancelled (``cancels``); a cancel that finds none is a finding, never booked. 4. The earliest
       snapshot opens the account (``openings``). 5. What lies inside the opening is left out: for quantity when
       trade_date <= opening day; for cash when the settle date (else trade date) is, if the opening cash is settled,
       and by trade date if not. Without a snapshot everything counts from zero. An entry that counts for one of the two
       only carries zero in the other; one that counts for unsettled cash alone is effective on the opening day, since
       the account's history starts there. 6. The legs of a move between custodians, and what the new one restates of
       the time before, do not count (``custody``).

    known_from of a booked entry is the known_at of the row that counts; of a cancelled one the later of the pair's; of
    a retracted one that of the retracting file; of one whose cancel was itself retracted, that of that retraction. If
    an earlier opening moved a row from inside to after the opening, it counts from the arrival of that snapshot.

    The result depends on the rows, never on their order.

    Args:
        transactions, positions, balances, windows: all canonical rows of the accounts in question (transaction,
            custodian_position, custodian_balance, statement_window). Positions and balances may be cut to the first
            days of each account.
        files: landing.file_parse rows of the files involved; tells which delivery replaces which.
        tenant_key: key of the tenant.
        moves: accounts that moved between custodians (``custody.SCHEMA``).
        as_known_at: use only what was known then; None: everything.
    """
    if as_known_at is not None:
        known = pl.col("known_at") <= as_known_at.astimezone(UTC)
        transactions, positions, balances = transactions.filter(known), positions.filter(known), balances.filter(known)
        windows, files = windows.filter(known), files.filter(known)
        moves = None if moves is None else moves.filter(known)
    opened = openings(standing(positions, files), standing(balances, files))
    rows = _last_deliveries(transactions, windows, files, moves)
    decided, findings = _with_status(rows)
    booked = _after_opening(decided, opened)
    booked = _known_since_opening(booked, positions, balances)
    opening = opened.entries.with_columns(
        entry_type=pl.lit("OPENING"), entry_status=pl.lit("booked"), settle_date=None, known_from="known_at"
    )
    columns = [c for c in LEDGER_ENTRY.polars_schema if c not in ("tenant_key", "methodology_version")]
    entries = pl.concat([opening.select(columns), booked.select(columns)], how="vertical_relaxed")
    entries = entries.with_columns(
        tenant_key=pl.lit(tenant_key, dtype=pl.Int64), methodology_version=pl.lit(METHODOLOGY_VERSION)
    )
    return Ledger(contract_rows(entries, LEDGER_ENTRY).sort("account_key", "natural_key"), findings)


def _last_deliveries(
    transactions: pl.DataFrame, windows: pl.DataFrame, files: pl.DataFrame, moves: pl.DataFrame | None
) -> pl.DataFrame:
    columns = ["account_key", "natural_key", "source_file_id", "connection_id", "known_at", "source_line", *_VALUES]
    narrow = transactions.select(columns).unique(["account_key", "natural_key", "source_file_id"], keep="any")
    ordered = in_order(narrow, ["account_key", "natural_key"])
    ended = with_ended_at(ordered, replacements(files), windows)
    return last_runs(with_custody(ended, moves, files), _VALUES)


def _with_status(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows with entry_status and known_from, without the unmatched cancels; and those as findings."""
    rows = rows.with_columns(row=pl.int_range(pl.len()))
    stands = pl.col("ended_at").is_null()
    live = rows.filter(stands, ~pl.col("is_cancel"))
    cancels = rows.filter(stands, pl.col("is_cancel"))
    pairs = cancel_pairs(live, cancels)
    uncancelled = live.join(pairs, left_on="row", right_on="booked_row", how="anti")
    withdrawn = cancel_pairs(uncancelled, rows.filter(~stands, pl.col("is_cancel")))
    since = pl.concat(
        [
            pairs.select(row="booked_row", other="cancel_row", status=pl.lit("cancelled")),
            pairs.select(row="cancel_row", other="booked_row", status=pl.lit("cancelled")),
            withdrawn.select(row="booked_row", other="cancel_row", status=pl.lit("booked")),
        ]
    ).join(rows.select(other="row", other_at=pl.coalesce("ended_at", "known_at")), on="other")
    unmatched = cancels.join(pairs, left_on="row", right_on="cancel_row", how="anti")
    findings = unmatched.select(
        "source_file_id", "source_line", reason=pl.lit("unmatched_cancel", dtype=pl.String)
    ).sort("source_file_id", "source_line")
    decided = (
        rows.join(unmatched, on="row", how="anti")
        .join(since, on="row", how="left")
        .with_columns(
            entry_status=pl.when(stands).then(pl.coalesce("status", pl.lit("booked"))).otherwise(pl.lit("retracted")),
            known_from=pl.coalesce("ended_at", pl.max_horizontal("known_at", "other_at")),
        )
    )
    return decided, findings


def _after_opening(rows: pl.DataFrame, opened: Openings) -> pl.DataFrame:
    """The rows that count after the opening, with what of them counts."""
    currency_basis = opened.settled.with_columns(is_settled=pl.lit(value=True))
    account_basis = opened.settled.select("account_key").unique().with_columns(any_settled=pl.lit(value=True))
    stated = opened.entries.filter(pl.col("security_key").is_null()).select("account_key", "currency")
    rows = (
        rows.join(opened.days, on="account_key", how="left")
        .join(currency_basis, on=["account_key", "currency"], how="left")
        .join(stated.with_columns(is_stated=pl.lit(value=True)), on=["account_key", "currency"], how="left")
        .join(account_basis, on="account_key", how="left")
    )
    # A currency without an opening balance opens at zero, on the basis of the account's other balances.
    settled = (
        pl.when(pl.col("is_stated").is_not_null()).then("is_settled").otherwise("any_settled").fill_null(value=False)
    )
    cash_day = pl.when(settled).then(pl.coalesce("settle_date", "trade_date")).otherwise("trade_date")
    moves = pl.col("opening_date").is_null() | (pl.col("trade_date") > pl.col("opening_date"))
    pays = pl.col("cash_date").is_null() | (cash_day > pl.col("cash_date"))
    counts = (moves & (pl.col("quantity") != 0)) | (pays & (pl.col("amount") != 0)) | (moves & pays)
    return rows.filter(counts).with_columns(
        entry_type=pl.col("transaction_type").cast(pl.String),
        table_name=pl.lit(TRANSACTION.full_name),
        effective_date=pl.when(moves).then("trade_date").otherwise(pl.max_horizontal("trade_date", "cash_date")),
        quantity=pl.when(moves).then("quantity").otherwise(pl.lit(0).cast(pl.Decimal(20, 8))),
        amount=pl.when(pays).then("amount").otherwise(pl.lit(0).cast(pl.Decimal(20, 4))),
    )


def _known_since_opening(rows: pl.DataFrame, positions: pl.DataFrame, balances: pl.DataFrame) -> pl.DataFrame:
    """known_from no earlier than the snapshot that moved the opening before the row, if an earlier known one had it."""
    columns = ["account_key", "as_of_date", "known_at"]
    days = (
        pl.concat([positions.select(columns), balances.select(columns)])
        .group_by("account_key", "as_of_date")
        .agg(pl.col("known_at").min())
        .sort("as_of_date")
        .select(
            "account_key",
            "as_of_date",
            opened_at=pl.col("known_at").cum_min().over("account_key"),
            first_opened_at=pl.col("known_at").min().over("account_key"),
        )
    )
    moved = days.filter(pl.col("opened_at").max().over("account_key") > pl.col("first_opened_at"))
    if moved.is_empty():
        return rows
    after = rows.sort("trade_date").join_asof(
        days, left_on="trade_date", right_on="as_of_date", by="account_key", strategy="backward",
        allow_exact_matches=False, check_sortedness=False,
    )  # fmt: skip
    return after.with_columns(
        known_from=pl.when(pl.col("opened_at") > pl.col("first_opened_at"))
        .then(pl.max_horizontal("known_from", "opened_at"))
        .otherwise("known_from")
    )
