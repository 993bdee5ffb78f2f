"""``nexus trace``: the rows add up to the figure, and each is shown with the line of the file as it came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from contracts.tables.canonical import ACCOUNT
from pipelines.environment import REPOSITORY
from simulation.firm import TenantPlan
from simulation.world import SimulationConfig, simulate, write_world
from tests.pipelines.command import environment
from tests.pipelines.person import Person

pytestmark = pytest.mark.xdist_group("pipelines_ingest")
FIRST, LAST = date(2022, 11, 25), date(2022, 12, 1)
ACCOUNT_NUMBER = "50000002"
"""With this seed it buys the same number of shares of one company at the same price three times on one day."""
BOUGHT = "US30231G1022"
ENTRIES = ("opening", "transaction", "cash")


@dataclass(frozen=True)
class Traced:
    """A tenant with a week of files: base name to path of what the custodian delivered, and the truth about it."""

    person: Person
    files: Mapping[str, Path]
    truth: Mapping[str, pl.DataFrame]

    def told(self, *more: str) -> str:
        options = ["--tenant", "alder", "--account", ACCOUNT_NUMBER, "--date", str(LAST), *more]
        result = self.person.nexus("trace", *options)
        assert result.exit_code == 0, result.output
        return result.stdout

    def refused(self, *options: str) -> str:
        result = self.person.nexus("trace", "--tenant", "alder", *options)
        assert result.exit_code == 1
        assert result.stderr.startswith("nexus: ")
        assert "Traceback" not in result.output
        return result.stderr

    def rows(self, *more: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.told(*more, "--json"))
        return found

    def true(self, name: str, column: str, *where: pl.Expr) -> Decimal:
        account = (pl.col("account_number") == ACCOUNT_NUMBER) & (pl.col("as_of_date") == LAST)
        value = self.truth[name].filter(account, *where)[column].item()
        assert isinstance(value, Decimal)
        return value


@pytest.fixture(scope="session")
def traced(person: Person, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    folder = tmp_path_factory.mktemp("world")
    plan = TenantPlan(accounts=3, master_account="08123456")
    write_world(simulate(SimulationConfig(seed=15, tenants={"alder": plan}, first_date=FIRST, last_date=LAST)), folder)
    files = {p.name: p for p in (folder / "sftp" / "alder").rglob("CRS*")}
    person.ingest(*files.values(), tenant="alder", publish=False)
    names = ("positions", "cash", "valuations")
    return Traced(
        person, files, {name: pl.read_parquet(folder / "truth" / "alder" / f"{name}.parquet") for name in names}
    )


def total(lines: list[dict[str, Any]], column: str) -> Decimal:
    return sum((Decimal(line["values"].get(column, "0")) for line in lines if line["role"] in ENTRIES), Decimal(0))


def test_the_entries_of_a_position_add_up_to_it(traced: Traced) -> None:
    found = traced.rows("--security", BOUGHT)
    quantity = traced.true("positions", "quantity", pl.col("isin") == BOUGHT)
    assert [line["role"] for line in found["lines"]].count("transaction") == 3
    assert total(found["lines"], "quantity") == quantity == Decimal(found["figure"][0]["quantity"])


def test_the_entries_of_a_cash_position_add_up_to_it(traced: Traced) -> None:
    found = traced.rows("--security", "USD")
    cash = traced.true("cash", "cash_trade_date", pl.col("currency") == "USD")
    assert total(found["lines"], "amount") == cash == Decimal(found["figure"][0]["quantity"])


def test_the_entries_of_a_valuation_add_up_to_its_positions(traced: Traced) -> None:
    found = traced.rows()
    value, *positions = found["figure"]
    assert Decimal(value["total_value_base"]) == traced.true("valuations", "total_value")
    assert sum(Decimal(p["market_value_base"]) for p in positions) == Decimal(value["total_value_base"])
    by_security: dict[str, Decimal] = {}
    for line in found["lines"]:
        if line["role"] in ENTRIES and line["security_key"] is not None:
            key = str(line["security_key"])
            by_security[key] = by_security.get(key, Decimal(0)) + Decimal(line["values"].get("quantity", "0"))
    cash = total(found["lines"], "amount")
    held = {p["security_key"]: Decimal(p["quantity"]) for p in positions if "price_source" in p}
    assert {key: quantity for key, quantity in by_security.items() if quantity} == held
    assert [Decimal(p["quantity"]) for p in positions if "price_source" not in p] == [cash]


@pytest.mark.parametrize("more", [["--security", BOUGHT], ["--security", "USD"], []])
def test_every_line_shown_is_the_files_line_byte_for_byte_and_names_the_account(
    traced: Traced, more: list[str]
) -> None:
    told = traced.told(*more).split("\n")
    places = [(i, m) for i, line in enumerate(told) if (m := re.search(r"/(CRS\S+) line (\d+)   sha256", line))]
    entries = [i for i, line in enumerate(told) if line.startswith(ENTRIES)]
    assert entries
    shown = 0
    for i, place in places:
        text = told[i + 1].removeprefix("  ")
        if text == "(the same line as above)":
            continue
        raw = traced.files[place[1]].read_bytes().split(b"\n")[int(place[2]) - 1].rstrip(b"\r")
        assert text.encode("cp1252") == raw
        if i - 1 in entries:
            assert ACCOUNT_NUMBER in text
            shown += 1
    assert shown


def test_the_text_says_figure_role_date_number_and_sum(traced: Traced) -> None:
    told = traced.told("--security", "XOM")
    first = told.split("\n")[0]
    assert first == f"XOM EXXON MOBIL CORP, account {ACCOUNT_NUMBER} of alder, on 2022-12-01"
    assert told.count("transaction 2022-11-30  BUY  quantity +32.4352  amount -3,552.92 USD") == 3
    quantity = traced.true("positions", "quantity", pl.col("isin") == BOUGHT)
    assert told.rstrip().endswith(f"sum of the rows above: {quantity.normalize():,f}")


def test_any_name_of_a_security_finds_it(traced: Traced) -> None:
    assert (
        traced.rows("--security", "xom") == traced.rows("--security", BOUGHT) == traced.rows("--security", "30231G102")
    )


def test_mistakes_are_sentences(traced: Traced) -> None:
    account = ["--account", ACCOUNT_NUMBER]
    assert "has no account 1" in traced.refused("--account", "1", "--date", str(LAST))
    assert "at ofx" in traced.refused(*account, "--date", str(LAST), "--custodian", "ofx")
    assert "no security is known as 'NIX'" in traced.refused(*account, "--date", str(LAST), "--security", "NIX")
    assert "has no figure for a value on 2022-11-26" in traced.refused(*account, "--date", "2022-11-26")
    assert "a position in AAPL" in traced.refused(*account, "--date", "2022-11-26", "--security", "AAPL")


def test_the_orchestrator_holds_no_account_number_and_no_name_of_a_client(traced: Traced) -> None:
    """Every event of every run of this home, whatever its kind, as it is stored."""
    lake = traced.person.workspace.lake
    described = lake.read(ACCOUNT, "alder")
    tenants = [path.stem for path in (traced.person.home / "tenants").glob("*.yaml")]
    numbers = {n for t in tenants for n in traced.person.account_numbers(t)["account_number"]}
    plain = {text for text in {*numbers, *described["account_name"].drop_nulls()} if len(text) > 4}
    secrets = plain | {json.dumps(text).strip('"') for text in plain}
    assert ACCOUNT_NUMBER in secrets
    assert any(" " in text for text in secrets)
    storage = traced.person.home / "dagster"
    with environment(NEXUS_DAGSTER_STORAGE=str(storage)), dg.DagsterInstance.from_config(str(REPOSITORY)) as instance:
        runs = instance.get_runs()
        assert runs
        stored = [dg.serialize_value(entry) for run in runs for entry in instance.all_logs(run.run_id)]
        stored += [dg.serialize_value(run) for run in runs]
    assert any("dagster/row_count" in text for text in stored)
    assert any("passed" in text and "quality_gate" in text for text in stored)
    for secret in secrets:
        assert not [text[:200] for text in stored if secret in text], secret
