"""Asking an HTTP service: bounds, retries with the waits that it asks for, and errors that show no secret.

An error names the request by its method and the path that the connector wrote, with the status: never a query, a
header, a body, a token, nor an address that the service gave.
"""

from __future__ import annotations

import io
import logging
import random
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Final, Self

import httpx

from connectors.errors import PermanentError, RetryableError
from connectors.services import HttpLimits
from connectors.transport.base import FileNotTaken
from connectors.transport.clock import Clock
from connectors.transport.guard import ServiceState, retry_after
from connectors.transport.paths import printable

# These write whole addresses and headers to the log.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_TRY_AGAIN: Final = {408, 425, 429, 500, 502, 503, 504}
_ASKS_FOR_REST: Final = {429, 503}
_MEANINGS: Final = {
    401: "the credentials are refused",
    403: "not entitled to it, or the quota is used up",
    404: "there is nothing at this path",
    406: "the service does not offer the type that is asked for",
    415: "the service does not take the type that is sent",
}


class TryAgain(Exception):
    """One attempt that failed in a way that may pass.

    Attributes:
        reason: what happened, fit to be shown.
        wait_seconds: what the service asks to wait; None: nothing.
        is_failure: whether it counts for the circuit breaker; being asked to slow down does not.
    """

    def __init__(self, reason: str, wait_seconds: float | None = None, *, is_failure: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds
        self.is_failure = is_failure


@dataclass(frozen=True)
class Answer:
    """What a service answered; ``body`` is empty when it went to a file."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)
    url: httpx.URL = field(repr=False)


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        label: how errors call it.
        method, url, headers, content: what is sent.
        content_types: types of a 200 answer that are taken; empty: any.
        absent_statuses: statuses that mean: not there yet.
        check: looks at an answer before it counts; may raise ``TryAgain`` or ``PermanentError``.
        checked_statuses: error statuses that ``check`` judges.
    """

    label: str
    method: str
    url: httpx.URL = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    content_types: tuple[str, ...] = ()
    absent_statuses: frozenset[int] = frozenset()
    check: Callable[[Answer], None] | None = field(default=None, repr=False)
    checked_statuses: frozenset[int] = frozenset()


class HttpClient:
    """A client of one service, without credentials; ``http_auth.Authorized`` adds them. A context manager."""

    def __init__(self, limits: HttpLimits, ca_file: Path | None, state: ServiceState, clock: Clock) -> None:
        self.state = state
        self.clock = clock
        self.limits = limits
        timeout = httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds)
        self._client = httpx.Client(verify=trusted(ca_file), timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, call: Call, sink: Path | None = None, max_bytes: int | None = None) -> Answer:
        """The answer to a call, below 400 or one of 401; repeated while the fault may pass.

        Args:
            call: what to ask.
            sink: where the body of a 200 answer is written; None: it is held in memory.
            max_bytes: bound on that body; None: ``max_page_bytes``.

        Raises:
            RetryableError: no sound answer came in all attempts, or no request may be made now (``CircuitOpen``).
            FileNotTaken: the answer is one of ``absent_statuses``.
            PermanentError: the service refuses the request, or answers beyond a bound or with another type.
        """
        fault = TryAgain("no attempt was made")
        for attempt in range(1, self.limits.attempts + 1):
            self.state.breaker.enter(self.clock)
            try:
                answer = self._attempt(call, sink, max_bytes)
            except TryAgain as failed:
                fault = failed
                self._settle(failed)
                if attempt < self.limits.attempts:
                    self._wait(call, failed, attempt)
                continue
            except BaseException:
                self.state.breaker.succeeded()
                raise
            self.state.breaker.succeeded()
            return answer
        raise RetryableError(f"{call.label}: {fault.reason} ({self.limits.attempts} attempts)") from None

    def _settle(self, failed: TryAgain) -> None:
        if failed.is_failure:
            self.state.breaker.failed(self.clock)
        else:
            self.state.breaker.succeeded()

    def _wait(self, call: Call, failed: TryAgain, attempt: int) -> None:
        """Pass the time until the next attempt.

        Raises:
            RetryableError: the service asks for a longer rest than one visit may wait.
        """
        limits = self.limits
        if failed.wait_seconds is None:
            longest = min(limits.longest_wait_seconds, limits.first_wait_seconds * 2 ** (attempt - 1))
            self.clock.sleep(longest * random.uniform(0.75, 1.0))  # noqa: S311 (spreads the load; no secret)
        elif failed.wait_seconds <= limits.longest_wait_seconds:
            self.clock.sleep(failed.wait_seconds)
        else:
            self.state.breaker.hold(self.clock, failed.wait_seconds)
            raise RetryableError(f"{call.label}: {failed.reason}; it asks for {failed.wait_seconds:.0f} s") from None

    def _attempt(self, call: Call, sink: Path | None, max_bytes: int | None) -> Answer:
        for _ in range(MAX_REDIRECTS + 1):
            self.state.budget.spend(self.clock)
            with _shown_faults(call):
                answer = self._send(call, sink, max_bytes)
            if answer.status not in _REDIRECTS:
                return answer
            call = replace(call, url=_redirected(call, answer))
        raise PermanentError(f"{call.label}: more than {MAX_REDIRECTS} redirects")

    def _send(self, call: Call, sink: Path | None, max_bytes: int | None) -> Answer:
        headers = {"Accept-Encoding": "gzip", **call.headers}
        request = self._client.build_request(call.method, call.url, headers=headers, content=call.content)
        deadline = self.clock.monotonic() + self.limits.total_seconds
        response = self._client.send(request, stream=True)
        try:
            status = response.status_code
            if status >= 300 and status not in call.checked_statuses:
                self._refuse(call, response)
                return Answer(status, response.headers, b"", call.url)
            if status == HTTPStatus.OK:
                _require_type(call, response)
            limit = max_bytes or self.limits.max_page_bytes
            if sink is not None and status == HTTPStatus.OK:
                _require_length(call, response)
                with sink.open("wb") as stream:
                    self._take(call, response, stream, limit, deadline)
                return Answer(status, response.headers, b"", call.url)
            memory = io.BytesIO()
            self._take(call, response, memory, min(limit, self.limits.max_page_bytes), deadline)
            answer = Answer(status, response.headers, memory.getvalue(), call.url)
        finally:
            response.close()
        if call.check is not None:
            call.check(answer)
        return answer

    def _take(self, call: Call, response: httpx.Response, stream: BinaryIO, limit: int, deadline: float) -> None:
        size_bytes = 0
        for chunk in response.iter_bytes():
            size_bytes += len(chunk)
            if size_bytes > limit:
                raise PermanentError(f"{call.label}: the answer is larger than the bound of {limit} bytes")
            if self.clock.monotonic() > deadline:
                raise TryAgain(f"the answer took longer than {self.limits.total_seconds:g} s")
            stream.write(chunk)

    def _refuse(self, call: Call, response: httpx.Response) -> None:
        """Say what an answer of 300 or more means; silent on a redirect and on 401, which a new token may cure."""
        status = response.status_code
        if status in call.absent_statuses:
            raise FileNotTaken(f"{call.label}: {status}, not there yet")
        if status in _TRY_AGAIN or status >= 500:
            wait = retry_after(response.headers.get("retry-after"), self.clock.now())
            is_failure = status not in _ASKS_FOR_REST or (status == 503 and wait is None)
            raise TryAgain(f"status {status}", wait if status in _ASKS_FOR_REST else None, is_failure=is_failure)
        if status not in _REDIRECTS and status != HTTPStatus.UNAUTHORIZED:
            raise refusal(call.label, status)


def refusal(label: str, status: int) -> PermanentError:
    """The error of an answer that no repetition changes."""
    return PermanentError(f"{label}: {status}, {_MEANINGS.get(status, 'the service refuses the request')}")


def trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Verification of servers: against the authorities of ``ca_file``, or the usual ones.

    Raises:
        PermanentError: the file cannot be read or holds no certificate.
    """
    try:
        return httpx.create_ssl_context() if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError):
        raise PermanentError("ca_file: cannot be read as certificates in PEM form") from None


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses are of one server, so that credentials for one may go to the other."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def linked(label: str, base: httpx.URL, link: str, what: str) -> httpx.URL:
    """The address that a service gives, relative to the one that was asked.

    Raises:
        PermanentError: it is no address, or leads to another server, which must not see the credentials.
    """
    try:
        url = base.join(link)
    except (httpx.InvalidURL, ValueError):
        raise PermanentError(f"{label}: {what} is no address") from None
    if not same_origin(base, url) or url.userinfo:
        raise PermanentError(f"{label}: {what} leads to another server; not followed")
    return url


def _redirected(call: Call, answer: Answer) -> httpx.URL:
    if call.method != "GET":
        raise PermanentError(f"{call.label}: {answer.status}, a redirect of a {call.method} is not followed")
    location = answer.headers.get("location")
    if location is None:
        raise refusal(call.label, answer.status)
    return linked(call.label, call.url, location, "the redirect")


def _require_type(call: Call, response: httpx.Response) -> None:
    stated = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if call.content_types and stated not in call.content_types:
        wanted = ", ".join(call.content_types)
        raise PermanentError(f"{call.label}: answered with {printable(stated)[:80] or 'no type'} instead of {wanted}")


def _require_length(call: Call, response: httpx.Response) -> None:
    """Refuse an answer that ends with the connection: a cut could not be told from its end."""
    if "content-length" not in response.headers and "transfer-encoding" not in response.headers:
        raise PermanentError(f"{call.label}: the answer states neither its length nor chunks, so a cut would not show")


@contextmanager
def _shown_faults(call: Call) -> Iterator[None]:
    """Turn the library's errors, which hold the request, into ours, which do not."""
    try:
        yield
    except httpx.ConnectTimeout:
        fault: Exception = TryAgain("no connection in time")
    except httpx.TimeoutException:
        fault = TryAgain("no answer in time")
    except httpx.ConnectError as error:
        is_certificate = _is_caused_by(error, ssl.SSLCertVerificationError)
        fault = TryAgain("no connection")
        if is_certificate:
            fault = PermanentError(f"{call.label}: the server's certificate is not trusted; no credential was sent")
    except httpx.DecodingError:
        fault = TryAgain("the compressed answer is damaged")
    except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError):
        fault = PermanentError(f"{call.label}: the request cannot be made from these settings")
    except httpx.HTTPError:
        fault = TryAgain("the connection was lost in the middle of the answer")
    else:
        return
    raise fault from None


def _is_caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
