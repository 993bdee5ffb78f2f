"""Securities (ISCA): what a security is, and its newest price.

The public copy of the layout has positions without pictures. Dates are read as CYYMMDD, the factor and the prices of
record F as GCUS and GACT write theirs; what no other form tells (the coupon, call prices) is left alone.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.pershing.envelope import Header
from connectors.custodians.pershing.forms import FORMS
from connectors.custodians.pershing.identifiers import cusip_columns
from connectors.custodians.pershing.logical import joined, read_part, sound_records, span_of, with_all_lines
from connectors.custodians.pershing.tables import SECURITY_TYPE_CODES, meaning
from connectors.formats.codes import code_of
from connectors.formats.flat import Day, Number, Text, Wanted
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken

SECURITY: Final = "canonical.security"
PRICE: Final = "canonical.price"

_FORM: Final = FORMS["ISCA"]
_TYPE: Final = ("security_type", "security_modifier", "security_calculation_codes", "minor_product_code")
_LINES: Final = {
    "C": ("security_description_line1", "security_description_line5"),
    "D": ("security_description_line6", "security_description_line6"),
}
"""Record to the first and last line of the description in it."""
_PRICE: Final = "expanded_latest_price"
_PARTS: Final[dict[str, tuple[Wanted, ...]]] = {
    "A": (Text("cusip_number", 9, required=True), *(Text(name, 3) for name in _TYPE), Day("maturity_on"),
          Text("primary_symbol", 10)),
    "B": (Day("latest_price_date"), Text("country_code", 3)),
    "C": (),
    "D": (Number("factor", 8),),
    "E": (Text("name_of_the_issuer_of_the_security", 32), Text("issuing_currency", 3)),
    "F": (Number(_PRICE, 8),),
    "G": (Text("sedol_code", 32), Text("isin", 12)),
}  # fmt: skip


def taken_securities(lines: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Securities and prices of one block.

    A security whose type is not known is held back rather than guessed: the factor from its price to money would be.
    """
    whole, unsound = sound_records(lines, _FORM, SECURITY)
    read, checks = read_part(whole, _FORM, "A", _PARTS["A"])
    for letter in _FORM.records[1:]:
        part, more = read_part(whole, _FORM, letter, _PARTS[letter])
        if letter in _LINES:
            part = part.with_columns(span_of(_FORM, letter, *_LINES[letter]).alias(f"description_{letter}"))
        read, checks = joined(read, part), [*checks, *more]
    read = read.with_columns(
        code_of(_TYPE).alias("code"),
        pl.coalesce(_name(), "name_of_the_issuer_of_the_security", "cusip_number").alias("security_name"),
        pl.coalesce("issuing_currency", pl.lit(connection.base_currency)).alias("currency"),
        *cusip_columns("cusip_number", connection),
    ).with_columns(
        meaning(SECURITY_TYPE_CODES, connection, pl.col("code"), column).alias(f"{column}_meant")
        for column in SECURITY_TYPE_CODES.meanings
    )
    good, rejects = separated(read, [*checks, *_checks()], SECURITY)
    rows = good.select(_row(header))
    priced = rows.filter(pl.col("price").is_not_null() & pl.col("price_date").is_not_null())
    return Taken({SECURITY: rows, PRICE: priced}, (unsound, with_all_lines(rejects, whole)))


def _name() -> pl.Expr:
    """The description: its lines follow one another without a break, in the middle of a word if need be."""
    lines = pl.concat_str([pl.col("description_C").str.pad_end(100), pl.col("description_D")], ignore_nulls=True)
    text = lines.str.replace_all(" +", " ").str.strip_chars(" ")
    return pl.when(text != "").then(text)


def _checks() -> list[Check]:
    code = pl.col("code")
    is_blank = code.str.strip_chars("/") == ""
    named = "security type {} (type/modifier/calculation/minor product) is not known. Add it to security_types.csv."
    numbers = [
        Check(
            column, "unknown_code", pl.col("security_type_meant").is_not_null() & _number(column).is_null(),
            pl.format("security_types.csv has no " + column + " for {}.", code),
        )
        for column in ("price_factor", "multiplier")
    ]  # fmt: skip
    return [
        Check("security_type", "missing_value", is_blank, "the record has no security type. Ask for it again."),
        Check(
            "security_type", "unknown_code", ~is_blank & pl.col("security_type_meant").is_null(),
            pl.format(named, code),
        ),
        *numbers,
        Check(
            "issuing_currency", "contract_violation", ~pl.col("currency").str.contains("^[A-Z]{3}$"),
            "the currency is not three capital letters. Compare the record with the layout.",
        ),
        Check(
            "cusip_number", "contract_violation",
            pl.col("provider_security_id").is_null() & pl.col("cusip_number").is_not_null(),
            "the number is a currency's: cash is no security.",
        ),
    ]  # fmt: skip


def _number(column: str) -> pl.Expr:
    return pl.col(f"{column}_meant").cast(pl.Decimal(20, 8), strict=False)


def _row(header: Header) -> list[pl.Expr]:
    factor, price = pl.col("factor"), pl.col(_PRICE)
    sedol, country = pl.col("sedol_code"), pl.col("country_code")
    return [
        pl.col("line").alias("source_line"),
        pl.col("cusip"),
        pl.col("isin"),
        pl.when(sedol.str.len_bytes() == 7).then(sedol).alias("sedol"),
        pl.col("primary_symbol").alias("ticker"),
        pl.col("provider_security_id"),
        pl.col("security_name"),
        pl.col("security_type_meant").alias("security_type"),
        pl.col("asset_class_meant").fill_null("other").alias("asset_class"),
        pl.col("currency"),
        _number("price_factor").alias("price_factor"),
        _number("multiplier").alias("multiplier"),
        pl.col("maturity_on").alias("maturity_date"),
        pl.when(factor > 0).then(factor).alias("pool_factor"),
        pl.when(country.str.contains("^[A-Z]{2}$")).then(country).alias("issue_country"),
        pl.lit(header.business_date).alias("business_date"),
        pl.when(price > 0).then(price).alias("price"),
        pl.col("latest_price_date").alias("price_date"),
    ]
