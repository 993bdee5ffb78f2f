"""SWIFT messages of a custodian outside the United States, byte for byte: MT535, MT536 and MT940 of every account.

Three files a day, ``<type>_<yyyymmdd>.fin``: all messages of one type, one after another, each with its blocks
``{1:}{2:}{4:}{5:}``, lines ending in CR LF, in the character set X that SWIFT allows. A statement that is longer than a
message may be is cut into pages. Values that the standard leaves open are invented; README.md of the room lists them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from simulation.firm import Account
from simulation.scene import Scene
from simulation.writers.swift_cash import cash_statement
from simulation.writers.swift_custody import holdings_statement, transactions_statement
from simulation.writers.swift_text import plain

LINE_END = "\r\n"
KINDS = ("MT535", "MT536", "MT940")

_SENDER, _RECEIVER = "MERIQZ2AXXXX", "NEXUQZ2AXXXX"
"""Logical terminals in QZ, a country that does not exist."""


def files(scene: Scene, tenant: str, accounts: Sequence[Account], day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of the files of one business day: holdings, securities movements, cash."""
    pages = {
        "MT535": (page for account in accounts for page in holdings_statement(scene, account, day)),
        "MT536": (page for account in accounts for page in transactions_statement(scene, account, day)),
        "MT940": (page for account in accounts for page in cash_statement(scene, account, day)),
    }
    for kind in KINDS:
        yield f"{kind}_{day:%Y%m%d}.fin", kind, messages(kind[2:], pages[kind], day)


def messages(number: str, pages: Iterable[Sequence[str]], day: date) -> bytes:
    """A file of messages of one type, in the order of their pages' text blocks."""
    return "".join(_message(number, place, lines, day) for place, lines in enumerate(pages, start=1)).encode("ascii")


def _message(number: str, place: int, lines: Sequence[str], day: date) -> str:
    body = LINE_END.join(plain(line) for line in lines)
    check = hashlib.sha256(body.encode()).hexdigest()[:12].upper()
    session = f"{1000 + day.toordinal() % 9000:04d}{place:06d}"
    basic = f"{{1:F01{_RECEIVER}{session}}}"
    application = f"{{2:O{number}0540{day:%y%m%d}{_SENDER}{session}{day:%y%m%d}0540N}}"
    return f"{basic}{application}{{4:{LINE_END}{body}{LINE_END}-}}{{5:{{CHK:{check}}}}}{LINE_END}"
