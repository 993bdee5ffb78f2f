"""``nexus trace``: from a figure to the custodian's file and line."""

from __future__ import annotations

from typing import Annotated

import polars as pl
import typer

from assets.accounting.inputs import described_securities
from assets.workspace import Workspace
from contracts.table import SHARED_TENANT
from contracts.tables.canonical import SECURITY_IDENTIFIER
from contracts.tables.landing import ISSUED_KEY
from pipelines.cli.console import console, day, fail
from pipelines.cli.run import require_tenant
from pipelines.cli.trace_text import print_position, print_valuation
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
    on = day(date)
    environment = Environment()
    require_tenant(environment, tenant)
    ws = Workspace(environment.home, environment.lake_root, "")
    account_key = _account_key(ws, tenant, account, custodian)
    if security:
        security_key = _security_key(ws, security)
        found = trace_position(
            ws.lake, ws.raw, tenant, account_key=account_key, security_key=security_key, as_of_date=on
        )
    else:
        found = trace_valuation(ws.lake, ws.raw, tenant, account_key=account_key, as_of_date=on)
    if not found.figure:
        what = f"a position in {security}" if security else "a value"
        fail(f"account {account} has no figure for {what} on {on}; was this business day run, and something held?")
    if as_json:
        console.print_json(data=found.as_dict(), default=str)
    elif security:
        print_position(found, f"account {account} of {tenant}", _names(ws, tenant))
    else:
        print_valuation(found, f"account {account} of {tenant}", _names(ws, tenant))


def _account_key(ws: Workspace, tenant: str, number: str, custodian: str) -> int:
    """The key issued for the account: every account has one, also one that no file describes."""
    issued = pl.col("issued_for").str.split_exact("|", 1)
    keys = ws.lake.read(ISSUED_KEY, tenant, where=pl.col("key_kind") == "account").select(
        issued.struct.field("field_0").alias("custodian"),
        issued.struct.field("field_1").alias("account_number"),
        pl.col("surrogate_key").alias("account_key"),
    )
    found = keys.filter(pl.col("account_number") == number)
    if custodian:
        found = found.filter(pl.col("custodian") == custodian)
    if found.height > 1:
        fail(f"account {number} is held by {', '.join(sorted(found['custodian']))}; pass --custodian")
    if found.is_empty():
        fail(f"tenant {tenant!r} has no account {number}{f' at {custodian}' if custodian else ''}")
    return int(found["account_key"][0])


def _security_key(ws: Workspace, identifier: str) -> int:
    wanted = identifier.upper()
    known = ws.lake.read(SECURITY_IDENTIFIER, SHARED_TENANT)
    text = pl.col("identifier").str.to_uppercase()
    found = known.filter((text == wanted) | text.str.ends_with(f":{wanted}"))["security_key"].unique()
    if found.len() > 1:
        rows = known.filter(pl.col("security_key").is_in(found.implode()) & pl.col("scheme").is_in(["CUSIP", "ISIN"]))
        others = ", ".join(sorted(f"{scheme} {text}" for scheme, text in rows.select("scheme", "identifier").rows()))
        fail(f"{identifier!r} names several securities; use one of {others}")
    if found.is_empty():
        fail(f"no security is known as {identifier!r}")
    return int(found[0])


def _names(ws: Workspace, tenant: str) -> dict[int, str]:
    """What people call each security: its ticker or other identifier, and its name; a currency by its code."""
    rank = pl.col("scheme").cast(pl.String).replace_strict(
        {"TICKER": 0, "CURRENCY": 0, "CUSIP": 1, "ISIN": 2, "SEDOL": 3}, default=4, return_dtype=pl.Int8
    )  # fmt: skip
    short = (
        ws.lake.read(SECURITY_IDENTIFIER, SHARED_TENANT)
        .sort(rank, "identifier")
        .unique("security_key", keep="first", maintain_order=True)
        .select("security_key", pl.col("identifier").str.split(":").list.last().alias("short"))
    )
    names = described_securities(ws, tenant).sort("known_at").unique("security_key", keep="last")
    joined = short.join(names.select("security_key", "security_name"), on="security_key", how="left")
    return {key: " ".join(filter(None, (code, name))) for key, code, name in joined.iter_rows()}
