"""Files of separated values whose first line names the columns: one reader per kind of file, nothing else to write.

A connector gives the fields to read, further checks, and a function from good records to canonical frames. Lines, the
header, counts, repeated keys and quarantine are the same for every such provider, and are here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from connectors.adapter import ParsedBlock, ParsedFile, RawFile
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.formats.blocks import gathered
from connectors.formats.codes import CodeTable
from connectors.formats.flat import FlatLayout, Wanted, read_records
from connectors.formats.line_ends import end_checks
from connectors.formats.lines import iterate_lines
from connectors.formats.rejects import Check, ordered, separated
from connectors.formats.taken import conformed, repeated


@dataclass(frozen=True)
class Context:
    """What a mapping may know of the file that it maps.

    Attributes:
        connection: whose file it is.
        business_date: of the file.
    """

    connection: Connection
    business_date: date


@dataclass(frozen=True)
class Reader:
    """How the lines of one kind of file are read.

    Attributes:
        fields: the fields to read, in any order.
        tables: canonical tables that the lines feed; the first names the rejects.
        rows: from good records (the fields typed, and ``source_line``) to a frame for each table, with at least the
            columns of its feed that may not be null.
        checks: further ways in which a record can fail.
        unique: columns that a file may state once only; empty for none.
    """

    fields: Sequence[Wanted]
    tables: Sequence[str]
    rows: Callable[[pl.DataFrame, Context], Mapping[str, pl.DataFrame]]
    checks: Callable[[Context], Sequence[Check]] = lambda context: ()
    unique: Sequence[str] = ()


def parse_titled(
    file: RawFile,
    connection: Connection,
    layout: FlatLayout,
    reader: Reader,
    *,
    separator: str = ",",
    quote: str | None = '"',
    encoding: str = "utf-8",
) -> ParsedFile:
    """The canonical facts of one file.

    Raises:
        FeedFault: wrong_business_date (the name says no day), malformed_document (the first line does not name the
            layout's columns), and those of ``iterate_lines``.
    """
    if file.business_date is None:
        raise FeedFault("wrong_business_date", "the file's name says no day of the calendar. Ask for the right name.")
    context = Context(connection, file.business_date)
    parts: list[pl.DataFrame] = []
    blocks = _blocks(file, layout, reader, context, parts, separator, quote, encoding)
    result = gathered(blocks, reader.tables)
    again = repeated(reader.tables[0], pl.concat(parts), reader.unique, file.path) if reader.unique and parts else None
    if again is not None and again.height:
        lines = again["source_line"].implode()
        frames = {name: f.filter(~pl.col("source_line").is_in(lines)) for name, f in result.frames.items()}
        held = ordered([result.rejects, again])
        result = replace(result, frames=frames, rejects=held, quarantined_count=held["source_line"].n_unique())
    return replace(result, business_date=file.business_date)


def _blocks(
    file: RawFile, layout: FlatLayout, reader: Reader, context: Context, keys: list[pl.DataFrame],
    separator: str, quote: str | None, encoding: str,
) -> Iterator[ParsedBlock]:  # fmt: skip
    is_first = True
    end = end_checks(file.path, context.connection)
    for lines in iterate_lines(file.path, encoding=encoding):
        found = lines.filter(pl.col("text").str.strip_chars(" ") != "")
        if is_first and found.height:
            _compare_titles(str(found["text"][0]), int(found["line"][0]), layout, separator, quote)
            found, is_first = found[1:], False
        records, checks = read_records(found, layout, reader.fields, separator=separator, quote=quote)
        good, rejects = separated(records, [*checks, *reader.checks(context), *end], reader.tables[0])
        good = good.rename({"line": "source_line"})
        if reader.unique:
            keys.append(good.select("source_line", *reader.unique))
        frames = {name: conformed(name, frame) for name, frame in reader.rows(good, context).items()}
        yield ParsedBlock(frames, rejects, found.height)
    if is_first:
        raise FeedFault("empty_file", "the file holds no line of column names. Ask for it again.")


def _compare_titles(text: str, line: int, layout: FlatLayout, separator: str, quote: str | None) -> None:
    titles = [part.strip(f" {quote or ''}").lower() for part in text.split(separator)]
    if titles == [name.lower() for name in layout.names]:
        return
    missing = [name for name in layout.names if name.lower() not in titles]
    new = [title[:40] for title in titles if title not in {name.lower() for name in layout.names}]
    if missing or new:
        said = f"missing: {', '.join(missing) or 'none'}; new: {', '.join(new[:5]) or 'none'}"
    else:
        said = "the columns stand in another order"
    detail = f"the first line does not name the layout's columns ({said}). Correct layouts.csv, or ask for the file."
    raise FeedFault("malformed_document", detail[:900], line=line)


def meaning(field: str, table: CodeTable, column: str, context: Context) -> pl.Expr:
    """What the code in ``field`` means; null when no table holds it."""
    found = table.meaning(column, context.connection.codes.get(table.name))
    return pl.col(field).replace_strict(
        pl.Series(list(found), dtype=pl.String),
        pl.Series(list(found.values()), dtype=pl.String),
        default=None,
        return_dtype=pl.String,
    )


def unknown_code(field: str, table: CodeTable, context: Context) -> Check:
    """A code that neither the connector's table nor the firm's own holds."""
    is_known = pl.col(field).is_in(list(table.rows(context.connection.codes.get(table.name))))
    where = f"{table.path.name}, or to a table of your own under codes: {table.name}"
    detail = pl.format(f"{field} {{}} is not known. If it is right, add it to {where}.", pl.col(field).str.slice(0, 12))
    return Check(field, "unknown_code", ~is_known, detail)
