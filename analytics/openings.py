"""Opening entries: the snapshot from which an account's ledger starts (docs/methodology.md section 2)."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from contracts.tables.canonical import CUSTODIAN_BALANCE, CUSTODIAN_POSITION


@dataclass(frozen=True)
class Openings:
    """Where the ledgers of the accounts start.

    Attributes:
        entries: the opening entries, in the columns of accounting.ledger_entry that concern a single row.
        days: ``account_key, opening_date, cash_date``: last day that lies inside the opening, for holdings and for
            cash; an account without a snapshot is not here.
        settled: ``account_key, currency`` of the opening balances that are settled cash; the rest is by trade date.
    """

    entries: pl.DataFrame
    days: pl.DataFrame
    settled: pl.DataFrame


def openings(positions: pl.DataFrame, balances: pl.DataFrame) -> Openings:
    """Opening entries of every account, from its earliest snapshot.

    The earliest day with a custodian's position or balance opens the holdings: a custodian that states only cash says
    that there was nothing else. Cash opens on the first day with a balance; an account whose custodian never states one
    opens with no cash on the day of the holdings. Within a day the snapshot known last counts, and it counts whole. Two
    connections that deliver one account describe the same holdings, so they are never added up.

    Cash of a currency is cash_settled where the day has it, else cash_trade_date, plus sweep and money market balances;
    a margin balance is not cash.

    Args:
        positions, balances: rows of canonical.custodian_position and custodian_balance whose files stand. Rows that
            state changes alone open nothing.
    """
    positions = positions.filter(~pl.col("is_delta"))
    cash = balances.filter(pl.col("balance_type").cast(pl.String) != "margin")
    days = (
        _first_days(positions)
        .rename({"first_date": "position_date"})
        .join(_first_days(cash), on="account_key", how="full", coalesce=True)
        .with_columns(opening_date=pl.min_horizontal("position_date", "first_date"))
        .select("account_key", "opening_date", cash_date=pl.coalesce("first_date", "opening_date"))
    )
    held = _snapshot(positions, days.select("account_key", as_of_date="opening_date"))
    cash_rows = cash_on_own_basis(_snapshot(cash, days.select("account_key", as_of_date="cash_date")))
    settled = cash_rows.filter("is_settled").select("account_key", "currency").unique()
    return Openings(pl.concat([_position_entries(held), _cash_entries(cash_rows)]), days, settled)


def cash_on_own_basis(balances: pl.DataFrame) -> pl.DataFrame:
    """Cash per account, day and currency as the custodian means it, with ``is_settled`` for its basis.

    Args:
        balances: rows of canonical.custodian_balance, one file per account and day.

    Returns:
        ``account_key, as_of_date, currency, amount, is_settled, known_at, source_file_id, source_line``.
    """
    kind = pl.col("balance_type").cast(pl.String)
    amount = pl.col("balance")
    is_settled = (kind == "cash_settled").any()
    cash = pl.when(is_settled).then(amount.filter(kind == "cash_settled").sum())
    return (
        balances.group_by("account_key", "as_of_date", "currency")
        .agg(
            amount=cash.otherwise(amount.filter(kind == "cash_trade_date").sum())
            + amount.filter(kind.is_in(["sweep", "money_market"])).sum(),
            is_settled=is_settled,
            known_at=pl.col("known_at").max(),
            source_file_id=pl.col("source_file_id").max(),
            source_line=pl.col("source_line").min(),
        )
        .with_columns(pl.col("amount").cast(pl.Decimal(20, 4)))
    )


def latest_snapshots(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of the snapshot known last, each once; a snapshot counts whole.

    Of holdings there is one snapshot per account and day, of balances one per currency too: some custodians state
    dollars in one file and other currencies in another.

    Args:
        rows: of canonical.custodian_position or canonical.custodian_balance.
    """
    day = ["account_key", "as_of_date"]
    if "security_key" in rows.columns:
        item = ["security_key", "position_side", "sub_account"]
    else:
        day, item = [*day, "currency"], ["balance_type"]
    files = rows.select(*day, "known_at", "source_file_id").unique().sort("known_at", "source_file_id")
    last = files.unique(day, keep="last", maintain_order=True).select(*day, "source_file_id")
    return rows.join(last, on=[*day, "source_file_id"]).unique([*day, *item], keep="any")


def _first_days(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("account_key").agg(first_date=pl.col("as_of_date").min())


def _snapshot(rows: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    return latest_snapshots(rows.join(days, on=["account_key", "as_of_date"], how="semi"))


def _position_entries(held: pl.DataFrame) -> pl.DataFrame:
    return (
        held.group_by("account_key", "security_key", "as_of_date")
        .agg(
            pl.col("quantity").sum().cast(pl.Decimal(20, 8)),
            pl.col("currency").min(),
            pl.col("known_at").max(),
            pl.col("source_file_id").max(),
            pl.col("source_line").min(),
        )
        .filter(pl.col("quantity") != 0)
        .select(
            "account_key",
            pl.format("opening|{}", "security_key").alias("natural_key"),
            "security_key",
            pl.col("as_of_date").alias("effective_date"),
            "quantity",
            pl.lit(0).cast(pl.Decimal(20, 4)).alias("amount"),
            "currency",
            pl.lit(CUSTODIAN_POSITION.full_name).alias("table_name"),
            "known_at",
            "source_file_id",
            "source_line",
        )
    )


def _cash_entries(cash: pl.DataFrame) -> pl.DataFrame:
    return cash.select(
        "account_key",
        pl.format("opening|{}", "currency").alias("natural_key"),
        pl.lit(None, dtype=pl.Int64).alias("security_key"),
        pl.col("as_of_date").alias("effective_date"),
        pl.lit(0).cast(pl.Decimal(20, 8)).alias("quantity"),
        "amount",
        "currency",
        pl.lit(CUSTODIAN_BALANCE.full_name).alias("table_name"),
        "known_at",
        "source_file_id",
        "source_line",
    )
