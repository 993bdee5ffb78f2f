"""Figures leave the API as the warehouse holds them, to the last digit, and only when they are published."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from contracts.registry import TABLES
from tests.serving_api.client import Api
from tests.serving_api.world import FIRST_DAY, LAST_DAY, SHARED_NUMBER, World
from warehouse.lake.store import Lake
from warehouse.postgres.load import load_dates
from warehouse.postgres.publication import publish

pytestmark = pytest.mark.xdist_group("serving_api")

TENANTS = ["alder", "birch"]
OF_A_VALUATION = (
    "as_of_date, base_currency, total_value_base, cash_value_base, inflow_base, outflow_base, gain_base, daily_return, "
    "linked_return, return_reason, position_count, unvalued_count, stale_count, readiness, readiness_reasons, "
    "methodology_version"
)
OF_A_POSITION = (
    "p.quantity, p.currency, p.price, p.price_date, p.price_source, p.price_age_days, p.is_price_stale, "
    "p.market_value_local, p.rate_date, p.market_value_base, p.value_reason"
)


def as_text(columns: str) -> str:
    """The columns as PostgreSQL writes them."""
    return ", ".join(f"{column.strip()}::text" for column in columns.split(","))


def told(item: dict[str, object], columns: str) -> tuple[str | None, ...]:
    """The same fields of an answer, in the same notation."""
    names = [column.strip().removeprefix("p.") for column in columns.split(",")]
    said = {True: "true", False: "false", None: None}
    return tuple(said[v] if isinstance(v, bool) or v is None else str(v) for v in (item[name] for name in names))


@pytest.mark.parametrize("tenant", TENANTS)
def test_every_valuation_is_the_warehouses_to_the_last_digit(world: World, api: Api, tenant: str) -> None:
    for public, account_key in world.accounts(tenant).values():
        items = api.get(f"/api/v1/accounts/{public}/valuations", world.keys[tenant], limit=1000).json["items"]
        stored = world.rows(
            f"SELECT {as_text(OF_A_VALUATION)} FROM marts.fct_account_valuation_daily "  # noqa: S608  # constants above
            "WHERE tenant_key = %s AND account_key = %s ORDER BY as_of_date DESC",
            world.tenant_keys[tenant], account_key,
        )  # fmt: skip
        assert [told(item, OF_A_VALUATION) for item in items] == stored
        assert items[0]["as_of_date"] == LAST_DAY.isoformat()


@pytest.mark.parametrize("tenant", TENANTS)
def test_every_position_is_the_warehouses_to_the_last_digit(world: World, api: Api, tenant: str) -> None:
    for public, account_key in world.accounts(tenant).values():
        answer = api.get(f"/api/v1/accounts/{public}/positions", world.keys[tenant]).json
        stored = world.rows(
            f"SELECT s.security_id, {as_text(OF_A_POSITION)} FROM marts.fct_position_daily p "  # noqa: S608  # constants
            "JOIN marts.dim_security s USING (security_key) "
            "WHERE p.tenant_key = %s AND p.account_key = %s AND p.as_of_date = %s AND p.quantity <> 0",
            world.tenant_keys[tenant], account_key, LAST_DAY,
        )  # fmt: skip
        shown = [(item["security_id"], *told(item, OF_A_POSITION)) for item in answer["items"]]
        assert answer["as_of_date"] == LAST_DAY.isoformat()
        assert sorted(shown) == sorted(stored)
        assert shown


@pytest.mark.parametrize("tenant", TENANTS)
def test_positions_add_up_to_the_valuation_of_their_day(world: World, api: Api, tenant: str) -> None:
    for public, _ in world.accounts(tenant).values():
        key = world.keys[tenant]
        for value in api.get(f"/api/v1/accounts/{public}/valuations", key).json["items"]:
            held = api.get(f"/api/v1/accounts/{public}/positions", key, as_of=value["as_of_date"]).json["items"]
            assert sum(Decimal(p["market_value_base"]) for p in held) == Decimal(value["total_value_base"])
            assert len(held) == value["position_count"]


def test_decimals_are_strings_without_an_exponent(world: World, api: Api) -> None:
    public = world.accounts("alder")[SHARED_NUMBER][0]
    key = world.keys["alder"]
    zeros = 0
    for item in api.get(f"/api/v1/accounts/{public}/valuations", key).json["items"]:
        for name in ("total_value_base", "inflow_base", "outflow_base", "gain_base", "daily_return", "linked_return"):
            if item[name] is not None:
                whole, _, fraction = item[name].lstrip("-").partition(".")
                assert whole.isdigit()
                assert len(fraction) == (8 if name.endswith("return") else 4)
                zeros += item[name].strip("-0.") == ""
    assert zeros  # a zero of scale 8 is where an exponent would show


def test_a_zero_of_many_places_is_written_out(world: World, changing: World) -> None:
    public, account_key = changing.accounts("birch")[SHARED_NUMBER]
    republished(changing, LAST_DAY, pl.lit(Decimal("0.00000000")).cast(pl.Decimal(20, 8)).alias("daily_return"))
    first = changing.api.get(f"/api/v1/accounts/{public}/valuations", changing.keys["birch"], limit=1).json["items"][0]
    assert first["daily_return"] == "0.00000000"
    assert account_key == world.accounts("birch")[SHARED_NUMBER][1]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (date(2022, 11, 24), date(2022, 11, 23)),  # Thanksgiving
        (date(2022, 11, 25), date(2022, 11, 25)),
        (date(2022, 11, 26), date(2022, 11, 25)),  # Saturday
        (date(2022, 11, 27), date(2022, 11, 25)),
        (date(2022, 11, 28), date(2022, 11, 28)),
        (LAST_DAY + timedelta(days=400), LAST_DAY),
        (FIRST_DAY, FIRST_DAY),
        (FIRST_DAY - timedelta(days=1), None),
    ],
)
def test_as_of_shows_the_last_published_day_on_or_before(
    world: World, api: Api, asked: date, shown: date | None
) -> None:
    public = world.accounts("alder")[SHARED_NUMBER][0]
    answer = api.get(f"/api/v1/accounts/{public}/positions", world.keys["alder"], as_of=asked).json
    assert answer["as_of_date"] == (shown.isoformat() if shown else None)
    assert bool(answer["items"]) == bool(shown)


def day_of(world: World, day: date, change: pl.Expr) -> dict[str, pl.DataFrame]:
    """Every bulk-loaded table of one of birch's days as the lake holds it, with each valuation changed."""
    lake = Lake(world.lake_root)
    frames = {
        name: lake.current(table, "birch", where=pl.col("as_of_date") == day)
        for name, table in TABLES.items()
        if table.warehouse == "loaded"
    }
    name = "accounting.account_valuation"
    return {**frames, name: frames[name].with_columns(change)}


def republished(world: World, day: date, change: pl.Expr) -> None:
    load_dates(world.url, world.tenant_keys["birch"], day_of(world, day, change))
    publish(world.url, world.tenant_keys["birch"], [day], datetime.fromisoformat("2022-12-01T07:00:00+00:00"), "test")


def test_a_load_shows_when_it_is_published_and_not_before(changing: World) -> None:
    public, key = changing.accounts("birch")[SHARED_NUMBER][0], changing.keys["birch"]
    paths = ["/api/v1/status", "/api/v1/accounts", f"/api/v1/accounts/{public}/valuations"]
    paths.append(f"/api/v1/accounts/{public}/positions")
    before = [changing.api.get(path, key).text for path in paths]

    day = LAST_DAY - timedelta(days=1)
    change = (pl.col("total_value_base") + 1).cast(pl.Decimal(20, 4))
    assert load_dates(changing.url, changing.tenant_keys["birch"], day_of(changing, day, change)) is not None
    assert [changing.api.get(path, key).text for path in paths] == before

    republished(changing, day, change)
    values = changing.api.get(paths[2], key, from_date=day, to_date=day).json["items"]
    old = changing.rows(
        "SELECT total_value_base FROM accounting.account_valuation WHERE tenant_key = %s AND as_of_date = %s "
        "AND account_key = %s ORDER BY load_key LIMIT 1",
        changing.tenant_keys["birch"], day, changing.accounts("birch")[SHARED_NUMBER][1],
    )[0][0]  # fmt: skip
    assert [Decimal(v["total_value_base"]) for v in values] == [old + 1]
    assert changing.api.get(paths[1], changing.keys["alder"]).status == 200
