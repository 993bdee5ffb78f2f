"""Exact decimal columns from integers, without a float or a loop in between."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from simulation.market import Ints


def decimal_series(name: str, values: Ints, scale: int, *, precision: int = 20) -> pl.Series:
    """Integers counted in 10^-scale as a Decimal(precision, scale) series.

    An Arrow decimal is a 128-bit two's-complement integer: the low word is the value, the high word its sign.
    """
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0] = values
    words[:, 1] = np.asarray(values, dtype=np.int64) >> 63
    buffers = [None, pa.py_buffer(words.tobytes())]
    array = pa.Array.from_buffers(pa.decimal128(precision, scale), len(values), buffers)
    return pl.Series(name, array)


def half_even(numerator: int, denominator: int) -> int:
    """The integer nearest to the quotient, ties to the even one. The denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))


def half_even_array(numerators: Ints, denominator: int) -> Ints:
    """``half_even`` over an array with one denominator."""
    quotient, rest = np.divmod(numerators, denominator)
    twice = 2 * rest
    up: Ints = ((twice > denominator) | ((twice == denominator) & (quotient % 2 == 1))).astype(np.int64)
    return quotient + up


def checked_product(left: Ints, right: Ints) -> Ints:
    """The product of two arrays; raises OverflowError where 64 bits might not hold it."""
    bound = int(np.abs(left).max(initial=0)) * int(np.abs(right).max(initial=0))
    if bound >= 2**62:
        raise OverflowError("the product of quantity and price needs more than 64 bits")
    return left * right
