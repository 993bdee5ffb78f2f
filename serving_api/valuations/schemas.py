"""Valuations as the API shows them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, Field


class Valuation(BaseModel):
    """An account at the close of one business day. Money is in ``base_currency``; decimals are strings."""

    as_of_date: date
    base_currency: str
    total_value_base: Decimal | None
    cash_value_base: Decimal | None
    inflow_base: Decimal | None = Field(description="External flows in since the previous valuation date.")
    outflow_base: Decimal | None = Field(description="External flows out since the previous valuation date, positive.")
    gain_base: Decimal | None = Field(description="Gain of the day in money.")
    daily_return: Decimal | None = Field(description="Ratio; null with return_reason.")
    linked_return: Decimal | None = Field(description="Ratio since inception, not annualised.")
    return_reason: str | None
    position_count: int
    unvalued_count: int
    stale_count: int
    readiness: str
    readiness_reasons: str | None
    known_from: datetime = Field(description="The instant from which the figure was knowable.")
    methodology_version: str
