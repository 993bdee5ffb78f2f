from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from simulation.faults import FileFault, TradingFault
from simulation.firm import TenantPlan
from simulation.market import Market, market
from simulation.world import SimulationConfig, World, simulate

PLANS = {
    "alder": TenantPlan(accounts=9, master_account="08123456", ofx_share=0.5),
    "birch": TenantPlan(accounts=3, master_account="08765432"),
}
FIRST, LAST = date(2022, 1, 3), date(2022, 4, 29)

Build = Callable[..., World]


@pytest.fixture(scope="session")
def scene() -> Market:
    return market(7, FIRST, LAST)


@pytest.fixture(scope="session")
def build() -> Build:
    def built(*faults: FileFault | TradingFault, seed: int = 7, last_date: date = LAST) -> World:
        return simulate(SimulationConfig(seed, PLANS, FIRST, last_date, faults))

    return built


@pytest.fixture(scope="session")
def world(build: Build) -> World:
    return build()
