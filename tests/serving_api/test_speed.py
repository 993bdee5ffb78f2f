"""The work of a query grows with what it shows: counted in rows that the plan touches, never in seconds."""

from __future__ import annotations

import json
import uuid
from datetime import date
from typing import Any

import polars as pl
import pytest

from contracts.registry import TABLES
from serving_api.accounts import queries as accounts
from serving_api.status import queries as status
from tests.serving_api.test_paging import add_accounts
from tests.serving_api.world import LAST_DAY, World
from warehouse.lake.store import Lake
from warehouse.postgres.load import load_dates
from warehouse.postgres.publication import publish
from warehouse.postgres.sessions import SET_TENANT_PSYCOPG, api_url, connect

pytestmark = pytest.mark.xdist_group("serving_api")

MORE = 300
FIRST_KEY = 100_000
PER_ACCOUNT = 400
"""Rows that one account may cost, over all nodes of a plan; one that pairs accounts costs hundreds of times as much."""


@pytest.fixture(scope="module")
def crowded(changing: World) -> World:
    """Birch with three hundred more accounts; most of them valued on the last day, the others on the day before."""
    add_accounts(changing, "birch", [str(uuid.uuid5(uuid.NAMESPACE_DNS, str(i))) for i in range(MORE)], FIRST_KEY)
    key = changing.tenant_keys["birch"]
    lake = Lake(changing.lake_root)
    days = sorted(
        {d for (d,) in changing.rows("SELECT as_of_date FROM ops.current_publication WHERE tenant_key = %s", key)}
    )
    for day in days[-2:]:
        frames = {
            name: lake.current(table, "birch", where=pl.col("as_of_date") == day)
            for name, table in TABLES.items()
            if table.warehouse == "loaded"
        }
        values = frames["accounting.account_valuation"]
        keys = [FIRST_KEY + i for i in range(MORE) if day != LAST_DAY or i % 50]
        added = values.head(1).drop("account_key").join(pl.DataFrame({"account_key": keys}), how="cross")
        frames["accounting.account_valuation"] = pl.concat([values, added.select(values.columns)])
        load_dates(changing.url, key, frames)
        publish(changing.url, key, [day], values["known_from"].max(), "test")  # type: ignore[arg-type]
    return changing


def touched(world: World, query: str, values: list[object]) -> int:
    """Rows that the nodes of the executed plan gave or threw away, loops counted, as the API's own login runs it."""
    text = query
    for place, value in reversed(list(enumerate(values, start=1))):
        text = text.replace(f"${place}", "NULL" if value is None else f"'{value}'")
    with connect(api_url(world.url), role=None) as connection:
        connection.execute(SET_TENANT_PSYCOPG, [str(world.tenant_keys["birch"])])
        (plan,) = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}").fetchone() or ()  # type: ignore[arg-type]
    parsed = json.loads(plan) if isinstance(plan, str) else plan

    def work(node: dict[str, Any]) -> float:
        rows = node["Actual Rows"] + sum(v for k, v in node.items() if k.startswith("Rows Removed"))
        return max(rows, 1) * node["Actual Loops"] * bool(node["Actual Loops"]) + sum(map(work, node.get("Plans", [])))

    return int(work(parsed[0]["Plan"]))


def test_a_page_of_accounts_costs_as_much_as_the_page(crowded: World) -> None:
    page = touched(crowded, accounts._ACCOUNTS, [None, 10, None, None])
    whole = touched(crowded, accounts._ACCOUNTS, [None, 1000, None, None])
    assert page < 10 * PER_ACCOUNT + 5 * MORE  # and a look over all accounts, to choose the ten
    assert whole < PER_ACCOUNT * MORE


def test_the_status_costs_as_much_as_there_are_accounts(crowded: World) -> None:
    assert touched(crowded, status._SUMMARY, [crowded.tenant_keys["birch"]]) < PER_ACCOUNT * MORE


def test_feeds_are_read_from_their_day_alone(crowded: World) -> None:
    assert touched(crowded, status._FEEDS, [LAST_DAY]) < 200


def test_an_account_that_lacks_the_last_day_shows_its_last_one(crowded: World) -> None:
    shown = crowded.api.get("/api/v1/accounts", crowded.keys["birch"], limit=1000).json["items"]
    days = [item["as_of_date"] for item in shown if item["account_number"].startswith("910")]
    assert len(days) == MORE
    assert days.count(date(2022, 11, 28).isoformat()) == MORE // 50
    assert days.count(LAST_DAY.isoformat()) == MORE - MORE // 50
