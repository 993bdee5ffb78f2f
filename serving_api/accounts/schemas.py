"""Accounts as the API shows them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pydantic import BaseModel, Field


class Account(BaseModel):
    """An account and its latest published valuation. Money is in ``base_currency``; decimals are strings."""

    account_id: str = Field(description="Public UUID.")
    custodian: str
    account_number: str
    account_name: str | None
    account_type: str | None
    tax_status: str
    account_status: str
    base_currency: str
    opened_date: date | None
    as_of_date: date | None = Field(description="Day of the latest published valuation; null before the first.")
    total_value_base: Decimal | None = Field(description="Null when a part cannot be valued; see readiness_reasons.")
    linked_return: Decimal | None = Field(
        description="Time-weighted return since inception, as a ratio; null with a reason."
    )
    return_reason: str | None
    readiness: str | None
    readiness_reasons: str | None
