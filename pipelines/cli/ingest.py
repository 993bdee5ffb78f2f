"""``nexus ingest``: own files in one command, through the same landing, gate, books and marts as any feed."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer
import yaml

from assets.accounting.pending import pending_files as pending_books
from assets.canonical.ingest import ingest as take_in
from assets.canonical.reading import pending_files
from assets.landing.fetch import fetch_files
from assets.workspace import Workspace
from connectors.archive import stem_of
from connectors.registry import adapters
from connectors.settings import load_tenants
from pipelines.cli.console import console, fail, show
from pipelines.cli.inspect import show_accounts
from pipelines.cli.run import report, runner
from pipelines.environment import Environment
from pipelines.installation import prepared


def ingest(
    files: Annotated[list[Path], typer.Argument(help="Statements or custodian files, such as FILE.ofx.")],
    tenant: Annotated[str, typer.Option(help="Slug of the tenant; created when it is new.")] = "me",
    adapter: Annotated[str, typer.Option(help="Connector; default: told by the file's name.")] = "",
    base_currency: Annotated[str, typer.Option(help="For accounts whose file states none.")] = "USD",
) -> None:
    """Take files in and publish what they hold: accounts, positions, transactions."""
    environment = Environment()
    for file in files:
        slug = adapter or _adapter_for(file)
        _deliver(environment, tenant, slug, file, base_currency)
    installation = prepared()
    ws = Workspace(environment.home, environment.lake_root, installation.warehouse_url)
    for connection in ws.connections(tenant):
        if connection.connection_id.startswith("files_"):
            fetch_files(ws, tenant, connection)
    taken = take_in(ws, tenant, pending_files(ws, tenant))
    console.print(f"{taken.files} new files, {taken.records} records, {taken.blocked} files blocked")
    if taken.rejects:
        show("Held back", ("reason", "rows"), sorted(taken.rejects.items()), numeric=("rows",))
    span = _span(ws, tenant)
    if span is None:
        console.print("nothing new to book")
    else:
        jobs = runner(installation)
        report(f"nightly {tenant} {span[0]} to {span[1]}", jobs.nightly(tenant, *span))
        report("marts and publication", jobs.marts())
    show_accounts(installation.warehouse_url, tenant, 1000)


def _adapter_for(file: Path) -> str:
    if not file.is_file():
        fail(f"{file}: no such file")
    custodians = {slug: source for slug, source in adapters().items() if source.market == "custodian"}
    found = [slug for slug, source in custodians.items() if source.kind_of(stem_of(file.name))]
    if len(found) != 1:
        known = ", ".join(custodians)
        who = "several connectors" if found else "no connector"
        fail(f"{file.name}: {who} read such a name; pass --adapter ({known})")
    return found[0]


def _deliver(environment: Environment, tenant: str, slug: str, file: Path, base_currency: str) -> None:
    """Put the file into the tenant's inbox for the connector, and make sure that the settings name it."""
    inbox = environment.home / "inbox" / tenant / slug
    inbox.mkdir(parents=True, exist_ok=True)
    settings_file = environment.home / "tenants" / f"{tenant}.yaml"
    settings_file.parent.mkdir(parents=True, exist_ok=True)
    if settings_file.exists():
        settings = load_tenants(settings_file.parent)[tenant].model_dump(mode="json")
    else:
        settings = {"tenant": tenant, "name": tenant, "base_currency": base_currency, "connections": []}
    name = f"files_{slug}"
    if name not in {c["connection_id"] for c in settings["connections"]}:
        transport = {"kind": "local", "path": str(inbox)}
        connection = {"connection_id": name, "adapter": slug, "transport": transport, "base_currency": base_currency}
        settings["connections"] = [*settings["connections"], connection]
        settings_file.write_text(yaml.safe_dump(settings, sort_keys=False))
    partial = inbox / f"{file.name}.part"
    shutil.copyfile(file, partial)
    partial.replace(inbox / file.name)


def _span(ws: Workspace, tenant: str) -> tuple[date, date] | None:
    """The business days that the new files are about, up to the first one on or after their last day."""
    own = pending_books(ws, tenant).own
    first, last = own["first_effective_date"].min(), own["last_effective_date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return None
    days = ws.business_dates(tenant, first, last + timedelta(days=10))
    close = min((d for d in days if d >= last), default=None)
    if close is None:
        return None
    return min(d for d in days if d >= first), close
