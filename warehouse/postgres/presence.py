"""What of the file-by-file tables is there already."""

from __future__ import annotations

from psycopg import sql

from contracts.table import Table
from warehouse.postgres.sessions import connect


def read_versions(url: str, tenant_key: int) -> set[tuple[int, str]]:
    """source_file_id and parser_version of every file whose canonical rows the warehouse holds, for one tenant."""
    query = "SELECT source_file_id, parser_version FROM landing.file_parse WHERE tenant_key = %s"
    with connect(url) as connection:
        return {(int(file_id), str(version)) for file_id, version in connection.execute(query, [tenant_key]).fetchall()}


def loaded_file_counts(url: str, table: Table, tenant_key: int) -> dict[int, int]:
    """source_file_id to the number of rows that the warehouse holds of it, for one tenant where the table has one."""
    scope = sql.SQL("WHERE tenant_key = {}").format(tenant_key) if "tenant_key" in table.polars_schema else sql.SQL("")
    query = sql.SQL("SELECT source_file_id, count(*) FROM {} {} GROUP BY 1").format(
        sql.Identifier(table.layer, table.name), scope
    )
    with connect(url) as connection:
        return {int(file_id): int(count) for file_id, count in connection.execute(query).fetchall()}
