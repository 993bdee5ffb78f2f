"""Which scheme an identifier is of, by its shape alone, where a feed does not say so.

Check digits are not looked at: an identifier that fails its own is dropped where identifiers become keys.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_SHAPES: Final = {
    "figi": r"^BBG[0-9BCDFGHJ-NP-TV-Z]{8}[0-9]$",
    "cusip": r"^[0-9A-Z]{3}[0-9A-Z*@#]{5}[0-9]$",
    "isin": r"^[A-Z]{2}[0-9A-Z]{9}[0-9]$",
    "sedol": r"^[0-9BCDFGHJ-NP-TV-Z]{6}[0-9]$",
}


def by_shape(scheme: str, text: pl.Expr) -> pl.Expr:
    """``text`` where it has the shape of ``scheme`` (figi, cusip, isin or sedol) and of no better one, else null."""
    fits = text.str.contains(_SHAPES[scheme])
    if scheme == "isin":  # a FIGI has the shape of an ISIN of a country BB
        fits = fits & ~text.str.contains(_SHAPES["figi"])
    return pl.when(fits).then(text)


def is_known_shape(text: pl.Expr) -> pl.Expr:
    """Whether the text has the shape of any scheme."""
    return pl.any_horizontal(text.str.contains(shape) for shape in _SHAPES.values())
