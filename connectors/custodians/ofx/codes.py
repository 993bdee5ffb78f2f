"""OFX codes and what they mean to us, read from ``codes.csv``: a new code is a new row there, not code."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from contracts.vocabularies import TRANSACTION_TYPES

_FILE: Final = Path(__file__).with_name("codes.csv")
GENERIC_TYPES: Final = frozenset({"CREDIT", "DEBIT", "DEP", "CHECK", "OTHER", "CASH", "XFER"})
"""Values of TRNTYPE that say only which way the money went; for these the wording may say what it was (TEXT)."""
FEE_TYPES: Final = frozenset({"FEE", "SRVCHG"})
"""Values of TRNTYPE that say a fee; the wording may say whose (FEE TEXT, which holds for the generic types too)."""
_PHRASE_TYPES: Final = {"TEXT": GENERIC_TYPES, "FEE TEXT": GENERIC_TYPES | FEE_TYPES}


@dataclass(frozen=True)
class Codes:
    """The code table.

    Attributes:
        fields: aggregate to the field that tells its kinds apart, "" where there is none.
        meanings: (aggregate, code) to meaning, of codes that do not depend on a sign.
        bank: (TRNTYPE, sign) to transaction type.
        phrases: (values of TRNTYPE, beginning of the wording, sign or "", transaction type), first match wins.
    """

    fields: Mapping[str, str]
    meanings: Mapping[tuple[str, str], str]
    bank: Mapping[tuple[str, str], str]
    phrases: tuple[tuple[frozenset[str], str, str, str], ...]

    def bank_type(self, code: str, sign: str, wordings: tuple[str, ...]) -> str | None:
        """Transaction type of a bank entry, or None when TRNTYPE is not known.

        ``wordings`` are its NAME and MEMO; they count only where the code table lets them, never
        for a TRNTYPE that says what the entry is.
        """
        known = self.bank.get((code, sign))
        if known is not None:
            for types, beginning, of_sign, meaning in self.phrases:
                if (
                    code in types
                    and of_sign in ("", sign)
                    and any(text.upper().startswith(beginning) for text in wordings)
                ):
                    return meaning
        return known


@cache
def load_codes() -> Codes:
    """The code table of this connector.

    Raises:
        ValueError: a row names a transaction type that does not exist.
    """
    fields: dict[str, str] = {}
    meanings: dict[tuple[str, str], str] = {}
    bank: dict[tuple[str, str], str] = {}
    phrases: list[tuple[frozenset[str], str, str, str]] = []
    with _FILE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            aggregate, code, sign, meaning = row["aggregate"], row["code"], row["sign"], row["meaning"]
            if not aggregate.endswith("INFO") and meaning not in TRANSACTION_TYPES:
                raise ValueError(f"codes.csv: {meaning} of {aggregate} {code} is not a transaction type")
            if row["field"] in _PHRASE_TYPES:
                phrases.append((_PHRASE_TYPES[row["field"]], code, sign, meaning))
            elif aggregate == "STMTTRN":
                bank[code, sign] = meaning
            else:
                fields[aggregate] = row["field"]
                meanings[aggregate, code] = meaning
    return Codes(fields, meanings, bank, tuple(phrases))
