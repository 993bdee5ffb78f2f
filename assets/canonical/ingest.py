"""Taking in: landed files through parse, conform and gate into the lake, batch by batch.

Belongs here: the order of writes that makes a killed run harmless. Does not belong here: what the rows mean.

Every table is written whole per file, and ``landing.file_parse`` last: a file without a row there is read again, and
writes the same rows in place of the half-written ones.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import polars as pl

from assets.canonical.conform import Conformed, conform
from assets.canonical.reading import Arrival, ReadFile, read_files
from assets.canonical.rejects import held_records
from assets.quality.gate import GateResult, run_gate
from assets.workspace import Workspace
from contracts.registry import table
from contracts.tables.landing import FILE_PARSE
from contracts.tables.quality import REJECT

BATCH_RECORDS = 2_500_000
BATCH_FILES = 2_000
"""A batch is conformed in memory; these bound it. One larger file is a batch of its own.

A batch costs seconds however little it holds, most of them in the quality gate: a year of small files is one or two.
"""
GATED = (
    "canonical.account", "canonical.security", "canonical.transaction", "canonical.custodian_position",
    "canonical.custodian_balance", "canonical.price", "canonical.fx_rate",
)  # fmt: skip


@dataclass
class Ingested:
    """Counts of what was taken in, and seconds by phase (parse, conform, gate, write); nothing of a client's."""

    files: int = 0
    blocked: int = 0
    crashed: int = 0
    records: int = 0
    lost: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    gates: dict[str, list[GateResult]] = field(default_factory=dict)
    broken: dict[int, str] = field(default_factory=dict)
    """Id of every file that was blocked or crashed, to its reason and line."""
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Count the time of the block towards the phase."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] += time.perf_counter() - began


def ingest(ws: Workspace, tenant: str, arrivals: list[Arrival]) -> Ingested:
    """Read the arrivals and write their canonical rows, rejects and parse results."""
    done = Ingested()
    batches = _batches(read_files(ws, tenant, arrivals))
    while True:
        with done.timed("parse"):
            batch = next(batches, None)
        if batch is None:
            return done
        with done.timed("conform"):
            conformed = conform(ws, tenant, batch)
        with done.timed("gate"):
            passed = _gate(conformed, batch, done)
        with done.timed("write"):
            _write(ws, tenant, batch, passed, done)


def _batches(files: Iterator[ReadFile]) -> Iterator[list[ReadFile]]:
    batch: list[ReadFile] = []
    records = 0
    for file in files:
        if batch and (records + file.parsed.record_count > BATCH_RECORDS or len(batch) >= BATCH_FILES):
            yield batch
            batch, records = [], 0
        batch.append(file)
        records += file.parsed.record_count
    if batch:
        yield batch


def _gate(conformed: Conformed, batch: Sequence[ReadFile], done: Ingested) -> Conformed:
    """The rows that the quality gate lets through; the others join the rejects."""
    frames = dict(conformed.frames)
    rejects: list[pl.DataFrame] = []
    held = [conformed.held]
    for name in GATED:
        if name not in frames or frames[name].is_empty():
            continue
        result = run_gate(table(name), frames[name])
        done.gates.setdefault(name, []).append(result)
        if result.ordinals:
            # By place, not by line: several records may stand on one line.
            at_fault = pl.int_range(pl.len()).is_in(list(result.ordinals))
            line = pl.col("source_line") if "source_line" in frames[name].columns else pl.lit(0, pl.Int64)
            failing = frames[name].filter(at_fault)
            held.append(failing.select("source_file_id", line.alias("source_line"), pl.lit(name).alias("table_name")))
            frames[name] = frames[name].filter(~at_fault)
            rejects.append(result.failing.with_columns(pl.lit(name).alias("table_name")))
    if not rejects:
        return conformed
    gathered = pl.concat([conformed.rejects, *rejects], how="diagonal_relaxed").unique(
        ["source_file_id", "source_line", "reason", "field_name"], keep="first", maintain_order=True
    )
    return replace(conformed, frames=frames, rejects=gathered, held=pl.concat(held))


def _write(ws: Workspace, tenant: str, batch: Sequence[ReadFile], conformed: Conformed, done: Ingested) -> None:
    ids = [file.arrival.source_file_id for file in batch]
    for name, frame in conformed.frames.items():
        done.rows[name] += ws.lake.replace_files(table(name), tenant, frame, ids)
    rejects = _complete(ws, tenant, batch, conformed.rejects)
    ws.lake.replace_files(REJECT, tenant, rejects, ids)
    done.rejects.update(rejects["reason"].cast(pl.String).to_list())
    results = _results(ws, tenant, batch, conformed)
    ws.lake.replace_files(FILE_PARSE, tenant, results, ids)
    done.files += len(batch)
    done.blocked += sum(file.parse_status == "blocked" for file in batch)
    done.crashed += sum(file.parse_status == "crashed" for file in batch)
    for file in batch:
        if file.parse_status != "parsed":
            done.broken[file.arrival.source_file_id] = "{reason} (line {source_line})".format(
                **file.parsed.rejects.row(0, named=True)
            )
    done.records += sum(file.parsed.record_count for file in batch)
    done.lost += conformed.lost


def _complete(ws: Workspace, tenant: str, batch: Sequence[ReadFile], rejects: pl.DataFrame) -> pl.DataFrame:
    """The rejects with the columns that belong to their files, whichever gate they came from."""
    files = pl.DataFrame(
        [
            {
                "source_file_id": f.arrival.source_file_id,
                "connection_id": f.arrival.connection_id,
                "logical_name": f.arrival.logical_name,
                "business_date": f.parsed.business_date or f.arrival.business_date,
                "known_at": f.arrival.known_at,
            }
            for f in batch
        ],
        schema_overrides={"business_date": pl.Date},
    )
    kept = rejects.drop([c for c in files.columns if c in rejects.columns and c != "source_file_id"])
    return kept.join(files, on="source_file_id").with_columns(
        pl.lit(ws.tenant_key(tenant), dtype=pl.Int64).alias("tenant_key"), pl.lit("quarantined").alias("disposition")
    )


def _results(ws: Workspace, tenant: str, batch: Sequence[ReadFile], conformed: Conformed) -> pl.DataFrame:
    """Rows of ``landing.file_parse``: the count law, and the days that the files may move."""
    spans = _spans(conformed)
    own = pl.concat(
        [
            f.parsed.rejects.select(
                pl.lit(f.arrival.source_file_id, dtype=pl.Int64).alias("source_file_id"), "source_line"
            )
            for f in batch
        ]
    )
    later = held_records(conformed.held, batch, own)
    tenant_key = ws.tenant_key(tenant)
    rows = [
        {
            "tenant_key": tenant_key,
            "source_file_id": f.arrival.source_file_id,
            "parser_version": f.version,
            "connection_id": f.arrival.connection_id,
            "adapter": f.arrival.adapter,
            "file_kind": f.arrival.file_kind,
            "logical_name": f.arrival.logical_name,
            "business_date": f.parsed.business_date or f.arrival.business_date,
            "parse_status": f.parse_status,
            "is_refresh": f.is_refresh,
            "record_count": f.parsed.record_count,
            "own_count": f.parsed.quarantined_count,
            "known_at": f.arrival.known_at,
        }
        for f in batch
    ]
    held = pl.min_horizontal(pl.col("own_count") + pl.col("later_count").fill_null(0), "record_count")
    return (
        pl.DataFrame(rows, schema_overrides={"business_date": pl.Date, "file_kind": pl.String})
        .join(later, on="source_file_id", how="left")
        .join(spans, on="source_file_id", how="left")
        .with_columns(held.alias("quarantined_count"))
        .with_columns((pl.col("record_count") - pl.col("quarantined_count")).alias("parsed_count"))
    )


def _spans(conformed: Conformed) -> pl.DataFrame:
    """First and last effective date of each file's rows."""
    parts = []
    for frame in conformed.frames.values():
        dates = [d for d in ("trade_date", "as_of_date", "price_date", "rate_date", "valid_from") if d in frame.columns]
        if dates and frame.height:
            parts.append(frame.select("source_file_id", pl.col(dates[0]).alias("day")))
    if not parts:
        return pl.DataFrame(
            schema={"source_file_id": pl.Int64, "first_effective_date": pl.Date, "last_effective_date": pl.Date}
        )
    return (
        pl.concat(parts)
        .group_by("source_file_id")
        .agg(pl.col("day").min().alias("first_effective_date"), pl.col("day").max().alias("last_effective_date"))
    )
