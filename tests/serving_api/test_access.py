"""Who is let in, and what a request may carry: nothing odd gets through, and nothing odd breaks the API."""

from __future__ import annotations

import base64
import uuid

import pytest

from tests.serving_api.client import Api
from tests.serving_api.world import LAST_DAY, SHARED_NUMBER, World
from warehouse.postgres.api_keys import issue_api_key, revoke_api_key

pytestmark = pytest.mark.xdist_group("serving_api")

SOMETHING = str(uuid.UUID(int=7))
ENDPOINTS = [
    "/api/v1/status",
    "/api/v1/accounts",
    f"/api/v1/accounts/{SOMETHING}/positions",
    f"/api/v1/accounts/{SOMETHING}/valuations",
    f"/api/v1/accounts/{SOMETHING}/valuations/{LAST_DAY}/trace",
    f"/api/v1/accounts/{SOMETHING}/positions/{SOMETHING}/trace",
]
INJECTIONS = [
    "' OR '1'='1", "'; DROP TABLE core.tenants; --", "1 OR true", "\\", "%", "_", "$1", "{0}", "../../etc/passwd",
    "\x00", "a\x00b", "\r\nX: y", "\ud7ff", "\U0001f4a3", "NaN", "-1", "1e309", "null", "[]", "x" * 64,
]  # fmt: skip
KEYS = [
    "", " ", "x", "nxs_" + "A" * 43, "nxs_" + "A" * 10_000, "' OR '1'='1", "'; DROP TABLE core.api_key; --", "%", "_",
    b"\x00", b"\xff\xfe", "é".encode(), b"nxs_\x00",
]  # fmt: skip


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("key", [None, *KEYS], ids=repr)
def test_without_a_valid_key_every_endpoint_says_401_and_nothing_more(
    api: Api, path: str, key: str | bytes | None
) -> None:
    answer = api.get(path, key)
    assert answer.problem(401) == api.get(ENDPOINTS[0]).problem(401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scheme", ["Basic", "bearer-of", "Token"])
def test_another_scheme_than_bearer_is_no_key(world: World, api: Api, scheme: str) -> None:
    api.get("/api/v1/status", headers={"Authorization": f"{scheme} {world.keys['alder']}"}).problem(401)


def test_a_key_in_the_query_is_no_key(world: World, api: Api) -> None:
    api.get("/api/v1/status", api_key=world.keys["alder"], authorization=world.keys["alder"]).problem(401)


def test_the_digest_of_a_key_is_no_key(world: World, api: Api) -> None:
    for (digest,) in world.rows("SELECT key_sha256 FROM core.api_key"):
        api.get("/api/v1/status", digest).problem(401)


def test_a_revoked_key_is_refused_from_the_next_request_on(changing: World) -> None:
    key = issue_api_key(changing.url, changing.tenant_keys["birch"], "soon revoked")
    assert changing.api.get("/api/v1/status", key).json["tenant"] == "birch"
    assert revoke_api_key(changing.url, key)
    changing.api.get("/api/v1/status", key).problem(401)
    assert changing.api.get("/api/v1/status", changing.keys["birch"]).status == 200


def test_health_needs_no_key_and_tells_nothing(api: Api) -> None:
    assert api.get("/health").json == {"status": "ok"}
    assert api.get("/health/ready").json == {"status": "ok"}


@pytest.mark.parametrize("value", INJECTIONS, ids=repr)
@pytest.mark.parametrize("name", ["custodian", "account_number"])
def test_a_filter_matches_exactly_or_is_refused(world: World, api: Api, name: str, value: str) -> None:
    answer = api.get("/api/v1/accounts", world.keys["alder"], **{name: value})
    if answer.status == 200:
        assert answer.json == {"items": [], "next_cursor": None}
    else:
        faults = answer.problem(422)["errors"]
        assert [fault["where"] for fault in faults] == [f"query.{name}"]
        assert value not in answer.text.replace("^[a-z0-9_]+$", "") or len(value) == 1


@pytest.mark.parametrize("text", INJECTIONS, ids=repr)
@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("place", ["accounts", "valuations"])
def test_a_cursor_that_the_api_did_not_give_is_refused(
    world: World, api: Api, text: str, encoded: bool, place: str
) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode() if encoded else text
    path = {
        "accounts": "/api/v1/accounts",
        "valuations": f"/api/v1/accounts/{world.accounts('alder')[SHARED_NUMBER][0]}/valuations",
    }[place]
    api.get(path, world.keys["alder"], cursor=cursor).problem(422)


@pytest.mark.parametrize(
    "value", [*INJECTIONS, "1641168000", "2022-1-3", "2022-02-30", "20220103", "0000-01-01", "today"]
)
def test_what_is_no_date_is_refused_wherever_a_date_is_asked_for(world: World, api: Api, value: str) -> None:
    account, key = world.accounts("alder")[SHARED_NUMBER][0], world.keys["alder"]
    base = f"/api/v1/accounts/{account}"
    for answer in (
        api.get(f"{base}/positions", key, as_of=value),
        api.get(f"{base}/valuations", key, from_date=value),
        api.get(f"{base}/valuations", key, to_date=value),
        api.get(f"{base}/positions/{SOMETHING}/trace", key, as_of=value),
    ):
        answer.problem(422)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_are_dates_like_others(world: World, api: Api, day: str) -> None:
    account, key = world.accounts("alder")[SHARED_NUMBER][0], world.keys["alder"]
    base = f"/api/v1/accounts/{account}"
    assert api.get(f"{base}/positions", key, as_of=day).status == 200
    assert api.get(f"{base}/valuations", key, from_date=day, to_date=day).json["items"] == []
    api.get(f"{base}/valuations/{day}/trace", key).problem(404)


@pytest.mark.parametrize("value", [v for v in INJECTIONS if "/" not in v])
def test_what_is_no_id_is_refused(world: World, api: Api, value: str) -> None:
    for path in (f"/api/v1/accounts/{value}/positions", f"/api/v1/accounts/{value}/valuations"):
        assert api.get(path, world.keys["alder"]).status in (404, 422)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1.5", "x", "99999999999999999999"])
def test_a_page_is_between_one_row_and_a_thousand(world: World, api: Api, limit: str) -> None:
    api.get("/api/v1/accounts", world.keys["alder"], limit=limit).problem(422)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "OPTIONS"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_api_only_reads(world: World, api: Api, method: str, path: str) -> None:
    api.get(path, world.keys["alder"], method=method).problem(405)


def test_what_is_not_there_is_a_problem_too(api: Api) -> None:
    for path in ("/", "/api", "/api/v1", "/api/v2/accounts", "/.env", "/api/v1/accounts/../status"):
        api.get(path).problem(404)
