"""The marts job publishes what dbt has tested, and not what arrives while dbt works."""

# The orchestrator reads annotations, so this module has no ``from __future__ import annotations``.

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml

from assets.marts.assets import PUBLICATION, note_candidates, publication_asset
from assets.workspace import Workspace, WorkspaceResource
from tests.pipelines.person import Person
from tests.warehouse.postgres.rows import MONDAY, TUESDAY, frames, position
from warehouse.postgres.load import load_dates
from warehouse.postgres.migrate import migrate
from warehouse.postgres.publication import unpublished
from warehouse.postgres.sessions import with_database

pytestmark = pytest.mark.xdist_group("pipelines_ingest")
MODELS = dg.AssetKey("models")
DAYS = {"monday": MONDAY, "tuesday": TUESDAY}


@dataclass(frozen=True)
class Marts:
    """The marts job of one tenant, with a stand-in for dbt in which a test lets something happen."""

    url: str
    home: Path
    tenant_key: int
    instance: dg.DagsterInstance

    def load(self, **quantities: str) -> None:
        rows = [position(DAYS[day], quantity, tenant=self.tenant_key) for day, quantity in quantities.items()]
        load_dates(self.url, self.tenant_key, frames(position=rows))

    def run(
        self,
        during: Callable[[int], None] = lambda attempt: None,
        selection: Sequence[dg.AssetKey] = (MODELS, PUBLICATION),
    ) -> dg.ExecuteInProcessResult:
        """One run; ``during`` is told which attempt at dbt it is in."""
        url = self.url

        @dg.asset(key=MODELS)
        def models(context: dg.AssetExecutionContext) -> None:
            note_candidates(context, url)
            during(context.retry_number)

        return dg.materialize(
            [models, publication_asset([MODELS], "test")],
            instance=self.instance, selection=list(selection), raise_on_error=False,
            resources={"workspace": WorkspaceResource(home=str(self.home), warehouse_url=url)},
        )  # fmt: skip

    def published(self) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(
                "SELECT as_of_date, quantity::bigint FROM accounting.position_published ORDER BY 1"
            ).fetchall()


@pytest.fixture
def marts(person: Person, tmp_path: Path) -> Iterator[Marts]:
    """A migrated database of its own on the person's server, and a tenant."""
    name = f"marts_{uuid.uuid4().hex}"
    with psycopg.connect(person.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = with_database(person.url, name)
    migrate(url)
    (tmp_path / "tenants").mkdir()
    (tmp_path / "locks").mkdir()
    (tmp_path / "tenants" / "alder.yaml").write_text(yaml.safe_dump({"tenant": "alder", "name": "Alder"}))
    key = Workspace(tmp_path, str(tmp_path / "lake"), url).tenant_key("alder")
    with dg.DagsterInstance.ephemeral() as instance:
        yield Marts(url, tmp_path, key, instance)


def test_a_load_that_comes_while_dbt_works_waits_for_the_next_run(marts: Marts) -> None:
    marts.load(monday="10", tuesday="10")
    assert marts.run(lambda _: marts.load(tuesday="11")).success
    assert marts.published() == [(MONDAY, 10)]
    assert [day for _, day, _ in unpublished(marts.url)] == [TUESDAY]
    assert marts.run().success
    assert marts.published() == [(MONDAY, 10), (TUESDAY, 11)]


def test_a_second_attempt_at_dbt_tests_what_is_there_by_then(marts: Marts) -> None:
    def once(attempt: int) -> None:
        if attempt == 0:
            marts.load(tuesday="11")
            raise dg.RetryRequested(max_retries=1, seconds_to_wait=0)

    marts.load(monday="10", tuesday="10")
    assert marts.run(once).success
    assert marts.published() == [(MONDAY, 10), (TUESDAY, 11)]


def test_dbt_that_fails_publishes_nothing(marts: Marts) -> None:
    def broken(_: int) -> None:
        raise dg.Failure("a test of dbt failed", allow_retries=False)

    marts.load(monday="10")
    assert not marts.run(broken).success
    assert marts.published() == []


def test_publication_alone_publishes_nothing_and_says_what_to_run(marts: Marts) -> None:
    """Also when an earlier run has noted loads: they were tested then, in that run."""
    marts.load(monday="10")
    assert marts.run().success
    marts.load(monday="11")
    result = marts.run(selection=[PUBLICATION])
    assert not result.success
    (failed,) = [e for e in result.all_events if e.is_step_failure]
    assert "run the job `marts` as a whole" in str(failed.step_failure_data.error_display_string)
    assert marts.published() == [(MONDAY, 10)]
