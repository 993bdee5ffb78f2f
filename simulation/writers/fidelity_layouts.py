"""How lines of the simulated NFS (Fidelity) transmissions are put together: lengths, places, signs and digits.

Written out for the simulator alone: the platform's reader has its own table, so that an error in either shows. Places
are 1-based. Those of closed lots and of account, security and balance details are partly invented; README.md of the
room says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

LENGTHS: Final[Mapping[str, int]] = {
    "NABASE": 700, "POSIT": 1100, "BOOKKEEP": 1300, "ACCTBAL": 1500, "SECMAST": 1300, "TLAOPEN": 1000,
    "TLACLOSED": 1000,
}  # fmt: skip
"""Kind of file to the length of its lines."""

TITLES: Final[Mapping[str, str]] = {
    "NABASE": "NAME/ADDR HISTORY", "POSIT": "POSITION EXTRACT", "BOOKKEEP": "BOOKKEEPING",
    "ACCTBAL": "ACCOUNT BALANCE", "SECMAST": "SECURITY MASTER", "TLAOPEN": "TASOPEN", "TLACLOSED": "TASCLOS",
}  # fmt: skip
"""Kind of file to the title in its header."""

Parts = Sequence[tuple[int, str]]


def line(length: int, parts: Parts) -> str:
    """A line of blanks with texts at 1-based places, in ascending order.

    Raises:
        ValueError: two texts overlap, or one reaches beyond the line.
    """
    pieces: list[str] = []
    at = 1
    for start, text in parts:
        if start < at:
            raise ValueError(f"the text at {start} overlaps the one before it")
        pieces += [" " * (start - at), text]
        at = start + len(text)
    if at > length + 1:
        raise ValueError(f"a text reaches to {at - 1}, beyond {length}")
    return "".join(pieces).ljust(length)


def digits(value: int, width: int) -> str:
    """The digits of a number's amount, filled with zeros; stars where they do not fit, as the feed overflows."""
    text = f"{abs(value):0{width}d}"
    return text if len(text) == width else "*" * width


def signed_after(value: int, width: int) -> str:
    """Digits and then the sign, as positions, bookkeeping and tax lots have it."""
    return digits(value, width) + _sign(value)


def signed_before(value: int, width: int) -> str:
    """The sign and then digits, as account balances have it."""
    return _sign(value) + digits(value, width)


def day_text(day: date | None) -> str:
    """CCYYMMDD; zeros for none."""
    return "00000000" if day is None else f"{day:%Y%m%d}"


def header(kind: str, client: str, day: date) -> str:
    """The first line: client, the system's literal, the title and the day as MMDDYY."""
    parts = [(1, "H"), (2, client[:3].ljust(3)), (22, "FIDELITY SYSTEMS"), (42, TITLES[kind]), (63, f"{day:%m%d%y}")]
    return line(LENGTHS[kind], parts)


def trailer(kind: str, lines: int, logical: int) -> str:
    """The last line: all lines, header and trailer among them, and the logical records."""
    return line(LENGTHS[kind], [(1, "T"), (22, f"{lines:015d}"), (41, f"{logical:015d}")])


def described(name: str) -> str:
    """A security's name in six lines of twenty characters."""
    return name[:120].ljust(120)


def _sign(value: int) -> str:
    return "-" if value < 0 else "+"
