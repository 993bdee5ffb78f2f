"""Laws of credentials on requests: sent where they belong, renewed when they run out, shown nowhere."""

from __future__ import annotations

import base64
import json
import logging
import stat
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from connectors import secrets
from connectors.errors import PermanentError, RetryableError
from connectors.services import HttpLimits, RestTransport
from connectors.transport.guard import ServiceState, forget_states, state_for
from connectors.transport.http_auth import Authorized
from connectors.transport.http_client import Call, HttpClient
from tests.connectors.http_fixture import Asked, Reply, TestClock, WebServer, at, certificate, json_reply, web_server

SECRET = "Zq7-correct-horse-battery"
TOKENS = ["tok-Alpha-111", "tok-Bravo-222", "tok-Charlie-333"]


@pytest.fixture(autouse=True)
def _fresh_state() -> None:
    forget_states()


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        running.scripts["/data"] = [Reply(b"[1]")]
        yield running


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "vendor").write_text(SECRET + "\n")
    (folder / "vendor").chmod(0o600)
    return folder


@pytest.fixture
def clock() -> TestClock:
    return TestClock(at("2022-12-28T23:00:00"))


Ask = Callable[..., None]


@pytest.fixture
def ask(server: WebServer, secrets_dir: Path, clock: TestClock) -> Ask:
    """Ask for /data with the given credentials, as a visit does."""

    def once(auth: dict[str, object], *, url: str | None = None, ca_file: Path | None = None) -> None:
        settings = RestTransport.model_validate({"base_url": server.url, "auth": auth, "ca_file": ca_file})
        limits = HttpLimits(attempts=2, requests=1000)
        state: ServiceState = state_for(json.dumps(auth), limits)
        with HttpClient(limits, settings.ca_file, state, clock) as client:
            asker = Authorized(client, settings.auth, secrets_dir)
            asker.check()
            answer = asker.ask(Call("GET data", "GET", httpx.URL(f"{url or server.url}/data")))
            assert answer.body == b"[1]"

    return once


def issuer(lifetime: object = 1800, **more: object) -> Callable[[Asked], Reply]:
    """A token endpoint that gives another token each time."""
    left = iter(TOKENS)
    return lambda asked: json_reply(
        {"access_token": next(left), "token_type": "Bearer", "expires_in": lifetime, **more}
    )


def shown_to_data(server: WebServer, header: str = "authorization") -> list[str]:
    return [asked.headers[header] for asked in server.asked if asked.path == "/data"]


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


API_KEY: dict[str, object] = {"kind": "api_key", "header": "X-Vendor-Key", "key_ref": "file:vendor"}
BASIC: dict[str, object] = {"kind": "basic", "username": "ALDER-1234567", "password_ref": "file:vendor"}


def client_credentials(server: WebServer, **changes: object) -> dict[str, object]:
    return {
        "kind": "oauth2_client_credentials",
        "token_url": f"{server.url}/token",
        "client_id": "alder/1",
        "client_secret_ref": "file:vendor",
        "scope": "prices read",
        **changes,
    }


def refresh_token(server: WebServer, **changes: object) -> dict[str, object]:
    return {
        "kind": "oauth2_refresh",
        "token_url": f"{server.url}/token",
        "client_id": "alder",
        "refresh_token_ref": "file:vendor",
        **changes,
    }


def session(server: WebServer, **changes: object) -> dict[str, object]:
    return {
        "kind": "session_token",
        "login_url": f"{server.url}/Authentication/RequestToken",
        "username": "9012345",
        "password_ref": "file:vendor",
        "body": {"Credentials": {"Username": "{username}", "Password": "{password}"}},
        **changes,
    }


def test_an_api_key_goes_into_its_header(server: WebServer, ask: Ask) -> None:
    ask(API_KEY)
    assert shown_to_data(server, "x-vendor-key") == [SECRET]


def test_basic_credentials_are_sent_as_rfc_7617_says(server: WebServer, ask: Ask) -> None:
    ask(BASIC)
    assert shown_to_data(server) == [basic(f"ALDER-1234567:{SECRET}")]


def test_client_credentials_fetch_a_token_once_for_many_visits(server: WebServer, ask: Ask) -> None:
    server.scripts["/token"] = issuer()
    ask(client_credentials(server))
    ask(client_credentials(server))
    assert server.paths() == ["/token", "/data", "/data"]
    assert shown_to_data(server) == [f"Bearer {TOKENS[0]}"] * 2
    token = server.asked[0]
    assert parse_qs(token.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["prices read"]}
    assert token.headers["authorization"] == basic(f"alder%2F1:{SECRET}")


def test_client_credentials_can_be_sent_in_the_form(server: WebServer, ask: Ask) -> None:
    server.scripts["/token"] = issuer()
    ask(client_credentials(server, client_auth="body", scope=""))
    form = {"grant_type": ["client_credentials"], "client_id": ["alder/1"], "client_secret": [SECRET]}
    assert parse_qs(server.asked[0].body.decode()) == form
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("lifetime", [1800, "1800"])
def test_a_token_is_renewed_a_minute_before_its_end(
    server: WebServer, ask: Ask, clock: TestClock, lifetime: object
) -> None:
    server.scripts["/token"] = issuer(lifetime)
    ask(client_credentials(server))
    clock.elapsed += 1739
    ask(client_credentials(server))
    clock.elapsed += 1
    ask(client_credentials(server))
    assert shown_to_data(server) == [f"Bearer {t}" for t in (TOKENS[0], TOKENS[0], TOKENS[1])]


@pytest.mark.parametrize("lifetime", [None, "soon", 0, -1, 10**400, "inf", [1]])
def test_a_token_of_unknown_life_is_used_until_it_is_refused(
    server: WebServer, ask: Ask, clock: TestClock, lifetime: object
) -> None:
    server.scripts["/token"] = issuer(lifetime)
    ask(client_credentials(server))
    clock.elapsed += 1e6
    ask(client_credentials(server))
    assert server.paths().count("/token") == 1


def test_a_refused_token_is_renewed_once(server: WebServer, ask: Ask) -> None:
    server.scripts["/token"] = issuer()
    server.scripts["/data"] = [Reply(b"", 401), Reply(b"[1]")]
    ask(client_credentials(server))
    assert shown_to_data(server) == [f"Bearer {TOKENS[0]}", f"Bearer {TOKENS[1]}"]


def test_a_token_that_is_refused_again_is_a_permanent_fault(server: WebServer, ask: Ask) -> None:
    server.scripts["/token"] = issuer()
    server.scripts["/data"] = [Reply(b"", 401)]
    with pytest.raises(PermanentError, match="GET data: 401, the credentials are refused"):
        ask(client_credentials(server))
    assert server.paths() == ["/token", "/data", "/token", "/data"]


@pytest.mark.parametrize("auth", [API_KEY, BASIC])
def test_credentials_that_cannot_be_renewed_are_tried_once(
    server: WebServer, ask: Ask, auth: dict[str, object]
) -> None:
    server.scripts["/data"] = [Reply(b"", 401)]
    with pytest.raises(PermanentError, match="401"):
        ask(auth)
    assert len(server.asked) == 1


def test_a_session_is_opened_with_the_service_s_own_body_and_header(
    server: WebServer, ask: Ask, clock: TestClock
) -> None:
    left = iter(TOKENS)
    server.scripts["/Authentication/RequestToken"] = lambda _: json_reply({"@odata.context": "x", "value": next(left)})
    ask(session(server, lifetime_seconds=86_400))
    clock.elapsed += 86_400
    ask(session(server, lifetime_seconds=86_400))
    assert json.loads(server.asked[0].body) == {"Credentials": {"Username": "9012345", "Password": SECRET}}
    assert shown_to_data(server) == [f"Token {TOKENS[0]}", f"Token {TOKENS[1]}"]


def test_a_new_refresh_token_is_written_back_for_its_owner_alone(
    server: WebServer, ask: Ask, secrets_dir: Path, clock: TestClock
) -> None:
    rotated = iter(["rt-2", "rt-3"])
    left = iter(TOKENS)
    server.scripts["/token"] = lambda _: json_reply(
        {"access_token": next(left), "expires_in": 100, "refresh_token": next(rotated)}
    )
    ask(refresh_token(server))
    assert (secrets_dir / "vendor").read_text() == "rt-2"
    assert stat.S_IMODE((secrets_dir / "vendor").stat().st_mode) == 0o600
    clock.elapsed += 100
    ask(refresh_token(server))
    forms = [parse_qs(asked.body.decode()) for asked in server.asked if asked.path == "/token"]
    assert forms == [
        {"grant_type": ["refresh_token"], "refresh_token": [token], "client_id": ["alder"]}
        for token in (SECRET, "rt-2")
    ]
    assert sorted(p.name for p in secrets_dir.iterdir()) == [".vendor.lock", "vendor"]


def test_a_refresh_token_that_stays_is_left_as_it_is(server: WebServer, ask: Ask, secrets_dir: Path) -> None:
    server.scripts["/token"] = issuer()
    before = (secrets_dir / "vendor").stat()
    ask(refresh_token(server))
    after = (secrets_dir / "vendor").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_refresh_token_in_the_environment_is_refused_because_it_cannot_be_written_back(server: WebServer) -> None:
    with pytest.raises(ValueError, match="refresh_token_ref"):
        RestTransport.model_validate(
            {"base_url": server.url, "auth": refresh_token(server, refresh_token_ref="env:TOKEN")}
        )


def test_a_secret_is_never_written_outside_its_folder(secrets_dir: Path, tmp_path: Path) -> None:
    (secrets_dir / "away").symlink_to(tmp_path / "outside")
    for ref in ("file:away", "file:../outside", "env:OUTSIDE"):
        with pytest.raises(PermanentError) as caught:
            secrets.replace(ref, SECRET, secrets_dir)
        assert SECRET not in str(caught.value)
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"not json"),
        Reply(b"[1]"),
        json_reply({"token": "x"}),
        json_reply({"access_token": 5}),
        json_reply({"access_token": ""}),
        json_reply({"access_token": "a\r\nX-Evil: 1"}),
        Reply(b"", 400),
        Reply(b"", 401),
        Reply(b"", 302, {"Location": "/data"}),
    ],
    ids=lambda reply: f"{reply.status} {reply.body.decode()[:24]}",
)
def test_a_token_endpoint_that_gives_no_token_is_a_permanent_fault_named_as_such(
    server: WebServer, ask: Ask, reply: Reply
) -> None:
    server.scripts["/token"] = [reply]
    with pytest.raises(PermanentError, match=r"POST /token \(credentials\)"):
        ask(client_credentials(server))
    assert "/data" not in server.paths()


def test_a_token_endpoint_that_is_ill_is_retried(server: WebServer, ask: Ask) -> None:
    server.scripts["/token"] = [Reply(b"", 502), json_reply({"access_token": TOKENS[0]})]
    ask(client_credentials(server))
    server.scripts["/token"] = [Reply(b"", 502)]
    forget_states()
    with pytest.raises(RetryableError, match=r"POST /token \(credentials\): status 502"):
        ask(client_credentials(server))


def test_a_missing_secret_shows_before_anything_is_asked(server: WebServer, ask: Ask) -> None:
    with pytest.raises(PermanentError, match="file:elsewhere"):
        ask({**API_KEY, "key_ref": "file:elsewhere"})
    assert server.asked == []


# Never shown


def chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    pending = [error]
    while pending:
        one = pending.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            pending += [one.__cause__, one.__context__]


@pytest.mark.parametrize("kind", ["api_key", "basic", "client", "client_body", "refresh", "session"])
@pytest.mark.parametrize("fault", ["refused", "ill", "cut", "unreachable", "redirected", "garbled"])
def test_no_secret_is_in_anything_raised_or_logged(
    server: WebServer,
    ask: Ask,
    kind: str,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    auth = {
        "api_key": API_KEY,
        "basic": BASIC,
        "client": client_credentials(server),
        "client_body": client_credentials(server, client_auth="body"),
        "refresh": refresh_token(server),
        "session": session(server, token_at="/access_token"),
    }[kind]
    echo = SECRET.encode() + b" " + TOKENS[0].encode()
    server.scripts["/token"] = server.scripts["/Authentication/RequestToken"] = issuer(refresh_token="rt-Delta-444")
    server.scripts["/data"] = {
        "refused": [Reply(echo, 401, {"X-Echo": SECRET})],
        "ill": [Reply(echo, 500, {"Retry-After": SECRET})],
        "cut": [Reply(echo * 9, cut_after=10)],
        "unreachable": [Reply()],
        "redirected": [Reply(b"", 302, {"Location": f"https://other.example/?t={SECRET}"})],
        "garbled": [Reply(echo, headers={"Content-Encoding": "gzip"})],
    }[fault]
    with pytest.raises((PermanentError, RetryableError)) as caught:
        ask(auth, url="http://127.0.0.1:1" if fault == "unreachable" else None)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(capfd.readouterr())
    shown += "".join(f"{e!r}{e}" for e in chain(caught.value))
    encoded = base64.b64encode(f"ALDER-1234567:{SECRET}".encode()).decode()
    for secret in (SECRET, encoded, "rt-Delta-444", *TOKENS):
        assert secret not in shown


@pytest.mark.parametrize("bad", ["line\nbreak-Zq7", "umlaut-ü-Zq7", "tab\t-Zq7"])
def test_a_secret_that_no_header_can_carry_is_refused_without_being_shown(
    ask: Ask, secrets_dir: Path, bad: str
) -> None:
    (secrets_dir / "vendor").write_text(bad)
    with pytest.raises(PermanentError, match="file:vendor: holds characters") as caught:
        ask(API_KEY)
    assert not any("Zq7" in f"{e!r}{e}" for e in chain(caught.value))


def test_settings_and_state_do_not_show_secrets(server: WebServer, ask: Ask, secrets_dir: Path) -> None:
    server.scripts["/token"] = issuer()
    auth = client_credentials(server)
    ask(auth)
    state = state_for(json.dumps(auth), HttpLimits())
    assert state.token is not None
    assert TOKENS[0] not in repr(state) + repr(state.token)
    call = Call("GET data", "GET", httpx.URL(server.url), {"Authorization": SECRET}, SECRET.encode())
    assert SECRET not in repr(call)


# TLS


def test_a_server_without_a_trusted_certificate_sees_no_credential(ask: Ask, tmp_path: Path) -> None:
    ca_file, context = certificate(tmp_path)
    with web_server(context) as server:
        server.scripts["/data"] = [Reply(b"[1]")]
        with pytest.raises(PermanentError, match="certificate is not trusted"):
            ask(API_KEY, url=server.url)
        assert server.asked == []
        ask(API_KEY, url=server.url, ca_file=ca_file)
        assert shown_to_data(server, "x-vendor-key") == [SECRET]


def test_a_file_of_authorities_that_holds_none_is_refused(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "missing.pem"):
        with pytest.raises(PermanentError, match="ca_file"):
            ask(API_KEY, ca_file=tmp_path / name)
