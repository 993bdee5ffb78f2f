"""A provider that does not answer and a file that does not come: the run goes on, says so, and heals by itself."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl
import pytest
import yaml

from pipelines.runs import Outcome
from simulation.world import World
from tests.e2e import truth
from tests.e2e.figures import all_figures, figures
from tests.e2e.house import LAST_DAY, House, Houses
from tests.e2e.test_arrival_order import CLOCK, assert_same_figures

pytestmark = pytest.mark.xdist_group("e2e")

HOLDINGS = f"CRS{LAST_DAY:%Y%m%d}.RPS"


@dataclass(frozen=True)
class Night:
    """The last night: one firm's Schwab does not answer, the other firm's holdings file does not come."""

    house: House
    outcomes: Mapping[str, Outcome]
    shown: Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def night(houses: Houses, eve: House) -> Night:
    house = houses.build(eve)
    settings_file = house.home / "tenants" / "alder.yaml"
    settings = yaml.safe_load(settings_file.read_text())
    with socket.socket() as closed:  # a port that is taken and that nobody listens on
        closed.bind(("127.0.0.1", 0))
        schwab = next(c for c in settings["connections"] if c["connection_id"] == "schwab_main")
        schwab["transport"]["port"] = closed.getsockname()[1]
        settings_file.write_text(yaml.safe_dump(settings))
        file = house.provider / "birch" / "schwab_main" / HOLDINGS
        shutil.move(file, house.home / HOLDINGS)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("assets.landing.assets.RETRY_SECONDS", 0)  # the waiting between retries is not under test
            outcomes = house.night(LAST_DAY)
        house.marts()
    return Night(house, outcomes, all_figures(house))


def test_a_provider_that_does_not_answer_fails_its_check_and_not_the_run(night: Night) -> None:
    alder, birch = night.outcomes["alder"], night.outcomes["birch"]
    assert alder.success
    assert birch.success
    assert "landing/schwab_files: provider_reachable" in alder.failed_checks
    assert "quality/feed_readiness: feeds_ready" in alder.failed_checks
    assert "landing/ofx_files: provider_reachable" not in alder.failed_checks
    assert "landing/schwab_files: files_in_time" in alder.failed_checks
    assert set(birch.failed_checks) == {"landing/schwab_files: files_in_time", "quality/feed_readiness: feeds_ready"}
    assert night.outcomes["market_data"].failed_checks == ()


def test_readiness_names_exactly_the_files_that_are_missing(night: Night) -> None:
    blocked = night.shown["readiness"].filter(pl.col("readiness") != "complete")
    missing = [
        ("alder", "schwab_main", kind, LAST_DAY, "blocked", "file_missing") for kind in ("ACC", "RPS", "SEC", "TRN")
    ]
    missing.append(("birch", "schwab_main", "RPS", LAST_DAY, "blocked", "file_missing"))
    assert sorted(blocked.rows()) == missing


def test_accounts_that_wait_for_a_file_are_provisional_and_others_are_not(night: Night, world: World) -> None:
    tonight = night.shown["values"].filter(pl.col("as_of_date") == LAST_DAY)
    schwab = tonight.filter(pl.col("custodian") == "schwab")
    assert schwab["readiness"].unique().to_list() == ["provisional"]
    assert schwab["readiness_reasons"].str.contains("file_missing").all()
    before = night.shown["values"].filter(pl.col("as_of_date") < LAST_DAY)
    assert "file_missing" not in before["readiness_reasons"].drop_nulls().str.split(";").explode().to_list()
    ofx = tonight.filter(pl.col("custodian") == "ofx").sort("account_number")
    true = truth.values(world).filter(custodian="ofx", as_of_date=LAST_DAY).sort("account_number")
    assert ofx["readiness"].unique().to_list() == ["complete"]
    assert ofx["total_value_base"].to_list() == true["total_value_base"].to_list()


def test_the_night_heals_when_the_files_come_though_the_line_breaks_in_the_middle_of_them(
    night: Night, finished: House
) -> None:
    house = night.house
    house.write_settings()
    shutil.move(house.home / HOLDINGS, house.provider / "birch" / "schwab_main" / HOLDINGS)
    house.server.switches.close_after_bytes, house.server.switches.closes_left = 1_500, 3
    sessions = house.server.switches.sessions
    outcomes = house.night(LAST_DAY)
    house.marts()
    assert house.server.switches.closes_left == 0
    assert house.server.switches.sessions > sessions + 3
    assert {name: outcome.failed_checks for name, outcome in outcomes.items()} == {
        "market_data": (), "alder": (), "birch": (),
    }  # fmt: skip
    assert_same_figures(house, finished, CLOCK)
    assert not figures(house, "values").filter(pl.col("readiness_reasons").is_not_null()).height
