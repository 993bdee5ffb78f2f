"""Pages: every row once, in order, however small the page is and whatever is added meanwhile."""

from __future__ import annotations

import base64
import uuid

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.registry import table
from serving_api.paging import decode, encode, page
from serving_api.problems import Problem
from tests.serving_api.client import Api
from tests.serving_api.world import SHARED_NUMBER, World
from warehouse.lake.store import Lake
from warehouse.postgres.core import TenantDescription, sync_core

pytestmark = pytest.mark.xdist_group("serving_api")


def add_accounts(world: World, tenant: str, public_ids: list[str], first_key: int) -> None:
    """Describes more accounts of a firm, like one that it has."""
    described = Lake(world.lake_root).read(table("canonical.account"), tenant).head(1)
    added = pl.concat(
        [
            described.with_columns(
                pl.lit(first_key + i, dtype=pl.Int64).alias("account_key"),
                pl.lit(public).alias("account_id"),
                pl.lit(f"9{first_key + i}").alias("account_number"),
            )
            for i, public in enumerate(public_ids)
        ]
    )
    empty = [table(name).conform(pl.DataFrame(schema=table(name).polars_schema)) for name in SECURITY_TABLES]
    sync_core(world.url, TenantDescription(tenant, tenant.title(), "USD"), world.tenant_keys[tenant], added, *empty)


SECURITY_TABLES = ("canonical.security", "canonical.security_identifier")


def test_every_account_is_visited_once_while_accounts_are_added(changing: World) -> None:
    there = sorted(public for public, _ in changing.accounts("alder").values())
    visited: list[str] = []
    cursor, turn = None, 0
    while True:
        answer = changing.api.get("/api/v1/accounts", changing.keys["alder"], limit=1, cursor=cursor).json
        visited += [item["account_id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
        # one before all, which must not shift the pages, and one after all, which will be reached
        ids = [str(uuid.UUID(int=turn)), str(uuid.UUID(int=2**128 - 1 - turn))] if turn < 3 else []
        if ids:
            add_accounts(changing, "alder", ids, 1000 + 10 * turn)
        turn += 1
    assert visited == sorted(visited)
    assert len(set(visited)) == len(visited)
    assert [public for public in visited if public in there] == there
    assert len(visited) == len(there) + 3


@pytest.mark.parametrize("limit", [1, 3, 8, 1000])
def test_pages_of_any_size_put_together_are_the_whole(world: World, api: Api, limit: int) -> None:
    path = f"/api/v1/accounts/{world.accounts('alder')[SHARED_NUMBER][0]}/valuations"
    whole = api.get(path, world.keys["alder"], limit=1000).json["items"]
    days, cursor = [], None
    while True:
        answer = api.get(path, world.keys["alder"], limit=limit, cursor=cursor).json
        assert len(answer["items"]) <= limit
        days += [item["as_of_date"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert days == [item["as_of_date"] for item in whole]
    assert len(days) == 8


def test_a_range_of_days_holds_across_pages(world: World, api: Api) -> None:
    path = f"/api/v1/accounts/{world.accounts('alder')[SHARED_NUMBER][0]}/valuations"
    span = {"from_date": "2022-11-18", "to_date": "2022-11-23"}
    first = api.get(path, world.keys["alder"], limit=2, **span).json
    second = api.get(path, world.keys["alder"], limit=2, cursor=first["next_cursor"], **span).json
    days = [item["as_of_date"] for item in first["items"] + second["items"]]
    assert days == ["2022-11-23", "2022-11-22", "2022-11-21", "2022-11-18"]
    assert second["next_cursor"] is None


def test_filters_narrow_the_list(world: World, api: Api) -> None:
    key = world.keys["alder"]
    by_custodian = {
        custodian: {a["custodian"] for a in api.get("/api/v1/accounts", key, custodian=custodian).json["items"]}
        for custodian in ("schwab", "ofx", "nobody")
    }
    assert by_custodian == {"schwab": {"schwab"}, "ofx": {"ofx"}, "nobody": set()}


@given(st.uuids())
def test_a_cursor_gives_back_its_key(key: uuid.UUID) -> None:
    assert decode(encode(key), uuid.UUID) == key


@given(st.one_of(st.text(max_size=200), st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_any_text_is_a_key_or_refused_and_never_breaks(text: str) -> None:
    try:
        key = decode(text, uuid.UUID)
    except Problem as refused:
        status: int = refused.status
    else:
        status = 200 if isinstance(key, uuid.UUID) else 500
    assert status in (200, 422)


@given(st.lists(st.integers(), max_size=30), st.integers(1, 10))
def test_a_page_ends_where_more_was_fetched_than_asked_for(rows: list[int], limit: int) -> None:
    shown = page(rows[: limit + 1], lambda row: row, limit)
    assert shown.items == rows[:limit]
    assert (shown.next_cursor is None) == (len(rows) <= limit)
