"""Laws of an HTTP client that is modest and gives up in time, as seen through a REST folder."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import PermanentError, RetryableError
from connectors.services import NoAuth, RestTransport
from connectors.transport.extraction import CursorPaging, LinkPaging
from connectors.transport.guard import CircuitOpen, forget_states
from tests.connectors.http_fixture import Asked, Reply, TestClock, WebServer, json_reply, web_server
from tests.connectors.rest_fixture import TUESDAY, Landed, lander, limits, prices


@pytest.fixture
def server() -> Iterator[WebServer]:
    forget_states()
    with web_server() as running:
        yield running


@pytest.fixture
def clock() -> TestClock:
    return TestClock(TUESDAY)


@pytest.fixture
def landed(server: WebServer, clock: TestClock, tmp_path: Path) -> Landed:
    return lander(server, clock, tmp_path)


# What fails


@pytest.mark.parametrize(
    ("after", "seconds"), [("17", 17), ("Wed, 28 Dec 2022 23:00:21 GMT", 21), ("Tue, 27 Dec 2022 23:00:00 GMT", 0)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_a_service_asks_for_is_kept(
    server: WebServer, landed: Landed, clock: TestClock, status: int, after: str, seconds: float
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", status, {"Retry-After": after}), Reply(b"[]")]
    assert landed(prices(), limits=limits()) == b"[]"
    assert clock.slept == [seconds]


def test_a_wait_beyond_the_bound_ends_the_visit_and_is_kept_by_the_next(
    server: WebServer, landed: Landed, clock: TestClock
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 429, {"Retry-After": "3600"}), Reply(b"[]")]
    with pytest.raises(RetryableError, match=r"429.*3600 s"):
        landed(prices(), limits=limits())
    clock.elapsed += 3500
    with pytest.raises(CircuitOpen):
        landed(prices(), limits=limits())
    assert len(server.asked) == 1
    clock.elapsed += 101
    assert landed(prices(), limits=limits()) == b"[]"
    assert clock.slept == []


@pytest.mark.parametrize(
    "after", ["soon", "-5", "Wed, 99 Foo 2022", "Wed, 28 Dec 2022 23:00:00 +9999999999", "1.5", ""]
)
def test_a_wait_that_says_nothing_sound_is_replaced_by_our_own(
    server: WebServer, landed: Landed, clock: TestClock, after: str
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 429, {"Retry-After": after}), Reply(b"[]")]
    assert landed(prices(), limits=limits(first_wait_seconds=8)) == b"[]"
    assert 6 <= clock.slept[0] <= 8


def test_faults_of_the_service_are_retried_with_growing_waits_and_then_given_up(
    server: WebServer, landed: Landed, clock: TestClock
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"secret detail", 500)]
    with pytest.raises(RetryableError, match=r"^GET v1/prices: status 500 \(4 attempts\)$"):
        landed(prices(query={"account": "X123"}), limits=limits(attempts=4, longest_wait_seconds=3))
    assert [round(bound / slept, 2) >= 1 for bound, slept in zip([1, 2, 3], clock.slept, strict=True)] == [True] * 3
    assert clock.slept[0] < clock.slept[1] < clock.slept[2]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 409, 415])
def test_a_refusal_is_permanent_and_names_status_and_path_alone(server: WebServer, landed: Landed, status: int) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"account X123", status, {"X-Detail": "X123"})]
    with pytest.raises(PermanentError, match=rf"^GET v1/prices: {status}, ") as caught:
        landed(prices(query={"account": "X123"}))
    assert "X123" not in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_that_is_cut_lands_nothing_and_is_asked_for_again(
    server: WebServer, landed: Landed, chunked: bool
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"x" * 5000, cut_after=3000, chunked=chunked)]
    with pytest.raises(RetryableError, match="lost in the middle"):
        landed(prices(), limits=limits())
    assert len(server.asked) == 3
    server.scripts["/api/v1/prices"] = [Reply(b"x" * 5000, cut_after=3000, chunked=chunked), Reply(b"[2]")]
    assert landed(prices(), limits=limits()) == b"[2]"


def test_an_answer_whose_cut_would_not_show_is_refused(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"{}", unstated=True)]
    with pytest.raises(PermanentError, match="a cut would not show"):
        landed(prices())


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("changes", [{"max_bytes": 999}, {"paging": LinkPaging("/next"), "max_bytes": 999}])
def test_an_answer_beyond_the_bound_is_refused(
    server: WebServer, landed: Landed, chunked: bool, changes: dict[str, object]
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"[" + b" " * 998 + b"]", chunked=chunked)]
    with pytest.raises(PermanentError, match="bound of 999 bytes"):
        landed(prices(**changes))
    with pytest.raises(PermanentError, match="bound of 900 bytes"):
        landed(prices(), max_file_bytes=900)


def test_pages_that_are_together_beyond_the_bound_are_refused(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = lambda asked: json_reply({"next": int(asked.query.get("c", 0)) + 1})
    with pytest.raises(PermanentError, match="bound of 100 bytes"):
        landed(prices(paging=CursorPaging("c", field="/next"), max_bytes=100))


def test_a_compressed_answer_that_expands_beyond_the_bound_is_refused(server: WebServer, landed: Landed) -> None:
    body = gzip.compress(bytes(50_000_000))
    server.scripts["/api/v1/prices"] = [Reply(body, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(PermanentError, match="bound of 1000000 bytes"):
        landed(prices(max_bytes=1_000_000))


def test_a_damaged_compressed_answer_lands_nothing(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"not gzip", headers={"Content-Encoding": "gzip"})]
    with pytest.raises(RetryableError, match="compressed answer is damaged"):
        landed(prices(), limits=limits())


def test_an_answer_of_another_type_is_refused(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"<html>", content_type="text/html")]
    with pytest.raises(PermanentError, match="answered with text/html instead of application/json"):
        landed(prices())


def test_a_redirect_on_the_same_server_is_followed(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 307, {"Location": "/elsewhere?x=1"})]
    server.scripts["/elsewhere"] = [Reply(b"[1]")]
    assert landed(prices()) == b"[1]"


def test_a_redirect_to_another_server_is_refused(server: WebServer, landed: Landed) -> None:
    with web_server() as other:
        other.scripts["/api/v1/prices"] = [Reply(b"[1]")]
        server.scripts["/api/v1/prices"] = [Reply(b"", 302, {"Location": f"{other.url}/api/v1/prices"})]
        with pytest.raises(PermanentError, match="the redirect leads to another server"):
            landed(prices())
        assert other.asked == []


def test_redirects_in_a_circle_and_of_a_post_are_refused(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 302, {"Location": "/api/v1/prices"})]
    with pytest.raises(PermanentError, match="more than 5 redirects"):
        landed(prices())
    with pytest.raises(PermanentError, match="redirect of a POST"):
        landed(prices(method="POST", body={}))


def test_a_server_that_is_not_there_or_silent_is_retryable(server: WebServer, clock: TestClock, landed: Landed) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        there = WebServer(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(RetryableError, match=r"no answer in time \(2 attempts\)"):
            landed(prices(), base_url=there.url, limits=limits(attempts=2, read_seconds=0.1))
        silent.close()
        with pytest.raises(RetryableError, match=r"no connection \(2 attempts\)"):
            landed(prices(), base_url=there.url, limits=limits(attempts=2))


def test_an_answer_that_drips_beyond_the_whole_time_is_given_up(
    server: WebServer, clock: TestClock, landed: Landed
) -> None:
    def slow(_: Asked) -> Reply:
        clock.elapsed += 31  # as seen from the moment at which the request was sent
        return Reply()

    server.scripts["/api/v1/prices"] = slow
    with pytest.raises(RetryableError, match=r"longer than 30 s \(2 attempts\)"):
        landed(prices(), limits=limits(attempts=2, total_seconds=30))


# What keeps a client modest


def test_the_circuit_opens_after_failures_in_a_row_and_lets_one_request_try_after_the_cool_down(
    server: WebServer, landed: Landed, clock: TestClock
) -> None:
    patient = limits(attempts=2, failures_to_open=4, cool_down_seconds=100, first_wait_seconds=0)
    server.scripts["/api/v1/prices"] = [Reply(b"", 500)]
    for _ in range(2):
        with pytest.raises(RetryableError, match="status 500"):
            landed(prices(), limits=patient)
    with pytest.raises(CircuitOpen):
        landed(prices(), limits=patient)
    assert len(server.asked) == 4
    clock.elapsed += 101
    with pytest.raises(CircuitOpen):  # the one request that tries fails, and the circuit is open again
        landed(prices(), limits=patient)
    assert len(server.asked) == 5
    clock.elapsed += 101
    server.scripts["/api/v1/prices"] = [Reply(b"[]"), Reply(b"", 500), Reply(b"[]")]
    assert landed(prices(), limits=patient) == b"[]"
    assert landed(prices(), limits=patient) == b"[]"  # closed: one failure is retried again


def test_a_refused_request_does_not_open_the_circuit(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 404)]
    for _ in range(5):
        with pytest.raises(PermanentError):
            landed(prices(), limits=limits(failures_to_open=2))
    assert len(server.asked) == 5


def test_one_connection_s_open_circuit_leaves_another_s_closed(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 500), Reply(b"[]")]
    one = limits(attempts=1, failures_to_open=1)
    with pytest.raises(RetryableError):
        landed(prices(), limits=one)
    with pytest.raises(CircuitOpen):
        landed(prices(), limits=one)
    assert landed(prices(), limits=one, lookback_days=1, ready_at="19:00 America/New_York") == b"[]"


def test_the_rate_is_kept_over_any_window(server: WebServer, landed: Landed, clock: TestClock) -> None:
    server.scripts["/api/v1/prices"] = lambda asked: json_reply(
        {"next": int(asked.query.get("c", 0)) + 1} if int(asked.query.get("c", 0)) < 6 else {}
    )
    landed(prices(paging=CursorPaging("c", field="/next")), limits=limits(requests=3, per_seconds=10))
    assert clock.slept == [10, 10]  # seven requests: three at once, three after 10 s, the last after 20 s


# Settings


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "https://user:pw@api.example.com",
        "https://api.example.com?key=1",
        "https://api.example.com/#x",
        "ftp://api.example.com",
        "api.example.com",
        "https://",
        "http://localhost.example.com",
        "https://api.example.com:99999999",
    ],
)
def test_an_address_without_tls_or_with_credentials_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        RestTransport.model_validate({"base_url": url})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:1", "http://localhost", "https://a.example/x/"])
def test_an_address_under_tls_or_of_this_machine_is_taken(url: str) -> None:
    assert RestTransport.model_validate({"base_url": url}).base_url == url.rstrip("/")
    assert RestTransport.model_validate({"base_url": url}).auth == NoAuth()


@pytest.mark.parametrize("ready_at", ["18:00", "18:00 Mars/Olympus", "six America/New_York", "29:00 UTC", "18:61 UTC"])
def test_a_time_that_is_none_is_refused(ready_at: str) -> None:
    with pytest.raises(ValueError, match="ready_at"):
        RestTransport.model_validate({"base_url": "https://a.example", "ready_at": ready_at})
