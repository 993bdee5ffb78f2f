"""The tables that the contracts describe, as they stood at this revision."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE landing.file_arrival (
  tenant_key BIGINT NOT NULL,
  connection_id VARCHAR(64) NOT NULL,
  remote_path VARCHAR(1024) NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE NOT NULL,
  adapter VARCHAR(64) NOT NULL,
  file_kind VARCHAR(32),
  logical_name VARCHAR(255) NOT NULL,
  business_date DATE,
  source_file_id BIGINT NOT NULL,
  sha256 VARCHAR(64) NOT NULL,
  size_bytes BIGINT NOT NULL,
  remote_modified_at TIMESTAMP WITH TIME ZONE,
  arrival_status TEXT NOT NULL,
  CONSTRAINT pk_file_arrival PRIMARY KEY (tenant_key, connection_id, remote_path, received_at),
  CONSTRAINT ck_file_arrival_arrival_status CHECK (arrival_status IN ('landed', 'duplicate', 'refused'))
)

CREATE INDEX ix_file_arrival_source_file_id ON landing.file_arrival (source_file_id)

CREATE TABLE landing.file_parse (
  tenant_key BIGINT NOT NULL,
  source_file_id BIGINT NOT NULL,
  parser_version VARCHAR(32) NOT NULL,
  connection_id VARCHAR(64) NOT NULL,
  adapter VARCHAR(64) NOT NULL,
  file_kind VARCHAR(32),
  logical_name VARCHAR(255) NOT NULL,
  business_date DATE,
  parse_status TEXT NOT NULL,
  is_refresh BOOLEAN NOT NULL,
  record_count BIGINT NOT NULL,
  parsed_count BIGINT NOT NULL,
  quarantined_count BIGINT NOT NULL,
  first_effective_date DATE,
  last_effective_date DATE,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_file_parse PRIMARY KEY (tenant_key, source_file_id, parser_version),
  CONSTRAINT ck_file_parse_parse_status CHECK (parse_status IN ('parsed', 'blocked', 'crashed'))
)

CREATE INDEX ix_file_parse_source_file_id ON landing.file_parse (source_file_id)

CREATE TABLE canonical.account (
  tenant_key BIGINT NOT NULL,
  account_key BIGINT NOT NULL,
  source_file_id BIGINT NOT NULL,
  account_id VARCHAR(36) NOT NULL,
  custodian VARCHAR(64) NOT NULL,
  account_number VARCHAR(64) NOT NULL,
  master_account_number VARCHAR(64),
  account_name VARCHAR(255),
  account_type VARCHAR(50),
  tax_status TEXT NOT NULL,
  account_status TEXT NOT NULL,
  base_currency VARCHAR(3) NOT NULL,
  opened_date DATE,
  closed_date DATE,
  business_date DATE NOT NULL,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  source_line BIGINT NOT NULL,
  CONSTRAINT pk_account PRIMARY KEY (tenant_key, account_key, source_file_id),
  CONSTRAINT ck_account_tax_status CHECK (tax_status IN ('taxable', 'tax_deferred', 'tax_exempt', 'unknown')),
  CONSTRAINT ck_account_account_status CHECK (account_status IN ('open', 'closed', 'unknown'))
)

CREATE INDEX ix_account_source_file_id ON canonical.account (source_file_id)

CREATE TABLE canonical.security (
  tenant_key BIGINT NOT NULL,
  security_key BIGINT NOT NULL,
  source_file_id BIGINT NOT NULL,
  source_line BIGINT NOT NULL,
  security_id VARCHAR(36) NOT NULL,
  security_name VARCHAR(255) NOT NULL,
  security_type TEXT NOT NULL,
  asset_class TEXT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  price_factor NUMERIC(20, 8) NOT NULL,
  multiplier NUMERIC(20, 8) NOT NULL,
  maturity_date DATE,
  coupon_percent NUMERIC(20, 8),
  pool_factor NUMERIC(20, 8),
  issue_country VARCHAR(2),
  adapter VARCHAR(64) NOT NULL,
  business_date DATE NOT NULL,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_security PRIMARY KEY (tenant_key, security_key, source_file_id, source_line),
  CONSTRAINT ck_security_security_type CHECK (security_type IN (
    'equity', 'etf', 'mutual_fund', 'bond', 'option', 'money_market', 'currency', 'index', 'other')),
  CONSTRAINT ck_security_asset_class CHECK (asset_class IN (
    'equity', 'fixed_income', 'cash', 'alternative', 'derivative', 'other'))
)

CREATE INDEX ix_security_source_file_id ON canonical.security (source_file_id)

CREATE TABLE canonical.security_identifier (
  scheme TEXT NOT NULL,
  identifier VARCHAR(64) NOT NULL,
  security_key BIGINT NOT NULL,
  valid_from DATE NOT NULL,
  valid_to DATE,
  security_id VARCHAR(36) NOT NULL,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  source_file_id BIGINT NOT NULL,
  source_line BIGINT NOT NULL,
  CONSTRAINT pk_security_identifier PRIMARY KEY (scheme, identifier, security_key, valid_from),
  CONSTRAINT ck_security_identifier_scheme CHECK (scheme IN (
    'CUSIP', 'ISIN', 'SEDOL', 'FIGI', 'CURRENCY', 'TICKER', 'PROVIDER'))
)

CREATE INDEX ix_security_identifier_source_file_id ON canonical.security_identifier (source_file_id)

CREATE TABLE canonical.transaction (
  tenant_key BIGINT NOT NULL,
  account_key BIGINT NOT NULL,
  natural_key VARCHAR(1000) NOT NULL,
  source_file_id BIGINT NOT NULL,
  security_key BIGINT,
  transaction_type TEXT NOT NULL,
  trade_date DATE NOT NULL,
  settle_date DATE,
  quantity NUMERIC(20, 8) NOT NULL,
  price NUMERIC(20, 8),
  amount NUMERIC(20, 4) NOT NULL,
  currency VARCHAR(3) NOT NULL,
  commission NUMERIC(20, 4) NOT NULL,
  fees NUMERIC(20, 4) NOT NULL,
  accrued_interest NUMERIC(20, 4) NOT NULL,
  tax_withheld NUMERIC(20, 4) NOT NULL,
  is_cancel BOOLEAN NOT NULL,
  provider_transaction_id VARCHAR(255),
  reverses VARCHAR(255),
  provider_code VARCHAR(64) NOT NULL,
  occurrence BIGINT NOT NULL,
  connection_id VARCHAR(64) NOT NULL,
  logical_name VARCHAR(255) NOT NULL,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  source_line BIGINT NOT NULL,
  CONSTRAINT pk_transaction PRIMARY KEY (tenant_key, account_key, natural_key, source_file_id),
  CONSTRAINT ck_transaction_transaction_type CHECK (transaction_type IN (
    'BUY', 'BUY_TO_COVER', 'SELL', 'SELL_SHORT', 'DIVIDEND', 'INTEREST', 'CAPITAL_GAIN_SHORT',
    'CAPITAL_GAIN_LONG', 'REINVESTMENT', 'RETURN_OF_CAPITAL', 'DEPOSIT', 'WITHDRAWAL', 'TRANSFER_IN',
    'TRANSFER_OUT', 'JOURNAL', 'ADVISORY_FEE', 'OTHER_FEE', 'TAX_WITHHELD', 'MARGIN_INTEREST', 'SPLIT',
    'STOCK_DIVIDEND', 'SPINOFF', 'MERGER', 'SYMBOL_CHANGE', 'MATURITY', 'CALL', 'PRINCIPAL_PAYDOWN',
    'OPTION_EXERCISE', 'OPTION_ASSIGNMENT', 'OPTION_EXPIRY', 'FX', 'ADJUSTMENT'))
)

CREATE INDEX ix_transaction_source_file_id ON canonical.transaction (source_file_id)

CREATE TABLE canonical.price (
  tenant_key BIGINT NOT NULL,
  security_key BIGINT NOT NULL,
  price_date DATE NOT NULL,
  price_source VARCHAR(64) NOT NULL,
  source_file_id BIGINT NOT NULL,
  source_line BIGINT NOT NULL,
  price NUMERIC(20, 8) NOT NULL,
  currency VARCHAR(3) NOT NULL,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_price PRIMARY KEY (tenant_key, security_key, price_date, price_source, source_file_id, source_line)
)

CREATE INDEX ix_price_source_file_id ON canonical.price (source_file_id)

CREATE TABLE canonical.fx_rate (
  base_code VARCHAR(3) NOT NULL,
  quote_code VARCHAR(3) NOT NULL,
  rate_date DATE NOT NULL,
  rate_source VARCHAR(64) NOT NULL,
  source_file_id BIGINT NOT NULL,
  rate NUMERIC(20, 10) NOT NULL,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  source_line BIGINT NOT NULL,
  CONSTRAINT pk_fx_rate PRIMARY KEY (base_code, quote_code, rate_date, rate_source, source_file_id)
)

CREATE INDEX ix_fx_rate_source_file_id ON canonical.fx_rate (source_file_id)

CREATE TABLE quality.reject (
  tenant_key BIGINT NOT NULL,
  source_file_id BIGINT NOT NULL,
  source_line BIGINT NOT NULL,
  reason TEXT NOT NULL,
  field_name VARCHAR(64) NOT NULL,
  table_name VARCHAR(64),
  disposition TEXT NOT NULL,
  detail VARCHAR(1000) NOT NULL,
  raw_text VARCHAR(4000),
  connection_id VARCHAR(64) NOT NULL,
  logical_name VARCHAR(255) NOT NULL,
  business_date DATE,
  known_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_reject PRIMARY KEY (tenant_key, source_file_id, source_line, reason, field_name),
  CONSTRAINT ck_reject_reason CHECK (reason IN (
    'empty_file', 'truncated_file', 'trailer_mismatch', 'wrong_encoding', 'binary_content', 'archive_bomb',
    'unsafe_path', 'unrecognised_file', 'malformed_document', 'too_large', 'wrong_business_date',
    'pgp_wrong_key', 'pgp_bad_signature', 'parser_crashed', 'unknown_record_type', 'wrong_field_count',
    'impossible_date', 'unparsable_number',
    'unknown_code', 'missing_value', 'foreign_account', 'unknown_security', 'ambiguous_security',
    'unmatched_cancel', 'duplicate_key', 'contract_violation', 'number_out_of_range', 'quality_gate',
    'account_already_keyed')),
  CONSTRAINT ck_reject_disposition CHECK (disposition IN ('quarantined', 'flagged'))
)

CREATE INDEX ix_reject_source_file_id ON quality.reject (source_file_id)

CREATE TABLE quality.position_break (
  tenant_key BIGINT NOT NULL,
  account_key BIGINT NOT NULL,
  security_key BIGINT NOT NULL,
  as_of_date DATE NOT NULL,
  known_from TIMESTAMP WITH TIME ZONE NOT NULL,
  methodology_version VARCHAR(16) NOT NULL,
  quantity NUMERIC(20, 8),
  custodian_quantity NUMERIC(20, 8),
  quantity_difference NUMERIC(20, 8) NOT NULL,
  break_cause TEXT,
  load_key BIGINT NOT NULL,
  CONSTRAINT pk_position_break PRIMARY KEY (account_key, as_of_date, security_key, tenant_key, load_key),
  CONSTRAINT ck_position_break_break_cause CHECK (break_cause IN (
    'missing_at_custodian', 'missing_in_ledger', 'quantity_difference'))
)
 PARTITION BY LIST (tenant_key)

CREATE TABLE quality.feed_readiness (
  tenant_key BIGINT NOT NULL,
  connection_id VARCHAR(64) NOT NULL,
  data_type VARCHAR(32) NOT NULL,
  as_of_date DATE NOT NULL,
  known_from TIMESTAMP WITH TIME ZONE NOT NULL,
  methodology_version VARCHAR(16) NOT NULL,
  readiness TEXT NOT NULL,
  readiness_reasons VARCHAR(500),
  load_key BIGINT NOT NULL,
  CONSTRAINT pk_feed_readiness PRIMARY KEY (connection_id, as_of_date, data_type, tenant_key, load_key),
  CONSTRAINT ck_feed_readiness_readiness CHECK (readiness IN ('complete', 'provisional', 'blocked'))
)
 PARTITION BY LIST (tenant_key)

CREATE TABLE accounting.position (
  tenant_key BIGINT NOT NULL,
  account_key BIGINT NOT NULL,
  security_key BIGINT NOT NULL,
  as_of_date DATE NOT NULL,
  known_from TIMESTAMP WITH TIME ZONE NOT NULL,
  methodology_version VARCHAR(16) NOT NULL,
  quantity NUMERIC(20, 8) NOT NULL,
  currency VARCHAR(3) NOT NULL,
  price NUMERIC(20, 8),
  price_date DATE,
  price_source VARCHAR(64),
  price_age_days BIGINT,
  is_price_stale BOOLEAN NOT NULL,
  market_value_local NUMERIC(20, 4),
  rate_date DATE,
  market_value_base NUMERIC(20, 4),
  value_reason TEXT,
  load_key BIGINT NOT NULL,
  CONSTRAINT pk_position PRIMARY KEY (account_key, as_of_date, security_key, tenant_key, load_key),
  CONSTRAINT ck_position_value_reason CHECK (value_reason IN (
    'missing_price', 'missing_fx', 'overflow', 'no_position'))
)
 PARTITION BY LIST (tenant_key)

CREATE TABLE accounting.account_valuation (
  tenant_key BIGINT NOT NULL,
  account_key BIGINT NOT NULL,
  as_of_date DATE NOT NULL,
  known_from TIMESTAMP WITH TIME ZONE NOT NULL,
  methodology_version VARCHAR(16) NOT NULL,
  base_currency VARCHAR(3) NOT NULL,
  total_value_base NUMERIC(20, 4),
  cash_value_base NUMERIC(20, 4),
  inflow_base NUMERIC(20, 4),
  outflow_base NUMERIC(20, 4),
  gain_base NUMERIC(20, 4),
  daily_return NUMERIC(20, 8),
  linked_return NUMERIC(20, 8),
  return_reason TEXT,
  position_count BIGINT NOT NULL,
  unvalued_count BIGINT NOT NULL,
  stale_count BIGINT NOT NULL,
  readiness TEXT NOT NULL,
  readiness_reasons VARCHAR(500),
  load_key BIGINT NOT NULL,
  CONSTRAINT pk_account_valuation PRIMARY KEY (account_key, as_of_date, tenant_key, load_key),
  CONSTRAINT ck_account_valuation_return_reason CHECK (return_reason IN (
    'first_day', 'missing_valuation', 'missing_previous_valuation', 'missing_flow_value', 'no_capital',
    'non_positive_denominator', 'unfunded_income', 'gap_in_history')),
  CONSTRAINT ck_account_valuation_readiness CHECK (readiness IN ('complete', 'provisional', 'blocked'))
)
 PARTITION BY LIST (tenant_key)
"""


def upgrade() -> None:
    for statement in DDL.strip().split("\n\n"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the lake rebuilds the warehouse: restore or rebuild instead of downgrading")
