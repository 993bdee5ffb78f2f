"""Logical records: the lines that one sequence id joins, and what can be wrong with them before any field is read.

A record is known by the line on which it begins. A fault of any of its lines holds back the whole of it, so that no
record is taken in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from connectors.custodians.pershing.details import Seen, cut, framed, marked, plain_records, written
from connectors.custodians.pershing.forms import Form
from connectors.custodians.pershing.tables import layout
from connectors.formats.flat import Number, Wanted, read_records
from connectors.formats.lines import TextBlock, cut_lines
from connectors.formats.rejects import RAW_TEXT_BYTES, Check, cut_to, no_rejects, rejected

_DETAILS = {
    "wrong_field_count": "a line has not the length of its form, or not its end mark X. Ask for the record again.",
    "transaction_code": "a line begins with another code than its form's. Ask what it is.",
    "record_indicator": "a line's record letter is not known. Ask what it is, or teach the connector to read it.",
    "missing_value": "the record has no line A, so the lines behind it say nothing. Ask for it again.",
    "duplicate_key": "the record has a line of one letter twice. Ask for it again.",
}


def sound_records(lines: pl.DataFrame, form: Form, table_name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The lines of records that are whole, and a reject for each record that is not.

    Args:
        lines: from ``Envelope.records``.
        form: their form.
        table_name: the table that the records were meant for.
    """
    known = [*form.records, *form.others]
    text = pl.col("text")
    flags = lines.with_columns(
        wrong_field_count=(text.str.len_chars() != form.length) | ~text.str.ends_with("X"),
        transaction_code=~text.str.slice(0, 2).is_in(form.codes) if form.codes else pl.lit(False),
        record_indicator=~pl.col("letter").is_in(known).fill_null(False),
        duplicate_key=~pl.struct("record", "letter").is_first_distinct(),
        missing_value=(pl.col("line") == pl.col("record")) & (pl.col("letter") != "A").fill_null(True),
    )
    names = ["wrong_field_count", "transaction_code", "record_indicator", "missing_value", "duplicate_key"]
    if not flags.select(pl.any_horizontal(names).any()).item():
        return lines, no_rejects()
    bad = flags.group_by("record", maintain_order=True).agg(pl.col(name).any() for name in names)
    first = lines.filter(pl.col("line") == pl.col("record"))
    found, seen = [], pl.Series("record", [], dtype=pl.Int64)
    for name in names:  # what is wrong with the shape comes first; the rest follows from it
        struck = bad.filter(pl.col(name) & ~pl.col("record").is_in(seen.implode()))["record"]
        reason = name if name not in ("transaction_code", "record_indicator") else "unknown_record_type"
        field = name if reason == "unknown_record_type" else "record"
        check = Check(field, reason, pl.lit(True), _DETAILS[name])
        found.append(rejected(first.filter(pl.col("record").is_in(struck.implode())), check, table_name))
        seen = seen.append(struck)
    return lines.filter(~pl.col("record").is_in(seen.implode())), pl.concat(found)


def read_part(
    lines: pl.DataFrame, form: Form, letter: str, wanted: Sequence[Wanted]
) -> tuple[pl.DataFrame, list[Check]]:
    """The typed fields of one line of each record, under the line on which the record begins, and their checks."""
    part = lines.filter(pl.col("letter") == letter).with_columns(pl.col("record").alias("line"))
    return read_records(part, layout(form.kind, letter), wanted)


def span_of(form: Form, letter: str, first: str, last: str) -> pl.Expr:
    """The text from one field to another of a line, blanks and all."""
    start, end = layout(form.kind, letter).field(first).start, layout(form.kind, letter).field(last).end
    return pl.col("text").str.slice(start - 1, end - start + 1)


def joined(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """The records of a line with the fields of another; null where it was not sent."""
    fields = second.drop("line", "text", "letter", "sequence", "owner")
    return first.join(fields, on="record", how="left", maintain_order="left")


@dataclass(frozen=True)
class Parts:
    """The records of a block as typed fields.

    Attributes:
        read: ``line``, ``text`` and the fields of line A and, null where it was not sent, of line B.
        checks: of those fields.
        lines: ``line``, ``text`` and ``record`` of at least the lines behind a first one, for ``with_all_lines``.
        unsound: rejects of records that are not whole.
        seen: what the block says of its file.
    """

    read: pl.DataFrame
    checks: list[Check]
    lines: pl.DataFrame
    unsound: pl.DataFrame
    seen: Seen


def read_parts(
    block: TextBlock, form: Form, table_name: str, first: Sequence[Wanted], second: Sequence[Wanted]
) -> Parts:
    """The wanted fields of lines A and B of a block of whole records.

    Raises:
        FeedFault: as ``cut_lines``.
    """
    lines = cut_lines(block)
    plain = plain_records(lines, form)
    if plain is None:
        return _read_framed(written(lines.frame), form, table_name, first, second)
    read, checks = read_records(plain.first, layout(form.kind, "A"), first)
    behind, more = read_records(plain.second, layout(form.kind, "B"), second)
    fields = behind.drop("line", "text")
    if not fields.height:
        read = read.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in fields.schema.items())
    elif fields.height == read.height:
        read = read.with_columns(fields.get_columns())
    else:
        place = np.full(read.height, -1, dtype=np.int64)
        place[plain.owners] = np.arange(fields.height)
        at = pl.Series(place).replace(-1, None)
        read = read.with_columns(fields.select(pl.all().gather(at)).get_columns())
    owner = read["line"].gather(plain.owners) if fields.height else pl.Series(dtype=pl.Int64)
    return Parts(read, [*checks, *more], behind.select("line", "text", owner.alias("record")), no_rejects(), plain.seen)


def _read_framed(
    lines: pl.DataFrame, form: Form, table_name: str, first: Sequence[Wanted], second: Sequence[Wanted]
) -> Parts:
    details, seen = framed(lines)
    found = marked(cut(details, form), form)
    whole, unsound = sound_records(found, form, table_name)
    read, checks = read_part(whole, form, "A", first)
    behind, more = read_part(whole, form, "B", second)
    seen = replace(seen, record_count=found["record"].n_unique())
    return Parts(joined(read, behind), [*checks, *more], whole, unsound, seen)


def with_all_lines(rejects: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """The rejects with the texts of all lines of their records, so that whoever looks sees the whole."""
    if not rejects.height:
        return rejects
    behind = lines.filter(
        (pl.col("line") != pl.col("record")) & pl.col("record").is_in(rejects["source_line"].implode())
    )
    more = behind.group_by("record", maintain_order=True).agg(pl.col("text").str.join("\n").alias("more"))
    both = pl.concat_str("raw_text", "more", separator="\n", ignore_nulls=True)
    return (
        rejects.join(more, left_on="source_line", right_on="record", how="left", maintain_order="left")
        .with_columns(cut_to(both, RAW_TEXT_BYTES).alias("raw_text"))
        .select(rejects.columns)
    )


def numbers(names: Sequence[str], scale: int) -> list[Number]:
    """Several numbers of one scale."""
    return [Number(name, scale) for name in names]
