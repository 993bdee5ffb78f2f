"""Accounts as the API shows them."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel

from contracts.generated.marts import AccountSummary, DimAccount
from serving_api.fields import Exact, of

NEVER_VALUED = "Null before the first published valuation."


class Account(BaseModel):
    """An account and its latest published valuation. Money is in ``base_currency``; decimals are strings."""

    account_id: str = of(DimAccount, "account_id")
    custodian: str = of(DimAccount, "custodian")
    account_number: str = of(DimAccount, "account_number")
    account_name: str | None = of(DimAccount, "account_name")
    account_type: str | None = of(DimAccount, "account_type")
    tax_status: str = of(DimAccount, "tax_status")
    account_status: str = of(DimAccount, "account_status")
    base_currency: str = of(DimAccount, "base_currency")
    opened_date: date | None = of(DimAccount, "opened_date")
    as_of_date: date | None = of(AccountSummary, "as_of_date", NEVER_VALUED)
    total_value_base: Exact | None = of(AccountSummary, "total_value_base", "See readiness_reasons.")
    linked_return: Exact | None = of(AccountSummary, "linked_return")
    return_reason: str | None = of(AccountSummary, "return_reason")
    readiness: str | None = of(AccountSummary, "readiness", NEVER_VALUED)
    readiness_reasons: str | None = of(AccountSummary, "readiness_reasons")
