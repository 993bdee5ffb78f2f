"""Compiled readers of one field each: what its bytes say as a text, a number or a day, and what is wrong with them.

A field is the places of its first byte and of the byte behind its last, from the address of a block with
``line_kernels.PADDING`` bytes behind its text. A text becomes a view of Arrow (two int64: length and bytes, or where
they lie), a number an integer scaled by a power of ten, a day the days since 1970-01-01: no float and no text between.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from connectors.formats.line_kernels import byte_at, jit, part, word_at

FINE: Final = 0
BLANK: Final = 1
UNPARSABLE: Final = 2
OUT_OF_RANGE: Final = 3
IMPOSSIBLE: Final = 4
LARGE: Final = 5
"""Digits that 63 bits do not hold: to be read in another way."""

EXPLICIT: Final = 0
IMPLIED: Final = 1
OVERPUNCH: Final = 2

INLINE: Final = 12
"""Bytes of a text that its view holds itself."""

_SPACE: Final = 32
_PLUS: Final = 43
_MINUS: Final = 45
_POINT: Final = 46
_SLASH: Final = 47
_ZERO: Final = 48
_NINE: Final = 57
_HIGHEST: Final = 9_223_372_036_854_775_807
_SAFE_DIGITS: Final = 18
_POWERS: Final = np.array([10**n for n in range(19)], dtype=np.int64)
_LIFTABLE: Final = np.array([_HIGHEST // 10**n for n in range(19)], dtype=np.int64)
"""The largest integer that may be multiplied by each power of ten."""
_FIRST_BYTES: Final = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)
_HALF: Final = np.uint64(32)
_BLANKS: Final = np.uint64(0x2020202020202020)


@part
def trimmed(block, at, stop):  # type: ignore[no-untyped-def]
    """The field without the blanks around it."""
    while stop - at >= 8 and word_at(block, at) == _BLANKS:
        at += 8
    while at < stop and byte_at(block, at) == _SPACE:
        at += 1
    while stop > at and byte_at(block, stop - 1) == _SPACE:
        stop -= 1
    return at, stop


@part
def view(block, at, stop):  # type: ignore[no-untyped-def]
    """The two halves of an Arrow view of the bytes; those of a long text lie at ``at`` in its buffer 0."""
    size = stop - at
    if size > INLINE:
        start = word_at(block, at) & _FIRST_BYTES[4]
        return np.int64(np.uint64(size) | (start << _HALF)), at << 32
    start = word_at(block, at) & _FIRST_BYTES[min(size, 4)]
    rest = np.uint64(0)
    if size > 4:
        rest = word_at(block, at + 4) & _FIRST_BYTES[size - 4]
    return np.int64(np.uint64(size) | (start << _HALF)), np.int64(rest)


@jit
def line_views(buffer, starts, ends, views):  # type: ignore[no-untyped-def]
    """Views of whole lines, int64 × 2 for each; long ones lie in ``buffer``."""
    block = buffer.ctypes.data
    for row in range(len(starts)):
        views[row, 0], views[row, 1] = view(block, np.int64(starts[row]), np.int64(ends[row]))


@part
def plain_number(block, at, stop, separator, scale):  # type: ignore[no-untyped-def]
    """Read an explicit number up to the separator or ``stop``, provided that it is as most are.

    Those are a sign or none, at most 18 digits with or without a point, not more than ``scale`` behind it, no blanks.

    Returns:
        Whether it is so, the scaled integer, and the place of the separator (or ``stop``); else only the first counts.
    """
    is_negative = False
    if at < stop and (byte_at(block, at) == _MINUS or byte_at(block, at) == _PLUS):
        is_negative = byte_at(block, at) == _MINUS
        at += 1
    first, value, point = at, 0, -1
    while at < stop:
        c = byte_at(block, at)
        if _ZERO <= c <= _NINE:
            value = value * 10 + (c - _ZERO)
        elif c == _POINT and point < 0:
            point = at
        elif c == separator:
            break
        else:
            return False, 0, at
        at += 1
    digits = at - first - (point >= 0)
    lift = scale - (at - point - 1 if point >= 0 else 0)
    if digits < 1 or digits > _SAFE_DIGITS or lift < 0 or lift > _SAFE_DIGITS or value > _LIFTABLE[lift]:
        return False, 0, at
    value *= _POWERS[lift]
    return True, -value if is_negative else value, at


@part
def plain_implied(block, at, stop, lift):  # type: ignore[no-untyped-def]
    """Read at most 18 digits and nothing else, times 10 ** lift; whether it is so, and the integer without a sign."""
    if stop - at > _SAFE_DIGITS or stop <= at or lift < 0 or lift > _SAFE_DIGITS:
        return False, 0
    value, is_odd = 0, False
    for place in range(at, stop):
        digit = byte_at(block, place) - _ZERO
        is_odd |= (digit < 0) | (digit > 9)
        value = value * 10 + digit
    if is_odd or value > _LIFTABLE[lift]:
        return False, 0
    return True, value * _POWERS[lift]


@jit
def number(block, at, stop, sign_at, style, decimals, scale):  # type: ignore[no-untyped-def]
    """Read any number, but for the blanks around it, as an integer scaled by 10 ** scale.

    Args:
        block, at, stop: the field.
        sign_at: place of its sign byte; -1 where it has none of its own.
        style: EXPLICIT (a point, perhaps a sign in the text), IMPLIED or OVERPUNCH (``decimals`` implied).
        decimals: implied decimals.
        scale: of the result.

    Returns:
        One of the faults above, and the integer (0 unless FINE).
    """
    at, stop = trimmed(block, at, stop)
    if at >= stop:
        return BLANK, 0
    is_negative = False
    if sign_at >= 0:
        sign = byte_at(block, sign_at)
        is_negative = sign == _MINUS
        if sign != _MINUS and sign != _PLUS and sign != _SPACE:
            return UNPARSABLE, 0
    elif style == EXPLICIT and (byte_at(block, at) == _MINUS or byte_at(block, at) == _PLUS):
        is_negative = byte_at(block, at) == _MINUS
        at += 1
    value, digits, taken = 0, 0, 0
    places = -1  # digits behind the point so far; none was met yet
    is_beyond = False
    while at < stop:
        c = byte_at(block, at)
        if style == EXPLICIT and c == _POINT and places < 0:
            places = 0
            at += 1
            continue
        digit, is_minus = _digit(c, style == OVERPUNCH and at == stop - 1)
        if digit < 0:
            return UNPARSABLE, 0
        is_negative |= is_minus
        digits += 1
        at += 1
        if places >= 0:
            places += 1
            if places > scale:
                is_beyond |= digit != 0
                continue
            taken += 1
        if value > (_HIGHEST - digit) // 10:
            return LARGE, 0
        value = value * 10 + digit
    if digits == 0:
        return UNPARSABLE, 0
    if is_beyond:
        return OUT_OF_RANGE, 0
    fault, value = _lifted(value, scale - taken if style == EXPLICIT else scale - decimals)
    return fault, -value if is_negative else value


@jit
def _digit(c, is_zoned):  # type: ignore[no-untyped-def]
    """What a byte counts as a digit (-1: none), and whether it makes its number negative."""
    if _ZERO <= c <= _NINE:
        return c - _ZERO, False
    if is_zoned:
        if c == 123 or c == 125:  # { and }
            return 0, c == 125
        if 65 <= c <= 73:  # A to I
            return c - 64, False
        if 74 <= c <= 82:  # J to R
            return c - 73, True
    return -1, False


@jit
def _lifted(value, lift):  # type: ignore[no-untyped-def]
    """The fault of multiplying by 10 ** lift, and the product."""
    while lift > 0:
        if value > _HIGHEST // 10:
            return LARGE, 0
        value *= 10
        lift -= 1
    while lift < 0:
        if value % 10 != 0:
            return OUT_OF_RANGE, 0
        value //= 10
        lift += 1
    return FINE, value


@jit
def day(block, at, stop, form, size, none, pivot_year):  # type: ignore[no-untyped-def]
    """Read a day, but for the blanks around it.

    Args:
        block, at, stop: the field.
        form: address of the form, its letters C, Y, M and D standing for digits, others for themselves.
        size: how many bytes of ``form`` and ``none`` count.
        none: address of the text that means none; its first byte is 0 where there is no such text.
        pivot_year: two digits that would lie beyond it are of the century before.

    Returns:
        FINE, BLANK or IMPOSSIBLE, and the days since 1970-01-01 (0 unless FINE).
    """
    at, stop = trimmed(block, at, stop)
    if at >= stop or _is_zeros(block, at, stop):
        return BLANK, 0
    if stop - at != size:
        return IMPOSSIBLE, 0
    century, year, month, of_month, is_none = -1, 0, 0, 0, True
    for place in range(size):
        c, letter = byte_at(block, at + place), byte_at(form, place)
        is_none &= c == byte_at(none, place)
        if letter == 67 or letter == 89 or letter == 77 or letter == 68:  # C Y M D
            if c < _ZERO or c > _NINE:
                return IMPOSSIBLE, 0
            digit = c - _ZERO
            if letter == 67:
                century = digit if century < 0 else century * 10 + digit
            elif letter == 89:
                year = year * 10 + digit
            elif letter == 77:
                month = month * 10 + digit
            else:
                of_month = of_month * 10 + digit
        elif c != letter:
            return IMPOSSIBLE, 0
    if is_none:
        return BLANK, 0
    return _days(_whole_year(century, year, pivot_year), month, of_month)


@jit
def _whole_year(century, year, pivot_year):  # type: ignore[no-untyped-def]
    if century >= 10:
        return year + century * 100
    if century >= 0:  # C alone counts centuries from 1900
        return year + 1900 + century * 100
    return year + 2000 if year + 2000 <= pivot_year else year + 1900


@jit
def _days(year, month, of_month):  # type: ignore[no-untyped-def]
    """FINE or IMPOSSIBLE, and days since 1970-01-01 in Gregory's calendar, counted in years that begin in March."""
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    length = 31
    if month == 2:
        length = 29 if is_leap else 28
    elif month == 4 or month == 6 or month == 9 or month == 11:
        length = 30
    if month < 1 or month > 12 or of_month < 1 or of_month > length or year < 1900 or year > 2199:
        return IMPOSSIBLE, 0
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    of_era = shifted - era * 400
    months = month - 3 if month > 2 else month + 9
    of_year = (153 * months + 2) // 5 + of_month - 1
    return FINE, era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@jit
def _is_zeros(block, at, stop):  # type: ignore[no-untyped-def]
    for place in range(at, stop):
        c = byte_at(block, place)
        if c != _ZERO and c != _SLASH and c != _MINUS:
            return False
    return True
