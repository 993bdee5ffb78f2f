"""What readers may see: published rows, of their own tenant, through parents and views alone."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LOADED = ("quality.position_break", "quality.feed_readiness", "accounting.position", "accounting.account_valuation")

TENANT_ONLY = (
    *LOADED,
    "canonical.account", "canonical.transaction",
    "ops.load", "ops.load_date", "ops.publication",
    "core.tenants", "core.api_key", "core.users", "core.clients", "core.households", "core.household_members",
    "core.accounts", "core.portfolios", "core.portfolio_accounts", "core.alternative_investments",
    "core.capital_calls", "core.model_portfolios", "core.account_model_assignments", "core.fee_schedules",
    "core.invoices", "core.audit_log",
)  # fmt: skip

TENANT_AND_SHARED = (
    "landing.file_arrival", "landing.file_parse", "canonical.security", "canonical.price", "quality.reject",
)  # fmt: skip
"""Rows of tenant_key 0 come from market data feeds and are everybody's."""

SHARED = ("canonical.security_identifier", "canonical.fx_rate", "core.securities", "core.security_identifiers")

UNREADABLE = ("core.api_key", "core.users", "core.audit_log")
"""Credentials and the audit trail are not the API's."""

COLUMN_BY_COLUMN = {
    # not the encrypted tax ids
    "core.clients": "tenant_key, client_id, external_id, client_type, name, contact_info, kyc_status, risk_profile, "
    "inception_date, metadata, created_at, updated_at",
    # not the lines as received, which may hold anything that a custodian knows of a client
    "quality.reject": "tenant_key, source_file_id, source_line, reason, field_name, table_name, disposition, detail, "
    "connection_id, logical_name, business_date, known_at",
}
"""What the API reads of tables that hold more than it may read."""

# After the transaction that set it, the setting reads as an empty text and not as null.
TENANT = "nullif(current_setting('app.tenant_key', true), '')::bigint"

VIEWS = """
CREATE VIEW ops.current_publication WITH (security_invoker = true) AS
SELECT DISTINCT ON (tenant_key, as_of_date)
  tenant_key, as_of_date, publication_id, load_key, known_at, published_at, code_version, methodology_version
FROM ops.publication
ORDER BY tenant_key, as_of_date, publication_id DESC

COMMENT ON VIEW ops.current_publication IS 'The publication that holds. Grain: one row per tenant and day.'

CREATE VIEW ops.last_load WITH (security_invoker = true) AS
SELECT tenant_key, as_of_date, max(load_key) AS load_key FROM ops.load_date GROUP BY tenant_key, as_of_date

COMMENT ON VIEW ops.last_load IS 'The newest load of a day, published or not. Grain: one row per tenant and day.'

CREATE VIEW ops.unpublished_load WITH (security_invoker = true) AS
SELECT l.tenant_key, l.as_of_date, l.load_key
FROM ops.last_load AS l
LEFT JOIN ops.current_publication AS p ON p.tenant_key = l.tenant_key AND p.as_of_date = l.as_of_date
WHERE p.load_key IS DISTINCT FROM l.load_key

COMMENT ON VIEW ops.unpublished_load IS
  'Days whose newest load is not the published one: what the marts'' tests look at. Grain: one row per tenant and day.'
"""

READ_VIEW = """
CREATE VIEW {table}_{suffix} WITH (security_invoker = true) AS
SELECT r.*
FROM {table} AS r
JOIN ops.{chosen} AS c
  ON c.tenant_key = r.tenant_key AND c.as_of_date = r.as_of_date AND c.load_key = r.load_key
"""


def upgrade() -> None:
    for statement in VIEWS.strip().split("\n\n"):
        op.execute(statement)
    for table in LOADED:
        op.execute(READ_VIEW.format(table=table, suffix="published", chosen="current_publication"))
        op.execute(READ_VIEW.format(table=table, suffix="candidate", chosen="unpublished_load"))
        op.execute(f"COMMENT ON VIEW {table}_published IS 'Rows of {table} that are published: what may be shown.'")
        op.execute(f"COMMENT ON VIEW {table}_candidate IS 'Rows of {table} that are loaded and not yet published.'")
    _policies()
    _grants()


def _policies() -> None:
    for table in TENANT_ONLY:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own_tenant ON {table} FOR SELECT TO nexus_api USING (tenant_key = {TENANT})")
    for table in TENANT_AND_SHARED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_tenant_and_shared ON {table} FOR SELECT TO nexus_api "
            f"USING (tenant_key = {TENANT} OR (tenant_key = 0 AND {TENANT} IS NOT NULL))"
        )


def _grants() -> None:
    op.execute("GRANT USAGE ON SCHEMA core, landing, canonical, quality, accounting, ops TO nexus_api")
    readable = [t for t in (*TENANT_ONLY, *TENANT_AND_SHARED, *SHARED) if t not in (*UNREADABLE, *COLUMN_BY_COLUMN)]
    views = ["ops.current_publication", "ops.last_load", "ops.unpublished_load"]
    views += [f"{table}_{suffix}" for table in LOADED for suffix in ("published", "candidate")]
    op.execute(f"GRANT SELECT ON {', '.join([*readable, *views])} TO nexus_api")
    for table, columns in COLUMN_BY_COLUMN.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO nexus_api")
    op.execute("GRANT EXECUTE ON FUNCTION core.tenant_of_api_key(text) TO nexus_api")


def downgrade() -> None:
    raise NotImplementedError("the lake rebuilds the warehouse: restore or rebuild instead of downgrading")
