"""The money kernel against Python's own unbounded integers and fractions."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.money import scaled_product, unscaled_limbs

LIMIT = 10**20


def decimals(values: list[int | None], scale: int, precision: int = 20) -> pl.Series:
    with localcontext(prec=60):
        exact = [None if v is None else Decimal(v).scaleb(-scale) for v in values]
    return pl.Series("x", exact, dtype=pl.Decimal(precision, scale))


def unscaled(series: pl.Series, scale: int) -> list[int | None]:
    with localcontext(prec=60):
        return [None if v is None else int(v.scaleb(scale)) for v in series.to_list()]


def expected(tops: list[tuple[int, int]], bottoms: list[tuple[int, int]], scale: int) -> int:
    """Python rounds a Fraction half to even."""
    value = Fraction(10**scale)
    for number, places in tops:
        value *= Fraction(number, 10**places)
    for number, places in bottoms:
        value /= Fraction(number, 10**places)
    return round(value)


edge = st.sampled_from(
    [
        0,
        1,
        -1,
        5,
        -5,
        10**8,
        -(10**8),
        2**31,
        2**32 - 1,
        2**32,
        2**63 - 1,
        2**63,
        2**64,
        LIMIT - 1,
        1 - LIMIT,
        LIMIT // 2,
    ]
)
number = st.one_of(edge, st.integers(1 - LIMIT, LIMIT - 1), st.integers(-(10**6), 10**6))
factor = st.tuples(number, st.sampled_from([0, 4, 8, 10]))


@given(
    st.lists(factor, min_size=1, max_size=5),
    st.lists(factor, max_size=3),
    st.sampled_from([0, 4, 8]),
    st.lists(st.tuples(st.integers(0, 4), number), max_size=2),
)
def test_every_product_is_the_exact_fraction_rounded_half_even_once(tops, bottoms, scale, others) -> None:
    # A second row differs in one factor, so that factors are not all constant.
    rows_above = [[n for n, _ in tops]] + [
        [value if i == at % len(tops) else n for i, (n, _) in enumerate(tops)] for at, value in others
    ]
    rows_below = [[n for n, _ in bottoms]] * len(rows_above)
    value, overflow = scaled_product(
        [decimals([row[i] for row in rows_above], places) for i, (_, places) in enumerate(tops)],
        [decimals([row[i] for row in rows_below], places) for i, (_, places) in enumerate(bottoms)],
        scale=scale,
    )
    for above, below, got, flag in zip(rows_above, rows_below, unscaled(value, scale), overflow, strict=True):
        if 0 in below:
            assert got is None
            assert not flag
            continue
        want = expected(
            [(n, places) for n, (_, places) in zip(above, tops, strict=True)],
            [(n, places) for n, (_, places) in zip(below, bottoms, strict=True)],
            scale,
        )
        assert flag == (abs(want) >= LIMIT)
        assert got == (None if flag else want)


@given(st.integers(-(10**15), 10**15), st.sampled_from([1, 2, 4, 6, 10, 10**4, 2**40, 3 * 2**70]))
def test_a_half_goes_to_the_even_neighbour(whole: int, divisor: int) -> None:
    # (2·whole + 1) / 2 written with larger and larger divisors, so that every path of the division meets a tie
    numerator = (2 * whole + 1) * divisor
    if abs(numerator) >= 10**38:
        return
    got, _ = scaled_product([decimals([numerator, 0], 0, 38)], [decimals([2 * divisor, 1], 0, 38)], scale=0)
    want = int((Decimal(2 * whole + 1) / 2).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    assert unscaled(got, 0)[0] == want


@given(st.integers(1, 10**38 - 1), st.integers(1, 10**38 - 1), st.integers(1, 10**38 - 1))
def test_quotients_of_the_widest_decimals_are_exact(a: int, b: int, c: int) -> None:
    value, overflow = scaled_product(
        [decimals([a, -a], 0, 38), decimals([b, b - 1], 0, 38)], [decimals([c, c], 0, 38)], scale=0
    )
    for got, flag, want in zip(
        unscaled(value, 0), overflow, (round(Fraction(a * b, c)), round(Fraction(-a * (b - 1), c))), strict=True
    ):
        assert flag == (abs(want) >= LIMIT)
        assert got == (None if flag else want)


def test_division_steps_that_guess_one_too_many_are_corrected() -> None:
    # Dividends that make algorithm D add back (Hacker's Delight, 9-2: 0x7fff800000000000 00000000 / 0x800000000001).
    pairs = [
        (0x7FFF_8000_0000_0001_0000_0000 << 0, 0x8000_0000_0000_0001),
        (0x8000_0000_0000_0000_0000_0003, 0x2000_0000_0000_0000_0000_0001),
        (0x7FFF_FFFF_8000_0000_0000_0000_0000_0000, 0x8000_0000_0000_0000_0000_0001),
        (0x0000_8000_0000_0000_0000_0003, 0x2000_0000_0000_0001),
    ]
    tops, bottoms = [a % 10**38 for a, _ in pairs], [b for _, b in pairs]
    value, _ = scaled_product([decimals(tops, 0, 38)], [decimals(bottoms, 0, 38)], scale=0)
    assert unscaled(value, 0) == [round(Fraction(a, b)) for a, b in zip(tops, bottoms, strict=True)]


def test_a_billion_rupiah_keeps_every_cent_through_a_cross() -> None:
    # 1 000 000 000 IDR at 17 057.15 IDR and 1.0711 USD for one EUR: 1 071 100 000 / 17 057.15 = 62 794.7810...;
    # through a cross rate of eight places (0.00006279 USD) it would be 62 790.00.
    value, _ = scaled_product(
        [decimals([10**17], 8), decimals([10_711_000_000], 10)], [decimals([170_571_500_000_000], 10)], scale=4
    )
    assert value.to_list() == [Decimal("62794.7811")]


def test_nulls_propagate_and_are_no_overflow() -> None:
    big = LIMIT - 1
    value, overflow = scaled_product([decimals([None, big, big], 8), decimals([big, None, big], 8)], [], scale=4)
    assert value.to_list() == [None, None, None]
    assert overflow.to_list() == [False, False, True]


def test_the_largest_result_fits_and_the_next_overflows() -> None:
    value, overflow = scaled_product([decimals([LIMIT - 1, 1 - LIMIT], 0)], [], scale=0)
    assert unscaled(value, 0) == [LIMIT - 1, 1 - LIMIT]
    assert not overflow.any()
    value, overflow = scaled_product([decimals([LIMIT - 1, LIMIT - 1], 4), decimals([1, 2], 0)], [], scale=4)
    assert overflow.to_list() == [False, True]
    # rounding up to the limit is an overflow too
    value, overflow = scaled_product([decimals([10**21 - 5, 3], 1, 38)], [], scale=0)
    assert overflow.to_list() == [True, False]


def test_slices_and_chunks_give_their_own_rows() -> None:
    whole = decimals([10, 20, None, 40, 50], 0)
    chunked = pl.concat([whole, whole], rechunk=False)
    value, _ = scaled_product([chunked.slice(3, 4)], [], scale=0)
    assert unscaled(value, 0) == [40, 50, 10, 20]
    assert unscaled_limbs(whole.slice(1, 1))[:, 0].tolist() == [20]


def test_more_rows_than_one_block_are_all_computed() -> None:
    rows = 150_000
    numbers = pl.select(pl.int_range(rows, eager=False).cast(pl.Decimal(20, 4))).to_series()
    value, overflow = scaled_product([numbers, numbers], [], scale=4)
    assert not overflow.any()
    assert value[-1] == Decimal((rows - 1) ** 2)
    assert value.sum() == sum(i * i for i in range(rows))


def test_no_rows_give_no_rows() -> None:
    value, overflow = scaled_product([decimals([], 8)], [decimals([], 8)], scale=4)
    assert value.dtype == pl.Decimal(20, 4)
    assert value.is_empty()
    assert overflow.is_empty()


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="never a float"):
        scaled_product([pl.Series("price", [1.5])], [], scale=4)


def test_factors_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        scaled_product([decimals([1], 0), decimals([1, 2], 0)], [], scale=4)


def test_a_product_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        scaled_product([], [], scale=4)
