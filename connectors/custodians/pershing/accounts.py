"""Accounts (ACCT): the registration, tax status and state that record A gives.

An account is all lines of one sequence id, of which only those with content are sent; A alone is read. The others hold
addresses, tax numbers and beneficiaries, so they are kept out of quarantine too.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.pershing.envelope import Header
from connectors.custodians.pershing.forms import FORMS
from connectors.custodians.pershing.logical import read_part, sound_records
from connectors.custodians.pershing.tables import REGISTRATIONS, joined_text, meaning
from connectors.formats.flat import Day, Text, Wanted
from connectors.formats.rejects import separated
from connectors.formats.taken import Taken

ACCOUNT: Final = "canonical.account"

_FORM: Final = FORMS["ACCT"]
_STATES: Final = {"O": "open", "C": "closed"}
"""P is not said to be either."""
_TITLES: Final = tuple(f"title_line_{number}" for number in range(1, 7))
_A: Final[tuple[Wanted, ...]] = (
    Text("account_number", 64, required=True), Text("account_short_name", 10), Text("registration_type", 4),
    *(Text(name, 64) for name in _TITLES), Day("opened_date"), Text("account_status", 1),
)  # fmt: skip


def taken_accounts(lines: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Accounts of one block. A registration or state that is not known gives ``unknown``: no number needs it."""
    whole, unsound = sound_records(lines, _FORM, ACCOUNT)
    read, checks = read_part(whole, _FORM, "A", _A)
    good, rejects = separated(read, checks, ACCOUNT)
    state = pl.col("account_status").replace_strict(_STATES, default=None, return_dtype=pl.String)
    rows = good.select(
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        pl.lit(header.remote_id or None, dtype=pl.String).alias("master_account_number"),
        pl.coalesce(joined_text(_TITLES), "account_short_name").alias("account_name"),
        pl.col("registration_type").str.to_lowercase().alias("account_type"),
        meaning(REGISTRATIONS, connection, pl.col("registration_type"), "tax_status").fill_null("unknown"),
        state.fill_null("unknown").alias("account_status"),
        pl.lit(connection.base_currency).alias("base_currency"),
        pl.col("opened_date"),
        pl.lit(header.business_date).alias("business_date"),
    )
    return Taken({ACCOUNT: rows}, (unsound, rejects))
