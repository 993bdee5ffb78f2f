"""The demographics file (TRD, or TRF): accounts. What is personal in it is not read, but for the account's name."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.tda import tables
from connectors.custodians.tda.content import QUOTE, SEPARATOR, Named, is_own
from connectors.formats.flat import Text, Wanted, read_records
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed

ACCOUNT: Final = "canonical.account"
_NAME_BYTES: Final = 255
_WANTED: Final[tuple[Wanted, ...]] = (
    Text("company_name", max_length=_NAME_BYTES),
    Text("first_name", max_length=_NAME_BYTES),
    Text("last_name", max_length=_NAME_BYTES),
    Text("account_number", max_length=64, required=True),
    Text("advisor_id", max_length=64),
    Text("taxable", max_length=12),
    Text("account_type", max_length=32),
)


def taken_accounts(lines: pl.DataFrame, named: Named, connection: Connection) -> Taken:
    """Accounts. A registration that is not known gives a tax status by the taxable flag, or ``unknown``.

    The file does not say whether an account is open, nor since when.
    """
    read, checks = read_records(lines, tables.layout("TRD"), _WANTED, separator=SEPARATOR, quote=QUOTE)
    full = pl.concat_str(["first_name", "last_name"], separator=" ", ignore_nulls=True)
    name = pl.coalesce(pl.col("company_name"), pl.when(full != "").then(full))
    read = read.with_columns(name.alias("account_name"))
    foreign = pl.col("advisor_id").map_batches(lambda s: ~is_own(s, connection), return_dtype=pl.Boolean)
    own = [
        Check(
            "advisor_id", "foreign_account", foreign,
            "the rep code is none of the connection's. Ask why it was delivered, or add it to the connection.",
        ),
        Check(
            "account_name", "contract_violation", pl.col("account_name").str.len_bytes() > _NAME_BYTES,
            f"the name is longer than {_NAME_BYTES} bytes. Compare the record with the layout.",
        ),
    ]  # fmt: skip
    good, rejects = separated(read, [*checks, *own], ACCOUNT)
    flags = tables.meanings(tables.FLAGS, "is_set", connection)
    registrations = tables.meanings(tables.REGISTRATIONS, "tax_status", connection)
    is_taxable = tables.mapped(pl.col("taxable").str.to_uppercase(), flags) == "true"
    rows = good.select(
        pl.col("line").alias("source_line"),
        "account_number",
        pl.coalesce(pl.col("advisor_id"), pl.lit(named.rep)).alias("master_account_number"),
        "account_name",
        pl.col("account_type").str.to_lowercase(),
        pl.coalesce(
            tables.mapped(pl.col("account_type").str.to_uppercase(), registrations),
            pl.when(is_taxable).then(pl.lit("taxable")),
            pl.lit("unknown"),
        ).alias("tax_status"),
        pl.lit("unknown").alias("account_status"),
        pl.lit(connection.base_currency).alias("base_currency"),
        pl.lit(named.day).alias("business_date"),
    )
    return Taken({ACCOUNT: conformed(ACCOUNT, rows)}, (rejects,))
