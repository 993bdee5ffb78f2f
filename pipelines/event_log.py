"""The orchestrator's event log in SQLite, a range run's events written in batches.

A run over a year and twenty assets reports five thousand materialisations. Stock SQLite storage opens and closes two
databases for each of them, which costs ten to twenty milliseconds a piece, more than the accounting itself. The
orchestrator already hands such events over in batches (``DAGSTER_EVENT_BATCH_SIZE``); this storage writes a batch
through one connection to each database.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

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
                for event in events:
                    self.store_event(event)
            finally:
                self._held.by_shard = {}
