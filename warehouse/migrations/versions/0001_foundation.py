"""Schemas, the ledger of loads and publications, and the tenants."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DDL = """
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public

CREATE SCHEMA core

CREATE SCHEMA landing

CREATE SCHEMA canonical

CREATE SCHEMA quality

CREATE SCHEMA accounting

CREATE SCHEMA partitions

COMMENT ON SCHEMA partitions IS
  'Partitions of the bulk-loaded tables. Nobody but the loader may enter: a grant here would bypass the policies.'

CREATE FUNCTION ops.set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := CASE WHEN NEW IS DISTINCT FROM OLD THEN now() ELSE OLD.updated_at END;
  RETURN NEW;
END $$

CREATE SEQUENCE ops.load_key AS bigint

CREATE TABLE ops.load (
  load_key bigint PRIMARY KEY,
  tenant_key bigint NOT NULL,
  from_date date NOT NULL,
  to_date date NOT NULL CHECK (to_date >= from_date),
  loaded_at timestamptz NOT NULL DEFAULT now(),
  dropped_at timestamptz
)

COMMENT ON TABLE ops.load IS
  'One row per bulk load of one tenant, written with its rows in one transaction.'

COMMENT ON COLUMN ops.load.dropped_at IS 'When its partitions were dropped as superseded; null while they are there.'

CREATE INDEX ix_load_tenant ON ops.load (tenant_key, load_key)

CREATE TABLE ops.load_date (
  tenant_key bigint NOT NULL,
  as_of_date date NOT NULL,
  table_name varchar(64) NOT NULL,
  load_key bigint NOT NULL REFERENCES ops.load,
  row_count bigint NOT NULL CHECK (row_count >= 0),
  content_hash varchar(64) NOT NULL,
  PRIMARY KEY (tenant_key, as_of_date, table_name, load_key)
)

COMMENT ON TABLE ops.load_date IS
  'What a load brought of one table for one day; it carries every loaded table for each of its days, even when empty.'

COMMENT ON COLUMN ops.load_date.content_hash IS 'Fingerprint of the rows: equal as long as the day is the same'

CREATE INDEX ix_load_date_load_key ON ops.load_date (load_key)

CREATE TABLE ops.publication (
  publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_key bigint NOT NULL,
  as_of_date date NOT NULL,
  load_key bigint NOT NULL REFERENCES ops.load,
  known_at timestamptz NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now(),
  code_version varchar(64) NOT NULL,
  methodology_version varchar(16) NOT NULL
)

COMMENT ON TABLE ops.publication IS
  'The act that makes a load visible for a day; append only, and the last one holds.'

COMMENT ON COLUMN ops.publication.known_at IS 'The knowledge that the figures are based on [UTC instant]'

CREATE INDEX ix_publication_day ON ops.publication (tenant_key, as_of_date, publication_id DESC)

CREATE INDEX ix_publication_load_key ON ops.publication (load_key)

CREATE TABLE core.tenants (
  tenant_key bigint PRIMARY KEY,
  tenant_id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
  slug varchar(100) NOT NULL UNIQUE CHECK (slug ~ '^[a-z_][a-z0-9_-]*$'),
  name varchar(255) NOT NULL,
  base_currency varchar(3) NOT NULL CHECK (base_currency ~ '^[A-Z]{3}$'),
  subscription_tier varchar(50) NOT NULL DEFAULT 'standard',
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
)

COMMENT ON COLUMN core.tenants.slug IS 'Name of the tenant in paths, partitions and subdomain'

COMMENT ON COLUMN core.tenants.base_currency IS 'Reporting currency above the level of an account [ISO 4217]'

CREATE TABLE core.api_key (
  key_sha256 varchar(64) PRIMARY KEY CHECK (key_sha256 ~ '^[0-9a-f]{64}$'),
  tenant_key bigint NOT NULL REFERENCES core.tenants,
  label varchar(100) NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
)

COMMENT ON TABLE core.api_key IS 'Keys to the API, as digests: the key itself is shown once, at issue.'

CREATE INDEX ix_api_key_tenant ON core.api_key (tenant_key)

CREATE FUNCTION core.tenant_of_api_key(digest text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN (SELECT tenant_key FROM core.api_key WHERE key_sha256 = digest AND revoked_at IS NULL)

COMMENT ON FUNCTION core.tenant_of_api_key(text) IS
  'Tenant whose unrevoked key has this SHA-256 in hexadecimal, or null: all that the API may learn of the keys'

REVOKE EXECUTE ON FUNCTION core.tenant_of_api_key(text) FROM PUBLIC
"""


def upgrade() -> None:
    for statement in DDL.strip().split("\n\n"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the lake rebuilds the warehouse: restore or rebuild instead of downgrading")
