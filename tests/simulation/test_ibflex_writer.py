"""The bytes of simulated Flex files against what the formats page says of them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

import pytest

from simulation.firm import TenantPlan
from simulation.scene import Scene
from simulation.world import SimulationConfig, simulate
from simulation.writers import ibflex

FIRST, LAST = date(2022, 1, 3), date(2022, 3, 4)


@pytest.fixture(scope="module")
def scene() -> Scene:
    plan = TenantPlan(accounts=7, master_account="08123456", styles=("ibflex",))
    world = simulate(SimulationConfig(5, {"alder": plan}, FIRST, LAST))
    return Scene(world.config.seed, world.market, world.firm, world.booked, world.reported)


@pytest.fixture(scope="module")
def contents(scene: Scene) -> dict[date, bytes]:
    return {
        day: next(ibflex.files(scene, "alder", scene.held_at("alder", "ibflex", day), day))[2]
        for day in scene.market.days
    }


@pytest.fixture(scope="module")
def roots(contents: dict[date, bytes]) -> dict[date, ElementTree.Element]:
    return {day: ElementTree.fromstring(content) for day, content in contents.items()}  # noqa: S314 (our own bytes)


def attributes(roots: dict[date, ElementTree.Element], tag: str) -> list[dict[str, str]]:
    return [element.attrib for root in roots.values() for element in root.iter(tag) if element.attrib]


def test_the_envelope_counts_its_statements_and_names_their_day(
    scene: Scene, roots: dict[date, ElementTree.Element]
) -> None:
    for day, root in roots.items():
        assert (root.tag, root.attrib["type"]) == ("FlexQueryResponse", "AF")
        [statements] = root
        assert int(statements.attrib["count"]) == len(statements) == len(scene.held_at("alder", "ibflex", day))
        for statement in statements:
            assert statement.attrib["fromDate"] == statement.attrib["toDate"] == f"{day:%Y%m%d}"
            assert re.fullmatch(r"\d{8};\d{6}", statement.attrib["whenGenerated"])


def test_an_element_is_one_line_and_all_data_are_attributes(contents: dict[date, bytes]) -> None:
    for line in contents[FIRST].decode().splitlines():
        assert re.fullmatch(r"</?[A-Za-z]+( [A-Za-z]+=\"[^\"<]*\")*( /)?>", line)


def test_quantity_is_positive_on_a_purchase_and_money_has_the_opposite_sign(
    roots: dict[date, ElementTree.Element],
) -> None:
    trades = attributes(roots, "Trade")
    assert {trade["buySell"] for trade in trades} == {"BUY", "SELL"}
    for trade in trades:
        is_purchase = trade["buySell"] == "BUY"
        assert (Decimal(trade["quantity"]) > 0) == is_purchase
        assert (Decimal(trade["proceeds"]) < 0) == is_purchase
        assert Decimal(trade["ibCommission"]) <= 0
        parts = ("proceeds", "ibCommission", "taxes", "accruedInt")
        assert Decimal(trade["netCash"]) == sum(Decimal(trade[name]) for name in parts)


def test_both_levels_of_a_position_state_the_same_quantity(roots: dict[date, ElementTree.Element]) -> None:
    for root in roots.values():
        sums: dict[str, Counter[tuple[str, str]]] = {"SUMMARY": Counter(), "LOT": Counter()}
        for element in root.iter("OpenPosition"):
            stated = element.attrib
            key = stated["accountId"], stated["conid"]
            sums[stated["levelOfDetail"]][key] += Decimal(stated["position"])  # type: ignore[assignment]
        assert sums["SUMMARY"] == sums["LOT"]


def test_the_cash_report_has_a_base_summary_beside_the_currency(roots: dict[date, ElementTree.Element]) -> None:
    for statement in roots[FIRST].iter("FlexStatement"):
        currencies = [element.attrib["currency"] for element in statement.iter("CashReportCurrency")]
        assert currencies[0] == "BASE_SUMMARY"
        assert len(currencies) == 2


def test_every_security_that_a_statement_names_is_described_in_it(roots: dict[date, ElementTree.Element]) -> None:
    for root in roots.values():
        for statement in root.iter("FlexStatement"):
            described = {e.attrib["conid"] for e in statement.iter("SecurityInfo")}
            named = {
                e.attrib["conid"] for tag in ("OpenPosition", "Trade", "CashTransaction") for e in statement.iter(tag)
            }
            assert named - {""} <= described


def test_ids_of_a_days_records_are_unique_within_an_account(roots: dict[date, ElementTree.Element]) -> None:
    ids = Counter(
        (record["accountId"], record["transactionID"])
        for tag in ("Trade", "CashTransaction", "Transfer")
        for record in attributes(roots, tag)
    )
    assert ids
    assert max(ids.values()) == 1


def test_the_same_scene_gives_the_same_bytes(scene: Scene, contents: dict[date, bytes]) -> None:
    accounts = scene.held_at("alder", "ibflex", LAST)
    assert [content for _, _, content in ibflex.files(scene, "alder", accounts, LAST)] == [contents[LAST]]
    assert list(ibflex.files(scene, "alder", [], LAST)) == []
