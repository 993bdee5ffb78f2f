"""``nexus connectors``: what there is, what a file is and what is wrong with it, and a new one's skeleton."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from connectors.adapter import Adapter
from connectors.connection import Connection, LocalTransport
from connectors.errors import PermanentError
from connectors.examination import Examination, examine
from connectors.pgp import load_keys
from connectors.registry import adapter, adapters
from connectors.settings import load_tenants
from connectors.skeleton import SkeletonError, write_skeleton
from pipelines.cli.console import console, fail, plural, show
from pipelines.environment import Environment

SHOWN = 50
"""Lines named at most, unless more are asked for."""

app = typer.Typer(help="Connectors: what there is, what a file is, and a new one's skeleton.", no_args_is_help=True)


@app.command("list")
def list_connectors() -> None:
    """Every connector with its coverage: files and record types read, fields laid out, codes known."""
    rows = []
    for source in adapters().values():
        read = [kind for kind in source.kinds if kind.records or not any(k.records for k in source.kinds)]
        rows.append(
            (
                source.slug, source.market.replace("_", " "), source.title,
                f"{len(read)} of {len(source.kinds)}", sum(len(kind.records) for kind in source.kinds) or "-",
                sum(map(_rows_of, source.layouts)) or "-",
                sum(len(table.rows()) for table in source.codes) or "-", source.confidence,
            )
        )  # fmt: skip
    columns = ("connector", "market", "provider", "files read", "record types", "fields", "codes", "confidence")
    show("Connectors", columns, rows, numeric=("record types", "fields", "codes"))
    console.print("nexus connectors show NAME says more of one.")


@app.command("show")
def show_connector(name: Annotated[str, typer.Argument(help="Slug of the connector.")]) -> None:
    """The spec of one connector: files, calendar, completeness, codes, layouts."""
    source = _connector(name)
    console.print(
        f"[bold]{source.title}[/] ({source.market.replace('_', ' ')}), parser version {source.parser_version}"
    )
    facts = (
        ("due by", f"{source.cut_off}, the day after, calendar {source.calendar}"),
        ("complete when", source.completeness),
        ("a new column", source.on_new_column),
        ("a new code", source.on_new_code),
        ("secrets", ", ".join(source.secrets) or "those of the connection's transport"),
        ("confidence", source.confidence),
    )
    for fact, text in facts:
        console.print(f"  {fact:14} {text}")
    show(
        "Files", ("kind", "what", "name", "due daily", "restates", "record types"),
        [
            (
                kind.name, kind.title or "-", kind.pattern.pattern, "yes" if kind.is_expected else "no",
                "yes" if kind.is_refresh else "no", ", ".join(kind.records) or "-",
            )
            for kind in source.kinds
        ],
    )  # fmt: skip
    if source.codes:
        show(
            "Codes; complete one with `codes: {TABLE: FILE.csv}` in the connection", ("table", "key", "known"),
            [(table.name, ", ".join(table.key), len(table.rows())) for table in source.codes], numeric=("known",),
        )  # fmt: skip


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Slug of the connector.")],
    file: Annotated[Path, typer.Argument(help="The file; archives are opened.", exists=True, dir_okay=False)],
    tenant: Annotated[str, typer.Option(help="Read it as a connection of this tenant would.")] = "",
    connection: Annotated[str, typer.Option(help="The tenant's connection; default: its only one of NAME.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Lines named at most.")] = SHOWN,
    text: Annotated[bool, typer.Option("--text/--no-text", help="Show the lines: they hold client data.")] = False,
) -> None:
    """Tell what a file is and what is wrong with it, line by line, without loading it. Status 1 when anything is."""
    source = _connector(name)
    settings = _connection(source, tenant, connection)
    keys = load_keys(settings.pgp, Environment().home / "secrets")
    with tempfile.TemporaryDirectory() as folder:
        found = examine(source, file, settings, Path(folder), keys=keys)
        _report(source, found, limit, with_text=text)
    if not found.is_sound:
        raise typer.Exit(1)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Slug of the new connector: lower-case letters, digits, underscores.")],
    title: Annotated[str, typer.Option(help="The provider's name.")] = "",
    market: Annotated[str, typer.Option(help="custodian or market_data.")] = "custodian",
    root: Annotated[Path, typer.Option(help="The project's folder.")] = Path(),
) -> None:
    """Write the skeleton of a connector: it reads its own samples, and its golden test passes."""
    try:
        written = write_skeleton(root, name, title or name.replace("_", " ").title(), market)
    except SkeletonError as error:
        fail(str(error))
    for path in written:
        console.print(f"  {path.relative_to(root)}")
    console.print(f"Next: docs/newcomers/custodian.md, or .venv/bin/nexus connectors show {name}")


def _connector(name: str) -> Adapter:
    try:
        return adapter(name)
    except KeyError as error:
        fail(str(error.args[0]))


def _connection(source: Adapter, tenant: str, name: str) -> Connection:
    if not tenant:
        return Connection(connection_id="check", adapter=source.slug, transport=LocalTransport(path=Path()))
    found = load_tenants(Environment().home / "tenants").get(tenant)
    if found is None:
        raise PermanentError(f"no tenant {tenant!r} in the settings")
    of_it = [c for c in found.connections if c.adapter == source.slug and name in ("", c.connection_id)]
    if len(of_it) != 1:
        names = ", ".join(c.connection_id for c in found.connections if c.adapter == source.slug) or "none"
        raise PermanentError(f"say which connection with --connection; {tenant} has of {source.slug}: {names}")
    return of_it[0]


def _report(source: Adapter, found: Examination, limit: int, *, with_text: bool) -> None:
    if found.kind is None:
        said = f"refused: {found.fault.detail}" if found.fault else "no kind of file that this connector knows"
        console.print(f"{found.name}: {said}")
        if not found.fault:
            console.print("  it knows: " + ", ".join(f"{k.name} ({k.pattern.pattern})" for k in source.kinds))
        return
    what = f"{found.kind.name}, {found.kind.title}" if found.kind.title else found.kind.name
    console.print(
        f"{found.name}: {source.title}, {what} (told by its {found.told_by}), of {found.business_date or '?'}"
    )
    if found.told_by != "name":
        console.print("  [yellow]a run refuses it[/]: its name is none of the provider's; deliver it as it was called")
    if found.fault is not None:
        where = f"line {found.fault.line}: " if found.fault.line else ""
        console.print(f"  [red]refused as a whole[/]: {found.fault.reason}: {where}{found.fault.detail}")
        return
    parsed = found.parsed
    assert parsed is not None  # noqa: S101 (neither kind nor fault is missing)
    console.print(
        f"  {plural(parsed.record_count, 'record')}: {parsed.record_count - parsed.quarantined_count:,} taken, "
        f"{parsed.quarantined_count:,} held back"
    )
    for name, count in found.taken.items():
        console.print(f"    {name}: {plural(count, 'row')}")
    if parsed.rejects.is_empty():
        return
    reasons = found.by_reason().select("reason", "field_name", "count", "first_line").rows()
    show("Held back", ("reason", "field", "records", "first line"), reasons, numeric=("records", "first line"))
    columns = ["source_line", "reason", "field_name", "detail", *(["raw_text"] if with_text else [])]
    lines = parsed.rejects.with_columns(pl.col("reason").cast(pl.String)).select(columns).head(limit)
    show("Line by line", ("line", *columns[1:]), lines.rows(), numeric=("line",))
    if parsed.rejects.height > limit:
        console.print(f"{parsed.rejects.height - limit:,} more; --limit shows more.")


def _rows_of(path: Path) -> int:
    with path.open(encoding="utf-8", newline="") as stream:
        return sum(1 for _ in csv.reader(stream)) - 1
