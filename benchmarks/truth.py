"""Whether the figures that readers see are the simulator's: a fast run that is wrong must not count."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from simulation.bulk import TENANT

_POSITIONS = """
SELECT a.account_number, i.identifier AS isin, f.quantity::text AS quantity, f.market_value_base::text AS value
FROM marts.fct_position_daily f
JOIN marts.dim_account a USING (tenant_key, account_key)
LEFT JOIN canonical.security_identifier i ON i.security_key = f.security_key AND i.scheme = 'ISIN'
WHERE f.as_of_date = '{day}' AND f.quantity <> 0 AND a.account_number IS NOT NULL
"""
_VALUES = """
SELECT a.account_number, f.total_value_base::text AS value, f.cash_value_base::text AS cash
FROM marts.fct_account_valuation_daily f JOIN marts.dim_account a USING (tenant_key, account_key)
WHERE f.as_of_date = '{day}'
"""


def require_truth(world: Path, url: str, day: date) -> int:
    """Compare every published holding and account value of the day with the truth; rows compared.

    Raises:
        RuntimeError: a row is missing, too many, or has another quantity or value.
    """
    folder = world / "truth" / TENANT
    holdings = pl.read_parquet(folder / f"positions-{day}-*.parquet")
    values = pl.read_parquet(folder / f"valuations-{day}-*.parquet")
    seen = _read(_POSITIONS, url, day, {"quantity": 8, "value": 4})
    cash = seen.filter(pl.col("isin").is_null())
    require_same(
        holdings.select("account_number", "isin", "quantity", value="market_value_base"),
        seen.filter(pl.col("isin").is_not_null()),
        ["account_number", "isin"],
    )
    money = values.select("account_number", value="cash_value", quantity=pl.col("cash_value").cast(pl.Decimal(20, 8)))
    require_same(money, cash.select("account_number", "value", "quantity"), ["account_number"])
    totals = _read(_VALUES, url, day, {"value": 4, "cash": 4})
    require_same(values.select("account_number", value="total_value", cash="cash_value"), totals, ["account_number"])
    return len(holdings) + 2 * len(values)


def _read(query: str, url: str, day: date, scales: dict[str, int]) -> pl.DataFrame:
    rows = pl.read_database_uri(query.format(day=day), url, engine="adbc")
    return rows.with_columns(pl.col(name).cast(pl.Decimal(20, scale)) for name, scale in scales.items())


def require_same(expected: pl.DataFrame, found: pl.DataFrame, key: list[str]) -> None:
    """Refuse rows that are not exactly the expected ones, whatever their order.

    Raises:
        RuntimeError: a row is missing, too many, or has another value.
    """
    both = expected.join(found, on=key, how="full", suffix="_found", validate="1:1")
    compared = [c for c in expected.columns if c not in key]
    wrong = both.filter(pl.any_horizontal(pl.col(c).ne_missing(pl.col(f"{c}_found")) for c in compared))
    if len(wrong):
        raise RuntimeError(f"{len(wrong)} of {len(expected)} rows by {', '.join(key)} are not the simulator's: {wrong}")
