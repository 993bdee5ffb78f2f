"""Which files of a day are in: sets that come under several masters, and files without a record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from assets.quality.readiness import feed_readiness, with_repeated_faults
from connectors.connection import Connection, LocalTransport
from contracts.registry import TABLES

DAY, NEXT = date(2022, 9, 6), date(2022, 9, 7)
AT = datetime(2022, 9, 7, 9, 30, tzinfo=UTC)


def frame(table: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = TABLES[table].polars_schema
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema, orient="row")


def feed(name: str, adapter: str) -> Connection:
    return Connection(connection_id=name, adapter=adapter, transport=LocalTransport(path=Path()))


def read(connection: str, adapter: str, kind: str, **row: object) -> dict[str, object]:
    return {
        "tenant_key": 1, "source_file_id": 1, "parser_version": "1", "connection_id": connection, "adapter": adapter,
        "file_kind": kind, "logical_name": kind, "business_date": DAY, "parse_status": "parsed", "record_count": 1,
        "parsed_count": 1, "quarantined_count": 0, "known_at": AT,
    } | row  # fmt: skip


def states(parsed: pl.DataFrame, *feeds: Connection, day: date = DAY) -> dict[tuple[str, str], str]:
    rows = feed_readiness(1, feeds, parsed, pl.Series([day]))
    return {(c, k): str(r) for c, k, r in rows.select("connection_id", "data_type", "readiness").rows()}


def test_a_set_that_is_incomplete_for_one_master_leaves_the_other_s_complete() -> None:
    rows = [read("one", "schwab", kind) for kind in ("TRN", "RPS", "SEC", "ACC")]
    rows += [read("two", "schwab", kind) for kind in ("TRN", "SEC", "ACC")]
    found = states(frame("landing.file_parse", rows), feed("one", "schwab"), feed("two", "schwab"))
    assert {name for name, state in found.items() if state != "complete"} == {("two", "RPS")}


def test_a_file_of_no_bytes_is_in_on_every_day_that_it_comes() -> None:
    # All files of no bytes are the same bytes: the second is a repetition, and is not read again.
    parsed = frame("landing.file_parse", [read("veo", "tda", "TRN", record_count=0, parsed_count=0)])
    again = {
        "tenant_key": 1, "source_file_id": 1, "connection_id": "veo", "file_kind": "TRN", "business_date": NEXT,
        "logical_name": "later", "received_at": AT, "arrival_status": "duplicate",
    }  # fmt: skip
    for kind, state in (("TRN", "complete"), ("POS", "blocked")):
        told = with_repeated_faults(parsed, frame("landing.file_arrival", [again | {"file_kind": kind}]))
        assert states(told, feed("veo", "tda"), day=NEXT)["veo", kind] == state
