"""Messages that are refused as a whole: why, and what becomes of their records.

A bad message takes none of its neighbours with it, but all of its own records: each is a reject of its own, so that
nothing is lost without a line in quarantine. A message without any record counts as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from connectors.custodians.swift.layout import HELD_TABLES
from connectors.formats.rejects import REJECT_SCHEMA, Check, cut_to
from connectors.formats.taken import Taken

SCHEMA: Final = pl.Schema({"message": pl.Int64, "reason": pl.String, "field_name": pl.String, "detail": pl.String})
_WHOLE: Final = "message"


@dataclass(frozen=True)
class Messages:
    """The messages of one type in a file, with everything that is inside them.

    Attributes:
        heads: ``message, line, mt, text``.
        fields: as ``layout.named`` gives them.
        records: ``message, mt, line, text``.
        grammar: faults that are known of before anything is read.
    """

    heads: pl.DataFrame
    fields: pl.DataFrame
    records: pl.DataFrame
    grammar: pl.DataFrame

    def sound(self, faults: pl.DataFrame) -> pl.DataFrame:
        """Records of the messages without a fault."""
        return self.records.join(faults, on="message", how="anti", maintain_order="left")


@dataclass(frozen=True)
class Part:
    """What the messages of one type gave.

    Attributes:
        faults: of messages that are held back as a whole.
        taken: rows and rejects of the others.
        days: that their statements are of.
        leg_count: entries that are the cash of trades, and no records.
        has_changes: whether a statement of holdings states changes alone.
    """

    faults: pl.DataFrame
    taken: Taken
    days: tuple[date, ...] = ()
    leg_count: int = 0
    has_changes: bool = False


def no_faults() -> pl.DataFrame:
    """A frame of no faults."""
    return pl.DataFrame(schema=SCHEMA)


def grammar_faults(messages: pl.DataFrame) -> pl.DataFrame:
    """Faults of messages that break the grammar, or whose type is not read."""
    is_strange = ~pl.col("mt").is_in(list(HELD_TABLES)) & pl.col("reason").is_null()
    named = pl.when(pl.col("mt") == "").then(pl.lit("a message without headers that no type fits")).otherwise(
        pl.format("an MT{}, which this connector does not read", "mt")
    )  # fmt: skip
    return (
        messages.with_columns(
            reason=pl.when(is_strange).then(pl.lit("unknown_record_type")).otherwise("reason"),
            detail=pl.when(is_strange).then(named).otherwise("detail"),
            field_name=pl.lit(_WHOLE),
        )
        .filter(pl.col("reason").is_not_null())
        .select(SCHEMA.names())
    )


def failed(heads: pl.DataFrame, checks: Sequence[Check]) -> pl.DataFrame:
    """The first failing check of each message of ``heads`` (``message`` and what the checks read)."""
    flags = heads.select(check.failed.fill_null(False).alias(str(place)) for place, check in enumerate(checks))
    found = [
        heads.filter(flags[str(place)]).select(
            "message",
            reason=pl.lit(check.reason),
            field_name=pl.lit(check.field_name),
            detail=pl.lit(check.detail) if isinstance(check.detail, str) else check.detail,
        )
        for place, check in enumerate(checks)
        if flags[str(place)].any()
    ]
    return merged(found)


def merged(faults: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Faults of messages, the first found of each."""
    found = [part for part in faults if part.height]
    return pl.concat(found).unique("message", keep="first", maintain_order=True) if found else no_faults()


def held_messages(
    messages: pl.DataFrame, records: pl.DataFrame, faults: pl.DataFrame
) -> tuple[pl.DataFrame, int, pl.DataFrame]:
    """Rejects of the messages with faults, how many they count as, and the records of the sound ones.

    Args:
        messages: ``message, line, mt, text``.
        records: ``message, mt, line, text``.
        faults: as ``SCHEMA``.

    Returns:
        Rejects, one for every record held back, or one for a message without records; their number; the records of
        messages without a fault.
    """
    sound = records.join(faults, on="message", how="anti")
    if faults.is_empty():
        return pl.DataFrame(schema=REJECT_SCHEMA), 0, sound
    heads = messages.join(faults.select("message"), on="message", how="semi").select("message", "mt", "line", "text")
    lines = records.join(faults.select("message"), on="message", how="semi")
    empty = heads.join(lines, on="message", how="anti")
    beginnings = messages.select("message", begins="line")
    rows = (
        pl.concat([lines.select(empty.columns), empty])
        .join(faults, on="message")
        .join(beginnings, on="message")
        .sort("line")
    )
    table = pl.col("mt").replace_strict(HELD_TABLES, default=None, return_dtype=pl.String)
    said = pl.format(
        "MT{} that begins on line {} is held back as a whole: {}", "mt", "begins", pl.col("detail").str.head(700)
    )
    rejects = rows.select(
        source_line="line", reason="reason", field_name="field_name", table_name=table, detail=said,
        raw_text=cut_to(pl.col("text"), 4000),
    ).unique("source_line", keep="first", maintain_order=True)  # fmt: skip
    return rejects.cast(REJECT_SCHEMA), rejects.height, sound
