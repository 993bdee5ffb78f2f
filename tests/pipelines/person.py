"""One person's installation: what the command line does in it, and what is in its lake and warehouse afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest
from typer.testing import Result

from assets.workspace import Workspace
from contracts.tables.accounting import ACCOUNT_VALUATION, POSITION
from contracts.tables.landing import ISSUED_KEY
from tests.pipelines.command import invoke
from warehouse.postgres.sessions import connect


@dataclass
class Person:
    """An installation at home: its folder, its warehouse, and what the command last said."""

    home: Path
    url: str
    said: list[str] = field(default_factory=list)

    def nexus(self, *arguments: str) -> Result:
        result = invoke(self.home, *arguments, DATABASE_URL=self.url)
        self.said.append(result.output)
        return result

    def ingest(self, *files: Path, tenant: str = "me", publish: bool = True) -> str:
        options = ["--tenant", tenant, "--publish" if publish else "--no-publish"]
        result = self.nexus("ingest", *map(str, files), *options)
        if result.exit_code:
            pytest.fail(result.output)
        return result.output

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.home, str(self.home / "lake"), self.url)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with connect(self.url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def account_numbers(self, tenant: str) -> pl.DataFrame:
        keys = self.workspace.lake.read(ISSUED_KEY, tenant, where=pl.col("key_kind") == "account")
        number = pl.col("issued_for").str.split("|").list.last()
        return keys.select(pl.col("surrogate_key").alias("account_key"), number.alias("account_number"))

    def books(self, tenant: str) -> dict[str, pl.DataFrame]:
        """Positions and values of every day that the lake holds, by account number, without the clock of arrival."""
        names = self.account_numbers(tenant)
        clocks = ["known_from", "tenant_key", "account_key"]
        return {
            table.full_name: self.workspace.lake.current(table, tenant)
            .join(names, on="account_key", how="left")
            .drop(clocks)
            .sort("account_number", *(c for c in ("security_key", "as_of_date") if c in table.polars_schema))
            for table in (POSITION, ACCOUNT_VALUATION)
        }
