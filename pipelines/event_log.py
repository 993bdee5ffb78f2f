"""The orchestrator's event log in SQLite, a range run's events written in batches.

A run over a year and twenty assets reports five thousand materialisations. Stock SQLite storage opens and closes two
databases for each of them, which costs ten to twenty milliseconds a piece, more than the accounting itself. The
orchestrator already hands such events over in batches (``DAGSTER_EVENT_BATCH_SIZE``); this storage writes a batch
through one connection to each database, and with one statement for each table.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage

if TYPE_CHECKING:
    from dagster import EventLogEntry
    from dagster._serdes import ConfigurableClassData
    from sqlalchemy.engine import Connection

BATCH_EVENTS: Final = 500


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """SQLite event log storage whose batches share a connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # The connections that this thread's batch holds open; another thread's must not be shared.
        self._held = threading.local()
        super().__init__(*arguments, **options)
        # A batch opens two databases at once, each under the base class's lock.
        self._db_lock: Any = threading.RLock()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> BatchedSqliteEventLogStorage:
        """The storage that ``dagster.yaml`` names."""
        return cls(inst_data=inst_data, **config_value)

    @contextlib.contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        held: Connection | None = getattr(self._held, "by_shard", {}).get(shard)
        if held is not None:
            yield held
            return
        with super()._connect(shard) as connection:
            yield connection

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events in order, each database opened once and committed once."""
        connect = super()._connect  # a comprehension has no super() of its own
        shards = [*dict.fromkeys(event.run_id for event in events), INDEX_SHARD_NAME]
        with contextlib.ExitStack() as stack:
            opened = {shard: stack.enter_context(connect(shard)) for shard in shards}
            self._held.by_shard = opened
            try:
                if len(shards) == 2 and all(_is_indexed(event) for event in events):
                    self._store_together(events)
                else:
                    for event in events:
                        self.store_event(event)
            finally:
                self._held.by_shard = {}

    def _store_together(self, events: Sequence[EventLogEntry]) -> None:
        """What ``store_event`` does for events of assets and of their checks in one run, a statement for each table.

        A table of assets keeps the last event of each, so only that is written there.
        """
        rows = [self._event_to_row(event) for event in events]
        insert = SqlEventLogStorageTable.insert()
        with self.run_connection(events[0].run_id) as run:
            run.execute(insert, rows)
        with self.index_connection() as index:
            index.execute(insert, rows)
            # Nobody else writes while this transaction is open: the rows have the last numbers, in order.
            last: int = index.execute(sqlalchemy.select(sqlalchemy.func.max(SqlEventLogStorageTable.c.id))).scalar_one()
            numbered = list(zip(range(last - len(events) + 1, last + 1), events, strict=True))
            of_assets = [(number, event) for number, event in numbered if event.dagster_event_type in ASSET_EVENTS]
            if of_assets:
                numbers, entries = zip(*of_assets, strict=True)
                self._store_asset_event_tags(index, entries, numbers)
            newest = {(event.dagster_event_type, row["asset_key"]): number
                      for (number, event), row in zip(numbered, rows, strict=True)}  # fmt: skip
            for (number, event), row in zip(numbered, rows, strict=True):
                if event.dagster_event_type in ASSET_CHECK_EVENTS:
                    self.store_asset_check_event(event, number)
                elif newest[event.dagster_event_type, row["asset_key"]] == number:
                    self._store_asset_event(index, event, number)


def _is_indexed(event: EventLogEntry) -> bool:
    """Whether the event is of an asset or of a check, and so kept in the index beside its run."""
    return event.is_dagster_event and event.dagster_event_type in (ASSET_EVENTS | ASSET_CHECK_EVENTS)
