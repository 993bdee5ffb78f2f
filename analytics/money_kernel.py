"""Exact integer product and quotient over rows, compiled: the only place where money is multiplied and divided.

Numbers are unscaled 128-bit integers in two's complement, given as four little-endian 32-bit limbs. Products grow over
as many limbs as they need; the quotient is found by long division in base 2**32 (Knuth, The Art of Computer
Programming, volume 2, 4.3.1, algorithms M and D) and rounded half-even once. No float, no wrap.

Importing compiles nothing: functions compile at their first call and are then kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
"""Little-endian limbs of 32 bits, each in the lower half of 64, so that a product of two fits."""

STATE_EXACT: Final = 0
STATE_OVERFLOW: Final = 1
STATE_ZERO_DENOMINATOR: Final = 2

_MASK: Final = np.uint64(0xFFFFFFFF)
_BASE: Final = np.uint64(1 << 32)
_TOP: Final = np.uint64(1 << 31)
_HALF_WORD: Final = np.uint64(32)
_ZERO: Final = np.uint64(0)
_ONE: Final = np.uint64(1)
_LIMBS: Final = 4


def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    result: Callable[..., Any] = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return result


def _magnitude_body(limbs: npt.NDArray[np.uint32], out: Words) -> tuple[int, bool]:
    negative = (limbs[3] >> 31) == 1
    carry = _ONE
    used = 0
    for i in range(_LIMBS):
        word = np.uint64(limbs[i])
        if negative:
            word = (word ^ _MASK) + carry
            carry = word >> _HALF_WORD
            word = word & _MASK
        out[i] = word
        if word != _ZERO:
            used = i + 1
    return used, negative


_magnitude = _compiled(_magnitude_body)
"""Writes |x| as four limbs; gives how many of them are used (0 for zero) and whether x < 0."""


def _multiply_body(a: Words, used_a: int, b: Words, used_b: int, out: Words) -> int:
    used = used_a + used_b
    for i in range(used):
        out[i] = _ZERO
    for i in range(used_a):
        carry = _ZERO
        for j in range(used_b):
            term = a[i] * b[j] + out[i + j] + carry
            out[i + j] = term & _MASK
            carry = term >> _HALF_WORD
        out[i + used_b] = carry
    while used > 0 and out[used - 1] == _ZERO:
        used -= 1
    return used


_multiply = _compiled(_multiply_body)
"""out = a × b by schoolbook multiplication; gives the limbs used. (2**32 − 1)² + 2 (2**32 − 1) still fits 64 bits."""


def _divide_short_body(a: Words, used_a: int, divisor: np.uint64, quotient: Words) -> np.uint64:
    rest = _ZERO
    for i in range(used_a - 1, -1, -1):
        term = (rest << _HALF_WORD) | a[i]
        quotient[i] = term // divisor
        rest = term % divisor
    return rest


_divide_short = _compiled(_divide_short_body)
"""Quotient by one limb; gives the rest."""


def _shift_left_body(a: Words, used: int, bits: np.uint64) -> None:
    carry = _ZERO
    for i in range(used):
        term = (a[i] << bits) | carry
        a[i] = term & _MASK
        carry = term >> _HALF_WORD
    a[used] = carry


_shift_left = _compiled(_shift_left_body)
"""a × 2**bits in place, bits < 32; the limb after the used ones takes what is shifted out."""


def _divide_long_body(a: Words, used_a: int, b: Words, used_b: int, quotient: Words) -> None:
    bits = _ZERO
    top = b[used_b - 1]
    while top < _TOP:
        top = top << _ONE
        bits = bits + _ONE
    _shift_left(a, used_a, bits)
    _shift_left(b, used_b, bits)
    first, second = b[used_b - 1], b[used_b - 2]
    for j in range(used_a - used_b, -1, -1):
        head = (a[j + used_b] << _HALF_WORD) | a[j + used_b - 1]
        guess = head // first
        rest = head % first
        while guess >= _BASE or guess * second > ((rest << _HALF_WORD) | a[j + used_b - 2]):
            guess = guess - _ONE
            rest = rest + first
            if rest >= _BASE:
                break
        borrow, carry = _ZERO, _ZERO
        for i in range(used_b):
            term = guess * b[i] + carry
            carry = term >> _HALF_WORD
            less = a[i + j] - (term & _MASK) - borrow
            a[i + j] = less & _MASK
            borrow = (less >> _HALF_WORD) & _ONE
        less = a[j + used_b] - carry - borrow
        a[j + used_b] = less & _MASK
        if (less >> _HALF_WORD) & _ONE:
            guess = guess - _ONE
            carry = _ZERO
            for i in range(used_b):
                term = a[i + j] + b[i] + carry
                a[i + j] = term & _MASK
                carry = term >> _HALF_WORD
            a[j + used_b] = (a[j + used_b] + carry) & _MASK
        quotient[j] = guess


_divide_long = _compiled(_divide_long_body)
"""Algorithm D for a divisor of two limbs or more: leaves the rest in ``a`` and ``b`` normalised by the same shift."""


def _compare_twice_body(rest: Words, divisor: Words, used: int) -> int:
    carry = rest[used - 1] >> np.uint64(31)
    if carry != _ZERO:
        return 1
    for i in range(used - 1, -1, -1):
        low = _ZERO if i == 0 else rest[i - 1] >> np.uint64(31)
        twice = ((rest[i] << _ONE) & _MASK) | low
        if twice != divisor[i]:
            return 1 if twice > divisor[i] else -1
    return 0


_compare_twice = _compiled(_compare_twice_body)
"""Sign of 2 × rest − divisor, for rest < divisor: above, at or below the half."""


def _rounded_body(a: Words, used_a: int, b: Words, used_b: int, quotient: Words) -> bool:
    for i in range(5):
        quotient[i] = _ZERO
    if used_a - used_b > 3:
        return False
    if used_a < used_b:
        for i in range(used_a, used_b):
            a[i] = _ZERO
    elif used_b == 1:
        a[0] = _divide_short(a, used_a, b[0], quotient)
    else:
        _divide_long(a, used_a, b, used_b, quotient)
    side = _compare_twice(a, b, used_b)
    if side > 0 or (side == 0 and (quotient[0] & _ONE) == _ONE):
        for i in range(5):
            quotient[i] = quotient[i] + _ONE
            if quotient[i] < _BASE:
                break
            quotient[i] = _ZERO
    return True


_rounded = _compiled(_rounded_body)
"""quotient = a ÷ b rounded half-even; false when it needs more limbs than any result may have."""


def _gather_body(
    factors: npt.NDArray[np.uint32], row: int, start: Words, used: int, out: Words, part: Words, scratch: Words
) -> tuple[int, bool]:
    for i in range(used):
        out[i] = start[i]
    negative = False
    for k in range(factors.shape[0]):
        used_part, is_negative = _magnitude(factors[k, row], part)
        negative = negative != is_negative
        used = _multiply(out, used, part, used_part, scratch)
        for i in range(used):
            out[i] = scratch[i]
    return used, negative


_gather = _compiled(_gather_body)
"""Product of a power of ten and of one row's factors; gives the limbs used and the sign."""


def _scaled_quotients_body(
    numerators: npt.NDArray[np.uint32],
    denominators: npt.NDArray[np.uint32],
    numerator_start: Words,
    denominator_start: Words,
    limit_high: np.uint64,
    limit_low: np.uint64,
    out: Words,
    state: npt.NDArray[np.uint8],
) -> None:
    size = 4 * (numerators.shape[0] + denominators.shape[0]) + numerator_start.size + denominator_start.size + 8
    above, below = np.zeros(size, np.uint64), np.zeros(size, np.uint64)
    scratch, quotient, part = np.zeros(size, np.uint64), np.zeros(size, np.uint64), np.zeros(_LIMBS, np.uint64)
    for row in range(out.shape[0]):
        used_a, negative_a = _gather(numerators, row, numerator_start, numerator_start.size, above, part, scratch)
        used_b, negative_b = _gather(denominators, row, denominator_start, denominator_start.size, below, part, scratch)
        low, high = _ZERO, _ZERO
        state[row] = STATE_EXACT
        if used_b == 0:
            state[row] = STATE_ZERO_DENOMINATOR
        elif used_a > 0:
            fits = _rounded(above, used_a, below, used_b, quotient)
            low = (quotient[1] << _HALF_WORD) | quotient[0]
            high = (quotient[3] << _HALF_WORD) | quotient[2]
            too_large = high > limit_high or (high == limit_high and low >= limit_low)
            if not fits or too_large or quotient[4] != _ZERO:
                state[row] = STATE_OVERFLOW
                low, high = _ZERO, _ZERO
            elif negative_a != negative_b:
                low = ~low + _ONE
                high = ~high + (_ONE if low == _ZERO else _ZERO)
        out[row, 0] = low
        out[row, 1] = high


scaled_quotients = _compiled(_scaled_quotients_body)
"""Rows of Π numerators × start ÷ (Π denominators × start), rounded half-even once.

Args:
    numerators, denominators: uint32 (factors, rows, 4), possibly without factors.
    numerator_start, denominator_start: limbs of a positive integer that each product starts from (a power of ten).
    limit_high, limit_low: results of this magnitude or more overflow.
    out: uint64 (rows, 2), little-endian two's complement; zero where the state is not exact.
    state: uint8 (rows), one of the STATE_ constants.
"""
