"""Compiled loops over the bytes of lines: where fields lie, and what their digits say. No layouts, no frames.

A field of n lines is a pair of int64 arrays: position of its first byte and of the byte behind its last, in one buffer
of UTF-8. Numbers come out as two int64 halves of a little-endian 128-bit integer, so that they become Decimals without
a float or a text between. All functions are compiled by numba, release the interpreter's lock and never raise.
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np

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

_SPACE: Final = 32
_PLUS: Final = 43
_MINUS: Final = 45
_POINT: Final = 46
_ZERO: Final = 48
_NINE: Final = 57
_HIGH: Final = 9_223_372_036_854_775_807

jit: Any = numba.njit(cache=True, nogil=True)


@jit
def survey(block):  # type: ignore[no-untyped-def]
    """Control bytes that text does not hold (NUL apart), NULs, line feeds, and whether all bytes are ASCII.

    A text file may hold tab, line feed, form feed, carriage return, and DOS's end of file.
    """
    controls, nuls, feeds, high = 0, 0, 0, np.uint8(0)
    for c in block:
        high |= c
        feeds += c == 10
        if c < _SPACE or c == 127:
            is_text = c == 9 or c == 10 or c == 12 or c == 13 or c == 26
            controls += not is_text
            nuls += c == 0
    return controls - nuls, nuls, feeds, high < 128


@jit
def count(buffer, byte):  # type: ignore[no-untyped-def]
    """How often the byte occurs."""
    found = 0
    for c in buffer:
        found += c == byte
    return found


@jit
def holds(buffer, byte):  # type: ignore[no-untyped-def]
    """Whether the byte occurs."""
    return count(buffer, byte) > 0


@jit
def line_offsets(block, count):  # type: ignore[no-untyped-def]
    """Where each line begins, behind the ``count`` line feeds, and where the block ends: count + 2 int64.

    The last line is what stands behind the last line feed, be it nothing.
    """
    offsets = np.empty(count + 2, dtype=np.int64)
    offsets[0] = 0
    line = 1
    for at in range(len(block)):
        if block[at] == 10:
            offsets[line] = at + 1
            line += 1
    offsets[line] = len(block)
    return offsets


@jit
def split(buffer, firsts, stops, separator, quote, places, starts, ends, counts):  # type: ignore[no-untyped-def]
    """Find the fields at ``places`` (0-based, ascending) of each line, and count the fields; -1 for a broken quote.

    ``starts`` and ``ends`` are int64, places × lines; a quoted field is given without its quotes. ``quote`` below 0
    means that there is no quoting. A quote inside an unquoted field is a character like any other.
    """
    for row in range(len(firsts)):
        at, stop = firsts[row], stops[row]
        field, wanted = 0, 0
        while True:
            first = at
            last = at
            if quote >= 0 and at < stop and buffer[at] == quote:
                first = at + 1
                at += 1
                is_closed = False
                while at < stop:
                    if buffer[at] == quote:
                        if at + 1 < stop and buffer[at + 1] == quote:
                            at += 2
                            continue
                        is_closed = True
                        break
                    at += 1
                last = at
                at += 1
                if not is_closed or (at < stop and buffer[at] != separator):
                    field = -1
                    break
            else:
                while at < stop and buffer[at] != separator:
                    at += 1
                last = at
            if wanted < len(places) and places[wanted] == field:
                starts[wanted, row] = first
                ends[wanted, row] = last
                wanted += 1
            field += 1
            if at >= stop:
                break
            at += 1
        counts[row] = field
        while wanted < len(places):
            starts[wanted, row] = stop
            ends[wanted, row] = stop
            wanted += 1


@jit
def trim_line_ends(buffer, starts, ends):  # type: ignore[no-untyped-def]
    """Move the end of every line before its carriage returns, line feed and DOS end of file."""
    for row in range(len(starts)):
        b = ends[row]
        while b > starts[row] and (buffer[b - 1] == 10 or buffer[b - 1] == 13 or buffer[b - 1] == 26):
            b -= 1
        ends[row] = b


@jit
def trim(buffer, starts, ends):  # type: ignore[no-untyped-def]
    """Move the ends of every field over the blanks around it."""
    for row in range(len(starts)):
        a, b = starts[row], ends[row]
        while a < b and buffer[a] == _SPACE:
            a += 1
        while b > a and buffer[b - 1] == _SPACE:
            b -= 1
        starts[row] = a
        ends[row] = max(a, b)


@jit
def copy_text(buffer, starts, ends, offsets, out):  # type: ignore[no-untyped-def]
    """Copy every field's bytes to its place in ``out``."""
    for row in range(len(starts)):
        to = offsets[row]
        for at in range(starts[row], ends[row]):
            out[to] = buffer[at]
            to += 1


@jit
def numbers(buffer, starts, ends, signs, style, decimals, scale, limit, out, faults):  # type: ignore[no-untyped-def]
    """Read fields, but for the blanks around them, as integers scaled by 10 ** scale.

    Args:
        buffer, starts, ends: the fields.
        signs: position of each number's sign byte; -1 where it has none of its own.
        style: EXPLICIT (a point, perhaps a sign in the text), IMPLIED or OVERPUNCH (``decimals`` implied).
        decimals: implied decimals.
        scale: of the result.
        limit: 10 ** precision as a float; what is not smaller is out of range.
        out: int64, lines × 2: low and high half.
        faults: uint8, one of the codes above.
    """
    for row in range(len(starts)):
        at, stop = starts[row], ends[row]
        while at < stop and buffer[at] == _SPACE:
            at += 1
        while stop > at and buffer[stop - 1] == _SPACE:
            stop -= 1
        out[row, 0] = 0
        out[row, 1] = 0
        if at >= stop:
            faults[row] = BLANK
            continue
        is_negative = False
        fault = FINE
        sign_at = signs[row]
        if sign_at >= 0:
            sign = buffer[sign_at]
            is_negative = sign == _MINUS
            if sign != _MINUS and sign != _PLUS and sign != _SPACE:
                fault = UNPARSABLE
        elif style == EXPLICIT and (buffer[at] == _MINUS or buffer[at] == _PLUS):
            is_negative = buffer[at] == _MINUS
            at += 1
        value = 0
        digits = 0
        taken = 0
        places = -1 if style == EXPLICIT else 0
        while at < stop and fault == FINE:
            c = buffer[at]
            if style == EXPLICIT and c == _POINT and places < 0:
                places = 0
                at += 1
                continue
            digit = -1
            if _ZERO <= c <= _NINE:
                digit = c - _ZERO
            elif style == OVERPUNCH and at == stop - 1:
                if c == 123 or c == 125:  # { and }
                    digit = 0
                elif 65 <= c <= 73:  # A to I
                    digit = c - 64
                elif 74 <= c <= 82:  # J to R
                    digit = c - 73
                is_negative = c == 125 or 74 <= c <= 82
            if digit < 0:
                fault = UNPARSABLE
                break
            digits += 1
            if places >= 0 and style == EXPLICIT:
                places += 1
                if places > scale:
                    if digit != 0:
                        fault = OUT_OF_RANGE
                    at += 1
                    continue
                taken += 1
            if value > (_HIGH - digit) // 10:
                fault = LARGE
                break
            value = value * 10 + digit
            at += 1
        if fault == FINE and digits == 0:
            fault = UNPARSABLE
        if fault == FINE:
            lift = scale - taken if style == EXPLICIT else scale - decimals
            while lift > 0 and fault == FINE:
                if value > _HIGH // 10:
                    fault = LARGE
                value *= 10
                lift -= 1
            while lift < 0 and fault == FINE:
                if value % 10 != 0:
                    fault = OUT_OF_RANGE
                value //= 10
                lift += 1
        if fault == FINE and float(value) >= limit:
            fault = OUT_OF_RANGE
        faults[row] = fault
        if fault == FINE:
            out[row, 0] = -value if is_negative else value
            out[row, 1] = -1 if is_negative and value > 0 else 0


@jit
def days(buffer, starts, ends, template, none_texts, pivot_year, out, faults):  # type: ignore[no-untyped-def]
    """Read fields, but for the blanks around them, as days since 1970-01-01.

    Args:
        buffer, starts, ends: the fields.
        template: bytes of the form, its letters C, Y, M and D standing for digits, others for themselves.
        none_texts: uint8, n × len(template): texts that mean none.
        pivot_year: two digits that would lie beyond it are of the century before.
        out: int32.
        faults: uint8.
    """
    size = len(template)
    for row in range(len(starts)):
        at, stop = starts[row], ends[row]
        while at < stop and buffer[at] == _SPACE:
            at += 1
        while stop > at and buffer[stop - 1] == _SPACE:
            stop -= 1
        out[row] = 0
        if at >= stop:
            faults[row] = BLANK
            continue
        if stop - at != size:
            faults[row] = IMPOSSIBLE
            if _is_zeros(buffer, at, stop):
                faults[row] = BLANK
            continue
        if _is_none(buffer, at, none_texts) or _is_zeros(buffer, at, stop):
            faults[row] = BLANK
            continue
        century, year, month, day, years = -1, 0, 0, 0, 0
        is_sound = True
        for place in range(size):
            c, form = buffer[at + place], template[place]
            if form == 67 or form == 89 or form == 77 or form == 68:  # C Y M D
                if c < _ZERO or c > _NINE:
                    is_sound = False
                    break
                digit = c - _ZERO
                if form == 67:
                    century = digit if century < 0 else century * 10 + digit
                elif form == 89:
                    year = year * 10 + digit
                    years += 1
                elif form == 77:
                    month = month * 10 + digit
                else:
                    day = day * 10 + digit
            elif c != form:
                is_sound = False
                break
        if not is_sound:
            faults[row] = IMPOSSIBLE
            continue
        if century >= 10:
            year += century * 100
        elif century >= 0:  # C alone counts centuries from 1900
            year += 1900 + century * 100
        else:
            year += 2000
            if year > pivot_year:
                year -= 100
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        length = 31
        if month == 2:
            length = 29 if leap else 28
        elif month == 4 or month == 6 or month == 9 or month == 11:
            length = 30
        if month < 1 or month > 12 or day < 1 or day > length or year < 1900 or year > 2199:
            faults[row] = IMPOSSIBLE
            continue
        shifted = year - 1 if month <= 2 else year
        era = shifted // 400
        of_era = shifted - era * 400
        months = month - 3 if month > 2 else month + 9
        of_year = (153 * months + 2) // 5 + day - 1
        out[row] = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
        faults[row] = FINE


@jit
def _is_zeros(buffer, at, stop):  # type: ignore[no-untyped-def]
    for place in range(at, stop):
        c = buffer[place]
        if c != _ZERO and c != 47 and c != _MINUS:
            return False
    return True


@jit
def _is_none(buffer, at, none_texts):  # type: ignore[no-untyped-def]
    for text in range(none_texts.shape[0]):
        same = True
        for place in range(none_texts.shape[1]):
            if buffer[at + place] != none_texts[text, place]:
                same = False
                break
        if same:
            return True
    return False


def as_bytes(text: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """ASCII text as an array of bytes."""
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
