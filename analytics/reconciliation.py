"""Where our ledger and the custodian disagree on a holding or on cash (docs/methodology.md section 10)."""

from __future__ import annotations

import polars as pl

from analytics.openings import cash_on_own_basis, latest_snapshots
from analytics.versions import contract_rows, standing
from contracts.tables.quality import POSITION_BREAK
from contracts.vocabularies import METHODOLOGY_VERSION

_DAY = ["account_key", "as_of_date"]
_KEY = ["account_key", "security_key", "as_of_date"]
_QUANTITY = pl.Decimal(20, 8)
_SIDE = [*_KEY, "quantity", "known_from"]


def position_breaks(
    positions: pl.DataFrame,
    custodian_positions: pl.DataFrame,
    custodian_balances: pl.DataFrame,
    cash_settled: pl.DataFrame,
    *,
    currency_keys: pl.DataFrame,
    files: pl.DataFrame,
    tenant_key: int,
    covered: pl.DataFrame | None = None,
    covered_cash: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Every holding and cash balance on which the sides differ, over the union of their keys.

    Holdings are compared on the days on which the custodian speaks of the account's holdings: there are rows of it, or
    ``covered`` says that its positions were delivered although nothing of the account is in them. So a holding that
    vanished from the custodian's snapshot is a break, and a file that has not come yet is none. Cash is compared on the
    days with a balance, on the custodian's own basis: settled cash with settled cash, else by trade date; and by trade
    date on the days of ``covered_cash``, on which balances were delivered and none of the account. Quantities must be
    equal to the last digit. Agreement gives no row: the caller closes what had been open.

    known_from is the later of the two sides; where one side has nothing, of the other and of the custodian's snapshot.

    Args:
        positions: ours, from ``positions.daily_positions`` (or valued), cash by trade date included.
        custodian_positions, custodian_balances: canonical rows of the days to compare; of a day delivered more than
            once the snapshot known last counts, and it counts whole. Rows that state changes alone are compared
            holding by holding, in the parts that they name: put them on the snapshot before (``snapshots``) first.
        cash_settled: ours, from ``positions.settled_cash``.
        currency_keys: ``currency, security_key``.
        files: landing.file_parse rows; a file that a later delivery replaces does not speak any more.
        tenant_key: key of the tenant.
        covered: ``account_key, as_of_date, known_at`` of account-days whose positions were delivered.
        covered_cash: the same of account-days whose balances were delivered.

    Returns:
        Frame of quality.position_break.
    """
    theirs = latest_snapshots(standing(custodian_positions, files))
    balances = latest_snapshots(standing(custodian_balances, files))
    is_cash = pl.col("security_key").is_in(currency_keys.get_column("security_key").implode())
    theirs = theirs.filter(~is_cash)
    spoken = theirs.filter(~pl.col("is_delta")).select(*_DAY, "known_at")
    if covered is not None:
        spoken = pl.concat([spoken, covered.select(*_DAY, pl.col("known_at").cast(spoken.schema["known_at"]))])
    ours = positions.filter(~is_cash).select(_SIDE)
    stated = theirs.group_by(_KEY).agg(pl.col("quantity").sum(), known_from=pl.col("known_at").max())
    # Of a day on which only changes were stated, the holdings that are named are compared and no others.
    changed = stated.join(spoken, on=_DAY, how="anti")
    named = ours.join(changed, on=_KEY, how="semi")
    holdings = pl.concat(
        [
            _differences(ours, stated, spoken),
            _differences(named, changed, changed.select(*_DAY, known_at="known_from")),
        ]
    ).filter(pl.col("quantity").is_not_null() | (pl.col("custodian_quantity") != 0))
    cash = _cash_differences(positions.filter(is_cash), cash_settled, balances, currency_keys, covered_cash)
    breaks = pl.concat([holdings, cash])
    return contract_rows(
        breaks.with_columns(
            tenant_key=pl.lit(tenant_key, dtype=pl.Int64), methodology_version=pl.lit(METHODOLOGY_VERSION)
        ),
        POSITION_BREAK,
    ).sort(_KEY)


def covered_days(deliveries: pl.DataFrame, account_connections: pl.DataFrame) -> pl.DataFrame:
    """Account-days that a delivered positions file speaks of, for feeds whose one file holds all accounts.

    Args:
        deliveries: ``connection_id, as_of_date, known_at`` of positions files that were read.
        account_connections: ``account_key, connection_id``.
    """
    joined = deliveries.join(account_connections.unique(), on="connection_id")
    return joined.select(*_DAY, "connection_id", "known_at")


def _cash_differences(
    by_trade_date: pl.DataFrame,
    settled: pl.DataFrame,
    balances: pl.DataFrame,
    currency_keys: pl.DataFrame,
    covered: pl.DataFrame | None,
) -> pl.DataFrame:
    stated = cash_on_own_basis(balances.filter(pl.col("balance_type").cast(pl.String) != "margin"))
    theirs = stated.join(currency_keys.select("currency", "security_key"), on="currency").select(
        *_KEY, "is_settled", pl.col("amount").cast(_QUANTITY).alias("quantity"), pl.col("known_at").alias("known_from")
    )
    # A currency that the custodian does not state is compared on the basis of those that it does.
    bases = pl.concat(
        [
            by_trade_date.select(_SIDE).with_columns(is_settled=pl.lit(value=False)),
            settled.select(_SIDE).with_columns(is_settled=pl.lit(value=True)),
        ]
    )
    fallback = theirs.group_by(_DAY).agg(day_is_settled=pl.col("is_settled").any())
    ours = (
        bases.join(fallback, on=_DAY, how="left")
        .join(theirs.select(*_KEY, their_basis="is_settled"), on=_KEY, how="left")
        .filter(pl.col("is_settled") == pl.coalesce("their_basis", "day_is_settled", pl.lit(value=False)))
        .select(_SIDE)
    )
    spoken = balances.select(*_DAY, "known_at")
    if covered is not None:
        spoken = pl.concat([spoken, covered.select(*_DAY, pl.col("known_at").cast(spoken.schema["known_at"]))])
    return _differences(ours, theirs.select(_SIDE), spoken)


def _differences(ours: pl.DataFrame, theirs: pl.DataFrame, spoken: pl.DataFrame) -> pl.DataFrame:
    days = spoken.group_by(_DAY).agg(snapshot_at=pl.col("known_at").max())
    theirs = theirs.rename({"quantity": "custodian_quantity", "known_from": "custodian_known_from"})
    zero = pl.lit(0).cast(_QUANTITY)
    mine, other = pl.col("quantity"), pl.col("custodian_quantity")
    cause = (
        pl.when(mine.is_null())
        .then(pl.lit("missing_in_ledger"))
        .when(other.is_null())
        .then(pl.lit("missing_at_custodian"))
        .otherwise(pl.lit("quantity_difference"))
    )
    return (
        ours.join(theirs, on=_KEY, how="full", coalesce=True)
        .join(days, on=_DAY)
        .with_columns(quantity_difference=mine.fill_null(zero) - other.fill_null(zero), break_cause=cause)
        .filter(pl.col("quantity_difference") != 0)
        .select(
            *_KEY,
            pl.max_horizontal("known_from", "custodian_known_from", "snapshot_at").alias("known_from"),
            "quantity",
            pl.col("custodian_quantity").cast(_QUANTITY),
            "quantity_difference",
            "break_cause",
        )
    )
