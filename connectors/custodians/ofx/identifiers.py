"""Identifiers of securities in OFX: the SECID aggregate, and the check digits that tell a true CUSIP from a house code.

An identifier that fails the check of the type that it claims is not refused: brokers put house codes there. It is
carried as the provider's own id instead, scoped by the broker, so that two brokers' codes never meet.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypedDict

from connectors.custodians.ofx.records import Record
from connectors.formats.ofx_elements import Element

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*@#"
_CUSIP = re.compile(r"[0-9A-Z*@#]{8}[0-9]")
_SEDOL_WEIGHTS: Final = (1, 3, 1, 7, 3, 9)
_ISIN = re.compile(r"[A-Z]{2}[0-9A-Z]{9}[0-9]")
_SEDOL = re.compile(r"[0-9B-DF-HJ-NP-TV-Z]{6}[0-9]")
MAX_PROVIDER_ID_CHARACTERS: Final = 60
"""Leaves room for the connector's slug in front of it."""


class SecurityIds(TypedDict):
    """The identifier columns of a feed row, all null for cash."""

    cusip: str | None
    isin: str | None
    sedol: str | None
    ticker: str | None
    provider_security_id: str | None


NO_SECURITY: Final[SecurityIds] = {
    "cusip": None,
    "isin": None,
    "sedol": None,
    "ticker": None,
    "provider_security_id": None,
}


@lru_cache(maxsize=8192)
def is_cusip(text: str) -> bool:
    """Whether the nine characters end in their CUSIP check digit (modulus 10, double-add-double)."""
    if not _CUSIP.fullmatch(text):
        return False
    doubled = [_ALPHABET.index(character) * (1 + place % 2) for place, character in enumerate(text[:8])]
    return (10 - sum(value // 10 + value % 10 for value in doubled) % 10) % 10 == int(text[8])


@lru_cache(maxsize=8192)
def is_isin(text: str) -> bool:
    """Whether the twelve characters end in their ISIN check digit (ISO 6166: Luhn over letters as two digits)."""
    if not _ISIN.fullmatch(text):
        return False
    digits = "".join(str(_ALPHABET.index(character)) for character in text[:11])
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
    return (10 - sum(value // 10 + value % 10 for value in doubled) % 10) % 10 == int(text[11])


@lru_cache(maxsize=8192)
def is_sedol(text: str) -> bool:
    """Whether the seven characters end in their SEDOL check digit (weights 1, 3, 1, 7, 3, 9)."""
    if not _SEDOL.fullmatch(text):
        return False
    total = sum(_ALPHABET.index(character) * weight for character, weight in zip(text[:6], _SEDOL_WEIGHTS, strict=True))
    return (10 - total % 10) % 10 == int(text[6])


def security_ids(record: Record, parent: Element, scope: str, *, is_required: bool = True) -> SecurityIds:
    """The identifier columns for the SECID inside ``parent``; ``scope`` is the broker's id for house codes."""
    ids = NO_SECURITY.copy()
    if parent.child("SECID") is None and not is_required:
        return ids
    part = record.part(parent, "SECID")
    value = record.text(part, "UNIQUEID", is_required=True).upper()
    kind = record.text(part, "UNIQUEIDTYPE").upper()
    if kind == "CUSIP" and is_cusip(value):
        ids["cusip"] = value
    elif kind == "ISIN" and is_isin(value):
        ids["isin"] = value
    elif kind == "SEDOL" and is_sedol(value):
        ids["sedol"] = value
    else:
        ids["provider_security_id"] = own = f"{scope.upper()}:{value}" if scope else value
        if len(own) > MAX_PROVIDER_ID_CHARACTERS:
            record.refuse("contract_violation", "UNIQUEID", "longer than an identifier may be")
    return ids
