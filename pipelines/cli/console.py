"""How the command line speaks: tables for people, one sentence for a mistake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NoReturn

import typer
from rich.console import Console
from rich.table import Table

console = Console(highlight=False)


def fail(message: str) -> NoReturn:
    """End with a sentence on standard error and status 1."""
    Console(stderr=True, highlight=False).print(f"[bold red]nexus:[/] {message}")
    raise typer.Exit(1)


def day(text: str) -> date:
    """A date of the command line; ends with a sentence when it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is not a date of the form YYYY-MM-DD")


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numeric: Sequence[str] = ()) -> None:
    """Print a table; the columns in ``numeric`` stand to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for name in columns:
        table.add_column(name, justify="right" if name in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return str(value)


def percent(ratio: object) -> str:
    """A ratio as a signed percentage; a null as a dash."""
    return "-" if ratio is None else f"{Decimal(str(ratio)) * 100:+.2f} %"
