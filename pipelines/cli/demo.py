"""``nexus demo``: a simulated firm from its custodians' files to a published summary, in one command.

Belongs here: the story that the demo tells. Everything it shows is done by the same jobs that production runs.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Annotated

import dagster as dg
import polars as pl
import typer

from assets.accounting.inputs import source_rank
from assets.workspace import Workspace
from contracts.table import SHARED_TENANT
from contracts.tables.canonical import PRICE
from pipelines.cli.console import console, day, fail, show
from pipelines.cli.demo_settings import VENDOR_RANK, ProviderServer, feeds_of, write_settings
from pipelines.cli.inspect import show_accounts, show_custodians, show_quality, show_totals
from pipelines.cli.run import report, require_partition
from pipelines.definitions import build_definitions
from pipelines.environment import Environment
from pipelines.installation import Installation, prepared
from pipelines.runs import Runner
from pipelines.workers import Workers

LAST_DAY = "2022-12-28"
FIRST_DAY = "2022-11-01"
SHOWN = 12
HOLDINGS = ("tenants", "inbox", "lake", "demo")
"""Folders of a home that hold what cannot be made again; a home where all are empty is nobody's."""


def demo(
    accounts: Annotated[int, typer.Option(min=4, help="Accounts over both tenants.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the simulated firm.")] = 20221228,
    first_day: Annotated[str, typer.Option(help="First simulated day.")] = FIRST_DAY,
    last_day: Annotated[str, typer.Option(help="Last simulated day, run as tonight's nightly.")] = LAST_DAY,
    fresh: Annotated[bool, typer.Option("--fresh/--keep", help="Start from an empty installation.")] = True,
) -> None:
    """Simulate a firm, serve its files over SFTP, run the nightly through Dagster, build dbt, show the result."""
    from simulation.firm import US_STYLES
    from simulation.providers import CUSTODIANS, VENDORS
    from simulation.sftp_server import serve_apart
    from simulation.world import demo_config, simulate, write_day, write_world

    first, last = day(first_day), day(last_day)
    require_partition(last)
    eve = _weekday_before(last)
    if eve < first:
        fail("--last-day must be a business day later than --first-day, at the least")
    started = time.monotonic()
    environment = Environment()
    world_folder = environment.home / "demo"
    styles = tuple(dict.fromkeys((*US_STYLES, *CUSTODIANS)))
    config = demo_config(accounts, seed, first, last, styles=styles, vendors=VENDORS)
    with ThreadPoolExecutor(max_workers=1) as pool:
        with _step(f"simulate two firms of {accounts} accounts"):
            try:
                world = simulate(config)
            except ValueError as error:
                fail(f"these days cannot be simulated: {error}")
            if fresh:
                _forget(environment)
            # PostgreSQL and dbt are processes of their own: they start while the files are written.
            starting = pool.submit(_ready)
            write_world(world, world_folder, until=eve)
        with _step("start the warehouse"):
            installation, definitions = starting.result()
    with serve_apart(world_folder / "sftp", environment.home / "demo-sftp") as server:
        provider = ProviderServer(
            server.host, server.port, server.username, server.known_hosts_path, server.secrets["sftp_password"]
        )
        write_settings(environment, provider, feeds_of(world))
        jobs = Runner(definitions, installation.instance())
        with Workers(len(config.tenants)) as workers:
            with _step("history: market data, then one run for each tenant, at once"):
                start = _weekday_from(first)
                report("  market data", jobs.market_data(start, eve))
                for tenant, outcome in workers.nightly(config.tenants, start, eve):
                    report(f"  nightly {tenant} {start} to {eve}", outcome)
            with _step("tonight: new files arrive, the nightly runs"):
                write_day(world, world_folder, last)
                report("  market data", jobs.market_data(last, last))
                for tenant, outcome in workers.nightly(config.tenants, last, last):
                    report(f"  nightly {tenant} {last}", outcome)
        with _step("dbt build and publication"):
            report("  marts", jobs.marts())
    _show_vendors(installation, last)
    _summary(installation.warehouse_url, time.monotonic() - started)


def _ready() -> tuple[Installation, dg.Definitions]:
    installation = prepared()
    return installation, build_definitions(installation.environment, installation.warehouse_url)


def _weekday_before(day: date) -> date:
    return day - timedelta(days={0: 3, 6: 2}.get(day.weekday(), 1))


def _weekday_from(day: date) -> date:
    return day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))


@contextmanager
def _step(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {name}")


def _forget(environment: Environment) -> None:
    """Remove what an earlier demo left, and nothing else: a home that is not a demo's is left alone."""
    from warehouse.postgres.server import stop

    home = environment.home
    if not any((home / name).exists() and any((home / name).iterdir()) for name in HOLDINGS):
        return
    if not (home / "demo").is_dir():
        fail(f"{home} holds an installation that is not a demo's; set NEXUS_HOME to another folder, or pass --keep")
    stop(home)
    shutil.rmtree(home)


def _show_vendors(installation: Installation, day: date) -> None:
    """What every source said of the last day's prices, in the order in which it is asked."""
    environment = installation.environment
    lake = Workspace(environment.home, environment.lake_root, installation.warehouse_url).lake
    found = pl.concat(
        [lake.read(PRICE, owner, where=pl.col("price_date") == day) for owner in (SHARED_TENANT, "alder")]
    )
    rank = {source: place for place, source in enumerate(source_rank(VENDOR_RANK), 1)}
    last = found.sort("known_at").unique(["security_key", "price_source"], keep="last")
    ranked = last.with_columns(pl.col("price_source").replace_strict(rank, return_dtype=pl.Int64).alias("rank"))
    best = ranked.sort("rank").unique("security_key", keep="first").select("security_key", best="price")
    rows = (
        ranked.join(best, on="security_key")
        .group_by("rank", "price_source")
        .agg(pl.len().alias("prices"), (pl.col("price") == pl.col("best")).sum().alias("as_best"))
        .sort("rank")
    )
    columns = ("asked", "source", "prices", "as the best ranked")
    show(f"Prices of {day}, by rank after the custodian's own", columns, rows.rows(), numeric=("asked", "prices"))


def _summary(url: str, seconds: float) -> None:
    show_totals(url)
    show_custodians(url)
    show_accounts(url, None, SHOWN)
    show_quality(url)
    console.print(f"\nDone in {seconds:.0f} s. Look around:")
    console.print("  make up                            the Dagster UI on :3000 and the API on :8000")
    console.print("  .venv/bin/nexus status             what arrived, what is ready, what is held back")
    console.print("  .venv/bin/nexus trace --help       from a figure to the custodian's file and line")
    console.print("  .venv/bin/nexus api-key --tenant alder")
