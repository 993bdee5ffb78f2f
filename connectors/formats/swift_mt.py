"""SWIFT MT messages: a file's lines as fields, each with its message, its line and the sequence that it stands in.

Belongs here: the grammar of ISO 7775 and ISO 15022 messages, ``{1:}{2:}{3:}{4: ... -}{5:}`` or the bare text of block
4, several to a file. What a message says does not: see the connectors. A field begins on a line ``:NNa:`` and goes on
over the lines after it; a message that breaks the grammar has a fault of its own and its neighbours none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from connectors.errors import FeedFault
from connectors.formats.lines import read_lines

ENCODING: Final = "latin-1"
"""Character set X is a part of ASCII; what banks send beyond it is taken as it is."""
MAX_FIELD_LINES: Final = 400
MAX_DEPTH: Final = 12
BARE: Final = ""
"""Type of a message without headers: its reader tells it from its fields."""

_FIELD: Final = r"^:([0-9]{2}[A-Z]?):"
_QUALIFIED: Final = r"(?s)^:([A-Z0-9]{4})/([A-Z0-9]{0,8})/(.*)$"
_TYPE: Final = r"\{2:[IO]([0-9]{3})"

FIELDS: Final = pl.Schema({
    "message": pl.Int64, "line": pl.Int64, "last_line": pl.Int64, "tag": pl.String, "qualifier": pl.String,
    "value": pl.String, "block": pl.String, "block_line": pl.Int64, "text": pl.String,
})  # fmt: skip
MESSAGES: Final = pl.Schema({
    "message": pl.Int64, "line": pl.Int64, "mt": pl.String, "reason": pl.String, "detail": pl.String, "text": pl.String,
    "is_last": pl.Boolean,
})  # fmt: skip


@dataclass(frozen=True)
class SwiftFile:
    """The messages of one file.

    Attributes:
        messages: ``message`` (counts from 1), ``line`` (of its beginning), ``mt`` (three digits, or ``BARE``),
            ``reason`` and ``detail`` of what breaks the grammar (null for a sound message; detail names the line),
            ``text`` (the first line), ``is_last``.
        fields: those inside messages, in file order: ``message``, ``line``, ``last_line``, ``tag`` (97A), ``qualifier``
            (SAFE; null for a plain field), ``value`` (lines joined with a line feed; with a data source scheme,
            ``SCHEME/value``), ``block`` and ``block_line`` (innermost sequence 16R and the line of its beginning, null
            outside any), ``text`` as received.
        strays: ``line`` and ``text`` of what stands outside every message.
    """

    messages: pl.DataFrame
    fields: pl.DataFrame
    strays: pl.DataFrame


def read_messages(path: Path) -> SwiftFile:
    """The messages of a file.

    Raises:
        FeedFault: as ``lines.read_lines``; malformed_document when the file holds no message.
    """
    pieces = _placed(_pieces(read_lines(path, encoding=ENCODING)))
    if not pieces["message"].max():
        line = pieces.filter(pl.col("text").str.strip_chars() != "")["line"].min()
        raise FeedFault("malformed_document", "no SWIFT message begins in the file.", line=int(str(line)))
    inside = pieces.filter(pl.col("is_inside") & (pl.col("message") > 0))
    fields = _fields(inside)
    return SwiftFile(_messages(pieces, fields), fields.select(FIELDS.names()), _strays(pieces))


def _pieces(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines, cut where one message ends and the next begins on one line, or text follows ``{4:`` on its own."""
    text = pl.col("text")
    begins = text.str.starts_with("{") | text.str.starts_with("-}")
    has_more = begins & (text.str.contains(r"^-\}.*\{1:") | text.str.contains(r"\{4:[^ \t]"))
    if not lines.select(has_more.any()).item():
        return lines
    cut = (
        text.str.replace(r"^(-\}.*?)\{1:", "${1}\n{1:")
        .str.replace_all(r"(?m)^(\{[^\n]*?\{4:)([^ \t\n])", "${1}\n${2}")
        .str.split("\n")
    )
    return (
        lines.with_columns(pl.when(has_more).then(cut).otherwise(pl.concat_list("text")).alias("text"))
        .explode("text")
        .with_columns(pl.col("text").fill_null(""))
    )


def _placed(pieces: pl.DataFrame) -> pl.DataFrame:
    """The pieces with ``message``, ``is_inside`` (text of block 4), ``is_end`` and ``is_field``."""
    text = pl.col("text")
    has_header = text.str.starts_with("{")
    pieces = pieces.with_columns(
        is_field=text.str.contains(_FIELD),
        _end=text.str.starts_with("-}"),
        _basic=has_header & text.str.contains("{1:", literal=True),
        _opens=has_header & text.str.contains("{4:", literal=True),
        _header=has_header,
        _blank=text.str.strip_chars().is_in(["", "$"]),
    )
    event = pl.when("_end").then(pl.lit("end")).when("_opens").then(pl.lit("text")).when("_basic").then(pl.lit("head"))
    pieces = pieces.with_columns(_event=event).with_columns(
        _state=pl.col("_event").forward_fill().fill_null("end"),
        _before=pl.col("_event").forward_fill().shift(1).fill_null("end"),
    )
    is_enveloped = pl.col("_state") == "text"
    pieces = pieces.with_columns(
        _header=pl.col("_header") & (~is_enveloped | pl.col("_basic") | pl.col("_opens")),
        _bare_field=pl.col("is_field") & ~is_enveloped,
        _dash=~is_enveloped & (text.str.strip_chars() == "-"),
    )
    bare_event = (
        pl.when(pl.col("_event").is_not_null() | pl.col("_dash"))
        .then(pl.lit("other"))
        .when("_bare_field")
        .then(pl.lit("bare"))
    )
    pieces = pieces.with_columns(
        _bare_state=bare_event.forward_fill().fill_null("other"),
        _bare_before=bare_event.forward_fill().shift(1).fill_null("other"),
    )
    restarts = text.str.starts_with(":20:") | (text.str.strip_chars_end() == ":16R:GENL")
    begins = (
        pl.col("_basic")
        | (pl.col("_opens") & (pl.col("_before") != "head"))
        | (pl.col("_bare_field") & ((pl.col("_bare_before") != "bare") | restarts))
    )
    is_text = ~pl.col("_header") & ~pl.col("_end") & ~pl.col("_dash")
    return pieces.with_columns(
        message=begins.cast(pl.Int64).cum_sum(),
        is_inside=is_text & ((pl.col("_state") == "text") | (pl.col("_bare_state") == "bare")) & ~pl.col("_blank"),
        is_end=pl.col("_end") | pl.col("_dash"),
    )


def _fields(inside: pl.DataFrame) -> pl.DataFrame:
    """Fields of the text, with their sequences; text before a message's first field has no tag."""
    starts = pl.col("is_field") | (pl.col("message") != pl.col("message").shift(1).fill_null(0))
    inside = inside.select("message", "line", "text", _starts=starts).with_columns(
        _number=pl.col("_starts").cast(pl.Int64).cum_sum()
    )
    # Few fields have more than one line, so only those are gathered.
    more = (
        inside.filter(~pl.col("_starts"))
        .group_by("_number")
        .agg(last_line=pl.col("line").last(), _more=pl.col("text").str.join("\n"), _lines=pl.len())
    )
    fields = (
        inside.filter("_starts")
        .join(more, on="_number", how="left", maintain_order="left")
        .with_columns(
            text=pl.concat_str("text", "_more", separator="\n", ignore_nulls=True),
            last_line=pl.coalesce("last_line", "line"),
            _size=pl.col("_lines").fill_null(0) + 1,
        )
        .with_columns(
            tag=pl.col("text").str.extract(_FIELD, 1), _content=pl.col("text").str.replace(_FIELD, "", literal=False)
        )
        .with_columns(_parts=pl.col("_content").str.extract_groups(_QUALIFIED))
        .with_columns(
            qualifier=pl.col("_parts").struct.field("1"),
            _scheme=pl.col("_parts").struct.field("2"),
            _rest=pl.col("_parts").struct.field("3"),
        )
    )
    rest = pl.when(pl.col("_scheme") == "").then("_rest").otherwise(pl.format("{}/{}", "_scheme", "_rest"))
    fields = fields.with_columns(
        value=pl.when(pl.col("qualifier").is_null()).then("_content").otherwise(rest).str.strip_chars()
    )
    opens, closes = pl.col("tag").eq_missing("16R"), pl.col("tag").eq_missing("16S")
    depth = (opens.cast(pl.Int32) - closes.cast(pl.Int32)).cum_sum().over("message")
    fields = fields.with_columns(_opens=opens, _closes=closes, _depth=depth).with_columns(
        _level=pl.col("_depth") + pl.col("_closes").cast(pl.Int32)
    )
    at_level = ["message", "_level"]
    return fields.with_columns(
        block=pl.when("_opens").then("value").forward_fill().over(at_level),
        block_line=pl.when("_opens").then("line").forward_fill().over(at_level),
    ).with_columns(
        pl.when(pl.col("_level") > 0).then(pl.col("block")).alias("block"),
        pl.when(pl.col("_level") > 0).then(pl.col("block_line")).alias("block_line"),
    )


def _messages(pieces: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    """Every message with what breaks the grammar in it first."""
    heads = pieces.filter(pl.col("message") > 0).group_by("message", maintain_order=True).agg(
        pl.col("line").first(),
        pl.col("text").first(),
        mt=pl.col("text").filter(pl.col("_header")).str.join("").str.extract(_TYPE, 1).fill_null(BARE),
        is_ended=pl.col("is_end").any(),
        is_bare=pl.col("_bare_field").first(),
        end_line=pl.col("line").last(),
    )  # fmt: skip
    lacks_tag = pl.col("tag").is_null()
    mismatch = pl.col("_closes") & ((pl.col("_depth") < 0) | pl.col("block").ne_missing(pl.col("value")))
    too_deep = pl.col("_level") > MAX_DEPTH
    too_long = pl.col("_size") > MAX_FIELD_LINES

    def first(condition: pl.Expr) -> pl.Expr:
        return pl.col("line").filter(condition).first()

    found = fields.group_by("message").agg(
        no_tag=first(lacks_tag), mismatch=first(mismatch), deep=first(too_deep), long=first(too_long),
        open_at_end=pl.col("_depth").last() > 0, fields=pl.len(),
    )  # fmt: skip
    heads = heads.join(found, on="message", how="left", maintain_order="left")
    is_cut = (~pl.col("is_bare") & ~pl.col("is_ended")) | pl.col("open_at_end").fill_null(False)
    faults = [
        (pl.col("fields").is_null() & pl.col("is_ended"), "malformed_document", "the message has no text", "line"),
        (pl.col("no_tag").is_not_null(), "malformed_document", "text that belongs to no field", "no_tag"),
        (pl.col("long").is_not_null(), "malformed_document", f"a field of over {MAX_FIELD_LINES} lines", "long"),
        (pl.col("deep").is_not_null(), "malformed_document", "sequences in sequences without end", "deep"),
        (pl.col("mismatch").is_not_null(), "malformed_document", "16S closes what 16R did not open", "mismatch"),
        (is_cut, "truncated_file", "the message has no end", "end_line"),
    ]
    reason = pl.coalesce(pl.when(condition).then(pl.lit(reason)) for condition, reason, _, _ in faults)
    detail = pl.coalesce(
        pl.when(condition).then(pl.format(f"{said} (line {{}})", pl.col(line))) for condition, _, said, line in faults
    )
    last = pl.col("message") == pl.col("message").max()
    return heads.with_columns(reason=reason, detail=detail, is_last=last).select(MESSAGES.names())


def _strays(pieces: pl.DataFrame) -> pl.DataFrame:
    is_stray = ~pl.col("is_inside") & ~pl.col("_blank") & ~pl.col("_header") & ~pl.col("is_end")
    return pieces.filter(is_stray | (pl.col("_header") & (pl.col("message") == 0))).select("line", "text")
