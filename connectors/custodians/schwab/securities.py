"""The security file (SEC): what a security is, and its price."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.schwab import prefix
from connectors.custodians.schwab.envelope import Header
from connectors.custodians.schwab.positions import PRICE, prices
from connectors.custodians.schwab.tables import SECURITY_TYPE_CODES, layout, mapped, rows
from connectors.formats import values
from connectors.formats.fixed_width import cut
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import Taken, misfit
from connectors.formats.values import checks_of, typed, with_values

SECURITY: Final = "canonical.security"
_DESCRIPTIONS: Final = ("description1", "description2", "description3", "description4")
_TYPE_CODES: Final = {"product_category_code": "category", "legacy_security_type": "legacy"}
_NAMES: Final = (
    *prefix.PREFIX_FIELDS, *prefix.IDENTIFIER_FIELDS, *_DESCRIPTIONS, *_TYPE_CODES, "closing_price", "price_date",
)  # fmt: skip
_ATTRIBUTES: Final = ("security_type", "asset_class", "price_factor", "multiplier")


def taken_securities(records: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Securities and prices of D1 records.

    A security whose type is not known is held back rather than guessed: the factor from its price to money would be.
    """
    shaped = cut(records, layout("CRS.SEC", "D1"), _NAMES)
    fields = [
        *prefix.prefix_fields(),
        *prefix.identifier_fields(),
        values.decimal("closing_price", scale=8, unsigned=True),
        values.date("price_date"),
    ]
    read = with_values(shaped.records, fields).with_columns(_type_key(connection), _name())
    read = read.with_columns(_attribute(name, connection) for name in _ATTRIBUTES)
    good, rejects = separated(read, [*checks_of(fields), *_checks(header, connection)], SECURITY)
    price = pl.when(typed("closing_price") > 0).then(typed("closing_price"))
    described = good.select(
        *prefix.identifiers(),
        pl.col("line").alias("source_line"),
        pl.col("security_name"),
        pl.col("security_type"),
        pl.col("asset_class"),
        pl.lit(connection.base_currency).alias("currency"),
        pl.col("price_factor"),
        pl.col("multiplier"),
        pl.lit(header.business_date).alias("business_date"),
        price.alias("price"),
        typed("price_date").alias("price_date"),
    )
    misfits = rejected(shaped.misfits, misfit(), SECURITY)
    return Taken({SECURITY: described, PRICE: prices(described)}, (misfits, rejects))


def _type_key(connection: Connection) -> pl.Expr:
    """The key of the first of the two type codes that the table knows."""
    known = list(rows(SECURITY_TYPE_CODES, connection))
    keys = [pl.lit(f"{kind}/") + pl.col(name).str.to_uppercase() for name, kind in _TYPE_CODES.items()]
    return pl.coalesce(pl.when(key.is_in(known)).then(key) for key in keys).alias("type_key")


def _attribute(name: str, connection: Connection) -> pl.Expr:
    said = {code: row[name] for code, row in rows(SECURITY_TYPE_CODES, connection).items()}
    found = mapped(pl.col("type_key"), said)
    is_number = name in ("price_factor", "multiplier")
    return (found.cast(pl.Decimal(values.PRECISION, 8)) if is_number else found).alias(name)


def _name() -> pl.Expr:
    described = pl.concat_str([pl.col(name) for name in _DESCRIPTIONS], separator=" ", ignore_nulls=True)
    named = pl.when(described != "").then(described)
    return pl.coalesce(named, *(pl.col(n) for n in ("ticker", "cusip", "isin"))).alias("security_name")


def _checks(header: Header, connection: Connection) -> list[Check]:
    category, legacy = pl.col("product_category_code"), pl.col("legacy_security_type")
    has_code = category.is_not_null() | legacy.is_not_null()
    named = "security type {}/{} (category/legacy) is not known. If it is right, add it to security_types.csv."
    nameless = pl.all_horizontal(pl.col(name).is_null() for name in prefix.IDENTIFIER_FIELDS)
    return [
        *prefix.prefix_checks(header, connection),
        Check("schwab_security_number", "missing_value", nameless, "the record identifies no security."),
        Check("description1", "missing_value", pl.col("security_name").is_null(), "the security has no name."),
        Check("product_category_code", "missing_value", ~has_code, "the record has no security type."),
        Check(
            "product_category_code", "unknown_code", has_code & pl.col("type_key").is_null(),
            pl.format(named, category.fill_null(""), legacy.fill_null("")),
        ),
    ]  # fmt: skip
