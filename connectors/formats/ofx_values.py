"""Values of OFX leaf elements: local dates and exact decimal numbers.

OFX writes ``YYYYMMDDHHMMSS.XXX[-5:EST]`` with everything after the day optional. The date is the provider's own local
one: the zone in brackets never moves it. Numbers may carry a sign and leading zeros; the radix is a point or a comma,
digits are not grouped.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Final

_MOMENT = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?(?:\.[0-9]{0,6})?\s*(?:\[[^\]]{0,24}\])?"
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_NONE: Final = ("00000000", "99991231")
_CONTEXT: Final = Context(prec=80, rounding=ROUND_HALF_EVEN)
MAX_NUMBER_CHARACTERS: Final = 40
DIGITS: Final = 20


@lru_cache(maxsize=8192)
def local_moment(text: str) -> datetime | None:
    """The provider's local date and time, without zone; None for the all-zero and the end-of-time date.

    Raises:
        ValueError: not a date in the OFX form, or a day or time that does not exist.
    """
    if text[:8] in _NONE:
        return None
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError("not an OFX date")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    if year < 1900:
        raise ValueError("a year before 1900")
    return datetime(year, month, day, hour, minute, second)


def number(text: str) -> Decimal:
    """The exact number.

    Raises:
        ValueError: not a number in the OFX form, or one whose comma may be a radix or a group.
    """
    if len(text) > MAX_NUMBER_CHARACTERS or not _NUMBER.fullmatch(text) or _GROUPED.fullmatch(text):
        raise ValueError("not an OFX number")
    return Decimal(text.replace(",", "."))


@lru_cache(maxsize=8192)
def scaled_number(text: str, scale: int) -> Decimal:
    """The number rounded half-even, once, to ``scale`` decimals, as it fits into Decimal(20, scale).

    Raises:
        ValueError: see ``number``.
        OverflowError: see ``to_scale``.
    """
    return to_scale(number(text), scale)


def to_scale(value: Decimal, scale: int) -> Decimal:
    """The value rounded half-even, once, to ``scale`` decimals, as it fits into Decimal(20, scale).

    Raises:
        OverflowError: more than 20 - ``scale`` digits before the point.
    """
    rounded = value.quantize(Decimal(1).scaleb(-scale), context=_CONTEXT)
    if abs(rounded) >= Decimal(10) ** (DIGITS - scale):
        raise OverflowError("number out of range")
    return rounded if rounded else abs(rounded)
