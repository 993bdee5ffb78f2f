"""A trace for people: the figure, the rows that it rests on, and under each the line of the file as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import typer
from rich.text import Text

from pipelines.cli.console import console, exact, show
from warehouse.lake.trace import Trace, TraceLine

Names = Mapping[int, str]

ENTRIES = ("opening", "transaction", "cash")
"""Roles of the rows that a figure is the sum of."""


def print_position(found: Trace, whose: str, names: Names) -> None:
    """One position: how its value is made up, and the rows whose sum its quantity is."""
    figure = found.figure[0]
    title(f"{_called(figure, names)}, {whose}, on {figure['as_of_date']}")
    told(f"{_worth(figure)}   (known {figure['known_from']})")
    _lines(found.lines, names, int(figure["security_key"]))
    is_cash = any(line.role == "cash" for line in found.lines) or "price_source" not in figure
    column = "amount" if is_cash else "quantity"
    total = sum((_number(line, column) for line in found.lines if line.role in ENTRIES), Decimal(0))
    told(f"\nsum of the rows above: {exact(total)}")


def print_valuation(found: Trace, whose: str, names: Names) -> None:
    """One account's value: its positions, and the rows that they rest on."""
    figure, *positions = found.figure
    title(f"value of {whose} on {figure['as_of_date']}")
    value = _money(figure.get("total_value_base"))
    told(f"{value or 'not known'} {figure['base_currency']}, {figure['readiness']}   (known {figure['known_from']})")
    show(
        "",
        ("security", "quantity", "price", "ccy", "price of", f"value in {figure['base_currency']}", "remark"),
        [
            (
                _called(p, names), exact(Decimal(p["quantity"])), exact(_decimal(p.get("price"))), p["currency"],
                p.get("price_date"), _decimal(p.get("market_value_base")), p.get("value_reason", ""),
            )
            for p in sorted(positions, key=lambda p: -(_decimal(p.get("market_value_base")) or Decimal(0)))
        ],
        numeric=("quantity", "price", f"value in {figure['base_currency']}"),
    )  # fmt: skip
    _lines(found.lines, names, None)


def title(text: str) -> None:
    """A headline."""
    console.print(Text(text, style="bold"), soft_wrap=True)


def told(text: str | Text) -> None:
    """A line as it is: neither folded nor read as markup."""
    console.print(Text(text) if isinstance(text, str) else text, soft_wrap=True)


def _lines(lines: Sequence[TraceLine], names: Names, known: int | None) -> None:
    """The rows; a security is named unless it is the ``known`` one that the headline names."""
    printed: set[tuple[str, int]] = set()
    for line in lines:
        about = "" if line.security_key in (None, known) else names.get(line.security_key or 0, "")
        head = Text("\n").append(f"{line.role:<12}", style="bold")
        told(head.append("  ".join(filter(None, (_what(line), about)))))
        told(f"  {line.connection_id}/{line.remote_path} line {line.source_line}   sha256 {line.sha256[:12]}")
        place = (line.sha256, line.source_line)
        if place in printed:
            told("  (the same line as above)")
        elif line.line_text is None:
            told("  (the line cannot be read)")
        else:
            printed.add(place)
            # The console would turn a tab into spaces.
            typer.echo(f"  {line.line_text.rstrip(chr(13))}")


def _what(line: TraceLine) -> str:
    """Date and numbers of a row."""
    values = line.values
    if line.role == "price":
        return (
            f"{values['price_date']}  {exact(_decimal(values['price']))} {values['currency']}  {values['price_source']}"
        )
    if line.role == "fx":
        rate = exact(_decimal(values["rate"]))
        return (
            f"{values['rate_date']}  1 {values['base_code']} = {rate} {values['quote_code']}  {values['rate_source']}"
        )
    parts = [values["effective_date"], "" if values["entry_type"] == "OPENING" else values["entry_type"]]
    if quantity := _number(line, "quantity"):
        parts.append(f"quantity {_signed(quantity)}")
    if amount := _number(line, "amount"):
        parts.append(f"amount {_signed_money(amount)} {values['currency']}")
    if "settle_date" in values:
        parts.append(f"settles {values['settle_date']}")
    if line.role == "cancelled":
        parts.append(f"({values['entry_status']}, does not count)")
    return "  ".join(filter(None, parts))


def _worth(figure: Mapping[str, str]) -> str:
    quantity = exact(Decimal(figure["quantity"]))
    value = figure.get("market_value_base")
    if value is None:
        return f"{quantity}, not valued: {figure.get('value_reason', 'no reason stated')}"
    if "price_source" not in figure:
        return f"{quantity} {figure['currency']}, worth {_money(value)} in the account's currency"
    stale = ", stale" if figure.get("is_price_stale") == "True" else ""
    price = f"{exact(_decimal(figure['price']))} {figure['currency']}"
    return f"{quantity} at {price} of {figure['price_date']} ({figure['price_source']}{stale}), worth {_money(value)}"


def _called(figure: Mapping[str, str], names: Names) -> str:
    return names.get(int(figure["security_key"]), f"security {figure['security_key']}")


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _number(line: TraceLine, column: str) -> Decimal:
    return Decimal(line.values.get(column) or 0)


def _money(text: str | None) -> str | None:
    return None if text is None else f"{Decimal(text):,.2f}"


def _signed(number: Decimal) -> str:
    return f"{'+' if number > 0 else ''}{exact(number)}"


def _signed_money(number: Decimal) -> str:
    return f"{number:+,.2f}" if number == round(number, 2) else _signed(number)
