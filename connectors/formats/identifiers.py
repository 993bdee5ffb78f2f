"""Check digits of security identifiers: whether a text is a true CUSIP, ISIN or SEDOL.

Belongs here: the standards' arithmetic. What a provider does with an identifier that fails it does not.
"""

from __future__ import annotations

import re
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"
_CUSIP_STEM = re.compile(r"[0-9A-Z*@#]{8}")
_ISIN = re.compile(r"[A-Z]{2}[0-9A-Z]{9}[0-9]")
_SEDOL = re.compile(r"[0-9B-DF-HJ-NP-TV-Z]{6}[0-9]")
_SEDOL_WEIGHTS: Final = (1, 3, 1, 7, 3, 9)


def whole_cusip(text: str) -> str | None:
    """The CUSIP with its check digit, of nine characters or of eight without it; None when it is none.

    ANSI X9.6: letters count 10 to 35, every second value is doubled, the digits of all are summed to a multiple of 10.
    """
    stem = text[:8]
    if len(text) not in (8, 9) or not _CUSIP_STEM.fullmatch(stem):
        return None
    values = [_ALPHABET.index(character) * (1 + place % 2) for place, character in enumerate(stem)]
    whole = f"{stem}{-sum(value // 10 + value % 10 for value in values) % 10}"
    return whole if whole.startswith(text) else None


def is_isin(text: str) -> bool:
    """Whether the twelve characters end in their check digit (ISO 6166: Luhn over letters written as two digits)."""
    if not _ISIN.fullmatch(text):
        return False
    digits = "".join(str(_ALPHABET.index(character)) for character in text)
    values = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(value // 10 + value % 10 for value in values) % 10 == 0


def is_sedol(text: str) -> bool:
    """Whether the seven characters end in their check digit (weights 1, 3, 1, 7, 3, 9, 1; no vowels)."""
    if not _SEDOL.fullmatch(text):
        return False
    weights = (*_SEDOL_WEIGHTS, 1)
    return sum(_ALPHABET.index(char) * weight for char, weight in zip(text, weights, strict=True)) % 10 == 0
