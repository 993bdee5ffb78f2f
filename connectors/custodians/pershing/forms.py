"""The forms of the Standard Files: how each calls itself, how long its lines are and how its records begin.

Source: Pershing's published record layouts (confidence DOC; those of GCUS checked against a real file). The layouts of
fields are ``layouts.csv``; what a form's lines have in common is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Form:
    """One form.

    Attributes:
        kind: name of its kind of file.
        endings: what its files' names end in.
        title: in header and trailer, blanks single.
        holds: what it holds, in a few words.
        length: characters of a detail line.
        frame_length: characters of the header and the trailer.
        codes: what a detail line begins with; empty where the record letter stands first.
        records: letters of the records that are read; empty for a form that is landed and counted, not read.
        others: letters that a record may have besides and that hold nothing we read.
        start: 1-based first and last column of the record letter, the sequence id and the owner (account or CUSIP).
        counts_accounts: whether the trailer may count logical records instead of lines.
        has_flavour: whether header and trailer say REFRESHED or UPDATED.
        needs_date: whether the name must hold a day: a file of the same name replaces the one before.
        is_refresh: whether a file restates everything, unless its header says otherwise.
        is_expected: whether it is due on every business day.
    """

    kind: str
    endings: tuple[str, ...]
    title: str
    holds: str
    length: int
    codes: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    others: str = ""
    start: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] = ((3, 3), (4, 11), (12, 20))
    frame_length: int = 0
    counts_accounts: bool = False
    has_flavour: bool = False
    needs_date: bool = True
    is_refresh: bool = False
    is_expected: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        """The form's file names: ``CCYYMMDD.GCUS``, ``MMDDYY.GCUS`` and, unless a day is needed, ``ACCF.ACCF``."""
        endings = "|".join(self.endings)
        undated = "" if self.needs_date else "|[A-Z][A-Z0-9]*"
        return re.compile(rf"(?:(?P<date>\d{{8}})|(?P<mmddyy>\d{{6}}){undated})\.(?:{endings})", re.IGNORECASE)


_FORMS: Final = (
    Form("GCUS", ("GCUS", "GCS1"), "GLOBAL CUST POS", "positions", 750, ("GC", "M1"), ("A", "B"),
         has_flavour=True, is_refresh=True, is_expected=True),
    Form("GACT", ("GACT", "GAC1"), "GLOBAL ACTIVITY", "trades and bookkeeping entries", 750, ("GA", "K1"),
         ("A", "B"), is_expected=True),
    Form("GMON", ("GMON", "GMN1"), "GLOBAL MONEYLINE", "balances", 250, ("GM", "N1"), ("A", "B", "2"), "C0134589",
         is_refresh=True, is_expected=True),
    Form("ACCT", ("ACCT", "ACCF"), "CUSTOMER ACCT INFO", "accounts", 750, ("CI",), ("A",),
         "BCDEFW45GHXM7IJKLNPRSTUV", counts_accounts=True, needs_date=False, is_refresh=True, is_expected=True),
    Form("ISCA", ("ISCA",), "EXPANDED SEC DESC", "securities and their prices", 132, (),
         ("A", "B", "C", "D", "E", "F", "G"), "HI", ((1, 1), (2, 7), (8, 16)), needs_date=False, is_refresh=True,
         is_expected=True),
    Form("GTDE", ("GTDE",), "GLBL/DOMESTIC TRDS", "trades by trade date: landed and counted, not read", 1250, ("GE",)),
    Form("GSDE", ("GSDE",), "GLBL/DOMESTIC S/D", "trades by settlement date: landed and counted, not read", 1250,
         ("GS",)),
    Form("CHKF", ("CHKF",), "CHECK&FUNDDTL", "checks, wires: landed and counted, not read", 500, ("CF",)),
    Form("SINS", ("SINS",), "SCHEDULED INSTRU", "standing payment instructions: landed and counted, not read", 1000,
         ("S1",), frame_length=750),
)  # fmt: skip

FORMS: Final[Mapping[str, Form]] = {form.kind: form for form in _FORMS}
"""Kind of file to its form. SINS: the name's ending is not public."""
