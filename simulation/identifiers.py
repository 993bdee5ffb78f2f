"""Check digits of security identifiers, and how a US ISIN follows from a CUSIP.

Belongs here: arithmetic on identifiers that the simulated market needs. Reading a provider's identifiers does not.
"""

from __future__ import annotations

_SEDOL_WEIGHTS = (1, 3, 1, 7, 3, 9)


def cusip_check_digit(stem: str) -> int:
    """The ninth character of a CUSIP, from its first eight.

    Letters count 10 to 35, every second value is doubled, and the digits of all values are summed (ANSI X9.6).
    """
    if len(stem) != 8:
        raise ValueError(f"a CUSIP stem has eight characters, not {len(stem)}")
    total = 0
    for place, char in enumerate(stem):
        value = _letter_value(char) * (2 if place % 2 else 1)
        total += value // 10 + value % 10
    return -total % 10


def isin_check_digit(stem: str) -> int:
    """The twelfth character of an ISIN, from its first eleven.

    Letters are written out as two digits, then the Luhn sum is taken from the right (ISO 6166).
    """
    if len(stem) != 11:
        raise ValueError(f"an ISIN stem has eleven characters, not {len(stem)}")
    digits = "".join(str(_letter_value(char)) for char in stem)
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 if place % 2 else 2)
        total += value // 10 + value % 10
    return -total % 10


def sedol_check_digit(stem: str) -> int:
    """The seventh character of a SEDOL, from its first six: weights 1, 3, 1, 7, 3, 9."""
    if len(stem) != 6:
        raise ValueError(f"a SEDOL stem has six characters, not {len(stem)}")
    return -sum(weight * _letter_value(char) for weight, char in zip(_SEDOL_WEIGHTS, stem, strict=True)) % 10


def cusip(stem: str) -> str:
    """The whole CUSIP for an eight-character stem."""
    return f"{stem}{cusip_check_digit(stem)}"


def isin(country: str, national_number: str) -> str:
    """The whole ISIN for a two-letter country and a nine-character national number (a CUSIP for US)."""
    stem = f"{country}{national_number}"
    return f"{stem}{isin_check_digit(stem)}"


def sedol(stem: str) -> str:
    """The whole SEDOL for a six-character stem."""
    return f"{stem}{sedol_check_digit(stem)}"


def _letter_value(char: str) -> int:
    if char.isdigit():
        return int(char)
    if "A" <= char <= "Z":
        return ord(char) - ord("A") + 10
    raise ValueError(f"{char!r} cannot stand in an identifier")
