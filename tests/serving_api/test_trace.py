"""A traced figure leads to the delivered files' own lines, and what they say adds up to it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from tests.serving_api.client import Api
from tests.serving_api.world import LAST_DAY, World
from warehouse.postgres.sessions import api_url

pytestmark = pytest.mark.xdist_group("serving_api")

TENANTS = ["alder", "birch"]
MOVES = ("opening", "transaction", "cash")


def delivered_line(world: World, tenant: str, line: dict[str, Any]) -> str | None:
    """The line in the file that the provider put down; None for a file that is packed or not one of lines."""
    for owner in (tenant, "_shared"):
        path = world.home / "provider" / "sftp" / owner / line["connection_id"] / line["remote_path"]
        if path.exists() and path.suffix in {".TRN", ".RPS", ".SEC", ".ACC", ".csv"}:
            return path.read_bytes().decode("cp1252").splitlines()[line["source_line"] - 1]
    return None


@pytest.mark.parametrize("tenant", TENANTS)
def test_the_entries_of_every_position_add_up_to_it_and_show_their_lines(world: World, api: Api, tenant: str) -> None:
    key = world.keys[tenant]
    compared = 0
    for public, _ in world.accounts(tenant).values():
        held = api.get(f"/api/v1/accounts/{public}/positions", key).json["items"]
        for position in held:
            path = f"/api/v1/accounts/{public}/positions/{position['security_id']}/trace"
            trace = api.get(path, key, as_of=LAST_DAY).json
            (figure,) = trace["figure"]
            assert figure["security_id"] == position["security_id"]
            assert not [name for name in figure if name.endswith("_key")]
            moved = "amount" if position["security_type"] == "currency" else "quantity"
            total = sum(Decimal(x["values"][moved]) for x in trace["lines"] if x["role"] in MOVES)
            assert total == Decimal(position["quantity"]) == Decimal(figure["quantity"])
            assert {"opening", "transaction", "cash"} & {x["role"] for x in trace["lines"]}
            if position["security_type"] != "currency":
                (price,) = {x["values"]["price"] for x in trace["lines"] if x["role"] == "price"}
                assert Decimal(price) == Decimal(position["price"])
            for line in trace["lines"]:
                assert line["remote_path"]
                assert line["line_text"]
                assert line["source_line"] >= 1
                assert len(line["sha256"]) == 64
                as_delivered = delivered_line(world, tenant, line)
                if as_delivered is not None:
                    compared += 1
                    assert line["line_text"].rstrip("\r\n") == as_delivered
    assert compared > 20


@pytest.mark.parametrize("tenant", TENANTS)
def test_the_trace_of_a_valuation_holds_every_entry_of_its_positions(world: World, api: Api, tenant: str) -> None:
    key = world.keys[tenant]
    for public, _ in world.accounts(tenant).values():
        trace = api.get(f"/api/v1/accounts/{public}/valuations/{LAST_DAY}/trace", key).json
        value, *positions = trace["figure"]
        (shown,) = api.get(f"/api/v1/accounts/{public}/valuations", key, limit=1).json["items"]
        assert value["total_value_base"] == shown["total_value_base"]
        assert sum(Decimal(p["market_value_base"]) for p in positions) == Decimal(shown["total_value_base"])

        held = api.get(f"/api/v1/accounts/{public}/positions", key).json["items"]
        assert {p["security_id"] for p in positions} == {p["security_id"] for p in held}
        cash = {p["currency"]: Decimal(p["quantity"]) for p in held if p["security_type"] == "currency"}
        shares = sum(Decimal(p["quantity"]) for p in held if p["security_type"] != "currency")
        booked = [x["values"] for x in trace["lines"] if x["role"] in MOVES]
        moved: dict[str, Decimal] = defaultdict(Decimal)
        for entry in booked:
            moved[entry["currency"]] += Decimal(entry["amount"])
        assert {currency: amount for currency, amount in moved.items() if amount} == cash
        assert sum(Decimal(entry["quantity"]) for entry in booked) == shares
        assert all(x["line_text"] and x["remote_path"] for x in trace["lines"])


def test_a_day_that_is_not_published_cannot_be_traced(world: World, api: Api) -> None:
    for public, _ in world.accounts("alder").values():
        for day in ("2022-11-24", "2022-11-30", "2021-01-01"):
            api.get(f"/api/v1/accounts/{public}/valuations/{day}/trace", world.keys["alder"]).problem(404)


def test_an_api_without_the_lake_says_so(world: World) -> None:
    bare = Api(api_url(world.url)).open()
    public = next(iter(world.accounts("alder").values()))[0]
    try:
        told = bare.get(f"/api/v1/accounts/{public}/valuations/{LAST_DAY}/trace", world.keys["alder"]).problem(503)
        assert "lake" in told["detail"]
    finally:
        bare.close()
