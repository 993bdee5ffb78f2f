"""From the simulated firm's lots and gains through Schwab's files, back to the truth, to the last decimal."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from simulation.firm import TenantPlan
from simulation.lots import term
from simulation.scene import Scene
from simulation.world import SimulationConfig, simulate
from simulation.writers import schwab_lots
from simulation.writers.schwab import Master
from tests.connectors.golden import adapter, parsed

SCHWAB = adapter("connectors.custodians.schwab.adapter")
DAY = date(2022, 3, 31)
LOT, GAIN = "canonical.custodian_lot", "canonical.custodian_gain"


@pytest.fixture(scope="module")
def scene() -> Scene:
    plan = TenantPlan(accounts=8, master_account="08123456")
    world = simulate(SimulationConfig(7, {"alder": plan}, date(2022, 1, 3), DAY))
    return Scene(7, world.market, world.firm, world.booked, world.reported)


@pytest.fixture(scope="module")
def read(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("core")
    found = {}
    for name, kind, content in schwab_lots.files(scene, "alder", scene.held_at("alder", "schwab", DAY), DAY):
        (folder / name).write_bytes(content)
        result = parsed(SCHWAB, folder / name)
        assert result.quarantined_count == 0
        [found[kind]] = result.frames.values()
    return found


def exact(value: int | None, scale: int) -> Decimal | None:
    return None if value is None else Decimal(value).scaleb(-scale)


def test_taxable_lots_stand_in_one_file_and_all_others_in_the_other(
    scene: Scene, read: dict[str, pl.DataFrame]
) -> None:
    accounts = scene.held_at("alder", "schwab", DAY)
    for kind, is_taxable in (("ULT", True), ("ULN", False)):
        expected = [
            (
                account.account_number, scene.market.securities[lot.security].cusip, exact(lot.quantity, 5),
                lot.acquired_date, exact(lot.cost, 4), term(lot.acquired_date, DAY),
            )
            for account in accounts
            if (account.tax_status == "taxable") == is_taxable
            for lot in scene.lots(account, DAY)
        ]  # fmt: skip
        columns = ["account_number", "cusip", "quantity", "acquired_date", "cost_basis"]
        found = read[kind].select(*columns, pl.col("holding_term").cast(pl.String)).rows()
        assert len(expected) > 20
        assert sorted(found, key=str) == sorted(expected, key=str)


def test_lots_add_up_to_the_holdings(scene: Scene, read: dict[str, pl.DataFrame]) -> None:
    sums = pl.concat([read["ULT"], read["ULN"]]).group_by("account_number", "cusip").agg(pl.col("quantity").sum())
    expected = [
        (account.account_number, scene.market.securities[security].cusip, exact(quantity, 5))
        for account in scene.held_at("alder", "schwab", DAY)
        for security, quantity in scene.holdings(account, DAY).items()
    ]
    assert sorted(sums.rows()) == sorted(expected)


def test_gains_are_the_truth(scene: Scene, read: dict[str, pl.DataFrame]) -> None:
    expected = [
        (
            account.account_number, scene.market.securities[gain.security].cusip, gain.acquired_date, gain.sold_date,
            exact(gain.quantity, 5), exact(gain.proceeds, 4), exact(gain.cost, 4),
            exact(None if gain.cost is None else gain.proceeds - gain.cost, 4), gain.term,
        )
        for account in scene.held_at("alder", "schwab", DAY)
        for gain in scene.gains(account, DAY)
    ]  # fmt: skip
    columns = [
        "account_number", "cusip", "acquired_date", "sold_date", "quantity", "proceeds", "cost_basis", "realized_gain",
    ]  # fmt: skip
    found = read["RLY"].select(*columns, pl.col("holding_term").cast(pl.String)).rows()
    assert len(expected) > 5
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_lot_stands_in_the_columns_of_the_published_layout(scene: Scene) -> None:
    account = scene.held_at("alder", "schwab", DAY)[0]
    lot = scene.lots(account, DAY)[0]
    line = schwab_lots.lot_line(scene, Master("08123456", "ALDER"), account, lot, DAY)
    assert len(line) == 684
    assert line[0:2] == "DL"
    assert line[290:308].strip() == str(exact(lot.quantity, 5))
    assert line[309] == "L"
    assert line[564:583].strip() == "0.00000"


def test_the_account_map_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "CRS20230905.MXR"
    moves = [("REP", "900000001", "50000001"), ("REP", "900000003", "50000003")]
    path.write_bytes(schwab_lots.map_document(Master("08123456", "ALDER"), date(2023, 9, 5), moves))
    [frame] = parsed(SCHWAB, path).frames.values()
    assert frame.drop("source_line").rows() == [
        ("50000001", "tda", "900000001", date(2023, 9, 5)),
        ("50000003", "tda", "900000003", date(2023, 9, 5)),
    ]
