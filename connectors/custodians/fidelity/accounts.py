"""Name and address: an account over many records, of which 101 describes it and 103 and 113 name its holders."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.fidelity import records as common
from connectors.custodians.fidelity.records import Header
from connectors.custodians.fidelity.tables import REGISTRATIONS, layout, meant
from connectors.formats.flat import Text
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import Taken

ACCOUNT: Final = "canonical.account"
KEY: Final = ("account_number",)
"""What a file may state once only."""
BEGINS: Final = ("D101",)
"""How the first line of a logical record begins."""

_FIRST: Final = "101"
_NAMES: Final = ("103", "113")
_OTHERS: Final = r"^(?:102|104|107|115|2[0-9][0-3]|3[0-9]0|900|901)$"
"""Records that are known and passed over: addresses, trading authority, affiliations, holders, e-mail, contacts."""
_STATUSES: Final = {"A": "open", "C": "closed"}
_DAYS: Final = ("established_date", "closed_date")
_HOLDERS: Final = (1, 2, 3)
_PERSON: Final = ("first_name", "middle_name", "last_name", "suffix")
_WANTED: Final = (
    Text("account_number", 9, required=True), Text("registration", 4), Text("status", 1), Text("currency", 3),
    *(Text(name, 8) for name in _DAYS),
)  # fmt: skip
_NAME_BYTES: Final = 255


def taken_accounts(lines: pl.DataFrame, header: Header, connection: Connection) -> tuple[Taken, int]:
    """Accounts of whole logical records, and the number of these.

    A record of another account than the 101 before it, or before any, belongs to nothing and is held back.
    """
    number = pl.col("text").str.slice(1, 3)
    field = layout("NABASE", "103").field("account_number")
    account = pl.col("text").str.slice(field.start - 1, field.end - field.start + 1).str.strip_chars(" ")
    marked = lines.with_columns(
        number.alias("number"), account.alias("of_account"), (number == _FIRST).cum_sum().alias("group")
    )
    first = marked.filter(pl.col("number") == _FIRST)
    rest = marked.filter(pl.col("number") != _FIRST).join(
        first.select("group", pl.col("of_account").alias("own_account")), on="group", how="left"
    )
    is_known = pl.col("number").is_in(_NAMES) | pl.col("number").str.contains(_OTHERS)
    is_own = (pl.col("of_account") == pl.col("own_account")).fill_null(False)
    strangers = rest.filter(~is_known)
    orphans = rest.filter(is_known & ~is_own)
    detail = "a record of an account whose first record, 101, is not before it. Ask for the file again."
    rejects = [
        rejected(
            strangers,
            Check("record_number", "unknown_record_type", pl.lit(True), "the record number is not known."),
            ACCOUNT,
        ),
        rejected(orphans, Check("record_number", "missing_value", pl.lit(True), detail), ACCOUNT),
    ]
    named = _names(rest.filter(is_own & pl.col("number").is_in(_NAMES)))
    rows, held = _accounts(first.join(named, on="group", how="left"), header, connection)
    return Taken({ACCOUNT: rows}, (*rejects, held)), first.height + strangers.height + orphans.height


def _names(lines: pl.DataFrame) -> pl.DataFrame:
    """``group`` and ``account_name``: the holders of an account; a business or trust stands where a person would."""
    fields = [Text(f"{name}_{at}", 100) for at in _HOLDERS for name in ("name_type", *_PERSON, "business_name")]
    read, _ = common.read(lines, layout("NABASE", "103"), fields)
    holders = []
    for at in _HOLDERS:
        person = pl.concat_str([pl.col(f"{name}_{at}") for name in _PERSON], separator=" ", ignore_nulls=True)
        kind = pl.col(f"name_type_{at}")
        name = pl.when(kind == "B").then(pl.col(f"business_name_{at}")).when(kind == "P").then(person)
        holders.append(pl.when(name != "").then(name))
    joined = pl.concat_str(holders, separator=" & ", ignore_nulls=True)
    return (
        read.with_columns(joined.alias("holder"))
        .filter(pl.col("holder") != "")
        .group_by("group", maintain_order=True)
        .agg(pl.col("holder").str.join(" & ").alias("account_name"))
    )


def _accounts(lines: pl.DataFrame, header: Header, connection: Connection) -> tuple[pl.DataFrame, pl.DataFrame]:
    read, checks = common.read(lines, layout("NABASE", _FIRST), _WANTED)
    read = common.with_days(read, _DAYS)
    checks += [
        *common.day_checks(_DAYS),
        *common.foreign(connection),
        common.account_check(),
        common.currency_check(),
        Check(
            "account_name", "contract_violation", pl.col("account_name").str.len_bytes() > _NAME_BYTES,
            f"the names of the holders together are longer than {_NAME_BYTES} bytes.",
        ),
    ]  # fmt: skip
    good, rejects = separated(read, checks, ACCOUNT)
    registration = pl.col("registration").str.to_uppercase()
    rows = good.select(
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        pl.col("client").alias("master_account_number"),
        pl.col("account_name"),
        pl.col("registration").str.to_lowercase().alias("account_type"),
        meant(registration, REGISTRATIONS, "tax_status", connection).fill_null("unknown").alias("tax_status"),
        pl.col("status")
        .replace_strict(_STATUSES, default="unknown", return_dtype=pl.String)
        .fill_null("unknown")
        .alias("account_status"),
        common.currency(connection).alias("base_currency"),
        pl.col("established_date:day").alias("opened_date"),
        pl.col("closed_date:day").alias("closed_date"),
        pl.lit(header.created).alias("business_date"),
    )
    return rows, rejects
