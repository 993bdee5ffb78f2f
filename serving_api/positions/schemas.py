"""Positions as the API shows them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import BaseModel, Field


class Position(BaseModel):
    """A holding, cash included, at the close of a business day. Decimals are strings."""

    security_id: str
    security_name: str | None
    security_type: str | None
    asset_class: str | None
    cusip: str | None
    isin: str | None
    ticker: str | None
    quantity: Decimal
    currency: str
    price: Decimal | None
    price_date: date | None
    price_source: str | None
    price_age_days: int | None = Field(description="Business days from price_date to as_of_date.")
    is_price_stale: bool
    market_value_local: Decimal | None = Field(description="In the security's currency.")
    market_value_base: Decimal | None = Field(description="In the account's base currency; null with value_reason.")
    value_reason: str | None


class Positions(BaseModel):
    """An account's positions of one day."""

    account_id: str
    as_of_date: date | None = Field(description="The day shown; null when nothing is published yet.")
    items: list[Position]
