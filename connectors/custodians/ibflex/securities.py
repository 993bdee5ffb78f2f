"""Descriptions: accounts and securities."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.custodians.ibflex.fields import (
    IDENTIFIERS,
    UNITS,
    conid_fits,
    day,
    identifiers,
    mapped,
    number,
    unidentified,
    unknown,
)
from connectors.custodians.ibflex.records import Sections, base_checks, feed_frame, held_apart
from connectors.custodians.ibflex.tables import ASSETS, CUSTOMERS, meaning
from connectors.formats.rejects import Check
from connectors.formats.taken import Taken
from connectors.formats.values import typed

ACCOUNT: Final = "canonical.account"
SECURITY: Final = "canonical.security"
_STATED_IN: Final = ("OpenPosition", "Trade", "CashTransaction", "CorporateAction", "Transfer")


def accounts(sections: Sections) -> Taken:
    """Accounts; of several descriptions of one the last statement's counts. A kind of customer that is not in the
    table leaves the tax status unknown."""
    records = sections.frames["AccountInformation"]
    fields = [day("dateOpened"), day("dateClosed")]
    checks = base_checks("AccountInformation", "AccountInformation", sections.connection)
    good, rejects = held_apart(records, fields, checks, ACCOUNT)
    statuses = meaning(CUSTOMERS, "tax_status", sections.connection)
    rows = (
        good.with_columns(
            pl.col("account").alias("account_number"),
            _cut("name", 255).alias("account_name"),
            _cut("accountType", 50).str.to_lowercase().alias("account_type"),
            mapped(pl.col("customerType"), statuses).fill_null("unknown").alias("tax_status"),
            pl.when(typed("dateClosed").is_null()).then(pl.lit("open")).otherwise(pl.lit("closed"))
            .alias("account_status"),
            pl.col("currency").alias("base_currency"),
            typed("dateOpened").alias("opened_date"),
            typed("dateClosed").alias("closed_date"),
            pl.col("last_day").alias("business_date"),
        )
        .sort("business_date", descending=True, maintain_order=True)
        .unique("account_number", keep="first", maintain_order=True)
        .sort("line", maintain_order=True)
    )  # fmt: skip
    return Taken({ACCOUNT: feed_frame(ACCOUNT, rows)}, [rejects])


def securities(sections: Sections) -> Taken:
    """Securities, each once. The currency is its own, else that in which the file states it, else the account's."""
    connection = sections.connection
    records = sections.frames["SecurityInfo"].with_columns(
        pl.col("assetCategory").alias("category"), pl.col("subCategory").fill_null("").alias("sub")
    )
    facts = {name: meaning(ASSETS, name, connection) for name in ("security_type", "asset_class", "price_factor")}
    records = records.with_columns(
        pl.coalesce(mapped(pl.format("{}/{}", "category", "sub"), table), mapped(pl.format("{}/", "category"), table))
        .alias(name)
        for name, table in facts.items()
    )  # fmt: skip
    fields = [number("multiplier", UNITS), day("maturity"), day("expiry"), number("coupon", UNITS)]
    checks = [
        *base_checks("SecurityInfo", "SecuritiesInfo", connection),
        unidentified(),
        conid_fits(),
        unknown("assetCategory", pl.col("assetCategory"), pl.col("security_type"), "assets"),
        Check("multiplier", "number_out_of_range", typed("multiplier") <= 0, "the multiplier must be positive."),
    ]
    currency = pl.col("currency")
    iso = Check("currency", "unknown_code", ~currency.str.contains(r"^[A-Z]{3}$"), "not an ISO 4217 code.")
    checks = [check for check in checks if check.field_name != "currency"] + [iso]
    good, rejects = held_apart(records, fields, checks, SECURITY)
    stated = _currencies(sections)
    base = sections.frames["AccountInformation"]["currency"].drop_nulls()
    default = base[0] if len(base) and str(base[0]).isalpha() and len(str(base[0])) == 3 else connection.base_currency
    is_bond = pl.col("security_type") == "bond"
    rows = good.join(stated, on="conid", how="left", maintain_order="left").with_columns(identifiers())
    rows = rows.with_columns(
        pl.coalesce(currency, "stated", pl.lit(default)).alias("currency"),
        _cut("description", 255).alias("security_name"),
        pl.col("price_factor").cast(UNITS),
        pl.when(is_bond).then(pl.lit(1).cast(UNITS)).otherwise(typed("multiplier").fill_null(1).cast(UNITS))
        .alias("multiplier"),
        pl.coalesce(typed("maturity"), typed("expiry")).alias("maturity_date"),
        typed("coupon").alias("coupon_percent"),
        pl.when(pl.col("issuerCountryCode").str.contains(r"^[A-Z]{2}$")).then("issuerCountryCode")
        .alias("issue_country"),
        pl.lit(sections.business_date).alias("business_date"),
    ).unique(IDENTIFIERS, keep="first", maintain_order=True)  # fmt: skip
    return Taken({SECURITY: feed_frame(SECURITY, rows)}, [rejects])


def _currencies(sections: Sections) -> pl.DataFrame:
    """conid to the currency in which the file first states it: positions before trades, trades before income."""
    parts = [sections.frames[name].select("conid", "currency") for name in _STATED_IN]
    stated = pl.concat(parts).filter(
        pl.col("conid").is_not_null() & pl.col("currency").str.contains(r"^[A-Z]{3}$")
    )  # fmt: skip
    return stated.unique("conid", keep="first", maintain_order=True).rename({"currency": "stated"})


def _cut(name: str, length_bytes: int) -> pl.Expr:
    """The text, cut so that the contract takes it: the contract counts bytes."""
    whole = pl.col(name)
    shares = (1.0, 0.5, 0.25)
    cuts = [whole.str.slice(0, int(length_bytes * share)) for share in shares]
    return pl.coalesce(pl.when(part.str.len_bytes() <= length_bytes).then(part) for part in cuts)
