"""The listing of a service: which extractions are due, as if they lay in a folder. It asks the service nothing."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors.connection import Connection
from connectors.errors import PermanentError
from connectors.services import RestTransport, SoapTransport
from connectors.transport.base import UNKNOWN_SIZE, FileNotTaken, Listing, RemoteFile
from connectors.transport.extraction import Request, Requests
from connectors.transport.paths import is_delivery, is_hidden, name_fault, printable


@dataclass(frozen=True)
class Schedule:
    """What a connection asks for, and when.

    Attributes:
        connection: the connection; its transport is of kind rest or soap.
        requests: the adapter's.
        calendar: of the days that have data, as exchange-calendars names it.
    """

    connection: Connection
    requests: Requests
    calendar: str

    def due(self, settings: RestTransport | SoapTransport, now: datetime) -> dict[RemoteFile, Request]:
        """What can be asked for at ``now`` (UTC), oldest first.

        A file's time is when its day became ready; with ``ask_again_days`` it moves on by whole days, which makes the
        landing take it once more. Its size is not known before it has come.

        Raises:
            PermanentError: two requests have one name, or a name is no file's name.
        """
        clock, _, zone = settings.ready_at.partition(" ")
        found: dict[RemoteFile, Request] = {}
        names: set[str] = set()
        today = now.astimezone(ZoneInfo(zone)).date()
        for day in _sessions(self.calendar, today - timedelta(days=settings.lookback_days), today):
            ready = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC)
            if ready > now:
                continue
            again = timedelta(days=min(settings.ask_again_days, (now - ready).days))
            for request in self.requests(self.connection, day):
                _require_name(request.name, names)
                found[RemoteFile(request.name, UNKNOWN_SIZE, ready + again)] = request
        return dict(sorted(found.items(), key=lambda item: (item[0].modified_at, item[0].path)))


def listing(due: dict[RemoteFile, Request]) -> Listing:
    """The due requests as files."""
    return Listing(list(due), [])


def request_for(due: dict[RemoteFile, Request], remote: RemoteFile) -> Request:
    """The request that a listed file stands for.

    Raises:
        FileNotTaken: it is not due (any more).
    """
    if (request := due.get(remote)) is None:
        raise FileNotTaken(f"{printable(remote.path)}: not due; list the files again")
    return request


def _require_name(name: str, names: set[str]) -> None:
    if fault := name_fault(name):
        raise PermanentError(f"{printable(name)}: cannot be a file's name: {fault}")
    if is_hidden(name) or not is_delivery(name):
        raise PermanentError(f"{name}: is the name of a hidden or half-written file")
    if name in names:
        raise PermanentError(f"{name}: two extractions have this name")
    names.add(name)


@functools.lru_cache(maxsize=64)
def _sessions(calendar: str, first: date, last: date) -> Sequence[date]:
    import exchange_calendars  # slow to import, and only services have a calendar

    known = exchange_calendars.get_calendar(calendar, start="1990-01-01")
    return tuple(session.date() for session in known.sessions_in_range(str(first), str(last)))
