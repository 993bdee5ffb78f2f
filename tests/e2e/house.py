"""One whole installation under test: its home, its warehouse, the provider's server, and the runs of a night."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from assets.workspace import Workspace
from pipelines.cli.demo_settings import SPINE, Feed, ProviderServer, write_settings
from pipelines.definitions import build_definitions
from pipelines.environment import Environment
from pipelines.installation import prepared
from pipelines.runs import Outcome, Runner
from simulation.firm import TenantPlan
from simulation.sftp_server import ServerInfo, serve
from simulation.world import Fault, SimulationConfig, World, simulate, write_day
from warehouse.postgres.sessions import connect, with_database

TENANTS = ("alder", "birch")
FIRST_DAY, LAST_DAY = date(2022, 11, 1), date(2022, 11, 30)
"""Twenty-one business days, with Thanksgiving, an interest day at the end, and clocks that change on the way."""

PLANS = {
    "alder": TenantPlan(accounts=6, master_account="08123456", ofx_share=0.34),
    "birch": TenantPlan(accounts=4, master_account="08765432"),
}
"""Ten accounts: eight of Schwab's, a weekly and a monthly OFX one, both in euros; one opens in mid-month."""


def small_world(*faults: Fault, first: date = FIRST_DAY, last: date = LAST_DAY) -> World:
    """The firm of these tests with what is to go wrong."""
    return simulate(SimulationConfig(seed=7, tenants=PLANS, first_date=first, last_date=last, faults=faults))


@dataclass
class House:
    """An installation in a folder of its own.

    Attributes:
        home: NEXUS_HOME.
        url: the warehouse's database.
        provider: what the SFTP server shows, one folder per tenant and connection.
        server: the SFTP server.
        feeds: tenant to connection to what it delivers.
    """

    home: Path
    url: str
    provider: Path
    server: ServerInfo
    feeds: Mapping[str, Mapping[str, Feed]] = field(default_factory=lambda: SPINE)
    _definitions: dg.Definitions | None = field(default=None, repr=False)

    @property
    def workspace(self) -> Workspace:
        """Fresh handles, as a run opens them."""
        return Workspace(self.home, str(self.home / "lake"), self.url)

    def write_settings(self) -> None:
        """The tenants' settings, every connection at this house's server."""
        server = self.server
        provider = ProviderServer(
            server.host, server.port, server.username, server.known_hosts_path, server.secrets["sftp_password"]
        )
        write_settings(Environment(home=self.home), provider, self.feeds)

    # --- deliveries ---------------------------------------------------------------------------------------------------

    def deliver(self, world: World, nights: Sequence[date]) -> None:
        """Put the files of some nights on the provider's server."""
        for night in nights:
            write_day(world, self.provider.parent, night)

    # --- runs ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def environment(self) -> Iterator[Runner]:
        """The process environment of this installation, and its runner; restored at the end of the block."""
        before = dict(os.environ)
        os.environ.update(NEXUS_HOME=str(self.home), DATABASE_URL=self.url)
        os.environ.pop("NEXUS_LAKE", None)
        try:
            warnings.filterwarnings("ignore", category=dg.BetaWarning)  # as assets.partitions decided for every process
            installation = prepared()
            # The orchestrator's memory of its runs is no part of the figures; in memory it costs no disk.
            with dg.DagsterInstance.ephemeral() as instance:
                instance.add_dynamic_partitions("tenant", list(TENANTS))
                if self._definitions is None:
                    self._definitions = build_definitions(installation.environment, installation.warehouse_url)
                yield Runner(self._definitions, instance)
        finally:
            os.environ.clear()
            os.environ.update(before)

    def night(self, first: date, last: date | None = None, tenants: Sequence[str] = TENANTS) -> dict[str, Outcome]:
        """Market data and every tenant's nightly for a day or a range; each run must end well."""
        with self.environment() as runner:
            outcomes = {"market_data": runner.market_data(first, last or first)}
            for tenant in tenants:
                outcomes[tenant] = runner.nightly(tenant, first, last or first)
        failed = [name for name, outcome in outcomes.items() if not outcome.success]
        if failed:
            raise RuntimeError(f"runs failed: {', '.join(failed)}")
        return outcomes

    def marts(self) -> Outcome:
        """dbt build and publication; must end well."""
        with self.environment() as runner:
            outcome = runner.marts()
        if not outcome.success:
            raise RuntimeError("the marts failed")
        return outcome

    # --- looking ------------------------------------------------------------------------------------------------------

    def rows(self, query: str) -> pl.DataFrame:
        """Rows of a query over the warehouse as its owner sees them."""
        with connect(self.url) as connection:
            found = connection.execute(query)  # type: ignore[arg-type]
            names = [column.name for column in found.description or ()]
            return pl.DataFrame(found.fetchall(), schema=names, orient="row", infer_schema_length=None)


@contextmanager
def opened(home: Path, url: str, feeds: Mapping[str, Mapping[str, Feed]] = SPINE) -> Iterator[House]:
    """A house in ``home`` with an empty or an existing provider's folder, served until the block ends."""
    provider = home / "provider" / "sftp"
    provider.mkdir(parents=True, exist_ok=True)
    with serve(provider, home / "provider" / "server") as server:
        house = House(home, url, provider, server, feeds)
        house.write_settings()
        yield house


class Houses:
    """Builds houses on one server, each with a database of its own; a copy of a finished one costs no run.

    Args:
        server_url: a database of the server, under a login that may create others.
        folder: where homes are made.
    """

    def __init__(self, server_url: str, folder: Path) -> None:
        self._server_url = server_url
        self._folder = folder
        self._count = 0
        self._open = ExitStack()

    def build(self, model: House | None = None, feeds: Mapping[str, Mapping[str, Feed]] | None = None) -> House:
        """An empty house, or one with all that ``model`` holds."""
        feeds = feeds or (model.feeds if model else SPINE)
        self._count += 1
        name = f"house_{self._count}"
        home = self._folder / name
        template = str(conninfo_to_dict(model.url)["dbname"]) if model else "template1"
        if model:
            shutil.copytree(model.home, home)
        with connect(self._server_url, role=None, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        return self._open.enter_context(opened(home, with_database(self._server_url, name), feeds))

    def drop(self, house: House) -> None:
        """Remove a house's database and its data; its server stays until ``close``."""
        name = str(conninfo_to_dict(house.url)["dbname"])
        with connect(self._server_url, role=None, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        shutil.rmtree(house.home / "lake")

    def close(self) -> None:
        """Stop every provider's server."""
        self._open.close()
