"""How SWIFT writes values: comma decimals, N for less than nothing, character set X; and how a security is named."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from simulation.market import PRICE_UNITS
from simulation.securities import Security
from simulation.transactions import MONEY_UNITS, QUANTITY_UNITS

_OUTSIDE_X = re.compile(r"[^A-Za-z0-9/\-?:().,'+{} ]")
_NAME_WIDTH = 35


def plain(text: str) -> str:
    """The text in character set X: accents taken off, what it lacks replaced by a full stop."""
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return _OUTSIDE_X.sub(".", folded)


def number(value: int, units: int) -> str:
    """A count of 1/units as digits with a comma, which stands even when nothing follows it."""
    places = len(str(units)) - 1
    whole, rest = divmod(abs(value), units)
    return f"{whole},{f'{rest:0{places}d}'.rstrip('0')}"


def quantity(listed: Security, value: int) -> str:
    """A quantity with its type: face amount for a bond, else units."""
    return f"{'FAMT' if listed.is_bond else 'UNIT'}/{'N' if value < 0 else ''}{number(value, QUANTITY_UNITS)}"


def money(currency: str, value: int) -> str:
    """An amount counted in 0.0001, with its currency."""
    return f"{'N' if value < 0 else ''}{currency}{number(value, MONEY_UNITS)}"


def price(qualifier: str, listed: Security, value: int) -> str:
    """A price field: a percentage for what is quoted in percent of par, else an amount in the security's currency."""
    figure = number(value, PRICE_UNITS)
    if listed.is_bond:
        return f":90A::{qualifier}//PRCT/{figure}"
    return f":90B::{qualifier}//ACTU/{listed.currency}{figure}"


def instrument(listed: Security) -> list[str]:
    """The security and its attributes: ISIN, national number, name, classification, currency, coupon."""
    national = []
    if listed.cusip is not None:
        national.append(f"/US/{listed.cusip}")
    if listed.sedol is not None:
        national.append(f"/GB/{listed.sedol}")
    coupon = []
    if listed.is_bond:
        percent = listed.annual_rate * 100
        coupon.append(f":92A::INTR//{percent.normalize():f}".replace(".", ",") + ("" if percent % 1 else ","))
    return [
        f":35B:ISIN {listed.isin}", *national, *cut(listed.name, _NAME_WIDTH),
        ":16R:FIA", f":12C::CLAS//{'DBFTFB' if listed.is_bond else 'ESVUFR'}", f":11A::DENO//{listed.currency}",
        *coupon, ":16S:FIA",
    ]  # fmt: skip


def cut(text: str, width: int) -> list[str]:
    """The text in pieces of a width, words broken wherever a piece is full."""
    return [text[start : start + width] for start in range(0, len(text), width)]


def paged(items: Sequence[Sequence[str]], size: int) -> list[tuple[str, list[str]]]:
    """The items' lines by page, each page with its number and whether more follow; one empty page for no items."""
    pages = [items[start : start + size] for start in range(0, len(items), size)] or [[]]
    if len(pages) == 1:
        return [("1/ONLY", [line for item in pages[0] for line in item])]
    return [
        (f"{place}/{'LAST' if place == len(pages) else 'MORE'}", [line for item in page for line in item])
        for place, page in enumerate(pages, start=1)
    ]
