"""What a table is, beyond its columns: grain, keys, scope, and who keeps it where.

A table is declared once in ``contracts/tables``; ``contracts/registry.py`` collects the declarations and
``contracts/render`` turns them into every other form (Polars schema, SQLAlchemy table, dbt source, GX suite, API docs).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import dataframely as dy
import polars as pl

SHARED_TENANT = "_shared"
"""Lake folder and tenant name of what belongs to no tenant."""
SHARED_TENANT_KEY = 0

Layer = Literal["landing", "canonical", "quality", "accounting", "ops"]
Scope = Literal["tenant", "shared", "either"]
"""either: rows of a tenant's own feed stay with the tenant, those of a shared feed stand under tenant_key 0."""
Kind = Literal["ledger", "canonical", "computed"]
"""ledger: appended once per event; canonical: replaced whole per source file; computed: versioned by known_from."""


@dataclass(frozen=True)
class Table:
    """One table that Python writes.

    Attributes:
        layer: schema in the warehouse and group in the orchestrator.
        name: table name; ``layer.name`` is the one name everywhere.
        columns: dataframely schema; its primary key is the grain.
        grain: one sentence, "one row per ...".
        scope: whether the lake keeps it per tenant or once for all.
        kind: how rows are written (see ``Kind``).
        date_column: the effective date; lake partitions by its month, the warehouse by load. None: not partitioned.
        warehouse: loaded: in bulk per load and made visible by publication; appended: row by row per file;
            None: stays in the lake.
    """

    layer: Layer
    name: str
    columns: type[dy.Schema]
    grain: str
    scope: Scope
    kind: Kind
    date_column: str | None
    warehouse: Literal["loaded", "appended"] | None

    @property
    def full_name(self) -> str:
        """``schema.table``: the asset key, lake folder, warehouse table and API word."""
        return f"{self.layer}.{self.name}"

    @property
    def key(self) -> tuple[str, ...]:
        """Primary key columns, in order."""
        return tuple(self.columns.primary_key())

    @property
    def value_columns(self) -> tuple[str, ...]:
        """Columns that are neither key, clock nor version: what decides whether a computed row has changed."""
        apart = {*self.key, "known_from", "known_at", "methodology_version"}
        return tuple(c for c in self.columns.column_names() if c not in apart)

    @property
    def polars_schema(self) -> pl.Schema:
        """Column name to Polars dtype, in contract order."""
        return pl.Schema({name: column.dtype for name, column in self.columns.columns().items()})

    def empty(self) -> pl.DataFrame:
        """A frame of no rows with the table's schema."""
        return pl.DataFrame(schema=self.polars_schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with exactly the contract's columns, in order and cast; missing ones are null.

        Raises:
            dataframely.exc.ValidationError: a row breaks the contract.
        """
        schema = self.polars_schema
        absent = [pl.lit(None, dtype=schema[c]).alias(c) for c in schema if c not in frame.columns]
        return self.columns.validate(frame.with_columns(absent).select(list(schema)), cast=True)
