"""The nightly of two tenants, through the orchestrator into PostgreSQL: a night of many faults, and the night after."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipelines.definitions import build_definitions
from pipelines.environment import Environment
from pipelines.runs import Outcome, Runner
from simulation import broken_files as broken
from simulation.delivery import Delivery
from simulation.firm import TenantPlan
from simulation.world import SimulationConfig, World, simulate
from tests.e2e_faults.provider import SHARED, Provider, provider_in
from warehouse.postgres.migrate import migrate
from warehouse.postgres.server import temporary_server
from warehouse.postgres.sessions import connect

pytestmark = pytest.mark.xdist_group("e2e_faults")
PLANS = {
    "alder": TenantPlan(accounts=8, master_account="08123456", ofx_share=0.125),
    "birch": TenantPlan(accounts=6, master_account="08765432"),
}
DAYS = [date(2022, 11, day) for day in (1, 2, 3, 4)]
EVE, LAST = DAYS[2], DAYS[3]
TENANTS = ("alder", "birch")
FAULTS = (
    broken.TruncatedFile("alder", "schwab_main", "TRN", DAYS[1]),
    broken.UnknownSecurity("alder", "schwab_main", "RPS", DAYS[1]),
    broken.WrongTrailerCount("alder", "schwab_main", "ACC", DAYS[2]),
    broken.ZipBomb("alder", "schwab_main", "TRN", DAYS[2]),
    broken.UnparsableNumber("alder", "schwab_main", "SEC", DAYS[2]),
    broken.BinaryRubbish("birch", "schwab_main", "SEC", DAYS[1]),
    broken.EmptyFile("birch", "schwab_main", "RPS", DAYS[2]),
    broken.BinaryRubbish(SHARED, "ecb", "DAILY", DAYS[1]),
    broken.TruncatedFile(SHARED, "closing_prices", "PRICES", DAYS[2]),
)
NAMED = {
    "alder": {
        ("truncated_file", "CRS20221102.TRN"), ("unknown_security", "CRS20221102.RPS"),
        ("trailer_mismatch", "CRS20221103.ACC"), ("archive_bomb", "extra/CRS20221103.TRN.zip"),
        ("unparsable_number", "CRS20221103.SEC"),
    },
    "birch": {("binary_content", "CRS20221102.SEC"), ("empty_file", "CRS20221103.RPS")},
    SHARED: {("binary_content", "2022-11-02/eurofxref.zip"), ("truncated_file", "prices_20221103.csv")},
}  # fmt: skip


@dataclass(frozen=True)
class Nights:
    """Two nights: what the runs said, and what the warehouse and the lake then held.

    Attributes:
        world: without faults; its truth is the truth.
        outcomes: by night and by tenant (``_shared`` is market data).
        warehouse: by night, a table's rows by name.
        lake: by night and tenant, rows of quality.reject.
        values: by night and tenant, current account values with account numbers.
    """

    world: World
    outcomes: tuple[dict[str, Outcome], dict[str, Outcome]]
    warehouse: tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]
    lake: tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]
    values: tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    world = simulate(SimulationConfig(seed=7, tenants=PLANS, first_date=DAYS[0], last_date=LAST))
    struck = replace(world, config=replace(world.config, faults=FAULTS))
    home = tmp_path_factory.mktemp("nights")
    provider = provider_in(home)
    provider.configure("birch", {"schwab_main": ("schwab", ("08765432",)), "lost_feed": ("schwab", ())})
    shutil.rmtree(home / "sftp" / "birch" / "lost_feed")
    # Not below pytest's own folder: the server may run under another login, which cannot look in there.
    with tempfile.TemporaryDirectory(prefix="nexus-faults-") as folder, temporary_server(Path(folder)) as url:
        migrate(url)
        with _runner(provider, url) as runner:
            for day in DAYS[:3]:
                provider.deliver(struck.deliveries(day))
            first = _night(runner, DAYS[0], EVE)
            seen = _tables(url), _rejects(provider), _values(provider)
            provider.deliver(world.deliveries(LAST))
            for delivery in _repaired(world):
                provider.put(delivery.path, delivery.content, delivery.arrived_at + timedelta(days=3))
            second = _night(runner, LAST, LAST)
        after = _tables(url), _rejects(provider), _values(provider)
        pairs = list(zip(seen, after, strict=True))
        yield Nights(world, (first, second), pairs[0], pairs[1], pairs[2])  # type: ignore[arg-type]


@contextmanager
def _runner(provider: Provider, url: str) -> Iterator[Runner]:
    with warnings.catch_warnings(), dg.DagsterInstance.ephemeral() as instance:
        # The orchestrator calls parameters beta on every use; pytest would make errors of it.
        warnings.simplefilter("ignore", dg.BetaWarning)
        definitions = build_definitions(Environment(home=provider.home), url)
        instance.add_dynamic_partitions("tenant", list(TENANTS))
        yield Runner(definitions, instance)


def _night(runner: Runner, first: date, last: date) -> dict[str, Outcome]:
    return {SHARED: runner.market_data(first, last)} | {t: runner.nightly(t, first, last) for t in TENANTS}


def _repaired(world: World) -> list[Delivery]:
    """The sound files in place of the broken ones."""
    sound = [delivery for day in DAYS[:3] for delivery in world.deliveries(day)]
    return [d for d in sound if any(f.strikes(d) and not isinstance(f, broken.ZipBomb) for f in FAULTS)]


def _tables(url: str) -> dict[str, pl.DataFrame]:
    queries = {
        "reject": "select t.slug, r.* from quality.reject r join core.tenants t using (tenant_key)",
        "parse": "select * from landing.file_parse",
        "arrival": "select * from landing.file_arrival where adapter <> 'nexus'",
        "value": (
            "select v.* from accounting.account_valuation v join "
            "(select tenant_key, as_of_date, max(load_key) load_key from ops.load_date "
            "where table_name = 'accounting.account_valuation' group by 1, 2) l "
            "using (tenant_key, as_of_date, load_key)"
        ),
    }
    found = {}
    with connect(url) as connection:
        for name, query in queries.items():
            cursor = connection.execute(query)  # type: ignore[arg-type]
            columns = [column.name for column in cursor.description or ()]
            found[name] = pl.DataFrame(cursor.fetchall(), schema=columns, orient="row", infer_schema_length=None)
    return found


def _rejects(provider: Provider) -> dict[str, pl.DataFrame]:
    return {tenant: provider.read("quality.reject", tenant) for tenant in (SHARED, *TENANTS)}


def _values(provider: Provider) -> dict[str, pl.DataFrame]:
    return {
        tenant: provider.current("accounting.account_valuation", tenant).join(
            provider.account_numbers(tenant), on="account_key"
        )
        for tenant in TENANTS
    }


# --- the night of the faults ------------------------------------------------------------------------------------------


def test_every_run_ends_well_whatever_was_delivered(nights: Nights) -> None:
    for night in nights.outcomes:
        assert [name for name, outcome in night.items() if outcome.success] == [SHARED, "alder", "birch"]


def test_the_checks_say_what_was_wrong_with_whom(nights: Nights) -> None:
    shared, alder, birch = (set(nights.outcomes[0][name].failed_checks) for name in (SHARED, "alder", "birch"))
    assert shared == {"shared/file_parse: files_readable"}
    assert {"landing/file_parse: files_readable", "quality/feed_readiness: feeds_ready"} <= alder & birch
    assert "landing/schwab_files: provider_reachable" in birch - alder
    for failed in (shared, alder, birch):
        assert not {check for check in failed if check.endswith(("nothing_lost", "connectors_sound", "quality_gate"))}


@pytest.mark.parametrize("tenant", [SHARED, *TENANTS])
def test_every_fault_is_named_in_the_lake(nights: Nights, tenant: str) -> None:
    assert set(nights.lake[0][tenant].select("reason", "logical_name").iter_rows()) == NAMED[tenant]


def test_the_warehouse_names_the_same_faults_at_the_same_lines(nights: Nights) -> None:
    columns = ["reason", "logical_name", "source_line", "source_file_id", "detail"]
    for tables, lake in zip(nights.warehouse, nights.lake, strict=True):
        theirs = tables["reject"]
        for tenant in TENANTS:
            mine = theirs.filter(pl.col("slug") == tenant)
            assert sorted(mine.select(columns).rows()) == sorted(lake[tenant].select(columns).rows())


def test_the_count_law_holds_for_every_file_in_the_warehouse(nights: Nights) -> None:
    for tables in nights.warehouse:
        parsed = tables["parse"]
        assert parsed.height > 30
        law = pl.col("record_count") == pl.col("parsed_count") + pl.col("quarantined_count")
        assert parsed.select(law.all()).item()
        landed = tables["arrival"].filter(pl.col("arrival_status") == "landed")
        assert set(landed["source_file_id"]) == set(parsed["source_file_id"])


def truth(nights: Nights, tenant: str, last: date) -> pl.DataFrame:
    return nights.world.frames(tenant)["valuations"].filter(pl.col("as_of_date") <= last)


def beside_truth(nights: Nights, night: int, tenant: str) -> pl.DataFrame:
    ours = nights.values[night][tenant]
    loaded = nights.warehouse[night]["value"].filter(pl.col("tenant_key") == ours["tenant_key"][0])
    loaded = loaded.select("account_key", "as_of_date", loaded="total_value_base")
    ours = ours.join(loaded, on=["account_key", "as_of_date"], how="full", coalesce=True)
    return truth(nights, tenant, (EVE, LAST)[night]).join(
        ours, on=["account_number", "as_of_date"], how="full", coalesce=True, suffix="_ours"
    )


def test_accounts_without_a_lost_booking_have_their_true_values_all_the_same(nights: Nights) -> None:
    booked = nights.world.frames("alder")["transactions"].filter(pl.col("reported_date") == DAYS[1])
    touched = {"alder": booked["account_number"].to_list(), "birch": []}
    for tenant in TENANTS:
        both = beside_truth(nights, 0, tenant).filter(
            ~pl.col("account_number").is_in(touched[tenant]) & (pl.col("base_currency") == "USD")
        )
        assert both.height >= 9
        assert both["total_value_base"].to_list() == both["total_value"].to_list()
        assert both["loaded"].to_list() == both["total_value"].to_list()


# --- the night of the repair ------------------------------------------------------------------------------------------


def test_after_the_repair_only_the_lost_provider_is_still_told(nights: Nights) -> None:
    second = nights.outcomes[1]
    assert second[SHARED].failed_checks == second["alder"].failed_checks == ()
    landing = {f"landing/schwab_files: {check}" for check in ("provider_reachable", "files_in_time")}
    lost = landing | {"quality/feed_readiness: feeds_ready"}
    assert set(second["birch"].failed_checks) == lost


def test_after_the_repair_every_figure_is_the_truth(nights: Nights) -> None:
    for tenant in TENANTS:
        both = beside_truth(nights, 1, tenant)
        assert both["total_value_base"].to_list() == both["total_value"].to_list()
        assert both["loaded"].to_list() == both["total_value"].to_list()
    assert set(nights.values[1]["alder"]["readiness"]) == {"complete"}


def test_what_was_held_back_stays_on_record_after_the_repair(nights: Nights) -> None:
    for tenant in (SHARED, *TENANTS):
        assert set(nights.lake[1][tenant].select("reason", "logical_name").iter_rows()) == NAMED[tenant]
