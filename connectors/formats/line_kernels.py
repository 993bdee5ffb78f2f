"""Compiled loops over the bytes of a block: whether it is text, and where its lines lie.

A block is an array of uint8 with ``PADDING`` bytes of no meaning behind its text, so that eight bytes may be read at a
time without looking where the text ends. Small functions take the block's address instead of the array: numba counts
references at every call that passes an array, which costs more than the call does. All functions are compiled by
numba, release the interpreter's lock and never raise.
"""

from __future__ import annotations

from typing import Any, Final

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

PADDING: Final = 16

_SPACE: Final = 32
_DELETE: Final = 127
_CHUNK: Final = 4096
_FEEDS: Final = np.uint64(0x0A0A0A0A0A0A0A0A)
_RETURNS: Final = np.uint64(0x0D0D0D0D0D0D0D0D)
_DELETES: Final = np.uint64(0x7F7F7F7F7F7F7F7F)
_BELOW_SPACE: Final = np.uint64(0x6060606060606060)
"""What lifts a byte of seven bits to 128 unless it is below the blank."""
_LOW: Final = np.uint64(0x7F7F7F7F7F7F7F7F)
_HIGH: Final = np.uint64(0x8080808080808080)

jit: Any = numba.njit(cache=True, nogil=True, error_model="numpy")
part: Any = numba.njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
"""For the small functions of which an inner loop consists: a call of one costs more than what it does."""


@intrinsic
def word_at(_context, block, at):  # type: ignore[no-untyped-def]
    """Eight bytes from ``at`` on as a little-endian uint64, aligned or not; ``block``: address of the first byte."""

    def generated(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load(_place(builder, arguments, 64), align=1)

    return types.uint64(types.intp, types.intp), generated


@intrinsic
def byte_at(_context, block, at):  # type: ignore[no-untyped-def]
    """The byte at ``at``, as int64."""

    def generated(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.zext(builder.load(_place(builder, arguments, 8)), ir.IntType(64))

    return types.int64(types.intp, types.intp), generated


@intrinsic
def put_word(_context, block, at, word):  # type: ignore[no-untyped-def]
    """Write the int64 at ``at`` bytes behind the address."""

    def generated(context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        builder.store(arguments[2], _place(builder, arguments[:2], 64))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.int64), generated


def _place(builder: Any, address_and_offset: Any, bits: int) -> Any:
    return builder.inttoptr(builder.add(*address_and_offset), ir.IntType(bits).as_pointer())


@intrinsic
def first_bit(_context, word):  # type: ignore[no-untyped-def]
    """Place of the lowest bit that is set in a uint64 that is not 0, as int64."""

    def generated(_context, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generated


@jit
def count(buffer, size, byte):  # type: ignore[no-untyped-def]
    """How often the byte occurs among the first ``size``."""
    found = 0
    for at in range(size):
        found += buffer[at] == byte
    return found


@part
def _equal(word, bytes_of_eight):  # type: ignore[no-untyped-def]
    """The high bit of each byte of ``word`` that equals that of the other, and no other bit."""
    mixed = word ^ bytes_of_eight
    return ~(((mixed & _LOW) + _LOW) | mixed | _LOW)


@jit
def survey(buffer, size):  # type: ignore[no-untyped-def]
    """Control bytes that text does not hold (NUL apart), NULs, and whether all of the first ``size`` bytes are ASCII.

    A text file may hold tab, line feed, form feed, carriage return, and DOS's end of file.
    """
    block = buffer.ctypes.data
    controls, nuls, high = 0, 0, np.uint64(0)
    for first in range(0, size, _CHUNK):
        last = min(first + _CHUNK, size)
        odd = np.uint64(0)
        for step in range((last - first) // 8):
            word = word_at(block, first + 8 * step)
            high |= word
            is_control = ~(((word & _LOW) + _BELOW_SPACE) | word) & _HIGH
            odd |= (is_control & ~_equal(word, _FEEDS) & ~_equal(word, _RETURNS)) | _equal(word, _DELETES)
        rest = last - (last - first) % 8 if odd == 0 else first
        for at in range(rest, last):
            c = buffer[at]
            high |= np.uint64(c)
            if c < _SPACE or c == _DELETE:
                is_text = c == 9 or c == 10 or c == 12 or c == 13 or c == 26
                controls += not is_text
                nuls += c == 0
    return controls - nuls, nuls, high & _HIGH == 0


@jit
def recode(buffer, size, table, lengths, out):  # type: ignore[no-untyped-def]
    """Write single-byte text as UTF-8: each byte as the first ``lengths`` bytes of its row of ``table`` (256 × 3).

    ``out`` has room for them all. Returns how many bytes were written, or -1 - the place of a byte that
    the encoding does not have (its length is 0).
    """
    block, to = buffer.ctypes.data, 0
    at = 0
    while at < size:
        if size - at >= 8 and word_at(block, at) & _HIGH == 0:
            for step in range(8):
                out[to + step] = buffer[at + step]
            at, to = at + 8, to + 8
            continue
        c = buffer[at]
        if lengths[c] == 0:
            return -1 - at
        for step in range(lengths[c]):
            out[to + step] = table[c, step]
        at, to = at + 1, to + lengths[c]
    return to


@jit
def count_high(buffer, size):  # type: ignore[no-untyped-def]
    """How many of the first ``size`` bytes are no ASCII."""
    found = 0
    for at in range(size):
        found += buffer[at] >= 128
    return found


@jit
def is_blank(buffer, size):  # type: ignore[no-untyped-def]
    """Whether there is nothing but blanks, tabs, line ends and DOS's end of file."""
    for at in range(size):
        c = buffer[at]
        if c != _SPACE and c != 9 and c != 10 and c != 13 and c != 26:
            return False
    return True


@jit
def behind_last_feed(buffer, size):  # type: ignore[no-untyped-def]
    """The place behind the last line feed; 0 when there is none."""
    at = size
    while at > 0 and buffer[at - 1] != 10:
        at -= 1
    return at


@jit
def find_lines(buffer, size, starts, ends):  # type: ignore[no-untyped-def]
    """Where each line begins and where it ends, its line end (carriage returns, DOS's end of file) not included.

    ``starts`` and ``ends`` are int32 and one longer than there are line feeds: the last line is what stands behind the
    last line feed, be it nothing. Returns the bytes of the longest line, line end included, and its place.
    """
    block = buffer.ctypes.data
    line, first, longest, longest_line = 0, 0, 0, 0
    at = 0
    while at < size:
        marks = _equal(word_at(block, at), _FEEDS)
        while marks != 0:
            feed = at + (first_bit(marks) >> 3)
            if feed >= size:
                break
            starts[line], ends[line] = first, feed
            if feed + 1 - first > longest:
                longest, longest_line = feed + 1 - first, line
            first = feed + 1
            line += 1
            marks &= marks - np.uint64(1)
        at += 8
    starts[line], ends[line] = first, size
    if size - first > longest:
        longest, longest_line = size - first, line
    for row in range(line + 1):
        end = ends[row]
        while end > starts[row] and (buffer[end - 1] == 13 or buffer[end - 1] == 10 or buffer[end - 1] == 26):
            end -= 1
        ends[row] = end
    return longest, longest_line
