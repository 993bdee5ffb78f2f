"""Laws of asking a REST service, against a server of another make."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from connectors.connection import Connection
from connectors.errors import PermanentError, RetryableError
from connectors.services import RestTransport
from connectors.transport.base import FileNotTaken, RemoteFile
from connectors.transport.extraction import CursorPaging, Extraction, Job, LinkPaging, OffsetPaging
from connectors.transport.guard import forget_states
from connectors.transport.rest import RestFolder
from connectors.transport.scheduled import Schedule
from tests.connectors.http_fixture import Asked, Reply, TestClock, WebServer, at, json_reply, web_server
from tests.connectors.rest_fixture import TUESDAY, Landed, connection, folder, lander, prices


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
def test_one_answer_lands_byte_for_byte(server: WebServer, landed: Landed, chunked: bool) -> None:
    body = b'{\r\n  "price": 1.10,\n  "price": 1.1000000000000000000001 }\n\xef\xbb\xbf'
    server.scripts["/api/v1/prices"] = [Reply(body, chunked=chunked)]
    assert landed(prices()) == body


def test_a_compressed_answer_lands_expanded(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [Reply(gzip.compress(b'{"a":1}'), headers={"Content-Encoding": "gzip"})]
    assert landed(prices()) == b'{"a":1}'


def test_the_request_is_as_the_extraction_says(server: WebServer, landed: Landed) -> None:
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


def test_pages_by_a_cursor_in_the_body_land_a_page_to_a_line(server: WebServer, landed: Landed) -> None:
    paged(server, ['{"data":[1.10],\n "next":"a b&c"}', '{"data":[2],\r\n"next":7}', '{"data":[],"next":null}'])
    result = landed(prices(query={"d": "1"}, paging=CursorPaging("cursor", field="/next")))
    assert result == (b'{"data":[1.10],  "next":"a b&c"}\n{"data":[2],  "next":7}\n{"data":[],"next":null}\n')
    assert [dict(asked.query) for asked in server.asked] == [
        {"d": "1"},
        {"d": "1", "cursor": "a b&c"},
        {"d": "1", "cursor": "7"},
    ]


def test_pages_by_a_cursor_in_a_header_and_a_posted_body(server: WebServer, landed: Landed) -> None:
    paged(server, ["[1]", "[2]"], lambda n: {"X-Next": "two"} if n == 0 else {})
    paging = CursorPaging("page", header="X-Next", place="body")
    assert landed(prices(method="POST", body={"ids": [1]}, paging=paging)) == b"[1]\n[2]\n"
    assert [json.loads(asked.body) for asked in server.asked] == [{"ids": [1]}, {"ids": [1], "page": "two"}]


def test_pages_by_offset_follow_on_what_really_came(server: WebServer, landed: Landed) -> None:
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
    server: WebServer, landed: Landed, second: str
) -> None:
    paged(server, ['{"d":[1,2],"t":3}', second])
    with pytest.raises(FileNotTaken):
        landed(prices(paging=OffsetPaging(2, items="/d", total="/t")))


def test_pages_by_a_link_in_the_body_are_got_without_the_body(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [
        json_reply({"value": [1], "@odata.nextlink": f"{server.url}/api/v1/more?$skiptoken=2"})
    ]
    server.scripts["/api/v1/more"] = [json_reply({"value": [2]})]
    landed(prices(method="POST", body={"ids": [1]}, paging=LinkPaging("/@odata.nextlink")))
    assert [(a.method, a.path, dict(a.query), a.body) for a in server.asked] == [
        ("POST", "/api/v1/prices", {}, b'{"ids": [1]}'),
        ("GET", "/api/v1/more", {"$skiptoken": "2"}, b""),
    ]


def test_pages_by_a_link_header_follow_the_next_relation_alone(server: WebServer, landed: Landed) -> None:
    links = '</api/v1/prices?p=9>; rel="last"; title="a, b", </api/v1/prices?p=2>; title=x; rel="next prefetch"'
    paged(server, ["[1]", "[2]"], lambda n: {"Link": links} if n == 0 else {"Link": '</api/v1/prices>; rel="first"'})
    assert landed(prices(paging=LinkPaging())) == b"[1]\n[2]\n"
    assert [dict(a.query) for a in server.asked] == [{}, {"p": "2"}]


def test_a_link_to_another_server_is_not_followed(server: WebServer, landed: Landed) -> None:
    with web_server() as other:
        server.scripts["/api/v1/prices"] = [json_reply({"next": f"{other.url}/steal"})]
        with pytest.raises(PermanentError, match="another server"):
            landed(prices(paging=LinkPaging("/next")))
        assert other.asked == []


def test_pages_without_end_are_bounded(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = lambda asked: json_reply({"next": int(asked.query.get("c", 0)) + 1})
    with pytest.raises(PermanentError, match="more than 5 pages"):
        landed(prices(paging=CursorPaging("c", field="/next"), max_pages=5))
    assert len(server.asked) == 5


def test_a_page_that_names_itself_as_the_next_is_refused(server: WebServer, landed: Landed) -> None:
    server.scripts["/api/v1/prices"] = [json_reply({"next": "same"})]
    with pytest.raises(PermanentError, match="names itself"):
        landed(prices(paging=CursorPaging("c", field="/next")))
    assert len(server.asked) == 2


def test_a_page_that_is_no_json_lands_nothing(server: WebServer, landed: Landed) -> None:
    paged(server, ['{"next":1}', '{"next":'])
    with pytest.raises(RetryableError, match="not a JSON document"):
        landed(prices(paging=CursorPaging("c", field="/next")))


# What is not ready yet


def test_a_202_is_waited_for_where_it_says(server: WebServer, landed: Landed, clock: TestClock) -> None:
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
    server: WebServer, landed: Landed, clock: TestClock
) -> None:
    server.scripts["/api/v1/prices"] = [Reply(b"", 202)]
    with pytest.raises(FileNotTaken, match="not ready after 60 s"):
        landed(prices(poll_seconds=25, patience_seconds=60))
    assert clock.slept == [25, 25]


def test_a_place_to_wait_on_another_server_is_not_followed(server: WebServer, landed: Landed) -> None:
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


def test_a_job_is_waited_for_and_its_result_lands(server: WebServer, landed: Landed, clock: TestClock) -> None:
    server.scripts["/api/v1/prices"] = [json_reply({"data": {"id": "a/b?&c"}}, status=202)]
    states = [json_reply({"data": {"status": s}}) for s in ("queued", "executing", "created")]
    server.scripts["/api/v1/batch-status"] = states
    server.scripts["/api/v1/batch-result"] = [Reply(b"id|price\n", content_type="text/csv")]
    extraction = prices(method="POST", body={"batch": "Y"}, job=BATCH, content_types=("text/csv",), poll_seconds=4)
    assert landed(extraction) == b"id|price\n"
    assert {a.query["id"] for a in server.asked[1:]} == {"a/b?&c"}
    assert clock.slept == [4, 4]


def test_a_job_without_a_status_is_asked_for_its_result(server: WebServer, landed: Landed) -> None:
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
    server: WebServer, landed: Landed, status: str, result: Reply
) -> None:
    server.scripts["/api/v1/prices"] = [json_reply({"data": {"id": 5}})]
    server.scripts["/api/v1/batch-status"] = [json_reply({"data": {"status": status}})]
    server.scripts["/api/v1/batch-result"] = [result]
    with pytest.raises(FileNotTaken):
        landed(prices(method="POST", body={}, job=BATCH))


@pytest.mark.parametrize("reply", [Reply(b"", 204), Reply(b"", 404)], ids=["204", "404"])
def test_data_that_are_not_there_yet_are_left_for_the_next_visit(
    server: WebServer, landed: Landed, reply: Reply
) -> None:
    server.scripts["/api/v1/prices"] = [reply]
    with pytest.raises(FileNotTaken):
        landed(prices(absent_statuses=frozenset({404})))
