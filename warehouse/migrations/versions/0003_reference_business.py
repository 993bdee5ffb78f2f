"""The reference schema, second half: alternatives, models, billing, audit; and the upkeep of updated_at."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DDL = """
CREATE TABLE core.alternative_investments (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  investment_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  name varchar(255) NOT NULL,
  investment_type varchar(50) NOT NULL CHECK (investment_type IN
    ('private_equity', 'venture_capital', 'hedge_fund', 'real_estate', 'private_credit', 'infrastructure', 'other')),
  manager_name varchar(255),
  vintage_year integer CHECK (vintage_year BETWEEN 1900 AND 2200),
  commitment_amount numeric(20, 4) CHECK (commitment_amount >= 0),
  called_amount numeric(20, 4) NOT NULL DEFAULT 0,
  distributed_amount numeric(20, 4) NOT NULL DEFAULT 0,
  current_nav numeric(20, 4),
  nav_date date,
  currency varchar(3) NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
  documents jsonb NOT NULL DEFAULT '[]',
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, investment_id),
  CHECK ((current_nav IS NULL) = (nav_date IS NULL))
)

CREATE TABLE core.capital_calls (
  tenant_key bigint NOT NULL,
  capital_call_id uuid NOT NULL DEFAULT gen_random_uuid(),
  investment_id uuid NOT NULL,
  account_key bigint NOT NULL,
  call_date date NOT NULL,
  due_date date NOT NULL CHECK (due_date >= call_date),
  amount numeric(20, 4) NOT NULL CHECK (amount > 0),
  status varchar(50) NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'paid', 'overdue', 'cancelled')),
  document_url text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, capital_call_id),
  FOREIGN KEY (tenant_key, investment_id) REFERENCES core.alternative_investments (tenant_key, investment_id),
  FOREIGN KEY (tenant_key, account_key) REFERENCES core.accounts (tenant_key, account_key)
)

CREATE INDEX ix_capital_calls_investment ON core.capital_calls (tenant_key, investment_id)

CREATE INDEX ix_capital_calls_account ON core.capital_calls (tenant_key, account_key, due_date)

CREATE TABLE core.model_portfolios (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  model_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  name varchar(255) NOT NULL,
  description text,
  target_allocations jsonb NOT NULL,
  rebalance_frequency varchar(50) CHECK (rebalance_frequency IN
    ('none', 'monthly', 'quarterly', 'semi_annual', 'annual', 'on_drift')),
  drift_threshold numeric(12, 8) CHECK (drift_threshold >= 0),
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, model_id)
)

COMMENT ON COLUMN core.model_portfolios.drift_threshold IS
  'Distance from the target weight that calls for action [ratio]'

CREATE TABLE core.account_model_assignments (
  tenant_key bigint NOT NULL,
  account_key bigint NOT NULL,
  model_id uuid NOT NULL,
  valid_from date NOT NULL,
  valid_to date CHECK (valid_to >= valid_from),
  restrictions jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, account_key, valid_from),
  FOREIGN KEY (tenant_key, account_key) REFERENCES core.accounts (tenant_key, account_key),
  FOREIGN KEY (tenant_key, model_id) REFERENCES core.model_portfolios (tenant_key, model_id),
  CONSTRAINT ex_account_model_assignments_overlap EXCLUDE USING gist (
    tenant_key WITH =, account_key WITH =, daterange(valid_from, valid_to, '[]') WITH &&)
)

CREATE INDEX ix_account_model_assignments_model ON core.account_model_assignments (tenant_key, model_id)

CREATE TABLE core.fee_schedules (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  fee_schedule_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  name varchar(255) NOT NULL,
  fee_type varchar(50) NOT NULL CHECK (fee_type IN ('aum', 'flat', 'performance', 'hybrid')),
  tiers jsonb NOT NULL,
  billing_frequency varchar(50) NOT NULL CHECK (billing_frequency IN ('monthly', 'quarterly', 'semi_annual', 'annual')),
  advance_arrears varchar(50) NOT NULL CHECK (advance_arrears IN ('advance', 'arrears')),
  minimum_fee numeric(20, 4) CHECK (minimum_fee >= 0),
  maximum_fee numeric(20, 4),
  currency varchar(3) NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, fee_schedule_id),
  CHECK (maximum_fee >= coalesce(minimum_fee, 0))
)

CREATE TABLE core.invoices (
  tenant_key bigint NOT NULL,
  invoice_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  client_id uuid NOT NULL,
  invoice_number varchar(100) NOT NULL,
  billing_period_start date NOT NULL,
  billing_period_end date NOT NULL CHECK (billing_period_end >= billing_period_start),
  currency varchar(3) NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
  subtotal numeric(20, 4) NOT NULL,
  adjustments numeric(20, 4) NOT NULL DEFAULT 0,
  total numeric(20, 4) NOT NULL,
  status varchar(50) NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'approved', 'sent', 'paid', 'void')),
  due_date date,
  paid_date date,
  line_items jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, invoice_id),
  UNIQUE (tenant_key, invoice_number),
  FOREIGN KEY (tenant_key, client_id) REFERENCES core.clients (tenant_key, client_id),
  CONSTRAINT ck_invoices_total CHECK (total = subtotal + adjustments)
)

CREATE INDEX ix_invoices_client ON core.invoices (tenant_key, client_id)

CREATE TABLE core.audit_log (
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  audit_id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid,
  action varchar(100) NOT NULL,
  entity_type varchar(100) NOT NULL,
  entity_id uuid,
  changes jsonb,
  ip_address inet,
  user_agent text,
  occurred_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_key, occurred_at, audit_id),
  FOREIGN KEY (tenant_key, user_id) REFERENCES core.users (tenant_key, user_id)
)

CREATE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$

CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON core.audit_log
  FOR EACH ROW EXECUTE FUNCTION core.refuse_change()

CREATE TRIGGER audit_log_never_truncated BEFORE TRUNCATE ON core.audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()
"""

UPDATED = (
    "tenants", "users", "clients", "households", "household_members", "accounts", "portfolios", "portfolio_accounts",
    "securities", "security_identifiers", "alternative_investments", "capital_calls", "model_portfolios",
    "account_model_assignments", "fee_schedules", "invoices",
)  # fmt: skip


def upgrade() -> None:
    for statement in DDL.strip().split("\n\n"):
        op.execute(statement)
    for table in UPDATED:
        op.execute(
            f"CREATE TRIGGER {table}_updated_at BEFORE UPDATE ON core.{table} "
            "FOR EACH ROW EXECUTE FUNCTION ops.set_updated_at()"
        )


def downgrade() -> None:
    raise NotImplementedError("the lake rebuilds the warehouse: restore or rebuild instead of downgrading")
