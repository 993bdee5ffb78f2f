"""Records of one section: whose they are, in which statement they stand, and which attributes the query left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.ibflex.tables import needs
from connectors.formats.rejects import Check, no_rejects, separated
from connectors.formats.taken import conformed
from connectors.formats.values import Field, checks_of, with_values

_CURRENCY: Final = r"^[A-Z]{3}$"
MAX_ACCOUNT_BYTES: Final = 64


@dataclass(frozen=True)
class Sections:
    """The records of a document.

    Attributes:
        connection: whose feed it is.
        frames: element to its records: ``line``, ``text`` (the offset of the tag, in digits, until quarantine asks
            for the text), ``scope`` (the statement's number), ``account``, ``first_day``, ``last_day`` and the
            attributes of layouts.csv.
        business_date: the latest day of the statements.
        with_executions: numbers of the statements that list executions.
    """

    connection: Connection
    frames: Mapping[str, pl.DataFrame]
    business_date: date
    with_executions: frozenset[int]

    def states_executions(self) -> pl.Expr:
        """Whether the record's statement lists executions."""
        return pl.col("scope").is_in(sorted(self.with_executions))


def framed(elements: pl.DataFrame, statements: pl.DataFrame) -> pl.DataFrame:
    """The elements with their statement's account and days.

    Args:
        elements: of one name, as ``connectors.formats.xml_elements`` gives them.
        statements: ``scope, account, first_day, last_day`` of each statement.
    """
    if elements.is_empty():
        places = {"account": pl.String, "first_day": pl.Date, "last_day": pl.Date, "text": pl.String}
        return elements.with_columns(pl.lit(None, dtype=dtype).alias(name) for name, dtype in places.items())
    own = pl.col("accountId") if "accountId" in elements.columns else pl.lit(None, dtype=pl.String)
    joined = elements.with_columns(pl.col("scope").clip(lower_bound=1)).join(
        statements, on="scope", how="left", maintain_order="left"
    )
    return joined.with_columns(
        pl.coalesce(own, "account").alias("account"), pl.col("start").cast(pl.String).alias("text")
    )


def base_checks(element: str, section: str, connection: Connection) -> list[Check]:
    """What every record of a section must have: the attributes that it needs, an account of ours, a currency."""
    checks = []
    attributes = needs()[element]
    for name, need in attributes.items():
        absent = pl.col("lacks").str.contains(f"|{name}|", literal=True)
        if need == "option":
            continue
        left_out = f"the query leaves {name} out of section {section}. Tick it in the Flex query."
        if need == "column":
            checks.append(Check(name, "missing_value", absent, left_out))
        else:
            said = pl.when(absent).then(pl.lit(left_out)).otherwise(pl.lit(f"{name} is blank."))
            checks.append(Check(name, "missing_value", pl.col(name).is_null(), said))
    if "accountId" in attributes:
        checks += _account_checks(connection)
    if "currency" in attributes:
        detail = "currency is not an ISO 4217 code."
        checks.append(Check("currency", "unknown_code", ~pl.col("currency").str.contains(_CURRENCY), detail))
    return checks


def _account_checks(connection: Connection) -> list[Check]:
    account = pl.col("account")
    found = [
        Check(
            "accountId", "missing_value", account.is_null(), "neither the record nor its statement names an account."
        ),
        Check("accountId", "contract_violation", account.str.len_bytes() > MAX_ACCOUNT_BYTES, "accountId is too long."),
    ]
    if connection.master_accounts:
        foreign = ~account.is_in(list(connection.master_accounts))
        detail = "not an account of this connection; see its master_accounts."
        found.append(Check("accountId", "foreign_account", foreign, detail))
    return found


def held_apart(
    records: pl.DataFrame, fields: Iterable[Field], checks: Sequence[Check], table_name: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The records whose fields hold and which pass the checks, with their typed values; and rejects for the others."""
    fields = list(fields)
    valued = with_values(records, fields)
    return separated(valued, [*checks, *checks_of(fields)], table_name)


def merged(
    rows: pl.DataFrame, key: Sequence[str], sums: Mapping[str, pl.DataType], table_name: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per key: rows of one statement (its models) add up; statements that overlap must agree.

    Args:
        rows: with ``line``, ``text``, ``scope``, the key and the table's columns.
        key: columns that name a row of the table.
        sums: columns that add up, with their dtypes.
        table_name: for the rejects.
    """
    if rows.is_empty():
        return rows, no_rejects()
    if rows.select(pl.struct(key).is_unique().all()).item():
        return rows, no_rejects()
    by = ["scope", *key]
    exact = {name: pl.Decimal(38, dtype.scale) for name, dtype in sums.items() if isinstance(dtype, pl.Decimal)}
    total = [
        pl.when(pl.col(name).is_not_null().all().over(by))
        .then(pl.col(name).cast(exact[name]).sum().over(by))
        .cast(dtype, strict=False)
        .alias(name)
        for name, dtype in sums.items()
    ]
    checks = [
        Check(
            "currency", "duplicate_key", pl.col("currency").n_unique().over(by) > 1,
            "the statement states the same in two currencies.",
        ),
        *(
            Check(name, "number_out_of_range", pl.col(name).is_null() & pl.col(f"{name}:given"), "the sum is too big.")
            for name in sums
        ),
    ]  # fmt: skip
    given = [pl.col(name).is_not_null().all().over(by).alias(f"{name}:given") for name in sums]
    good, rejects = separated(rows.with_columns(*total, *given), checks, table_name)
    summed = good.unique(by, keep="first", maintain_order=True)
    value = pl.struct(*sums, "currency")
    disagrees = Check(
        key[0], "duplicate_key", value != value.first().over(key),
        "an earlier statement of the file says otherwise. Ask which of them is right.",
    )  # fmt: skip
    kept, more = separated(summed, [disagrees], table_name)
    return kept.unique(key, keep="first", maintain_order=True), pl.concat([rejects, more])


def feed_frame(table_name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as the table's feed columns, in the order of their lines."""
    return conformed(table_name, rows.with_columns(pl.col("line").alias("source_line")))
