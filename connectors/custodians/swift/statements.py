"""The heads of MT535 and MT536: whose statement it is, of which day, and whether all of its pages are there."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.swift.accounts import with_account
from connectors.custodians.swift.faults import Messages, failed, merged
from connectors.custodians.swift.figures import day, day_field, typed_fields
from connectors.custodians.swift.layout import gathered
from connectors.formats.rejects import Check

NAMES: Final = (
    "page", "statement_number", "function", "as_of_date", "period", "update_type", "basis", "account", "has_holdings",
)  # fmt: skip
_PAGE: Final = r"^([0-9]{1,5})/(ONLY|MORE|LAST)$"
_FUNCTIONS: Final = {"535": ["NEWM"], "536": ["NEWM", "CANC"]}
UPDATE_TYPES: Final = ("COMP", "DELT")
BASES: Final = ("TRAD", "SETT", "CONT")


def heads_of(own: Messages, mt: str, connection: Connection) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Heads of the sound messages of a type, and the faults of the others: of grammar, head and pages.

    Returns:
        ``message, line, account, as_of_date`` (Date), ``function``, ``update_type``, ``basis``, ``statement`` (Int64:
        counts the file's statements; pages of one share it), and faults.
    """
    readable = own.heads.join(own.grammar, on="message", how="anti", maintain_order="left")
    heads = readable.select("message", begins="line").join(
        gathered(own.fields, "head", ["message"], NAMES),
        on="message", how="left", maintain_order="left",
    ).with_columns(line=pl.coalesce("line", "begins"))  # fmt: skip
    until = pl.col("period").str.extract("/([0-9]{8})$")
    date_field = day_field("as_of_date", required=True)
    heads = typed_fields(heads.with_columns(as_of_date=pl.coalesce(day("as_of_date"), until)), [date_field])
    heads = with_account(heads, connection).with_columns(
        function=pl.col("function").str.extract("^([A-Z]{4})"),
        page_number=pl.col("page").fill_null("1/ONLY").str.extract(_PAGE, 1).cast(pl.Int32),
        page_mark=pl.col("page").fill_null("1/ONLY").str.extract(_PAGE, 2),
    )
    entries = own.records.group_by("message").len("entries")
    heads = heads.join(entries, on="message", how="left", maintain_order="left")
    found = failed(heads, [*_head_checks(mt, connection), *date_field.checks])
    heads = heads.with_columns(as_of_date=pl.col("as_of_date:value")).drop("as_of_date:value")
    heads, pages = _with_statements(heads.join(found, on="message", how="anti", maintain_order="left"), mt)
    found = merged([own.grammar, found, pages])
    return heads.join(pages, on="message", how="anti", maintain_order="left"), found


def _head_checks(mt: str, connection: Connection) -> list[Check]:
    own = list(connection.master_accounts)
    foreign = pl.lit(bool(own)) & ~pl.col("stated_account").is_in(own)
    return [
        Check(
            "23G", "unknown_code", ~pl.col("function").is_in(_FUNCTIONS[mt]).fill_null(False),
            "the function (23G) is none that a statement can be read with.",
        ),
        Check("97A", "missing_value", pl.col("account").is_null(), "the safekeeping account (97A::SAFE) is missing."),
        Check(
            "97A", "contract_violation", pl.col("account").str.len_bytes() > 64, "an account of over 64 characters."
        ),
        Check("97A", "foreign_account", foreign, "not an account of this connection; see its master_accounts."),
        Check("28E", "contract_violation", pl.col("page_mark").is_null(), "28E is not n/ONLY, n/MORE or n/LAST."),
        Check(
            "22F", "unknown_code", ~pl.col("update_type").is_in(UPDATE_TYPES), "22F::CODE is neither COMP nor DELT."
        ),
        Check("22F", "unknown_code", ~pl.col("basis").is_in(BASES), "22F::STBA is none of TRAD, SETT, CONT."),
        Check(
            "17B", "malformed_document", (pl.col("has_holdings") == "N") & (pl.col("entries") > 0),
            "17B::ACTI says that there is nothing, and something follows.",
        ),
    ]  # fmt: skip


def _with_statements(heads: pl.DataFrame, mt: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The heads with ``statement``, and faults of pages whose statement lacks others or stands in the file already."""
    owner = ["account", "as_of_date", "function", "statement_number", "update_type"]
    # The same page once more begins the statement once more.
    heads = heads.with_columns(_copy=pl.int_range(pl.len()).over([*owner, "page_number"]))
    heads = heads.with_columns(statement=pl.struct(*owner, "_copy").rank("dense").cast(pl.Int64))
    in_order = pl.col("page_mark").sort_by("page_number")
    numbers = pl.col("page_number").sort()
    is_whole = (
        (numbers == pl.int_range(1, pl.len() + 1, dtype=pl.Int32)).all()
        & in_order.last().is_in(["ONLY", "LAST"])
        & ((pl.len() == 1) | (in_order.last() == "LAST"))
        & (in_order.slice(0, pl.len() - 1) == "MORE").all()
    )
    statements = heads.group_by("statement").agg(
        is_whole=is_whole, pages=numbers.cast(pl.String).str.join(", "), first=pl.col("message").min()
    )
    heads = heads.join(statements, on="statement", how="left", maintain_order="left")
    again = (pl.col("function") == "NEWM") & (pl.col("first") != pl.col("first").min().over("account", "as_of_date"))
    # A day has one state of an account's holdings; its movements may come in several statements.
    is_again = again & (pl.lit(mt == "535") | (pl.col("_copy") > 0))
    faults = failed(
        heads.with_columns(_again=is_again),
        [
            Check(
                "28E", "truncated_file", ~pl.col("is_whole"),
                pl.format(
                    "pages of the statement are missing; of its pages the file holds {}. Ask for all in one file.",
                    "pages",
                ),
            ),
            Check(
                "97A", "duplicate_key", pl.col("_again"),
                "the file holds a statement of this account and day already. Ask which of them is right.",
            ),
        ],
    )  # fmt: skip
    return heads, faults
