"""The account file (ACC): registration, tax status and state of an account."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.schwab import prefix
from connectors.custodians.schwab.envelope import Header
from connectors.custodians.schwab.tables import REGISTRATIONS, layout, mapped
from connectors.formats import values
from connectors.formats.fixed_width import cut
from connectors.formats.rejects import rejected, separated
from connectors.formats.taken import Taken, misfit
from connectors.formats.values import checks_of, typed, with_values

ACCOUNT: Final = "canonical.account"
_TITLES: Final = ("title1", "title2", "title3")
_STATUSES: Final = {"OPEN": "open", "ACTIVE": "open", "CLOSED": "closed"}
_TAXABLE: Final = {"Y": "taxable"}
_NAMES: Final = (
    *prefix.PREFIX_FIELDS, "account_number", *_TITLES, "status", "registration", "date_opened", "taxable_indicator",
)  # fmt: skip


def taken_accounts(records: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Accounts of D1 records. A registration or state that is not known gives ``unknown``: no number needs it."""
    shaped = cut(records, layout("CRS.ACC", "D1"), _NAMES)
    title = pl.concat_str([pl.col(name) for name in _TITLES], separator=" ", ignore_nulls=True)
    read = shaped.records.with_columns(pl.when(title != "").then(title).alias("account_name"))
    fields = [
        *prefix.prefix_fields(),
        prefix.account_field(),
        values.date("date_opened"),
        values.text("account_name", max_length=255),
    ]
    checks = [*checks_of(fields), *prefix.prefix_checks(header, connection)]
    good, rejects = separated(with_values(read, fields), checks, ACCOUNT)
    registration = pl.col("registration").str.to_uppercase()
    rows = good.select(
        pl.col("line").alias("source_line"),
        prefix.account_number(),
        pl.col("master_account_number"),
        pl.col("account_name"),
        pl.col("registration").str.to_lowercase().alias("account_type"),
        pl.coalesce(
            mapped(registration, REGISTRATIONS.meaning("tax_status", connection.codes.get(REGISTRATIONS.name))),
            pl.col("taxable_indicator").replace_strict(_TAXABLE, default="unknown", return_dtype=pl.String),
            pl.lit("unknown"),
        ).alias("tax_status"),
        pl.col("status")
        .str.to_uppercase()
        .replace_strict(_STATUSES, default="unknown", return_dtype=pl.String)
        .fill_null("unknown")
        .alias("account_status"),
        pl.lit(connection.base_currency).alias("base_currency"),
        typed("date_opened").alias("opened_date"),
        pl.lit(None, dtype=pl.Date).alias("closed_date"),
        pl.lit(header.business_date).alias("business_date"),
    )
    return Taken({ACCOUNT: rows}, (rejected(shaped.misfits, misfit(), ACCOUNT), rejects))
