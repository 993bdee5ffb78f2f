"""Security identifiers as text: normal form, check digits, and the CUSIP inside an ISIN. Pure and vectorised.

Check digits: CUSIP (ANSI X9.6) and ISIN (ISO 6166) are modulus 10 "double-add-double"; SEDOL weighs its first six
characters 1, 3, 1, 7, 3, 9 and completes the sum to a multiple of ten; FIGI doubles like CUSIP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

_Digits = npt.NDArray[np.int64]

CUSIP_COUNTRIES: Final = ("US", "CA")
"""Countries whose ISIN is the country, the CUSIP and a check digit."""

_SEDOL_WEIGHTS: Final = np.array([1, 3, 1, 7, 3, 9, 1], dtype=np.int64)
_NO_VALUE: Final = -1
_NO_FIGI: Final = ("BS", "BM", "GG", "GB", "GH", "KY", "VG")
"""First letters that a FIGI does not have, lest it be taken for an ISIN."""


def valid_cusip(values: pl.Series) -> pl.Series:
    """Whether each text is a CUSIP with its check digit right; false for null."""
    return _checked(values, r"^[0-9A-Z*@#]{8}[0-9]$", 9, _cusip_holds)


def full_cusip(values: pl.Series) -> pl.Series:
    """Each text as a CUSIP of nine characters: one of eight gets the check digit that it lacks.

    Eight characters may also be nine that lost a leading zero on their way through a spreadsheet. Where a zero in front
    gives a right check digit, both readings are possible and the text stays as it is: it then names nothing.
    """
    is_short = values.str.contains(r"^[0-9A-Z*@#]{8}$").fill_null(False)
    is_short = is_short & ~valid_cusip("0" + values)
    short = values.filter(is_short)
    if short.is_empty():
        return values
    characters = np.frombuffer("".join(short).encode("ascii"), dtype=np.uint8).reshape(-1, 8)
    doubled = _VALUES[characters] * np.array([1, 2] * 4, dtype=np.int64)
    digits = -(doubled // 10 + doubled % 10).sum(axis=1) % 10
    whole = short + pl.Series(digits.astype(str))
    return values.scatter(is_short.arg_true(), whole)


def valid_isin(values: pl.Series) -> pl.Series:
    """Whether each text is an ISIN with its check digit right; false for null."""
    return _checked(values, r"^[A-Z]{2}[0-9A-Z]{9}[0-9]$", 12, _isin_holds)


def valid_sedol(values: pl.Series) -> pl.Series:
    """Whether each text is a SEDOL with its check digit right; false for null."""
    return _checked(values, r"^[0-9B-DF-HJ-NP-TV-Z]{6}[0-9]$", 7, _sedol_holds)


def valid_figi(values: pl.Series) -> pl.Series:
    """Whether each text is a FIGI with its check digit right; false for null.

    Two consonants that are not a country's of a CUSIP-like code, G, eight characters without vowels, a check digit
    (OpenFIGI, allocation rules).
    """
    is_shaped = _checked(values, r"^[B-DF-HJ-NP-TV-Z]{2}G[0-9B-DF-HJ-NP-TV-Z]{8}[0-9]$", 12, _figi_holds)
    return is_shaped & ~values.str.slice(0, 2).is_in(_NO_FIGI).fill_null(False)


def cusip_of_isin(isins: pl.Series) -> pl.Series:
    """The CUSIP inside each ISIN of a country that builds them so (US, CA); null where there is none.

    Args:
        isins: ISINs with right check digits, or null.
    """
    inner = isins.to_frame("isin").select(
        pl.when(pl.col("isin").str.slice(0, 2).is_in(CUSIP_COUNTRIES)).then(pl.col("isin").str.slice(2, 9))
    )
    cusips = inner.to_series()
    return cusips.set(~valid_cusip(cusips), None)


def _checked(
    values: pl.Series, pattern: str, length: int, holds: Callable[[_Digits], npt.NDArray[np.bool_]]
) -> pl.Series:
    is_shaped = values.str.contains(pattern).fill_null(False)
    shaped = values.filter(is_shaped)
    if shaped.is_empty():
        return is_shaped
    text = "".join(shaped).encode("ascii")
    characters = np.frombuffer(text, dtype=np.uint8).reshape(-1, length)
    result = np.zeros(len(values), dtype=np.bool_)
    result[is_shaped.to_numpy()] = holds(_VALUES[characters])
    return pl.Series(result)


def _character_values() -> _Digits:
    values = np.full(128, _NO_VALUE, dtype=np.int64)
    for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"):
        values[ord(character)] = value
    return values


_VALUES: Final = _character_values()


def _cusip_holds(characters: _Digits) -> npt.NDArray[np.bool_]:
    doubled = characters[:, :8] * np.array([1, 2] * 4, dtype=np.int64)
    total = (doubled // 10 + doubled % 10).sum(axis=1)
    return np.asarray((total + characters[:, 8]) % 10 == 0)


def _figi_holds(characters: _Digits) -> npt.NDArray[np.bool_]:
    doubled = characters[:, :11] * np.array([1, 2] * 5 + [1], dtype=np.int64)
    total = (doubled // 10 + doubled % 10).sum(axis=1)
    return np.asarray((total + characters[:, 11]) % 10 == 0)


def _isin_holds(characters: _Digits) -> npt.NDArray[np.bool_]:
    """Letters become two digits; from the right, every second digit is doubled, and digit sums add up to 0 mod 10."""
    total = np.zeros(len(characters), dtype=np.int64)
    position = np.zeros(len(characters), dtype=np.int64)
    for column in reversed(range(characters.shape[1])):
        value = characters[:, column]
        total += _luhn(value % 10, position)
        is_letter = value >= 10
        total += np.where(is_letter, _luhn(value // 10, position + 1), 0)
        position += 1 + is_letter
    return np.asarray(total % 10 == 0)


def _luhn(digit: _Digits, position: _Digits) -> _Digits:
    doubled = digit * np.where(position % 2 == 1, 2, 1)
    return np.asarray(doubled // 10 + doubled % 10)


def _sedol_holds(characters: _Digits) -> npt.NDArray[np.bool_]:
    return np.asarray((characters * _SEDOL_WEIGHTS).sum(axis=1) % 10 == 0)
