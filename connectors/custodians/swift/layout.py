"""Which field of a message is which, read from ``layouts.csv``, and records gathered from fields.

A record is what the count law counts: a holding of an MT535 (sequence FIN), a movement of an MT536 (TRAN), an entry or
a closing balance of an MT940 (61, 62F), the event of an MT564.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from connectors.errors import FeedFault
from connectors.formats.swift_mt import BARE, SwiftFile

FILE: Final = Path(__file__).with_name("layouts.csv")
HELD_TABLES: Final = {
    "535": "canonical.custodian_position", "536": "canonical.transaction", "940": "canonical.transaction",
    "564": "canonical.corporate_action",
}  # fmt: skip
"""Type of message to the table that its records are meant for."""
CASH_TYPES: Final = ("940", "950")
"""An MT950 is an MT940 without narratives."""
RAW_CHARACTERS: Final = 4000


@cache
def layout() -> pl.DataFrame:
    """``mt, block, tag, qualifier`` to ``record`` and ``field``; null where a message has no block or qualifier."""
    return pl.read_csv(FILE, infer_schema=False).select(
        "block", "tag", "qualifier", "record", "field", mt=pl.col("message")
    )


def named(swift: SwiftFile, default: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The file's messages with their type told, and their fields with what they are.

    Args:
        swift: the file.
        default: type of a bare message whose fields tell none, "" if the file's name tells none either.

    Returns:
        Messages as in ``SwiftFile`` with ``mt`` of ``HELD_TABLES``, or as the header states it for others; fields with
        ``mt``, ``record``, ``field`` (null for what is not read), ``safe_line``, ``fin_line``, ``tran_line`` (of the
        sequences that they stand in) and ``record_line`` (of their record, null outside any).
    """
    told = swift.fields.group_by("message").agg(_told_type(default))
    messages = swift.messages.join(told, on="message", how="left", maintain_order="left").with_columns(
        mt=pl.when(pl.col("mt") == BARE).then(pl.col("told").fill_null(BARE)).otherwise("mt")
    )
    messages = messages.with_columns(mt=pl.when(pl.col("mt").is_in(CASH_TYPES)).then(pl.lit("940")).otherwise("mt"))
    fields = swift.fields.join(messages.select("message", "mt"), on="message", maintain_order="left").with_columns(
        value=pl.when(pl.col("tag") == "97B").then(pl.col("value").str.extract("([^/]*)$")).otherwise("value"),
        safe_line=_within("SUBSAFE"), fin_line=_within("FIN"), tran_line=_within("TRAN"),
    )  # fmt: skip
    fields = fields.join(
        layout(), on=["mt", "block", "tag", "qualifier"], how="left", nulls_equal=True, maintain_order="left"
    )
    is_cash_record = pl.col("tag").is_in(["61", "62F"])
    cash_line = pl.when(is_cash_record).then("line").forward_fill().over("message")
    by_type = {"535": pl.col("fin_line"), "536": pl.col("tran_line"), "940": cash_line}
    record_line = pl.coalesce(pl.when(pl.col("mt") == mt).then(line) for mt, line in by_type.items())
    whole = pl.when(pl.col("mt") == "564").then(pl.col("line").min().over("message"))
    return messages.drop("told"), fields.with_columns(record_line=pl.coalesce(record_line, whole))


def _told_type(default: str) -> pl.Expr:
    tags, blocks = pl.col("tag"), pl.col("block")
    return (
        pl.when(tags.is_in(["60F", "60M", "62F", "62M"]).any())
        .then(pl.lit("940"))
        .when((pl.col("qualifier") == "CORP").any())
        .then(pl.lit("564"))
        .when((blocks == "TRAN").any())
        .then(pl.lit("536"))
        .otherwise(pl.lit(default))
        .alias("told")
    )


def _within(block: str) -> pl.Expr:
    """Line of the sequence of this name that a field stands in, its own 16R and 16S included."""
    is_named = pl.col("value") == block
    opens = (pl.col("tag") == "16R") & is_named
    closes = ((pl.col("tag") == "16S") & is_named).fill_null(False)
    closed = closes.shift(1).fill_null(False).over("message")
    depth = (opens.fill_null(False).cast(pl.Int32).cum_sum() - closed.cast(pl.Int32).cum_sum()).over("message")
    line = pl.when(opens).then("line").forward_fill().over("message")
    return pl.when(depth > 0).then(line)


def gathered(fields: pl.DataFrame, record: str, key: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """One row per key with a String column per name: the first value of that field, null when it is absent.

    ``line`` is that of the key's first field of the record.
    """
    part = fields.filter((pl.col("record") == record) & pl.all_horizontal(pl.col(key).is_not_null()))
    firsts = [pl.col("value").filter(pl.col("field") == name).first().alias(name) for name in names]
    blank = [pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in names]
    return part.group_by(key, maintain_order=True).agg(pl.col("line").first(), *firsts).with_columns(blank)


def records_of(fields: pl.DataFrame) -> pl.DataFrame:
    """Every record of the messages that are read: ``message, mt, line, text`` (as received, cut)."""
    return (
        fields.filter(pl.col("record_line").is_not_null())
        .group_by("message", "mt", line="record_line", maintain_order=True)
        .agg(pl.col("text").str.join("\n").str.slice(0, RAW_CHARACTERS))
    )


def refuse_cut_file(messages: pl.DataFrame, record_count: int) -> None:
    """A file whose last message has no end was cut off on its way.

    Raises:
        FeedFault: truncated_file.
    """
    cut = messages.filter(pl.col("is_last") & (pl.col("reason") == "truncated_file"))
    for line in cut["line"]:
        detail = "the last message has no end; ask for the file again."
        raise FeedFault("truncated_file", detail, line=line, record_count=record_count)
