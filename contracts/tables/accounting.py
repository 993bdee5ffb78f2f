"""Accounting: what our own ledger says, valued. Computed facts, versioned by known_from."""

from __future__ import annotations

import dataframely as dy

from contracts import columns as c
from contracts.table import Table


class LedgerEntry(dy.Schema):
    """What our own books hold of one canonical row: booked, cancelled or retracted. Positions are sums of these."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    natural_key = c.natural_key(primary_key=True)
    known_from = c.known_from(primary_key=True)
    methodology_version = c.methodology_version(primary_key=True)
    entry_type = c.entry_type()
    entry_status = c.entry_status()
    security_key = c.security_key(nullable=True)
    effective_date = c.effective_date()
    settle_date = c.settle_date(nullable=True)
    quantity = c.quantity()
    amount = c.amount()
    currency = c.currency()
    table_name = c.table_name()
    source_file_id = c.source_file_id()
    source_line = c.source_line()


class Position(dy.Schema):
    """A holding, cash included, rolled forward from the opening snapshot and the transactions, and valued."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    security_key = c.security_key(primary_key=True)
    as_of_date = c.as_of_date(primary_key=True)
    known_from = c.known_from(primary_key=True)
    methodology_version = c.methodology_version(primary_key=True)
    quantity = c.quantity()
    currency = c.currency()
    price = c.price(nullable=True)
    price_date = c.price_date(nullable=True)
    price_source = c.price_source(nullable=True)
    price_age_days = c.price_age_days(nullable=True)
    is_price_stale = c.is_price_stale()
    market_value_local = c.market_value_local(nullable=True)
    rate_date = c.rate_date(nullable=True)
    market_value_base = c.market_value_base(nullable=True)
    value_reason = c.value_reason(nullable=True)


class AccountValuation(dy.Schema):
    """An account at the close of a business day: value, flows and return."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    as_of_date = c.as_of_date(primary_key=True)
    known_from = c.known_from(primary_key=True)
    methodology_version = c.methodology_version(primary_key=True)
    base_currency = c.base_currency()
    total_value_base = c.total_value_base(nullable=True)
    cash_value_base = c.cash_value_base(nullable=True)
    inflow_base = c.inflow_base(nullable=True)
    outflow_base = c.outflow_base(nullable=True)
    gain_base = c.gain_base(nullable=True)
    daily_return = c.daily_return(nullable=True)
    linked_return = c.linked_return(nullable=True)
    return_reason = c.return_reason(nullable=True)
    position_count = c.position_count()
    unvalued_count = c.unvalued_count()
    stale_count = c.stale_count()
    readiness = c.readiness()
    readiness_reasons = c.readiness_reasons(nullable=True)


class ConsumedFile(dy.Schema):
    """A file whose rows are in the computed facts of one table: what is parsed and not here is still to be computed."""

    tenant_key = c.tenant_key(primary_key=True)
    consumed_by = c.consumed_by(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    parser_version = c.parser_version(primary_key=True)
    methodology_version = c.methodology_version(primary_key=True)


LEDGER_ENTRY = Table(
    "accounting", "ledger_entry", LedgerEntry,
    grain="one row per account and natural key, and per version that differs",
    scope="tenant", kind="computed", date_column="effective_date", warehouse=None,
)  # fmt: skip
POSITION = Table(
    "accounting", "position", Position,
    grain="one row per account, security and business day, and per version that differs",
    scope="tenant", kind="computed", date_column="as_of_date", warehouse="loaded",
)  # fmt: skip
ACCOUNT_VALUATION = Table(
    "accounting", "account_valuation", AccountValuation,
    grain="one row per account and business day, and per version that differs",
    scope="tenant", kind="computed", date_column="as_of_date", warehouse="loaded",
)  # fmt: skip
CONSUMED_FILE = Table(
    "accounting", "consumed_file", ConsumedFile,
    grain="one row per computed table and canonical file",
    scope="tenant", kind="ledger", date_column=None, warehouse=None,
)  # fmt: skip
