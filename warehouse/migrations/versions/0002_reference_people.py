"""The reference schema, first half: users, clients, households, accounts, portfolios, securities."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE core.users (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  user_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  email varchar(255) NOT NULL,
  password_hash varchar(255),
  first_name varchar(100),
  last_name varchar(100),
  role varchar(50) NOT NULL CHECK (role IN ('admin', 'advisor', 'operations', 'compliance', 'client', 'service')),
  permissions jsonb NOT NULL DEFAULT '[]',
  is_mfa_enabled boolean NOT NULL DEFAULT false,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, user_id)
)

CREATE UNIQUE INDEX uq_users_email ON core.users (tenant_key, lower(email))

CREATE TABLE core.clients (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  client_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  external_id varchar(100),
  client_type varchar(50) NOT NULL CHECK (client_type IN
    ('individual', 'joint', 'trust', 'entity', 'foundation', 'estate')),
  name varchar(255) NOT NULL,
  tax_id_encrypted bytea,
  contact_info jsonb NOT NULL DEFAULT '{}',
  kyc_status varchar(50) CHECK (kyc_status IN ('pending', 'approved', 'rejected', 'expired')),
  risk_profile varchar(50) CHECK (risk_profile IN ('conservative', 'moderate', 'balanced', 'growth', 'aggressive')),
  inception_date date,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, client_id),
  UNIQUE (tenant_key, external_id)
)

CREATE TABLE core.households (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  household_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  name varchar(255) NOT NULL,
  primary_contact_id uuid,
  reporting_currency varchar(3) NOT NULL DEFAULT 'USD' CHECK (reporting_currency ~ '^[A-Z]{3}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, household_id),
  FOREIGN KEY (tenant_key, primary_contact_id) REFERENCES core.clients (tenant_key, client_id)
)

CREATE INDEX ix_households_primary_contact ON core.households (tenant_key, primary_contact_id)

CREATE TABLE core.household_members (
  tenant_key bigint NOT NULL,
  household_id uuid NOT NULL,
  client_id uuid NOT NULL,
  relationship varchar(100),
  ownership_weight numeric(12, 8) NOT NULL DEFAULT 1 CHECK (ownership_weight > 0 AND ownership_weight <= 1),
  valid_from date NOT NULL,
  valid_to date CHECK (valid_to >= valid_from),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, household_id, client_id, valid_from),
  FOREIGN KEY (tenant_key, household_id) REFERENCES core.households (tenant_key, household_id),
  FOREIGN KEY (tenant_key, client_id) REFERENCES core.clients (tenant_key, client_id),
  CONSTRAINT ex_household_members_overlap EXCLUDE USING gist (
    tenant_key WITH =, household_id WITH =, client_id WITH =, daterange(valid_from, valid_to, '[]') WITH &&)
)

CREATE INDEX ix_household_members_client ON core.household_members (tenant_key, client_id)

COMMENT ON COLUMN core.household_members.ownership_weight IS 'Share of the member that counts for the household [ratio]'

COMMENT ON COLUMN core.household_members.valid_to IS 'Last day of membership; null while it lasts'

CREATE TABLE core.accounts (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  account_key bigint NOT NULL,
  account_id uuid NOT NULL UNIQUE,
  client_id uuid,
  custodian varchar(64) NOT NULL,
  account_number varchar(64) NOT NULL,
  master_account_number varchar(64),
  account_name varchar(255),
  account_type varchar(50),
  tax_status text NOT NULL CHECK (tax_status IN ('taxable', 'tax_deferred', 'tax_exempt', 'unknown')),
  account_status text NOT NULL CHECK (account_status IN ('open', 'closed', 'unknown')),
  base_currency varchar(3) NOT NULL CHECK (base_currency ~ '^[A-Z]{3}$'),
  opened_date date,
  closed_date date,
  metadata jsonb NOT NULL DEFAULT '{}',
  business_date date NOT NULL,
  known_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, account_key),
  UNIQUE (tenant_key, account_id),
  UNIQUE (tenant_key, custodian, account_number),
  FOREIGN KEY (tenant_key, client_id) REFERENCES core.clients (tenant_key, client_id)
)

CREATE INDEX ix_accounts_client ON core.accounts (tenant_key, client_id)

COMMENT ON COLUMN core.accounts.business_date IS 'Day that the description is of; a later one replaces it'

COMMENT ON COLUMN core.accounts.known_at IS 'Arrival of the file that the description was taken from [UTC instant]'

CREATE TABLE core.portfolios (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  portfolio_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  name varchar(255) NOT NULL,
  portfolio_type varchar(50) NOT NULL CHECK (portfolio_type IN ('model', 'composite', 'account')),
  benchmark_id uuid,
  reporting_currency varchar(3) NOT NULL DEFAULT 'USD' CHECK (reporting_currency ~ '^[A-Z]{3}$'),
  inception_date date,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, portfolio_id)
)

CREATE TABLE core.portfolio_accounts (
  tenant_key bigint NOT NULL,
  portfolio_id uuid NOT NULL,
  account_key bigint NOT NULL,
  ownership_weight numeric(12, 8) NOT NULL DEFAULT 1 CHECK (ownership_weight > 0 AND ownership_weight <= 1),
  valid_from date NOT NULL,
  valid_to date CHECK (valid_to >= valid_from),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, portfolio_id, account_key, valid_from),
  FOREIGN KEY (tenant_key, portfolio_id) REFERENCES core.portfolios (tenant_key, portfolio_id),
  FOREIGN KEY (tenant_key, account_key) REFERENCES core.accounts (tenant_key, account_key),
  CONSTRAINT ex_portfolio_accounts_overlap EXCLUDE USING gist (
    tenant_key WITH =, portfolio_id WITH =, account_key WITH =, daterange(valid_from, valid_to, '[]') WITH &&)
)

CREATE INDEX ix_portfolio_accounts_account ON core.portfolio_accounts (tenant_key, account_key)

COMMENT ON COLUMN core.portfolio_accounts.ownership_weight IS
  'Share of the account that counts for the portfolio [ratio]'

COMMENT ON COLUMN core.portfolio_accounts.valid_to IS 'Last day of membership; null while it lasts'

CREATE TABLE core.securities (
  security_key bigint PRIMARY KEY,
  security_id uuid NOT NULL UNIQUE,
  security_name varchar(255) NOT NULL,
  security_type text NOT NULL CHECK (security_type IN
    ('equity', 'etf', 'mutual_fund', 'bond', 'option', 'money_market', 'currency', 'index', 'other')),
  asset_class text NOT NULL CHECK (asset_class IN
    ('equity', 'fixed_income', 'cash', 'alternative', 'derivative', 'other')),
  sub_asset_class varchar(50),
  currency varchar(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  price_factor numeric(20, 8) NOT NULL,
  multiplier numeric(20, 8) NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}',
  business_date date NOT NULL,
  known_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
)

COMMENT ON COLUMN core.securities.business_date IS 'Day that the description is of; a later one replaces it'

CREATE TABLE core.security_identifiers (
  scheme text NOT NULL CHECK (scheme IN ('CUSIP', 'ISIN', 'SEDOL', 'FIGI', 'CURRENCY', 'TICKER', 'PROVIDER')),
  identifier varchar(64) NOT NULL,
  security_key bigint NOT NULL REFERENCES core.securities,
  valid_from date NOT NULL,
  valid_to date CHECK (valid_to >= valid_from),
  known_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scheme, identifier, security_key, valid_from),
  CONSTRAINT ex_security_identifiers_overlap EXCLUDE USING gist (
    scheme WITH =, identifier WITH =, daterange(valid_from, valid_to, '[]') WITH &&) DEFERRABLE INITIALLY DEFERRED
)

COMMENT ON COLUMN core.security_identifiers.valid_to IS 'Last day of validity; null while it is valid'

CREATE INDEX ix_security_identifiers_security ON core.security_identifiers (security_key)
"""


def upgrade() -> None:
    for statement in DDL.strip().split("\n\n"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the lake rebuilds the warehouse: restore or rebuild instead of downgrading")
