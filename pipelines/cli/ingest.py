"""``nexus ingest``: own files in one command, through the same landing, gate, books and marts as any feed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from assets.accounting.pending import pending_files as pending_books
from assets.accounting.pending import rows_of
from assets.canonical.ingest import ingest as take_in
from assets.canonical.reading import pending_files
from assets.landing.fetch import fetch_files
from assets.partitions import FIRST_DATE
from assets.workspace import Workspace
from contracts.tables.accounting import ACCOUNT_VALUATION
from contracts.tables.canonical import CUSTODIAN_BALANCE, CUSTODIAN_POSITION, STATEMENT_WINDOW, TRANSACTION
from contracts.tables.landing import FILE_PARSE
from contracts.tables.quality import REJECT
from pipelines.cli.console import console, fail, plural, show
from pipelines.cli.inspect import show_accounts, show_positions, show_transactions
from pipelines.cli.run import report, runner
from pipelines.environment import Environment
from pipelines.inbox import connect_inbox, connector_for, deliver, inbox_connection
from pipelines.installation import prepared

SHOWN = 40
"""Rows of a table at most."""
BOOKED = (TRANSACTION, CUSTODIAN_POSITION, CUSTODIAN_BALANCE, STATEMENT_WINDOW)

Delivered = dict[tuple[str, str], str]
"""Connection and path in the inbox, to the name that the user gave."""


def ingest(
    files: Annotated[list[Path], typer.Argument(help="Statements or custodian files, such as FILE.ofx.")],
    tenant: Annotated[str, typer.Option(help="Slug of the tenant; created when it is new.")] = "me",
    adapter: Annotated[str, typer.Option(help="Connector; default: told by the file's name.")] = "",
    base_currency: Annotated[str, typer.Option(help="For accounts whose file states none.")] = "USD",
    publish_after: Annotated[bool, typer.Option("--publish/--no-publish", help="Build dbt and publish after.")] = True,
) -> None:
    """Take files in and publish what they hold: accounts, positions, transactions."""
    environment = Environment()
    sources = [(connector_for(file, adapter), file) for file in files]
    delivered: Delivered = {}
    for source, file in sources:
        connect_inbox(environment.home, tenant, source.slug, base_currency)
        delivered[inbox_connection(source.slug), deliver(environment.home, tenant, source, file)] = file.name
    installation = prepared()
    ws = Workspace(environment.home, environment.lake_root, installation.warehouse_url)
    new = _land_and_read(ws, tenant, {source.slug for source, _ in sources})
    blocked = _show_files(ws, tenant, delivered, new)
    close = _close(ws, tenant)
    if close is not None:
        jobs = runner(installation)
        report(f"books of {tenant} up to {close}", jobs.nightly(tenant, close, close))
        if publish_after:
            report("marts and publication", jobs.marts())
    if publish_after:
        concerned = _accounts_of(ws, tenant, delivered)
        show_accounts(installation.warehouse_url, tenant, SHOWN)
        show_positions(installation.warehouse_url, tenant, concerned, SHOWN)
        show_transactions(installation.warehouse_url, tenant, concerned, SHOWN)
    if blocked:
        fail(f"{plural(blocked, 'file')} could not be read; nothing was taken from there")


def _land_and_read(ws: Workspace, tenant: str, slugs: set[str]) -> set[int]:
    """Land and read what the inboxes hold; ids of the files that are new."""
    for connection in ws.connections(tenant):
        if connection.connection_id in {inbox_connection(slug) for slug in slugs}:
            fetch_files(ws, tenant, connection)
    arrivals = pending_files(ws, tenant)
    take_in(ws, tenant, arrivals)
    return {arrival.source_file_id for arrival in arrivals}


def _show_files(ws: Workspace, tenant: str, delivered: Delivered, new: set[int]) -> int:
    """One line a file: of which day it is, what was taken, what is held back and why; the number that is blocked."""
    read = _readings(ws, tenant, delivered)
    held = ws.lake.read(REJECT, tenant).filter(pl.col("source_file_id").is_in(read["source_file_id"].implode()))
    reasons = held.group_by("source_file_id").agg(pl.col("reason").cast(pl.String).unique().sort().str.join(", "))
    table = read.join(reasons, on="source_file_id", how="left", maintain_order="left")
    show(
        "Files",
        ("file", "statement of", "records", "taken", "held back", "remark"),
        [
            (
                row["name"], row["business_date"], row["record_count"], row["parsed_count"], row["quarantined_count"],
                _remark(row["source_file_id"], row["reason"], new),
            )
            for row in table.iter_rows(named=True)
        ],
        numeric=("records", "taken", "held back"),
    )  # fmt: skip
    details = held.unique("detail").sort("source_line")["detail"].head(SHOWN).to_list()
    for detail in details:
        console.print(f"  {detail}", markup=False)
    return table.filter(pl.col("parse_status").cast(pl.String) != "parsed").height


def _readings(ws: Workspace, tenant: str, delivered: Delivered) -> pl.DataFrame:
    """The last reading of each file delivered, in the order given, with its ``name``."""
    place = ["connection_id", "logical_name"]
    paths = pl.DataFrame(
        [(connection, path, name) for (connection, path), name in delivered.items()],
        schema=[*place, "name"],
        orient="row",
    )
    last = ws.lake.read(FILE_PARSE, tenant).sort("known_at").unique(place, keep="last")
    return paths.join(last, on=place, how="left", maintain_order="left")


def _accounts_of(ws: Workspace, tenant: str, delivered: Delivered) -> list[int]:
    """Keys of the accounts that the files speak of."""
    ids = _readings(ws, tenant, delivered)["source_file_id"].drop_nulls()
    return (
        pl.concat([rows_of(ws, t, tenant, ids).select("account_key") for t in BOOKED])
        .unique()
        .collect()["account_key"]
        .sort()
        .to_list()
    )


def _remark(source_file_id: int | None, reasons: str | None, new: set[int]) -> str:
    if source_file_id is None:
        return "the same bytes as a file taken before"
    return ", ".join(([] if source_file_id in new else ["known already"]) + ([reasons] if reasons else [])) or "new"


def _close(ws: Workspace, tenant: str) -> date | None:
    """The business day whose run books what is pending: the first that is on or after everything known, or None.

    One day is enough: a run computes every day since the last computed one, and again the days that new files touch.
    """
    last = pending_books(ws, tenant).own["last_effective_date"].max()
    if not isinstance(last, date):
        return None
    computed = ws.lake.scan(ACCOUNT_VALUATION, tenant).select(pl.col("as_of_date").max()).collect().item()
    from_day = max(last, computed or last, date.fromisoformat(FIRST_DATE))
    return min(ws.business_dates(tenant, from_day, from_day + timedelta(days=14)), default=None)
