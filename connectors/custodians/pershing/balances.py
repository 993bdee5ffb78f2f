"""Balances (GMON): cash in dollars by trade and by settlement date, the money fund and what lies on margin.

One form, two signs: in balances ``+`` is a debit, in market values, equity and money funds ``+`` is a credit. Which
way a field counts is the column ``plus`` of ``layouts.csv``. The balance of all account types is the account's cash;
what the margin part has of it is stated beside it. Cash in other currencies is here in dollars alone, so it is taken
from GCUS.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.pershing.envelope import Header
from connectors.custodians.pershing.forms import FORMS
from connectors.custodians.pershing.logical import joined, read_part, sound_records, with_all_lines
from connectors.custodians.pershing.positions import BALANCE, DOLLAR
from connectors.custodians.pershing.tables import counts_for_us
from connectors.formats.flat import Day, Number, Text, Wanted
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken

_FORM: Final = FORMS["GMON"]
_TYPES: Final = {
    ("A", "usd_td_balance_for_all_account_types"): "cash_trade_date",
    ("B", "usd_sd_balance_for_all_account_types"): "cash_settled",
    ("A", "money_market_fund_principal_balance"): "money_market",
    ("2", "type_2_account_usd_td_balance"): "margin",
}
"""Record and field to the kind of balance that it is."""


def taken_balances(lines: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """A row for each balance that an account's record states; its cash by trade date it must state."""
    del connection
    whole, unsound = sound_records(lines, _FORM, BALANCE)
    parts = {letter: [Number(field, 4) for record, field in _TYPES if record == letter] for letter in _FORM.records}
    cash = parts["A"][0]
    parts["A"][0] = Number(cash.name, cash.scale, required=True)
    first: list[Wanted] = [Text("account_number", 64, required=True), Day("date_of_data", required=True)]
    read, checks = read_part(whole, _FORM, "A", [*first, *parts["A"]])
    for letter in _FORM.records[1:]:
        part, more = read_part(whole, _FORM, letter, parts[letter])
        read, checks = joined(read, part), [*checks, *more]
    other_day = pl.col("date_of_data") != header.business_date
    detail = "the record is of another business day than the header."
    good, rejects = separated(read, [*checks, Check("date_of_data", "impossible_date", other_day, detail)], BALANCE)
    rows = [
        good.select(
            pl.col("line").alias("source_line"),
            pl.col("account_number"),
            pl.col("date_of_data").alias("as_of_date"),
            pl.lit(DOLLAR).alias("currency"),
            pl.lit(kind).alias("balance_type"),
            (pl.col(field) * counts_for_us(_FORM.kind, record, field)).cast(pl.Decimal(20, 4)).alias("balance"),
        )
        for (record, field), kind in _TYPES.items()
    ]
    return Taken({BALANCE: pl.concat(rows).drop_nulls("balance")}, (unsound, with_all_lines(rejects, whole)))
