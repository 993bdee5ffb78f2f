"""What a connector hands over: canonical facts that still carry the provider's own identifiers.

A connector knows neither surrogate keys nor the tenant's clock. It gives frames of these schemas; conforming
(``assets/canonical``) turns identifiers into keys and adds ``known_at`` and the tenant. Every frame has
``source_line``. A security is named by its identifier columns (cusip, isin, sedol, figi, ticker,
provider_security_id); for cash they are all null. Columns that a provider does not state may be left out of a frame:
``connectors.formats.taken.conformed`` fills those that may be null.
"""

from __future__ import annotations

import dataframely as dy

from contracts import columns as c


class _Security(dy.Schema):
    cusip = c.cusip(nullable=True)
    isin = c.isin(nullable=True)
    sedol = c.sedol(nullable=True)
    figi = c.figi(nullable=True)
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
    maturity_date = c.maturity_date(nullable=True)
    coupon_percent = c.coupon_percent(nullable=True)
    pool_factor = c.pool_factor(nullable=True)
    issue_country = c.issue_country(nullable=True)
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
    sub_account = c.sub_account(nullable=True)
    quantity = c.quantity()
    price = c.price(nullable=True)
    price_date = c.price_date(nullable=True)
    market_value = c.market_value(nullable=True)
    accrued_interest = c.accrued_interest(nullable=True)
    currency = c.currency()
    is_delta = c.is_delta(nullable=True)


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


class FeedLot(_Security):
    """An open tax lot at the close of a day."""

    source_line = c.source_line()
    account_number = c.account_number()
    as_of_date = c.as_of_date()
    lot_id = c.lot_id()
    position_side = c.position_side()
    sub_account = c.sub_account(nullable=True)
    acquired_date = c.acquired_date(nullable=True)
    quantity = c.quantity()
    cost_basis = c.cost_basis(nullable=True)
    is_cost_known = c.is_cost_known()
    is_covered = c.is_covered(nullable=True)
    unrealized_gain = c.unrealized_gain(nullable=True)
    disallowed_loss = c.disallowed_loss(nullable=True)
    holding_term = c.holding_term()
    currency = c.currency()


class FeedGain(_Security):
    """A closed lot: what a sale realised, as the custodian states it."""

    source_line = c.source_line()
    account_number = c.account_number()
    lot_id = c.lot_id()
    acquired_date = c.acquired_date(nullable=True)
    sold_date = c.sold_date()
    quantity = c.quantity()
    proceeds = c.proceeds()
    cost_basis = c.cost_basis(nullable=True)
    realized_gain = c.realized_gain(nullable=True)
    disallowed_loss = c.disallowed_loss(nullable=True)
    holding_term = c.holding_term()
    currency = c.currency()
    business_date = c.business_date()


class FeedCorporateAction(_Security):
    """A corporate action as one provider describes it."""

    source_line = c.source_line()
    provider_event_id = c.provider_event_id()
    action_type = c.action_type()
    effective_on = c.effective_on()
    announced_date = c.announced_date(nullable=True)
    ex_date = c.ex_date(nullable=True)
    record_date = c.record_date(nullable=True)
    pay_date = c.pay_date(nullable=True)
    cash_rate = c.cash_rate(nullable=True)
    currency = c.currency(nullable=True)
    new_units = c.new_units(nullable=True)
    old_units = c.old_units(nullable=True)
    new_identifier = c.new_identifier(nullable=True)
    is_cancelled = c.is_cancelled()
    provider_code = c.provider_code()


class FeedAccountAlias(dy.Schema):
    """An account that was known under another custodian and number before, and is the same account."""

    source_line = c.source_line()
    account_number = c.account_number()
    former_adapter = c.former_adapter()
    former_account_number = c.former_account_number()
    business_date = c.business_date()


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
    "canonical.custodian_lot": FeedLot,
    "canonical.custodian_gain": FeedGain,
    "canonical.corporate_action": FeedCorporateAction,
    "canonical.account_alias": FeedAccountAlias,
}
"""Canonical table name to the schema of the frame that feeds it."""
