"""Two firms with an account of the same number never meet, whatever is asked."""

from __future__ import annotations

import uuid

import pytest

from tests.serving_api.client import Api
from tests.serving_api.world import LAST_DAY, SHARED_NUMBER, World

pytestmark = pytest.mark.xdist_group("serving_api")

OF_AN_ACCOUNT = [
    "/api/v1/accounts/{account}/positions",
    "/api/v1/accounts/{account}/valuations",
    f"/api/v1/accounts/{{account}}/valuations/{LAST_DAY}/trace",
    f"/api/v1/accounts/{{account}}/positions/{{security}}/trace?as_of={LAST_DAY}",
]
BOTH_WAYS = [("alder", "birch"), ("birch", "alder")]


def ask(api: Api, path: str, key: str | None) -> object:
    place, _, query = path.partition("?")
    return api.get(place, key, **dict(part.split("=") for part in query.split("&") if part))


def held(world: World, tenant: str, account_key: int) -> set[str]:
    """Public ids of what an account holds on the last day."""
    return {
        security
        for (security,) in world.rows(
            "SELECT s.security_id FROM marts.fct_position_daily p JOIN marts.dim_security s USING (security_key) "
            "WHERE p.tenant_key = %s AND p.account_key = %s AND p.as_of_date = %s",
            world.tenant_keys[tenant], account_key, LAST_DAY,
        )
    }  # fmt: skip


def test_an_account_number_that_two_firms_have_in_common_is_an_account_of_each(world: World, api: Api) -> None:
    found = {}
    for tenant, key in world.keys.items():
        (account,) = api.get("/api/v1/accounts", key, account_number=SHARED_NUMBER).json["items"]
        (value,) = world.rows(
            "SELECT total_value_base::text FROM marts.fct_account_valuation_daily "
            "WHERE tenant_key = %s AND account_key = %s AND as_of_date = %s",
            world.tenant_keys[tenant], world.accounts(tenant)[SHARED_NUMBER][1], LAST_DAY,
        )[0]  # fmt: skip
        assert account["total_value_base"] == value
        found[tenant] = account
    assert found["alder"]["account_id"] != found["birch"]["account_id"]
    assert found["alder"]["total_value_base"] != found["birch"]["total_value_base"]


@pytest.mark.parametrize("tenant", ["alder", "birch"])
def test_the_list_holds_the_firms_own_accounts_and_no_other(world: World, api: Api, tenant: str) -> None:
    listed = api.get("/api/v1/accounts", world.keys[tenant]).json["items"]
    assert {a["account_id"] for a in listed} == {public for public, _ in world.accounts(tenant).values()}


@pytest.mark.parametrize(("asking", "other"), BOTH_WAYS)
@pytest.mark.parametrize("path", OF_AN_ACCOUNT)
def test_the_other_firms_ids_are_as_unknown_as_invented_ones(
    world: World, api: Api, asking: str, other: str, path: str
) -> None:
    for public, account_key in world.accounts(other).values():
        for security in sorted(held(world, other, account_key)):
            known_elsewhere = ask(api, path.format(account=public, security=security), world.keys[asking])
            invented = ask(api, path.format(account=uuid.uuid4(), security=uuid.uuid4()), world.keys[asking])
            assert known_elsewhere.problem(404) == invented.problem(404)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("asking", "other"), BOTH_WAYS)
def test_a_holding_of_the_other_firm_cannot_be_traced_through_an_account_of_ones_own(
    world: World, api: Api, asking: str, other: str
) -> None:
    own_id, own_key = world.accounts(asking)[SHARED_NUMBER]
    foreign = held(world, other, world.accounts(other)[SHARED_NUMBER][1]) - held(world, asking, own_key)
    assert foreign
    for security in foreign:
        api.get(f"/api/v1/accounts/{own_id}/positions/{security}/trace", world.keys[asking], as_of=LAST_DAY).problem(
            404
        )


@pytest.mark.parametrize(("asking", "other"), BOTH_WAYS)
def test_no_answer_names_anything_of_the_other_firm(world: World, api: Api, asking: str, other: str) -> None:
    own, foreign = world.accounts(asking), world.accounts(other)
    marks = {public for public, _ in foreign.values()} | (foreign.keys() - own.keys()) | {other}
    marks |= {name for (name,) in world.rows(
        "SELECT account_name FROM marts.dim_account WHERE tenant_key = %s AND account_name NOT IN "
        "(SELECT account_name FROM marts.dim_account WHERE tenant_key = %s)",
        world.tenant_keys[other], world.tenant_keys[asking],
    )}  # fmt: skip
    key = world.keys[asking]
    answers = [api.get("/api/v1/status", key), api.get("/api/v1/accounts", key)]
    for public, account_key in own.values():
        security = min(held(world, asking, account_key))
        answers += [ask(api, path.format(account=public, security=security), key) for path in OF_AN_ACCOUNT]
    for answer in answers:
        assert answer.status == 200, answer.text
        assert [mark for mark in marks if mark in answer.text] == []


@pytest.mark.parametrize("tenant", ["alder", "birch"])
def test_the_status_counts_the_firms_own_files_accounts_and_feeds(world: World, api: Api, tenant: str) -> None:
    status = api.get("/api/v1/status", world.keys[tenant]).json
    key = world.tenant_keys[tenant]
    files = world.rows(
        "SELECT count(*) FROM landing.file_arrival WHERE tenant_key = %s AND arrival_status = 'landed'", key
    )[0]  # fmt: skip
    assert status["tenant"] == tenant
    assert status["latest_as_of_date"] == LAST_DAY.isoformat()
    assert status["account_count"] == len(world.accounts(tenant))
    assert status["provisional_account_count"] == 0
    assert status["files_landed"] == files[0] > 0
    assert status["quarantined_row_count"] == 0
    assert status["open_break_count"] == 0
    feeds = {(f["connection_id"], f["data_type"]) for f in status["feeds"]}
    assert {("schwab_main", kind) for kind in ("ACC", "RPS", "SEC", "TRN")} <= feeds
    assert {f["as_of_date"] for f in status["feeds"]} == {LAST_DAY.isoformat()}
    assert {f["readiness"] for f in status["feeds"]} == {"complete"}
