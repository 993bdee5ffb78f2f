"""What a file's name and its bytes say of it as a whole: rep code and day, whether it was cut, how it writes dates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from connectors.adapter import RawFile
from connectors.connection import Connection
from connectors.errors import FeedFault
from connectors.formats import values
from connectors.formats.flat import FlatLayout
from connectors.formats.line_ends import open_end
from connectors.formats.lines import iterate_lines, texts_of

SEPARATOR: Final = ","
QUOTE: Final = '"'
_NO_DAY: Final = ("00/00/0000", "0/0/0000", "12/31/9999", "12319999", "00000000", "99991231")
_YEARS: Final = (1900, 2199)


@dataclass(frozen=True)
class DateForm:
    """One way of writing a date.

    Attributes:
        name: for a sentence.
        pattern: what its texts look like.
        format: of strftime.
    """

    name: str
    pattern: str
    format: str


FORMS: Final = (
    DateForm("MM/DD/YYYY", r"^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$", "%m/%d/%Y"),
    DateForm("MMDDYYYY", r"^[0-9]{8}$", "%m%d%Y"),
    DateForm("YYYYMMDD", r"^[0-9]{8}$", "%Y%m%d"),
)
"""No text is a day from 1900 to 2199 in two of them: a year begins with 19, 20 or 21, and there is no such month."""


@dataclass(frozen=True)
class Named:
    """What the name says.

    Attributes:
        rep: the rep code, in capitals.
        day: the day of the data.
    """

    rep: str
    day: date


def named(file: RawFile, connection: Connection) -> Named:
    """Rep code and day of the file's name, the rep code being one that the connection lists (if it lists any).

    Raises:
        FeedFault: wrong_business_date, unrecognised_file.
    """
    if file.business_date is None:
        raise FeedFault("wrong_business_date", "the file name holds no day of the calendar.")
    found = file.kind.pattern.fullmatch(file.name)
    rep = (found["rep"] if found else "").upper()
    if not is_own(pl.Series([rep], dtype=pl.String), connection).item():
        raise FeedFault(
            "unrecognised_file", "the rep code in the name is none of the connection's. Add it, or ask why it came."
        )
    return Named(rep, file.business_date)


def is_own(reps: pl.Series, connection: Connection) -> pl.Series:
    """Whether each rep code is one of the connection's, leading zeros and case apart; all are where it lists none."""
    if not connection.master_accounts:
        return pl.Series([True] * len(reps), dtype=pl.Boolean)
    own = [number.strip().upper().lstrip("0") for number in connection.master_accounts]
    return reps.str.to_uppercase().str.strip_chars_start("0").is_in(own)


def records(file: RawFile, layouts: Sequence[FlatLayout]) -> Iterator[pl.DataFrame]:
    """Frames of ``line`` and ``text`` without blank lines, in file order.

    There is no trailer to tell a whole file by. One that ends in the middle of a line is cut: its last line has no end
    and the fields of no layout.

    Raises:
        FeedFault: truncated_file, and those of ``iterate_lines``.
    """
    held: pl.DataFrame | None = None
    count = 0
    for block in iterate_lines(file.path):
        if held is not None:
            yield held
        held = block.filter(pl.col("text").str.strip_chars(" ") != "")
        count += held.height
    if held is None:
        return
    refuse_cut_end(file, layouts, count)
    yield held


def refuse_cut_end(file: RawFile, layouts: Sequence[FlatLayout], record_count: int) -> None:
    """Refuse a file that ends in the middle of a line: its last line has no end and the fields of no layout.

    Raises:
        FeedFault: truncated_file, with the number of records seen.
    """
    line = open_end(file.path)
    if line is None:
        return
    fields = field_counts(texts_of(file.path, [line])["text"]).item()
    if fields not in {len(layout.fields) for layout in layouts}:
        detail = "the last line is cut: part of the file is missing. Ask for it again."
        raise FeedFault("truncated_file", detail, line=line, record_count=record_count)


def field_counts(texts: pl.Series) -> pl.Series:
    """The number of fields of each line, separators inside quotes apart; null where a quote does not close."""
    frame = texts.alias("text").to_frame()
    bare = pl.col("text").str.replace_all(r'"[^"]*"', "")
    is_closed = ~bare.str.contains(QUOTE, literal=True)
    return frame.select(
        pl.when(is_closed).then(bare.str.count_matches(SEPARATOR, literal=True).cast(pl.Int64) + 1)
    ).to_series()


def with_days(frame: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, DateForm]:
    """The frame with texts that mean no day taken out, and the one form in which its dates are written.

    All rows and all of the columns decide together. Where none is a day in any form, the last form stands, and every
    text fails it.

    Raises:
        FeedFault: malformed_document, two forms in one file; the first line of the rarer form is named.
    """
    cleaned = frame.with_columns(pl.when(~pl.col(name).is_in(_NO_DAY)).then(pl.col(name)).alias(name) for name in names)
    texts = pl.concat([cleaned.select("line", pl.col(name).alias("text")) for name in names]).drop_nulls("text")
    found = [(form, texts.filter(_is_day(form))) for form in FORMS]
    found = sorted((pair for pair in found if pair[1].height), key=lambda pair: -pair[1].height)
    if len(found) > 1:
        (common, _), (rare, rows) = found[0], found[1]
        raise FeedFault(
            "malformed_document",
            f"dates are written {common.name} and {rare.name} in one file. Ask which is right.",
            line=int(rows["line"].min()),  # type: ignore[arg-type]
            record_count=frame.height,
        )
    return cleaned, found[0][0] if found else FORMS[-1]


def day_fields(form: DateForm, names: Sequence[str], required: Sequence[str] = ()) -> list[values.Field]:
    """The typed fields of date columns in one form."""
    return [values.date(name, required=name in required, format=form.format, pattern=form.pattern) for name in names]


def _is_day(form: DateForm) -> pl.Expr:
    text = pl.col("text")
    day = pl.when(text.str.contains(form.pattern)).then(text).str.to_date(form.format, strict=False)
    return day.dt.year().is_between(*_YEARS)
