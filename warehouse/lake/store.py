"""The lake: Delta tables per tenant, the system of record of canonical and computed history.

Layout: ``<root>/<tenant>/<schema>/<table>``, ``<root>/_shared/...`` for what has no tenant. Here belongs how rows are
kept; what they mean is in ``contracts``, how they are computed in ``analytics``.

Every write is one Delta commit: readers see the table before it or after it. What a killed writer leaves behind are
Parquet files that no commit names; nobody reads them and ``compact`` removes them in time. Writers of one machine take
turns per table by a file lock; over an object store Delta's own commit check stands alone, and a lost race is retried.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl
from deltalake import DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from contracts.registry import TABLES
from contracts.table import SHARED_TENANT, SHARED_TENANT_KEY, Table
from warehouse.lake import object_store
from warehouse.lake.locks import file_lock
from warehouse.lake.tenants import tenant_folder
from warehouse.lake.versions import changed_rows, identity, last_versions

MONTH_COLUMN: Final = "_month"
"""Partition column (YYYY-MM) of tables with a date column; it never leaves this module."""

_ATTEMPTS: Final = 5
_Result = TypeVar("_Result")


class Lake:
    """Contract tables under one root.

    Args:
        root: folder, or URL of an object store such as ``s3://bucket/lake``.
        storage_options: passed to the object store; None: as the environment says, see ``object_store``.
    """

    def __init__(self, root: str, storage_options: Mapping[str, str] | None = None) -> None:
        self.root = root.rstrip("/")
        self.storage_options = object_store.storage_options(self.root, storage_options)

    # --- reading ------------------------------------------------------------------------------------------------------

    def scan(self, table: Table, tenant: str) -> pl.LazyFrame:
        """The table's rows with the contract's columns and dtypes, as of the last commit; none when it does not exist.

        A filter on a date or key column reads only the files whose statistics allow a match.

        Raises:
            ValueError: not a tenant's name, or the table's scope does not include it.
        """
        opened = self._open(table, tenant)
        if opened is None:
            return table.empty().lazy()
        rows = pl.scan_delta(opened)
        stored = rows.collect_schema()
        return rows.select(_column(name, dtype, stored) for name, dtype in table.polars_schema.items())

    def read(self, table: Table, tenant: str, *, where: pl.Expr | None = None) -> pl.DataFrame:
        """The table's rows, or those that ``where`` selects."""
        rows = self.scan(table, tenant)
        return (rows if where is None else rows.filter(where)).collect()

    def current(
        self, table: Table, tenant: str, *, as_known_at: datetime | None = None, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """The last version of every row of a computed table that was known at ``as_known_at`` (default: now).

        ``where`` applies to the current versions: a row whose last version does not satisfy it is left out even when
        an older version does. The order of the rows is not defined.

        Raises:
            ValueError: the table is not a computed one, or ``as_known_at`` has no time zone.
        """
        keys = identity(table)
        rows = self.scan(table, tenant)
        if as_known_at is not None:
            if as_known_at.tzinfo is None:
                raise ValueError("as_known_at needs a time zone")
            # A literal of another time zone cannot be compared with a column in UTC.
            rows = rows.filter(pl.col("known_from") <= as_known_at.astimezone(UTC))
        if where is None:
            return last_versions(rows.collect(), keys)
        found = last_versions(rows.filter(where).collect(), keys)
        if found.is_empty() or set(where.meta.root_names()) <= set(keys):
            return found
        # A later version may lie outside of `where`: only the keys and clocks of the same rows are read to tell.
        clocks = ["known_from", "methodology_version"]
        versions = rows.select(*keys, *clocks).join(found.lazy().select(keys), on=keys, how="semi")
        return found.join(last_versions(versions.collect(), keys), on=[*keys, *clocks], how="semi")

    def dataset(self, table: Table, tenant: str) -> Any:
        """The table's files as of the last commit as a ``pyarrow.dataset.Dataset``, codes as text.

        Raises:
            FileNotFoundError: the table does not exist.
        """
        opened = self._open(table, tenant)
        if opened is None:
            raise FileNotFoundError(self._uri(table, tenant))
        return opened.to_pyarrow_dataset()

    def tables(self, tenant: str) -> list[str]:
        """Full names of the contract tables that exist for the tenant."""
        return [
            name for name, table in TABLES.items() if _in_scope(table, tenant) and self._open(table, tenant) is not None
        ]

    def version(self, table: Table, tenant: str) -> int | None:
        """Number of the table's last commit, None when it does not exist. An implementation detail, not a clock."""
        opened = self._open(table, tenant)
        return None if opened is None else opened.version()

    # --- writing ------------------------------------------------------------------------------------------------------

    def append(self, table: Table, tenant: str, frame: pl.DataFrame) -> int:
        """Add the rows; returns their number. A frame of no rows makes no commit.

        Raises:
            dataframely.exc.ValidationError: a row breaks the contract.
            ValueError: rows of another tenant.
        """
        rows = self._conformed(table, tenant, frame)
        if rows.is_empty():
            return 0
        return self._commit(table, tenant, lambda: self._write(table, tenant, rows))

    def replace_files(self, table: Table, tenant: str, frame: pl.DataFrame, source_file_ids: Collection[int]) -> int:
        """Make the rows of those files exactly ``frame``, in one commit; returns the number of rows in ``frame``.

        A plain append when none of the files has rows yet.

        Raises:
            dataframely.exc.ValidationError: a row breaks the contract.
            ValueError: rows of another tenant, or of a file that is not among ``source_file_ids``.
        """
        rows = self._conformed(table, tenant, frame)
        ids = sorted(set(source_file_ids))
        strangers = set(rows["source_file_id"].unique()) - set(ids)
        if strangers:
            raise ValueError(f"{table.full_name}: rows of {len(strangers)} files that are not to be replaced")

        def attempt() -> int:
            opened = self._open(table, tenant)
            if opened is None or not _holds_files(opened, ids):
                return self._write(table, tenant, rows) if len(rows) else 0
            listed = ",".join(map(str, ids))
            write_deltalake(
                opened,
                _stored(table, rows),
                mode="overwrite",
                schema_mode="merge",
                predicate=f"source_file_id IN ({listed})",
                writer_properties=_WRITER,
            )
            return len(rows)

        return self._commit(table, tenant, attempt) if ids else 0

    def append_changed(
        self,
        table: Table,
        tenant: str,
        frame: pl.DataFrame,
        *,
        where: pl.Expr,
        vanished: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    ) -> pl.DataFrame:
        """Append a new version of those rows of a computed table whose value changed; returns the rows appended.

        Args:
            table: a computed table.
            tenant: whose.
            frame: the whole truth about the keys that ``where`` selects, one row per key (clocks apart).
            where: selects the current rows that ``frame`` is to be compared to.
            vanished: gets the current rows that ``where`` selects and ``frame`` lacks, and gives what is to be said of
                them (a tombstone); it is appended where it differs. None: they stay as they are.

        A changed row whose known_from does not follow that of the version it replaces gets that one's plus one
        microsecond. Calling it again with the same frame appends nothing.

        Raises:
            dataframely.exc.ValidationError: a row breaks the contract.
            ValueError: the table is not a computed one, a key comes twice, or rows of another tenant.
        """
        keys = identity(table)
        rows = self._conformed(table, tenant, frame)
        if rows.select(pl.struct(keys).is_duplicated().any()).item():
            raise ValueError(f"{table.full_name}: a key comes twice in the rows to compare")

        def attempt() -> pl.DataFrame:
            is_first = self._open(table, tenant) is None
            news = rows if is_first else self._news(table, tenant, rows, where, vanished)
            if len(news):
                self._write(table, tenant, news)
            return news

        return self._commit(table, tenant, attempt)

    def compact(self, table: Table, tenant: str, *, keep_hours: int = 168) -> None:
        """Merge small files and drop files that no commit of the last ``keep_hours`` names. Rows do not change."""

        def attempt() -> None:
            opened = self._open(table, tenant)
            if opened is not None:
                opened.optimize.compact(writer_properties=_WRITER)
                opened.vacuum(retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False)

        self._commit(table, tenant, attempt)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _news(
        self,
        table: Table,
        tenant: str,
        rows: pl.DataFrame,
        where: pl.Expr,
        vanished: Callable[[pl.DataFrame], pl.DataFrame] | None,
    ) -> pl.DataFrame:
        keys = identity(table)
        selected = self.current(table, tenant, where=where)
        current = selected
        unmatched = rows.join(selected, on=keys, how="anti")
        is_covered = set(where.meta.root_names()) <= set(keys) and len(unmatched.filter(where)) == len(unmatched)
        if len(unmatched) and not is_covered:
            # The current version of such a row may lie outside of `where`, such as before its date changed.
            elsewhere = self.scan(table, tenant).join(unmatched.lazy().select(keys), on=keys, how="semi")
            current = pl.concat([selected, last_versions(elsewhere.collect(), keys)])
        news = changed_rows(table, rows, current)
        absent = selected.join(rows, on=keys, how="anti") if vanished is not None else selected.clear()
        if vanished is None or absent.is_empty():
            return news
        stones = self._conformed(table, tenant, vanished(absent))
        return pl.concat([news, changed_rows(table, stones, absent)])

    def _write(self, table: Table, tenant: str, rows: pl.DataFrame) -> int:
        schema = table.polars_schema
        # Statistics of text, instants and decimals are rounded in the Delta log; a reader that trusts them would skip
        # rows. Only exact ones are kept.
        exact = ",".join(name for name, dtype in schema.items() if dtype in (pl.Int64, pl.Date))
        write_deltalake(
            self._uri(table, tenant),
            _stored(table, rows),
            mode="append",
            schema_mode="merge",  # a contract may have gained a column since the table was made
            partition_by=[MONTH_COLUMN] if table.date_column else None,
            configuration={"delta.dataSkippingStatsColumns": exact},
            storage_options=self.storage_options or None,
            writer_properties=_WRITER,
        )
        return len(rows)

    def _commit(self, table: Table, tenant: str, attempt: Callable[[], _Result]) -> _Result:
        with self._writing(table, tenant):
            for _ in range(_ATTEMPTS - 1):
                try:
                    return attempt()
                except CommitFailedError:
                    continue
            return attempt()

    def _writing(self, table: Table, tenant: str) -> AbstractContextManager[None]:
        if "://" in self.root:
            return nullcontext()
        return file_lock(Path(self.root) / tenant / "_locks")(table.full_name)

    def _open(self, table: Table, tenant: str) -> DeltaTable | None:
        try:
            return DeltaTable(self._uri(table, tenant), storage_options=self.storage_options or None)
        except TableNotFoundError:
            return None

    def _uri(self, table: Table, tenant: str) -> str:
        if not _in_scope(table, tenant):
            raise ValueError(f"{table.full_name} is kept {table.scope}; it has no rows under {tenant!r}")
        return f"{self.root}/{tenant}/{table.layer}/{table.name}"

    def _conformed(self, table: Table, tenant: str, frame: pl.DataFrame) -> pl.DataFrame:
        self._uri(table, tenant)
        rows = table.conform(frame)
        if "tenant_key" in rows.columns and len(rows):
            low, high = rows.select(pl.min("tenant_key"), pl.max("tenant_key").alias("high")).row(0)
            if low != high or (low == SHARED_TENANT_KEY) != (tenant == SHARED_TENANT):
                raise ValueError(f"{table.full_name}: rows of tenants {low} to {high} do not belong to {tenant!r}")
        return rows


_WRITER: Final = WriterProperties(compression="ZSTD", compression_level=1)


def _in_scope(table: Table, tenant: str) -> bool:
    tenant_folder(tenant)
    return table.scope == "either" or (table.scope == "shared") == (tenant == SHARED_TENANT)


def _column(name: str, dtype: pl.DataType, stored: pl.Schema) -> pl.Expr:
    """The column as the contract has it. Delta knows no Enum; a column younger than the table is null."""
    if name not in stored:
        return pl.lit(None, dtype=dtype).alias(name)
    return pl.col(name) if stored[name] == dtype else pl.col(name).cast(dtype)


def _stored(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as Delta keeps them: codes as text, and the month to partition by."""
    codes = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Enum)]
    stored = rows.with_columns(pl.col(codes).cast(pl.String)) if codes else rows
    if table.date_column is None:
        return stored
    return stored.with_columns(pl.col(table.date_column).dt.strftime("%Y-%m").alias(MONTH_COLUMN))


def _holds_files(opened: DeltaTable, ids: list[int]) -> bool:
    """Whether any row is of one of the files: by the statistics where they decide, else by reading one column."""
    actions = pl.DataFrame(opened.get_add_actions(flatten=True))
    low, high = "min.source_file_id", "max.source_file_id"
    if actions.is_empty():
        return False
    wanted = pl.Series(ids, dtype=pl.Int64)
    if low not in actions.columns:
        return _reads_files(opened, wanted)
    if actions.select((pl.col(low) == pl.col(high)) & pl.col(low).is_in(wanted.implode())).to_series().any():
        return True
    first = wanted.search_sorted(actions[low].fill_null(0), side="left")
    after = wanted.search_sorted(actions[high].fill_null(2**63 - 1), side="right")
    possible = actions.filter((after > first) & (actions[low].ne_missing(actions[high])))
    return len(possible) > 0 and _reads_files(opened, wanted)


def _reads_files(opened: DeltaTable, wanted: pl.Series) -> bool:
    rows = pl.scan_delta(opened).select("source_file_id")
    return bool(rows.select(pl.col("source_file_id").is_in(wanted.implode()).any()).collect().item())
