"""What a provider delivers: one file with its arrival time, and the manifest of all of them.

Arrival follows the real feeds: a custodian's files of a day come early in the morning of the next business day in New
York, the euro rates at 16:05 Berlin time on the day, the vendor's prices at 18:00 New York time on the day.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from simulation.market import Calendar

NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file as delivered.

    Attributes:
        tenant: slug, or ``_shared`` for market data.
        connection: the feed's name within the tenant.
        name: path below the connection's folder.
        kind: file kind, such as RPS.
        business_date: the day that the file is of.
        night: the business day whose nightly run finds it; later than business_date for a late file.
        arrived_at: UTC, the modification time of the file.
        content: the bytes.
        fault: slug of the fault that made or changed it, None for an undisturbed file.
    """

    tenant: str
    connection: str
    name: str
    kind: str
    business_date: date
    night: date
    arrived_at: datetime
    content: bytes
    fault: str | None = None

    @property
    def path(self) -> str:
        """Path below the folder that the SFTP server shows."""
        return f"{self.tenant}/{self.connection}/{self.name}"

    def later(self, calendar: Calendar, business_days: int, minutes: int = 0) -> Delivery:
        """The same file, arriving some business days and minutes later."""
        night = calendar.shift(self.night, business_days)
        shifted = self.arrived_at.astimezone(NEW_YORK) + (calendar.shift(night, 1) - calendar.shift(self.night, 1))
        return replace(self, night=night, arrived_at=shifted.astimezone(UTC) + timedelta(minutes=minutes))


def custodian_arrival(seed: int, calendar: Calendar, day: date, path: str) -> datetime:
    """Between 05:10 and 05:50 New York time on the next business day, to the second, from the seed."""
    draw = random.Random(f"{seed}/arrival/{day}/{path}")
    start = datetime.combine(calendar.shift(day, 1), time(5, 10), NEW_YORK)
    return (start + timedelta(seconds=draw.randint(0, 40 * 60))).astimezone(UTC)


def euro_rates_arrival(day: date) -> datetime:
    """16:05 Berlin time."""
    return datetime.combine(day, time(16, 5), BERLIN).astimezone(UTC)


def prices_arrival(day: date) -> datetime:
    """18:00 New York time."""
    return datetime.combine(day, time(18, 0), NEW_YORK).astimezone(UTC)
