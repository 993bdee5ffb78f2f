"""How the command line speaks: tables for people, one sentence for a mistake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NoReturn

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

PIPED_WIDTH = 160
"""Columns where the output is no terminal: a table in a file or a pipe is not folded to a screen."""

console = Console(highlight=False, soft_wrap=False)
if not console.is_terminal:
    console.width = PIPED_WIDTH


def fail(message: str) -> NoReturn:
    """End with a sentence on standard error and status 1."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]nexus:[/] {escape(message)}")
    raise typer.Exit(1)


def day(text: str) -> date:
    """A date of the command line; ends with a sentence when it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is not a date of the form YYYY-MM-DD")


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], numeric: Sequence[str] = ()) -> None:
    """Print a table; the columns in ``numeric`` stand to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, justify="right" if name in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return str(value)


def exact(number: Decimal | None) -> str | None:
    """A quantity or price with the digits that it has, and no zeros after them."""
    if number is None:
        return None
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plural(count: int, what: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def percent(ratio: object) -> str:
    """A ratio as a signed percentage; a null as a dash."""
    return "-" if ratio is None else f"{Decimal(str(ratio)) * 100:+.2f} %"
