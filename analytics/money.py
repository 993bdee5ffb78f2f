"""Exact arithmetic on decimal columns: products and quotients rounded half-even once, and nothing else.

Sums, differences and comparisons of decimals are exact in Polars and stay there. Products and quotients are not (Polars
keeps the larger scale of the two and truncates), so they come here (docs/methodology.md section 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from analytics import money_kernel

PRECISION: Final = 20
"""Decimal digits of every quantity, price and amount."""
_ROWS_AT_ONCE: Final = 1 << 16


def scaled_product(
    numerators: Sequence[pl.Series], denominators: Sequence[pl.Series], *, scale: int
) -> tuple[pl.Series, pl.Series]:
    """The product of the numerators over that of the denominators, row by row, exact and rounded half-even once.

    >>> from decimal import Decimal
    >>> quantity = pl.Series("quantity", [Decimal("3"), Decimal("1")], dtype=pl.Decimal(20, 8))
    >>> price = pl.Series("price", [Decimal("0.33335"), Decimal("0.00005")], dtype=pl.Decimal(20, 8))
    >>> value, overflow = scaled_product([quantity, price], [], scale=4)
    >>> value.to_list(), overflow.to_list()
    ([Decimal('1.0000'), Decimal('0.0000')], [False, False])

    Args:
        numerators: one or more Decimal series of equal length, of any scale.
        denominators: Decimal series of the same length; may be empty.
        scale: decimal places of the result.

    Returns:
        Decimal(20, scale) and a Boolean: true where the result has more digits than that, which makes it null. A null
        factor or a zero denominator gives null without overflow.

    Raises:
        TypeError: a series is not Decimal.
        ValueError: no numerator, lengths differ, or the scale is not between 0 and 20.
    """
    factors = [*numerators, *denominators]
    _require_factors(numerators, factors, scale)
    rows = len(factors[0])
    exponent = scale + sum(_scale(s) for s in denominators) - sum(_scale(s) for s in numerators)
    tops, constant_above = _without_constants(numerators)
    bottoms, constant_below = _without_constants(denominators)
    constant = Fraction(constant_above * 10 ** max(exponent, 0), constant_below * 10 ** max(-exponent, 0))
    above, below = _limbs_of(constant.numerator), _limbs_of(constant.denominator)
    limit = 10**PRECISION
    limit_high, limit_low = np.uint64(limit >> 64), np.uint64(limit & 0xFFFFFFFFFFFFFFFF)
    words, state = np.empty((rows, 2), np.uint64), np.empty(rows, np.uint8)
    for start in range(0, rows, _ROWS_AT_ONCE):
        part = slice(start, min(start + _ROWS_AT_ONCE, rows))
        money_kernel.scaled_quotients(
            _stacked(tops, part), _stacked(bottoms, part), above, below, limit_high, limit_low, words[part], state[part]
        )
    present = np.ones(rows, np.bool_)
    for series in factors:
        if series.null_count():
            present &= series.is_not_null().to_numpy()
    overflow = (state == money_kernel.STATE_OVERFLOW) & present
    return (
        _decimal_series(words, present & (state == money_kernel.STATE_EXACT), scale),
        pl.Series("overflow", overflow),
    )


def unscaled_limbs(series: pl.Series) -> npt.NDArray[np.uint32]:
    """The unscaled integers of a Decimal series: uint32 (rows, 4), little-endian two's complement.

    Polars keeps decimals in 128 bits, and Arrow's decimal128 is the same bytes; slots of nulls hold anything.

    Raises:
        TypeError: the series is not Decimal.
    """
    _scale(series)
    if series.is_empty():
        return np.empty((0, 4), np.uint32)
    array = series.rechunk().to_arrow()
    words = np.frombuffer(array.buffers()[1], dtype=np.uint32).reshape(-1, 4)
    return words[array.offset : array.offset + len(series)]


def _require_factors(numerators: Sequence[pl.Series], factors: Sequence[pl.Series], scale: int) -> None:
    if not numerators:
        raise ValueError("a product needs at least one numerator")
    if len({len(s) for s in factors}) != 1:
        raise ValueError(f"factors differ in length: {[len(s) for s in factors]}")
    if not 0 <= scale <= PRECISION:
        raise ValueError(f"scale {scale} is not between 0 and {PRECISION}")


def _scale(series: pl.Series) -> int:
    if not isinstance(series.dtype, pl.Decimal):
        raise TypeError(f"{series.name!r} is {series.dtype}, not Decimal: money is never a float")
    return series.dtype.scale


def _without_constants(factors: Sequence[pl.Series]) -> tuple[list[npt.NDArray[np.uint32]], int]:
    """Limbs of the factors that vary, and the product of those that do not.

    Most portfolios have one currency, no options and no bonds: folding a column of ones leaves the numbers short.
    """
    varying, constant = [], 1
    for series in factors:
        limbs = unscaled_limbs(series)
        single = 0
        if len(series) and not series.null_count() and bool((limbs == limbs[0]).all()):
            single = int.from_bytes(limbs[0].tobytes(), "little", signed=True)
        if single > 0:
            constant *= single
        else:
            varying.append(limbs)
    return varying, constant


def _limbs_of(number: int) -> npt.NDArray[np.uint64]:
    size = max(1, (number.bit_length() + 31) // 32)
    return np.array([(number >> (32 * i)) & 0xFFFFFFFF for i in range(size)], dtype=np.uint64)


def _stacked(factors: Sequence[npt.NDArray[np.uint32]], part: slice) -> npt.NDArray[np.uint32]:
    if not factors:
        return np.empty((0, part.stop - part.start, 4), np.uint32)
    return np.stack([factor[part] for factor in factors])


def _decimal_series(words: npt.NDArray[np.uint64], valid: npt.NDArray[np.bool_], scale: int) -> pl.Series:
    mask = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    array = pa.Array.from_buffers(
        pa.decimal128(PRECISION, scale), len(words), [mask, pa.py_buffer(np.ascontiguousarray(words))]
    )
    return pl.Series("product", array, dtype=pl.Decimal(PRECISION, scale))
