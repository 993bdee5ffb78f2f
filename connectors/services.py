"""Settings of the transports that ask a service instead of looking into a folder: REST, SOAP and a price stream.

Here: what a tenant writes in YAML. Not here: how a service is asked (``connectors.transport``). Credentials are named
by reference, ``env:NAME`` or ``file:NAME``, and never written.
"""

from __future__ import annotations

import ipaddress
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

_PLAIN_SCHEMES = {"http", "ws"}
_TLS_SCHEMES = {"https", "wss"}


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _sound_url(url: str) -> str:
    """An address without credentials, query or fragment, under TLS unless it is this machine's own."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise ValueError("is not an address") from None
    if not host or parts.scheme not in _PLAIN_SCHEMES | _TLS_SCHEMES:
        raise ValueError("must begin with https:// (a stream: wss://) and name a host")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user or a password; name them under auth")
    if "?" in url or "#" in url:
        raise ValueError("must not hold a query or a fragment")
    if parts.scheme in _PLAIN_SCHEMES and not _is_loopback(host):
        raise ValueError(f"{parts.scheme}:// is for this machine alone; use {parts.scheme}s://")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _http_url(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("must begin with https://")
    return _sound_url(url)


def _socket_url(url: str) -> str:
    if urlsplit(url).scheme not in ("ws", "wss"):
        raise ValueError("must begin with wss://")
    return _sound_url(url)


def _local_time(text: str) -> str:
    clock, _, zone = text.partition(" ")
    try:
        time.fromisoformat(clock)
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ValueError("must read HH:MM and a time zone, such as 18:30 America/New_York") from None
    return text


HttpUrl = Annotated[str, AfterValidator(_http_url)]
SocketUrl = Annotated[str, AfterValidator(_socket_url)]
SecretRef = Annotated[str, Field(pattern=r"^(env|file):[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
FileRef = Annotated[str, Field(pattern=r"^file:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$")]
Pointer = Annotated[str, Field(pattern=r"^(/[^/]+)+$")]
"""A place in a JSON document, as RFC 6901 writes it: /meta/pagination/total."""


class NoAuth(_Settings):
    """A service that asks for nothing."""

    kind: Literal["none"] = "none"


class ApiKeyAuth(_Settings):
    """A key in a header of its own."""

    kind: Literal["api_key"] = "api_key"
    header: HeaderName = "X-Api-Key"
    key_ref: SecretRef


class BasicAuth(_Settings):
    """HTTP Basic."""

    kind: Literal["basic"] = "basic"
    username: str
    password_ref: SecretRef


class ClientCredentialsAuth(_Settings):
    """OAuth2 client credentials (RFC 6749, section 4.4).

    Attributes:
        client_auth: how the client shows its secret: in a Basic header or in the form's body.
        scope: asked for; empty for none.
    """

    kind: Literal["oauth2_client_credentials"] = "oauth2_client_credentials"
    token_url: HttpUrl
    client_id: str
    client_secret_ref: SecretRef
    scope: str = ""
    client_auth: Literal["basic", "body"] = "basic"


class RefreshTokenAuth(_Settings):
    """OAuth2 refresh token (RFC 6749, section 6).

    Attributes:
        refresh_token_ref: a file, because a service that gives a new refresh token ends the old one: the new one is
            written back there.
        client_secret_ref: of a confidential client.
        client_auth: as in ``ClientCredentialsAuth``.
    """

    kind: Literal["oauth2_refresh"] = "oauth2_refresh"
    token_url: HttpUrl
    client_id: str
    refresh_token_ref: FileRef
    client_secret_ref: SecretRef | None = None
    client_auth: Literal["basic", "body"] = "basic"


class SessionTokenAuth(_Settings):
    """A session: credentials are posted as JSON, the answer holds a token, the token goes into a header.

    Attributes:
        login_url: where they are posted.
        body: what is posted; the texts ``{username}`` and ``{password}`` in it stand for the credentials.
        token_at: where the answer holds the token.
        header_format: the header's content, ``{}`` for the token.
        lifetime_seconds: after which a new session is opened; None: when the service refuses the old one.
    """

    kind: Literal["session_token"] = "session_token"
    login_url: HttpUrl
    username: str
    password_ref: SecretRef
    body: dict[str, JsonValue]
    token_at: Pointer = "/value"  # noqa: S105 (a place, not a token)
    header: HeaderName = "Authorization"
    header_format: Annotated[str, Field(pattern=r"^[^{}\r\n]*\{\}[^{}\r\n]*$")] = "Token {}"
    lifetime_seconds: Annotated[float, Field(gt=0)] | None = None


AnyAuth = Annotated[
    NoAuth | ApiKeyAuth | BasicAuth | ClientCredentialsAuth | RefreshTokenAuth | SessionTokenAuth,
    Field(discriminator="kind"),
]


class HttpLimits(_Settings):
    """How patient and how modest a client is.

    Attributes:
        connect_seconds: for the connection.
        read_seconds: for the next bytes.
        total_seconds: for one answer as a whole.
        attempts: times that one request is made before its fault is the caller's.
        first_wait_seconds: before the second attempt; it doubles from one to the next.
        longest_wait_seconds: most that is waited for one attempt. A service that asks for more is left alone until
            then: the visit ends, and no request is made before.
        requests, per_seconds: the rate that is kept, over a sliding window.
        failures_to_open: requests in a row that fail before none is made any more.
        cool_down_seconds: until one is tried again.
        max_page_bytes: of an answer that is held in memory (a page, a token, a SOAP envelope); one that is written
            straight to a file may have the connection's ``max_file_bytes``.
    """

    connect_seconds: Annotated[float, Field(gt=0, le=600)] = 10.0
    read_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    total_seconds: Annotated[float, Field(gt=0, le=86_400)] = 900.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    first_wait_seconds: Annotated[float, Field(ge=0, le=600)] = 1.0
    longest_wait_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    requests: Annotated[int, Field(ge=1)] = 10
    per_seconds: Annotated[float, Field(gt=0)] = 1.0
    failures_to_open: Annotated[int, Field(ge=1)] = 8
    cool_down_seconds: Annotated[float, Field(ge=0)] = 120.0
    max_page_bytes: Annotated[int, Field(gt=0)] = 64 * 1024**2


class _Service(_Settings):
    auth: AnyAuth = NoAuth()
    limits: HttpLimits = HttpLimits()
    ca_file: Path | None = None


class _Schedule(_Settings):
    lookback_days: Annotated[int, Field(ge=0, le=3660)] = 7
    ready_at: Annotated[str, Field(pattern=r"^\d\d:\d\d \S+$"), AfterValidator(_local_time)] = "20:00 America/New_York"
    ask_again_days: Annotated[int, Field(ge=0, le=60)] = 0


class RestTransport(_Service, _Schedule):
    """A service that is asked over HTTPS; what is asked for is the connector's (``Adapter.extractions``).

    Attributes:
        base_url: the paths of the extractions are below it.
        headers: sent with every request; never credentials.
        ca_file: certificate authorities to trust instead of the usual ones.
        lookback_days: calendar days back from today for which extractions are due.
        ready_at: local time at which a day's data can be asked for.
        ask_again_days: days for which a day's data are asked for again, for vendors that correct them under the same
            name; bytes that did not change are recorded as seen.
    """

    kind: Literal["rest"] = "rest"
    base_url: HttpUrl
    headers: dict[HeaderName, str] = Field(default_factory=dict)


class WsSecurityAuth(_Settings):
    """A user name and a password inside the SOAP envelope (WS-Security UsernameToken, in clear under TLS)."""

    kind: Literal["ws_security"] = "ws_security"
    username: str
    password_ref: SecretRef


class SoapTransport(_Schedule):
    """A SOAP service; its WSDL is the connector's. The address in the WSDL is not used.

    Attributes:
        url: the service's address.
        auth, limits, ca_file, lookback_days, ready_at, ask_again_days: as in ``RestTransport``.
    """

    kind: Literal["soap"] = "soap"
    url: HttpUrl
    auth: Annotated[
        NoAuth | ApiKeyAuth | BasicAuth | ClientCredentialsAuth | RefreshTokenAuth | SessionTokenAuth | WsSecurityAuth,
        Field(discriminator="kind"),
    ] = NoAuth()
    limits: HttpLimits = HttpLimits()
    ca_file: Path | None = None


class MessageBackfill(_Settings):
    """Missed messages are asked for over the stream itself: ``message`` with ``field`` set to the first number."""

    kind: Literal["message"] = "message"
    message: dict[str, JsonValue] = Field(default_factory=dict)
    field: str = "from"


class HttpBackfill(_Settings):
    """Missed messages are asked for over HTTPS and come one to a line.

    Attributes:
        base_url, path: where.
        from_parameter, to_parameter: names of the query's parameters for the first and the last number.
    """

    kind: Literal["http"] = "http"
    base_url: HttpUrl
    path: str
    from_parameter: str = "from"
    to_parameter: str = "to"


class Rotation(_Settings):
    """When a segment of a stream is closed: at the first of these.

    Attributes:
        messages: in it.
        seconds: since it was opened.
        size_bytes: of it.
    """

    messages: Annotated[int, Field(ge=1)] = 100_000
    seconds: Annotated[float, Field(gt=0)] = 300.0
    size_bytes: Annotated[int, Field(ge=1)] = 64 * 1024**2


class StreamTransport(_Service):
    """A price stream over WebSocket. A collector fills ``spool`` with closed segments; landing takes them from there.

    Attributes:
        url: of the stream.
        spool: folder of this machine, for this connection alone.
        prefix: begins the names of the segments.
        subscribe: messages that are sent after connecting, in order.
        sequence_field: where a message holds its number; numbers grow by one within a session.
        session_field: where it holds the session whose numbers these are; None: the numbers never begin anew.
        first_sequence: the number that every session begins with, so that a missed beginning shows; None: unknown.
        control_field, control_values: messages with one of these values there are the service's own (heartbeats,
            acknowledgements) and not kept.
        backfill: how missed messages are asked for.
        heartbeat_seconds: silence after which the connection counts as lost.
        rotation: when a segment is closed.
        max_message_bytes: of one message.
        auth, limits, ca_file: as in ``RestTransport``; an HTTP backfill is asked for with the same credentials.
    """

    kind: Literal["stream"] = "stream"
    url: SocketUrl
    spool: Path
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
    subscribe: tuple[dict[str, JsonValue], ...] = ()
    sequence_field: Pointer = "/seq"
    session_field: Pointer | None = None
    first_sequence: Annotated[int, Field(ge=0)] | None = None
    control_field: Pointer = "/type"
    control_values: tuple[str, ...] = ("heartbeat",)
    backfill: Annotated[MessageBackfill | HttpBackfill, Field(discriminator="kind")] | None = None
    heartbeat_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    rotation: Rotation = Rotation()
    max_message_bytes: Annotated[int, Field(gt=0)] = 1024**2


ServiceTransport = RestTransport | SoapTransport | StreamTransport
"""The kinds that ask a service."""
