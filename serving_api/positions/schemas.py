"""Positions as the API shows them."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, Field

from contracts.generated.marts import DimAccount, DimSecurity, FctPositionDaily
from serving_api.fields import Exact, of


class Position(BaseModel):
    """A holding, cash included, at the close of a business day. Decimals are strings."""

    security_id: str = of(DimSecurity, "security_id")
    security_name: str = of(DimSecurity, "security_name")
    security_type: str = of(DimSecurity, "security_type")
    asset_class: str = of(DimSecurity, "asset_class")
    cusip: str | None = of(DimSecurity, "cusip")
    isin: str | None = of(DimSecurity, "isin")
    ticker: str | None = of(DimSecurity, "ticker")
    quantity: Exact = of(FctPositionDaily, "quantity")
    currency: str = of(FctPositionDaily, "currency")
    price: Exact | None = of(FctPositionDaily, "price")
    price_date: date | None = of(FctPositionDaily, "price_date")
    price_source: str | None = of(FctPositionDaily, "price_source")
    price_age_days: int | None = of(FctPositionDaily, "price_age_days")
    is_price_stale: bool = of(FctPositionDaily, "is_price_stale")
    market_value_local: Exact | None = of(FctPositionDaily, "market_value_local")
    rate_date: date | None = of(FctPositionDaily, "rate_date")
    market_value_base: Exact | None = of(FctPositionDaily, "market_value_base")
    value_reason: str | None = of(FctPositionDaily, "value_reason")


class Positions(BaseModel):
    """An account's positions of one day."""

    account_id: str = of(DimAccount, "account_id")
    as_of_date: date | None = Field(description="The day shown; null when nothing is published on or before.")
    items: list[Position] = Field(description="The holdings of the day, the largest value first.")
