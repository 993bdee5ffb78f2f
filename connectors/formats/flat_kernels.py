"""Compiled loops over the lines of a block: every wanted field of a line, by position or between separators, at once.

What is wanted is a row of int64 for each field (``PLAN``). What comes out lies in arrays that become Arrow's buffers as
they are: ``outs`` holds, for each field, the address of an array of int64, lines × 2: of a text its view, of a number
its low and its high half (of a LARGE one where its text begins, as -1 - place when a sign byte of its own makes it
negative, and where it ends), of a day its days since 1970-01-01 and nothing. ``faults`` is uint8, fields × lines;
``seen`` int64 by field: 1 << fault for every fault that occurs; ``long_bytes`` int64 by field: bytes of the texts that
their views do not hold. Nothing here knows layouts or frames; no function raises or holds the interpreter's lock.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from connectors.formats.field_kernels import (
    BLANK,
    EXPLICIT,
    FINE,
    IMPLIED,
    INLINE,
    LARGE,
    OUT_OF_RANGE,
    day,
    number,
    plain_implied,
    plain_number,
    trimmed,
    view,
)
from connectors.formats.line_kernels import byte_at, first_bit, jit, part, put_word, word_at

TEXT: Final = 0
NUMBER: Final = 1
DAY: Final = 2

PLAN: Final = ("kind", "start", "end", "sign", "place", "style", "decimals", "scale", "bound", "form", "none")
"""Columns of a plan. start, end, sign: from the line's first character (sign -1: none); place: among the fields of a
delimited line, from 0; decimals: of a number, or bytes of a day's form; bound: most bytes of a text, or the pivot of
two-digit years; form, none: addresses of the bytes of a day's form and of the text that means none."""
_KIND, _START, _END, _SIGN, _PLACE, _STYLE, _DECIMALS, _SCALE, _BOUND, _FORM, _NONE = range(len(PLAN))

_MINUS: Final = 45
_PLUS: Final = 43
_SPACE: Final = 32
_PAIR: Final = 16
_ONES: Final = np.uint64(0x0101010101010101)
_HIGH: Final = np.uint64(0x8080808080808080)


@jit
def read_fixed(buffer, starts, ends, is_ascii, plan, outs, faults, seen, long_bytes):  # type: ignore[no-untyped-def]
    """Read the fields of every line by position, which counts characters; a short line counts as padded with blanks."""
    block = buffer.ctypes.data
    longest = 0
    if not is_ascii:
        for row in range(len(starts)):
            longest = max(longest, np.int64(ends[row]) - starts[row])
    places = np.empty(longest + 1, dtype=np.int64)
    for row in range(len(starts)):
        first, stop = np.int64(starts[row]), np.int64(ends[row])
        length = stop - first
        is_wide = not is_ascii and not _is_ascii(block, first, stop)
        if is_wide:
            length = _place_characters(buffer, first, stop, places)
        for field in range(len(plan)):
            at, end, sign_at = min(plan[field, _START], length), min(plan[field, _END], length), plan[field, _SIGN]
            if sign_at >= length:
                sign_at = -1
            if is_wide:
                at, end = places[at], places[end]
                sign_at = places[sign_at] if sign_at >= 0 else -1
            else:
                at, end = first + at, first + end
                sign_at = first + sign_at if sign_at >= 0 else -1
            fault, low, high = _read(
                block, at, end, sign_at, plan[field, _KIND], plan[field, _STYLE], plan[field, _DECIMALS],
                plan[field, _SCALE], plan[field, _BOUND], plan[field, _FORM], plan[field, _NONE],
            )  # fmt: skip
            put_word(outs[field], _PAIR * row, low)
            put_word(outs[field], _PAIR * row + 8, high)
            faults[field, row] = fault
            seen[field] |= 1 << fault
            if plan[field, _KIND] == TEXT and low & 0xFFFFFFFF > INLINE:
                long_bytes[field] += low & 0xFFFFFFFF


@part
def _is_ascii(block, at, stop):  # type: ignore[no-untyped-def]
    while stop - at >= 8:
        if word_at(block, at) & _HIGH != 0:
            return False
        at += 8
    while at < stop:
        if byte_at(block, at) >= 128:
            return False
        at += 1
    return True


@jit
def _place_characters(buffer, first, stop, places):  # type: ignore[no-untyped-def]
    """Where each character of a line begins, and where the last ends; how many there are."""
    length = 0
    for at in range(first, stop):
        if buffer[at] & 0xC0 != 0x80:
            places[length] = at
            length += 1
    places[length] = stop
    return length


@jit
def read_delimited(  # type: ignore[no-untyped-def]
    buffer, starts, ends, separator, quote, counts, plan, outs, faults, seen, long_bytes, misfits, doubled
):  # fmt: skip
    """Read the fields of every line between separators; ``plan`` is in order of ``place``, each place at most once.

    A quoted field is read without its quotes. ``quote`` below 0 means that there is no quoting. A quote inside an
    unquoted field is a character like any other. ``counts``: the numbers of fields that a line may have. ``misfits``:
    uint8 by line, 1 where it has another number or a quote that does not close; all of its fields are BLANK then.
    ``doubled``: uint8, fields × lines, set to 1 where a quoted field holds two quotes in a row; no lines without
    quoting. Returns the number of misfits.
    """
    block = buffer.ctypes.data
    found = 0
    for row in range(len(starts)):
        at, stop = np.int64(starts[row]), np.int64(ends[row])
        place, field = 0, 0
        while True:
            is_wanted = field < len(plan) and plan[field, _PLACE] == place
            is_done = False
            fault, low, high = FINE, 0, 0
            if is_wanted and plan[field, _KIND] == NUMBER and plan[field, _STYLE] == EXPLICIT:
                is_done, low, behind = plain_number(block, at, stop, separator, plan[field, _SCALE])
                high = low >> 63
            if not is_done:
                first, last, behind, is_doubled = _field_at(block, at, stop, separator, quote)
                if behind < 0:
                    place = -1
                    break
                if is_wanted:
                    fault, low, high = _read(
                        block, first, last, -1, plan[field, _KIND], plan[field, _STYLE], plan[field, _DECIMALS],
                        plan[field, _SCALE], plan[field, _BOUND], plan[field, _FORM], plan[field, _NONE],
                    )  # fmt: skip
                    if is_doubled:
                        doubled[field, row] = 1
                    if plan[field, _KIND] == TEXT and low & 0xFFFFFFFF > INLINE:
                        long_bytes[field] += low & 0xFFFFFFFF
            if is_wanted:
                put_word(outs[field], _PAIR * row, low)
                put_word(outs[field], _PAIR * row + 8, high)
                faults[field, row] = fault
                seen[field] |= 1 << fault
                field += 1
            place += 1
            at = behind
            if at >= stop:
                break
            at += 1
        is_misfit = True
        for known in counts:
            is_misfit &= place != known
        misfits[row] = is_misfit
        found += is_misfit
        for rest in range(0 if is_misfit else field, len(plan)):
            put_word(outs[rest], _PAIR * row, 0)
            put_word(outs[rest], _PAIR * row + 8, 0)
            faults[rest, row] = BLANK
            seen[rest] |= 1 << BLANK
    return found


@part
def _field_at(block, at, stop, separator, quote):  # type: ignore[no-untyped-def]
    """Where the field at ``at`` begins and ends, the place of the separator behind it (or ``stop``; -1: a broken
    quote), and whether it holds doubled quotes.
    """
    if quote < 0 or at >= stop or byte_at(block, at) != quote:
        end = _find(block, at, stop, separator)
        return at, end, end, False
    first, is_doubled = at + 1, False
    at += 1
    while True:
        at = _find(block, at, stop, quote)
        if at >= stop:
            return first, first, -1, False
        if at + 1 < stop and byte_at(block, at + 1) == quote:
            is_doubled = True
            at += 2
            continue
        break
    if at + 1 < stop and byte_at(block, at + 1) != separator:
        return first, first, -1, False
    return first, at, at + 1, is_doubled


@part
def _find(block, at, stop, byte):  # type: ignore[no-untyped-def]
    """The first place of the byte, ``stop`` when there is none before it."""
    sought = _ONES * np.uint64(byte)
    while at < stop:
        mixed = word_at(block, at) ^ sought
        marks = (mixed - _ONES) & ~mixed & _HIGH  # its lowest bit is right, and no other is asked for
        if marks != 0:
            return min(at + (first_bit(marks) >> 3), stop)
        at += 8
    return stop


@part
def _read(block, at, stop, sign_at, kind, style, decimals, scale, bound, form, none):  # type: ignore[no-untyped-def]
    """The fault of a field and its two words."""
    if kind == TEXT:
        at, stop = trimmed(block, at, stop)
        low, high = view(block, at, stop)
        if at == stop:
            return BLANK, low, 0
        return OUT_OF_RANGE if stop - at > bound else FINE, low, high
    if kind == DAY:
        fault, low = day(block, at, stop, form, decimals, none, bound)
        return fault, low, 0
    if style == IMPLIED:
        is_plain, value = plain_implied(block, at, stop, scale - decimals)
        sign = byte_at(block, sign_at) if sign_at >= 0 else _PLUS
        if is_plain and sign in (_MINUS, _PLUS, _SPACE):
            value = -value if sign == _MINUS else value
            return FINE, value, value >> 63
    fault, value = number(block, at, stop, sign_at, style, decimals, scale)
    if fault == LARGE:
        is_negative = sign_at >= 0 and byte_at(block, sign_at) == _MINUS
        return fault, -1 - at if is_negative else at, stop
    return fault, value, value >> 63


@jit
def compact(buffer, views, out):  # type: ignore[no-untyped-def]
    """Copy the long texts of one field to ``out``, as long as ``long_bytes`` says, and let the views say where."""
    to = 0
    for row in range(len(views)):
        size = views[row, 0] & 0xFFFFFFFF
        if size > INLINE:
            at = views[row, 1] >> 32
            for place in range(size):
                out[to + place] = buffer[at + place]
            views[row, 1] = to << 32
            to += size


def as_bytes(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """ASCII text as an array of bytes."""
    return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
