"""``nexus trace``: from a figure to the custodian's file and line."""

from __future__ import annotations

from typing import Annotated

import polars as pl
import typer

from assets.workspace import Workspace
from contracts.table import SHARED_TENANT
from contracts.tables.canonical import ACCOUNT, SECURITY_IDENTIFIER
from pipelines.cli.console import console, day, fail, show
from pipelines.environment import Environment
from warehouse.lake.trace import trace_position, trace_valuation


def trace(
    tenant: Annotated[str, typer.Option(help="Slug of the tenant.")],
    account: Annotated[str, typer.Option(help="The custodian's account number.")],
    date: Annotated[str, typer.Option(help="Business day of the figure, YYYY-MM-DD.")],
    security: Annotated[str, typer.Option(help="CUSIP, ISIN, ticker or currency; default: the account's value.")] = "",
    custodian: Annotated[str, typer.Option(help="Custodian, where two hold the same number.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the canonical rows, files, line numbers and line texts that a position or a valuation came from."""
    environment = Environment()
    ws = Workspace(environment.home, environment.lake_root, "")
    on = day(date)
    account_key = _account_key(ws, tenant, account, custodian)
    if security:
        found = trace_position(
            ws.lake, ws.raw, tenant, account_key=account_key, security_key=_security_key(ws, security), as_of_date=on
        )
    else:
        found = trace_valuation(ws.lake, ws.raw, tenant, account_key=account_key, as_of_date=on)
    told = found.as_dict()
    if not told["figure"]:
        fail(f"no figure of this account on {on}; is it a business day that was run?")
    if as_json:
        console.print_json(data=told, default=str)
        return
    for figure in told["figure"]:
        console.print("  ".join(f"[dim]{name}[/] {value}" for name, value in figure.items() if value))
    for line in told["lines"]:
        values = "  ".join(f"{name}={value}" for name, value in line["values"].items())
        console.print(f"\n[bold]{line['role']}[/]  {values}")
        console.print(
            f"  {line['connection_id']}/{line['remote_path']} line {line['source_line']}  sha256 {line['sha256'][:12]}"
        )
        console.print(f"  [dim]{(line['line_text'] or '').rstrip()}[/]", overflow="fold")


def _account_key(ws: Workspace, tenant: str, number: str, custodian: str) -> int:
    where = pl.col("account_number") == number
    if custodian:
        where &= pl.col("custodian") == custodian
    found = ws.lake.read(ACCOUNT, tenant, where=where).select("account_key", "custodian").unique()
    if found.height > 1:
        fail(f"account {number} is held by {', '.join(sorted(found['custodian']))}; pass --custodian")
    if found.is_empty():
        fail(f"tenant {tenant!r} has no account {number}")
    return int(found["account_key"][0])


def _security_key(ws: Workspace, identifier: str) -> int:
    wanted = identifier.upper()
    known = ws.lake.read(SECURITY_IDENTIFIER, SHARED_TENANT)
    text = pl.col("identifier").str.to_uppercase()
    found = known.filter((text == wanted) | text.str.ends_with(f":{wanted}"))["security_key"].unique()
    if found.len() > 1:
        rows = known.filter(pl.col("security_key").is_in(found.implode()))
        show("Several securities", ("security_key", "scheme", "identifier"), rows.select(
            "security_key", "scheme", "identifier").iter_rows())  # fmt: skip
        fail(f"{identifier!r} names several securities; use the CUSIP or ISIN")
    if found.is_empty():
        fail(f"no security is known as {identifier!r}")
    return int(found[0])
