"""The truth as frames and Parquet files, one folder per tenant, for tests to compare the platform against.

Rows carry natural identifiers (account number, ISIN, currency), never keys of the platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from simulation.decimals import decimal_series
from simulation.firm import Firm
from simulation.market import Ints, Market
from simulation.transactions import Transaction
from simulation.truth import Holdings, Valuation

_RETURN_PLACES = Decimal("0.000000000001")
_QUANTITY = pl.Decimal(20, 8)


def accounts_frame(firm: Firm, tenant: str) -> pl.DataFrame:
    """Grain: one row per account of the tenant, as it was opened."""
    return pl.DataFrame(
        [
            {
                "connection_id": a.connection, "account_number": a.account_number, "household": a.household,
                "account_name": a.title, "tax_status": a.tax_status, "base_currency": a.base_currency,
                "opened_date": a.opened_date, "style": a.style,
            }
            for a in firm.of(tenant)
        ]
    )  # fmt: skip


def securities_frame(market: Market) -> pl.DataFrame:
    """Grain: one row per security of the market."""
    return pl.DataFrame(
        [
            {
                "isin": s.isin, "cusip": s.cusip, "sedol": s.sedol, "ticker": s.ticker, "security_name": s.name,
                "kind": s.kind, "currency": s.currency, "price_factor": s.price_factor,
            }
            for s in market.securities
        ],
        schema_overrides={"price_factor": _QUANTITY, "cusip": pl.String, "sedol": pl.String},
    )  # fmt: skip


def transactions_frame(market: Market, transactions: tuple[Transaction, ...], tenant: str) -> pl.DataFrame:
    """Grain: one row per booking; ``is_cancelled`` ones never count."""
    booked = [t for t in transactions if t.account.tenant == tenant]
    integers = np.array(
        [(t.quantity, t.price, t.amount, t.commission, t.accrued_interest) for t in booked], dtype=np.int64
    ).reshape(-1, 5)
    return pl.DataFrame(
        {
            "connection_id": [t.account.connection for t in booked],
            "account_number": [t.account.account_number for t in booked],
            "transaction_number": [t.number for t in booked],
            "transaction_type": [t.type for t in booked],
            "isin": pl.Series([_isin(market, t.security) for t in booked], dtype=pl.String),
            "trade_date": pl.Series([t.trade_date for t in booked], dtype=pl.Date),
            "settle_date": pl.Series([t.settle_date for t in booked], dtype=pl.Date),
            "reported_date": pl.Series([t.reported_date for t in booked], dtype=pl.Date),
            "cancelled_date": pl.Series([t.cancelled_date for t in booked], dtype=pl.Date),
            "quantity": decimal_series("quantity", integers[:, 0], 5).cast(_QUANTITY),
            "price": decimal_series("price", integers[:, 1], 5).cast(_QUANTITY),
            "amount": decimal_series("amount", integers[:, 2], 4),
            "commission": decimal_series("commission", integers[:, 3], 4),
            "accrued_interest": decimal_series("accrued_interest", integers[:, 4], 4),
            "currency": [t.account.base_currency for t in booked],
            "is_cancelled": [t.cancelled_date is not None for t in booked],
        }
    )


def positions_frame(market: Market, firm: Firm, held: Holdings, values: Ints, tenant: str) -> pl.DataFrame:
    """Grain: account × security × business day with a quantity; cash is in ``cash_frame``."""
    places = _places(firm, tenant)
    accounts, days, listed = np.nonzero(held.quantities[places])
    accounts = places[accounts]
    price_places = market.price_places[days, listed]
    securities = securities_frame(market).select("isin", "cusip", "ticker", "currency")
    return pl.concat(
        [
            _account_columns(firm, accounts),
            securities[listed],
            pl.DataFrame(
                {
                    "as_of_date": _dates(market)[days],
                    "quantity": decimal_series("q", held.quantities[accounts, days, listed], 5).cast(_QUANTITY),
                    "price": decimal_series("p", market.prices[days, listed], 5).cast(_QUANTITY),
                    "price_date": _dates(market)[price_places],
                    "market_value_base": decimal_series("v", values[accounts, days, listed], 4),
                }
            ),
        ],
        how="horizontal",
    )


def cash_frame(market: Market, firm: Firm, held: Holdings, tenant: str) -> pl.DataFrame:
    """Grain: account × currency × business day on which the account is open. Cash is in the base currency only."""
    accounts, days = _open_days(market, firm, tenant)
    return pl.concat(
        [
            _account_columns(firm, accounts),
            pl.DataFrame(
                {
                    "currency": pl.Series([a.base_currency for a in firm.accounts])[accounts],
                    "as_of_date": _dates(market)[days],
                    "cash_trade_date": decimal_series("c", held.cash[accounts, days], 4),
                    "cash_settled": decimal_series("s", held.settled_cash[accounts, days], 4),
                }
            ),
        ],
        how="horizontal",
    )


def valuations_frame(market: Market, firm: Firm, rows: list[Valuation], tenant: str) -> pl.DataFrame:
    """Grain: account × business day on which the account is open."""
    mine = [row for row in rows if firm.accounts[row.account_place].tenant == tenant]
    accounts = np.array([row.account_place for row in mine], dtype=np.int64)
    days = np.array([row.day_place for row in mine], dtype=np.int64)
    money = {
        name: decimal_series(name, np.array([getattr(row, name) for row in mine], dtype=np.int64), 4)
        for name in ("securities_value", "cash_value", "total_value", "inflow", "outflow")
    }
    returns = {
        name: pl.Series([_ratio(getattr(row, name)) for row in mine], dtype=pl.Decimal(24, 12))
        for name in ("daily_return", "linked_return")
    }
    return pl.concat(
        [
            _account_columns(firm, accounts),
            pl.DataFrame(
                {
                    "base_currency": pl.Series([a.base_currency for a in firm.accounts])[accounts],
                    "as_of_date": _dates(market)[days],
                    **money,
                    **returns,
                    "return_reason": pl.Series([row.return_reason for row in mine], dtype=pl.String),
                }
            ),
        ],
        how="horizontal",
    )


def write_frames(frames: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Write each frame as ``<folder>/<name>.parquet``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")


def _isin(market: Market, security: int | None) -> str | None:
    return None if security is None else market.securities[security].isin


def _ratio(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(_RETURN_PLACES)


def _dates(market: Market) -> pl.Series:
    return pl.Series("day", market.days, dtype=pl.Date)


def _places(firm: Firm, tenant: str) -> Ints:
    return np.array([p for p, account in enumerate(firm.accounts) if account.tenant == tenant], dtype=np.int64)


def _open_days(market: Market, firm: Firm, tenant: str) -> tuple[Ints, Ints]:
    opened = np.array([account.opened_place for account in firm.accounts], dtype=np.int64)
    places = _places(firm, tenant)
    accounts, days = np.nonzero(np.arange(len(market.days))[None, :] >= opened[places][:, None])
    return places[accounts], days


def _account_columns(firm: Firm, places: Ints) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "connection_id": [a.connection for a in firm.accounts],
            "account_number": [a.account_number for a in firm.accounts],
        }
    )
    return frame[places]
