"""Whether a vendor's file is of the day that its name says, and not an old one sent again."""

from __future__ import annotations

from datetime import date

import polars as pl

from connectors.errors import FeedFault


def require_day(days: pl.Series, said: date | None, record_count: int) -> None:
    """Refuse a file whose days (Date, null where unreadable) are all before that of its name.

    Days behind it do not count, for their rows are held back; a file without any other day passes.

    Raises:
        FeedFault: wrong_business_date.
    """
    if said is None:
        return
    there = days.filter(days <= said)
    if there.is_empty() or (there == said).any():
        return
    detail = "no row is of the day that the file's name says: an older file was sent again. Ask for the day's file."
    raise FeedFault("wrong_business_date", detail, record_count=record_count)
