"""Trade revenue: held against its control totals and not booked, for bookkeeping states the same trades."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import polars as pl

from connectors.custodians.fidelity import records as common
from connectors.custodians.fidelity.envelope import Envelope
from connectors.custodians.fidelity.tables import layout
from connectors.errors import FeedFault
from connectors.formats.flat import Number
from connectors.formats.rejects import separated

TOTALS: Final = ("principal", "commission", "concession", "clearing")
"""Amounts of each trade that the trailer sums."""


def check_totals(envelope: Envelope) -> None:
    """Read the whole file and compare its trades with the trailer.

    Raises:
        FeedFault: trailer_mismatch when a total differs or a trade's amount cannot be read, truncated_file when the
            trailer has no totals, and those of ``Envelope``.
    """
    sums = dict.fromkeys(TOTALS, Decimal(0))
    for lines in envelope.records():
        for name, total in _totals(lines, "D").items():
            sums[name] += total
    trailer = pl.DataFrame({"line": [envelope.trailer_line], "text": [envelope.trailer]})
    try:
        stated = _totals(trailer, "TRAILER")
    except FeedFault:
        detail = "the trailer's control totals are no numbers: the trailer is cut. Ask for the file again."
        raise FeedFault("truncated_file", detail, line=envelope.trailer_line) from None
    differing = [name for name in TOTALS if stated[name] != sums[name]]
    if differing:
        detail = f"the trailer's control totals differ from the trades' sums: {', '.join(differing)}. Ask for it again."
        raise FeedFault("trailer_mismatch", detail, line=envelope.trailer_line)


def _totals(lines: pl.DataFrame, record: str) -> dict[str, Decimal]:
    """The sums of the amounts.

    Raises:
        FeedFault: trailer_mismatch at the first line whose amounts cannot be read.
    """
    read, checks = common.read(lines, layout("TRDREV", record), [Number(name, 4, required=True) for name in TOTALS])
    _, rejects = separated(read, checks, "")
    if rejects.height:
        detail = "a trade's amounts cannot be read, so that the control totals cannot be compared. Ask for it again."
        raise FeedFault("trailer_mismatch", detail, line=int(rejects["source_line"].min()))  # type: ignore[arg-type]
    return {name: _sum(read[name]) for name in TOTALS}


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    """A few numbers of one block; Polars would stop at 38 digits."""
    return sum(amounts, Decimal(0))
