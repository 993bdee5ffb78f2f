"""The notes beside an extraction: where errors of single instruments, rollovers and embargoes are told."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from connectors.connection import Connection
from connectors.formats.rejects import Check, no_rejects, rejected
from connectors.market_data.lseg.tables import NOTES


def note_lines(notes: Iterable[object]) -> list[str]:
    """The lines of the notes of an answer."""
    return [line.strip() for note in notes if isinstance(note, str) for line in note.splitlines() if line.strip()]


def note_rejects(lines: pl.DataFrame, connection: Connection, table_name: str | None) -> pl.DataFrame:
    """A reject for every line (``line``, ``text``) that tells an error of an instrument, by the phrases of notes.csv.

    Other lines (version, timing, quota, rollover of a holiday) tell nothing that is lacking.
    """
    rows = NOTES.rows(connection.codes.get(NOTES.name))
    text = pl.col("text").str.to_lowercase()
    found = [no_rejects()]
    left = lines
    for phrase, row in rows.items():
        if not phrase:
            continue
        says = left.select(text.str.contains(phrase.lower(), literal=True)).to_series()
        if row["reason"]:
            check = Check("Notes", row["reason"], pl.lit(True), f"the notes say: {row['meaning']}.")
            found.append(rejected(left.filter(says), check, table_name))
        left = left.filter(~says)
    return pl.concat(found)
