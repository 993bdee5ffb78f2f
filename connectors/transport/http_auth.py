"""Credentials on requests: resolved by reference, put into headers, renewed when they run out; never shown.

A token is kept in the connection's ``ServiceState``, so that a visit uses that of the one before.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx

from connectors import secrets
from connectors.errors import PermanentError
from connectors.services import (
    AnyAuth,
    ApiKeyAuth,
    BasicAuth,
    ClientCredentialsAuth,
    NoAuth,
    RefreshTokenAuth,
    SessionTokenAuth,
)
from connectors.transport.guard import Token
from connectors.transport.http_client import Answer, Call, HttpClient, refusal
from connectors.transport.pointer import pointed

_VISIBLE: Final = re.compile(r"[\x21-\x7e]+(?: +[\x21-\x7e]+)*")
_MARGIN_SECONDS: Final = 60.0
"""A token is renewed so long before its end, or a tenth of its life if that is less."""

_TokenAuth = ClientCredentialsAuth | RefreshTokenAuth | SessionTokenAuth


class Authorized:
    """A client whose calls carry the connection's credentials. The secrets are resolved when they are first needed."""

    def __init__(self, client: HttpClient, auth: AnyAuth, secrets_dir: Path) -> None:
        self._client = client
        self._auth = auth
        self._secrets_dir = secrets_dir

    def ask(self, call: Call, sink: Path | None = None, max_bytes: int | None = None) -> Answer:
        """As ``HttpClient.ask``, with credentials; one refused token is renewed once.

        Raises:
            PermanentError: beside that function's, a secret cannot be resolved or the credentials are refused.
        """
        answer = self._client.ask(self._signed(call), sink, max_bytes)
        if answer.status == 401 and self.renew():
            answer = self._client.ask(self._signed(call), sink, max_bytes)
        if answer.status == 401:
            raise refusal(call.label, answer.status)
        return answer

    def renew(self) -> bool:
        """Forget a token that was refused; whether another one can be had."""
        if not isinstance(self._auth, _TokenAuth):
            return False
        with self._client.state.lock:
            self._client.state.token = None
        return True

    def headers(self) -> dict[str, str]:
        """The headers that carry the credentials; a token is fetched where there is none."""
        auth = self._auth
        if isinstance(auth, NoAuth):
            return {}
        if isinstance(auth, ApiKeyAuth):
            return {auth.header: _sendable(self._secret(auth.key_ref), auth.key_ref)}
        if isinstance(auth, BasicAuth):
            return {"Authorization": _basic(auth.username, self._secret(auth.password_ref))}
        token = self._token(auth)
        if isinstance(auth, SessionTokenAuth):
            return {auth.header: auth.header_format.format(token)}
        return {"Authorization": f"Bearer {token}"}

    def check(self) -> None:
        """Resolve every secret, so that a missing one shows before anything is asked.

        Raises:
            PermanentError: one cannot be resolved.
        """
        for name, value in self._auth:
            if name.endswith("_ref") and value is not None:
                self._secret(value)

    def _signed(self, call: Call) -> Call:
        return dataclasses.replace(call, headers={**call.headers, **self.headers()})

    def _secret(self, ref: str) -> str:
        return secrets.resolve(ref, self._secrets_dir)

    def _token(self, auth: _TokenAuth) -> str:
        state, clock = self._client.state, self._client.clock
        with state.lock:
            if state.token is None or clock.monotonic() >= state.token.renew_at:
                state.token = self._fetched(auth)
            return state.token.secret

    def _fetched(self, auth: _TokenAuth) -> Token:
        if isinstance(auth, SessionTokenAuth):
            return self._session(auth)
        if isinstance(auth, ClientCredentialsAuth):
            form = {"grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})
            return self._granted(auth, form, self._secret(auth.client_secret_ref))[0]
        # The old refresh token may be spent the moment it is used: no other process may use it meanwhile.
        with secrets.held(auth.refresh_token_ref, self._secrets_dir):
            old = self._secret(auth.refresh_token_ref)
            secret = self._secret(auth.client_secret_ref) if auth.client_secret_ref else None
            form = {"grant_type": "refresh_token", "refresh_token": old}
            token, document = self._granted(auth, form, secret)
            rotated = document.get("refresh_token")
            if isinstance(rotated, str) and rotated and rotated != old:
                secrets.replace(auth.refresh_token_ref, rotated, self._secrets_dir)
        return token

    def _granted(
        self, auth: ClientCredentialsAuth | RefreshTokenAuth, form: dict[str, str], secret: str | None
    ) -> tuple[Token, Mapping[str, object]]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if secret is not None and auth.client_auth == "basic":
            # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            headers["Authorization"] = _basic(quote_plus(auth.client_id), quote_plus(secret))
        else:
            form |= {"client_id": auth.client_id} | ({"client_secret": secret} if secret is not None else {})
        document = self._posted(auth.token_url, headers, urlencode(form).encode())
        seconds = document.get("expires_in")
        return self._made(document.get("access_token"), _seconds(seconds), auth.token_url), document

    def _session(self, auth: SessionTokenAuth) -> Token:
        filled = _filled(auth.body, {"{username}": auth.username, "{password}": self._secret(auth.password_ref)})
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        document = self._posted(auth.login_url, headers, json.dumps(filled).encode())
        return self._made(pointed(document, auth.token_at), auth.lifetime_seconds, auth.login_url)

    def _posted(self, url: str, headers: Mapping[str, str], content: bytes) -> Mapping[str, object]:
        label = _label(url)
        answer = self._client.ask(Call(label, "POST", httpx.URL(url), headers, content))
        if answer.status == 401:
            raise refusal(label, answer.status)
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise PermanentError(f"{label}: the answer is no JSON object")
        return document

    def _made(self, secret: object, seconds: float | None, url: str) -> Token:
        if not isinstance(secret, str) or not _VISIBLE.fullmatch(secret):
            raise PermanentError(f"{_label(url)}: the answer holds no token where one is expected")
        if seconds is None:
            return Token(secret, math.inf)
        return Token(secret, self._client.clock.monotonic() + seconds - min(_MARGIN_SECONDS, seconds / 10))


def _label(url: str) -> str:
    return f"POST {urlsplit(url).path or '/'} (credentials)"


def _seconds(value: object) -> float | None:
    """``expires_in``, which some services send as text."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None
    return seconds if seconds is not None and 0 < seconds < math.inf else None


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _sendable(secret: str, ref: str) -> str:
    """Refuse a secret that no header can carry; the library's error for it would show it."""
    if not _VISIBLE.fullmatch(secret):
        raise PermanentError(f"{ref}: holds characters that cannot be sent in a header")
    return secret


def _filled(template: object, values: Mapping[str, str]) -> object:
    if isinstance(template, dict):
        return {name: _filled(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [_filled(value, values) for value in template]
    return values.get(template, template) if isinstance(template, str) else template
