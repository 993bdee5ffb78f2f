"""Valuations as the API shows them."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel

from contracts.generated.marts import FctAccountValuationDaily as Mart
from serving_api.fields import Exact, of


class Valuation(BaseModel):
    """An account at the close of one business day. Money is in ``base_currency``; decimals are strings."""

    as_of_date: date = of(Mart, "as_of_date")
    base_currency: str = of(Mart, "base_currency")
    total_value_base: Exact | None = of(Mart, "total_value_base")
    cash_value_base: Exact | None = of(Mart, "cash_value_base")
    inflow_base: Exact | None = of(Mart, "inflow_base")
    outflow_base: Exact | None = of(Mart, "outflow_base")
    gain_base: Exact | None = of(Mart, "gain_base")
    daily_return: Exact | None = of(Mart, "daily_return")
    linked_return: Exact | None = of(Mart, "linked_return")
    return_reason: str | None = of(Mart, "return_reason")
    position_count: int = of(Mart, "position_count")
    unvalued_count: int = of(Mart, "unvalued_count")
    stale_count: int = of(Mart, "stale_count")
    readiness: str = of(Mart, "readiness")
    readiness_reasons: str | None = of(Mart, "readiness_reasons")
    known_from: datetime = of(Mart, "known_from")
    methodology_version: str = of(Mart, "methodology_version")
