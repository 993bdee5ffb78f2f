"""The numbers of a stream's messages: which have come, which are missing. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Final, Literal

from connectors.errors import PermanentError

MAX_RANGES: Final = 10_000
"""Ranges of missing numbers; more of them mean that the numbers are no sequence."""

Verdict = Literal["next", "gap", "filled", "duplicate"]


class Sequences:
    """The numbers of one session.

    Attributes:
        lowest, highest: that have come; None before the first.
        missing: ranges between them (with ``first``: from it on) that have not come, both ends included, in order.
    """

    def __init__(
        self,
        first: int | None = None,
        *,
        lowest: int | None = None,
        highest: int | None = None,
        missing: Iterable[tuple[int, int]] = (),
    ) -> None:
        """Begin.

        Args:
            first: the number that a session begins with, where it is known.
            lowest, highest, missing: what an earlier process knew.
        """
        self._first = first
        self.lowest = lowest
        self.highest = highest
        self.missing = sorted(missing)

    def take(self, number: int) -> Verdict:
        """Note that a number came, and say what it is.

        next: as expected; gap: numbers before it are missing; filled: it was missing; duplicate: it came before.

        Raises:
            PermanentError: there are too many gaps for a sequence.
        """
        if self.lowest is None or self.highest is None:
            begin = number if self._first is None else min(self._first, number)
            verdict = self._gap(begin, number - 1)
            self.lowest, self.highest = begin, number
            return verdict
        if number > self.highest:
            verdict = self._gap(self.highest + 1, number - 1)
            self.highest = number
            return verdict
        if number < self.lowest:
            # From before the place where the stream was taken up: not missed, but not seen either.
            self._gap(number + 1, self.lowest - 1)
            self.lowest = number
            return "filled"
        return self._fill(number)

    def _gap(self, first: int, last: int) -> Verdict:
        if first > last:
            return "next"
        if len(self.missing) >= MAX_RANGES:
            raise PermanentError(f"more than {MAX_RANGES} gaps: the sequence field does not hold a running number")
        bisect.insort(self.missing, (first, last))
        return "gap"

    def _fill(self, number: int) -> Verdict:
        at = bisect.bisect_right(self.missing, number, key=lambda found: found[0]) - 1
        if at < 0 or self.missing[at][1] < number:
            return "duplicate"
        first, last = self.missing[at]
        self.missing[at : at + 1] = [r for r in ((first, number - 1), (number + 1, last)) if r[0] <= r[1]]
        return "filled"
