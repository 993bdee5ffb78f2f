"""What keeps a client from pressing a service: a circuit breaker, a rate, and the wait that the service asks for.

State is of this process and is kept per connection between visits (``state_for``), as is the token of its session.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from connectors.errors import RetryableError
from connectors.services import HttpLimits
from connectors.transport.clock import Clock

LONGEST_HOLD_SECONDS: Final = 24 * 3600.0
"""A service can ask to be left alone for so long; a longer wish is a mistake of its own."""


class CircuitOpen(RetryableError):
    """No request was made: the service failed too often, or asked to be left alone for a while."""


class Breaker:
    """Lets requests through until ``failures_to_open`` in a row have failed; then, after a cool-down, one at a time."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._failures = 0
        self._closed_until = 0.0
        self._is_trying = False
        self._lock = threading.Lock()

    def enter(self, clock: Clock) -> None:
        """Ask leave for one request; ``succeeded`` or ``failed`` must follow.

        Raises:
            CircuitOpen: no request may be made now.
        """
        with self._lock:
            wait = self._closed_until - clock.monotonic()
            if wait > 0:
                raise CircuitOpen(f"no request is made for another {wait:.0f} s: the service failed or asked for rest")
            if self._failures >= self._limits.failures_to_open:
                if self._is_trying:
                    raise CircuitOpen("no request is made while another one tries whether the service is back")
                self._is_trying = True

    def succeeded(self) -> None:
        """The service answered."""
        with self._lock:
            self._failures, self._is_trying = 0, False

    def failed(self, clock: Clock) -> None:
        """The service did not answer, or with a fault of its own."""
        with self._lock:
            self._failures, self._is_trying = self._failures + 1, False
            if self._failures >= self._limits.failures_to_open:
                self._hold(clock, self._limits.cool_down_seconds)

    def hold(self, clock: Clock, seconds: float) -> None:
        """Make no request for so long, because the service asked for it."""
        with self._lock:
            self._is_trying = False
            self._hold(clock, min(seconds, LONGEST_HOLD_SECONDS))

    def _hold(self, clock: Clock, seconds: float) -> None:
        self._closed_until = max(self._closed_until, clock.monotonic() + seconds)


class Budget:
    """At most ``requests`` in any ``per_seconds``."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._made: deque[float] = deque()
        self._lock = threading.Lock()

    def spend(self, clock: Clock) -> None:
        """Wait until one more request keeps the rate."""
        with self._lock:
            now = clock.monotonic()
            if len(self._made) >= self._limits.requests:
                wait = self._made.popleft() + self._limits.per_seconds - now
                if wait > 0:
                    clock.sleep(wait)
                    now += wait
            self._made.append(now)


@dataclass(frozen=True)
class Token:
    """A token of a session. Never shown.

    Attributes:
        secret: the token itself.
        renew_at: monotonic second from which it is not used any more; infinite where its life is unknown.
    """

    secret: str = field(repr=False)
    renew_at: float


@dataclass
class ServiceState:
    """What is remembered of one connection's service between visits."""

    breaker: Breaker
    budget: Budget
    token: Token | None = field(default=None, repr=False)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)


_states: dict[str, ServiceState] = {}
_states_lock = threading.Lock()


def state_for(key: str, limits: HttpLimits) -> ServiceState:
    """The state kept under ``key``, which names a connection with its settings."""
    with _states_lock:
        if key not in _states:
            _states[key] = ServiceState(Breaker(limits), Budget(limits))
        return _states[key]


def forget_states() -> None:
    """Begin anew, as a new process would."""
    with _states_lock:
        _states.clear()


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header (RFC 9110, section 10.2.3) asks to wait, or None when it says nothing sound."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:12])
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
