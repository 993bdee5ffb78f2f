"""Securities as messages name and describe them: field 35B, and the attributes of sequence FIA."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from connectors.custodians.swift.figures import UNITS, day, day_field, rate, typed_fields, units_field
from connectors.formats.codes import CodeTable
from connectors.formats.identifiers import is_isin, is_sedol, whole_cusip
from connectors.formats.rejects import Check
from connectors.formats.taken import conformed, no_rows
from connectors.formats.values import Field, zero
from contracts.vocabularies import ASSET_CLASSES, SECURITY_TYPES

TABLE: Final = "canonical.security"
IDS: Final = ("cusip", "isin", "sedol", "ticker", "provider_security_id")
CLASSIFICATIONS: Final = CodeTable(
    "classifications", Path(__file__).with_name("classifications.csv"), ("prefix",), ("security_type", "asset_class"),
    {"security_type": SECURITY_TYPES, "asset_class": ASSET_CLASSES},
)  # fmt: skip
DESCRIBED: Final = ("classification", "denomination", "maturity_date", "coupon_percent", "pool_factor")
"""Fields of sequence FIA."""

_IDENTITY: Final = ("isin", "cusip", "sedol", "provider_security_id")
_NAME_CHARACTERS: Final = 255
_ID_CHARACTERS: Final = 40
_TICKER_CHARACTERS: Final = 35


def with_ids(records: pl.DataFrame, name: str = "instrument") -> tuple[pl.DataFrame, list[Check]]:
    """The records with identifier columns and ``security_name`` from a 35B, and the checks of it.

    An ISIN must have its true check digit. A local code under /US/ that is a CUSIP and one under /GB/ that is a SEDOL
    are those; /TS/ is a ticker; any other becomes the provider's id, with its country, when there is no ISIN.
    """
    texts = records.select(name).unique().drop_nulls()
    rows = [{name: text, **_read(text)} for text in texts[name]]
    schema = {name: pl.String, "isin_text": pl.String, **dict.fromkeys((*IDS, "security_name"), pl.String)}
    known = pl.DataFrame(rows, schema=schema)
    found = records.join(known, on=name, how="left", maintain_order="left")
    has_none = pl.all_horizontal(pl.col(c).is_null() for c in ("isin_text", *(i for i in IDS if i != "ticker")))
    return found, [
        Check("35B", "missing_value", has_none, "the security has no identifier. Ask the sender what it is."),
        Check(
            "35B",
            "contract_violation",
            pl.col("isin_text").is_not_null() & pl.col("isin").is_null(),
            "the ISIN does not end in its check digit. Ask the sender for the message again.",
        ),
    ]


def _read(text: str) -> dict[str, str | None]:
    ids: dict[str, str | None] = {"isin_text": None, **dict.fromkeys(IDS)}
    names = []
    own = None
    for place, line in enumerate(text.split("\n")):
        line = line.strip()
        if place == 0 and line.startswith("ISIN "):
            ids["isin_text"] = stated = line[5:].strip()
            ids["isin"] = stated if is_isin(stated) else None
        elif len(line) > 4 and line[0] == line[3] == "/" and line[1:3].isascii() and line[1:3].isalpha():
            country, code = line[1:3], line[4:].strip()
            if country == "TS":
                ids["ticker"] = code[:_TICKER_CHARACTERS]
            elif country == "US" and (cusip := whole_cusip(code)):
                ids["cusip"] = cusip
            elif country == "GB" and is_sedol(code):
                ids["sedol"] = code
            else:
                own = own or f"{country}:{code}"[:_ID_CHARACTERS]
        elif line:
            names.append(line)
    if ids["isin_text"] is None and ids["cusip"] is None and ids["sedol"] is None:
        ids["provider_security_id"] = own or (f"TS:{ids['ticker']}" if ids["ticker"] else None)
    fallback = ids["isin_text"] or ids["cusip"] or ids["sedol"] or ids["provider_security_id"]
    return {**ids, "security_name": " ".join(names)[:_NAME_CHARACTERS] or fallback}


def described(records: pl.DataFrame) -> tuple[pl.DataFrame, list[Field]]:
    """The records with the attributes of FIA typed, and their fields."""
    fields = [day_field("maturity_date"), units_field("coupon_percent"), units_field("pool_factor")]
    texts = records.with_columns(
        maturity_date=day("maturity_date"), coupon_percent=rate("coupon_percent"), pool_factor=rate("pool_factor")
    )
    return typed_fields(texts, fields), fields


def security_rows(records: pl.DataFrame, own: Path | None) -> pl.DataFrame:
    """Feed rows of ``canonical.security``, one per security.

    The type follows the CFI code (its first two letters, else the first) where there is one; else what has a face
    amount or a price in percent is a bond, and anything else is "other". A security without a currency of its own has
    that of its price; one without both is not described.

    Args:
        records: ``line``, identifiers, ``security_name``, the attributes as ``described`` gives them,
            ``quantity_type``, ``price_type``, ``price_currency``, ``business_date``, and ``currency`` (or null) to fall
            back on.
        own: the firm's own table of classifications.
    """
    if records.is_empty():
        return no_rows(TABLE)
    codes = CLASSIFICATIONS.rows(own)

    def meaning(column: str) -> pl.Expr:
        table = {code: row[column] for code, row in codes.items()}
        code = pl.col("classification").str.extract(r"([A-Z]{6})$")
        two, one = (code.str.slice(0, n).replace_strict(table, default=None, return_dtype=pl.String) for n in (2, 1))
        return pl.coalesce(two, one)

    is_percent = pl.col("price_type").eq_missing("PRCT")
    is_bond_like = is_percent | pl.col("quantity_type").is_in(["FAMT", "AMOR"])
    kind = pl.coalesce(meaning("security_type"), pl.when(is_bond_like).then(pl.lit("bond")), pl.lit("other"))
    asset = pl.coalesce(meaning("asset_class"), pl.when(is_bond_like).then(pl.lit("fixed_income")), pl.lit("other"))
    is_money = pl.col("price_type").eq_missing("ACTU")
    by_percent = is_percent | (~is_money & (is_bond_like | (pl.col("security_type") == "bond")))
    rows = records.with_columns(
        security_type=kind, asset_class=asset,
        currency=pl.coalesce(pl.col("denomination").str.extract("^([A-Z]{3})$"), "price_currency", "currency"),
        maturity_date="maturity_date:value", coupon_percent="coupon_percent:value",
        pool_factor=pl.when(pl.col("pool_factor:value") != 0).then("pool_factor:value"),
    ).with_columns(
        price_factor=pl.when(by_percent).then(pl.lit("0.01")).otherwise(pl.lit("1")).cast(pl.Decimal(20, UNITS)),
        multiplier=zero(UNITS) + pl.lit("1").cast(pl.Decimal(20, UNITS)),
        source_line="line",
    )  # fmt: skip
    # Where one holding is described in full and another of the same security is not, the full one counts.
    is_bare = pl.col("classification").is_null()
    rows = rows.filter(pl.col("currency").is_not_null()).sort(is_bare, maintain_order=True)
    rows = rows.unique(pl.coalesce(*_IDENTITY), keep="first", maintain_order=True)
    return conformed(TABLE, rows.sort("source_line"))
