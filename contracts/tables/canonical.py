"""Canonical: the providers' facts in our words, append-only, each with its file and line.

Natural keys: see docs/methodology.md section 2. ``known_at`` belongs to every primary key, since a correction is a new
row. The columns of lineage (source_file_id, source_line) stand last.
"""

from __future__ import annotations

import dataframely as dy

from contracts import columns as c
from contracts.table import Table


class Account(dy.Schema):
    """An account as its custodian describes it in one file."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    account_id = c.account_id()
    custodian = c.custodian()
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
    known_at = c.known_at()
    source_line = c.source_line()


class Security(dy.Schema):
    """A security as one source describes it on one day."""

    tenant_key = c.tenant_key(primary_key=True)
    security_key = c.security_key(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    source_line = c.source_line(primary_key=True)
    security_id = c.security_id()
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
    adapter = c.adapter()
    business_date = c.business_date()
    known_at = c.known_at()


class SecurityIdentifier(dy.Schema):
    """One identifier of a security, with its validity. Key issuing writes it; it is never changed in place."""

    scheme = c.scheme(primary_key=True)
    identifier = c.identifier(primary_key=True)
    security_key = c.security_key(primary_key=True)
    valid_from = c.valid_from(primary_key=True)
    valid_to = c.valid_to(nullable=True)
    security_id = c.security_id()
    known_at = c.known_at()
    source_file_id = c.source_file_id()
    source_line = c.source_line()


class Transaction(dy.Schema):
    """A ledger entry, or the cancel of one, as a custodian reports it. Signs follow docs/methodology.md section 3."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    natural_key = c.natural_key(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    security_key = c.security_key(nullable=True)
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
    occurrence = c.occurrence()
    connection_id = c.connection_id()
    logical_name = c.logical_name()
    known_at = c.known_at()
    source_line = c.source_line()


class CustodianPosition(dy.Schema):
    """What a custodian says an account holds at the close of a day, cash apart."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    security_key = c.security_key(primary_key=True)
    as_of_date = c.as_of_date(primary_key=True)
    position_side = c.position_side(primary_key=True)
    sub_account = c.sub_account(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    quantity = c.quantity()
    price = c.price(nullable=True)
    price_date = c.price_date(nullable=True)
    market_value = c.market_value(nullable=True)
    accrued_interest = c.accrued_interest(nullable=True)
    currency = c.currency()
    is_delta = c.is_delta()
    connection_id = c.connection_id()
    known_at = c.known_at()
    source_line = c.source_line()


class CustodianBalance(dy.Schema):
    """A balance that a custodian states for an account at the close of a day."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    currency = c.currency(primary_key=True)
    balance_type = c.balance_type(primary_key=True)
    as_of_date = c.as_of_date(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    balance = c.balance()
    connection_id = c.connection_id()
    known_at = c.known_at()
    source_line = c.source_line()


class Price(dy.Schema):
    """A price that one source gives for one day."""

    tenant_key = c.tenant_key(primary_key=True)
    security_key = c.security_key(primary_key=True)
    price_date = c.price_date(primary_key=True)
    price_source = c.price_source(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    source_line = c.source_line(primary_key=True)
    price = c.price()
    currency = c.currency()
    known_at = c.known_at()


class FxRate(dy.Schema):
    """A published FX quote in its published direction."""

    base_code = c.base_code(primary_key=True)
    quote_code = c.quote_code(primary_key=True)
    rate_date = c.rate_date(primary_key=True)
    rate_source = c.rate_source(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    rate = c.rate()
    known_at = c.known_at()
    source_line = c.source_line()


class StatementWindow(dy.Schema):
    """The span of days that a full-refresh file covers for an account: what it lacks inside is retracted."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    valid_from = c.valid_from()
    valid_to = c.valid_to()
    connection_id = c.connection_id()
    known_at = c.known_at()


class CustodianLot(dy.Schema):
    """An open tax lot as a custodian states it at the close of a day."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    security_key = c.security_key(primary_key=True)
    as_of_date = c.as_of_date(primary_key=True)
    lot_id = c.lot_id(primary_key=True)
    position_side = c.position_side(primary_key=True)
    sub_account = c.sub_account(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    acquired_date = c.acquired_date(nullable=True)
    quantity = c.quantity()
    cost_basis = c.cost_basis(nullable=True)
    is_cost_known = c.is_cost_known()
    is_covered = c.is_covered(nullable=True)
    unrealized_gain = c.unrealized_gain(nullable=True)
    disallowed_loss = c.disallowed_loss(nullable=True)
    holding_term = c.holding_term()
    currency = c.currency()
    connection_id = c.connection_id()
    known_at = c.known_at()
    source_line = c.source_line()


class CustodianGain(dy.Schema):
    """What the sale of a lot realised, as a custodian states it in one file."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    security_key = c.security_key(primary_key=True)
    sold_date = c.sold_date(primary_key=True)
    lot_id = c.lot_id(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    source_line = c.source_line(primary_key=True)
    acquired_date = c.acquired_date(nullable=True)
    quantity = c.quantity()
    proceeds = c.proceeds()
    cost_basis = c.cost_basis(nullable=True)
    realized_gain = c.realized_gain(nullable=True)
    disallowed_loss = c.disallowed_loss(nullable=True)
    holding_term = c.holding_term()
    currency = c.currency()
    business_date = c.business_date()
    connection_id = c.connection_id()
    known_at = c.known_at()


class CorporateAction(dy.Schema):
    """A corporate action as one provider describes it in one file."""

    tenant_key = c.tenant_key(primary_key=True)
    security_key = c.security_key(primary_key=True)
    provider_event_id = c.provider_event_id(primary_key=True)
    adapter = c.adapter(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    source_line = c.source_line(primary_key=True)
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
    known_at = c.known_at()


class AccountAlias(dy.Schema):
    """A statement that an account was known under another custodian and number before."""

    tenant_key = c.tenant_key(primary_key=True)
    account_key = c.account_key(primary_key=True)
    former_adapter = c.former_adapter(primary_key=True)
    former_account_number = c.former_account_number(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    business_date = c.business_date()
    connection_id = c.connection_id()
    known_at = c.known_at()
    source_line = c.source_line()


ACCOUNT = Table(
    "canonical", "account", Account,
    grain="one row per account and file that describes it",
    scope="tenant", kind="canonical", date_column=None, warehouse="appended",
)  # fmt: skip
SECURITY = Table(
    "canonical", "security", Security,
    grain="one row per security and line that describes it",
    scope="either", kind="canonical", date_column=None, warehouse="appended",
)  # fmt: skip
SECURITY_IDENTIFIER = Table(
    "canonical", "security_identifier", SecurityIdentifier,
    grain="one row per identifier, security and start of validity",
    scope="shared", kind="ledger", date_column=None, warehouse="appended",
)  # fmt: skip
TRANSACTION = Table(
    "canonical", "transaction", Transaction,
    grain="one row per ledger entry and file that reports it",
    scope="tenant", kind="canonical", date_column="trade_date", warehouse="appended",
)  # fmt: skip
CUSTODIAN_POSITION = Table(
    "canonical", "custodian_position", CustodianPosition,
    grain="one row per account, security, side, day and file",
    scope="tenant", kind="canonical", date_column="as_of_date", warehouse=None,
)  # fmt: skip
CUSTODIAN_BALANCE = Table(
    "canonical", "custodian_balance", CustodianBalance,
    grain="one row per account, currency, kind of balance, day and file",
    scope="tenant", kind="canonical", date_column="as_of_date", warehouse=None,
)  # fmt: skip
PRICE = Table(
    "canonical", "price", Price,
    grain="one row per security, day, source, file and line",
    scope="either", kind="canonical", date_column="price_date", warehouse="appended",
)  # fmt: skip
FX_RATE = Table(
    "canonical", "fx_rate", FxRate,
    grain="one row per currency pair, day, source and file",
    scope="shared", kind="canonical", date_column="rate_date", warehouse="appended",
)  # fmt: skip
STATEMENT_WINDOW = Table(
    "canonical", "statement_window", StatementWindow,
    grain="one row per account and full-refresh file",
    scope="tenant", kind="canonical", date_column=None, warehouse=None,
)  # fmt: skip
CUSTODIAN_LOT = Table(
    "canonical", "custodian_lot", CustodianLot,
    grain="one row per account, security, lot, side, day and file",
    scope="tenant", kind="canonical", date_column="as_of_date", warehouse=None,
)  # fmt: skip
CUSTODIAN_GAIN = Table(
    "canonical", "custodian_gain", CustodianGain,
    grain="one row per closed lot, sale and line that states it",
    scope="tenant", kind="canonical", date_column="sold_date", warehouse=None,
)  # fmt: skip
CORPORATE_ACTION = Table(
    "canonical", "corporate_action", CorporateAction,
    grain="one row per event, provider, file and line",
    scope="either", kind="canonical", date_column="effective_on", warehouse=None,
)  # fmt: skip
ACCOUNT_ALIAS = Table(
    "canonical", "account_alias", AccountAlias,
    grain="one row per account, former number and file that states it",
    scope="tenant", kind="canonical", date_column=None, warehouse=None,
)  # fmt: skip
