"""Laws of asking a REST service, against a server of another make."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from connectors.connection import Connection, LocalTransport
from connectors.errors import PermanentError, RetryableError
from connectors.services import HttpLimits, NoAuth, RestTransport
from connectors.transport.base import FileNotTaken, RemoteFile
from connectors.transport.extraction import CursorPaging, Extraction, Job, LinkPaging, OffsetPaging
from connectors.transport.guard import CircuitOpen, forget_states
from connectors.transport.rest import RestFolder
from connectors.transport.scheduled import Schedule
from tests.connectors.http_fixture import Asked, Reply, TestClock, WebServer, at, json_reply, web_server

TUESDAY = at("2022-12-28T23:00:00")
"""18:00 in New York, three hours after the close."""

SETTINGS: dict[str, object] = {"lookback_days": 0, "ready_at": "17:00 America/New_York"}


@pytest.fixture(autouse=True)
def _fresh_state() -> None:
    forget_states()


@pytest.fixture
def server() -> Iterator[WebServer]:
    with web_server() as running:
        yield running


@pytest.fixture
def clock() -> TestClock:
    return TestClock(TUESDAY)


def connection(transport: RestTransport, **changes: object) -> Connection:
    # Built without validation: the transport union is not what is tested here.
    settings = {"connection_id": "prices", "adapter": "vendor", "transport": LocalTransport(path=Path()), **changes}
    return Connection.model_validate(settings).model_copy(update={"transport": transport})


@contextmanager
def folder(
    server: WebServer,
    clock: TestClock,
    *extractions: Extraction,
    secrets_dir: Path = Path("/nowhere"),
    max_file_bytes: int = 10_000_000,
    **changes: object,
) -> Iterator[RestFolder]:
    settings = RestTransport.model_validate({"base_url": f"{server.url}/api", **SETTINGS, **changes})
    schedule = Schedule(connection(settings, max_file_bytes=max_file_bytes), lambda _, day: extractions, "XNYS")
    with RestFolder(settings, schedule, secrets_dir, clock) as opened:
        yield opened


@pytest.fixture
def landed(server: WebServer, clock: TestClock, tmp_path: Path) -> Callable[..., bytes]:
    """What lands of one extraction; nothing but the file may be left in its folder."""

    def land(extraction: Extraction, **changes: object) -> bytes:
        target = tmp_path / "landing"
        target.mkdir(exist_ok=True)
        try:
            with folder(server, clock, extraction, **changes) as opened:
                (remote,) = opened.list_files().files
                opened.fetch(remote, target / "out")
                return (target / "out").read_bytes()
        finally:
            assert [p.name for p in target.iterdir() if p.name != "out"] == []

    return land


def prices(**changes: object) -> Extraction:
    return Extraction(**{"name": "prices_20221228.json", "path": "v1/prices", **changes})  # type: ignore[arg-type]


def limits(**changes: object) -> HttpLimits:
    return HttpLimits.model_validate({"attempts": 3, "requests": 1000, "failures_to_open": 100, **changes})


# What is due


def days_listed(clock: TestClock, **changes: object) -> list[tuple[str, str]]:
    settings = RestTransport.model_validate({"base_url": "http://127.0.0.1:9", **changes})

    def requests(_: Connection, day: date) -> list[Extraction]:
        return [Extraction(f"prices_{day:%Y%m%d}.json", "v1/prices")]

    schedule = Schedule(connection(settings), requests, "XNYS")
    with RestFolder(settings, schedule, Path("/nowhere"), clock) as opened:
        return [(f.path, f.modified_at.isoformat()) for f in opened.list_files().files]


def test_the_listing_is_of_the_sessions_that_are_ready_and_asks_nobody() -> None:
    # 26 December 2022 was a holiday in New York, the 24th and 25th a weekend; at 20:59:59 UTC the 28th is not ready.
    assert days_listed(TestClock(at("2022-12-28T20:59:59")), lookback_days=5, ready_at="16:00 America/New_York") == [
        ("prices_20221223.json", "2022-12-23T21:00:00+00:00"),
        ("prices_20221227.json", "2022-12-27T21:00:00+00:00"),
    ]
    assert days_listed(TestClock(at("2022-12-28T21:00:00")), lookback_days=0, ready_at="16:00 America/New_York") == [
        ("prices_20221228.json", "2022-12-28T21:00:00+00:00")
    ]


def test_a_day_that_is_asked_for_again_moves_its_time_on_by_whole_days_and_then_stands() -> None:
    again = {"lookback_days": 6, "ready_at": "16:00 America/New_York", "ask_again_days": 2}

    def time_of_the_27th(now: str) -> str:
        return dict(days_listed(TestClock(at(now)), **again))["prices_20221227.json"]

    assert time_of_the_27th("2022-12-27T22:00:00") == "2022-12-27T21:00:00+00:00"
    assert time_of_the_27th("2022-12-28T20:59:00") == "2022-12-27T21:00:00+00:00"
    assert time_of_the_27th("2022-12-28T21:00:00") == "2022-12-28T21:00:00+00:00"
    assert time_of_the_27th("2023-01-02T12:00:00") == "2022-12-29T21:00:00+00:00"


@pytest.mark.parametrize("name", ["../x.json", "a/b.json", "", ".hidden", "x.part", "a\nb"])
def test_an_extraction_that_would_land_under_an_unsafe_name_is_refused(
    server: WebServer, clock: TestClock, name: str
) -> None:
    with folder(server, clock, prices(name=name)) as opened, pytest.raises(PermanentError):
        opened.list_files()


def test_two_extractions_of_one_name_are_refused(server: WebServer, clock: TestClock) -> None:
    with folder(server, clock, prices(), prices()) as opened, pytest.raises(PermanentError, match="two extractions"):
        opened.list_files()


def test_what_is_not_due_is_not_fetched(server: WebServer, clock: TestClock, tmp_path: Path) -> None:
    stranger = RemoteFile("other.json", -1, TUESDAY)
    with folder(server, clock, prices()) as opened, pytest.raises(FileNotTaken, match="not due"):
        opened.fetch(stranger, tmp_path / "out")
    assert server.asked == []


# What lands


@pytest.mark.parametrize("chunked", [False, True])
def test_one_answer_lands_byte_for_byte(server: WebServer, landed: Callable[..., bytes], chunked: bool) -> None:
    body = b'{\r\n  "price": 1.10,\n  "price": 1.1000000000000000000001 }\n\xef\xbb\xbf'
    server.scripts["/api/v1/prices"] = [Reply(body, chunked=chunked)]
    assert landed(prices()) == body


def test_a_compressed_answer_lands_expanded(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply(gzip.compress(b'{"a":1}'), headers={"Content-Encoding": "gzip"})]
    assert landed(prices()) == b'{"a":1}'


def test_the_request_is_as_the_extraction_says(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply()]
    extraction = prices(
        method="POST", query={"day": "2022-12-28"}, body={"ids": ["AAPL-US"]}, headers={"Prefer": "respond-async"}
    )
    landed(extraction, headers={"Api-Version": "2"})
    (asked,) = server.asked
    assert (asked.method, asked.query) == ("POST", {"day": "2022-12-28"})
    assert json.loads(asked.body) == {"ids": ["AAPL-US"]}
    assert {n: asked.headers[n] for n in ("prefer", "api-version", "accept", "content-type")} == {
        "prefer": "respond-async",
        "api-version": "2",
        "accept": "application/json",
        "content-type": "application/json",
    }


def paged(server: WebServer, pages: list[str], next_headers: Callable[[int], dict[str, str]] = lambda n: {}) -> None:
    numbers = iter(range(len(pages)))

    def answer(_: Asked) -> Reply:
        number = next(numbers)
        return Reply(pages[number].encode(), headers=next_headers(number))

    server.scripts["/api/v1/prices"] = answer


def test_pages_by_a_cursor_in_the_body_land_a_page_to_a_line(server: WebServer, landed: Callable[..., bytes]) -> None:
    paged(server, ['{"data":[1.10],\n "next":"a b&c"}', '{"data":[2],\r\n"next":7}', '{"data":[],"next":null}'])
    result = landed(prices(query={"d": "1"}, paging=CursorPaging("cursor", field="/next")))
    assert result == (b'{"data":[1.10],  "next":"a b&c"}\n{"data":[2],  "next":7}\n{"data":[],"next":null}\n')
    assert [dict(asked.query) for asked in server.asked] == [
        {"d": "1"},
        {"d": "1", "cursor": "a b&c"},
        {"d": "1", "cursor": "7"},
    ]


def test_pages_by_a_cursor_in_a_header_and_a_posted_body(server: WebServer, landed: Callable[..., bytes]) -> None:
    paged(server, ["[1]", "[2]"], lambda n: {"X-Next": "two"} if n == 0 else {})
    paging = CursorPaging("page", header="X-Next", place="body")
    assert landed(prices(method="POST", body={"ids": [1]}, paging=paging)) == b"[1]\n[2]\n"
    assert [json.loads(asked.body) for asked in server.asked] == [{"ids": [1]}, {"ids": [1], "page": "two"}]


def test_pages_by_offset_follow_on_what_really_came(server: WebServer, landed: Callable[..., bytes]) -> None:
    # The service gives two items though three are asked for: by the limit alone, one would be passed over.
    paged(server, ['{"d":[1,2],"m":{"t":5}}', '{"d":[3,4],"m":{"t":5}}', '{"d":[5],"m":{"t":5}}'])
    result = landed(prices(paging=OffsetPaging(3, items="/d", total="/m/t")))
    assert result.count(b"\n") == 3
    assert [(asked.query["offset"], asked.query["limit"]) for asked in server.asked] == [
        ("0", "3"),
        ("2", "3"),
        ("4", "3"),
    ]


@pytest.mark.parametrize("second", ['{"d":[],"t":3}', '{"d":[3],"t":4}'])
def test_pages_that_change_while_they_are_read_are_left_for_the_next_visit(
    server: WebServer, landed: Callable[..., bytes], second: str
) -> None:
    paged(server, ['{"d":[1,2],"t":3}', second])
    with pytest.raises(FileNotTaken):
        landed(prices(paging=OffsetPaging(2, items="/d", total="/t")))


def test_pages_by_a_link_in_the_body_are_got_without_the_body(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [
        json_reply({"value": [1], "@odata.nextlink": f"{server.url}/api/v1/more?$skiptoken=2"})
    ]
    server.scripts["/api/v1/more"] = [json_reply({"value": [2]})]
    landed(prices(method="POST", body={"ids": [1]}, paging=LinkPaging("/@odata.nextlink")))
    assert [(a.method, a.path, dict(a.query), a.body) for a in server.asked] == [
        ("POST", "/api/v1/prices", {}, b'{"ids": [1]}'),
        ("GET", "/api/v1/more", {"$skiptoken": "2"}, b""),
    ]


def test_pages_by_a_link_header_follow_the_next_relation_alone(server: WebServer, landed: Callable[..., bytes]) -> None:
    links = '</api/v1/prices?p=9>; rel="last"; title="a, b", </api/v1/prices?p=2>; title=x; rel="next prefetch"'
    paged(server, ["[1]", "[2]"], lambda n: {"Link": links} if n == 0 else {"Link": '</api/v1/prices>; rel="first"'})
    assert landed(prices(paging=LinkPaging())) == b"[1]\n[2]\n"
    assert [dict(a.query) for a in server.asked] == [{}, {"p": "2"}]


def test_a_link_to_another_server_is_not_followed(server: WebServer, landed: Callable[..., bytes]) -> None:
    with web_server() as other:
        server.scripts["/api/v1/prices"] = [json_reply({"next": f"{other.url}/steal"})]
        with pytest.raises(PermanentError, match="another server"):
            landed(prices(paging=LinkPaging("/next")))
        assert other.asked == []


def test_pages_without_end_are_bounded(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = lambda asked: json_reply({"next": int(asked.query.get("c", 0)) + 1})
    with pytest.raises(PermanentError, match="more than 5 pages"):
        landed(prices(paging=CursorPaging("c", field="/next"), max_pages=5))
    assert len(server.asked) == 5


def test_a_page_that_names_itself_as_the_next_is_refused(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [json_reply({"next": "same"})]
    with pytest.raises(PermanentError, match="names itself"):
        landed(prices(paging=CursorPaging("c", field="/next")))
    assert len(server.asked) == 2


def test_a_page_that_is_no_json_lands_nothing(server: WebServer, landed: Callable[..., bytes]) -> None:
    paged(server, ['{"next":1}', '{"next":'])
    with pytest.raises(RetryableError, match="not a JSON document"):
        landed(prices(paging=CursorPaging("c", field="/next")))


# What is not ready yet


def test_a_202_is_waited_for_where_it_says(server: WebServer, landed: Callable[..., bytes], clock: TestClock) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 202, {"Location": "/api/wait?id=4", "Retry-After": "7"})]
    server.scripts["/api/wait"] = [Reply(b"", 202), Reply(b"[1]")]
    assert landed(prices(method="POST", body={}, poll_seconds=3)) == b"[1]"
    assert [(a.method, a.path) for a in server.asked] == [
        ("POST", "/api/v1/prices"),
        ("GET", "/api/wait"),
        ("GET", "/api/wait"),
    ]
    assert clock.slept == [7, 3]


def test_a_202_that_does_not_end_is_left_for_the_next_visit(
    server: WebServer, landed: Callable[..., bytes], clock: TestClock
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 202)]
    with pytest.raises(FileNotTaken, match="not ready after 60 s"):
        landed(prices(poll_seconds=25, patience_seconds=60))
    assert clock.slept == [25, 25]


def test_a_place_to_wait_on_another_server_is_not_followed(server: WebServer, landed: Callable[..., bytes]) -> None:
    with web_server() as other:
        server.scripts["/api/v1/prices"] = [Reply(b"", 202, {"Location": f"{other.url}/steal"})]
        with pytest.raises(PermanentError, match="another server"):
            landed(prices())
        assert other.asked == []


BATCH = Job(
    id_field="/data/id",
    status_path="v1/batch-status?id={job}",
    status_field="/data/status",
    done=frozenset({"created"}),
    failed=frozenset({"failed"}),
    result_path="v1/batch-result?id={job}",
)


def test_a_job_is_waited_for_and_its_result_lands(
    server: WebServer, landed: Callable[..., bytes], clock: TestClock
) -> None:
    server.scripts["/api/v1/prices"] = [json_reply({"data": {"id": "a/b?&c"}}, status=202)]
    states = [json_reply({"data": {"status": s}}) for s in ("queued", "executing", "created")]
    server.scripts["/api/v1/batch-status"] = states
    server.scripts["/api/v1/batch-result"] = [Reply(b"id|price\n", content_type="text/csv")]
    extraction = prices(method="POST", body={"batch": "Y"}, job=BATCH, content_types=("text/csv",), poll_seconds=4)
    assert landed(extraction) == b"id|price\n"
    assert {a.query["id"] for a in server.asked[1:]} == {"a/b?&c"}
    assert clock.slept == [4, 4]


def test_a_job_without_a_status_is_asked_for_its_result(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/Extract"] = [json_reply({"JobId": "0x05"})]
    server.scripts["/api/Results('0x05')/$value"] = [Reply(b"", 202), Reply(b"#RIC\n", content_type="text/plain")]
    job = Job(id_field="/JobId", result_path="Results('{job}')/$value")
    extraction = prices(path="Extract", method="POST", body={}, job=job, content_types=("text/plain",))
    assert landed(extraction) == b"#RIC\n"


@pytest.mark.parametrize(
    ("status", "result"),
    [("failed", Reply()), ("created", Reply(b"", 410))],
    ids=["a failed job", "a result that has expired"],
)
def test_a_job_without_a_result_is_left_for_the_next_visit(
    server: WebServer, landed: Callable[..., bytes], status: str, result: Reply
) -> None:
    server.scripts["/api/v1/prices"] = [json_reply({"data": {"id": 5}})]
    server.scripts["/api/v1/batch-status"] = [json_reply({"data": {"status": status}})]
    server.scripts["/api/v1/batch-result"] = [result]
    with pytest.raises(FileNotTaken):
        landed(prices(method="POST", body={}, job=BATCH))


@pytest.mark.parametrize("reply", [Reply(b"", 204), Reply(b"", 404)], ids=["204", "404"])
def test_data_that_are_not_there_yet_are_left_for_the_next_visit(
    server: WebServer, landed: Callable[..., bytes], reply: Reply
) -> None:
    server.scripts["/api/v1/prices"] = [reply]
    with pytest.raises(FileNotTaken):
        landed(prices(absent_statuses=frozenset({404})))


# What fails


@pytest.mark.parametrize(
    ("after", "seconds"), [("17", 17), ("Wed, 28 Dec 2022 23:00:21 GMT", 21), ("Tue, 27 Dec 2022 23:00:00 GMT", 0)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_a_service_asks_for_is_kept(
    server: WebServer, landed: Callable[..., bytes], clock: TestClock, status: int, after: str, seconds: float
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", status, {"Retry-After": after}), Reply(b"[]")]
    assert landed(prices(), limits=limits()) == b"[]"
    assert clock.slept == [seconds]


def test_a_wait_beyond_the_bound_ends_the_visit_and_is_kept_by_the_next(
    server: WebServer, landed: Callable[..., bytes], clock: TestClock
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


@pytest.mark.parametrize("after", ["soon", "-5", "Wed, 99 Foo 2022", ""])
def test_a_wait_that_says_nothing_sound_is_replaced_by_our_own(
    server: WebServer, landed: Callable[..., bytes], clock: TestClock, after: str
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 429, {"Retry-After": after}), Reply(b"[]")]
    assert landed(prices(), limits=limits(first_wait_seconds=8)) == b"[]"
    assert 6 <= clock.slept[0] <= 8


def test_faults_of_the_service_are_retried_with_growing_waits_and_then_given_up(
    server: WebServer, landed: Callable[..., bytes], clock: TestClock
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"secret detail", 500)]
    with pytest.raises(RetryableError, match=r"^GET v1/prices: status 500 \(4 attempts\)$"):
        landed(prices(query={"account": "X123"}), limits=limits(attempts=4, longest_wait_seconds=3))
    assert [round(bound / slept, 2) >= 1 for bound, slept in zip([1, 2, 3], clock.slept, strict=True)] == [True] * 3
    assert clock.slept[0] < clock.slept[1] < clock.slept[2]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 409, 415])
def test_a_refusal_is_permanent_and_names_status_and_path_alone(
    server: WebServer, landed: Callable[..., bytes], status: int
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"account X123", status, {"X-Detail": "X123"})]
    with pytest.raises(PermanentError, match=rf"^GET v1/prices: {status}, ") as caught:
        landed(prices(query={"account": "X123"}))
    assert "X123" not in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_that_is_cut_lands_nothing_and_is_asked_for_again(
    server: WebServer, landed: Callable[..., bytes], chunked: bool
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"x" * 5000, cut_after=3000, chunked=chunked)]
    with pytest.raises(RetryableError, match="lost in the middle"):
        landed(prices(), limits=limits())
    assert len(server.asked) == 3
    server.scripts["/api/v1/prices"] = [Reply(b"x" * 5000, cut_after=3000, chunked=chunked), Reply(b"[2]")]
    assert landed(prices(), limits=limits()) == b"[2]"


def test_an_answer_whose_cut_would_not_show_is_refused(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"{}", unstated=True)]
    with pytest.raises(PermanentError, match="a cut would not show"):
        landed(prices())


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("changes", [{"max_bytes": 999}, {"paging": LinkPaging("/next"), "max_bytes": 999}])
def test_an_answer_beyond_the_bound_is_refused(
    server: WebServer, landed: Callable[..., bytes], chunked: bool, changes: dict[str, object]
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"[" + b" " * 998 + b"]", chunked=chunked)]
    with pytest.raises(PermanentError, match="bound of 999 bytes"):
        landed(prices(**changes))
    with pytest.raises(PermanentError, match="bound of 900 bytes"):
        landed(prices(), max_file_bytes=900)


def test_pages_that_are_together_beyond_the_bound_are_refused(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = lambda asked: json_reply({"next": int(asked.query.get("c", 0)) + 1})
    with pytest.raises(PermanentError, match="bound of 100 bytes"):
        landed(prices(paging=CursorPaging("c", field="/next"), max_bytes=100))


def test_a_compressed_answer_that_expands_beyond_the_bound_is_refused(
    server: WebServer, landed: Callable[..., bytes]
) -> None:
    body = gzip.compress(bytes(50_000_000))
    server.scripts["/api/v1/prices"] = [Reply(body, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(PermanentError, match="bound of 1000000 bytes"):
        landed(prices(max_bytes=1_000_000))


def test_a_damaged_compressed_answer_lands_nothing(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"not gzip", headers={"Content-Encoding": "gzip"})]
    with pytest.raises(RetryableError, match="compressed answer is damaged"):
        landed(prices(), limits=limits())


def test_an_answer_of_another_type_is_refused(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"<html>", content_type="text/html")]
    with pytest.raises(PermanentError, match="answered with text/html instead of application/json"):
        landed(prices())


def test_a_redirect_on_the_same_server_is_followed(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 307, {"Location": "/elsewhere?x=1"})]
    server.scripts["/elsewhere"] = [Reply(b"[1]")]
    assert landed(prices()) == b"[1]"


def test_a_redirect_to_another_server_is_refused(server: WebServer, landed: Callable[..., bytes]) -> None:
    with web_server() as other:
        other.scripts["/api/v1/prices"] = [Reply(b"[1]")]
        server.scripts["/api/v1/prices"] = [Reply(b"", 302, {"Location": f"{other.url}/api/v1/prices"})]
        with pytest.raises(PermanentError, match="the redirect leads to another server"):
            landed(prices())
        assert other.asked == []


def test_redirects_in_a_circle_and_of_a_post_are_refused(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 302, {"Location": "/api/v1/prices"})]
    with pytest.raises(PermanentError, match="more than 5 redirects"):
        landed(prices())
    with pytest.raises(PermanentError, match="redirect of a POST"):
        landed(prices(method="POST", body={}))


def test_a_server_that_is_not_there_or_silent_is_retryable(
    server: WebServer, clock: TestClock, landed: Callable[..., bytes]
) -> None:
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
    server: WebServer, clock: TestClock, landed: Callable[..., bytes]
) -> None:
    def slow(_: Asked) -> Reply:
        clock.elapsed += 31  # as seen from the moment at which the request was sent
        return Reply()

    server.scripts["/api/v1/prices"] = slow
    with pytest.raises(RetryableError, match=r"longer than 30 s \(2 attempts\)"):
        landed(prices(), limits=limits(attempts=2, total_seconds=30))


# What keeps a client modest


def test_the_circuit_opens_after_failures_in_a_row_and_lets_one_request_try_after_the_cool_down(
    server: WebServer, landed: Callable[..., bytes], clock: TestClock
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


def test_a_refused_request_does_not_open_the_circuit(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 404)]
    for _ in range(5):
        with pytest.raises(PermanentError):
            landed(prices(), limits=limits(failures_to_open=2))
    assert len(server.asked) == 5


def test_one_connection_s_open_circuit_leaves_another_s_closed(server: WebServer, landed: Callable[..., bytes]) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 500), Reply(b"[]")]
    one = limits(attempts=1, failures_to_open=1)
    with pytest.raises(RetryableError):
        landed(prices(), limits=one)
    with pytest.raises(CircuitOpen):
        landed(prices(), limits=one)
    assert landed(prices(), limits=one, lookback_days=1, ready_at="19:00 America/New_York") == b"[]"


def test_the_rate_is_kept_over_any_window(server: WebServer, landed: Callable[..., bytes], clock: TestClock) -> None:
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
