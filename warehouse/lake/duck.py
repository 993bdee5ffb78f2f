"""DuckDB over the lake, for analysts and benchmarks: a connection in which every table is a view.

The views read the Parquet files that each table's last commit names, as Arrow datasets: no DuckDB extension is needed.
A view shows the table as it was when ``views`` was called.
"""

from __future__ import annotations

import duckdb

from contracts.registry import TABLES
from contracts.table import SHARED_TENANT
from warehouse.lake.store import Lake

SHARED_SCHEMA = "shared"
"""Schema under which tables of ``_shared`` appear when the tenant has one of the same name."""


def views(lake_root: str, tenant: str) -> duckdb.DuckDBPyConnection:
    """An in-memory connection with the tenant's and the shared tables as views ``schema.table``.

    A shared table that the tenant has too (prices, arrivals) is ``shared.<schema>_<table>``, as all shared ones are.
    The caller closes the connection.

    Raises:
        ValueError: not a tenant's name.
    """
    lake = Lake(lake_root)
    own = set(lake.tables(tenant))
    connection = duckdb.connect()
    connection.execute(f"CREATE SCHEMA {SHARED_SCHEMA}")
    for owner in dict.fromkeys((tenant, SHARED_TENANT)):
        for name in lake.tables(owner):
            layer, table = name.split(".")
            files = f"files_{owner}_{layer}_{table}"
            connection.register(files, lake.dataset(TABLES[name], owner))
            columns = ", ".join(f'"{column}"' for column in TABLES[name].polars_schema)
            select = f"SELECT {columns} FROM {files}"  # noqa: S608 - names come from the contracts
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}")
            if owner == tenant or name not in own:
                connection.execute(f'CREATE VIEW {layer}."{table}" AS {select}')
            if owner == SHARED_TENANT:
                connection.execute(f"CREATE VIEW {SHARED_SCHEMA}.{layer}_{table} AS {select}")
    return connection
