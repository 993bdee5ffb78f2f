"""Switches for what goes wrong: each fault is one frozen value that says where it strikes and what the truth becomes.

    simulate(demo_config(faults=(LateFile("alder", "schwab_main", "RPS", date(2022, 3, 1)), Cancel("birch"))))

File faults change what is delivered, never the truth; trading faults change what is booked, and the truth with it.
Faults compose in the order given and draw nothing but from their own fields.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from simulation.delivery import Delivery
from simulation.firm import Style
from simulation.market import Calendar, Market
from simulation.trading import Trading
from simulation.transactions import Transaction


class FaultError(ValueError):
    """A fault that cannot strike where it was told to."""


@dataclass(frozen=True)
class FileFault(ABC):
    """A fault of one delivered file.

    Attributes:
        tenant: slug, or ``_shared``.
        connection: the feed's name.
        kind: file kind.
        business_date: of the file.
        slug: name of the fault, as the manifest writes it.
        truth: what a platform must make of it.
    """

    tenant: str
    connection: str
    kind: str
    business_date: date
    slug: ClassVar[str]
    truth: ClassVar[str]

    def strikes(self, delivery: Delivery) -> bool:
        """Whether this undisturbed delivery is the one."""
        return delivery.fault is None and (
            delivery.tenant, delivery.connection, delivery.kind, delivery.business_date,
        ) == (self.tenant, self.connection, self.kind, self.business_date)  # fmt: skip

    @abstractmethod
    def delivered(self, delivery: Delivery, calendar: Calendar) -> list[Delivery]:
        """What is delivered in place of the undisturbed file."""

    def marked(self, delivery: Delivery, content: bytes) -> Delivery:
        """The delivery with other content, marked with this fault."""
        return replace(delivery, content=content, fault=self.slug)


class TradingFault(ABC):
    """A fault of what was booked, which the custodian puts right in a later file."""

    slug: ClassVar[str]
    truth: ClassVar[str]

    @abstractmethod
    def booked(self, trading: Trading, market: Market) -> Trading:
        """The bookings with this fault in them."""


def apply_to_files(faults: Sequence[FileFault], deliveries: Iterable[Delivery], calendar: Calendar) -> list[Delivery]:
    """Let each fault, in order, strike the deliveries that it is meant for; all others pass unchanged."""
    found = list(deliveries)
    for fault in faults:
        found = [
            made
            for delivery in found
            for made in (fault.delivered(delivery, calendar) if fault.strikes(delivery) else [delivery])
        ]
    return found


def apply_to_trading(faults: Sequence[TradingFault], trading: Trading, market: Market) -> Trading:
    """Let each fault, in order, change the bookings."""
    for fault in faults:
        trading = fault.booked(trading, market)
    return trading


# --- deliveries that come twice, late or corrected --------------------------------------------------------------------


@dataclass(frozen=True)
class DuplicateDelivery(FileFault):
    """The same bytes again, twenty minutes later, under another name."""

    slug: ClassVar[str] = "duplicate_delivery"
    truth: ClassVar[str] = "unaffected: the second delivery adds nothing"

    def delivered(self, delivery: Delivery, calendar: Calendar) -> list[Delivery]:
        """The file and its copy in the folder ``resent``."""
        copy = replace(delivery.later(calendar, 0, minutes=20), name=f"resent/{delivery.name}", fault=self.slug)
        return [delivery, copy]


@dataclass(frozen=True)
class LateFile(FileFault):
    """The file comes some business days late, with unchanged bytes."""

    business_days: int = 2
    slug: ClassVar[str] = "late_file"
    truth: ClassVar[str] = "unaffected once the file is in; until then the day is provisional (file_missing)"

    def delivered(self, delivery: Delivery, calendar: Calendar) -> list[Delivery]:
        """The file, later."""
        return [replace(delivery.later(calendar, self.business_days), fault=self.slug)]


# --- bookings that are put right later --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cancel(TradingFault):
    """A buy that a row with the cancel code takes back some business days later.

    Attributes:
        tenant: whose buy.
        ordinal: which of the tenant's buys that leave time for the cancel, counted from zero.
        business_days: how much later.
        style: at which custodian.
    """

    tenant: str
    ordinal: int = 0
    business_days: int = 2
    style: Style = "schwab"
    slug: ClassVar[str] = "cancel"
    truth: ClassVar[str] = (
        "the buy never counts; the custodian's files hold it until the cancel (a break on those days)"
    )

    def booked(self, trading: Trading, market: Market) -> Trading:
        """The bookings with the buy marked as cancelled."""
        chosen = _chosen(trading, market, self)
        return self._cancelled(trading, market, chosen)

    def _cancelled(self, trading: Trading, market: Market, chosen: Transaction) -> Trading:
        day = market.calendar.shift(chosen.reported_date, self.business_days)
        changed = replace(chosen, cancelled_date=day)
        return replace(trading, transactions=tuple(changed if t is chosen else t for t in trading.transactions))


@dataclass(frozen=True)
class CancelRebill(Cancel):
    """A cancelled buy that is booked again in the file of the cancel, with a commission ten dollars lower or higher."""

    slug: ClassVar[str] = "cancel_rebill"
    truth: ClassVar[str] = "the rebilled buy counts from the original trade date, the first one never"

    def booked(self, trading: Trading, market: Market) -> Trading:
        """The bookings with the buy cancelled and its rebill added."""
        chosen = _chosen(trading, market, self)
        change = -100_000 if chosen.commission >= 100_000 else 100_000
        rebill = replace(
            chosen,
            number=1 + max(t.number for t in trading.transactions if t.account == chosen.account),
            reported_date=market.calendar.shift(chosen.reported_date, self.business_days),
            commission=chosen.commission + change,
            amount=chosen.amount - change,
        )
        changed = self._cancelled(trading, market, chosen)
        return replace(changed, transactions=(*changed.transactions, rebill))


@dataclass(frozen=True)
class Backdated(TradingFault):
    """A buy that first stands in a file some business days after its trade date."""

    tenant: str
    ordinal: int = 1
    business_days: int = 4
    style: Style = "schwab"
    slug: ClassVar[str] = "backdated"
    truth: ClassVar[str] = "counts from its trade date; the custodian's files lack it until it is reported"

    def booked(self, trading: Trading, market: Market) -> Trading:
        """The bookings with the buy reported late."""
        chosen = _chosen(trading, market, self)
        day = market.calendar.shift(chosen.trade_date, self.business_days)
        changed = replace(chosen, reported_date=day)
        return replace(trading, transactions=tuple(changed if t is chosen else t for t in trading.transactions))


def _chosen(trading: Trading, market: Market, fault: Cancel | Backdated) -> Transaction:
    """The ordinal-th buy that no other fault has touched and whose repair falls inside the simulated days."""
    last = market.days[-1]
    fit = [
        t
        for t in trading.transactions
        if t.account.tenant == fault.tenant and t.account.style == fault.style and t.type == "BUY"
        and t.cancelled_date is None and t.reported_date == t.trade_date
        and market.calendar.shift(t.trade_date, fault.business_days) <= last
    ]  # fmt: skip
    if fault.ordinal >= len(fit):
        raise FaultError(f"tenant {fault.tenant} has {len(fit)} suitable buys, no number {fault.ordinal}")
    return fit[fault.ordinal]


def rubbish(seed: int, length: int) -> bytes:
    """Seeded random bytes, with at least one NUL so that no reader can take them for text."""
    return b"\x00" + random.Random(seed).randbytes(max(0, length - 1))
