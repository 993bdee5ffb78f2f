"""What a connector hands over: canonical facts that still carry the provider's own identifiers.

A connector knows neither surrogate keys nor the tenant's clock. It gives frames of these schemas; conforming
(``assets/canonical``) turns identifiers into keys and adds ``known_at`` and the tenant. Every frame has
``source_line``. A security is named by its identifier columns (cusip, isin, sedol, ticker, provider_security_id);
for cash they are all null.
"""

from __future__ import annotations

import dataframely as dy

from contracts import columns as c


class _Security(dy.Schema):
    cusip = c.cusip(nullable=True)
    isin = c.isin(nullable=True)
    sedol = c.sedol(nullable=True)
    ticker = c.ticker(nullable=True)
    provider_security_id = c.provider_security_id(nullable=True)


class FeedAccount(dy.Schema):
    """An account as described by its custodian."""

    source_line = c.source_line()
    account_number = c.account_number()
    master_account_number = c.master_account_number(nullable=True)
    account_name = c.account_name(nullable=True)
    account_type = c.account_type(nullable=True)
    tax_status = c.tax_status()
    account_status = c.account_status()
    base_currency = c.base_currency()
    opened_date = c.opened_date(nullable=True)
    closed_date = c.closed_date(nullable=True)
    business_date = c.business_date()


class FeedSecurity(_Security):
    """A security as described by one source."""

    source_line = c.source_line()
    security_name = c.security_name()
    security_type = c.security_type()
    asset_class = c.asset_class()
    currency = c.currency()
    price_factor = c.price_factor()
    multiplier = c.multiplier()
    business_date = c.business_date()


class FeedTransaction(_Security):
    """A ledger entry or a cancel, in our signs and types."""

    source_line = c.source_line()
    account_number = c.account_number()
    transaction_type = c.transaction_type()
    trade_date = c.trade_date()
    settle_date = c.settle_date(nullable=True)
    quantity = c.quantity()
    price = c.price(nullable=True)
    amount = c.amount()
    currency = c.currency()
    commission = c.commission()
    fees = c.fees()
    accrued_interest = c.accrued_interest()
    tax_withheld = c.tax_withheld()
    is_cancel = c.is_cancel()
    provider_transaction_id = c.provider_transaction_id(nullable=True)
    reverses = c.reverses(nullable=True)
    provider_code = c.provider_code()


class FeedPosition(_Security):
    """A holding at the close of a day."""

    source_line = c.source_line()
    account_number = c.account_number()
    as_of_date = c.as_of_date()
    position_side = c.position_side()
    quantity = c.quantity()
    price = c.price(nullable=True)
    price_date = c.price_date(nullable=True)
    market_value = c.market_value(nullable=True)
    currency = c.currency()


class FeedBalance(dy.Schema):
    """A balance at the close of a day."""

    source_line = c.source_line()
    account_number = c.account_number()
    as_of_date = c.as_of_date()
    currency = c.currency()
    balance_type = c.balance_type()
    balance = c.balance()


class FeedPrice(_Security):
    """A price of a day."""

    source_line = c.source_line()
    price_date = c.price_date()
    price = c.price()
    currency = c.currency()


class FeedFxRate(dy.Schema):
    """A published FX quote."""

    source_line = c.source_line()
    base_code = c.base_code()
    quote_code = c.quote_code()
    rate_date = c.rate_date()
    rate = c.rate()


class FeedWindow(dy.Schema):
    """The days that a full-refresh statement covers for one account, both ends included."""

    source_line = c.source_line()
    account_number = c.account_number()
    valid_from = c.valid_from()
    valid_to = c.valid_to()


class FeedReject(dy.Schema):
    """A record that the connector could not read, or a whole file (source_line 0)."""

    source_line = c.source_line()
    reason = c.reason()
    field_name = c.field_name()
    table_name = c.table_name(nullable=True)
    detail = c.detail()
    raw_text = c.raw_text(nullable=True)


FEEDS = {
    "canonical.account": FeedAccount,
    "canonical.security": FeedSecurity,
    "canonical.transaction": FeedTransaction,
    "canonical.custodian_position": FeedPosition,
    "canonical.custodian_balance": FeedBalance,
    "canonical.price": FeedPrice,
    "canonical.fx_rate": FeedFxRate,
    "canonical.statement_window": FeedWindow,
}
"""Canonical table name to the schema of the frame that feeds it."""
