"""Quarantine: what a batch of files holds back, row by row, with reason, file and line.

Belongs here: gathering rejects from connectors, key resolution and the contract. Does not belong here: deciding what
a valid value is (``contracts``, ``connectors``).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from assets.canonical.reading import ReadFile
from contracts.table import Table
from contracts.tables.quality import REJECT

_COLUMNS = ("source_file_id", "source_line", "reason", "field_name", "table_name", "detail", "raw_text")
_SCHEMA = {
    "source_file_id": pl.Int64,
    "source_line": pl.Int64,
    "reason": pl.String,
    "field_name": pl.String,
    "table_name": pl.String,
    "detail": pl.String,
    "raw_text": pl.String,
}
ADVICE = {
    "unknown_security": "no security file describes these identifiers; deliver one, or add the security, and release",
    "ambiguous_security": "the identifiers point at two different securities; correct one, and release",
    "duplicate_key": "the file states this fact twice; ask the provider which of the two stands",
}
HELD_SCHEMA = {"source_file_id": pl.Int64, "source_line": pl.Int64, "table_name": pl.String}
"""One row per canonical row that was held back after parsing: what the count law counts."""
_BY_PRODUCT, _MAIN = "canonical.price", "canonical.custodian_position"


class Rejects:
    """The rejects of a batch of files, gathered while they are conformed."""

    def __init__(self, tenant_key: int, files: Sequence[ReadFile]) -> None:
        self._tenant_key = tenant_key
        self._unresolved: dict[str, int] = {}
        self._held: list[pl.DataFrame] = []
        self._files = pl.DataFrame(
            [
                {
                    "source_file_id": f.arrival.source_file_id,
                    "connection_id": f.arrival.connection_id,
                    "logical_name": f.arrival.logical_name,
                    "business_date": f.parsed.business_date or f.arrival.business_date,
                    "known_at": f.arrival.known_at,
                }
                for f in files
            ],
            schema={name: REJECT.polars_schema[name] for name in
                    ("source_file_id", "connection_id", "logical_name", "business_date", "known_at")},
        )  # fmt: skip
        self._parts = [
            f.parsed.rejects.with_columns(
                pl.lit(f.arrival.source_file_id, dtype=pl.Int64).alias("source_file_id"),
                pl.col("reason").cast(pl.String),
            ).select(_COLUMNS)
            for f in files
            if f.parsed.rejects.height
        ]
        self._parts = [_without_foreign_text(part) for part in self._parts]

    def add(self, table_name: str, bad: pl.DataFrame) -> None:
        """Hold back rows given as source_file_id, source_line, reason, field_name, detail."""
        if bad.height:
            named = bad.with_columns(pl.lit(table_name).alias("table_name"), pl.lit(None, pl.String).alias("raw_text"))
            self._parts.append(named.select(_COLUMNS))
            self._held.append(named.select(list(HELD_SCHEMA)))

    def unresolved(self, table_name: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows whose security is told, or that need none; the others are held back."""
        lost = frame.filter(pl.col("reason").is_not_null())
        self._unresolved[table_name] = lost.height
        self.add(
            table_name,
            lost.select(
                "source_file_id",
                "source_line",
                "reason",
                pl.lit("security").alias("field_name"),
                pl.col("reason").replace_strict(ADVICE, default="the security cannot be told").alias("detail"),
            ),
        )
        return frame.filter(pl.col("reason").is_null()).drop("reason")

    def unresolved_count(self, table_name: str) -> int:
        """Rows of the table that were held back because their security cannot be told."""
        return self._unresolved.get(table_name, 0)

    def held(self) -> pl.DataFrame:
        """The canonical rows held back so far, each once (see ``HELD_SCHEMA``)."""
        return pl.concat([pl.DataFrame(schema=HELD_SCHEMA), *self._held])

    def frame(self) -> pl.DataFrame:
        """All rejects as rows of ``quality.reject``."""
        gathered = pl.concat(self._parts) if self._parts else pl.DataFrame(schema=_SCHEMA)
        return (
            gathered.unique(
                ["source_file_id", "source_line", "reason", "field_name"], keep="first", maintain_order=True
            )
            .join(self._files, on="source_file_id", how="left")
            .with_columns(
                pl.lit(self._tenant_key, dtype=pl.Int64).alias("tenant_key"), pl.lit("quarantined").alias("disposition")
            )
        )


def _without_foreign_text(rejects: pl.DataFrame) -> pl.DataFrame:
    """One file's rejects without the text of lines that belong to another tenant's account.

    File and line are enough to find it; a quarantine that many may read must not hold the client data of others.
    """
    is_foreign = (pl.col("reason") == "foreign_account").any().over("source_line")
    return rejects.with_columns(pl.when(~is_foreign).then(pl.col("raw_text")).alias("raw_text"))


def held_records(held: pl.DataFrame, files: Sequence[ReadFile], known: pl.DataFrame) -> pl.DataFrame:
    """Records held back after parsing, per file, as source_file_id and later_count (Int64).

    Where every record has a line of its own, a record is a line, and one that the connector has held back already is
    not counted again. Where records share lines they are counted by their rows, and a price belongs to its position.

    Args:
        held: rows held back (see ``HELD_SCHEMA``), each once.
        files: the batch.
        known: source_file_id, source_line that the connectors held back.
    """
    shared = [f.arrival.source_file_id for f in files if f.has_shared_lines]
    has_shared_lines = pl.col("source_file_id").is_in(shared)
    by_line = held.filter(~has_shared_lines & (pl.col("source_line") > 0)).join(
        known.unique(), on=["source_file_id", "source_line"], how="anti"
    )
    rows = pl.col("table_name")
    by_row = (
        held.filter(has_shared_lines)
        .group_by("source_file_id", "source_line")
        .agg(
            pl.max_horizontal((rows == _BY_PRODUCT).sum(), (rows == _MAIN).sum()).alias("valued"),
            (~rows.is_in([_BY_PRODUCT, _MAIN])).sum().alias("others"),
        )
    )
    return pl.concat(
        [
            by_line.group_by("source_file_id").agg(
                pl.col("source_line").n_unique().cast(pl.Int64).alias("later_count")
            ),
            by_row.group_by("source_file_id").agg(
                (pl.col("valued") + pl.col("others")).sum().cast(pl.Int64).alias("later_count")
            ),
        ]
    )


def contract_gate(contract: Table, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows that keep the contract, and those that break it as source_file_id, source_line, reason, field, detail."""
    schema = contract.polars_schema
    absent = [pl.lit(None, dtype=schema[c]).alias(c) for c in schema if c not in frame.columns]
    complete = frame.with_columns(absent).select(list(schema))
    good, failure = contract.columns.filter(complete, cast=True)
    if not len(failure):
        return good, pl.DataFrame()
    rules = list(failure.counts())
    details = failure.details()
    broken = pl.concat_str(
        [pl.when(pl.col(rule) == "invalid").then(pl.lit(rule)) for rule in rules], separator=", ", ignore_nulls=True
    )
    is_duplicate = pl.col("primary_key") == "invalid" if "primary_key" in rules else pl.lit(False)
    bad = details.select(
        "source_file_id",
        pl.col("source_line") if "source_line" in schema else pl.lit(0, pl.Int64).alias("source_line"),
        pl.when(is_duplicate).then(pl.lit("duplicate_key")).otherwise(pl.lit("contract_violation")).alias("reason"),
        broken.str.slice(0, 64).alias("field_name"),
        pl.when(is_duplicate)
        .then(pl.lit(ADVICE["duplicate_key"]))
        .otherwise(pl.format("breaks the contract of {}: {}", pl.lit(contract.full_name), broken))
        .alias("detail"),
    )
    return good, bad
