"""Alembic's entry: runs the migrations on the connection that ``warehouse.postgres.migrate`` hands over.

There is no ini file and no other way in; the caller holds the lock, the transaction and the role.
"""

from __future__ import annotations

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("run migrations through warehouse.postgres.migrate.migrate(url)")

context.configure(connection=connection, version_table_schema="ops", transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
