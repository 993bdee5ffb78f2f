"""Parameters that several endpoints take, narrow enough that nothing odd reaches a query."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _iso(value: object) -> object:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        # pydantic would take a number for seconds since 1970
        raise ValueError("a date is written YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_iso)]
"""A date as ISO 8601 writes it, and in no other way."""
