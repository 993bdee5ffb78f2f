"""Laws of collecting a price stream: every message once, gaps found and asked for, never a half segment."""

from __future__ import annotations

import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from connectors.connection import Connection
from connectors.errors import PermanentError, RetryableError
from connectors.transport.guard import forget_states
from connectors.transport.opening import open_connection
from connectors.transport.stream import Collected, collect
from tests.connectors.http_fixture import Reply, certificate, web_server
from tests.connectors.stream_fixture import Act, StreamServer, both, hear, price, say, stay, stream_server

SECRET = "Zq7-correct-horse"
LIMITS = {"first_wait_seconds": 0.01, "longest_wait_seconds": 0.02, "attempts": 1, "requests": 1000}


@pytest.fixture
def server() -> Iterator[StreamServer]:
    forget_states()
    with stream_server(stay) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "vendor").write_text(SECRET)
    (tmp_path / "vendor").chmod(0o600)
    return tmp_path


def connection(server: StreamServer, home: Path, **changes: object) -> Connection:
    transport = {"kind": "stream", "url": server.url, "spool": str(home / "spool"), "prefix": "px", "limits": LIMITS}
    settings = {"connection_id": "px", "adapter": "vendor", "transport": {**transport, **changes}}
    return Connection.model_validate(settings)


def run(server: StreamServer, home: Path, until: Callable[[], bool], **changes: object) -> Collected:
    """Collect until something holds (looked at every few milliseconds), at most ten seconds."""
    stop = threading.Event()

    def watch() -> None:
        for _ in range(1000):
            if until() or stop.is_set():
                break
            time.sleep(0.01)
        stop.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return collect(connection(server, home, **changes), home, stop=stop)
    finally:
        stop.set()
        watcher.join()


def acted(server: StreamServer, *acts: Act) -> Callable[[], bool]:
    """Let the server play these acts, one per connection; holds once the last is over."""
    is_over = threading.Event()

    def last(socket: object) -> None:
        acts[-1](socket)  # type: ignore[arg-type]
        time.sleep(0.05)  # the client takes in what was sent
        is_over.set()
        stay(socket)  # type: ignore[arg-type]

    server.acts[:] = [*acts[:-1], last]
    return is_over.is_set


def landed(home: Path) -> dict[str, list[int]]:
    """What landing would find: segment name to the numbers in it."""
    with open_connection(connection(StreamServer("ws://127.0.0.1:1", []), home), home) as folder:
        names = [file.path for file in folder.list_files().files]
    found = {name: (home / "spool" / name).read_text().splitlines() for name in names}
    return {name: [json.loads(line).get("seq") for line in lines] for name, lines in sorted(found.items())}


def left_over(home: Path) -> list[str]:
    return [path.name for path in (home / "spool").iterdir() if path.name.endswith(".part")]


def test_messages_land_as_they_came_a_line_each_named_by_their_numbers(server: StreamServer, home: Path) -> None:
    odd = '{"seq": 8,\r\n "px": 1.10, "px": 1.1000000000000000000001}'
    report = run(server, home, acted(server, say(7, odd, price(9).encode())))
    assert landed(home) == {"px_000000000007-000000000009.ndjson": [7, 8, 9]}
    text = (home / "spool/px_000000000007-000000000009.ndjson").read_bytes().decode()
    assert text == price(7) + "\n" + odd.replace("\r\n", "  ") + "\n" + price(9) + "\n"
    assert (report.messages, report.gaps, report.missing, report.segments) == (3, [], {}, list(landed(home)))
    assert left_over(home) == []


def test_a_segment_is_fetched_like_any_file(server: StreamServer, home: Path) -> None:
    run(server, home, acted(server, say(1, 2)))
    with open_connection(connection(server, home), home) as folder:
        (remote,) = folder.list_files().files
        folder.fetch(remote, home / "out")
    assert (home / "out").read_bytes() == (home / "spool" / remote.path).read_bytes()


def test_a_spool_that_no_collector_has_filled_is_empty(server: StreamServer, home: Path) -> None:
    assert landed(home) == {}


def test_what_is_subscribed_to_is_what_the_settings_say(server: StreamServer, home: Path) -> None:
    wanted = [{"action": "subscribe", "ids": ["AAPL-US"]}, {"action": "start"}]
    run(server, home, acted(server, hear(server, 2)), subscribe=wanted)
    assert server.heard == wanted


@pytest.mark.parametrize(
    "rotation", [{"messages": 2}, {"size_bytes": 2 * len(price(1)) + 2}], ids=["by messages", "by size"]
)
def test_a_segment_is_closed_when_it_is_full(server: StreamServer, home: Path, rotation: dict[str, int]) -> None:
    run(server, home, acted(server, say(1, 2, 3, 4, 5)), rotation=rotation)
    assert [name[-19:-7] for name in landed(home)] == ["000000000002", "000000000004", "000000000005"]
    assert [n for numbers in landed(home).values() for n in numbers] == [1, 2, 3, 4, 5]


def test_a_segment_is_closed_when_it_is_old_while_the_stream_is_silent(server: StreamServer, home: Path) -> None:
    server.acts[:] = [both(say(1), stay)]
    run(server, home, lambda: bool((home / "spool").exists() and landed(home)), rotation={"seconds": 0.05})
    assert landed(home) == {"px_000000000001-000000000001.ndjson": [1]}


def test_control_messages_are_counted_and_not_kept(server: StreamServer, home: Path) -> None:
    beat = '{"type":"heartbeat","seq":99}'
    report = run(server, home, acted(server, say(1, beat, 2)))
    assert (report.messages, report.controls) == (2, 1)
    assert landed(home) == {"px_000000000001-000000000002.ndjson": [1, 2]}


@pytest.mark.parametrize("stray", ['{"type":"news"}', '{"seq":"x"}', '{"seq":true}', '{"seq":-1}', "[1]", "3"])
def test_what_states_no_number_is_kept_apart(server: StreamServer, home: Path, stray: str) -> None:
    report = run(server, home, acted(server, say(1, stray, 2)))
    (name,) = [p.name for p in (home / "spool").glob("px_stray_*")]
    assert (home / "spool" / name).read_text() == stray + "\n"
    assert (report.messages, report.strays) == (2, 1)


def test_what_is_no_json_is_kept_apart_in_base64(server: StreamServer, home: Path) -> None:
    run(server, home, acted(server, say(b"\xff\n\x00")))
    (path,) = (home / "spool").glob("px_stray_*.ndjson")
    assert json.loads(path.read_text()) == {"base64": "/woA"}


# Gaps, duplicates, reconnecting


def test_duplicates_are_dropped_by_their_number(server: StreamServer, home: Path) -> None:
    report = run(server, home, acted(server, say(1, 2, 2, 1, 3)))
    assert landed(home) == {"px_000000000001-000000000003.ndjson": [1, 2, 3]}
    assert (report.messages, report.duplicates) == (3, 2)


def test_a_gap_is_found_recorded_and_outlives_the_process(server: StreamServer, home: Path) -> None:
    report = run(server, home, acted(server, say(1, 2, 5, 9)))
    assert report.gaps == [("", 3, 4), ("", 6, 8)]
    assert report.missing == {"": [(3, 4), (6, 8)]}
    report = run(server, home, acted(server, say(10, 7)))
    assert report.gaps == []
    assert report.missing == {"": [(3, 4), (6, 6), (8, 8)]}
    assert report.filled == 1


def test_a_missed_beginning_shows_where_the_first_number_is_known(server: StreamServer, home: Path) -> None:
    report = run(server, home, acted(server, say(4)), first_sequence=1)
    assert report.missing == {"": [(1, 3)]}


def test_a_gap_is_asked_for_at_once_over_the_stream(server: StreamServer, home: Path) -> None:
    ask = {"kind": "message", "message": {"action": "replay"}, "field": "from"}
    report = run(server, home, acted(server, both(say(1, 4), hear(server, 1), say(2, 3, 4, 5))), backfill=ask)
    assert server.heard == [{"action": "replay", "from": 2}]
    assert (report.missing, report.filled, report.duplicates) == ({}, 2, 1)
    assert sorted(n for numbers in landed(home).values() for n in numbers) == [1, 2, 3, 4, 5]


def test_after_a_lost_connection_the_stream_goes_on_where_it_stopped(server: StreamServer, home: Path) -> None:
    ask = {"kind": "message"}
    over = acted(server, say(1, 2), both(hear(server, 1), say(3, 4)))
    report = run(server, home, over, backfill=ask)
    assert server.heard == [{"from": 3}]
    assert report.connections == 2
    assert report.faults == ["the connection was closed"]
    assert landed(home) == {"px_000000000001-000000000004.ndjson": [1, 2, 3, 4]}


def test_a_gap_that_shows_after_reconnecting_is_asked_for_once(server: StreamServer, home: Path) -> None:
    over = acted(server, say(1, 2), both(hear(server, 1), say(6, 3, 4, 5), hear_nothing(server)))
    report = run(server, home, over, backfill={"kind": "message"})
    assert server.heard == [{"from": 3}]
    assert report.missing == {}


def hear_nothing(server: StreamServer) -> Act:
    def act(socket: object) -> None:
        with suppress(TimeoutError):
            server.heard.append(socket.recv(timeout=0.2))  # type: ignore[attr-defined]

    return act


def test_a_new_process_asks_for_what_was_missed_meanwhile(server: StreamServer, home: Path) -> None:
    run(server, home, acted(server, say(1, 2, 5)))
    run(server, home, acted(server, both(hear(server, 1), say(3, 4, 5, 6))), backfill={"kind": "message"})
    assert server.heard == [{"from": 3}]
    assert sorted(n for numbers in landed(home).values() for n in numbers) == [1, 2, 3, 4, 5, 6]


def test_a_gap_is_asked_for_over_https_with_the_same_credentials(server: StreamServer, home: Path) -> None:
    with web_server() as web:
        lines = f"{price(2)}\n\n{price(3)}\r\n".encode()
        web.scripts["/v1/replay"] = [Reply(lines, content_type="application/x-ndjson")]
        ask = {"kind": "http", "base_url": f"{web.url}/v1", "path": "replay", "to_parameter": "until"}
        auth = {"kind": "api_key", "header": "X-Key", "key_ref": "file:vendor"}
        report = run(server, home, acted(server, say(1, 4)), backfill=ask, auth=auth)
    (asked,) = web.asked
    assert (asked.path, dict(asked.query)) == ("/v1/replay", {"from": "2", "until": "3"})
    assert asked.headers["x-key"] == server.headers[0]["x-key"] == SECRET
    assert (report.missing, report.filled) == ({}, 2)


def test_a_backfill_that_fails_leaves_the_gap_and_is_asked_for_over_the_next_connection(
    server: StreamServer, home: Path
) -> None:
    with web_server() as web:
        web.scripts["/replay"] = [Reply(b"", 500), Reply(price(2).encode())]
        ask = {"kind": "http", "base_url": web.url, "path": "replay"}
        report = run(server, home, acted(server, say(1, 3), say(4)), backfill=ask)
    assert report.faults[0].startswith("GET replay (backfill): status 500")
    assert sorted(n for numbers in landed(home).values() for n in numbers) == [1, 2, 3, 4]


def test_numbers_that_begin_anew_in_a_new_session_are_no_duplicates(server: StreamServer, home: Path) -> None:
    messages = [price(n, day=day) for day, n in [("2022-12-28", 1), ("2022-12-28", 2), ("2022-12-29", 1)]]
    late = price(3, day="2022-12-28")
    report = run(server, home, acted(server, say(*messages, late, late)), session_field="/day", first_sequence=1)
    assert landed(home) == {
        "px_2022-12-28_000000000001-000000000002.ndjson": [1, 2],
        "px_2022-12-28_000000000003-000000000003.ndjson": [3],
        "px_2022-12-29_000000000001-000000000001.ndjson": [1],
    }
    assert (report.messages, report.duplicates, report.missing) == (4, 1, {})


@pytest.mark.parametrize("session", ["../../x", "", "a/b", "stray", "x" * 41, None, True])
def test_a_session_that_cannot_be_part_of_a_name_is_kept_apart(
    server: StreamServer, home: Path, session: object
) -> None:
    report = run(server, home, acted(server, say(price(1, day=session))), session_field="/day")
    assert (report.messages, report.strays) == (0, 1)


def test_a_silent_stream_counts_as_lost(server: StreamServer, home: Path) -> None:
    over = acted(server, both(say(1), stay), say(2))
    report = run(server, home, over, heartbeat_seconds=0.2)
    assert report.faults == ["the stream was silent for too long"]
    assert (report.messages, report.connections) == (2, 2)


def test_heartbeats_keep_a_stream_alive(server: StreamServer, home: Path) -> None:
    def beat(socket: object) -> None:
        for _ in range(8):
            socket.send('{"type":"heartbeat"}')  # type: ignore[attr-defined]
            time.sleep(0.1)

    report = run(server, home, acted(server, beat), heartbeat_seconds=0.5)
    assert (report.connections, report.controls) == (1, 8)


def test_a_server_that_is_ill_is_tried_again(server: StreamServer, home: Path) -> None:
    server.refusals[:] = [(503, {"Retry-After": "0"}), (500, {})]
    report = run(server, home, acted(server, say(1)))
    assert report.faults == ["no connection: status 503", "no connection: status 500"]
    assert report.messages == 1


def test_a_run_without_any_connection_is_retryable(home: Path) -> None:
    with pytest.raises(RetryableError, match=r"no connection in 0.3 s: no connection$"):
        collect(connection(StreamServer("ws://127.0.0.1:1", []), home), home, seconds=0.3)


def test_a_run_ends_after_its_seconds(server: StreamServer, home: Path) -> None:
    server.acts[:] = [both(say(1), stay)]
    report = collect(connection(server, home), home, seconds=0.3)
    assert (report.messages, landed(home)) == (1, {"px_000000000001-000000000001.ndjson": [1]})


# Refusals


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        ((401, {}), "stream: 401, the credentials are refused"),
        ((403, {}), "stream: 403, not entitled"),
        ((404, {}), "stream: 404"),
        ((302, {"Location": "ws://127.0.0.1:1/"}), "redirect is not followed"),
    ],
)
def test_a_refused_handshake_is_permanent(
    server: StreamServer, home: Path, refusal: tuple[int, dict[str, str]], text: str
) -> None:
    server.refusals.append(refusal)
    with pytest.raises(PermanentError, match=text):
        run(server, home, lambda: False)
    assert len(server.headers) == 1


def test_a_refused_token_is_renewed_once(server: StreamServer, home: Path) -> None:
    with web_server() as web:
        tokens = iter(["tok-1", "tok-2"])
        web.scripts["/token"] = lambda _: Reply(json.dumps({"access_token": next(tokens)}).encode())
        auth = {
            "kind": "oauth2_client_credentials", "token_url": f"{web.url}/token", "client_id": "alder",
            "client_secret_ref": "file:vendor",
        }  # fmt: skip
        server.refusals.append((401, {}))
        run(server, home, acted(server, say(1)), auth=auth)
    assert [headers["authorization"] for headers in server.headers] == ["Bearer tok-1", "Bearer tok-2"]


def test_a_message_beyond_the_bound_is_refused_and_what_came_before_is_kept(server: StreamServer, home: Path) -> None:
    acted(server, say(1, price(2, text="x" * 500)))
    with pytest.raises(PermanentError, match="bound of 200 bytes"):
        run(server, home, lambda: False, max_message_bytes=200)
    assert landed(home) == {"px_000000000001-000000000001.ndjson": [1]}


def test_a_server_without_a_trusted_certificate_sees_no_credential(home: Path) -> None:
    _, context = certificate(home)
    with web_server(context) as web:
        stranger = StreamServer(web.url.replace("https", "wss"), [])
        auth = {"kind": "api_key", "header": "X-Key", "key_ref": "file:vendor"}
        with pytest.raises(PermanentError, match="certificate is not trusted"):
            run(stranger, home, lambda: False, auth=auth)
        assert web.asked == []


def test_no_secret_is_in_anything_raised_logged_or_spooled(
    server: StreamServer, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    auth = {"kind": "api_key", "header": "X-Key", "key_ref": "file:vendor"}
    report = run(server, home, acted(server, say(1, "no json"), say(2)), auth=auth)
    server.refusals.append((401, {"X-Echo": SECRET}))
    with pytest.raises(PermanentError) as caught:
        run(server, home, lambda: False, auth=auth)
    assert server.headers[0]["x-key"] == SECRET
    client_log = "".join(r.getMessage() for r in caplog.records if r.name != "websockets.server")
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + repr(report) + client_log
    assert not any(SECRET.encode() in p.read_bytes() for p in (home / "spool").iterdir() if p.is_file())


@pytest.mark.parametrize("url", ["ws://prices.example.com", "wss://u:p@prices.example.com", "https://a.example"])
def test_a_stream_without_tls_or_with_credentials_in_its_address_is_refused(home: Path, url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        connection(StreamServer(url, []), home)
