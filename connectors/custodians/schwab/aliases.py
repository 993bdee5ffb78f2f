"""The account map (MXR): which account of TD Ameritrade an account is the continuation of."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.schwab import prefix
from connectors.custodians.schwab.envelope import Header
from connectors.custodians.schwab.tables import layout
from connectors.formats import delimited, values
from connectors.formats.rejects import rejected, separated
from connectors.formats.taken import Taken, misfit
from connectors.formats.values import checks_of, with_values

ALIAS: Final = "canonical.account_alias"
FORMER_ADAPTER: Final = "tda"
_NAMES: Final = ("master_account_number", "tda_rep_code", "account_number", "tda_account_number")


def taken_aliases(records: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Account aliases. The numbers are those that the two connectors give: the right eight here, as written there."""
    shaped = delimited.cut(records, layout("CRS.MXR", "D1"), _NAMES)
    fields = [
        values.text("master_account_number", max_length=64, required=True),
        prefix.account_field(),
        values.text("tda_account_number", max_length=64, required=True),
    ]
    checks = [*checks_of(fields), *prefix.master_checks(connection)]
    good, rejects = separated(with_values(shaped.records, fields), checks, ALIAS)
    rows = good.select(
        pl.col("line").alias("source_line"),
        prefix.account_number(),
        pl.lit(FORMER_ADAPTER).alias("former_adapter"),
        pl.col("tda_account_number").alias("former_account_number"),
        pl.lit(header.business_date).alias("business_date"),
    )
    return Taken({ALIAS: rows}, (rejected(shaped.misfits, misfit(), ALIAS), rejects))
