"""Bringing the lake's rows into the warehouse: whole days of computed facts by load, canonical rows by file.

A load is one transaction: its leaves are created, copied into, indexed and attached together with the rows of
``ops.load`` and ``ops.load_date`` that record it. Nobody sees it before it is published. A crash at any point leaves
nothing behind.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

import polars as pl
from psycopg import sql

from warehouse.postgres.bulk import BulkSession, bulk_session, warehouse_frame
from warehouse.postgres.content import content_hash as content_hash
from warehouse.postgres.content import content_hashes as content_hashes
from warehouse.postgres.errors import IncompleteLoadError
from warehouse.postgres.partitions import LOADED_TABLES, attach_leaf, create_leaf, drop_orphans, tenant_lock
from warehouse.postgres.sessions import connect

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from contracts.table import Table

    Hashes = Mapping[tuple[str, date], tuple[int, str]]

NO_ROWS: Final = "none"
"""Fingerprint of a day on which a table has no rows."""


def load_dates(
    url: str,
    tenant_key: int,
    frames: Mapping[str, pl.DataFrame],
    *,
    hashes: Hashes | None = None,
    dates: Collection[date] = (),
) -> int | None:
    """Loads whole days of one tenant as a new load, not yet visible to readers.

    Args:
        url: connection string.
        tenant_key: the tenant; every row must be of it.
        frames: for **every** bulk-loaded table, by full name, the current rows (one version each) of the days to load.
        hashes: row count and fingerprint per table and day where the caller has them; ``content_hash`` otherwise. The
            fingerprint is kept, and is what ``changed_dates`` compares next time: always use the same kind.
        dates: days to load beyond those that have rows, such as one whose rows have all vanished.

    Returns:
        The load's key, or None when there is no day to load.

    Raises:
        IncompleteLoadError: a table is missing or unknown, or a row is of another tenant.
        UnrepresentableValueError: a value has no form in the warehouse.
        WarehouseUnreachableError: no server answers.
    """
    _require_whole(tenant_key, frames)
    stored = {t.full_name: warehouse_frame(t, frames[t.full_name]).sort(t.date_column or "") for t in LOADED_TABLES}
    record = _record(frames, hashes, dates)
    if record.is_empty():
        return None
    with connect(url) as connection:
        connection.execute(tenant_lock(tenant_key))
        drop_orphans(connection, tenant_key)
    with bulk_session(url) as session:
        session.execute(tenant_lock(tenant_key))
        load_key = int(session.rows("SELECT nextval('ops.load_key')")[0][0])
        for table in LOADED_TABLES:
            if not stored[table.full_name].is_empty():
                session.copy(stored[table.full_name], "partitions", create_leaf(session, table, tenant_key, load_key))
        for table in LOADED_TABLES:
            if not stored[table.full_name].is_empty():
                days = stored[table.full_name][table.date_column or ""]
                attach_leaf(session, table, tenant_key, load_key, (days[0], days[-1]))
        _write_record(session, tenant_key, load_key, record)
    return load_key


def changed_dates(url: str, tenant_key: int, hashes: Hashes) -> set[date]:
    """Days, of those that ``hashes`` names, on which a table differs from its last load.

    A table that ``hashes`` lacks for a named day counts as having no rows on it.

    Args:
        hashes: (table's full name, day) to row count and fingerprint of the current rows, as given to ``load_dates``.
    """
    days = sorted({day for _, day in hashes})
    with connect(url) as connection:
        rows = connection.execute(
            """
            SELECT table_name, as_of_date, row_count, content_hash
            FROM ops.load_date JOIN ops.last_load USING (tenant_key, as_of_date, load_key)
            WHERE tenant_key = %s AND as_of_date = ANY(%s)
            """,
            [tenant_key, days],
        ).fetchall()
    last = {(table, day): (count, digest) for table, day, count, digest in rows}
    return {day for table, day in {*hashes, *last} if not _same(hashes.get((table, day)), last.get((table, day)))}


def append_files(
    url: str,
    table: Table,
    frame: pl.DataFrame,
    source_file_ids: Collection[int],
    *,
    tenant_key: int | None = None,
) -> int:
    """Makes the rows of some files exactly ``frame``, in one transaction; rows that are there already stay untouched.

    Args:
        url: connection string.
        table: a table with ``warehouse='appended'``.
        frame: all rows of those files; may be empty.
        source_file_ids: the files. Two tenants may hold the same bytes, so a tenant's rows alone are replaced.
        tenant_key: the tenant; needed only when ``frame`` is empty and the table has one.

    Returns:
        Rows written: 0 when the warehouse held exactly these.

    Raises:
        IncompleteLoadError: rows of another file, of two tenants, or no way to tell the tenant.
    """
    if table.warehouse != "appended":
        raise IncompleteLoadError(f"{table.full_name} is not a table that is written file by file")
    files = sorted(set(source_file_ids))
    strangers = frame.filter(~pl.col("source_file_id").is_in(files)).height
    if strangers:
        raise IncompleteLoadError(f"{table.full_name}: {strangers} rows are of files other than those to replace")
    if not files:
        return 0
    scope = sql.SQL("source_file_id = ANY(CAST({} AS bigint[]))").format(
        sql.Literal(f"{{{','.join(map(str, files))}}}")
    )
    if "tenant_key" in table.polars_schema:
        tenant = _tenant_of(table, frame, tenant_key)
        scope = sql.SQL("tenant_key = {} AND {}").format(tenant, scope)
    with bulk_session(url) as session:
        return _replace(session, table, warehouse_frame(table, frame), scope)


def _replace(session: BulkSession, table: Table, stored: pl.DataFrame, scope: sql.Composed) -> int:
    target = sql.Identifier(table.layer, table.name)
    columns = sql.SQL(", ").join(map(sql.Identifier, stored.columns))
    session.execute(sql.SQL("CREATE TEMP TABLE staged (LIKE {}) ON COMMIT DROP").format(target))
    session.copy(stored, "pg_temp", "staged")
    # one writer per table at a time; readers go on
    session.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(target))
    differing = session.rows(
        sql.SQL(
            "SELECT count(*) FROM ("
            "(SELECT {columns} FROM {target} WHERE {scope} EXCEPT ALL SELECT {columns} FROM pg_temp.staged) UNION ALL "
            "(SELECT {columns} FROM pg_temp.staged EXCEPT ALL SELECT {columns} FROM {target} WHERE {scope})) AS d"
        ).format(columns=columns, target=target, scope=scope)
    )
    if differing[0][0] == 0:
        return 0
    session.execute(sql.SQL("DELETE FROM {} WHERE {}").format(target, scope))
    session.execute(
        sql.SQL("INSERT INTO {target} ({columns}) SELECT {columns} FROM pg_temp.staged").format(
            target=target, columns=columns
        )
    )
    return stored.height


def _tenant_of(table: Table, frame: pl.DataFrame, stated: int | None) -> int:
    tenants = {int(key) for key in frame["tenant_key"].unique()} | ({stated} if stated is not None else set())
    if len(tenants) != 1:
        raise IncompleteLoadError(
            f"{table.full_name}: rows must be of one tenant, and tenant_key be given when there are none; got {tenants}"
        )
    return tenants.pop()


def _require_whole(tenant_key: int, frames: Mapping[str, pl.DataFrame]) -> None:
    expected = {table.full_name for table in LOADED_TABLES}
    if missing := expected - set(frames):
        raise IncompleteLoadError(f"a load carries every bulk-loaded table; missing: {', '.join(sorted(missing))}")
    if unknown := set(frames) - expected:
        raise IncompleteLoadError(f"not bulk-loaded tables: {', '.join(sorted(unknown))}")
    for name, frame in frames.items():
        foreign = frame.filter(pl.col("tenant_key").ne_missing(tenant_key)).height
        if foreign:
            raise IncompleteLoadError(f"{name}: {foreign} rows are of another tenant than {tenant_key}")


def _record(frames: Mapping[str, pl.DataFrame], hashes: Hashes | None, dates: Collection[date]) -> pl.DataFrame:
    """One row per table and day of the load, with row count and fingerprint, also where a table has no rows."""
    counts: dict[tuple[str, date], int] = {}
    found: dict[tuple[str, date], str] = {}
    for table in LOADED_TABLES:
        name, column = table.full_name, table.date_column or ""
        counted = frames[name].group_by(column).len()
        counts |= {(name, day): count for day, count in counted.iter_rows()}
        if hashes is None or any((name, day) not in hashes for day in counted[column]):
            found |= {(name, day): digest for day, (_, digest) in content_hashes(frames[name], column).items()}
    found |= {key: digest for key, (_, digest) in (hashes or {}).items()}
    rows = [
        (day, table.full_name, counts.get((table.full_name, day), 0), found.get((table.full_name, day), NO_ROWS))
        for day in sorted({day for _, day in counts} | set(dates))
        for table in LOADED_TABLES
    ]
    schema = {"as_of_date": pl.Date, "table_name": pl.String, "row_count": pl.Int64, "content_hash": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _write_record(session: BulkSession, tenant_key: int, load_key: int, record: pl.DataFrame) -> None:
    load = record.select(
        pl.lit(load_key, dtype=pl.Int64).alias("load_key"),
        pl.lit(tenant_key, dtype=pl.Int64).alias("tenant_key"),
        pl.col("as_of_date").min().alias("from_date"),
        pl.col("as_of_date").max().alias("to_date"),
    ).head(1)
    session.copy(load, "ops", "load")
    keys = load.select("tenant_key", "load_key")
    session.copy(record.join(keys, how="cross"), "ops", "load_date")


def _same(current: tuple[int, str] | None, last: tuple[int, str] | None) -> bool:
    """Whether fingerprints agree; no rows now is the same as no rows then."""
    if current is None or current[0] == 0:
        return last is None or last[0] == 0
    return last is not None and last[1] == current[1]
